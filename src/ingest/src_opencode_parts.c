/* OpenCode's sessions, messages and parts: the same objects in events, exports, REST answers and the database. */
#include "ingest/source.h"

/* "New session - <ISO>" stands there until the title is made. */
static bool is_placeholder(struct slice title)
{
	static const char *const starts[] = { "New session - ", "Child session - " };

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(starts[i]);
		if (title.len == n + 24 && memcmp(title.ptr, starts[i], n) == 0 && title.ptr[title.len - 1] == 'Z')
			return true;
	}
	return false;
}

static void session_body(struct ingest *in, int32_t info)
{
	const struct json_doc *doc = &in->doc;
	int32_t title = json_get(doc, info, "title"), time = json_get(doc, info, "time");

	body_begin(in);
	buf_clear(&in->scratch);
	if (json_text(doc, title, &in->scratch) == 0 && !is_placeholder(buf_view(&in->scratch)))
		body_text(in, "title", title);
	body_text(in, "parent", json_get(doc, info, "parentID"));
	body_text(in, "project", json_get(doc, info, "projectID"));
	body_text(in, "directory", json_get(doc, info, "directory"));
	body_text(in, "version", json_get(doc, info, "version"));
	body_text(in, "agent", json_get(doc, info, "agent"));
	body_number(in, "created", json_get(doc, time, "created"));
	body_number(in, "archived", json_get(doc, time, "archived"));
	if (json_type_of(doc, json_get(doc, info, "metadata")) == JSON_OBJECT)
		body_json(in, "metadata", json_get(doc, info, "metadata"));
	body_end(in);
}

int opencode_session(struct ingest *in, int32_t info, struct err *err)
{
	const struct json_doc *doc = &in->doc;

	if (!id_set(in, &in->session, json_get(doc, info, "id")))
		return ingest_say(in, "no session id");
	buf_clear(&in->message);
	(void)id_set(in, &in->key, json_get(doc, info, "id"));
	(void)id_set(in, &in->link, json_get(doc, info, "parentID"));
	session_body(in, info);
	return event_give(in, RECORD_SESSION, RECORD_FINAL, json_int(doc, json_path(doc, info, "time.created"), 0), err);
}

void opencode_tokens(struct ingest *in, int32_t tokens)
{
	const struct json_doc *doc = &in->doc;
	int32_t cache = json_get(doc, tokens, "cache");

	if (json_type_of(doc, tokens) != JSON_OBJECT)
		return;
	jw_key(&in->out, "tokens");
	jw_object(&in->out);
	body_number(in, "input", json_get(doc, tokens, "input"));
	body_number(in, "output", json_get(doc, tokens, "output"));
	body_number(in, "reasoning", json_get(doc, tokens, "reasoning"));
	body_number(in, "cache_read", json_get(doc, cache, "read"));
	body_number(in, "cache_write", json_get(doc, cache, "write"));
	jw_object_close(&in->out);
}

bool opencode_error_body(struct ingest *in, int32_t error)
{
	const struct json_doc *doc = &in->doc;
	int32_t data = json_get(doc, error, "data");
	int32_t name = json_get(doc, error, "name");

	if (json_type_of(doc, error) != JSON_OBJECT)
		return false;
	if (data == JSON_NONE) /* session.next.*: {type,message} */
		data = error;
	jw_key(&in->out, "error");
	jw_object(&in->out);
	body_text(in, "name", name != JSON_NONE ? name : json_get(doc, error, "type"));
	body_text(in, "message", json_get(doc, data, "message"));
	body_number(in, "status", json_get(doc, data, "statusCode"));
	body_bool(in, "retryable", json_get(doc, data, "isRetryable"));
	body_text(in, "body", json_get(doc, data, "responseBody"));
	body_text(in, "url", json_path(doc, data, "metadata.url"));
	jw_object_close(&in->out);
	return true;
}

void opencode_diffs(struct ingest *in, const char *key, int32_t list)
{
	const struct json_doc *doc = &in->doc;

	if (json_type_of(doc, list) != JSON_ARRAY || doc->nodes[list].first == JSON_NONE)
		return;
	jw_key(&in->out, key);
	jw_array(&in->out);
	for (int32_t d = doc->nodes[list].first; d != JSON_NONE; d = doc->nodes[d].next) {
		jw_object(&in->out);
		body_text(in, "file", json_get(doc, d, "file"));
		body_text(in, "status", json_get(doc, d, "status"));
		body_number(in, "additions", json_get(doc, d, "additions"));
		body_number(in, "deletions", json_get(doc, d, "deletions"));
		jw_object_close(&in->out);
	}
	jw_array_close(&in->out);
}

