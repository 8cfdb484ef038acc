/*
 * The model's answers. One answer is several lines, one for each block, and each repeats the usage as far as it was known: it counts once,
 * with the largest of each figure. It is complete when something else follows it in its session, or when it says itself that it is.
 */
#include "ingest/src_claude.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>

static const struct {
	const char *theirs, *ours;
} stops[] = {
	{ "end_turn", "stop" }, { "stop_sequence", "stop" }, { "tool_use", "tool-calls" }, { "pause_turn", "tool-calls" },
	{ "max_tokens", "length" }, { "model_context_window_exceeded", "length" }, { "refusal", "content-filter" },
};

/* By what the message ids begin with. */
static const struct {
	const char *start, *provider;
} providers[] = {
	{ "msg_bdrk_", "amazon-bedrock" }, { "msg_vrtx_", "google-vertex-anthropic" }, { "msg_", "anthropic" },
};

static const char *finish_of(const struct claude_message *message)
{
	for (size_t i = 0; message->stop && i < sizeof stops / sizeof stops[0]; i++)
		if (strcmp(message->stop, stops[i].theirs) == 0)
			return stops[i].ours;
	return message->stop;
}

static void write_tokens(struct ingest *in, const struct claude_message *message)
{
	static const char *const names[CLAUDE_COUNTS] = { "input", "output", "cache_read", "cache_write" };

	jw_key(&in->out, "tokens");
	jw_object(&in->out);
	for (int i = 0; i < CLAUDE_COUNTS; i++)
		if (message->counts[i] >= 0)
			body_int(in, names[i], message->counts[i]);
	jw_object_close(&in->out);
}

static void message_body(struct ingest *in, const struct claude_message *message)
{
	body_begin(in);
	body_words(in, "role", "assistant");
	body_words(in, "parent", message->parent);
	body_words(in, "model", message->model);
	body_words(in, "provider", message->provider);
	body_int(in, "created", message->created_ms);
	if (message->complete)
		body_int(in, "completed", message->last_ms);
	body_words(in, "finish", finish_of(message));
	body_words(in, "directory", message->directory);
	if (message->cost) {
		jw_key(&in->out, "cost");
		jw_raw(&in->out, slice_of(message->cost));
	}
	write_tokens(in, message);
	body_end(in);
}

/* Its revisions are ordered by its lines: a copy that stops earlier is no newer one. */
static int give_message(struct ingest *in, const struct claude_message *message, struct err *err)
{
	id_words(&in->message, message->id);
	id_words(&in->key, message->id);
	buf_clear(&in->link);
	message_body(in, message);
	return claude_give(in, RECORD_MESSAGE, RECORD_FINAL, message->session, message->created_ms, 2 * (uint64_t)message->lines + message->complete, err);
}

static int complete_one(struct ingest *in, struct claude_message *message, struct err *err)
{
	message->complete = true;
	return give_message(in, message, err);
}

int claude_complete(struct ingest *in, int32_t session, const struct claude_message *but, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < CLAUDE_MESSAGES; i++) {
		struct claude_message *message = &in->claude->messages[i];
		if (message == but || !message->id || message->complete)
			continue;
		if (session >= 0 ? message->session == session : message->stop != NULL)
			rc = complete_one(in, message, err);
	}
	return rc;
}

/* ---- what a line adds ---- */

static char *raw_dup(struct ingest *in, int32_t node)
{
	struct slice raw = json_raw(&in->doc, node);

	return json_type_of(&in->doc, node) == JSON_NUMBER ? xmemdup0(raw.ptr, raw.len) : NULL;
}

static void take_usage(struct ingest *in, int32_t usage, struct claude_message *message)
{
	static const char *const names[CLAUDE_COUNTS] = { "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens" };

	for (int i = 0; i < CLAUDE_COUNTS; i++) {
		int64_t count = json_int(&in->doc, json_get(&in->doc, usage, names[i]), -1);
		if (count > message->counts[i])
			message->counts[i] = count;
	}
}

static void take_text(struct ingest *in, char **to, int32_t node)
{
	char *text = claude_text(in, node);

	if (text)
		claude_set(to, text);
}

