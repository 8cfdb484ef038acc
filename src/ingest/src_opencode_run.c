/*
 * What `opencode run --format json` prints: parts, without the messages that they belong to. The message of a step is made of
 * its first and last line; the user's prompt is not in there.
 */
#include "ingest/source.h"
#include <stdio.h>

/*
 * completed_ms: 0 while the step runs. Never final: the agent's own message, through another channel, replaces this one and is
 * never replaced by it.
 */
static int give_message(struct ingest *in, int32_t part, int64_t completed_ms, struct err *err)
{
	const struct json_doc *doc = &in->doc;

	(void)id_set(in, &in->key, json_get(doc, part, "messageID"));
	buf_clear(&in->link);
	body_begin(in);
	body_words(in, "role", "assistant");
	body_int(in, "created", in->run_started_ms);
	if (completed_ms > 0) {
		body_int(in, "completed", completed_ms);
		body_text(in, "finish", json_get(doc, part, "reason"));
		body_number(in, "cost", json_get(doc, part, "cost"));
		opencode_tokens(in, json_get(doc, part, "tokens"));
	}
	body_end(in);
	return event_give(in, RECORD_MESSAGE, completed_ms > 0 ? RECORD_PROGRESS : RECORD_PARTIAL, in->run_started_ms, err);
}

static int start_message(struct ingest *in, int32_t part, int64_t time_ms, struct err *err)
{
	snprintf(in->run_message, sizeof in->run_message, "%s", in->message.data);
	in->run_started_ms = time_ms;
	return give_message(in, part, 0, err);
}

static int finish_message(struct ingest *in, int32_t part, int64_t time_ms, struct err *err)
{
	if (strcmp(in->message.data, in->run_message) != 0) /* its start was not seen */
		in->run_started_ms = time_ms;
	return give_message(in, part, time_ms, err);
}

int opencode_run(struct ingest *in, int32_t node, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int64_t time_ms = json_int(doc, json_get(doc, node, "timestamp"), 0);
	int32_t part, type;
	int rc;

	if (time_ms <= 0 || json_get(doc, node, "sessionID") == JSON_NONE)
		return NOT_MINE;
	part = json_get(doc, node, "part");
	type = json_get(doc, node, "type");
	in->order = 0;
	in->event_ms = time_ms;
	in->event_id = JSON_NONE;
	if (json_string_is(doc, type, "error"))
		return opencode_error_event(in, node, err);
	if (json_type_of(doc, part) != JSON_OBJECT)
		return UNKNOWN_TYPE;
	rc = opencode_part(in, part, time_ms, false, err);
	if (rc != 0)
		return rc;
	if (json_string_is(doc, type, "step_start"))
		return start_message(in, part, time_ms, err);
	return json_string_is(doc, type, "step_finish") ? finish_message(in, part, time_ms, err) : 0;
}
