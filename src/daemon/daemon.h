/* The daemon: starts the stages in order, waits for signals, stops them in reverse. */
#ifndef LF_DAEMON_DAEMON_H
#define LF_DAEMON_DAEMON_H
#include "conf/conf.h"

/*
 * Runs until SIGTERM or SIGINT, in the foreground. SIGHUP calls reload for a new configuration; when that fails the old one
 * stays. Takes over *conf (replaced on reload; the caller frees what is there at the end).
 */
typedef int daemon_reload_fn(void *context, struct conf **ret, struct err *err);
int daemon_run(struct conf **conf, daemon_reload_fn *reload, void *context, struct err *err);

#endif
