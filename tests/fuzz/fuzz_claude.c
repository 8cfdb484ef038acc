/*
 * Any bytes as a transcript of Claude Code. Every event's body is a JSON object with a key and a session. And a transcript that is read up to any
 * line, forgotten, and gone on with from there after what was read is remembered gives the events that it gives in one piece: so the daemon
 * reads what grows. The first byte chooses the line.
 */
#include "ingest/ingest.h"
#include "base/hash.h"
#include "base/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was given, as one hash: order counts. */
struct given {
	uint64_t hash, count;
	bool mute;
	struct json_doc doc;
};

static void mix(struct given *given, const void *bytes, size_t n)
{
	const uint64_t parts[] = { given->hash, hash_64(n ? bytes : "", n) };

	given->hash = hash_64(parts, sizeof parts);
}

static int take(void *context, const struct raw_event *event, struct err *err)
{
	struct given *given = context;
	const uint64_t numbers[] = { (uint64_t)event->kind, (uint64_t)event->level, (uint64_t)event->time_ms, event->order };
	const struct slice texts[] = { event->source, event->session, event->message, event->key, event->link, event->body };

	if (json_parse(&given->doc, event->body, 0, err) != 0 || json_type_of(&given->doc, 0) != JSON_OBJECT || event->key.len == 0 || event->session.len == 0)
		abort();
	if (given->mute)
		return 0;
	given->count++;
	mix(given, numbers, sizeof numbers);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		mix(given, texts[i].ptr, texts[i].len);
	return 0;
}

/* The lines from first to last; those before first are remembered, and give nothing. */
static void read_lines(struct given *given, const char *text, size_t size, size_t first, size_t last)
{
	struct ingest_options options = { .source = "claude", .name = "fuzz", .emit = take, .context = given };
	struct ingest *ingest = NULL;
	struct err err = { 0 };
	size_t line = 0;

	if (ingest_new(&options, &ingest, &err) != 0)
		abort();
	for (const char *p = text, *end = text + size, *nl; p < end && line < last; p = nl + 1, line++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			break;
		given->mute = line < first;
		if (nl > p && ingest_value(ingest, (struct slice){ p, (size_t)(nl - p) }, line + 1, &err) != 0)
			break;
	}
	ingest_free(ingest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct given whole = { 0 }, pieces = { 0 };
	const char *text = (const char *)data + 1;
	size_t cut = size ? data[0] : 0;

	if (size < 2)
		return 0;
	json_doc_init(&whole.doc);
	json_doc_init(&pieces.doc);
	read_lines(&whole, text, size - 1, 0, SIZE_MAX);
	read_lines(&pieces, text, size - 1, 0, cut);
	read_lines(&pieces, text, size - 1, cut, SIZE_MAX);
	if (whole.hash != pieces.hash || whole.count != pieces.count)
		abort();
	json_doc_done(&whole.doc);
	json_doc_done(&pieces.doc);
	return 0;
}
