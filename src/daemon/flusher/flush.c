/* Rounds of shipping; see flush.h. */
#include "daemon/flusher/flush.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/flusher/ahead.h"
#include "daemon/meters/counting.h"
#include "daemon/syncing.h"
#include <pthread.h>
#include <time.h>

#define SESSIONS_AT_A_TIME 16
#define ENOUGH_OBSERVATIONS 1000 /* to go on with: those of a batch */
#define ROUND_MS 1000
#define LOTS_OF_A_ROUND 4 /* while nothing can be sent */

struct derive_job {
	struct work *work;
	enum spool_sink sink;
	int lots;     /* that are assembled even if enough waits: what is new must not wait for it */
	bool more;
	bool no_room; /* on the disk, for what is left */
	struct ahead *ahead; /* what was assembled meanwhile */
	uint64_t changes;    /* of records, when it was done */
	uint64_t bytes;      /* of the bodies that were made last */
};

/* Until enough waits to be sent. A few at a time, each time with a look at the disk: what is assembled already goes out first, and makes room. */
static int derive_some(struct derive_job *job, struct spool *spool, struct err *err)
{
	struct derive_options options = derive_options(job->work);
	struct derived derived = { .more = true };
	uint64_t waiting = 0;
	int rc = spool_count_pending(spool, job->sink, &waiting, err);

	while (rc == 0 && derived.more && (job->lots > 0 || waiting < ENOUGH_OBSERVATIONS)) {
		if (work_disk_low(job->work, WORK_RESERVE_DERIVE)) {
			derived.more = false;
			job->no_room = true;
			break;
		}
		if (ahead_holds(job->ahead))
			ahead_put(job->ahead, spool, &derived);
		else
			rc = derive_dirty(spool, &options, SESSIONS_AT_A_TIME, job->lots > 0 ? ENOUGH_OBSERVATIONS : ENOUGH_OBSERVATIONS - (unsigned)waiting, &derived, err);
		job->lots--;
		job->bytes = derived.bytes;
		if (rc == 0)
			rc = spool_count_pending(spool, job->sink, &waiting, err);
	}
	job->more = derived.more;
	return rc;
}

static int derive_job_run(struct spool *spool, void *arg, struct err *err)
{
	struct derive_job *job = arg;
	struct work *work = job->work;
	int rc = derive_some(job, spool, err);

	/* what is open is known once it is assembled; what became stale is assembled again */
	if (rc == 0 && !work_disk_low(work, WORK_RESERVE_DERIVE))
		rc = derive_stale(spool, work->rules, work->stale_after_ms, clock_wall_ms(), err);
	if (rc == 0 && !job->more)
		rc = derive_some(job, spool, err);
	job->changes = spool_record_changes(spool);
	return rc;
}

/*
 * A round: one batch after the other. While one is on its way, the next one's observations are put in place; while it is settled, and the next
 * one taken, those after it are assembled.
 */
struct round {
	struct derive_job derive;
	struct ship *ship;
	struct ship_batch *batch; /* that is taken; NULL: there is none */
	int64_t until_mono_ms;    /* when no more are taken */
	int64_t post_ms;          /* that the last one was under way */
	bool last;
	bool late;                /* the batch is to be brought to the disk before it is sent */
	struct syncing syncing;
};

static int take_job_run(struct spool *spool, void *arg, struct err *err)
{
	struct round *round = arg;

	return ship_take(round->ship, spool, clock_wall_ms(), &round->batch, err);
}

static int observe_post(struct spool *spool, void *context, struct err *err)
{
	struct round *round = context;

	return counting_add(spool, FACT_FLUSH_MS, round->post_ms, err);
}

