/* The parts of the meter. Private to src/daemon. */
#ifndef LF_DAEMON_METER_PRIVATE_H
#define LF_DAEMON_METER_PRIVATE_H
#include "daemon/meters/meter.h"

/* The figures of the agents, for the profile of the exporter. */
int meter_agents(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err);
/*
 * The figures of Claude Code as gauges, under the names of the metrics exporter for it: first what its transcripts have told the spool; its own
 * files (claude_stats.h) say only what nothing is known of from there. Nothing when option sources does not name it.
 */
int meter_claude(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err);

#endif
