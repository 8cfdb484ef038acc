/*
 * OpenCode's classic events, in every wrapping: {id,type,properties} of /event, {directory,payload} and its "sync" copies of
 * /global/event, {hook:"event",args:[…]} of a plugin's log, {id,type,data} of /api/event and of the database.
 */
#include "base/clock.h"
#include "ingest/source.h"
#include <stdio.h>

#define TYPE_MAX_BYTES 256
#define EVENT_WRAP (UINT64_C(1) << 48)

/*
 * The 12 hex digits after "evt_" are (ms * 4096 + counter) mod 2^48, which wraps every 795 days: of the candidates the one nearest to a
 * time that is known is taken.
 */
static void read_clock(struct ingest *in, int32_t id)
{
	struct slice raw = json_raw(&in->doc, id);
	uint64_t low = 0, near = (uint64_t)(in->seen_ms > 0 ? in->seen_ms : clock_wall_ms()) * 4096, order;

	in->order = 0;
	in->event_ms = 0;
	if (raw.len < 18 || memcmp(raw.ptr, "\"evt_", 5) != 0)
		return;
	for (size_t i = 5; i < 17; i++) {
		char c = raw.ptr[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
		if (digit == 16)
			return;
		low = low << 4 | digit;
	}
	order = (near & ~(EVENT_WRAP - 1)) | low;
	if (order > near && order - near > EVENT_WRAP / 2 && order >= EVENT_WRAP)
		order -= EVENT_WRAP;
	else if (near > order && near - order > EVENT_WRAP / 2)
		order += EVENT_WRAP;
	in->order = order;
	in->event_ms = (int64_t)(order / 4096);
}

static inline void note_time(struct ingest *in, int32_t object, const char *key)
{
	int32_t node = json_get(&in->doc, object, key);

	if (node != JSON_NONE)
		ingest_note_time(in, time_of(in, node));
}

/* Times that an event names itself; the clock of its id is unwrapped near them. */
static void note_times(struct ingest *in, int32_t properties)
{
	const struct json_doc *doc = &in->doc;
	int32_t info_time = json_get(doc, json_get(doc, properties, "info"), "time"), part = json_get(doc, properties, "part");

	note_time(in, properties, "time");
	note_time(in, properties, "timestamp");
	note_time(in, info_time, "created");
	note_time(in, info_time, "updated");
	note_time(in, info_time, "completed");
	note_time(in, json_get(doc, part, "time"), "start");
	note_time(in, json_get(doc, json_get(doc, part, "state"), "time"), "start");
}

static int begin_signal(struct ingest *in, int32_t properties, const char *type)
{
	if (!id_set(in, &in->session, json_get(&in->doc, properties, "sessionID")))
		return ingest_say(in, "no session id");
	if (in->event_ms == 0)
		in->event_ms = in->seen_ms;
	buf_clear(&in->message);
	buf_clear(&in->link);
	body_begin(in);
	body_words(in, "type", type);
	body_int(in, "time", in->event_ms);
	return 0;
}

static int end_signal(struct ingest *in, struct err *err)
{
	body_end(in);
	return event_give(in, RECORD_SIGNAL, RECORD_FINAL, in->event_ms, err);
}

static void set_key(struct ingest *in, const char *prefix, struct slice id, const char *suffix)
{
	id_words(&in->key, prefix);
	buf_slice(&in->key, id);
	buf_text(&in->key, suffix);
}

/* "retry:<event id>"; an event without id has its session and time. */
void opencode_event_key(struct ingest *in, const char *prefix, int64_t time_ms)
{
	id_words(&in->key, prefix);
	if (json_text(&in->doc, in->event_id, &in->key) == 0)
		return;
	buf_slice(&in->key, buf_view(&in->session));
	buf_format(&in->key, ":%lld", (long long)time_ms);
}

static int on_session(struct ingest *in, int32_t p, struct err *err)
{
	return opencode_session(in, json_get(&in->doc, p, "info"), err);
}

static int on_deleted(struct ingest *in, int32_t p, struct err *err)
{
	int rc = opencode_session(in, json_get(&in->doc, p, "info"), err);

	if (rc == 0)
		rc = begin_signal(in, p, "delete");
	if (rc != 0)
		return rc;
	set_key(in, "delete:", buf_view(&in->session), "");
	return end_signal(in, err);
}

static int on_message(struct ingest *in, int32_t p, struct err *err)
{
	return opencode_message(in, json_get(&in->doc, p, "info"), err);
}

static int on_part(struct ingest *in, int32_t p, struct err *err)
{
	int64_t time_ms = json_int(&in->doc, json_get(&in->doc, p, "time"), 0);

	return opencode_part(in, json_get(&in->doc, p, "part"), time_ms ? time_ms : in->event_ms, false, err);
}

static int on_removed(struct ingest *in, int32_t p, struct err *err)
{
	int rc = begin_signal(in, p, "removed");

	if (rc != 0 || !id_set(in, &in->message, json_get(&in->doc, p, "messageID")))
		return rc != 0 ? rc : ingest_say(in, "no message id");
	body_text(in, "message", json_get(&in->doc, p, "messageID"));
	set_key(in, "removed:", buf_view(&in->message), "");
	return end_signal(in, err);
}

static int on_idle(struct ingest *in, int32_t p, struct err *err)
{
	int rc = begin_signal(in, p, "idle");

	if (rc != 0)
		return rc;
	set_key(in, "idle:", buf_view(&in->session), "");
	return end_signal(in, err);
}

static int on_status(struct ingest *in, int32_t p, struct err *err)
{
	int32_t status = json_get(&in->doc, p, "status");
	int rc;

	if (!json_string_is(&in->doc, json_get(&in->doc, status, "type"), "retry"))
		return SKIPPED;
	rc = begin_signal(in, p, "retry");
	if (rc != 0)
		return rc;
	body_number(in, "attempt", json_get(&in->doc, status, "attempt"));
	body_text(in, "message", json_get(&in->doc, status, "message"));
	body_number(in, "next", json_get(&in->doc, status, "next"));
	opencode_event_key(in, "retry:", in->event_ms);
	return end_signal(in, err);
}

/* Errors of no session are allowed for. */
static int on_error(struct ingest *in, int32_t p, struct err *err)
{
	int rc = json_get(&in->doc, p, "sessionID") == JSON_NONE ? SKIPPED : begin_signal(in, p, "error");

	if (rc != 0 || !opencode_error_body(in, json_get(&in->doc, p, "error")))
		return rc != 0 ? rc : SKIPPED;
	opencode_event_key(in, "error:", in->event_ms);
	return end_signal(in, err);
}

int opencode_error_event(struct ingest *in, int32_t p, struct err *err)
{
	return on_error(in, p, err);
}

static int on_diff(struct ingest *in, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t diff = json_get(doc, p, "diff");
	int rc;

	if (json_type_of(doc, diff) != JSON_ARRAY || doc->nodes[diff].first == JSON_NONE)
		return SKIPPED;
	rc = begin_signal(in, p, "diff");
	if (rc != 0)
		return rc;
	opencode_diffs(in, "files", diff);
	set_key(in, "diff:", buf_view(&in->session), "");
	return end_signal(in, err);
}

/* permission.asked, question.asked */
static int asked(struct ingest *in, int32_t p, const char *type, const char *const *texts, const char *const *values, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int rc = begin_signal(in, p, type);

	if (rc != 0 || !id_set(in, &in->key, json_get(doc, p, "id")))
		return rc != 0 ? rc : ingest_say(in, "no request id");
	buf_text(&in->key, ":asked");
	body_text(in, "request", json_get(doc, p, "id"));
	for (; *texts; texts++)
		body_text(in, *texts, json_get(doc, p, *texts));
	for (; *values; values++)
		body_json(in, *values, json_get(doc, p, *values));
	body_text(in, "call", json_path(doc, p, "tool.callID"));
	body_text(in, "message", json_path(doc, p, "tool.messageID"));
	(void)id_set(in, &in->message, json_path(doc, p, "tool.messageID"));
	return end_signal(in, err);
}

static int on_permission(struct ingest *in, int32_t p, struct err *err)
{
	static const char *const texts[] = { "permission", NULL }, *const values[] = { "patterns", "metadata", NULL };

	return asked(in, p, "permission", texts, values, err);
}

static int on_question(struct ingest *in, int32_t p, struct err *err)
{
	static const char *const texts[] = { NULL }, *const values[] = { "questions", NULL };

	return asked(in, p, "question", texts, values, err);
}

static int begin_reply(struct ingest *in, int32_t p, const char *type)
{
	int rc = begin_signal(in, p, type);

	if (rc != 0 || !id_set(in, &in->key, json_get(&in->doc, p, "requestID")))
		return rc != 0 ? rc : ingest_say(in, "no request id");
	buf_text(&in->key, ":replied");
	body_text(in, "request", json_get(&in->doc, p, "requestID"));
	return 0;
}

static int on_permission_reply(struct ingest *in, int32_t p, struct err *err)
{
	int rc = begin_reply(in, p, "permission-reply");

	if (rc != 0)
		return rc;
	body_text(in, "reply", json_get(&in->doc, p, "reply"));
	body_text(in, "text", json_get(&in->doc, p, "message"));
	return end_signal(in, err);
}

static int on_question_reply(struct ingest *in, int32_t p, struct err *err)
{
	int rc = begin_reply(in, p, "question-reply");

	if (rc != 0)
		return rc;
	body_words(in, "reply", "answered");
	body_json(in, "answers", json_get(&in->doc, p, "answers"));
	return end_signal(in, err);
}

static int on_question_rejected(struct ingest *in, int32_t p, struct err *err)
{
	int rc = begin_reply(in, p, "question-reply");

	if (rc != 0)
		return rc;
	body_words(in, "reply", "rejected");
	return end_signal(in, err);
}

static int on_nothing(struct ingest *in, int32_t p, struct err *err)
{
	(void)in, (void)p, (void)err;
	return SKIPPED;
}

/* A name that ends in '.' stands for all that begin with it; the first row that fits counts. Most events are of the first two. */
static const struct {
	const char *type;
	int (*handle)(struct ingest *in, int32_t properties, struct err *err);
} events[] = {
	{ "message.part.updated", on_part },
	{ "message.updated", on_message },
	{ "session.created", on_session },
	{ "session.updated", on_session },
	{ "session.deleted", on_deleted },
	{ "session.status", on_status },
	{ "session.idle", on_idle },
	{ "session.error", on_error },
	{ "session.diff", on_diff },
	{ "session.compacted", on_nothing },
	{ "message.removed", on_removed },
	{ "message.part.delta", on_nothing },
	{ "message.part.removed", on_nothing },
	{ "permission.asked", on_permission },
	{ "permission.replied", on_permission_reply },
	{ "question.asked", on_question },
	{ "question.replied", on_question_reply },
	{ "question.rejected", on_question_rejected },
	{ "server.", on_nothing },       { "plugin.", on_nothing },    { "catalog.", on_nothing },   { "reference.", on_nothing },
	{ "integration.", on_nothing },  { "models-dev.", on_nothing }, { "lsp.", on_nothing },      { "mcp.", on_nothing },
	{ "file.", on_nothing },         { "todo.", on_nothing },      { "tui.", on_nothing },       { "pty.", on_nothing },
	{ "vcs.", on_nothing },          { "project.", on_nothing },   { "installation.", on_nothing }, { "workspace.", on_nothing },
	{ "worktree.", on_nothing },     { "command.", on_nothing },   { "global.", on_nothing },    { "ide.", on_nothing },
};

static bool type_fits(const char *row, const char *type)
{
	size_t n = strlen(row);

	return row[n - 1] == '.' ? strncmp(row, type, n) == 0 : strcmp(row, type) == 0;
}

static int dispatch(struct ingest *in, const char *type, int32_t properties, struct err *err)
{
	if (strncmp(type, "session.next.", 13) == 0)
		return opencode_next(in, type + 13, properties, err);
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
		if (type_fits(events[i].type, type))
			return events[i].handle(in, properties, err);
	return UNKNOWN_TYPE;
}

/* "message.updated.1" -> "message.updated" */
static void strip_version(char *type)
{
	char *dot = strrchr(type, '.');

	if (dot && dot[1] >= '0' && dot[1] <= '9' && strspn(dot + 1, "0123456789") == strlen(dot + 1))
		*dot = '\0';
}

/* Down through the wrappers to the event itself. */
static int32_t unwrap(const struct json_doc *doc, int32_t node)
{
	int32_t inner = json_get(doc, node, "payload");

	if (inner != JSON_NONE)
		node = inner;
	inner = json_get(doc, node, "syncEvent");
	if (inner != JSON_NONE)
		return inner;
	inner = json_get(doc, node, "args");
	if (json_get(doc, node, "hook") != JSON_NONE && inner != JSON_NONE)
		return json_string_is(doc, json_get(doc, node, "hook"), "event") && json_type_of(doc, inner) == JSON_ARRAY ? doc->nodes[inner].first
		                                                                                                              : JSON_NONE;
	return node;
}

static bool set_type(struct ingest *in, int32_t node)
{
	struct buf *type = &in->type;

	buf_clear(type);
	if (json_text(&in->doc, node, type) != 0 || type->len > TYPE_MAX_BYTES || memchr(type->data, '\0', type->len))
		return false;
	strip_version(type->data);
	return true;
}

int opencode_event(struct ingest *in, int32_t node, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t event, properties;

	if (json_get(doc, node, "hook") != JSON_NONE && !json_string_is(doc, json_get(doc, node, "hook"), "event"))
		return SKIPPED;
	event = unwrap(doc, node);
	properties = json_get(doc, event, "properties");
	if (properties == JSON_NONE)
		properties = json_get(doc, event, "data");
	if (properties == JSON_NONE || !set_type(in, json_get(doc, event, "type")))
		return NOT_MINE;
	in->event_id = json_get(doc, event, "id");
	ingest_note_time(in, json_int(doc, json_get(doc, node, "t"), 0)); /* of a plugin's log */
	note_times(in, properties);
	read_clock(in, in->event_id);
	return dispatch(in, in->type.data, properties, err);
}
