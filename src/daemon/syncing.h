/* Brings the log to the disk on a thread of its own, so that nobody waits meanwhile: one sync at a time. */
#ifndef LF_DAEMON_SYNCING_H
#define LF_DAEMON_SYNCING_H
#include "spool.h"
#include <pthread.h>
#include <stdbool.h>

struct syncing {
	int fd;      /* of the log; -1: there is none, and nothing may be committed without a sync */
	bool running;
	pthread_t thread;
	int rc;      /* of the last one; once it has failed it stays so */
	struct err err;
};

void syncing_init(struct syncing *syncing, const struct spool *spool);
/* After syncing_end(). */
void syncing_done(struct syncing *syncing);
/* Of what is committed by now. Not while one runs. */
void syncing_start(struct syncing *syncing);
/* Waits for it, if one runs. */
int syncing_end(struct syncing *syncing, struct err *err);

#endif
