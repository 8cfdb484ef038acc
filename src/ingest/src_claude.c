/*
 * Claude Code's transcripts, line by line. Keys are the agent's own ids, so that lines that a resume or a fork copied into another file
 * are known already; revisions of a key are ordered by how far it has come, not by the file it is read from.
 */
#include "ingest/src_claude.h"
#include "base/mem.h"
#include <stdlib.h>

char *claude_text(struct ingest *in, int32_t node)
{
	return json_strdup(&in->doc, node, CLAUDE_ID_BYTES);
}

void claude_content_text(struct ingest *in, int32_t content, struct buf *out)
{
	const struct json_doc *doc = &in->doc;
	size_t before = out->len;

	if (json_type_of(doc, content) == JSON_STRING)
		(void)json_text(doc, content, out);
	if (json_type_of(doc, content) != JSON_ARRAY)
		return;
	for (int32_t b = doc->nodes[content].first; b != JSON_NONE; b = doc->nodes[b].next) {
		if (!json_string_is(doc, json_get(doc, b, "type"), "text"))
			continue;
		if (out->len > before)
			buf_char(out, '\n');
		(void)json_text(doc, json_get(doc, b, "text"), out);
	}
}

int claude_give(struct ingest *in, enum record_kind kind, enum record_level level, int32_t session, int64_t time_ms, uint64_t order, struct err *err)
{
	const struct claude *state = in->claude;

	id_words(&in->session, state->sessions[session].id);
	in->order = order;
	return ingest_settle(in, event_give(in, kind, level, time_ms, err));
}

/* ---- sessions ---- */

static void session_body(struct ingest *in, const struct claude_session *session)
{
	body_begin(in);
	body_words(in, "title", session->title);
	body_words(in, "parent", session->parent);
	body_words(in, "directory", session->directory);
	body_words(in, "version", session->version);
	if (session->created_ms)
		body_int(in, "created", session->created_ms);
	if (session->parent) {
		jw_key(&in->out, "called");
		jw_bool(&in->out, true);
	}
	if (session->branch && *session->branch) {
		jw_key(&in->out, "metadata");
		jw_object(&in->out);
		body_words(in, "git_branch", session->branch);
		jw_object_close(&in->out);
	}
	body_end(in);
}

int claude_give_session(struct ingest *in, int32_t index, struct err *err)
{
	const struct claude_session *session = &in->claude->sessions[index];
	uint64_t order = session->title_order ? session->title_order : session->copied ? 1 : 2;

	buf_clear(&in->message);
	id_words(&in->key, session->id);
	id_words(&in->link, session->parent ? session->parent : "");
	session_body(in, session);
	return claude_give(in, RECORD_SESSION, RECORD_FINAL, index, session->created_ms, order, err);
}

int claude_offer_title(struct ingest *in, int32_t index, unsigned rank, struct slice title, struct err *err)
{
	struct claude_session *session = &in->claude->sessions[index];
	uint64_t order = ((uint64_t)rank << 40) + in->line;

	if (title.len == 0 || session->parent || order <= session->title_order)
		return 0;
	session->title_order = order;
	claude_set(&session->title, xmemdup0(title.ptr, title.len));
	return claude_give_session(in, index, err);
}

static int32_t get_session(struct ingest *in, const struct claude_line *line, const char *id, const char *parent, bool *ret_new)
{
	struct claude *state = in->claude;
	int32_t index = claude_session(state, id, ret_new);
	struct claude_session *session = &state->sessions[index];
	const struct json_doc *doc = &in->doc;

	if (!*ret_new && !(session->copied && !line->copied))
		return index;
	*ret_new = true;
	session->copied = line->copied;
	if (session->created_ms == 0 || line->time_ms < session->created_ms)
		session->created_ms = line->time_ms;
	claude_set(&session->parent, parent ? xstrdup(parent) : NULL);
	claude_set(&session->directory, json_strdup(doc, json_get(doc, line->node, "cwd"), 4096));
	claude_set(&session->version, claude_text(in, json_get(doc, line->node, "version")));
	claude_set(&session->branch, claude_text(in, json_get(doc, line->node, "gitBranch")));
	return index;
}