static void begin_message(struct ingest *in, const struct claude_line *line, struct claude_message *message)
{
	const struct claude_session *session = &in->claude->sessions[line->session];
	int64_t created_ms = line->parent_ms && line->parent_ms < line->time_ms ? line->parent_ms : line->time_ms;

	message->session = line->session;
	/* the request went out when what it answers was there; a fork's first answer may follow a line of another session */
	message->created_ms = created_ms < session->created_ms ? session->created_ms : created_ms;
	message->parent = line->turn >= 0 ? xstrdup(in->claude->turns[line->turn]) : NULL;
	message->directory = json_strdup(&in->doc, json_get(&in->doc, line->node, "cwd"), 4096);
	for (size_t i = 0; !message->provider && i < sizeof providers / sizeof providers[0]; i++)
		if (strncmp(message->id, providers[i].start, strlen(providers[i].start)) == 0)
			message->provider = xstrdup(providers[i].provider);
}

static void take_line(struct ingest *in, const struct claude_line *line, struct claude_message *message)
{
	const struct json_doc *doc = &in->doc;
	char *cost = raw_dup(in, json_get(doc, line->node, "costUSD"));

	if (message->lines++ == 0)
		begin_message(in, line, message);
	message->complete = false;
	if (line->time_ms > message->last_ms)
		message->last_ms = line->time_ms;
	take_usage(in, json_get(doc, line->message, "usage"), message);
	take_text(in, &message->model, json_get(doc, line->message, "model"));
	take_text(in, &message->stop, json_get(doc, line->message, "stop_reason"));
	if (cost)
		claude_set(&message->cost, cost);
}

/* ---- blocks ---- */

static void part_key(struct ingest *in, const struct claude_message *message, unsigned number)
{
	id_words(&in->message, message->id);
	buf_clear(&in->link);
	buf_clear(&in->key);
	buf_format(&in->key, "%s/%04u", message->id, number);
}

/* The number of a text: its own, or that of the block before when it is only more of the same. */
static unsigned number_text(struct claude_message *message, char type, struct slice text)
{
	bool more = message->block_type == type && text.len >= message->block_len &&
	            hash_64(text.ptr, message->block_len) == message->block_hash;

	if (!more)
		message->blocks++;
	message->block_type = type;
	message->block_len = text.len;
	message->block_hash = hash_64(text.ptr, text.len);
	return message->blocks;
}

static int text_block(struct ingest *in, const struct claude_line *line, struct claude_message *message, int32_t text_node, const char *type, struct err *err)
{
	struct buf *text = &in->claude->text;

	buf_clear(text);
	if (json_text(&in->doc, text_node, text) != 0 || text->len == 0)
		return 0;
	part_key(in, message, number_text(message, *type, buf_view(text)));
	body_begin(in);
	body_words(in, "type", type);
	jw_key(&in->out, "text");
	jw_string(&in->out, buf_view(text));
	body_int(in, "end", line->time_ms);
	body_end(in);
	return claude_give(in, RECORD_PART, RECORD_FINAL, message->session, line->time_ms, text->len, err);
}

static int give_block(struct ingest *in, struct claude_line *line, struct claude_message *message, int32_t block, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t type = json_get(doc, block, "type");

	if (json_string_is(doc, type, "text"))
		return text_block(in, line, message, json_get(doc, block, "text"), "text", err);
	if (json_string_is(doc, type, "thinking"))
		return text_block(in, line, message, json_get(doc, block, "thinking"), "reasoning", err);
	message->block_type = 0;
	if (json_string_is(doc, type, "tool_use") || json_string_is(doc, type, "server_tool_use") || json_string_is(doc, type, "mcp_tool_use"))
		return claude_tool_use(in, line, message, block, err);
	if (json_type_of(doc, json_get(doc, block, "tool_use_id")) == JSON_STRING)
		return claude_tool_result(in, line, block, err);
	return 0;
}

