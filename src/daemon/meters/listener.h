/* /metrics and /healthz on a loopback port, when option metrics_listen is set. A thread of its own. */
#ifndef LF_DAEMON_LISTENER_H
#define LF_DAEMON_LISTENER_H
#include "daemon/work.h"

struct listener;
/* *ret stays NULL without the option. LF_EINVAL: no loopback address, or built without libmicrohttpd. Logs the port. */
int listener_start(struct work *work, struct listener **ret, struct err *err);
void listener_stop(struct listener *listener);

#endif
