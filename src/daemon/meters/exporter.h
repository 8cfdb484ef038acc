/* Sends the metrics to a collector over OTLP/HTTP, when option otlp_endpoint is set. A thread of its own. */
#ifndef LF_DAEMON_EXPORTER_H
#define LF_DAEMON_EXPORTER_H
#include "daemon/work.h"

struct exporter;
/* *ret stays NULL without an endpoint. */
int exporter_start(struct work *work, struct exporter **ret, struct err *err);
void exporter_cancel(struct exporter *exporter); /* cuts a hanging request; NULL is nothing */
void exporter_stop(struct exporter *exporter);   /* NULL is nothing */

#endif
