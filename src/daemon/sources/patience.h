/* How a follower waits: between pages, as long as the rate asks for; after a failure, longer each time; and between two complaints. */
#ifndef LF_DAEMON_PATIENCE_H
#define LF_DAEMON_PATIENCE_H
#include "daemon/work.h"

struct patience { /* zeroed: has all of it */
	int64_t pace_mono_ms;       /* no page before this moment */
	int64_t retry_ms;           /* the last wait after a failure */
	int64_t complained_mono_ms; /* when it was logged last */
};

/* Waits until so many values may have been taken (option backfill_rate). LF_ECLOSED: the daemon stops. */
int patience_pace(struct patience *patience, const struct work *work, uint64_t values, struct err *err);
/* After how many ms to try again. */
int64_t patience_retry(struct patience *patience);
/* It went well. */
void patience_reset(struct patience *patience);
/* Logs that a source fails: when it has not before, and then once a minute. */
void patience_complain(struct patience *patience, bool before, int code, const struct err *err);

#endif
