/*
 * Shipping what is ready: assemble -> stale -> take -> post -> settle. One round at a time; the daemon's flusher
 * thread repeats it, `lfspool flush` without a daemon runs it to the end.
 */
#ifndef LF_DAEMON_FLUSH_H
#define LF_DAEMON_FLUSH_H
#include "daemon/work.h"

struct flush_round {
	bool progressed;   /* something was settled or assembled */
	bool idle;         /* nothing was pending */
};
/* One round. Calls from one thread only. Failures of the network are no failures here (see ship_status()). */
int flush_round(struct work *work, struct ship *ship, struct flush_round *ret, struct err *err);

/* Rounds until nothing is pending, or the sink is paused, or timeout_ms has gone. Returns 0 when nothing is left,
 * LF_EAGAIN when something is (err says why). */
int flush_all(struct work *work, struct ship *ship, int64_t timeout_ms, struct err *err);

/* For a disk that is full: gives back what is delivered. */
int flush_relieve(struct work *work, struct err *err);

/* The daemon's threads, one a sink: none of them waits for another's server. */
int flusher_start(struct work *work, enum spool_sink sink, struct flusher **ret, struct err *err);
void flusher_cancel(struct flusher *flusher); /* cuts a hanging request and every later one */
void flusher_stop(struct flusher *flusher);
/* Asks the thread to flush everything now; waits. As flush_all(). */
int flusher_flush(struct flusher *flusher, int64_t timeout_ms, struct err *err);
void flusher_resume(struct flusher *flusher);
/* A copy of the sender's status, as of its last round. */
void flusher_status(struct flusher *flusher, struct ship_status *ret);

#endif
