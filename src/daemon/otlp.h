/* The options of OTLP, for one signal. */
#ifndef LF_DAEMON_OTLP_H
#define LF_DAEMON_OTLP_H
#include "conf/conf.h"
#include "ship/collector.h"

/* The signal's own option where it is set, else the one for all signals; NULL when neither is. name: "headers". */
const char *otlp_string(const struct conf *conf, enum collector_signal signal, const char *name);
/* False when there is no endpoint for this signal. The texts are the configuration's. */
bool otlp_options(const struct conf *conf, enum collector_signal signal, struct collector_options *ret);

#endif
