/* What is written in the user's name: prompts, results of tools, commands, and what the agent says there itself. */
#include "ingest/src_claude.h"
#include "base/mem.h"
#include <stdlib.h>

#define TITLE_BYTES 120 /* a longer first prompt is no title; it is not cut, for a cut could go through a secret */

/* What a text begins with that is no prompt. */
static const struct {
	const char *start;
	enum user_text { TEXT_PROMPT, TEXT_NOTE, TEXT_COMMAND, TEXT_INTERRUPT } meaning;
} starts[] = {
	{ "<command-name>", TEXT_COMMAND },        { "<command-message>", TEXT_COMMAND },   { "<task-notification>", TEXT_COMMAND },
	{ "<local-command-stdout>", TEXT_NOTE },   { "<local-command-stderr>", TEXT_NOTE }, { "<local-command-caveat>", TEXT_NOTE },
	{ "<bash-input>", TEXT_NOTE },             { "<bash-stdout>", TEXT_NOTE },          { "<bash-stderr>", TEXT_NOTE },
	{ "<user-memory-input>", TEXT_NOTE },      { "[Request interrupted by user", TEXT_INTERRUPT },
};

static enum user_text meaning_of(struct slice text)
{
	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
		size_t n = strlen(starts[i].start);
		if (text.len >= n && memcmp(text.ptr, starts[i].start, n) == 0)
			return starts[i].meaning;
	}
	return TEXT_PROMPT;
}

/* ---- prompts ---- */

static int give_user(struct ingest *in, const struct claude_line *line, const char *id, int64_t time_ms, struct err *err)
{
	id_words(&in->message, id);
	id_words(&in->key, id);
	buf_clear(&in->link);
	body_begin(in);
	body_words(in, "role", "user");
	body_text(in, "mode", json_get(&in->doc, line->node, "permissionMode"));
	body_int(in, "created", time_ms);
	body_text(in, "directory", json_get(&in->doc, line->node, "cwd"));
	body_end(in);
	return claude_give(in, RECORD_MESSAGE, RECORD_FINAL, line->session, time_ms, 1, err);
}

static int give_text(struct ingest *in, const struct claude_line *line, const char *id, unsigned number, struct slice text, struct err *err)
{
	if (text.len == 0)
		return 0;
	id_words(&in->message, id);
	buf_clear(&in->link);
	buf_clear(&in->key);
	buf_format(&in->key, "%s/%04u", id, number);
	body_begin(in);
	body_words(in, "type", "text");
	jw_key(&in->out, "text");
	jw_string(&in->out, text);
	body_end(in);
	return claude_give(in, RECORD_PART, RECORD_FINAL, line->session, line->time_ms, 1, err);
}

void claude_data_url(struct ingest *in, int32_t source, struct buf *out)
{
	buf_clear(out);
	buf_text(out, "data:");
	(void)json_text(&in->doc, json_get(&in->doc, source, "media_type"), out);
	buf_text(out, ";base64,");
	(void)json_text(&in->doc, json_get(&in->doc, source, "data"), out);
}

static int give_file(struct ingest *in, const struct claude_line *line, const char *id, unsigned number, int32_t block, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t source = json_get(doc, block, "source");

	id_words(&in->message, id);
	buf_clear(&in->link);
	buf_clear(&in->key);
	buf_format(&in->key, "%s/%04u", id, number);
	body_begin(in);
	body_words(in, "type", "file");
	body_text(in, "mime", json_get(doc, source, "media_type"));
	body_text(in, "filename", json_get(doc, block, "title"));
	if (json_string_is(doc, json_get(doc, source, "type"), "base64")) {
		claude_data_url(in, source, &in->claude->text);
		jw_key(&in->out, "url");
		jw_string(&in->out, buf_view(&in->claude->text));
	} else {
		body_text(in, "url", json_get(doc, source, "url"));
	}
	body_end(in);
	return claude_give(in, RECORD_PART, RECORD_FINAL, line->session, line->time_ms, 1, err);
}

static int give_content(struct ingest *in, const struct claude_line *line, const char *id, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	struct buf *text = &in->claude->text;
	unsigned number = 0;
	int rc = 0;

	buf_clear(text);
	if (json_type_of(doc, line->content) == JSON_STRING && json_text(doc, line->content, text) == 0)
		return give_text(in, line, id, 1, buf_view(text), err);
	if (json_type_of(doc, line->content) != JSON_ARRAY)
		return 0;
	for (int32_t b = doc->nodes[line->content].first; rc == 0 && b != JSON_NONE; b = doc->nodes[b].next) {
		buf_clear(text);
		if (json_text(doc, json_get(doc, b, "text"), text) == 0)
			rc = give_text(in, line, id, ++number, buf_view(text), err);
		else if (json_type_of(doc, json_get(doc, b, "source")) == JSON_OBJECT)
			rc = give_file(in, line, id, ++number, b, err);
	}
	return rc;
}

static int offer_title(struct ingest *in, const struct claude_line *line, struct err *err)
{
	struct claude *state = in->claude;
	struct slice title;

	if (line->copied || state->sessions[line->session].title)
		return 0;
	buf_clear(&state->text);
	claude_content_text(in, line->content, &state->text);
	title = buf_view(&state->text);
	if (title.len == 0 || title.len > TITLE_BYTES || memchr(title.ptr, '\n', title.len))
		return 0;
	return claude_offer_title(in, line->session, 1, title, err);
}

