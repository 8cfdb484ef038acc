/*
 * What `opencode run --format json` prints: parts, without the messages that they belong to. The message of a step is made of
 * its first and last line; the user's prompt is not in there.
 */
#include "ingest/source.h"
#include <stdio.h>

static void run_message_body(struct ingest *in, int32_t part, int64_t time_ms)
{
	const struct json_doc *doc = &in->doc;

	body_begin(in);
	body_words(in, "role", "assistant");
	body_int(in, "created", in->run_started_ms);
	body_int(in, "completed", time_ms);
	body_text(in, "finish", json_get(doc, part, "reason"));
	body_number(in, "cost", json_get(doc, part, "cost"));
	opencode_tokens(in, json_get(doc, part, "tokens"));
	body_end(in);
}

/* The order of a document: a real message record, from the database or an event, replaces this one. */
static int finish_message(struct ingest *in, int32_t part, int64_t time_ms, struct err *err)
{
	(void)id_set(in, &in->message, json_get(&in->doc, part, "messageID"));
	(void)id_set(in, &in->key, json_get(&in->doc, part, "messageID"));
	buf_clear(&in->link);
	if (in->message.len == 0 || strcmp(in->message.data, in->run_message) != 0)
		in->run_started_ms = time_ms;
	run_message_body(in, part, time_ms);
	return event_give(in, RECORD_MESSAGE, RECORD_FINAL, in->run_started_ms, err);
}

int opencode_run(struct ingest *in, int32_t node, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t part = json_get(doc, node, "part"), type = json_get(doc, node, "type");
	int64_t time_ms = json_int(doc, json_get(doc, node, "timestamp"), 0);
	int rc;

	if (json_type_of(doc, part) != JSON_OBJECT || time_ms == 0)
		return json_get(doc, node, "timestamp") != JSON_NONE && json_get(doc, node, "sessionID") != JSON_NONE ? SKIPPED : NOT_MINE;
	in->order = 0;
	in->event_ms = time_ms;
	rc = opencode_part(in, part, time_ms, false, err);
	if (rc < 0)
		return rc;
	if (json_string_is(doc, type, "step_start") && in->message.len > 0) {
		snprintf(in->run_message, sizeof in->run_message, "%s", in->message.data);
		in->run_started_ms = time_ms;
	}
	return json_string_is(doc, type, "step_finish") ? finish_message(in, part, time_ms, err) : rc;
}
