/*
 * The writer's thread; see writer.h. Jobs that append go first, also between the transactions of a long job, so that what comes in
 * need not wait for a purge. While one commit waits for the disk the next group gathers in the
 * mailbox, so groups grow under load and a lone job waits for nobody.
 */
#include "daemon/writer.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define QUEUE_JOBS 256
#define GROUP_JOBS 64

struct job {
	bool grouped;
	spool_work_fn *fn;
	void *arg;
	struct err *err;
	int rc;
	struct mailbox *answer; /* the caller's: it is woken by its own job coming back */
};

struct writer {
	struct spool *spool;
	struct mailbox *queue;
	struct job **later; /* not grouped; taken while another ran */
	int later_count;
	pthread_t thread;
};

/*
 * After a failed fsync or a damaged page nothing may be tried again on this descriptor: main closes the spool and opens it anew
 * (daemon.c).
 */
static void answer(struct job *job)
{
	if (job->rc == LF_EIO || job->rc == LF_ECORRUPT)
		kill(getpid(), WRITER_BROKEN_SIGNAL);
	(void)mailbox_put(job->answer, job, -1);
}

static void run_in_own_transaction(struct spool *spool, struct job *job)
{
	job->rc = spool_begin(spool, job->err);
	if (job->rc == 0)
		job->rc = job->fn(spool, job->arg, job->err);
	if (job->rc == 0)
		job->rc = spool_commit(spool, job->err);
	if (job->rc != 0)
		spool_rollback(spool);
}

/* All in one transaction; false when it did not work out, and nothing was stored. */
static bool run_together(struct spool *spool, struct job **jobs, int count)
{
	struct err ignored = { 0 };
	int rc = spool_begin(spool, &ignored);

	for (int i = 0; rc == 0 && i < count; i++)
		rc = jobs[i]->rc = jobs[i]->fn(spool, jobs[i]->arg, jobs[i]->err);
	if (rc == 0)
		rc = spool_commit(spool, &ignored);
	if (rc == 0)
		return true;
	spool_rollback(spool);
	return false;
}

/* One bad job must not cost the others of its group: after a failure each is tried alone. */
static void run_group(struct spool *spool, struct job **jobs, int count)
{
	bool done = count > 1 && run_together(spool, jobs, count);

	for (int i = 0; i < count; i++) {
		if (!done)
			run_in_own_transaction(spool, jobs[i]);
		answer(jobs[i]);
	}
}

/* Runs those that append, together; the others are kept. */
static void run_appending(struct writer *writer, struct job **jobs, int count)
{
	struct job *grouped[GROUP_JOBS];
	int n = 0;

	writer->later = xrealloc(writer->later, (size_t)(writer->later_count + count) * sizeof(struct job *));
	for (int i = 0; i < count; i++) {
		if (jobs[i]->grouped)
			grouped[n++] = jobs[i];
		else
			writer->later[writer->later_count++] = jobs[i];
	}
	if (n > 0)
		run_group(writer->spool, grouped, n);
}

/* Between two transactions of a long job. */
static void serve_meanwhile(void *context)
{
	struct writer *writer = context;
	struct job *jobs[GROUP_JOBS];
	int n = mailbox_take(writer->queue, (void **)jobs, GROUP_JOBS, 0);

	if (n > 0)
		run_appending(writer, jobs, n);
}

/* In the order in which they came; while one runs, more may come. */
static void run_later(struct writer *writer)
{
	while (writer->later_count > 0) {
		struct job *job = writer->later[0];

		memmove(writer->later, writer->later + 1, (size_t)--writer->later_count * sizeof(struct job *));
		job->rc = job->fn(writer->spool, job->arg, job->err);
		answer(job);
		serve_meanwhile(writer);
	}
}

static void *writer_main(void *arg)
{
	struct writer *writer = arg;
	struct job *jobs[GROUP_JOBS];
	int n;

	while ((n = mailbox_take(writer->queue, (void **)jobs, GROUP_JOBS, -1)) >= 0) {
		run_appending(writer, jobs, n);
		run_later(writer);
	}
	return NULL;
}

int writer_start(struct spool *spool, struct writer **ret, struct err *err)
{
	struct writer *writer = xcalloc(1, sizeof *writer);

	writer->spool = spool;
	writer->queue = mailbox_new(QUEUE_JOBS);
	spool_set_pause(spool, serve_meanwhile, writer);
	if (pthread_create(&writer->thread, NULL, writer_main, writer) != 0) {
		spool_set_pause(spool, NULL, NULL);
		mailbox_free(writer->queue);
		free(writer);
		return err_set(err, LF_ENOMEM, "cannot start the writer's thread");
	}
	*ret = writer;
	return 0;
}

int writer_call(struct writer *writer, bool grouped, spool_work_fn *fn, void *arg, struct err *err)
{
	struct job job = { .grouped = grouped, .fn = fn, .arg = arg, .err = err, .answer = mailbox_new(1) };
	void *back;
	int rc = mailbox_put(writer->queue, &job, -1);

	if (rc != 0) {
		mailbox_free(job.answer);
		return err_set(err, LF_ECLOSED, "the daemon is stopping");
	}
	(void)mailbox_take(job.answer, &back, 1, -1);
	mailbox_free(job.answer);
	return job.rc;
}

void writer_stop(struct writer *writer)
{
	mailbox_close(writer->queue);
	pthread_join(writer->thread, NULL);
	spool_set_pause(writer->spool, NULL, NULL);
	mailbox_free(writer->queue);
	free(writer->later);
	free(writer);
}