static void message_body(struct ingest *in, int32_t info, int32_t time, bool user)
{
	const struct json_doc *doc = &in->doc;
	int32_t model = user ? json_get(doc, info, "model") : info, summary = json_get(doc, info, "summary");

	body_begin(in);
	body_words(in, "role", user ? "user" : "assistant");
	if (!user)
		body_text(in, "parent", json_get(doc, info, "parentID"));
	body_text(in, "agent", json_get(doc, info, "agent"));
	if (!user)
		body_text(in, "mode", json_get(doc, info, "mode"));
	body_text(in, "model", json_get(doc, model, "modelID"));
	body_text(in, "provider", json_get(doc, model, "providerID"));
	body_text(in, "variant", json_get(doc, model, "variant"));
	body_number(in, "created", json_get(doc, time, "created"));
	body_number(in, "completed", json_get(doc, time, "completed"));
	body_text(in, "finish", json_get(doc, info, "finish"));
	if (json_bool(doc, summary, false))
		body_bool(in, "summary", summary);
	body_text(in, "directory", json_get(doc, json_get(doc, info, "path"), "cwd"));
	body_number(in, "cost", json_get(doc, info, "cost"));
	opencode_tokens(in, json_get(doc, info, "tokens"));
	(void)opencode_error_body(in, json_get(doc, info, "error"));
	if (user)
		opencode_diffs(in, "diffs", json_get(doc, summary, "diffs"));
	body_end(in);
}

int opencode_message(struct ingest *in, int32_t info, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t time = json_get(doc, info, "time"), id = json_get(doc, info, "id");
	bool user = json_string_is(doc, json_get(doc, info, "role"), "user");
	bool final = user || json_get(doc, time, "completed") != JSON_NONE || json_type_of(doc, json_get(doc, info, "error")) == JSON_OBJECT;

	if (!id_set(in, &in->session, json_get(doc, info, "sessionID")) || !id_set(in, &in->message, id))
		return ingest_say(in, "a message without session id or id");
	(void)id_set(in, &in->key, id);
	buf_clear(&in->link);
	message_body(in, info, time, user);
	return event_give(in, RECORD_MESSAGE, final ? RECORD_FINAL : RECORD_PARTIAL, json_int(doc, json_get(doc, time, "created"), 0), err);
}

/* ---- parts ---- */

static void text_body(struct ingest *in, int32_t part)
{
	const struct json_doc *doc = &in->doc;
	int32_t time = json_get(doc, part, "time");

	body_text(in, "text", json_get(doc, part, "text"));
	body_bool(in, "synthetic", json_get(doc, part, "synthetic"));
	body_bool(in, "ignored", json_get(doc, part, "ignored"));
	body_number(in, "start", json_get(doc, time, "start"));
	body_number(in, "end", json_get(doc, time, "end"));
}

static bool is_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

/* The words one after the other, with space between, from p on; where they end, or NULL. */
static const char *match_words(const char *p, const char *end, const char *const *words)
{
	for (unsigned i = 0; words[i]; i++) {
		const char *q = i ? skip_space(p, end) : p;
		size_t n = strlen(words[i]);
		if ((i && q == p) || (size_t)(end - q) < n || memcmp(q, words[i], n) != 0)
			return NULL;
		p = q + n;
	}
	return p;
}

/* \bgit\s+commit(?![-\w]), and so for other words */
static bool has_words(struct slice text, const char *const *words)
{
	for (const char *p = text.ptr, *end = p + text.len; p && p < end; p++) {
		const char *q;
		p = memmem(p, (size_t)(end - p), words[0], strlen(words[0]));
		if (!p)
			return false;
		if (p > text.ptr && is_word(p[-1]))
			continue;
		q = match_words(p, end, words);
		if (q && (q == end || !(*q == '-' || is_word(*q))))
			return true;
	}
	return false;
}

