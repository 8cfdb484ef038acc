/* One session from its records to the rows of the outbox; see derive_private.h. */
#include "daemon/flusher/derive_private.h"
#include "base/list.h"
#include <stdio.h>
#include <string.h>

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

static int assemble(struct spool *spool, enum trace_unit unit, struct slice source, struct slice session, assemble_emit_fn *emit, assemble_emit_fn *log,
                    void *emit_context, struct assemble_result *ret, struct err *err)
{
	struct store context = { spool, session, spool_parts_open(spool, source, session) };
	struct assemble_store store = { &context, store_heads, store_parts, store_link, store_session };
	int rc = assemble_session(&store, source, session, unit, emit, log, emit_context, ret, err);

	spool_parts_close(context.parts);
	return rc;
}

int derive_session(struct spool *spool, enum trace_unit unit, struct slice source, struct slice session,
                   assemble_emit_fn *emit, void *context, struct assemble_result *ret, struct err *err)
{
	return assemble(spool, unit, source, session, emit, NULL, context, ret, err);
}

/* ---- making rows ---- */

struct making {
	const struct derive_options *options;
	struct buf body;
	made_row_fn *fn;
	void *context;
	struct made *made;
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

static bool is_left_out(struct making *making, const struct observation *observation)
{
	if (assemble_is_sampled(observation->source, observation->session, making->options->sample_rate))
		return false;
	making->made->left_out = true;
	return true;
}

static int give_row(struct making *making, const struct observation *observation, struct made_row *row, struct err *err)
{
	struct spool_observation *to = &row->row;

	buf_clear(&making->body);
	if (observation_json(observation, &making->body) != 0)
		return err_set(err, making->body.failed, "%s is too large", row->log ? "a log record" : "an observation");
	memcpy(to->trace_id, observation->trace_id, sizeof to->trace_id);
	memcpy(to->span_id, observation->span_id, sizeof to->span_id);
	to->source = observation->source;
	to->session = observation->own_session;
	to->start_ms = observation->start_ms;
	to->state = OBSERVATION_PENDING;
	to->body = buf_view(&making->body);
	return making->fn(making->context, row, err);
}

static int make_log(void *context, const struct observation *log, struct slice turn, struct err *err)
{
	struct making *making = context;
	struct made_row row = { .log = true };
	char name[48];

	(void)turn;
	snprintf(name, sizeof name, "%.*s", (int)log->name.len, log->name.ptr);
	if (is_left_out(making, log) || is_disabled(making->options->no_logs, name))
		return 0;
	return give_row(making, log, &row, err);
}

static int make_observation(void *context, const struct observation *observation, struct slice turn, struct err *err)
{
	struct making *making = context;
	struct made_row row = { .traced = !is_disabled(making->options->no_traces, span_kind(observation)), .row.turn = turn };
	int rc;

	making->made->observations++;
	counting_turns_add(&making->made->turns, observation, turn);
	if (is_left_out(making, observation))
		return 0;
	rc = give_row(making, observation, &row, err);
	making->made->bytes += making->body.len;
	return rc;
}

int make_session(struct spool *spool, const struct derive_options *options, const struct session_id *session, made_row_fn *fn, void *context,
                 struct made *ret, struct err *err)
{
	struct making making = { .options = options, .fn = fn, .context = context, .made = ret };
	bool logs = options->sinks & SPOOL_SINK_BIT(SINK_LOGS);
	int rc;

	buf_init(&making.body, 0);
	rc = assemble(spool, options->unit, slice_of(session->source), slice_of(session->id), make_observation, logs ? make_log : NULL, &making,
	              &ret->result, err);
	buf_done(&making.body);
	return rc;
}

void made_done(struct made *made)
{
	counting_turns_done(&made->turns);
}

/* ---- putting them ---- */

static int put_item(struct spool *spool, enum spool_sink sink, const struct spool_observation *row, struct slice body, struct err *err)
{
	struct spool_item item = { .source = row->source, .session = row->session, .start_ms = row->start_ms, .body = body };

	memcpy(item.span_id, row->span_id, sizeof item.span_id);
	return spool_item_put(spool, sink, &item, err);
}

int made_put_items(struct spool *spool, const struct made_row *row, struct err *err)
{
	if (row->log)
		return put_item(spool, SINK_LOGS, &row->row, row->row.body, err);
	return row->traced ? put_item(spool, SINK_TRACES, &row->row, SLICE_NONE, err) : 0;
}

int made_put(void *context, const struct made_row *row, struct err *err)
{
	struct spool *spool = context;
	int rc = row->log ? 0 : spool_observations_put(spool, &row->row, err);

	return rc != 0 ? rc : made_put_items(spool, row, err);
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

int made_end(struct spool *spool, const struct derive_options *options, const struct session_id *session, struct made *made, struct err *err)
{
	struct slice source = slice_of(session->source), id = slice_of(session->id);
	int rc = spool_observations_end(spool, err);

	if (rc == 0)
		rc = spool_set_open(spool, source, id, made->result.open, made->result.last_ms, err);
	if (rc == 0)
		rc = spool_mark_clean(spool, source, id, err);
	if (rc == 0)
		rc = counting_turns_end(&made->turns, spool, options->count, source, id, err);
	return rc == 0 && made->left_out ? count_left_out(spool, source, id, err) : rc;
}
