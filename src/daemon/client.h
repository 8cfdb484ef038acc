/* The other end of the control socket. */
#ifndef LF_DAEMON_CLIENT_H
#define LF_DAEMON_CLIENT_H
#include "base/buf.h"
#include "base/err.h"

/*
 * Sends one request to the daemon of the spool in dir and reads the reply. input_fd goes along unless it is -1. LF_ENOENT when
 * no daemon listens there.
 */
int client_call(const char *dir, struct slice request, int input_fd, struct buf *reply, struct err *err);

#endif
