/* The flusher's thread; see flush.h. It waits for the network, so that the writer's does not. */
#include "daemon/flusher/flush.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/system.h"
#include <pthread.h>
#include <stdlib.h>

#define CLEANUP_EVERY_MS 60000
#define QUIET_SHARE 100 /* of the time */
#define MANY_DELIVERED 1000

struct wish { /* what another thread asks of the flusher */
	bool flush, resume;
	int64_t timeout_ms;
	struct err *err;
	int rc;
	struct mailbox *answer;
};

struct flusher {
	enum spool_sink sink;  /* Langfuse's minds the spool too */
	struct work *work;
	struct ship *ship;
	atomic_bool cancel;
	struct mailbox *wishes;
	pthread_t thread;
	int64_t interval_ms, cleaned_mono_ms, complained_mono_ms;
	bool relieved;         /* since the disk became nearly full... */
	uint64_t relieved_at;  /* ...when so many were delivered */
	uint64_t trimmed_at;   /* when memory was given back, so many were delivered */
	bool tidy;             /* since the last work... */
	int64_t round_cpu_ns, round_mono_ns; /* ...by what was used between the last round and this one */
	pthread_mutex_t lock;      /* of published only; taken last, held for a copy */
	struct ship_status published; /* so that `status` need not wait for a hanging request */
};

static void publish(struct flusher *flusher)
{
	pthread_mutex_lock(&flusher->lock);
	flusher->published = *ship_status(flusher->ship);
	pthread_mutex_unlock(&flusher->lock);
}

void flusher_status(struct flusher *flusher, struct ship_status *ret)
{
	pthread_mutex_lock(&flusher->lock);
	*ret = flusher->published;
	pthread_mutex_unlock(&flusher->lock);
}

static void fulfil(struct flusher *flusher, struct wish *wish)
{
	if (wish->resume)
		ship_resume(flusher->ship);
	if (wish->flush)
		wish->rc = flush_all(flusher->work, flusher->ship, wish->timeout_ms, wish->err);
	publish(flusher);
	(void)mailbox_put(wish->answer, wish, -1);
}

static int cleanup_job_run(struct spool *spool, void *arg, struct err *err)
{
	(void)arg;
	return spool_cleanup(spool, clock_wall_ms(), err);
}

static void clean_now_and_then(struct flusher *flusher)
{
	struct err err = { 0 };

	if (clock_mono_ms() - flusher->cleaned_mono_ms < CLEANUP_EVERY_MS)
		return;
	flusher->cleaned_mono_ms = clock_mono_ms();
	if (work_on_spool(flusher->work, false, cleanup_job_run, NULL, &err) != 0)
		log_event(LOG_LEVEL_WARN, "spool.cleanup", "error=\"%s\"", err.text);
}

/* Once a minute at most: a full disk must not fill the log too. */
static void complain(struct flusher *flusher, const struct err *err)
{
	if (flusher->complained_mono_ms && clock_mono_ms() - flusher->complained_mono_ms < 60000)
		return;
	flusher->complained_mono_ms = clock_mono_ms();
	log_event(LOG_LEVEL_ERROR, "flush.failed", "code=%d error=\"%s\"", err->code, err->text);
}

/* A disk that is nearly full: says so, and gives back what is delivered, when there was something. */
static void mind_the_disk(struct flusher *flusher, uint64_t delivered)
{
	struct err err = { 0 };

	if (!work_disk_low(flusher->work, WORK_RESERVE_INPUT)) {
		flusher->relieved = false;
		return;
	}
	err_set(&err, LF_EFULL, "the disk is full: less than %u MB are free: nothing new is taken", (unsigned)(WORK_RESERVE_INPUT >> 20));
	complain(flusher, &err);
	if (flusher->relieved && delivered == flusher->relieved_at)
		return;
	if (flush_relieve(flusher->work, &err) != 0)
		return;
	flusher->relieved = true;
	flusher->relieved_at = delivered;
}

