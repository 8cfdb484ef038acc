/*
 * OpenCode's newer runtime: session.next.* events become the same messages and parts. What the later events of a step need to
 * know of the earlier ones is kept per session, for a bounded number of sessions.
 */
#include "ingest/source.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define SESSIONS 256
#define OPEN_PARTS 512
#define OPEN_INPUT_BYTES (2 * (size_t)INGEST_MAX_VALUE_BYTES) /* inputs of tools that run, together */

struct next_session {
	char session[80], prompt[80], message[80];
	int64_t started_ms;
	char agent[64], model[128], provider[128], variant[64];
	uint64_t used;
};

/* The beginning of a part whose end comes in a later event. */
struct open_part {
	struct buf key, tool, input; /* tool and input: JSON values */
	int64_t start_ms;
	struct command_made made;
	uint64_t used;               /* 0: free */
};

struct next_state {
	struct next_session sessions[SESSIONS];
	struct open_part parts[OPEN_PARTS];
	size_t input_bytes;
	uint64_t clock;              /* of use: the least recently used makes room */
};

struct next_state *next_new(void)
{
	return xcalloc(1, sizeof(struct next_state));
}

void next_free(struct next_state *state)
{
	for (size_t i = 0; i < OPEN_PARTS; i++) {
		buf_done(&state->parts[i].key);
		buf_done(&state->parts[i].tool);
		buf_done(&state->parts[i].input);
	}
	free(state);
}

static struct next_session *state_of(struct ingest *in)
{
	struct next_state *state = in->next;
	struct next_session *oldest = &state->sessions[0];

