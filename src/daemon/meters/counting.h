/*
 * Counters of the metrics move here: in the transaction that stores a record, or that assembles a turn. What was counted is known
 * for good (spool_counted_*): a replay, a second channel or a purge does not count it again.
 */
#ifndef LF_DAEMON_COUNTING_H
#define LF_DAEMON_COUNTING_H
#include "event/observation.h"
#include "metrics/count.h"
#include "spool.h"

/* When counting began: stays over restarts; metrics name it as their start. */
#define COUNTING_START "metrics_start_ms"
int counting_open(struct spool *spool, struct err *err);

/* What is kept from record to record, so that it is not read anew; one thread's. */
struct counting_memory {
	struct count_room room;
	struct buf session_body;      /* of the session that was read last, */
	struct count_session session; /* and what it says */
};
void counting_memory_init(struct counting_memory *memory);
void counting_memory_done(struct counting_memory *memory);

/* spool_append(), and the counters of what it stored. Inside the caller's transaction. */
int counting_append(struct spool *spool, const struct count_options *options, const struct clean_record *record,
                    struct counting_memory *memory, enum spool_appended *ret, struct err *err);

/* One observation of a histogram of lfspool's own, inside the caller's transaction. */
int counting_add(struct spool *spool, enum fact_id fact, int64_t value, struct err *err);
/* The same in a transaction of its own. */
int counting_observe(struct spool *spool, enum fact_id fact, int64_t value, struct err *err);

/* Turns of one session, gathered while it is assembled. */
struct counting_turns {
	struct counting_turn *items;
	size_t count, cap;
};
void counting_turns_add(struct counting_turns *turns, const struct observation *observation, struct slice id);
/* Counts those that are finished and new; frees the list. */
int counting_turns_end(struct counting_turns *turns, struct spool *spool, const struct count_options *options, struct slice source,
                       struct slice session, struct err *err);
void counting_turns_done(struct counting_turns *turns);

#endif
