/* The parts of the meter. Private to src/daemon. */
#ifndef LF_DAEMON_METER_PRIVATE_H
#define LF_DAEMON_METER_PRIVATE_H
#include "daemon/meter.h"

/* The figures of the agents, for the profile of the exporter. */
int meter_agents(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err);

#endif
