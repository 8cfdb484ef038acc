/*
 * How much a record counts. Pure: the caller finds the revision that a record replaces and the session that it belongs to, and
 * moves the counters in the transaction that stores the record. A revision moves a counter by what it adds to the one before it; a
 * message or a call that is older than its session is a fork's copy and counts nothing.
 */
#ifndef LF_METRICS_COUNT_H
#define LF_METRICS_COUNT_H
#include "base/json.h"
#include "event/clean_record.h"
#include "metrics/fact.h"

#define COUNT_SLOTS 16
#define COUNT_LABEL_BYTES 1024
#define COUNT_PROJECT_BYTES 104

struct count_amount {
	enum fact_id fact;
	bool present;
	int64_t value;
	char label[COUNT_LABEL_BYTES]; /* a JSON object of strings */
};
/* What one revision amounts to: a fixed place for everything that its kind can count. */
struct count_amounts {
	struct count_amount slots[COUNT_SLOTS];
	bool any;
	bool grows;   /* later revisions of a key may well have more */
};

/* Nothing. */
void count_amounts_init(struct count_amounts *amounts);

struct count_options {
	bool session_label;   /* every counter has the session's id: as many series as sessions */
	bool project_label;   /* every counter has the id of the session's project, where it is known */
	unsigned max_series;  /* of a fact: what would make more is counted without labels */
};

/* Whether records of this kind and body can count at all; cheap. Not so: count_record() finds nothing. */
bool count_can(const struct clean_record_view *record);
/* What is to be known of a record's session; zeroes when it is not known. */
struct count_session {
	int64_t created_ms;
	char project[COUNT_PROJECT_BYTES];
	char permission[64]; /* that a reply answers: what was asked for */
};
/* Where records are read, one after the other; one thread's. */
struct count_room {
	struct json_doc doc;
	struct buf text;
};
void count_room_init(struct count_room *room);
void count_room_done(struct count_room *room);

void count_session_read(struct count_room *room, struct slice body, struct count_session *ret);
/* The request that this record answers, as its key in the spool; false: it is no answer to one. */
bool count_asked(const struct clean_record_view *record, char *ret, size_t size);
void count_asked_read(struct count_room *room, struct slice body, struct count_session *ret);
/* A body that is no JSON counts nothing. */
void count_record(struct count_room *room, const struct clean_record_view *record, const struct count_session *session,
                  const struct count_options *options, struct count_amounts *ret);
/* A session of which no record of its own is known (opencode run). */
void count_bare_session(const struct clean_record_view *record, const struct count_options *options, struct count_amounts *ret);

struct count_turn { /* a finished turn */
	struct slice source, session;
	const char *project;
	int64_t duration_ms, tokens, cost_pico;
};
void count_turn(const struct count_turn *turn, const struct count_options *options, struct count_amounts *ret);

typedef int count_move_fn(void *context, const char *name, const char *label, int64_t add, struct err *err);
/* Calls fn for every counter that moves from old (NULL: nothing) to now; stops at its first failure. */
int count_moves(const struct count_amounts *old, const struct count_amounts *now, count_move_fn *fn, void *context, struct err *err);
/* One observation of a histogram that is no fact of an agent. */
int count_observe(const struct fact *fact, int64_t value, const char *label, count_move_fn *fn, void *context, struct err *err);

#endif