static char *join_id(const char *session, const char *child)
{
	size_t n = strlen(session), m = strlen(child);
	char *id = xmalloc(n + m + 2);

	memcpy(id, session, n);
	id[n] = '/';
	memcpy(id + n + 1, child, m + 1);
	return id;
}

/*
 * A sub-agent's lines carry its parent's session: its own is "<session>/<agent>". Old versions named no agent: "sidechain/<its first line>", which
 * is the same in a copy that a resume made of them under another session.
 */
static int find_side_session(struct ingest *in, struct claude_line *line, const char *root, const struct claude_seen *before, struct err *err)
{
	struct claude *state = in->claude;
	char *agent = claude_text(in, json_get(&in->doc, line->node, "agentId"));
	char *id = NULL;
	bool is_new = false;
	int rc = 0;

	if (!agent && before && state->sessions[before->session].parent) {
		line->session = before->session;
		return 0;
	}
	id = !agent && line->uuid ? join_id("sidechain", line->uuid) : join_id(root, agent ? agent : "side");
	line->session = get_session(in, line, id, root, &is_new);
	if (is_new)
		rc = claude_give_session(in, line->session, err);
	if (is_new && rc == 0 && !agent)
		rc = claude_link_by_prompt(in, line, root, err);
	free(agent);
	free(id);
	return rc;
}

static int find_session(struct ingest *in, struct claude_line *line, const struct claude_seen *before, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	char *forked = claude_text(in, json_path(doc, line->node, "forkedFrom.sessionId"));
	char *root = forked ? forked : claude_text(in, json_get(doc, line->node, "sessionId"));
	bool is_new = false;
	int rc = 0;

	if (!root || !*root) {
		free(root);
		return ingest_say(in, "a line without a session id");
	}
	line->copied = forked != NULL;
	if (json_bool(doc, json_get(doc, line->node, "isSidechain"), false)) {
		rc = find_side_session(in, line, root, before, err);
	} else {
		line->session = get_session(in, line, root, NULL, &is_new);
		if (is_new)
			rc = claude_give_session(in, line->session, err);
	}
	free(root);
	return rc;
}

/* ---- lines ---- */

static uint64_t id_of(struct ingest *in, int32_t node)
{
	struct slice raw = json_raw(&in->doc, node);

	return json_type_of(&in->doc, node) == JSON_STRING && raw.len > 2 ? claude_hash(raw) : 0;
}

/* Where it stands: its session and its turn are those of the line that it follows. */
static int locate(struct ingest *in, struct claude_line *line, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t parent = json_get(doc, line->node, "parentUuid");
	const struct claude_seen *before;
	int rc;

	if (json_type_of(doc, parent) != JSON_STRING)
		parent = json_get(doc, line->node, "logicalParentUuid");
	before = claude_find(in->claude, id_of(in, parent));
	line->parent_ms = before ? before->time_ms : 0;
	if (line->time_ms == 0)
		line->time_ms = line->parent_ms;
	rc = find_session(in, line, before, err);
	if (rc == 0)
		line->turn = before && before->turn >= 0 && before->session == line->session ? before->turn : in->claude->sessions[line->session].turn;
	return rc;
}

int claude_idle(struct ingest *in, const struct claude_line *line, struct err *err)
{
	int rc = claude_complete(in, line->session, NULL, err);

	if (rc != 0)
		return rc;
	buf_clear(&in->message);
	buf_clear(&in->link);
	buf_clear(&in->key);
	buf_format(&in->key, "idle:%s", in->claude->sessions[line->session].id);
	body_begin(in);
	body_words(in, "type", "idle");
	body_int(in, "time", line->time_ms);
	body_end(in);
	return claude_give(in, RECORD_SIGNAL, RECORD_FINAL, line->session, line->time_ms, (uint64_t)line->time_ms, err);
}