/* What the metadata says beyond output and the child, which have fields of their own. */
static void tool_metadata(struct ingest *in, int32_t metadata, int32_t output)
{
	static const char *const own[] = { "exit", "sessionId", "parentSessionId" };
	const struct json_doc *doc = &in->doc;
	bool open = false;

	if (json_type_of(doc, metadata) != JSON_OBJECT)
		return;
	for (int32_t m = doc->nodes[metadata].first; m != JSON_NONE; m = doc->nodes[m].next) {
		bool skip = json_key_is(doc, m, "output") && slice_equal(json_raw(doc, m), json_raw(doc, output));
		struct slice key = doc->nodes[m].key;
		for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
			skip = skip || json_key_is(doc, m, own[i]);
		if (skip)
			continue;
		if (!open) {
			jw_key(&in->out, "metadata");
			jw_object(&in->out);
			open = true;
		}
		buf_clear(&in->name_text);
		json_unescape(key, &in->name_text);
		jw_key_slice(&in->out, buf_view(&in->name_text));
		buf_clear(&in->scratch);
		json_compact(json_raw(doc, m), &in->scratch);
		jw_raw(&in->out, buf_view(&in->scratch));
	}
	if (open)
		jw_object_close(&in->out);
}

struct command_made command_makes(struct ingest *in, int32_t command)
{
	static const char *const commit[] = { "git", "commit", NULL }, *const pull_request[] = { "gh", "pr", "create", NULL };

	buf_clear(&in->scratch);
	if (json_text(&in->doc, command, &in->scratch) != 0)
		return (struct command_made){ 0 };
	return (struct command_made){ has_words(buf_view(&in->scratch), commit), has_words(buf_view(&in->scratch), pull_request) };
}

struct command_made opencode_makes(struct ingest *in, int32_t tool, int32_t command)
{
	return json_string_is(&in->doc, tool, "bash") ? command_makes(in, command) : (struct command_made){ 0 };
}

void body_made(struct ingest *in, struct command_made made)
{
	if (made.commit) {
		jw_key(&in->out, "commit");
		jw_bool(&in->out, true);
	}
	if (made.pull_request) {
		jw_key(&in->out, "pull_request");
		jw_bool(&in->out, true);
	}
}

static void tool_body(struct ingest *in, int32_t part, int32_t state)
{
	const struct json_doc *doc = &in->doc;
	int32_t tool = json_get(doc, part, "tool"), status = json_get(doc, state, "status"), input = json_get(doc, state, "input");
	int32_t output = json_get(doc, state, "output"), metadata = json_get(doc, state, "metadata"), time = json_get(doc, state, "time");
	int32_t exit_code = json_get(doc, metadata, "exit");

	body_text(in, "tool", tool);
	body_text(in, "call", json_get(doc, part, "callID"));
	body_text(in, "status", status);
	body_json(in, "input", input);
	body_text(in, "output", output);
	body_text(in, "error", json_get(doc, state, "error"));
	body_text(in, "title", json_get(doc, state, "title"));
	tool_metadata(in, metadata, output);
	if (json_type_of(doc, exit_code) == JSON_NUMBER || json_type_of(doc, exit_code) == JSON_NULL)
		body_json(in, "exit", exit_code);
	body_number(in, "start", json_get(doc, time, "start"));
	body_number(in, "end", json_get(doc, time, "end"));
	body_text(in, "child", json_get(doc, metadata, "sessionId"));
	if (json_string_is(doc, status, "completed"))
		body_made(in, opencode_makes(in, tool, json_get(doc, input, "command")));
	body_json(in, "attachments", json_get(doc, state, "attachments"));
}

static enum record_level tool_level(struct ingest *in, int32_t state)
{
	const struct json_doc *doc = &in->doc;
	int32_t status = json_get(doc, state, "status");

	if (json_string_is(doc, status, "completed") || json_string_is(doc, status, "error"))
		return RECORD_FINAL;
	return json_get(doc, json_get(doc, state, "metadata"), "sessionId") != JSON_NONE ? RECORD_PROGRESS : RECORD_PARTIAL;
}

static void step_finish_body(struct ingest *in, int32_t part)
{
	body_text(in, "reason", json_get(&in->doc, part, "reason"));
	body_number(in, "cost", json_get(&in->doc, part, "cost"));
	opencode_tokens(in, json_get(&in->doc, part, "tokens"));
}

static void file_body(struct ingest *in, int32_t part)
{
	body_text(in, "mime", json_get(&in->doc, part, "mime"));
	body_text(in, "filename", json_get(&in->doc, part, "filename"));
	body_text(in, "url", json_get(&in->doc, part, "url"));
}

