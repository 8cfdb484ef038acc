/* What the parts of ingest share: the state of one input, and the writer of neutral bodies. */
#ifndef LF_INGEST_SOURCE_H
#define LF_INGEST_SOURCE_H
#include "base/json.h"
#include "ingest/ingest.h"

struct next_state; /* src_opencode_next.c */
struct claude;     /* src_claude.h */

struct ingest {
	struct ingest_options options;
	char *source, *name;
	struct frame *frame;
	struct ingest_counts counts;
	struct json_doc doc;
	struct buf body, session, message, key, link, name_text, type, scratch;
	struct json_writer out;
	uint64_t line;
	int64_t seen_ms;         /* the newest explicit time in this input: event ids are unwrapped near it */
	int64_t latest_ms;       /* explicit times that are later are not believed */
	uint64_t order;          /* of the event at hand; 0 in documents */
	int64_t event_ms;
	int32_t event_id;        /* its node; JSON_NONE in documents */
	struct next_state *next;
	struct claude *claude;   /* NULL before the first line of a transcript */
	const char *agent;       /* whose value is at hand: the source of its events */
	char run_message[80];    /* of `run --format json` */
	int64_t run_started_ms;
};

/* What became of a value. 0: events were given; negative: failed. */
enum handled { NOT_MINE = 1, SKIPPED = 2, UNKNOWN_TYPE = 3, SAID = 4 /* a problem, already counted */ };

/* Bodies. A field that is missing in the input is left out. */
void body_begin(struct ingest *in);
void body_end(struct ingest *in);
void body_text(struct ingest *in, const char *key, int32_t node);   /* strings */
void body_number(struct ingest *in, const char *key, int32_t node); /* the digits as they are */
void body_bool(struct ingest *in, const char *key, int32_t node);
void body_json(struct ingest *in, const char *key, int32_t node);   /* any value, without white space between tokens */
void json_compact(struct slice raw, struct buf *out);
void body_words(struct ingest *in, const char *key, const char *words);
void body_int(struct ingest *in, const char *key, int64_t value);

/* Sets an id from a string node; false when it is missing or empty. */
bool id_set(struct ingest *in, struct buf *id, int32_t node);
void id_words(struct buf *id, const char *words);
/* Gives on an event with the ids and body that are set. */
int event_give(struct ingest *in, enum record_kind kind, enum record_level level, int64_t time_ms, struct err *err);
int ingest_say(struct ingest *in, const char *reason); /* one problem with the value at hand; returns SAID */
int ingest_settle(struct ingest *in, int rc);         /* counts what became of a value: 0, or the failure */
void ingest_note_time(struct ingest *in, int64_t time_ms);
int64_t time_of(struct ingest *in, int32_t node);     /* ms, or an ISO text; 0 */

/* src_opencode_parts.c: the objects that all channels share */
int opencode_session(struct ingest *in, int32_t info, struct err *err);
int opencode_message(struct ingest *in, int32_t info, struct err *err);
int opencode_part(struct ingest *in, int32_t part, int64_t time_ms, bool user, struct err *err);
bool opencode_error_body(struct ingest *in, int32_t error);
void opencode_diffs(struct ingest *in, const char *key, int32_t list);
void opencode_tokens(struct ingest *in, int32_t tokens);
struct command_made { /* what a shell command makes when it succeeds */
	bool commit;        /* `git commit` is in it */
	bool pull_request;  /* `gh pr create` is */
};
struct command_made command_makes(struct ingest *in, int32_t command);
struct command_made opencode_makes(struct ingest *in, int32_t tool, int32_t command); /* nothing for other tools than the shell */
void body_made(struct ingest *in, struct command_made made);

/* by channel */
int opencode_event(struct ingest *in, int32_t node, struct err *err);
void opencode_event_key(struct ingest *in, const char *prefix, int64_t time_ms);
int opencode_error_event(struct ingest *in, int32_t properties, struct err *err); /* {sessionID,error} */
int opencode_document(struct ingest *in, int32_t node, struct err *err);
int opencode_next(struct ingest *in, const char *type, int32_t properties, struct err *err);
int opencode_run(struct ingest *in, int32_t node, struct err *err);
struct next_state *next_new(void);
void next_free(struct next_state *state);
int claude_line(struct ingest *in, int32_t node, struct err *err);
int claude_end(struct ingest *in, struct err *err); /* of the file */
int lfspool_record(struct ingest *in, int32_t node, struct err *err);

#endif
