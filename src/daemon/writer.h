/*
 * The writer: the one thread that touches the spool in the daemon. Others hand it jobs through a bounded
 * mailbox and wait for the answer. Jobs that only append are committed together (group commit) and
 * answered after the commit: an answer of 0 means durable.
 */
#ifndef LF_DAEMON_WRITER_H
#define LF_DAEMON_WRITER_H
#include "daemon/work.h"

/* Sent to this process when the spool must be closed and opened again; must be blocked. */
#define WRITER_BROKEN_SIGNAL SIGUSR1

/* Takes over the spool until writer_stop(). */
int writer_start(struct spool *spool, struct writer **ret, struct err *err);
/* From any other thread. LF_ECLOSED once it stops. */
int writer_call(struct writer *writer, bool grouped, spool_work_fn *fn, void *arg, struct err *err);
/* Does what is queued, then ends the thread and frees it. */
void writer_stop(struct writer *writer);

#endif
