/* The flusher's state: which batch is next, how its rows are settled, and when to try again. */
#include "ship/ship.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_BATCH_BYTES 3500000
#define DEFAULT_BATCH_COUNT 500
#define DEFAULT_BACKOFF_BASE_MS 1000
#define DEFAULT_BACKOFF_MAX_MS (5 * 60 * 1000)
#define DEFAULT_PAUSE_MS (10 * 60 * 1000)
#define DEFAULT_LOOKUP_DELAY_MS (10 * 1000)

const char *ship_state_name(enum ship_state state)
{
	static const char *const names[] = { [SHIP_OK] = "ok", [SHIP_RETRYING] = "retrying", [SHIP_PAUSED] = "paused", [SHIP_OFF] = "off" };

	return names[state];
}

/* ---- life ---- */

static const char *copy_text(const char *text)
{
	return text && *text ? xstrdup(text) : NULL;
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void copy_map_options(struct map_options *map)
{
	const char **texts[] = { &map->trace_prefix, &map->environment, &map->release, &map->user_id, &map->tags,
		&map->version, &map->host_name, &map->resource, &map->span_attributes, &map->excluded, &map->prefix,
		&map->traceparent, &map->tracestate, &map->instance };

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = copy_text(*texts[i]);
}

static void free_map_options(const struct map_options *map)
{
	const char *const texts[] = { map->trace_prefix, map->environment, map->release, map->user_id, map->tags,
		map->version, map->host_name, map->resource, map->span_attributes, map->excluded, map->prefix, map->traceparent, map->tracestate, map->instance };

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free_text(texts[i]);
}

static void set_defaults(struct ship_options *options)
{
	if (options->batch_max_bytes == 0)
		options->batch_max_bytes = DEFAULT_BATCH_BYTES;
	if (options->batch_max_count == 0)
		options->batch_max_count = DEFAULT_BATCH_COUNT;
	if (options->backoff_base_ms == 0)
		options->backoff_base_ms = DEFAULT_BACKOFF_BASE_MS;
	if (options->backoff_max_ms == 0)
		options->backoff_max_ms = DEFAULT_BACKOFF_MAX_MS;
	if (options->pause_retry_ms == 0)
		options->pause_retry_ms = DEFAULT_PAUSE_MS;
	if (options->lookup_delay_ms == 0)
		options->lookup_delay_ms = DEFAULT_LOOKUP_DELAY_MS;
}

static const char *copy_host(const char *host)
{
	size_t n = strlen(host);

	while (n > 0 && host[n - 1] == '/')
		n--;
	return xmemdup0(host, n);
}

static void switch_off(struct ship *ship, const char *reason)
{
	ship->status.state = SHIP_OFF;
	snprintf(ship->status.reason, sizeof(ship->status.reason), "%s", reason);
}

static void take_keys(struct ship *ship, const char *public_key, const char *secret_key)
{
	size_t n;

	if (!public_key || !*public_key || !secret_key || !*secret_key) {
		switch_off(ship, "no keys: set langfuse_public_key and langfuse_secret_key");
		return;
	}
	n = strlen(public_key) + strlen(secret_key) + 2;
	ship->auth = xmalloc(n);
	snprintf(ship->auth, n, "%s:%s", public_key, secret_key);
}

static void open_langfuse(struct ship *ship, const struct ship_options *options)
{
	ship->http = http_new(&options->http);
	take_keys(ship, options->public_key, options->secret_key);
	if (!*ship->options.host)
		switch_off(ship, "no server: set langfuse_host");
}

static int open_collector(struct ship *ship, const struct collector_options *options, struct err *err)
{
	static const char *const names[] = { [COLLECTOR_PROTOBUF] = "http/protobuf", [COLLECTOR_JSON] = "http/json", [COLLECTOR_GRPC] = "grpc" };

	if (!options->endpoint) {
		switch_off(ship, "no collector: set otlp_endpoint");
		return 0;
	}
	snprintf(ship->status.api, sizeof(ship->status.api), "%s", names[options->protocol]);
	ship->server.format = options->protocol == COLLECTOR_JSON ? MAP_OTLP_JSON : MAP_OTLP_PROTOBUF;
	return collector_new(options, &ship->collector, err);
}

int ship_new(const struct ship_options *options, struct ship **ret, struct err *err)
{
	struct ship *ship = xcalloc(1, sizeof(*ship));
	int rc = 0;

	ship->options = *options;
	set_defaults(&ship->options);
	copy_map_options(&ship->options.map);
	ship->options.host = copy_host(options->host ? options->host : "");
	ship->options.public_key = ship->options.secret_key = NULL; /* kept as auth */
	ship->options.collector = (struct collector_options){ .endpoint = NULL }; /* copied by the collector */
	ship->max_bytes = ship->options.batch_max_bytes;
	ship->status.sink = options->sink;
	if (options->sink == SINK_LANGFUSE)
		open_langfuse(ship, options);
	else
		rc = open_collector(ship, &options->collector, err);
	if (rc != 0) {
		ship_free(ship);
		return rc;
	}
	*ret = ship;
	return 0;
}

void ship_free(struct ship *ship)
{
	if (!ship)
		return;
	if (ship->auth)
		explicit_bzero(ship->auth, strlen(ship->auth));
	free(ship->auth);
	free_map_options(&ship->options.map);
	free_text(ship->options.host);
	if (ship->http)
		http_free(ship->http);
	collector_free(ship->collector);
	free(ship);
}

bool ship_ready(struct ship *ship, int64_t mono_ms)
{
	return ship->status.state != SHIP_OFF && mono_ms >= ship->status.next_try_ms;
}

void ship_resume(struct ship *ship)
{
	if (ship->status.state == SHIP_OFF)
		return;
	ship->status.state = SHIP_OK;
	ship->status.reason[0] = '\0';
	ship->status.next_try_ms = 0;
	ship->attempt = 0;
	atomic_store(&ship->forget_server, true);
}

const struct ship_status *ship_status(const struct ship *ship)
{
	return &ship->status;
}

/* ---- take ---- */

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

/* Takes the next batch inside a transaction. */
static int take_next(struct ship *ship, struct spool *spool, int64_t wall_ms, struct ship_batch **ret, struct err *err)
{
	struct taking taking = { .ship = ship, .spool = spool, .wall_ms = wall_ms, .batch = batch_new() };
	int rc = take_in_transaction(&taking, err);

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
	rc = take_next(ship, spool, wall_ms, ret, err);
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

/* ---- settle ---- */

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

	status->delivered += (uint64_t)settled->delivered;
	status->dead += (uint64_t)settled->dead;
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
	batch_drop_bodies(batch); /* two batches are not held at a time */
	if (ship->options.sink != SINK_LANGFUSE)
		return take_items(ship, spool, ret_next, err);
	return take_next(ship, spool, how->wall_ms, ret_next, err);
}

static int settle_batch(struct ship *ship, struct spool *spool, struct ship_batch *batch, const struct ship_settling *how, bool take,
                        struct settled *ret, struct ship_batch **ret_next, struct err *err)
{
	int rc = spool_begin(spool, err);

	if (rc != 0)
		return rc;
	rc = settle_and_take(ship, spool, batch, how, take, ret, ret_next, err);
	if (rc == 0)
		rc = spool_commit(spool, err);
	else
		spool_rollback(spool);
	if (rc == 0)
		return 0;
	/* Not written down: the send stays in flight and is in doubt; nothing is counted as delivered. */
	*ret = (struct settled){ 0 };
	batch_free(*ret_next);
	*ret_next = NULL;
	return rc;
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
	note_outcome(ship, batch, &settled, how->mono_ms, how->wall_ms);
	batch_free(batch);
	if (ret_next)
		*ret_next = next;
	return rc;
}
