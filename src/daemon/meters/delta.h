/*
 * What of the counters a collector has taken, for exports as differences. A difference is written down before it is sent and
 * stays as it is, with its times, until its answer is known: sent again after a crash it is the same points. All on the
 * thread that has the spool.
 */
#ifndef LF_DAEMON_DELTA_H
#define LF_DAEMON_DELTA_H
#include "metrics/view.h"
#include "spool.h"

struct delta_window { /* what the differences span */
	int64_t start_ms, time_ms;
};
/* Writes down what was counted since the last export, or finds what is written down already. A transaction of its own. */
int delta_freeze(struct spool *spool, enum metrics_temporality temporality, int64_t now_ms, struct delta_window *ret, struct err *err);
/* Gives metrics what is written down, and the other counters as they stand. */
int delta_feed(struct spool *spool, enum metrics_temporality temporality, struct metrics *metrics, struct err *err);
/* The answer is known: taken, or it goes out with the next one. Inside the caller's transaction. */
int delta_settle(struct spool *spool, bool taken, struct err *err);

#endif
