/* OpenCode's documents: what `opencode export` prints, and what its REST interface answers. */
#include "ingest/source.h"

/* {info,parts}: parts first, so that a finished message finds them there. */
static int message_with_parts(struct ingest *in, int32_t node, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t info = json_get(doc, node, "info"), parts = json_get(doc, node, "parts");
	bool user = json_string_is(doc, json_get(doc, info, "role"), "user");
	int64_t time_ms = json_int(doc, json_path(doc, info, "time.created"), 0);
	int rc = 0;

	for (int32_t p = doc->nodes[parts].first; rc == 0 && p != JSON_NONE; p = doc->nodes[p].next)
		rc = ingest_settle(in, opencode_part(in, p, time_ms, user, err));
	return rc != 0 ? rc : opencode_message(in, info, err);
}

/* A whole export on one line. */
static int messages_of(struct ingest *in, int32_t list, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int rc = 0;

	for (int32_t m = doc->nodes[list].first; rc == 0 && m != JSON_NONE; m = doc->nodes[m].next)
		rc = ingest_settle(in, json_type_of(doc, json_get(doc, m, "parts")) == JSON_ARRAY ? message_with_parts(in, m, err)
		                                                                                  : ingest_say(in, "a message without parts"));
	return rc;
}

static bool is_session(const struct json_doc *doc, int32_t node)
{
	struct slice id = json_raw(doc, json_get(doc, node, "id"));

	return id.len > 5 && memcmp(id.ptr, "\"ses_", 5) == 0 && json_path(doc, node, "time.created") != JSON_NONE;
}

int opencode_document(struct ingest *in, int32_t node, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t info = json_get(doc, node, "info"), parts = json_get(doc, node, "parts"), messages = json_get(doc, node, "messages");
	int rc;

	in->order = 0;
	in->event_ms = 0;
	in->event_id = JSON_NONE;
	if (is_session(doc, node))
		return opencode_session(in, node, err);
	if (json_type_of(doc, info) != JSON_OBJECT)
		return NOT_MINE;
	if (json_type_of(doc, parts) == JSON_ARRAY)
		return message_with_parts(in, node, err);
	if (!is_session(doc, info))
		return NOT_MINE;
	rc = ingest_settle(in, opencode_session(in, info, err));
	return rc == 0 && json_type_of(doc, messages) == JSON_ARRAY ? messages_of(in, messages, err) : rc;
}
