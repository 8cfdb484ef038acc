/*
 * The writer: a thread of its own for the spool. Others hand it jobs through a bounded mailbox; each comes back in the mailbox of its
 * own. One thread is at the spool at a time: the writer's, or that of a caller who found it free and only appends. Jobs that only append are committed together (group commit) and
 * answered after the commit: an answer of 0 means durable, unless the job is late.
 */
#ifndef LF_DAEMON_WRITER_H
#define LF_DAEMON_WRITER_H
#include "daemon/work.h"

/* Takes over the spool until writer_stop(). hurried: for long, and who hands in a record waits for the answer. broken, which may be NULL, is told when it must be closed and opened again. */
int writer_start(struct spool *spool, bool hurried, void (*broken)(void), struct writer **ret, struct err *err);
/* From any other thread. Once it stops the job is not done, and its rc is LF_ECLOSED. */
void writer_post(struct writer *writer, struct work_job *job);
/* Does it at once on this thread, which saves two changes of threads, if nobody is at the spool; else false. For jobs that append. */
bool writer_try(struct writer *writer, struct work_job *job);
/* The same job on this thread, by one who has the spool. */
void writer_run(struct spool *spool, struct work_job *job);
/* Does what is queued, then ends the thread and frees it. */
void writer_stop(struct writer *writer);

#endif