static bool run_round(struct flusher *flusher)
{
	struct flush_round round;
	struct err err = { 0 };
	int rc = flush_round(flusher->work, flusher->ship, &round, &err);

	publish(flusher);
	if (flusher->sink == SINK_LANGFUSE)
		mind_the_disk(flusher, ship_status(flusher->ship)->delivered);
	if (rc != 0) {
		complain(flusher, &err);
		return false;
	}
	if (flusher->sink == SINK_LANGFUSE)
		clean_now_and_then(flusher);
	return round.progressed && ship_ready(flusher->ship, clock_mono_ms());
}

/* When for the first time between two rounds next to nothing was done, and behind a backlog. */
static void tidy_up(struct flusher *flusher)
{
	int64_t cpu_ns = clock_process_ns(), mono_ns = clock_mono_ns();
	bool quiet = cpu_ns - flusher->round_cpu_ns < (mono_ns - flusher->round_mono_ns) / QUIET_SHARE;

	flusher->round_cpu_ns = cpu_ns;
	flusher->round_mono_ns = mono_ns;
	if ((quiet && !flusher->tidy) || ship_status(flusher->ship)->delivered - flusher->trimmed_at >= MANY_DELIVERED) {
		system_trim();
		flusher->trimmed_at = ship_status(flusher->ship)->delivered;
	}
	flusher->tidy = quiet;
}

static void *flusher_main(void *arg)
{
	struct flusher *flusher = arg;
	void *wish;
	bool again = false;
	int n;

	while ((n = mailbox_take(flusher->wishes, &wish, 1, again ? 0 : flusher->interval_ms)) >= 0) {
		if (n == 1)
			fulfil(flusher, wish);
		else
			again = run_round(flusher);
		if (!again)
			tidy_up(flusher);
	}
	return NULL;
}

int flusher_start(struct work *work, enum spool_sink sink, struct flusher **ret, struct err *err)
{
	struct flusher *flusher = xcalloc(1, sizeof *flusher);
	int rc = work_ship_new(work, sink, &flusher->cancel, &flusher->ship, err);

	if (rc != 0) {
		free(flusher);
		return rc;
	}
	flusher->work = work;
	flusher->sink = sink;
	flusher->interval_ms = conf_int(work->conf, "flush_interval");
	flusher->wishes = mailbox_new(16);
	pthread_mutex_init(&flusher->lock, NULL);
	publish(flusher);
	if (pthread_create(&flusher->thread, NULL, flusher_main, flusher) != 0) {
		ship_free(flusher->ship);
		mailbox_free(flusher->wishes);
		free(flusher);
		return err_set(err, LF_ENOMEM, "cannot start the flusher's thread");
	}
	*ret = flusher;
	return 0;
}

void flusher_cancel(struct flusher *flusher)
{
	atomic_store(&flusher->cancel, true);
}

void flusher_stop(struct flusher *flusher)
{
	flusher_cancel(flusher);
	mailbox_close(flusher->wishes);
	pthread_join(flusher->thread, NULL);
	ship_free(flusher->ship);
	mailbox_free(flusher->wishes);
	pthread_mutex_destroy(&flusher->lock);
	free(flusher);
}

static int ask(struct flusher *flusher, struct wish *wish, struct err *err)
{
	void *back;
	int rc;

	wish->answer = mailbox_new(1);
	wish->err = err;
	rc = mailbox_put(flusher->wishes, wish, -1);
	if (rc == 0)
		(void)mailbox_take(wish->answer, &back, 1, -1);
	mailbox_free(wish->answer);
	return rc != 0 ? err_set(err, LF_ECLOSED, "the daemon is stopping") : wish->rc;
}

int flusher_flush(struct flusher *flusher, int64_t timeout_ms, struct err *err)
{
	struct wish wish = { .flush = true, .timeout_ms = timeout_ms };

	return ask(flusher, &wish, err);
}

void flusher_resume(struct flusher *flusher)
{
	struct wish wish = { .resume = true };
	struct err ignored;

	(void)ask(flusher, &wish, &ignored);
}
