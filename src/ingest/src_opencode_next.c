/*
 * OpenCode's newer runtime: session.next.* events become the same messages and parts. What the later events of a step need to
 * know of the earlier ones is kept per session, for a bounded number of sessions.
 */
#include "ingest/source.h"
#include <stdio.h>

static struct next_session *state_of(struct ingest *in)
{
	struct next_session *oldest = &in->next[0];

	for (size_t i = 0; i < NEXT_SESSIONS; i++) {
		struct next_session *s = &in->next[i];
		if (s->used && strcmp(s->session, in->session.data) == 0) {
			s->used = ++in->next_used;
			return s;
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	memset(oldest, 0, sizeof *oldest);
	snprintf(oldest->session, sizeof oldest->session, "%s", in->session.data);
	oldest->used = ++in->next_used;
	return oldest;
}

static void copy_text(struct ingest *in, int32_t node, char *out, size_t n)
{
	buf_clear(&in->scratch);
	out[0] = '\0';
	if (json_text(&in->doc, node, &in->scratch) == 0 && in->scratch.len > 0)
		snprintf(out, n, "%s", in->scratch.data);
}

static int64_t stamp(struct ingest *in, int32_t p)
{
	return time_of(in, json_get(&in->doc, p, "timestamp"));
}

/* "<message>/<own id>" */
static bool part_key(struct ingest *in, int32_t p, const char *own)
{
	if (!id_set(in, &in->message, json_get(&in->doc, p, "assistantMessageID")))
		return false;
	buf_clear(&in->key);
	buf_slice(&in->key, buf_view(&in->message));
	buf_char(&in->key, '/');
	return json_text(&in->doc, json_get(&in->doc, p, own), &in->key) == 0;
}

static void step_key(struct ingest *in, const char *name)
{
	id_words(&in->key, in->message.data);
	buf_char(&in->key, '/');
	buf_text(&in->key, name);
}

static int on_prompted(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int64_t time_ms = stamp(in, p);
	int rc;

	if (!id_set(in, &in->message, json_get(doc, p, "messageID")))
		return SKIPPED;
	copy_text(in, json_get(doc, p, "messageID"), s->prompt, sizeof s->prompt);
	step_key(in, "prompt");
	body_begin(in);
	body_words(in, "type", "text");
	body_text(in, "text", json_path(doc, p, "prompt.text"));
	body_end(in);
	rc = event_give(in, RECORD_PART, RECORD_FINAL, time_ms, err);
	if (rc != 0)
		return rc;
	id_words(&in->key, in->message.data);
	body_begin(in);
	body_words(in, "role", "user");
	body_int(in, "created", time_ms);
	body_end(in);
	return event_give(in, RECORD_MESSAGE, RECORD_FINAL, time_ms, err);
}

/* p: the event with finish, cost, tokens or error; JSON_NONE while the step runs. */
static int give_assistant(struct ingest *in, const struct next_session *s, int32_t p, int64_t completed_ms, struct err *err)
{
	const struct json_doc *doc = &in->doc;

	id_words(&in->key, in->message.data);
	body_begin(in);
	body_words(in, "role", "assistant");
	body_words(in, "parent", s->prompt);
	body_words(in, "agent", s->agent);
	body_words(in, "model", s->model);
	body_words(in, "provider", s->provider);
	body_words(in, "variant", s->variant);
	body_int(in, "created", s->started_ms);
	if (completed_ms > 0)
		body_int(in, "completed", completed_ms);
	body_text(in, "finish", json_get(doc, p, "finish"));
	body_number(in, "cost", json_get(doc, p, "cost"));
	opencode_tokens(in, json_get(doc, p, "tokens"));
	(void)opencode_error_body(in, json_get(doc, p, "error"));
	body_end(in);
	return event_give(in, RECORD_MESSAGE, completed_ms > 0 ? RECORD_FINAL : RECORD_PARTIAL, s->started_ms, err);
}

static int on_step_started(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int rc;

	if (!id_set(in, &in->message, json_get(doc, p, "assistantMessageID")))
		return SKIPPED;
	s->started_ms = stamp(in, p);
	copy_text(in, json_get(doc, p, "assistantMessageID"), s->message, sizeof s->message);
	copy_text(in, json_get(doc, p, "agent"), s->agent, sizeof s->agent);
	copy_text(in, json_path(doc, p, "model.id"), s->model, sizeof s->model);
	copy_text(in, json_path(doc, p, "model.providerID"), s->provider, sizeof s->provider);
	copy_text(in, json_path(doc, p, "model.variant"), s->variant, sizeof s->variant);
	step_key(in, "step-start");
	body_begin(in);
	body_words(in, "type", "step-start");
	body_end(in);
	rc = event_give(in, RECORD_PART, RECORD_FINAL, s->started_ms, err);
	return rc != 0 ? rc : give_assistant(in, s, JSON_NONE, 0, err);
}

static int on_step_ended(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	if (!id_set(in, &in->message, json_get(&in->doc, p, "assistantMessageID")))
		return SKIPPED;
	if (strcmp(s->message, in->message.data) != 0) /* its start was not seen */
		s->started_ms = stamp(in, p);
	return give_assistant(in, s, p, stamp(in, p), err);
}

/* ---- what begins in one event and ends in another: the body so far is kept by its part's key ---- */

static struct next_open *open_of(struct ingest *in)
{
	struct next_open *oldest = &in->next_open[0];

	for (size_t i = 0; i < NEXT_OPEN; i++) {
		struct next_open *o = &in->next_open[i];
		if (o->used && slice_equal(buf_view(&o->key), buf_view(&in->key)))
			return o;
		if (o->used < oldest->used)
			oldest = o;
	}
	buf_clear(&oldest->key);
	buf_clear(&oldest->body);
	buf_slice(&oldest->key, buf_view(&in->key));
	oldest->used = ++in->next_used;
	return oldest;
}

static void keep_body(struct ingest *in)
{
	struct next_open *o = open_of(in);

	buf_clear(&o->body);
	buf_slice(&o->body, buf_view(&in->body));
}

/* Goes on with the body that was kept; one whose beginning was not seen has its type only. */
static void continue_body(struct ingest *in, const char *type)
{
	struct next_open *o = open_of(in);

	body_begin(in);
	body_words(in, "type", type);
	if (o->body.len > 0) {
		buf_clear(&in->body);
		buf_slice(&in->body, buf_view(&o->body));
	}
	o->used = 0;
}

static int begin_text(struct ingest *in, const char *type, int32_t p, const char *own)
{
	if (!part_key(in, p, own))
		return SKIPPED;
	body_begin(in);
	body_words(in, "type", type);
	body_int(in, "start", stamp(in, p));
	keep_body(in);
	return SKIPPED;
}

static int end_text(struct ingest *in, const char *type, int32_t p, const char *own, struct err *err)
{
	int64_t time_ms = stamp(in, p);

	if (!part_key(in, p, own))
		return SKIPPED;
	continue_body(in, type);
	body_text(in, "text", json_get(&in->doc, p, "text"));
	body_int(in, "end", time_ms);
	body_end(in);
	return event_give(in, RECORD_PART, RECORD_FINAL, time_ms, err);
}

static int on_text_started(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s, (void)err;
	return begin_text(in, "text", p, "textID");
}

static int on_text_ended(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s;
	return end_text(in, "text", p, "textID", err);
}

static int on_reasoning_started(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s, (void)err;
	return begin_text(in, "reasoning", p, "reasoningID");
}

static int on_reasoning_ended(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s;
	return end_text(in, "reasoning", p, "reasoningID", err);
}

static int on_tool_called(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;

	(void)s;
	if (!part_key(in, p, "callID"))
		return SKIPPED;
	body_begin(in);
	body_words(in, "type", "tool");
	body_text(in, "tool", json_get(doc, p, "tool"));
	body_text(in, "call", json_get(doc, p, "callID"));
	body_json(in, "input", json_get(doc, p, "input"));
	body_int(in, "start", stamp(in, p));
	keep_body(in);
	body_words(in, "status", "running");
	body_end(in);
	return event_give(in, RECORD_PART, RECORD_PARTIAL, stamp(in, p), err);
}

/* The texts of a tool's content, a line each. */
static void write_content(struct ingest *in, int32_t content)
{
	const struct json_doc *doc = &in->doc;
	bool first = true;

	if (json_type_of(doc, content) != JSON_ARRAY)
		return;
	buf_clear(&in->scratch);
	for (int32_t c = doc->nodes[content].first; c != JSON_NONE; c = doc->nodes[c].next) {
		if (!first)
			buf_char(&in->scratch, '\n');
		first = json_text(doc, json_get(doc, c, "text"), &in->scratch) != 0 && first;
	}
	jw_key(&in->out, "output");
	jw_string(&in->out, buf_view(&in->scratch));
}

static int on_tool_success(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t exit_code = json_path(doc, p, "structured.exit");

	(void)s;
	if (!part_key(in, p, "callID"))
		return SKIPPED;
	continue_body(in, "tool");
	body_words(in, "status", "completed");
	write_content(in, json_get(doc, p, "content"));
	if (json_type_of(doc, json_get(doc, p, "structured")) == JSON_OBJECT)
		body_json(in, "metadata", json_get(doc, p, "structured"));
	if (json_type_of(doc, exit_code) == JSON_NUMBER || json_type_of(doc, exit_code) == JSON_NULL)
		body_json(in, "exit", exit_code);
	body_int(in, "end", stamp(in, p));
	body_end(in);
	return event_give(in, RECORD_PART, RECORD_FINAL, stamp(in, p), err);
}

static int on_tool_failed(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s;
	if (!part_key(in, p, "callID"))
		return SKIPPED;
	continue_body(in, "tool");
	body_words(in, "status", "error");
	body_text(in, "error", json_path(&in->doc, p, "error.message"));
	body_int(in, "end", stamp(in, p));
	body_end(in);
	return event_give(in, RECORD_PART, RECORD_FINAL, stamp(in, p), err);
}

static int on_retried(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	int64_t time_ms = stamp(in, p);

	(void)s;
	buf_clear(&in->message);
	buf_clear(&in->key);
	buf_format(&in->key, "retry:%s:%lld", in->session.data, (long long)time_ms);
	body_begin(in);
	body_words(in, "type", "retry");
	body_int(in, "time", time_ms);
	body_number(in, "attempt", json_get(&in->doc, p, "attempt"));
	body_text(in, "message", json_path(&in->doc, p, "error.message"));
	body_end(in);
	return event_give(in, RECORD_SIGNAL, RECORD_FINAL, time_ms, err);
}

static const struct {
	const char *type; /* behind "session.next." */
	int (*handle)(struct ingest *in, struct next_session *s, int32_t properties, struct err *err);
} next_events[] = {
	{ "prompted", on_prompted },
	{ "step.started", on_step_started },
	{ "step.ended", on_step_ended },
	{ "step.failed", on_step_ended },
	{ "text.started", on_text_started },
	{ "text.ended", on_text_ended },
	{ "reasoning.started", on_reasoning_started },
	{ "reasoning.ended", on_reasoning_ended },
	{ "tool.called", on_tool_called },
	{ "tool.success", on_tool_success },
	{ "tool.failed", on_tool_failed },
	{ "retried", on_retried },
};
static const char *const next_skipped[] = {
	"prompt.", "text.delta", "reasoning.delta", "tool.input.", "tool.progress", "shell.", "compaction.", "revert.", "agent.", "model.", "synthetic",
};

int opencode_next(struct ingest *in, const char *type, int32_t properties, struct err *err)
{
	if (!id_set(in, &in->session, json_get(&in->doc, properties, "sessionID")))
		return SKIPPED;
	buf_clear(&in->link);
	for (size_t i = 0; i < sizeof next_events / sizeof next_events[0]; i++)
		if (strcmp(next_events[i].type, type) == 0)
			return next_events[i].handle(in, state_of(in), properties, err);
	for (size_t i = 0; i < sizeof next_skipped / sizeof next_skipped[0]; i++)
		if (strncmp(next_skipped[i], type, strlen(next_skipped[i])) == 0)
			return SKIPPED;
	return UNKNOWN_TYPE;
}