static int give_blocks(struct ingest *in, struct claude_line *line, struct claude_message *message, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int rc = 0;

	if (json_type_of(doc, line->content) == JSON_STRING)
		return text_block(in, line, message, line->content, "text", err);
	if (json_type_of(doc, line->content) != JSON_ARRAY)
		return 0;
	for (int32_t b = doc->nodes[line->content].first; rc == 0 && b != JSON_NONE; b = doc->nodes[b].next)
		rc = ingest_settle(in, give_block(in, line, message, b, err));
	return rc;
}

/* Marks a message that stands for a model call. */
static int give_start(struct ingest *in, const struct claude_message *message, struct err *err)
{
	part_key(in, message, 0);
	body_begin(in);
	body_words(in, "type", "step-start");
	body_end(in);
	return claude_give(in, RECORD_PART, RECORD_FINAL, message->session, message->created_ms, 1, err);
}

/* A text is the last block of an answer that waits for nothing; all its lines say why it stopped. */
static bool says_its_end(const struct claude_message *message)
{
	return message->stop && message->block_type == 't' && strcmp(finish_of(message), "tool-calls") != 0;
}

static int answer(struct ingest *in, struct claude_line *line, struct claude_message *message, struct err *err)
{
	int rc = 0;

	take_line(in, line, message);
	if (message->lines == 1)
		rc = give_start(in, message, err);
	if (rc == 0)
		rc = give_blocks(in, line, message, err);
	if (rc == 0)
		rc = claude_complete(in, line->session, message, err);
	message->complete = says_its_end(message);
	return rc != 0 ? rc : give_message(in, message, err);
}

/* ---- what is no answer ---- */

/* "API Error: 529 …" */
static int64_t status_of(const char *text)
{
	static const char start[] = "API Error: ";
	long status = strncmp(text, start, sizeof start - 1) == 0 ? strtol(text + sizeof start - 1, NULL, 10) : 0;

	return status >= 100 && status <= 599 ? status : 0;
}

static int api_error(struct ingest *in, struct claude_line *line, struct err *err)
{
	struct buf *text = &in->claude->text;
	int32_t name = json_get(&in->doc, line->node, "error");
	int rc = claude_complete(in, line->session, NULL, err);

	if (rc != 0)
		return rc;
	buf_clear(text);
	claude_content_text(in, line->content, text);
	buf_clear(&in->message);
	buf_clear(&in->link);
	buf_clear(&in->key);
	buf_format(&in->key, "error:%s", line->uuid ? line->uuid : "");
	body_begin(in);
	body_words(in, "type", "error");
	body_int(in, "time", line->time_ms);
	jw_key(&in->out, "error");
	jw_object(&in->out);
	if (json_type_of(&in->doc, name) == JSON_STRING)
		body_text(in, "name", name);
	else
		body_words(in, "name", "APIError");
	jw_key(&in->out, "message");
	jw_string(&in->out, buf_view(text));
	if (text->data && status_of(text->data))
		body_int(in, "status", status_of(text->data));
	jw_object_close(&in->out);
	body_end(in);
	rc = claude_give(in, RECORD_SIGNAL, RECORD_FINAL, line->session, line->time_ms, 1, err);
	return rc != 0 ? rc : claude_idle(in, line, err);
}

int claude_assistant(struct ingest *in, struct claude_line *line, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	char *id;
	int rc = 0;

	if (json_bool(doc, json_get(doc, line->node, "isApiErrorMessage"), false))
		return api_error(in, line, err);
	if (json_type_of(doc, line->message) != JSON_OBJECT || json_string_is(doc, json_get(doc, line->message, "model"), "<synthetic>"))
		return SKIPPED;
	id = claude_text(in, json_get(doc, line->message, "id"));
	if (!id)
		id = claude_text(in, json_get(doc, line->node, "requestId"));
	if (!id && line->uuid)
		id = xstrdup(line->uuid);
	if (!id || !*id) {
		free(id);
		return ingest_say(in, "an answer without an id");
	}
	if (in->claude->sessions[line->session].command)
		rc = claude_take_command(in, line, err);
	if (rc == 0)
		rc = answer(in, line, claude_message(in->claude, id), err);
	free(id);
	return rc;
}
