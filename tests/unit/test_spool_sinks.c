/* Other sinks than Langfuse: progress, ledger and dead letters of their own, and what they hold in the spool. */
#include "spool_fixture.h"
#include "event/observation.h"
#include "base/clock.h"

static void feed(struct fixture *f, unsigned sinks)
{
	f->options.sinks = sinks;
	reopen(f);
}
#define ALL (SPOOL_SINK_BIT(SINK_LANGFUSE) | SPOOL_SINK_BIT(SINK_TRACES) | SPOOL_SINK_BIT(SINK_LOGS))

static int add_item(void *context, const struct spool_observation *row, struct err *err)
{
	struct text *text = context;

	(void)err;
	return buf_format(&text->buf, "%d=%.*s;", row->span_id[1], (int)row->body.len, row->body.ptr);
}

static void items_are(struct spool *spool, enum spool_sink sink, const char *expected)
{
	struct text text = { 0 };
	struct err err = { 0 };

	OK(spool_each_item(spool, sink, 100, 1 << 20, add_item, &text, &err));
	text_is(&text, expected);
}

/* One session: an observation "a" that goes to both, and a log of it. */
static void put_session(struct spool *spool, const char *session, const char *log)
{
	struct spool_observation a = observation(1, session, 10, "a");
	struct spool_item span = { .source = SLICE("opencode"), .session = slice_of(session), .start_ms = 10 }, line = span;
	struct err err = { 0 };

	memcpy(span.span_id, a.span_id, sizeof span.span_id);
	memcpy(line.span_id, a.span_id, sizeof line.span_id);
	line.body = slice_of(log);
	OK(spool_begin(spool, &err));
	OK(spool_observations_begin(spool, SLICE("opencode"), slice_of(session), &err));
	OK(spool_observations_put(spool, &a, &err));
	OK(spool_item_put(spool, SINK_TRACES, &span, &err));
	if (*log)
		OK(spool_item_put(spool, SINK_LOGS, &line, &err));
	OK(spool_observations_end(spool, &err));
	OK(spool_mark_clean(spool, SLICE("opencode"), slice_of(session), &err));
	OK(spool_commit(spool, &err));
}

static void record_of(struct spool *spool, const char *session)
{
	append(spool, (struct entry){ .kind = RECORD_SESSION, .session = session, .key = session, .message = "", .link = "", .time_ms = 5 });
}

static void each_sink_has_its_own_progress(void **state)
{
	struct fixture *f = *state;
	const uint8_t span[8] = { 9, 1 };
	struct spool_observation a = observation(1, "s", 10, "a");
	struct err err = { 0 };
	struct rows rows;
	int64_t id;

	feed(f, ALL);
	record_of(f->spool, "s");
	put_session(f->spool, "s", "first");
	put_session(f->spool, "s", "line"); /* what waits is changed, not doubled */
	assert_int_equal(memcmp(a.span_id, span, 8), 0);
	items_are(f->spool, SINK_TRACES, "1=a;");
	items_are(f->spool, SINK_LOGS, "1=line;");
	assert_int_equal(figures(f->spool).pending, 3);
	id = send_pending(f->spool, false, &rows);
	settle_all(f->spool, id, &rows, SETTLE_DELIVERED, NULL);
	items_are(f->spool, SINK_TRACES, "1=a;");
	OK(spool_item_settle(f->spool, SINK_TRACES, span, SETTLE_RETRY, NULL, &err));
	items_are(f->spool, SINK_TRACES, "1=a;");
	OK(spool_item_settle(f->spool, SINK_TRACES, span, SETTLE_DELIVERED, NULL, &err));
	put_session(f->spool, "s", "");
	items_are(f->spool, SINK_TRACES, "");
	items_are(f->spool, SINK_LOGS, "");
	reopen(f);
	put_session(f->spool, "s", "line");
	items_are(f->spool, SINK_TRACES, "");
	items_are(f->spool, SINK_LOGS, "1=line;");
	assert_int_equal(figures(f->spool).sinks[SINK_LOGS].pending, 1);
}

static void an_item_that_is_refused_comes_back_when_asked(void **state)
{
	struct fixture *f = *state;
	struct observation o = {
		.type = OBS_SPAN, .trace_id = { 5 }, .span_id = { 9, 1 }, .name = SLICE("turn"), .source = SLICE("opencode"),
		.session = SLICE("root"), .own_session = SLICE("s"), .start_ms = 10, .end_ms = 11, .usage = { -1, -1, -1, -1, -1 },
	};
	struct err err = { 0 };
	struct buf body, want;
	uint64_t count;

	buf_init(&body, 0);
	buf_init(&want, 0);
	observation_json(&o, &body);
	buf_format(&want, "1=%s;", body.data);
	feed(f, ALL);
	record_of(f->spool, "s");
	put_session(f->spool, "s", body.data);
	OK(spool_item_settle(f->spool, SINK_LOGS, o.span_id, SETTLE_DEAD, "rejected", &err));
	put_session(f->spool, "s", body.data);
	items_are(f->spool, SINK_LOGS, "");
	assert_int_equal(figures(f->spool).sinks[SINK_LOGS].dead, 1);
	assert_int_equal(figures(f->spool).sinks[SINK_LANGFUSE].dead, 0);
	observations_are(f->spool, "a:P;");
	OK(spool_dead_retry(f->spool, 0, &count, &err));
	assert_int_equal(count, 1);
	items_are(f->spool, SINK_LOGS, want.data);
	assert_int_equal(figures(f->spool).dead, 0);
	buf_done(&body);
	buf_done(&want);
}

