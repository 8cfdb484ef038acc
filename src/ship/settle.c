/* How a batch is settled, what the sender's status becomes, and when it tries again. */
#include "base/clock.h"
#include "base/hash.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <unistd.h>

static void count_outcomes(const struct ship_batch *batch, struct settled *ret)
{
	for (unsigned i = 0; i < batch->count; i++) {
		const struct ship_row *row = &batch->rows[i];

		ret->delivered += row->outcome == SETTLE_DELIVERED;
		ret->shrunk += row->outcome == SETTLE_DELIVERED && row->shrink_level > 0;
		ret->retries += row->outcome == SETTLE_RETRY;
		ret->dead += row->outcome == SETTLE_DEAD;
		ret->doubtful += row->outcome == SETTLE_IN_DOUBT;
	}
}

static int settle_items(enum spool_sink sink, struct spool *spool, const struct ship_batch *batch, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < batch->count && rc == 0; i++)
		rc = spool_item_settle(spool, sink, batch->rows[i].span_id, batch->rows[i].outcome, batch->rows[i].reason, err);
	return rc;
}

/* What arrived is settled last and at one go, unless it is not all that is left: something is in doubt still, or was purged and not asked for. */
static int settle_send(struct spool *spool, const struct ship_batch *batch, bool doubtful, struct err *err)
{
	bool at_once = !batch->in_doubt && !doubtful;
	int rc = 0;

	for (unsigned i = 0; i < batch->count && rc == 0; i++) {
		const struct ship_row *row = &batch->rows[i];

		if (!at_once || row->outcome != SETTLE_DELIVERED)
			rc = spool_settle(spool, batch->send_id, row->rowid, row->outcome, row->reason, err);
	}
	if (rc == 0 && at_once)
		rc = spool_send_arrived(spool, batch->send_id, err);
	return rc != 0 ? rc : spool_send_end(spool, batch->send_id, err);
}

static int settle_in_transaction(const struct ship *ship, struct spool *spool, const struct ship_batch *batch, int64_t wall_ms,
                                 struct settled *ret, struct err *err)
{
	bool failed = batch->result == RESULT_RETRY || batch->result == RESULT_DOUBT;
	enum spool_sink sink = ship->options.sink;
	int rc;

	*ret = (struct settled){ 0 };
	count_outcomes(batch, ret);
	rc = sink == SINK_LANGFUSE ? settle_send(spool, batch, ret->doubtful > 0, err) : settle_items(sink, spool, batch, err);
	if (rc == 0)
		rc = facts_count(ship, spool, ret, batch->rejected, failed, err);
	if (rc == 0)
		rc = facts_set(ship, spool, batch, ret, wall_ms, err);
	return rc;
}

/* In 0..1; that daemons do not return in step needs no more than this. */
static double jitter(const struct ship *ship, int64_t mono_ms)
{
	const int64_t seed[] = { mono_ms, (int64_t)getpid(), (int64_t)ship->attempt, clock_wall_ms() };

	return (double)(hash_64(seed, sizeof(seed)) >> 11) / (double)(UINT64_C(1) << 53);
}

static void back_off(struct ship *ship, const struct ship_batch *batch, int64_t mono_ms)
{
	const struct ship_options *options = &ship->options;
	int64_t wait_ms;

	ship->attempt++;
	wait_ms = backoff_ms(ship->attempt, options->backoff_base_ms, options->backoff_max_ms, batch->retry_after_ms,
	                     jitter(ship, mono_ms));
	if (batch->result == RESULT_DOUBT && wait_ms < options->lookup_delay_ms)
		wait_ms = options->lookup_delay_ms;
	ship->status.state = SHIP_RETRYING;
	ship->status.next_try_ms = mono_ms + wait_ms;
	ship->status.retries++;
}

static void move_state(struct ship *ship, const struct ship_batch *batch, bool delivered, int64_t mono_ms, int64_t wall_ms)
{
	struct ship_status *status = &ship->status;

	if (batch->result == RESULT_DOUBT)
		ship->doubt_due_wall_ms = wall_ms + ship->options.lookup_delay_ms;
	if (delivered)
		ship->attempt = 0;
	if (batch->result == RESULT_OK) {
		status->state = SHIP_OK;
		status->next_try_ms = 0;
		status->reason[0] = '\0';
		return;
	}
	snprintf(status->reason, sizeof(status->reason), "%s", batch->error);
	if (batch->result != RESULT_PAUSE) {
		back_off(ship, batch, mono_ms);
		return;
	}
	status->state = SHIP_PAUSED;
	status->next_try_ms = mono_ms + ship->options.pause_retry_ms;
}

