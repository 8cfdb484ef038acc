/* Records -> observations, between spool and assembler; see derive.h. */
#include "daemon/flusher/derive.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/meters/counting.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define QUIET_MS 10000 /* between two pieces of a session that is being read */
#define GROUP_OBSERVATIONS 300 /* of a transaction, about: who wants to append waits for it */
#define ENOUGH_BYTES (4u << 20) /* of bodies: they are written to the log and to the file */

struct session_id {
	char *source, *id;
};

struct session_list {
	struct session_id *items;
	size_t count, cap;
};

static int list_add(void *context, struct slice source, struct slice id, struct err *err)
{
	struct session_list *list = context;

	(void)err;
	for (size_t i = 0; i < list->count; i++)
		if (slice_is(id, list->items[i].id) && slice_is(source, list->items[i].source))
			return 0;
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 16;
		list->items = xrealloc(list->items, list->cap * sizeof *list->items);
	}
	list->items[list->count].source = xmemdup0(source.ptr, source.len);
	list->items[list->count++].id = xmemdup0(id.ptr, id.len);
	return 0;
}

static void list_done(struct session_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].source);
		free(list->items[i].id);
	}
	free(list->items);
}

/* What a session is assembled from. */
struct store {
	struct spool *spool;
	struct slice session;
	struct spool_parts *parts; /* of this session */
};

static int store_heads(void *context, struct slice source, struct slice session, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	const struct store *store = context;

	return spool_each_head(store->spool, source, session, fn, fn_context, err);
}

static int store_parts(void *context, struct slice source, struct slice session, struct slice message, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	const struct store *store = context;

	if (!slice_equal(session, store->session))
		return spool_each_part(store->spool, source, session, message, fn, fn_context, err);
	return spool_parts_each(store->parts, message, fn, fn_context, err);
}

static int store_link(void *context, struct slice source, struct slice child, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	const struct store *store = context;

	return spool_find_link(store->spool, source, child, fn, fn_context, err);
}

static int store_session(void *context, struct slice source, struct slice session, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	const struct store *store = context;

	return spool_find_session(store->spool, source, session, fn, fn_context, err);
}

struct making { /* what becomes of the observations and logs; log NULL: no logs */
	assemble_emit_fn *emit, *log;
	void *context;
};

static int assemble(struct spool *spool, enum trace_unit unit, struct slice source, struct slice session, const struct making *making,
                    struct assemble_result *ret, struct err *err)
{
	struct store context = { spool, session, spool_parts_open(spool, source, session) };
	struct assemble_store store = { &context, store_heads, store_parts, store_link, store_session };
	int rc = assemble_session(&store, source, session, unit, making->emit, making->log, making->context, ret, err);

	spool_parts_close(context.parts);
	return rc;
}

struct putting {
	struct spool *spool;
	const struct derive_options *options;
	struct buf body;
	struct counting_turns turns;
	bool left_out;
	struct derived made;
};

struct derive_options derive_options(const struct work *work)
{
	return (struct derive_options){
		.unit = work->unit, .count = &work->count, .sinks = work->sinks, .sample_rate = conf_number(work->conf, "sample_rate"),
		.no_traces = conf_string(work->conf, "otlp_traces_disabled"), .no_logs = conf_string(work->conf, "otlp_logs_disabled"),
	};
}

/* Is this, or everything, in the list of what is not sent? */
static bool is_disabled(const char *list, const char *what)
{
	static const char *const all[] = { "all", "*", "true", "1" };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (list_has(list, all[i]))
			return true;
	return list_has(list, what);
}

static const char *span_kind(const struct observation *observation)
{
	switch (observation->type) {
	case OBS_AGENT: return "session";
	case OBS_GENERATION: return "llm";
	case OBS_TOOL: return "tool";
	default: return "event";
	}
}

static int put_item(struct putting *putting, enum spool_sink sink, const struct observation *observation, struct slice body, struct err *err)
{
	struct spool_item item = { .source = observation->source, .session = observation->own_session, .start_ms = observation->start_ms, .body = body };

	memcpy(item.span_id, observation->span_id, sizeof item.span_id);
	return spool_item_put(putting->spool, sink, &item, err);
}