/* What waits for one sink holds a session, whichever it is; what waits for a sink that is not fed does not. */
static void every_sink_that_is_fed_holds_a_session(void **state)
{
	struct fixture *f = *state;
	const uint8_t span[8] = { 9, 1 };
	struct spool_purge purge = { .delivered_only = true };
	struct spool_purged purged;
	struct err err = { 0 };

	feed(f, SPOOL_SINK_BIT(SINK_TRACES));
	record_of(f->spool, "s");
	put_session(f->spool, "s", "line");
	items_are(f->spool, SINK_LOGS, "");
	assert_int_equal(figures(f->spool).pending, 1);
	OK(spool_purge(f->spool, &purge, &purged, &err));
	assert_int_equal(purged.observations, 0);
	OK(spool_item_settle(f->spool, SINK_TRACES, span, SETTLE_DELIVERED, NULL, &err));
	assert_int_equal(figures(f->spool).pending, 0);
	OK(spool_purge(f->spool, &purge, &purged, &err));
	assert_int_equal(purged.observations, 1);
	assert_int_equal(purged.undelivered, 0);
	assert_int_equal(figures(f->spool).records, 0);
	record_of(f->spool, "t");
	put_session(f->spool, "t", "line");
	purge = (struct spool_purge){ .all = true };
	OK(spool_purge(f->spool, &purge, &purged, &err));
	items_are(f->spool, SINK_TRACES, "");
	put_session(f->spool, "t", "line");
	items_are(f->spool, SINK_TRACES, ""); /* it was taken before */
}

static void a_new_sink_gets_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	record_of(f->spool, "s");
	put_session(f->spool, "s", "line");
	items_are(f->spool, SINK_LOGS, "");
	dirty_is(f->spool, "");
	feed(f, ALL);
	dirty_is(f->spool, "s;");
	put_session(f->spool, "s", "line");
	reopen(f);
	dirty_is(f->spool, "");
	items_are(f->spool, SINK_LOGS, "1=line;");
	feed(f, SPOOL_SINK_BIT(SINK_LANGFUSE) | SPOOL_SINK_BIT(SINK_TRACES));
	dirty_is(f->spool, "");
	items_are(f->spool, SINK_LOGS, "");
	items_are(f->spool, SINK_TRACES, "1=a;");
	OK(spool_check(f->spool, &err));
}

static void pending_are(struct spool *spool, unsigned langfuse, unsigned traces, unsigned logs)
{
	struct spool_figures now = figures(spool);
	struct err err = { 0 };

	assert_int_equal(now.sinks[SINK_LANGFUSE].pending, langfuse);
	assert_int_equal(now.sinks[SINK_TRACES].pending, traces);
	assert_int_equal(now.sinks[SINK_LOGS].pending, logs);
	OK(spool_check(spool, &err)); /* the counters are what is there */
}

/* One observation that waits for all of them. */
static void wait_for_all(struct spool *spool, const char *session, uint8_t span)
{
	struct spool_observation o = observation(span, session, 10, "a");
	struct spool_item item = { .source = SLICE("opencode"), .session = slice_of(session), .start_ms = 10, .body = SLICE("line") };
	struct err err = { 0 };

	record_of(spool, session);
	memcpy(item.span_id, o.span_id, sizeof item.span_id);
	OK(spool_begin(spool, &err));
	OK(spool_observations_begin(spool, SLICE("opencode"), slice_of(session), &err));
	OK(spool_observations_put(spool, &o, &err));
	for (int twice = 0; twice < 2; twice++)
		OK(spool_item_put(spool, SINK_LOGS, &item, &err));
	item.body = SLICE("");
	OK(spool_item_put(spool, SINK_TRACES, &item, &err));
	OK(spool_observations_end(spool, &err));
	OK(spool_mark_clean(spool, SLICE("opencode"), slice_of(session), &err));
	OK(spool_commit(spool, &err));
}

/* Whatever takes rows away, what waits is counted right. */
static void what_waits_is_counted(void **state)
{
	struct fixture *f = *state;
	struct spool_purge purge = { .session = SLICE("p") };
	struct spool_purged purged;
	struct err err = { 0 };

	f->options.retention_ms = 1;
	feed(f, ALL);
	wait_for_all(f->spool, "p", 1);
	wait_for_all(f->spool, "q", 2);
	wait_for_all(f->spool, "r", 3);
	pending_are(f->spool, 3, 3, 3);
	OK(spool_purge(f->spool, &purge, &purged, &err));
	pending_are(f->spool, 2, 2, 2);
	reopen(f);
	pending_are(f->spool, 2, 2, 2);
	OK(spool_begin(f->spool, &err));
	OK(spool_observations_begin(f->spool, SLICE("opencode"), SLICE("q"), &err));
	OK(spool_observations_end(f->spool, &err)); /* nothing is left of q */
	spool_rollback(f->spool);
	pending_are(f->spool, 2, 2, 2);
	OK(spool_cleanup(f->spool, clock_wall_ms() + 60000, &err));
	counters_are(f->spool, "dropped", "dropped/retention_records=2;");
	pending_are(f->spool, 0, 0, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_sink_has_its_own_progress), T(an_item_that_is_refused_comes_back_when_asked), T(every_sink_that_is_fed_holds_a_session),
		T(a_new_sink_gets_what_is_there), T(what_waits_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
