/*
 * Records of one session as structs: what the assembler reads of bodies, and nothing else. The heads
 * (session, messages, signals) are loaded as a whole, the parts of one turn at a time.
 * Texts are unescaped; fields named "…_json" are JSON values as they stand in the record.
 */
#ifndef LF_ASSEMBLE_VIEW_H
#define LF_ASSEMBLE_VIEW_H
#include "assemble/assemble.h"
#include "assemble/pool.h"

struct view_error {
	struct slice name, message;
	int64_t status;           /* HTTP, 0: none */
	bool present;
};

struct view_session {
	struct slice id, parent, title, project, directory, version;
	int64_t created_ms;
	bool called;              /* a tool call started it, of whatever session has a link to it */
};

struct view_message {
	struct slice id, parent, agent, mode, model, provider, variant, finish, directory;
	struct slice turn;        /* id of the turn that it belongs to */
	struct slice cost_json, diffs_json;
	struct view_error error;
	struct observation_usage tokens;
	int64_t created_ms, completed_ms;
	bool assistant, summary;
};

struct view_part {
	struct slice key, type, tool, call, status, mime, name, agent;
	struct slice text_json, input_json, output_json, error_json, title_json, metadata_json, exit_json;
	struct slice cost_json;
	struct slice filename_json, description_json, prompt_json;
	struct slice sizes_json;  /* members `"x_bytes":n` of a record without content, comma-separated */
	struct observation_usage tokens;
	int64_t start_ms, end_ms;
	bool synthetic, ignored, commit, automatic, overflow;
};

struct view_signal {
	struct slice key, type, request, reply, permission, call;
	struct slice message;     /* a message's id; of a retry: words */
	struct slice text;
	struct slice patterns_json, metadata_json, questions_json, answers_json;
	struct view_error error;
	int64_t time_ms, next_ms, attempt;
	ptrdiff_t turn;           /* index, -1: before the first turn */
};

/* A turn: a user message, or the place where one should be, and the assistant messages that answer it. */
struct view_turn {
	struct slice id;
	int64_t created_ms;
	const struct view_message *user;        /* NULL: not known */
	const struct view_message *answers;     /* by created, id */
	size_t count;
	bool overtaken;           /* the agent went on with a later turn */
};

struct view {
	struct pool pool;
	struct json_doc doc;
	struct buf scratch;
	struct view_session session;
	struct view_message *messages;          /* by turn, user first, created, id; copies and removed ones left out */
	struct view_turn *turns;                /* by created, id */
	struct view_signal *signals;            /* by turn, time, key */
	size_t message_count, message_cap, turn_count, turn_cap, signal_count, signal_cap;
	int64_t last_ms, idle_ms, stale_ms;     /* newest time of anything; of an idle and a stale signal */
};

struct view_parts {
	struct pool pool;
	struct json_doc doc;
	struct buf scratch;
	struct view_part *items;
	size_t count, cap;
	int64_t last_ms;          /* newest time seen since init */
};

void view_init(struct view *view);
void view_done(struct view *view);
/* Loads the heads of a session, drops copies and removed messages, groups turns, places signals. */
int view_load(struct view *view, const struct assemble_store *store, struct slice source, struct slice session, struct err *err);
/* NULL when it is not known or left out. */
const struct view_message *view_find_message(const struct view *view, struct slice id);
/* The last turn that began at or before time_ms; -1: none. */
ptrdiff_t view_turn_at(const struct view *view, int64_t time_ms);
/* Index of the turn with this id; -1: none. */
ptrdiff_t view_turn_find(const struct view *view, struct slice id);

/* Reads a session's body. */
int view_session_read(const struct clean_record_view *record, struct json_doc *doc, struct pool *pool, struct buf *scratch,
                      struct view_session *ret, struct err *err);

void view_parts_init(struct view_parts *parts);
void view_parts_done(struct view_parts *parts);
void view_parts_clear(struct view_parts *parts);
/* Appends the parts of one message, ordered by start, key. */
int view_parts_load(struct view_parts *parts, const struct assemble_store *store, struct slice source, struct slice session,
                    struct slice message, struct err *err);

#endif