static int prompt(struct ingest *in, struct claude_line *line, struct err *err)
{
	struct claude_session *session = &in->claude->sessions[line->session];
	int rc;

	if (!line->uuid || !*line->uuid)
		return ingest_say(in, "a prompt without an id");
	claude_set(&session->command, NULL);
	rc = claude_complete(in, line->session, NULL, err);
	session->turn = line->turn = claude_turn(in->claude, line->uuid);
	if (rc == 0)
		rc = give_content(in, line, line->uuid, err);
	if (rc == 0)
		rc = give_user(in, line, line->uuid, line->time_ms, err);
	return rc == 0 ? offer_title(in, line, err) : rc;
}

int claude_take_command(struct ingest *in, struct claude_line *line, struct err *err)
{
	struct claude_session *session = &in->claude->sessions[line->session];
	char *text = session->command, *id = session->command_id;
	int rc = claude_complete(in, line->session, NULL, err);

	session->command = session->command_id = NULL;
	session->turn = line->turn = claude_turn(in->claude, id);
	if (rc == 0)
		rc = give_text(in, line, id, 1, slice_of(text), err);
	if (rc == 0)
		rc = give_user(in, line, id, session->command_ms, err);
	free(text);
	free(id);
	return rc;
}

/* ---- what is no prompt ---- */

/* The compaction is a part of the prompt whose turn it fell in; *text: what the conversation was reduced to. */
static int give_compaction(struct ingest *in, const struct claude_line *line, struct slice text, struct err *err)
{
	const struct claude_session *session = &in->claude->sessions[line->session];

	if (line->turn < 0)
		return SKIPPED;
	id_words(&in->message, in->claude->turns[line->turn]);
	id_words(&in->key, session->boundary);
	buf_clear(&in->link);
	body_begin(in);
	body_words(in, "type", "compaction");
	jw_key(&in->out, "auto");
	jw_bool(&in->out, session->boundary_auto);
	body_int(in, "start", session->boundary_ms);
	if (text.len) {
		jw_key(&in->out, "text");
		jw_string(&in->out, text);
	}
	body_end(in);
	return claude_give(in, RECORD_PART, RECORD_FINAL, line->session, session->boundary_ms, text.len ? 2 : 1, err);
}

int claude_compaction(struct ingest *in, const struct claude_line *line, struct err *err)
{
	struct claude_session *session = &in->claude->sessions[line->session];
	int rc;

	if (!line->uuid)
		return ingest_say(in, "a compaction without an id");
	claude_set(&session->boundary, xstrdup(line->uuid));
	session->boundary_ms = line->time_ms;
	session->boundary_auto = !json_string_is(&in->doc, json_path(&in->doc, line->node, "compactMetadata.trigger"), "manual");
	rc = claude_complete(in, line->session, NULL, err);
	return rc == 0 ? give_compaction(in, line, SLICE_NONE, err) : rc;
}

static int compaction_summary(struct ingest *in, const struct claude_line *line, struct err *err)
{
	struct claude_session *session = &in->claude->sessions[line->session];
	struct buf *text = &in->claude->text;
	int rc;

	if (!session->boundary)
		return SKIPPED;
	buf_clear(text);
	claude_content_text(in, line->content, text);
	rc = give_compaction(in, line, buf_view(text), err);
	claude_set(&session->boundary, NULL);
	return rc;
}

static int note_command(struct ingest *in, const struct claude_line *line)
{
	struct claude_session *session = &in->claude->sessions[line->session];
	struct slice text = buf_view(&in->claude->text);

	if (!line->uuid)
		return SKIPPED;
	claude_set(&session->command, xmemdup0(text.ptr, text.len));
	claude_set(&session->command_id, xstrdup(line->uuid));
	session->command_ms = line->time_ms;
	return SKIPPED;
}

static int text_line(struct ingest *in, struct claude_line *line, struct err *err)
{
	struct buf *text = &in->claude->text;

	buf_clear(text);
	claude_content_text(in, line->content, text);
	switch (meaning_of(buf_view(text))) {
	case TEXT_PROMPT:
		return prompt(in, line, err);
	case TEXT_COMMAND:
		return note_command(in, line);
	case TEXT_INTERRUPT:
		return claude_idle(in, line, err);
	case TEXT_NOTE:
		break;
	}
	claude_set(&in->claude->sessions[line->session].command, NULL);
	return SKIPPED;
}

static bool is_result(const struct json_doc *doc, int32_t block)
{
	return json_type_of(doc, json_get(doc, block, "tool_use_id")) == JSON_STRING;
}

/* NOT_MINE: there is none. */
static int results(struct ingest *in, const struct claude_line *line, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int rc = NOT_MINE;

	for (int32_t b = json_type_of(doc, line->content) == JSON_ARRAY ? doc->nodes[line->content].first : JSON_NONE; b != JSON_NONE && rc >= 0;
	     b = doc->nodes[b].next)
		if (is_result(doc, b))
			rc = ingest_settle(in, claude_tool_result(in, line, b, err));
	return rc;
}

int claude_user(struct ingest *in, struct claude_line *line, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int rc;

	if (json_type_of(doc, line->message) != JSON_OBJECT)
		return SKIPPED;
	rc = results(in, line, err);
	if (rc != NOT_MINE)
		return rc;
	if (json_bool(doc, json_get(doc, line->node, "isCompactSummary"), false))
		return compaction_summary(in, line, err);
	return json_bool(doc, json_get(doc, line->node, "isMeta"), false) ? SKIPPED : text_line(in, line, err);
}
