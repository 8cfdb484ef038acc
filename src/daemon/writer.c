/*
 * The writer's thread; see writer.h. Jobs that append go first, also between the transactions of a long job, so that what comes in
 * need not wait for a purge. While one commit waits for the disk the next group gathers in the
 * mailbox, so groups grow under load and a lone job waits for nobody.
 */
#include "daemon/writer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include <pthread.h>
#include <stdlib.h>

#define QUEUE_JOBS 256
#define GROUP_JOBS 64
#define FOLD_AGAIN_MS 1000 /* when it failed; it is durable all the same */
#define FOLD_MS 10 /* so long at most what is durable is not yet to be seen by others that read the file */

struct writer {
	struct spool *spool;
	void (*broken)(void);
	pthread_mutex_t turn;    /* held by who is at the spool; guards what follows but the queue */
	bool tried;              /* it is a caller's thread: long jobs are not for it */
	int64_t fold_mono_ms;    /* when the spool is to be folded; 0: it is */
	struct work_job fold;    /* in the queue: makes the thread look at that; nobody waits for it */
	struct mailbox *queue;
	struct work_job **later; /* not grouped; taken while another ran */
	int later_count;
	pthread_t thread;
};

/* After a failed fsync or a damaged page nothing may be tried again on this descriptor. */
static void look_for_damage(struct writer *writer, const struct work_job *job)
{
	if ((job->rc == LF_EIO || job->rc == LF_ECORRUPT) && writer->broken)
		writer->broken();
}

static void answer(struct writer *writer, struct work_job *job)
{
	look_for_damage(writer, job);
	(void)mailbox_put(job->answer, job, -1);
}

/* What was committed is not in the file: a little later it shall be. True: that is new. */
static bool expect_fold(struct writer *writer)
{
	bool new = !spool_is_folded(writer->spool) && writer->fold_mono_ms == 0;

	if (new)
		writer->fold_mono_ms = clock_mono_ms() + FOLD_MS;
	return new;
}

static void fold_in_time(struct writer *writer)
{
	struct work_job failed = { 0 };

	(void)expect_fold(writer);
	if (writer->fold_mono_ms != 0 && clock_mono_ms() >= writer->fold_mono_ms) {
		writer->fold_mono_ms = 0;
		failed.rc = spool_fold(writer->spool, &failed.err);
		look_for_damage(writer, &failed);
		if (failed.rc != 0)
			writer->fold_mono_ms = clock_mono_ms() + FOLD_AGAIN_MS;
	}
}

/* How long there is to wait for jobs; -1: for ever. */
static int64_t wait_ms(const struct writer *writer)
{
	int64_t left_ms = writer->fold_mono_ms - clock_mono_ms();

	return writer->fold_mono_ms == 0 ? -1 : left_ms > 0 ? left_ms : 0;
}

/* The commit waits for the disk if one of them does. */
static int begin_for(struct spool *spool, struct work_job *const *jobs, int count, struct err *err)
{
	bool small = true, late = true;

	for (int i = 0; i < count; i++) {
		small = small && jobs[i]->small;
		late = late && jobs[i]->late;
	}
	return late ? spool_begin_late(spool, err) : small ? spool_begin_small(spool, err) : spool_begin(spool, err);
}

static void run_in_own_transaction(struct spool *spool, struct work_job *job)
{
	if (!job->fn) {
		job->rc = spool_fold(spool, &job->err);
		return;
	}
	job->rc = begin_for(spool, &job, 1, &job->err);
	if (job->rc == 0)
		job->rc = job->fn(spool, job->arg, &job->err);
	if (job->rc == 0)
		job->rc = spool_commit(spool, &job->err);
	if (job->rc != 0)
		spool_rollback(spool);
}

void writer_run(struct spool *spool, struct work_job *job)
{
	if (job->grouped)
		run_in_own_transaction(spool, job);
	else
		job->rc = job->fn(spool, job->arg, &job->err);
}

/* All in one transaction; false when it did not work out, and nothing was stored. */
static bool run_together(struct spool *spool, struct work_job **jobs, int count)
{
	struct err ignored = { 0 };
	int rc = begin_for(spool, jobs, count, &ignored);

	for (int i = 0; rc == 0 && i < count; i++)
		rc = jobs[i]->rc = jobs[i]->fn ? jobs[i]->fn(spool, jobs[i]->arg, &jobs[i]->err) : 0; /* to begin was to fold */
	if (rc == 0)
		rc = spool_commit(spool, &ignored);
	if (rc == 0)
		return true;
	spool_rollback(spool);
	return false;
}