static void agent_body(struct ingest *in, int32_t part)
{
	body_text(in, "name", json_get(&in->doc, part, "name"));
}

static void subtask_body(struct ingest *in, int32_t part)
{
	body_text(in, "agent", json_get(&in->doc, part, "agent"));
	body_text(in, "description", json_get(&in->doc, part, "description"));
	body_text(in, "prompt", json_get(&in->doc, part, "prompt"));
	body_text(in, "command", json_get(&in->doc, part, "command"));
}

static void compaction_body(struct ingest *in, int32_t part)
{
	body_bool(in, "auto", json_get(&in->doc, part, "auto"));
	body_bool(in, "overflow", json_get(&in->doc, part, "overflow"));
}

static void patch_body(struct ingest *in, int32_t part)
{
	body_json(in, "files", json_get(&in->doc, part, "files"));
}

static void retry_body(struct ingest *in, int32_t part)
{
	body_number(in, "attempt", json_get(&in->doc, part, "attempt"));
	(void)opencode_error_body(in, json_get(&in->doc, part, "error"));
	body_number(in, "time", json_path(&in->doc, part, "time.created"));
}

static void nothing_body(struct ingest *in, int32_t part)
{
	(void)in, (void)part;
}

static const struct {
	const char *type;
	void (*write)(struct ingest *in, int32_t part);
} part_types[] = {
	{ "text", text_body },       { "reasoning", text_body },   { "step-start", nothing_body }, { "step-finish", step_finish_body },
	{ "file", file_body },       { "agent", agent_body },      { "subtask", subtask_body },    { "compaction", compaction_body },
	{ "patch", patch_body },     { "retry", retry_body },
};

static bool write_part(struct ingest *in, int32_t part, int32_t type, int32_t state)
{
	body_begin(in);
	body_text(in, "type", type);
	if (json_string_is(&in->doc, type, "tool")) {
		tool_body(in, part, state);
		body_end(in);
		return true;
	}
	for (size_t i = 0; i < sizeof part_types / sizeof part_types[0]; i++)
		if (json_string_is(&in->doc, type, part_types[i].type)) {
			part_types[i].write(in, part);
			body_end(in);
			return true;
		}
	return false;
}

/* Text and reasoning that has no end is partial, and worth keeping only when there is some. */
static int text_level(struct ingest *in, int32_t part, bool user, enum record_level *ret)
{
	const struct json_doc *doc = &in->doc;
	int32_t time = json_get(doc, part, "time");

	*ret = RECORD_FINAL;
	/* a user's text has no time at all; a model's text has a start before it has an end */
	if (user || time == JSON_NONE || json_get(doc, time, "end") != JSON_NONE)
		return 0;
	*ret = RECORD_PARTIAL;
	return json_raw(doc, json_get(doc, part, "text")).len > 2 ? 0 : SKIPPED;
}

static int part_level(struct ingest *in, int32_t part, int32_t type, int32_t state, bool user, enum record_level *ret)
{
	const struct json_doc *doc = &in->doc;

	/* In a stream the call follows with its input, and is no more complete by its level: it must be the one that is kept. */
	if (in->order != 0 && json_string_is(doc, json_get(doc, state, "status"), "pending"))
		return SKIPPED;
	if (json_string_is(doc, type, "text") || json_string_is(doc, type, "reasoning"))
		return text_level(in, part, user, ret);
	*ret = json_string_is(doc, type, "tool") ? tool_level(in, state) : RECORD_FINAL;
	return 0;
}

int opencode_part(struct ingest *in, int32_t part, int64_t time_ms, bool user, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t type = json_get(doc, part, "type"), state = json_get(doc, part, "state");
	enum record_level level;
	int rc = part_level(in, part, type, state, user, &level);

	if (rc != 0)
		return rc;
	if (!id_set(in, &in->session, json_get(doc, part, "sessionID")) || !id_set(in, &in->message, json_get(doc, part, "messageID")) ||
	    !id_set(in, &in->key, json_get(doc, part, "id")))
		return ingest_say(in, "a part without session id, message id or id");
	if (!write_part(in, part, type, state))
		return json_string_is(doc, type, "snapshot") ? SKIPPED : UNKNOWN_TYPE;
	(void)id_set(in, &in->link, json_get(doc, json_get(doc, state, "metadata"), "sessionId"));
	return event_give(in, RECORD_PART, level, time_ms, err);
}