static int api_retry(struct ingest *in, const struct claude_line *line, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	int32_t wait = json_get(doc, line->node, "retryInMs"), words = json_path(doc, line->node, "error.error.error.message");

	buf_clear(&in->message);
	buf_clear(&in->link);
	buf_clear(&in->key);
	buf_format(&in->key, "retry:%s", line->uuid ? line->uuid : "");
	body_begin(in);
	body_words(in, "type", "retry");
	body_int(in, "time", line->time_ms);
	body_number(in, "attempt", json_get(doc, line->node, "retryAttempt"));
	body_text(in, "message", words != JSON_NONE ? words : json_path(doc, line->node, "error.message"));
	if (json_type_of(doc, wait) == JSON_NUMBER)
		body_int(in, "next", line->time_ms + (int64_t)json_double(doc, wait, 0));
	body_end(in);
	return claude_give(in, RECORD_SIGNAL, RECORD_FINAL, line->session, line->time_ms, 1, err);
}

static int system_line(struct ingest *in, struct claude_line *line, struct err *err)
{
	static const struct {
		const char *subtype;
		int (*handle)(struct ingest *in, const struct claude_line *line, struct err *err);
	} rows[] = {
		{ "turn_duration", claude_idle }, { "stop_hook_summary", claude_idle }, { "compact_boundary", claude_compaction },
		{ "api_error", api_retry }, { "local_command", NULL }, { "informational", NULL }, { "away_summary", NULL },
	};
	int32_t subtype = json_get(&in->doc, line->node, "subtype");

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (json_string_is(&in->doc, subtype, rows[i].subtype))
			return rows[i].handle ? rows[i].handle(in, line, err) : SKIPPED;
	return subtype == JSON_NONE ? SKIPPED : UNKNOWN_TYPE;
}

/* While a sub-agent runs its parent's transcript tells which call it belongs to. */
static int progress_line(struct ingest *in, struct claude_line *line, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	char *call_id = claude_text(in, json_get(doc, line->node, "parentToolUseID"));
	char *agent = claude_text(in, json_path(doc, line->node, "data.agentId"));
	struct claude_call *call = call_id && agent ? claude_call_find(in->claude, call_id) : NULL;
	int rc = SKIPPED;

	if (call && !call->child) {
		const struct claude_session *session = &in->claude->sessions[call->session];
		char *child = join_id(session->parent ? session->parent : session->id, agent);
		rc = claude_link(in, call, child, err);
		free(child);
	}
	free(call_id);
	free(agent);
	return rc;
}

static const struct {
	const char *type;
	int (*handle)(struct ingest *in, struct claude_line *line, struct err *err); /* NULL: carries nothing */
} line_types[] = {
	{ "assistant", claude_assistant }, { "user", claude_user }, { "system", system_line }, { "progress", progress_line }, { "attachment", NULL },
};

static int chain_line(struct ingest *in, struct claude_line *line, struct err *err)
{
	int32_t type = json_get(&in->doc, line->node, "type");
	int rc;

	if (claude_find(in->claude, line->id) && !json_string_is(&in->doc, type, "assistant"))
		return SKIPPED; /* written a second time */
	rc = locate(in, line, err);
	if (rc != 0)
		return rc;
	rc = UNKNOWN_TYPE;
	for (size_t i = 0; i < sizeof line_types / sizeof line_types[0]; i++)
		if (json_string_is(&in->doc, type, line_types[i].type))
			rc = line_types[i].handle ? line_types[i].handle(in, line, err) : SKIPPED;
	if (rc >= 0)
		claude_remember(in->claude, line);
	return rc;
}

/* ---- lines that stand for themselves ---- */