static int settle_job_run(struct spool *spool, void *arg, struct err *err)
{
	struct round *round = arg;
	struct ship_settling how = { .mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms(), .context = round };
	struct ship_batch *batch = round->batch;
	int rc;

	how.take = !round->last;
	how.also = ship_status(round->ship)->sink == SINK_LANGFUSE ? observe_post : NULL;
	how.late = round->syncing.fd >= 0 && round->syncing.rc == 0;
	round->batch = NULL;
	rc = ship_settle(round->ship, spool, batch, &how, &round->batch, err);
	round->late = how.late && round->batch;
	return rc;
}

static int give_up_job_run(struct spool *spool, void *arg, struct err *err)
{
	(void)arg;
	return spool_give_up(spool, err);
}

/* The request is made while what it says is written down: it goes out when that is on the disk. */
static int await_disk(void *context, struct err *err)
{
	struct round *round = context;

	return syncing_end(&round->syncing, err);
}

static void *post_main(void *arg)
{
	struct round *round = arg;
	int64_t began_ms = clock_mono_ms();
	struct err err = { 0 };

	if (ship_post(round->ship, round->batch, &err) != 0)
		log_event(LOG_LEVEL_WARN, "ship.post", "error=\"%s\"", err.text);
	(void)await_disk(round, &err); /* also when nothing was to be sent */
	round->post_ms = clock_mono_ms() - began_ms;
	return NULL;
}

/* Posts the batch; meanwhile assembles, so that the next is as large. */
static int post_and_derive(struct round *round, struct err *err)
{
	pthread_t thread;
	int rc;

	if (round->late) {
		syncing_start(&round->syncing);
		ship_batch_gate(round->batch, await_disk, round);
	}
	if (pthread_create(&thread, NULL, post_main, round) != 0) {
		post_main(round);
		return 0;
	}
	rc = work_on_spool(round->derive.work, false, derive_job_run, &round->derive, err);
	pthread_join(thread, NULL);
	return rc;
}

static int sync_job_run(struct spool *spool, void *arg, struct err *err)
{
	(void)arg;
	return spool_sync(spool, err);
}

static int relieve_job_run(struct spool *spool, void *arg, struct err *err)
{
	(void)arg;
	return spool_relieve(spool, err);
}

int flush_relieve(struct work *work, struct err *err)
{
	return work_on_spool(work, false, relieve_job_run, NULL, err);
}

/* All that was assembled is sent, and there was no room to assemble the rest. */
static int make_room(struct work *work, struct flush_round *ret, struct err *err)
{
	int rc = flush_relieve(work, err);

	if (rc == 0 && work_disk_low(work, WORK_RESERVE_DERIVE))
		rc = err_set(err, LF_EFULL, "the disk is full: less than %u MB are free: what is stored cannot be made ready", (unsigned)(WORK_RESERVE_DERIVE >> 20));
	ret->progressed = rc == 0;
	return rc;
}

static void *ahead_main(void *arg)
{
	struct derive_job *derive = arg;

	ahead_assemble(derive->ahead, derive->changes, SESSIONS_AT_A_TIME, ENOUGH_OBSERVATIONS);
	return NULL;
}

/* A job that takes a batch, and settles the one before. */
static int take_and_assemble(struct round *round, spool_work_fn *fn, struct err *err)
{
	struct derive_job *derive = &round->derive;
	bool more = !round->last && derive->more && derive->bytes < AHEAD_MAX_BYTES && ahead_is_of_use(derive->ahead);
	pthread_t thread;
	int rc;

	more = more && pthread_create(&thread, NULL, ahead_main, derive) == 0;
	rc = work_on_spool(derive->work, false, fn, round, err);
	if (more)
		pthread_join(thread, NULL);
	return rc;
}

/* Whatever came of the assembling, the batch is settled. */
static int pass_batch(struct round *round, struct err *err)
{
	int rc = post_and_derive(round, err), settled;
	struct err ignored;

	if (round->syncing.rc != 0)
		(void)work_on_spool(round->derive.work, false, give_up_job_run, NULL, &ignored);
	round->last = rc != 0 || atomic_load(&round->derive.work->stopping) || clock_mono_ms() >= round->until_mono_ms;
	settled = take_and_assemble(round, settle_job_run, rc == 0 ? err : NULL);
	return rc != 0 ? rc : settled;
}

