/* Reads the spool's counters and figures into metrics. On the thread that has the spool. */
#ifndef LF_DAEMON_METER_H
#define LF_DAEMON_METER_H
#include "daemon/work.h"
#include "metrics/view.h"

struct metrics_options meter_options(const struct conf *conf);
/* Durable counters as they stand, and the figures of this moment. *ret: metrics_free(). */
int meter_read(struct spool *spool, const struct work *work, struct metrics **ret, int64_t *ret_start_ms, struct err *err);
/* The figures alone. */
int meter_gauges(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err);
int64_t meter_start_ms(struct spool *spool);

#endif
