/* The figures of `status --json`, with the keys that the manual promises. */
#ifndef LF_DAEMON_STATUS_H
#define LF_DAEMON_STATUS_H
#include "base/json.h"
#include "daemon/work.h"

/* Writes one object. On the thread that owns the spool (or with a reader). ships: by sink; NULL when no daemon runs. */
int status_write(struct spool *spool, const struct work *work, const struct ship_status *ships, struct json_writer *out, struct err *err);

#endif
