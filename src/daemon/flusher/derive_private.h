/* Inside the deriving only: a session's observations on their way from the assembler to the outbox. */
#ifndef LF_DAEMON_DERIVE_PRIVATE_H
#define LF_DAEMON_DERIVE_PRIVATE_H
#include "daemon/flusher/derive.h"
#include "daemon/meters/counting.h"

struct session_id {
	char *source, *id;
};
struct session_list {
	struct session_id *items;
	size_t count, cap;
};
/* A spool_id_fn; adds one that is not there yet. */
int session_list_add(void *context, struct slice source, struct slice id, struct err *err);
void session_list_done(struct session_list *list);
/* Up to max dirty sessions, those first that wait longest, but before them a few of the newest. *ret_all: there are no others. */
int session_list_dirty(struct session_list *list, struct spool *spool, unsigned max, bool *ret_all, struct err *err);

/* One row; its texts live for the call. */
struct made_row {
	bool log;    /* a log record; else an observation, */
	bool traced; /* which the sink of the traces gets too */
	struct spool_observation row;
};
typedef int made_row_fn(void *context, const struct made_row *row, struct err *err);
/* What else comes of a session; begins as zeros. */
struct made {
	struct assemble_result result;
	struct counting_turns turns;
	bool left_out; /* some of it: the sample has it not */
	unsigned observations;
	uint64_t bytes;
};
/* Reads the session and gives its rows; a reader will do. */
int make_session(struct spool *spool, const struct derive_options *options, const struct session_id *session, made_row_fn *fn, void *context,
                 struct made *ret, struct err *err);
void made_done(struct made *made);
/* A made_row_fn: context is the spool, in which spool_observations_begin() was called. */
int made_put(void *context, const struct made_row *row, struct err *err);
/* The part of it that is not for Langfuse. */
int made_put_items(struct spool *spool, const struct made_row *row, struct err *err);
/* The end of the session's set. */
int made_end(struct spool *spool, const struct derive_options *options, const struct session_id *session, struct made *made, struct err *err);

#endif
