/*
 * Any bytes, in any chunks: no crash, and one event body is always a JSON object. The first byte chooses the size of the chunks.
 */
#include "ingest/ingest.h"
#include "base/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check_event(void *context, const struct raw_event *event, struct err *err)
{
	struct json_doc *doc = context;

	if (json_parse(doc, event->body, 0, err) != 0 || json_type_of(doc, 0) != JSON_OBJECT || event->key.len == 0 || event->session.len == 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc doc;
	struct ingest_options options = { .name = "fuzz", .emit = check_event, .context = &doc };
	struct ingest *ingest = NULL;
	struct err err = { 0 };
	size_t chunk = size ? (size_t)data[0] + 1 : 1;

	json_doc_init(&doc);
	if (ingest_new(&options, &ingest, &err) != 0)
		abort();
	for (size_t at = 1; at < size; at += chunk) {
		size_t n = size - at < chunk ? size - at : chunk;
		if (ingest_feed(ingest, (struct slice){ (const char *)data + at, n }, &err) != 0)
			break;
	}
	(void)ingest_finish(ingest, &err);
	ingest_free(ingest);
	json_doc_done(&doc);
	return 0;
}