static int run(struct work *work, struct round *round, struct flush_round *ret, struct err *err)
{
	bool ready = ship_ready(round->ship, clock_mono_ms());
	int rc;

	round->derive.lots = ready ? 1 : LOTS_OF_A_ROUND;
	rc = work_on_spool(work, false, derive_job_run, &round->derive, err);

	*ret = (struct flush_round){ .progressed = round->derive.more };
	if (rc == 0 && ready)
		rc = take_and_assemble(round, take_job_run, err);
	if (rc == 0 && !round->batch) /* a batch is written down durably, and with it what was assembled before */
		rc = work_on_spool(work, false, sync_job_run, NULL, err);
	if (rc != 0 || !ready)
		return rc;
	if (!round->batch && round->derive.no_room)
		return make_room(work, ret, err);
	if (!round->batch)
		ret->idle = !round->derive.more;
	while (rc == 0 && round->batch) {
		rc = pass_batch(round, err);
		ret->progressed = true;
	}
	return rc;
}

int flush_round(struct work *work, struct ship *ship, struct flush_round *ret, struct err *err)
{
	struct round round = { .derive = { .work = work, .sink = ship_status(ship)->sink, .ahead = ahead_new(work) },
		               .ship = ship, .until_mono_ms = clock_mono_ms() + ROUND_MS };
	int rc;

	syncing_init(&round.syncing, work->spool);
	rc = run(work, &round, ret, err);
	syncing_done(&round.syncing);
	ahead_free(round.derive.ahead);
	return rc;
}

static int figures_job_run(struct spool *spool, void *arg, struct err *err)
{
	return spool_figures(spool, arg, err);
}

static int say_what_is_left(struct work *work, const struct ship_status *status, struct err *err)
{
	struct spool_figures figures = { 0 };
	int rc = work_on_spool(work, false, figures_job_run, &figures, err);
	bool langfuse = status->sink == SINK_LANGFUSE;
	uint64_t left = figures.sinks[status->sink].pending + (langfuse ? figures.in_flight + figures.in_doubt : 0);

	if (rc != 0 || left == 0)
		return rc;
	return err_set(err, LF_EAGAIN, "%llu %s are still to be sent%s%s: %s%s%s", (unsigned long long)left,
	               status->sink == SINK_LOGS ? "log records" : "observations", langfuse ? "" : " to ", langfuse ? "" : spool_sink_name(status->sink),
	               ship_state_name(status->state), status->reason[0] ? ": " : "",
	               status->reason[0] ? status->reason : status->last_error);
}

static void wait_until(const struct work *work, int64_t mono_ms)
{
	while (!atomic_load(&work->stopping) && clock_mono_ms() < mono_ms) {
		struct timespec step = { 0, 20000000 };
		nanosleep(&step, NULL);
	}
}

int flush_all(struct work *work, struct ship *ship, int64_t timeout_ms, struct err *err)
{
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;
	const struct ship_status *status = ship_status(ship);

	ship_resume(ship);
	for (;;) {
		struct flush_round round;
		int rc = flush_round(work, ship, &round, err);
		if (rc != 0)
			return rc;
		if (round.idle || status->state == SHIP_OFF || status->state == SHIP_PAUSED || clock_mono_ms() >= deadline_ms ||
		    atomic_load(&work->stopping)) {
			if (!round.idle && round.progressed && status->state == SHIP_OK && clock_mono_ms() < deadline_ms)
				continue;
			return say_what_is_left(work, status, err);
		}
		if (!round.progressed || !ship_ready(ship, clock_mono_ms()))
			wait_until(work, status->next_try_ms < deadline_ms ? status->next_try_ms : deadline_ms);
	}
}
