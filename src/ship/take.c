/* Which batch is next: sends in doubt that are due, or what is pending. */
#include "base/mem.h"
#include "ship/ship_private.h"
#include <stdlib.h>

struct taking {
	struct ship *ship;
	struct spool *spool;
	struct ship_batch *batch;
	int64_t wall_ms, wait_ms;   /* wait_ms: until the first send in doubt is due; 0 none */
	int64_t *rows;              /* of the send that is due */
	unsigned count;
};

static int add_stored(void *context, const struct spool_observation *stored, struct err *err)
{
	(void)err;
	batch_add(context, stored);
	return 0;
}

static int add_doubtful(void *context, const struct spool_observation *stored, struct err *err)
{
	if (stored->state != OBSERVATION_IN_FLIGHT && stored->state != OBSERVATION_IN_DOUBT)
		return 0;
	return add_stored(context, stored, err);
}

/* How long until a send may be looked up; a clock that was set back does not put it off for ever. */
static int64_t doubt_wait_ms(const struct taking *taking, const struct spool_send *send)
{
	int64_t delay = taking->ship->options.lookup_delay_ms;
	int64_t by_send = send->created_ms + delay - taking->wall_ms;
	int64_t by_answer = taking->ship->doubt_due_wall_ms - taking->wall_ms;

	by_send = by_send > 0 && by_send <= delay ? by_send : 0;
	by_answer = by_answer > 0 && by_answer <= delay ? by_answer : 0;
	return by_send > by_answer ? by_send : by_answer;
}

static int see_send(void *context, const struct spool_send *send, struct err *err)
{
	struct taking *taking = context;
	int64_t wait_ms = doubt_wait_ms(taking, send);

	(void)err;
	if (taking->rows)
		return 0;
	if (wait_ms > 0) {
		if (taking->wait_ms == 0 || wait_ms < taking->wait_ms)
			taking->wait_ms = wait_ms;
		return 0;
	}
	taking->count = send->count;
	taking->rows = xcalloc((size_t)send->count + 1, sizeof(*taking->rows));
	if (send->count > 0)
		memcpy(taking->rows, send->rows, send->count * sizeof(*taking->rows));
	taking->batch->send_id = send->id;
	return 0;
}

/* Fills the batch with the first send in doubt that is due; it stays empty when there is none. */
static int take_doubtful(struct taking *taking, struct err *err)
{
	int rc = spool_each_send(taking->spool, see_send, taking, err);

	for (unsigned i = 0; i < taking->count && rc == 0; i++) {
		rc = spool_get_observation(taking->spool, taking->rows[i], add_doubtful, taking->batch, err);
		if (rc == LF_ENOENT) /* purged meanwhile */
			rc = 0;
	}
	if (rc == 0 && taking->rows && taking->batch->count == 0)
		rc = spool_send_end(taking->spool, taking->batch->send_id, err);
	taking->batch->in_doubt = taking->batch->count > 0;
	return rc;
}

static int take_pending(struct taking *taking, struct err *err)
{
	const struct ship *ship = taking->ship;
	struct ship_batch *batch = taking->batch;
	bool changed = ship->server.known && ship->server.merges;
	int64_t *rows;
	int rc = spool_each_pending(taking->spool, ship->options.batch_max_count, ship->max_bytes, changed, add_stored, batch, err);

	if (rc != 0 || batch->count == 0)
		return rc;
	rows = xcalloc(batch->count, sizeof(*rows));
	for (unsigned i = 0; i < batch->count; i++)
		rows[i] = batch->rows[i].rowid;
	rc = spool_send_put(taking->spool, rows, batch->count, taking->wall_ms, &batch->send_id, err);
	free(rows);
	return rc;
}

static int take_in_transaction(struct taking *taking, struct err *err)
{
	int rc = take_doubtful(taking, err);

	if (rc == 0 && taking->batch->count == 0)
		rc = take_pending(taking, err);
	return rc;
}

/* Nothing is written down: what a collector got cannot be asked for, so what has no answer stays pending. */
static int take_items(struct ship *ship, struct spool *spool, struct ship_batch **ret, struct err *err)
{
	struct ship_batch *batch = batch_new();
	int rc = spool_each_item(spool, ship->options.sink, ship->options.batch_max_count, ship->max_bytes, add_stored, batch, err);

	*ret = rc == 0 && batch->count > 0 ? batch : NULL;
	if (!*ret)
		batch_free(batch);
	return rc;
}

int take_batch(struct ship *ship, struct spool *spool, int64_t wall_ms, struct ship_batch **ret, struct err *err)
{
	struct taking taking = { .ship = ship, .spool = spool, .wall_ms = wall_ms };
	int rc;

	if (ship->options.sink != SINK_LANGFUSE)
		return take_items(ship, spool, ret, err);
	taking.batch = batch_new();
	rc = take_in_transaction(&taking, err);
	free(taking.rows);
	if (rc == 0 && taking.batch->count == 0)
		taking.batch->wait_ms = taking.wait_ms;
	*ret = rc == 0 && (taking.batch->count > 0 || taking.batch->wait_ms > 0) ? taking.batch : NULL;
	if (!*ret)
		batch_free(taking.batch);
	return rc;
}

int ship_take(struct ship *ship, struct spool *spool, int64_t wall_ms, struct ship_batch **ret, struct err *err)
{
	int rc;

	*ret = NULL;
	if (ship->options.sink != SINK_LANGFUSE)
		return take_items(ship, spool, ret, err);
	rc = spool_begin(spool, err);
	if (rc != 0)
		return rc;
	rc = take_batch(ship, spool, wall_ms, ret, err);
	if (rc == 0)
		rc = spool_commit(spool, err);
	else
		spool_rollback(spool);
	if (rc != 0) {
		batch_free(*ret);
		*ret = NULL;
	}
	return rc;
}
