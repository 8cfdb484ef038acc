/* What the parts of ingest share: the state of one input, and the writer of neutral bodies. */
#ifndef LF_INGEST_SOURCE_H
#define LF_INGEST_SOURCE_H
#include "base/json.h"
#include "ingest/ingest.h"

#define NEXT_SESSIONS 256

/* What session.next.* events leave to be known by later ones. */
struct next_session {
	char session[80], prompt[80], message[80];
	int64_t started_ms;
	char agent[64], model[128], provider[128], variant[64];
	uint64_t used;
};

#define NEXT_OPEN 128
/* The beginning of a part whose end comes in a later event. */
struct next_open {
	struct buf key, body;
	uint64_t used;
};

struct ingest {
	struct ingest_options options;
	char *source, *name;
	struct frame *frame;
	struct ingest_counts counts;
	struct json_doc doc;
	struct buf body, session, message, key, link, scratch;
	struct json_writer out;
	uint64_t line;
	int64_t seen_ms;         /* the newest explicit time in this input: event ids are unwrapped near it */
	uint64_t order;          /* of the event at hand; 0 in documents */
	int64_t event_ms;
	struct next_session *next; /* NEXT_SESSIONS */
	struct next_open *next_open; /* NEXT_OPEN */
	uint64_t next_used;
	char run_message[80];    /* of `run --format json` */
	int64_t run_started_ms;
};

enum handled { NOT_MINE = 1, SKIPPED = 2, UNKNOWN_TYPE = 3 }; /* 0: events were given; negative: failed */

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
int ingest_say(struct ingest *in, const char *reason); /* one problem with the value at hand; returns 0 */
int64_t time_of(struct ingest *in, int32_t node);     /* ms, or an ISO text; 0 */

/* src_opencode_parts.c: the objects that all channels share */
int opencode_session(struct ingest *in, int32_t info, struct err *err);
int opencode_message(struct ingest *in, int32_t info, struct err *err);
int opencode_part(struct ingest *in, int32_t part, int64_t time_ms, bool user, struct err *err);
bool opencode_error_body(struct ingest *in, int32_t error);
void opencode_diffs(struct ingest *in, const char *key, int32_t list);
void opencode_tokens(struct ingest *in, int32_t tokens);

/* by channel */
int opencode_event(struct ingest *in, int32_t node, struct err *err);
int opencode_document(struct ingest *in, int32_t node, struct err *err);
int opencode_next(struct ingest *in, const char *type, int32_t properties, struct err *err);
int opencode_run(struct ingest *in, int32_t node, struct err *err);
int lfspool_record(struct ingest *in, int32_t node, struct err *err);

#endif
