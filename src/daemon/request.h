/*
 * What a command may ask for: a JSON object with "cmd" in, a JSON object out. The same handlers run in the daemon (for
 * a command on the control socket) and in the command itself when no daemon runs.
 */
#ifndef LF_DAEMON_REQUEST_H
#define LF_DAEMON_REQUEST_H
#include "daemon/work.h"

struct request_context {
	struct work *work;
	int input_fd; /* of an ingest; -1 */
	bool input_lost; /* one was sent, and there was no descriptor for it */
	int peer_fd;  /* the control connection; -1 */
};
/* Appends {"rc":LF_…,"error":…,"result":{…}}. */
void request_handle(struct request_context *context, struct slice request, struct buf *reply);

/*
 * Asks the running daemon, or, when none runs, does it here with the spool's lock. read_only: looks with a reader's
 * eyes, takes no lock. Returns the reply's rc, its words in err; *reply holds the whole reply (parse with json_parse()).
 */
int request_perform(const struct conf *conf, bool read_only, struct slice request, int input_fd, struct buf *reply, struct err *err);

#endif
