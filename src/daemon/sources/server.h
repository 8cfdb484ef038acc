/*
 * OpenCode servers (`opencode serve`, `opencode web`) that are listened to: one thread each holds the event stream open, and after
 * every connect reads by REST what was missed meanwhile. A server's stream knows only the sessions of its own process; the database
 * knows them all, and this source adds what is in no database.
 *
 * Cursor (source "opencode"): "server/<hash of the URL>" = the wall clock of the last event, ms.
 */
#ifndef LF_DAEMON_SERVER_H
#define LF_DAEMON_SERVER_H
#include "daemon/sources/follow.h"

#define SERVERS_MAX 8
struct servers;
/* One thread for each URL of opencode_url; *ret NULL when there is none. */
int servers_start(struct work *work, struct servers **ret, struct err *err);
void servers_stop(struct servers *servers);

struct servers_status {
	unsigned count;
	struct {
		char url[256];
		struct follow_status status;
	} servers[SERVERS_MAX];
};
/* A copy, as it is now. SOURCE_OK: the stream is open. */
void servers_status(struct servers *servers, struct servers_status *ret);

#endif
