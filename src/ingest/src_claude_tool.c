/* Tool calls: a block of an answer, and the block of a later line that has its result. Both are one part, whose key is the call's id. */
#include "ingest/src_claude.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static void call_head(struct ingest *in, const struct claude_call *call, const char *status)
{
	id_words(&in->message, call->message);
	id_words(&in->key, call->id);
	id_words(&in->link, call->child ? call->child : "");
	body_begin(in);
	body_words(in, "type", "tool");
	body_words(in, "tool", call->tool);
	body_words(in, "call", call->id);
	body_words(in, "status", status);
	if (call->input) {
		jw_key(&in->out, "input");
		jw_raw(&in->out, (struct slice){ call->input, call->input_len });
	}
}

static void call_tail(struct ingest *in, const struct claude_call *call, int64_t end_ms)
{
	body_int(in, "start", call->start_ms);
	if (end_ms)
		body_int(in, "end", end_ms);
	body_words(in, "child", call->child);
}

static int give_running(struct ingest *in, const struct claude_call *call, struct err *err)
{
	call_head(in, call, "running");
	call_tail(in, call, 0);
	body_end(in);
	return claude_give(in, RECORD_PART, call->child ? RECORD_PROGRESS : RECORD_PARTIAL, call->session, call->start_ms, 1, err);
}

static uint64_t prompt_of(struct ingest *in, int32_t input)
{
	struct buf *text = &in->claude->text;

	buf_clear(text);
	return json_text(&in->doc, json_get(&in->doc, input, "prompt"), text) == 0 ? claude_hash(buf_view(text)) : 0;
}

int claude_tool_use(struct ingest *in, const struct claude_line *line, const struct claude_message *message, int32_t block, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t input = json_get(doc, block, "input");
	char *id = claude_text(in, json_get(doc, block, "id"));
	struct claude_call *call;

	if (!id || !*id) {
		free(id);
		return ingest_say(in, "a tool call without an id");
	}
	call = claude_call_find(in->claude, id);
	if (!call)
		call = claude_call_add(in->claude, id);
	free(id);
	call->session = message->session;
	if (call->start_ms == 0)
		call->start_ms = line->time_ms;
	claude_set(&call->message, xstrdup(message->id));
	claude_set(&call->tool, claude_text(in, json_get(doc, block, "name")));
	call->prompt = prompt_of(in, input);
	if (json_string_is(doc, json_get(doc, block, "name"), "Bash"))
		call->made = command_makes(in, json_get(doc, input, "command"));
	buf_clear(&in->claude->text);
	json_compact(json_raw(doc, input), &in->claude->text);
	if (in->claude->text.len && !in->claude->text.failed)
		claude_call_set_input(in->claude, call, buf_view(&in->claude->text));
	return give_running(in, call, err);
}

int claude_link(struct ingest *in, struct claude_call *call, const char *child, struct err *err)
{
	claude_set(&call->child, xstrdup(child));
	return give_running(in, call, err);
}

int claude_link_by_prompt(struct ingest *in, const struct claude_line *line, const char *parent, struct err *err)
{
	struct claude *state = in->claude;
	struct claude_call *found = NULL;
	uint64_t prompt;

	buf_clear(&state->text);
	claude_content_text(in, line->content, &state->text);
	prompt = state->text.len ? claude_hash(buf_view(&state->text)) : 0;
	for (size_t i = state->call_count; i-- > 0;) {
		struct claude_call *call = &state->calls[i];
		if (call->prompt && call->prompt == prompt && !call->child && strcmp(state->sessions[call->session].id, parent) == 0)
			found = call;
	}
	return found ? claude_link(in, found, state->sessions[line->session].id, err) : 0;
}

/* ---- results ---- */

/* Images of a result. */
static void write_attachments(struct ingest *in, int32_t content)
{
	const struct json_doc *doc = &in->doc;
	struct buf *url = &in->claude->text;
	bool open = false;

	for (int32_t b = json_type_of(doc, content) == JSON_ARRAY ? doc->nodes[content].first : JSON_NONE; b != JSON_NONE; b = doc->nodes[b].next) {
		int32_t source = json_get(doc, b, "source");
		if (!json_string_is(doc, json_get(doc, source, "type"), "base64"))
			continue;
		if (!open) {
			jw_key(&in->out, "attachments");
			jw_array(&in->out);
			open = true;
		}
		claude_data_url(in, source, url);
		jw_object(&in->out);
		body_text(in, "mime", json_get(doc, source, "media_type"));
		jw_key(&in->out, "url");
		jw_string(&in->out, buf_view(url));
		jw_object_close(&in->out);
	}
	if (open)
		jw_array_close(&in->out);
}

static void write_result(struct ingest *in, const struct claude_call *call, int32_t content, bool failed)
{
	struct buf *text = &in->claude->text;
	int code;

	buf_clear(text);
	claude_content_text(in, content, text);
	jw_key(&in->out, failed ? "error" : "output");
	jw_string(&in->out, buf_view(text));
	if (failed && text->data && sscanf(text->data, "Exit code %d", &code) == 1)
		body_int(in, "exit", code);
	if (!failed)
		body_made(in, call->made);
	write_attachments(in, content);
}

/* The sub-agent that the structured result names. */
static void note_child(struct ingest *in, const struct claude_line *line, struct claude_call *call)
{
	const struct claude_session *session = &in->claude->sessions[call->session];
	char *agent = claude_text(in, json_path(&in->doc, line->node, "toolUseResult.agentId"));
	struct buf *id = &in->claude->text;

	if (agent && *agent && !call->child) {
		buf_clear(id);
		buf_format(id, "%s/%s", session->parent ? session->parent : session->id, agent);
		claude_set(&call->child, xmemdup0(id->data, id->len));
	}
	free(agent);
}

int claude_tool_result(struct ingest *in, const struct claude_line *line, int32_t block, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	bool failed = json_bool(doc, json_get(doc, block, "is_error"), false);
	char *id = claude_text(in, json_get(doc, block, "tool_use_id"));
	struct claude_call *call = id ? claude_call_find(in->claude, id) : NULL;
	int rc;

	free(id);
	if (!call)
		return SKIPPED; /* its call stands in no line of this file, or was answered */
	note_child(in, line, call);
	call_head(in, call, failed ? "error" : "completed");
	write_result(in, call, json_get(doc, block, "content"), failed);
	call_tail(in, call, line->time_ms < call->start_ms ? call->start_ms : line->time_ms);
	body_end(in);
	rc = claude_give(in, RECORD_PART, RECORD_FINAL, call->session, call->start_ms, 2, err);
	claude_call_remove(in->claude, call);
	return rc;
}