static bool is_left_out(struct putting *putting, const struct observation *observation)
{
	if (assemble_is_sampled(observation->source, observation->session, putting->options->sample_rate))
		return false;
	putting->left_out = true;
	return true;
}

static int put_log(void *context, const struct observation *log, struct slice turn, struct err *err)
{
	struct putting *putting = context;
	char name[48];

	(void)turn;
	snprintf(name, sizeof name, "%.*s", (int)log->name.len, log->name.ptr);
	if (is_left_out(putting, log) || is_disabled(putting->options->no_logs, name))
		return 0;
	buf_clear(&putting->body);
	if (observation_json(log, &putting->body) != 0)
		return err_set(err, putting->body.failed, "a log record is too large");
	return put_item(putting, SINK_LOGS, log, buf_view(&putting->body), err);
}

static int put_observation(void *context, const struct observation *observation, struct slice turn, struct err *err)
{
	struct putting *putting = context;
	struct spool_observation row = {
		.source = observation->source, .session = observation->own_session, .turn = turn,
		.start_ms = observation->start_ms, .state = OBSERVATION_PENDING,
	};

	int rc;

	putting->made.observations++;
	counting_turns_add(&putting->turns, observation, turn);
	if (is_left_out(putting, observation))
		return 0;
	buf_clear(&putting->body);
	if (observation_json(observation, &putting->body) != 0)
		return err_set(err, putting->body.failed, "an observation is too large");
	memcpy(row.trace_id, observation->trace_id, sizeof row.trace_id);
	memcpy(row.span_id, observation->span_id, sizeof row.span_id);
	row.body = buf_view(&putting->body);
	putting->made.bytes += row.body.len;
	rc = spool_observations_put(putting->spool, &row, err);
	if (rc == 0 && !is_disabled(putting->options->no_traces, span_kind(observation)))
		rc = put_item(putting, SINK_TRACES, observation, SLICE_NONE, err);
	return rc;
}

/* A session that the sample leaves out is counted once. */
static int count_left_out(struct spool *spool, struct slice source, struct slice session, struct err *err)
{
	struct buf key;
	bool known = true;
	int rc;

	buf_init(&key, 0);
	buf_text(&key, "sampled:");
	buf_slice(&key, session);
	rc = spool_counted_get(spool, source, buf_view(&key), &known, err);
	if (rc == 0 && !known)
		rc = spool_counted_set(spool, source, buf_view(&key), err);
	if (rc == 0 && !known)
		rc = spool_count(spool, "dropped", "sampled", 1, err);
	buf_done(&key);
	return rc;
}

int derive_session(struct spool *spool, enum trace_unit unit, struct slice source, struct slice session,
                   assemble_emit_fn *emit, void *context, struct assemble_result *ret, struct err *err)
{
	const struct making making = { .emit = emit, .context = context };

	return assemble(spool, unit, source, session, &making, ret, err);
}

static int derive_in_transaction(struct spool *spool, const struct derive_options *options, const struct session_id *session, struct derived *made, struct err *err)
{
	struct putting putting = { .spool = spool, .options = options };
	const struct making making = { put_observation, options->sinks & SPOOL_SINK_BIT(SINK_LOGS) ? put_log : NULL, &putting };
	struct slice source = slice_of(session->source), id = slice_of(session->id);
	struct assemble_result result = { 0 };
	int rc;

	buf_init(&putting.body, 0);
	rc = spool_observations_begin(spool, source, id, err);
	if (rc == 0)
		rc = assemble(spool, options->unit, source, id, &making, &result, err);
	if (rc == 0)
		rc = spool_observations_end(spool, err);
	if (rc == 0)
		rc = spool_set_open(spool, source, id, result.open, result.last_ms, err);
	if (rc == 0)
		rc = spool_mark_clean(spool, source, id, err);
	if (rc == 0)
		rc = counting_turns_end(&putting.turns, spool, options->count, source, id, err);
	if (rc == 0 && putting.left_out)
		rc = count_left_out(spool, source, id, err);
	made->observations += putting.made.observations;
	made->bytes += putting.made.bytes;
	counting_turns_done(&putting.turns);
	buf_done(&putting.body);
	return rc;
}