	for (size_t i = 0; i < SESSIONS; i++) {
		struct next_session *s = &state->sessions[i];
		if (s->used && strcmp(s->session, in->session.data) == 0) {
			s->used = ++state->clock;
			return s;
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	memset(oldest, 0, sizeof *oldest);
	snprintf(oldest->session, sizeof oldest->session, "%s", in->session.data);
	oldest->used = ++state->clock;
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

/* A part of the prompt; its key is "<message>/<name>-<number>". */
static int give_attachment(struct ingest *in, int32_t item, bool file, unsigned number, int64_t time_ms, struct err *err)
{
	const struct json_doc *doc = &in->doc;

	step_key(in, file ? "file-" : "agent-");
	buf_format(&in->key, "%u", number);
	body_begin(in);
	body_words(in, "type", file ? "file" : "agent");
	if (file) {
		body_text(in, "mime", json_get(doc, item, "mime"));
		body_text(in, "filename", json_get(doc, item, "name"));
		body_text(in, "url", json_get(doc, item, "uri"));
	} else {
		body_text(in, "name", json_get(doc, item, "name"));
	}
	body_end(in);
	return event_give(in, RECORD_PART, RECORD_FINAL, time_ms, err);
}

static int give_attachments(struct ingest *in, int32_t list, bool file, int64_t time_ms, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	unsigned number = 0;
	int rc = 0;

	if (json_type_of(doc, list) != JSON_ARRAY)
		return 0;
	for (int32_t i = doc->nodes[list].first; rc == 0 && i != JSON_NONE; i = doc->nodes[i].next)
		rc = give_attachment(in, i, file, ++number, time_ms, err);
	return rc;
}

static int on_prompted(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int64_t time_ms = stamp(in, p);
	int rc;

	if (!id_set(in, &in->message, json_get(doc, p, "messageID")))
		return ingest_say(in, "no message id");
	copy_text(in, json_get(doc, p, "messageID"), s->prompt, sizeof s->prompt);
	step_key(in, "prompt");
	body_begin(in);
	body_words(in, "type", "text");
	body_text(in, "text", json_path(doc, p, "prompt.text"));
	body_end(in);
	rc = event_give(in, RECORD_PART, RECORD_FINAL, time_ms, err);
	if (rc == 0)
		rc = give_attachments(in, json_path(doc, p, "prompt.files"), true, time_ms, err);
	if (rc == 0)
		rc = give_attachments(in, json_path(doc, p, "prompt.agents"), false, time_ms, err);
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
		return ingest_say(in, "no message id");
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

static int give_step_finish(struct ingest *in, int32_t p, int64_t time_ms, struct err *err)
{
	const struct json_doc *doc = &in->doc;

	step_key(in, "step-finish");
	body_begin(in);
	body_words(in, "type", "step-finish");
	body_text(in, "reason", json_get(doc, p, "finish"));
	body_number(in, "cost", json_get(doc, p, "cost"));
	opencode_tokens(in, json_get(doc, p, "tokens"));
	body_end(in);
	return event_give(in, RECORD_PART, RECORD_FINAL, time_ms, err);
}

/* step.ended and step.failed */
static int on_step_ended(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	int64_t time_ms = stamp(in, p);
	int rc = 0;

	if (!id_set(in, &in->message, json_get(&in->doc, p, "assistantMessageID")))
		return ingest_say(in, "no message id");
	if (strcmp(s->message, in->message.data) != 0) { /* its start was not seen */
		s->started_ms = time_ms;
		s->agent[0] = s->model[0] = s->provider[0] = s->variant[0] = '\0';
	}
	if (json_get(&in->doc, p, "error") == JSON_NONE)
		rc = give_step_finish(in, p, time_ms, err);
	return rc != 0 ? rc : give_assistant(in, s, p, time_ms, err);
}

/* ---- what begins in one event and ends in another ---- */

/* The open part with the key at hand; NULL when there is none. */
static struct open_part *find_open(struct ingest *in)
{
	for (size_t i = 0; i < OPEN_PARTS; i++) {
		struct open_part *part = &in->next->parts[i];
		if (part->used && slice_equal(buf_view(&part->key), buf_view(&in->key)))
			return part;
	}
	return NULL;
}

static struct open_part *oldest_open(struct next_state *state)
{
	struct open_part *oldest = &state->parts[0];

	for (size_t i = 1; i < OPEN_PARTS; i++)
		if (state->parts[i].used < oldest->used)
			oldest = &state->parts[i];
	return oldest;
}

static void drop_input(struct next_state *state, struct open_part *part)
{
	state->input_bytes -= part->input.len;
	buf_done(&part->input);
}

static void close_open(struct ingest *in, struct open_part *part)
{
	if (!part)
		return;
	drop_input(in->next, part);
	part->used = 0;
}

static struct open_part *begin_open(struct ingest *in, int64_t start_ms)
{
	struct open_part *part = find_open(in);

	if (!part)
		part = oldest_open(in->next);
	close_open(in, part);
	buf_clear(&part->key);
	buf_clear(&part->tool);
	buf_slice(&part->key, buf_view(&in->key));
	part->start_ms = start_ms;
	part->made = (struct command_made){ 0 };
	part->used = ++in->next->clock;
	return part;
}

/* The oldest inputs make room: their tools end without one. */
static void keep_input(struct ingest *in, struct open_part *part, int32_t input)
{
	struct next_state *state = in->next;

	json_compact(json_raw(&in->doc, input), &part->input);
	state->input_bytes += part->input.len;
	while (state->input_bytes > OPEN_INPUT_BYTES) {
		struct open_part *victim = part;
		for (size_t i = 0; i < OPEN_PARTS; i++)
			if (state->parts[i].input.len > 0 && state->parts[i].used < victim->used)
				victim = &state->parts[i];
		drop_input(state, victim);
	}
}

static int begin_text(struct ingest *in, int32_t p, const char *own)
{
	if (!part_key(in, p, own))
		return ingest_say(in, "no message id or part id");
	(void)begin_open(in, stamp(in, p));
	return SKIPPED;
}

static int end_text(struct ingest *in, const char *type, int32_t p, const char *own, struct err *err)
{
	int64_t time_ms = stamp(in, p);
	struct open_part *part;

	if (!part_key(in, p, own))
		return ingest_say(in, "no message id or part id");
	part = find_open(in);
	body_begin(in);
	body_words(in, "type", type);
	body_text(in, "text", json_get(&in->doc, p, "text"));
	if (part)
		body_int(in, "start", part->start_ms);
	body_int(in, "end", time_ms);
	body_end(in);
	close_open(in, part);
	return event_give(in, RECORD_PART, RECORD_FINAL, time_ms, err);
}

static int on_text_started(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s, (void)err;
	return begin_text(in, p, "textID");
}

static int on_text_ended(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s;
	return end_text(in, "text", p, "textID", err);
}

static int on_reasoning_started(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s, (void)err;
	return begin_text(in, p, "reasoningID");
}

static int on_reasoning_ended(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	(void)s;
	return end_text(in, "reasoning", p, "reasoningID", err);
}

/* Up to the input. part: NULL when the call was not seen. */
static void begin_tool_body(struct ingest *in, const struct open_part *part, int32_t p, const char *status)
{
	body_begin(in);
	body_words(in, "type", "tool");
	if (part && part->tool.len > 0) {
		jw_key(&in->out, "tool");
		jw_raw(&in->out, buf_view(&part->tool));
	}
	body_text(in, "call", json_get(&in->doc, p, "callID"));
	body_words(in, "status", status);
	if (part && part->input.len > 0) {
		jw_key(&in->out, "input");
		jw_raw(&in->out, buf_view(&part->input));
	}
}

static int on_tool_called(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t tool = json_get(doc, p, "tool");
	struct open_part *part;

	(void)s;
	if (!part_key(in, p, "callID"))
		return ingest_say(in, "no message id or call id");
	part = begin_open(in, stamp(in, p));
	part->made = opencode_makes(in, tool, json_path(doc, p, "input.command"));
	buf_slice(&part->tool, json_raw(doc, tool));
	keep_input(in, part, json_get(doc, p, "input"));
	begin_tool_body(in, part, p, "running");
	body_int(in, "start", part->start_ms);
	body_end(in);
	return event_give(in, RECORD_PART, RECORD_PARTIAL, part->start_ms, err);
}

/* The texts of a tool's content, a line each. */
static void write_output(struct ingest *in, int32_t content)
{
	const struct json_doc *doc = &in->doc;
	bool first = true;

	if (json_type_of(doc, content) != JSON_ARRAY)
		return;
	buf_clear(&in->scratch);
	for (int32_t c = doc->nodes[content].first; c != JSON_NONE; c = doc->nodes[c].next) {
		int32_t text = json_get(doc, c, "text");
		if (json_type_of(doc, text) != JSON_STRING)
			continue;
		if (!first)
			buf_char(&in->scratch, '\n');
		first = false;
		(void)json_text(doc, text, &in->scratch);
	}
	jw_key(&in->out, "output");
	jw_string(&in->out, buf_view(&in->scratch));
}

/* What a tool gave that is no text. */
static void write_attachments(struct ingest *in, int32_t content)
{
	const struct json_doc *doc = &in->doc;
	bool open = false;

	if (json_type_of(doc, content) != JSON_ARRAY)
		return;
	for (int32_t c = doc->nodes[content].first; c != JSON_NONE; c = doc->nodes[c].next) {
		if (json_type_of(doc, json_get(doc, c, "text")) == JSON_STRING)
			continue;
		if (!open) {
			jw_key(&in->out, "attachments");
			jw_array(&in->out);
			open = true;
		}
		buf_clear(&in->scratch);
		json_compact(json_raw(doc, c), &in->scratch);
		jw_raw(&in->out, buf_view(&in->scratch));
	}
	if (open)
		jw_array_close(&in->out);
}

static void write_times(struct ingest *in, const struct open_part *part, int64_t end_ms)
{
	if (part)
		body_int(in, "start", part->start_ms);
	body_int(in, "end", end_ms);
}

static int end_tool(struct ingest *in, struct open_part *part, int64_t time_ms, struct err *err)
{
	body_end(in);
	close_open(in, part);
	return event_give(in, RECORD_PART, RECORD_FINAL, time_ms, err);
}

static int on_tool_success(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t exit_code = json_path(doc, p, "structured.exit");
	int64_t time_ms = stamp(in, p);
	struct open_part *part;

	(void)s;
	if (!part_key(in, p, "callID"))
		return ingest_say(in, "no message id or call id");
	part = find_open(in);
	begin_tool_body(in, part, p, "completed");
	write_output(in, json_get(doc, p, "content"));
	if (json_type_of(doc, json_get(doc, p, "structured")) == JSON_OBJECT)
		body_json(in, "metadata", json_get(doc, p, "structured"));
	if (json_type_of(doc, exit_code) == JSON_NUMBER || json_type_of(doc, exit_code) == JSON_NULL)
		body_json(in, "exit", exit_code);
	write_times(in, part, time_ms);
	if (part)
		body_made(in, part->made);
	write_attachments(in, json_get(doc, p, "content"));
	return end_tool(in, part, time_ms, err);
}

static int on_tool_failed(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	int64_t time_ms = stamp(in, p);
	struct open_part *part;

	(void)s;
	if (!part_key(in, p, "callID"))
		return ingest_say(in, "no message id or call id");
	part = find_open(in);
	begin_tool_body(in, part, p, "error");
	body_text(in, "error", json_path(&in->doc, p, "error.message"));
	write_times(in, part, time_ms);
	return end_tool(in, part, time_ms, err);
}

static int on_retried(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	int64_t time_ms = stamp(in, p);

	(void)s;
	buf_clear(&in->message);
	opencode_event_key(in, "retry:", time_ms);
	body_begin(in);
	body_words(in, "type", "retry");
	body_int(in, "time", time_ms);
	body_number(in, "attempt", json_get(&in->doc, p, "attempt"));
	body_text(in, "message", json_path(&in->doc, p, "error.message"));
	body_end(in);
	return event_give(in, RECORD_SIGNAL, RECORD_FINAL, time_ms, err);
}

/* A compaction is no message that anything answers here: it is a part of the prompt that it happened under. */
static int on_compacted(struct ingest *in, struct next_session *s, int32_t p, struct err *err)
{
	const struct json_doc *doc = &in->doc;

	if (!id_set(in, &in->key, json_get(doc, p, "messageID")))
		return ingest_say(in, "no message id");
	if (!s->prompt[0])
		return SKIPPED;
	buf_text(&in->key, "/compaction");
	id_words(&in->message, s->prompt);
	body_begin(in);
	body_words(in, "type", "compaction");
	jw_key(&in->out, "auto");
	jw_bool(&in->out, json_string_is(doc, json_get(doc, p, "reason"), "auto"));
	body_end(in);
	return event_give(in, RECORD_PART, RECORD_FINAL, stamp(in, p), err);
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
	{ "compaction.ended", on_compacted },
};
/* Begin so, and carry nothing. */
static const char *const next_skipped[] = {
	"prompt.", "text.delta", "reasoning.delta", "tool.input.", "tool.progress", "shell.", "compaction.", "revert.", "agent.", "model.",
	"synthetic", "moved", "context.",
};

int opencode_next(struct ingest *in, const char *type, int32_t properties, struct err *err)
{
	if (!id_set(in, &in->session, json_get(&in->doc, properties, "sessionID")))
		return ingest_say(in, "no session id");
	buf_clear(&in->link);
	for (size_t i = 0; i < sizeof next_events / sizeof next_events[0]; i++)
		if (strcmp(next_events[i].type, type) == 0)
			return next_events[i].handle(in, state_of(in), properties, err);
	for (size_t i = 0; i < sizeof next_skipped / sizeof next_skipped[0]; i++)
		if (strncmp(next_skipped[i], type, strlen(next_skipped[i])) == 0)
			return SKIPPED;
	return UNKNOWN_TYPE;
}