static void wait_for_lookup(struct ship *ship, const struct ship_batch *batch, int64_t mono_ms)
{
	struct ship_status *status = &ship->status;

	status->state = SHIP_RETRYING;
	status->next_try_ms = mono_ms + batch->wait_ms;
	snprintf(status->reason, sizeof(status->reason), "a send whose outcome is not known is looked up soon");
}

static void note_outcome(struct ship *ship, const struct ship_batch *batch, const struct settled *settled, int64_t mono_ms,
                         int64_t wall_ms)
{
	struct ship_status *status = &ship->status;

	if (settled->delivered > 0)
		status->last_success_ms = wall_ms;
	if (batch->error[0])
		snprintf(status->last_error, sizeof(status->last_error), "%s", batch->error);
	if (batch->server.known) {
		probe_api_name(&batch->server, status->api);
		snprintf(status->server_version, sizeof(status->server_version), "%s", batch->server.version);
	}
	move_state(ship, batch, settled->delivered > 0, mono_ms, wall_ms);
}

static int settle_and_take(struct ship *ship, struct spool *spool, struct ship_batch *batch, const struct ship_settling *how, bool take,
                           struct settled *ret, struct ship_batch **ret_next, struct err *err)
{
	int rc = settle_in_transaction(ship, spool, batch, how->wall_ms, ret, err);

	if (rc == 0 && how->also)
		rc = how->also(spool, how->context, err);
	if (rc != 0 || !take)
		return rc;
	return take_batch(ship, spool, how->wall_ms, ret_next, err);
}

/* The next batch passes its gate before it is sent; one that only waits does not. */
static bool is_late(const struct ship_settling *how, const struct ship_batch *next)
{
	return how->late && next && next->wait_ms == 0;
}

static int settle_batch(struct ship *ship, struct spool *spool, struct ship_batch *batch, const struct ship_settling *how, bool take,
                        struct settled *ret, struct ship_batch **ret_next, struct err *err)
{
	int rc = how->late ? spool_begin_derived(spool, err) : spool_begin(spool, err);

	if (rc != 0)
		return rc;
	rc = settle_and_take(ship, spool, batch, how, take, ret, ret_next, err);
	if (rc == 0)
		rc = spool_commit(spool, err);
	else
		spool_rollback(spool);
	if (rc == 0 && !is_late(how, *ret_next))
		rc = spool_sync(spool, err);
	if (rc == 0)
		return 0;
	/* Not written down: the send stays in flight and is in doubt; nothing is counted as delivered. */
	*ret = (struct settled){ 0 };
	batch_free(*ret_next);
	*ret_next = NULL;
	return rc;
}

/* What is durable counts: what was late is, by now. */
static void count_settled(struct ship *ship, const struct settled *settled, bool late)
{
	static const struct settled none;
	const struct settled *counted[] = { &ship->late, late ? &none : settled };

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
		ship->status.delivered += (uint64_t)counted[i]->delivered;
		ship->status.dead += (uint64_t)counted[i]->dead;
	}
	ship->late = late ? *settled : none;
}

int ship_settle(struct ship *ship, struct spool *spool, struct ship_batch *batch, const struct ship_settling *how, struct ship_batch **ret_next,
                struct err *err)
{
	bool take = how->take && batch->result == RESULT_OK;
	struct settled settled = { 0 };
	struct ship_batch *next = NULL;
	int rc;

	if (batch->wait_ms > 0) {
		wait_for_lookup(ship, batch, how->mono_ms);
		batch_free(batch);
		return 0;
	}
	rc = settle_batch(ship, spool, batch, how, take, &settled, &next, err);
	if (rc != 0 && take) /* what was delivered is written down, if only that can be */
		rc = settle_batch(ship, spool, batch, how, false, &settled, &next, err);
	if (rc == 0)
		count_settled(ship, &settled, is_late(how, next));
	note_outcome(ship, batch, &settled, how->mono_ms, how->wall_ms);
	batch_free(batch);
	if (!next)
		buf_done(&ship->request);
	if (ret_next)
		*ret_next = next;
	return rc;
}