/* As many of them as make a transaction, one at least. */
static int derive_group(struct spool *spool, const struct derive_options *options, const struct session_id *sessions, size_t count,
                        size_t *ret_count, struct derived *derived, struct err *err)
{
	struct derived made = { 0 };
	size_t i = 0;
	int rc = spool_begin_derived(spool, err);

	if (rc != 0)
		return rc;
	do
		rc = derive_in_transaction(spool, options, &sessions[i++], &made, err);
	while (rc == 0 && i < count && made.observations < GROUP_OBSERVATIONS && made.bytes < ENOUGH_BYTES);
	if (rc == 0)
		rc = spool_commit(spool, err);
	if (rc != 0) {
		spool_rollback(spool);
		return rc;
	}
	derived->observations += made.observations;
	derived->bytes += made.bytes;
	*ret_count = i;
	return 0;
}

static int derive_list(struct spool *spool, const struct derive_options *options, const struct session_list *list, unsigned enough,
                       struct derived *derived, struct err *err)
{
	size_t i = 0, done = 0;
	int rc = 0;

	while (rc == 0 && i < list->count && derived->observations < enough && derived->bytes < ENOUGH_BYTES) {
		rc = derive_group(spool, options, list->items + i, list->count - i, &done, derived, err);
		if (rc != 0) /* one that fails must not cost those before it */
			rc = derive_group(spool, options, list->items + i, 1, &done, derived, err);
		i += done;
		spool_pause(spool);
	}
	derived->more = derived->more || i < list->count;
	return rc;
}

int derive_dirty(struct spool *spool, const struct derive_options *options, unsigned max, unsigned enough, struct derived *ret, struct err *err)
{
	struct session_list list = { 0 };
	size_t newest;
	int rc = spool_each_dirty_newest(spool, max / 4, list_add, &list, err);

	*ret = (struct derived){ 0 };
	newest = list.count;
	if (rc == 0)
		rc = spool_each_dirty(spool, max, list_add, &list, err);
	ret->more = list.count - newest == max;
	if (rc == 0)
		rc = derive_list(spool, options, &list, enough, ret, err);
	list_done(&list);
	return rc;
}

static int append_stale(struct spool *spool, struct redactor *redactor, const struct session_id *session, int64_t time_ms, struct err *err)
{
	char key[512], body[96];
	struct raw_event event = {
		.kind = RECORD_SIGNAL, .level = RECORD_FINAL, .time_ms = time_ms,
		.source = slice_of(session->source), .session = slice_of(session->id),
	};
	struct clean_record *record = NULL;
	int rc;

	snprintf(key, sizeof key, "stale:%s:%" PRId64, session->id, time_ms);
	snprintf(body, sizeof body, "{\"type\":\"stale\",\"time\":%" PRId64 "}", time_ms);
	event.key = slice_of(key);
	event.body = slice_of(body);
	rc = redact_event(redactor, &event, &record, err);
	if (rc == 0 && record)
		rc = spool_append(spool, record, NULL, err);
	clean_record_free(record);
	return rc;
}

static int append_all_stale(struct spool *spool, struct redactor *redactor, const struct session_list *list, int64_t limit_ms, struct err *err)
{
	int rc = spool_begin(spool, err);

	for (size_t i = 0; rc == 0 && i < list->count; i++)
		rc = append_stale(spool, redactor, &list->items[i], limit_ms, err);
	if (rc == 0)
		rc = spool_commit(spool, err);
	if (rc != 0)
		spool_rollback(spool);
	return rc;
}

int derive_stale(struct spool *spool, const struct ruleset *rules, int64_t stale_after_ms, int64_t wall_ms, struct err *err)
{
	struct session_list list = { 0 };
	struct redactor *redactor;
	int64_t limit_ms = wall_ms - stale_after_ms, quiet_ms = stale_after_ms < QUIET_MS ? stale_after_ms : QUIET_MS;
	int rc = spool_each_stale(spool, limit_ms, wall_ms - quiet_ms, wall_ms, list_add, &list, err);

	if (rc == 0 && list.count > 0) {
		redactor = redactor_new(rules);
		rc = append_all_stale(spool, redactor, &list, limit_ms, err);
		redactor_free(redactor);
		if (rc == 0)
			log_event(LOG_LEVEL_INFO, "session.stale", "sessions=%zu", list.count);
	}
	list_done(&list);
	return rc;
}
