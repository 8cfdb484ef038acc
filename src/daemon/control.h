/*
 * The control socket, DIR/control.sock (0600): one request, one reply, then closed. A request is a line of JSON; with
 * "ingest" the descriptor to read comes along. Only the user that the daemon runs as (or root) is answered.
 */
#ifndef LF_DAEMON_CONTROL_H
#define LF_DAEMON_CONTROL_H
#include "daemon/work.h"

#define CONTROL_SOCKET "control.sock"

struct control;
int control_start(struct work *work, const char *dir, struct control **ret, struct err *err);
/* Ends open requests (an ingest stops where it is; what was acknowledged stays) and removes the socket. */
void control_stop(struct control *control);

/* Fills a socket address for DIR/control.sock however long DIR is. Returns a descriptor of the directory that must stay open
 * while the address is used, or LF_E…. */
struct sockaddr_un;
int control_address(const char *dir, struct sockaddr_un *ret, struct err *err);

#endif
