/* Runs the assembler over the sessions that have changed, and keeps the outbox equal to what it says. */
#ifndef LF_DAEMON_DERIVE_H
#define LF_DAEMON_DERIVE_H
#include "daemon/work.h"

/* What becomes of observations. */
struct derive_options {
	enum trace_unit unit;
	const struct count_options *count; /* how finished turns are counted for the metrics */
	unsigned sinks;                    /* SPOOL_SINK_BITs */
	double sample_rate;
	const char *no_traces, *no_logs;   /* comma lists of what the collector does not get; NULL: nothing */
};
struct derive_options derive_options(const struct work *work);

struct derived {
	bool more;             /* there are dirty sessions left */
	unsigned observations; /* of those that were assembled */
	uint64_t bytes;        /* of their bodies */
};
/*
 * Assembles up to max dirty sessions, those first that wait longest, but before them a few of the newest, which a backlog must
 * not hold up; on the thread that owns the spool. Some share a transaction, so that small ones do not wait for the disk each; none is
 * begun after `enough` observations, or after some MB: who calls looks at the disk before the next ones.
 */
int derive_dirty(struct spool *spool, const struct derive_options *options, unsigned max, unsigned enough, struct derived *ret, struct err *err);
/* Writes a `stale` signal for each open session in which nothing happened for stale_after_ms before wall_ms, unless something of it
 * was stored within the last seconds: an old session that is being read comes in pieces. */
int derive_stale(struct spool *spool, const struct ruleset *rules, int64_t stale_after_ms, int64_t wall_ms, struct err *err);

/* Assembles one session and gives its observations to emit, storing nothing: a reader will do. */
int derive_session(struct spool *spool, enum trace_unit unit, struct slice source, struct slice session,
                   assemble_emit_fn *emit, void *context, struct assemble_result *ret, struct err *err);

#endif