/* One bad job must not cost the others of its group: after a failure each is tried alone. */
static void run_group(struct writer *writer, struct work_job **jobs, int count)
{
	bool done = count > 1 && run_together(writer->spool, jobs, count);

	for (int i = 0; i < count; i++) {
		if (!done)
			writer_run(writer->spool, jobs[i]);
		answer(writer, jobs[i]);
	}
}

/* Runs those that append, together; the others are kept. */
static void run_appending(struct writer *writer, struct work_job **jobs, int count)
{
	struct work_job *grouped[GROUP_JOBS];
	int n = 0;

	writer->later = xrealloc(writer->later, (size_t)(writer->later_count + count) * sizeof(struct work_job *));
	for (int i = 0; i < count; i++) {
		if (jobs[i]->grouped)
			grouped[n++] = jobs[i];
		else if (jobs[i] != &writer->fold)
			writer->later[writer->later_count++] = jobs[i];
	}
	if (n > 0)
		run_group(writer, grouped, n);
}

/* Between two transactions of a long job. */
static void serve_meanwhile(void *context)
{
	struct writer *writer = context;
	struct work_job *jobs[GROUP_JOBS];
	int n = writer->tried ? 0 : mailbox_take(writer->queue, (void **)jobs, GROUP_JOBS, 0);

	if (n > 0)
		run_appending(writer, jobs, n);
}

/* In the order in which they came; while one runs, more may come. */
static void run_later(struct writer *writer)
{
	while (writer->later_count > 0) {
		struct work_job *job = writer->later[0];

		memmove(writer->later, writer->later + 1, (size_t)--writer->later_count * sizeof(struct work_job *));
		writer_run(writer->spool, job);
		answer(writer, job);
		serve_meanwhile(writer);
	}
}

static void *writer_main(void *arg)
{
	struct writer *writer = arg;
	struct work_job *jobs[GROUP_JOBS];
	int64_t patience_ms = -1;
	int n;

	while ((n = mailbox_take(writer->queue, (void **)jobs, GROUP_JOBS, patience_ms)) >= 0) {
		pthread_mutex_lock(&writer->turn);
		run_appending(writer, jobs, n);
		run_later(writer);
		fold_in_time(writer);
		patience_ms = wait_ms(writer);
		pthread_mutex_unlock(&writer->turn);
	}
	return NULL;
}

int writer_start(struct spool *spool, bool hurried, void (*broken)(void), struct writer **ret, struct err *err)
{
	struct writer *writer = xcalloc(1, sizeof *writer);

	writer->spool = spool;
	spool_use_intake(spool, hurried);
	spool_use_threads(spool, !hurried); /* what it brings to the disk would be in the way of an answer */
	writer->broken = broken;
	writer->queue = mailbox_new(QUEUE_JOBS);
	pthread_mutex_init(&writer->turn, NULL);
	spool_set_pause(spool, serve_meanwhile, writer);
	if (pthread_create(&writer->thread, NULL, writer_main, writer) != 0) {
		spool_set_pause(spool, NULL, NULL);
		mailbox_free(writer->queue);
		pthread_mutex_destroy(&writer->turn);
		free(writer);
		return err_set(err, LF_ENOMEM, "cannot start the writer's thread");
	}
	*ret = writer;
	return 0;
}

bool writer_try(struct writer *writer, struct work_job *job)
{
	bool wake;

	if (pthread_mutex_trylock(&writer->turn) != 0)
		return false;
	writer->tried = true;
	writer_run(writer->spool, job);
	writer->tried = false;
	look_for_damage(writer, job);
	wake = expect_fold(writer);
	pthread_mutex_unlock(&writer->turn);
	/* When there is no room for it the thread is about to look anyway. */
	if (wake)
		(void)mailbox_put(writer->queue, &writer->fold, 0);
	return true;
}

void writer_post(struct writer *writer, struct work_job *job)
{
	job->answer = mailbox_new(1);
	if (mailbox_put(writer->queue, job, -1) == 0)
		return;
	mailbox_free(job->answer);
	job->answer = NULL;
	job->rc = err_set(&job->err, LF_ECLOSED, "the daemon is stopping");
}

void writer_stop(struct writer *writer)
{
	mailbox_close(writer->queue);
	pthread_join(writer->thread, NULL);
	spool_set_pause(writer->spool, NULL, NULL);
	spool_use_threads(writer->spool, false);
	mailbox_free(writer->queue);
	pthread_mutex_destroy(&writer->turn);
	free(writer->later);
	free(writer);
}
