/* Reads back what `lfspool export` prints. It is redacted once more on its way in. */
#include "ingest/source.h"
#include <stdlib.h>

static uint64_t order_of(struct ingest *in, int32_t node)
{
	char *text = json_strdup(&in->doc, node, 32);
	uint64_t order = text ? strtoull(text, NULL, 10) : 0;

	free(text);
	return order;
}

int lfspool_record(struct ingest *in, int32_t node, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	struct buf source;
	struct raw_event event = { 0 };
	enum record_kind kind;
	int32_t body;
	int64_t level;
	int rc;

	if (json_get(doc, node, "lf") == JSON_NONE)
		return NOT_MINE;
	body = json_get(doc, node, "body");
	level = json_int(doc, json_get(doc, node, "level"), 0);
	buf_init(&source, 256);
	buf_clear(&in->scratch);
	if (json_int(doc, json_get(doc, node, "lf"), 0) != 1 || json_type_of(doc, body) != JSON_OBJECT || level < 1 || level > 3 ||
	    json_text(doc, json_get(doc, node, "kind"), &in->scratch) != 0 || record_kind_parse(buf_view(&in->scratch), &kind) != 0 ||
	    json_text(doc, json_get(doc, node, "src"), &source) != 0 || !id_set(in, &in->session, json_get(doc, node, "session")) ||
	    !id_set(in, &in->key, json_get(doc, node, "key"))) {
		buf_done(&source);
		return ingest_say(in, "not a record of a version that is known");
	}
	(void)id_set(in, &in->message, json_get(doc, node, "message"));
	(void)id_set(in, &in->link, json_get(doc, node, "link"));
	event = (struct raw_event){
		.kind = kind, .level = (enum record_level)level, .source = buf_view(&source), .session = buf_view(&in->session),
		.message = buf_view(&in->message), .key = buf_view(&in->key), .link = buf_view(&in->link),
		.time_ms = json_int(doc, json_get(doc, node, "time"), 0), .order = order_of(in, json_get(doc, node, "order")),
		.body = json_raw(doc, body),
	};
	in->counts.events++;
	rc = in->options.emit(in->options.context, &event, err);
	buf_done(&source);
	return rc;
}