/* The summary of a session that this file is not about may stand here, too: the leaf tells. */
static int summary_line(struct ingest *in, int32_t node, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	const struct claude_seen *leaf = claude_find(in->claude, id_of(in, json_get(doc, node, "leafUuid")));
	struct buf *text = &in->claude->text;

	buf_clear(text);
	if (!leaf || json_text(doc, json_get(doc, node, "summary"), text) != 0)
		return SKIPPED;
	return claude_offer_title(in, leaf->session, 2, buf_view(text), err);
}

static int title_line(struct ingest *in, int32_t node, const char *field, unsigned rank, struct err *err)
{
	char *id = claude_text(in, json_get(&in->doc, node, "sessionId"));
	struct buf *text = &in->claude->text;
	int rc = SKIPPED;

	buf_clear(text);
	for (size_t i = 0; id && i < in->claude->session_count; i++)
		if (strcmp(in->claude->sessions[i].id, id) == 0 && json_text(&in->doc, json_get(&in->doc, node, field), text) == 0)
			rc = claude_offer_title(in, (int32_t)i, rank, buf_view(text), err);
	free(id);
	return rc;
}

static int custom_title_line(struct ingest *in, int32_t node, struct err *err)
{
	return title_line(in, node, "customTitle", 4, err);
}

static int ai_title_line(struct ingest *in, int32_t node, struct err *err)
{
	return title_line(in, node, "aiTitle", 3, err);
}

static int skip_line(struct ingest *in, int32_t node, struct err *err)
{
	(void)in, (void)node, (void)err;
	return SKIPPED;
}

static const struct {
	const char *type;
	int (*handle)(struct ingest *in, int32_t node, struct err *err);
} plain_types[] = {
	{ "summary", summary_line },         { "custom-title", custom_title_line }, { "ai-title", ai_title_line },
	{ "queue-operation", skip_line },    { "file-history-snapshot", skip_line }, { "last-prompt", skip_line }, { "tag", skip_line },
};

static bool has_text(const struct json_doc *doc, int32_t node, const char *key)
{
	return json_type_of(doc, json_get(doc, node, key)) == JSON_STRING;
}

/* Whether a line of no session is one of a transcript. */
static bool is_mine(const struct ingest *in, int32_t node)
{
	const struct json_doc *doc = &in->doc;

	if (!has_text(doc, node, "type") || json_get(doc, node, "lf") != JSON_NONE)
		return false;
	if (in->options.source)
		return true;
	if (in->claude && json_get(doc, node, "properties") == JSON_NONE && json_get(doc, node, "payload") == JSON_NONE)
		return !has_text(doc, node, "sessionID");
	return has_text(doc, node, "sessionId") || has_text(doc, node, "leafUuid") ||
	       (has_text(doc, node, "messageId") && json_get(doc, node, "snapshot") != JSON_NONE);
}

int claude_end(struct ingest *in, struct err *err)
{
	in->agent = "claude";
	return claude_complete(in, -1, NULL, err);
}

int claude_line(struct ingest *in, int32_t node, struct err *err)
{
	const struct json_doc *doc = &in->doc;
	struct claude_line line = { .node = node, .session = -1, .turn = -1 };
	int32_t type;
	int rc;

	if (!is_mine(in, node))
		return NOT_MINE;
	type = json_get(doc, node, "type");
	if (!in->claude)
		in->claude = claude_new();
	for (size_t i = 0; i < sizeof plain_types / sizeof plain_types[0]; i++)
		if (json_string_is(doc, type, plain_types[i].type))
			return plain_types[i].handle(in, node, err);
	if (!has_text(doc, node, "sessionId"))
		return UNKNOWN_TYPE;
	line.uuid = claude_text(in, json_get(doc, node, "uuid"));
	line.id = id_of(in, json_get(doc, node, "uuid"));
	line.time_ms = time_of(in, json_get(doc, node, "timestamp"));
	line.message = json_get(doc, node, "message");
	line.content = json_get(doc, line.message, "content");
	rc = chain_line(in, &line, err);
	free(line.uuid);
	return rc;
}
