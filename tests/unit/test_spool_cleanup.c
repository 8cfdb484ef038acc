/* Purge, cap, retention, the clock, a full disk. */
#include "spool_fixture.h"
#include "base/clock.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define DAY ((int64_t)86400000)
#define STEP (DAY - 60000) /* what the clock may move between two cleanups without having jumped */

static void record(struct spool *spool, const char *session, const char *key, int64_t time_ms, size_t content)
{
	char *body = xmalloc(content + 128);

	snprintf(body, content + 128, "{\"type\":\"text\",\"model\":\"m\",\"tokens\":{\"input\":5,\"note\":\"x\"},\"error\":{\"name\":\"E\",\"message\":\"no\"},\"text\":\"%0*d\"}", (int)content, 7);
	append(spool, (struct entry){ RECORD_MESSAGE, session, "m", key, "", body, 0, 0, time_ms });
	free(body);
}

static void deliver(struct spool *spool, const char *session, uint8_t span)
{
	struct spool_observation o = observation(span, session, span, "o");
	struct rows rows;
	struct err err = { 0 };
	int64_t id = 0;

	put(spool, session, &o, 1);
	rows.count = 0;
	OK(spool_each_pending(spool, 1, SIZE_MAX, false, add_row, &rows, &err));
	OK(spool_send_put(spool, rows.ids, rows.count, 1000, &id, &err));
	settle_all(spool, id, &rows, SETTLE_DELIVERED, NULL);
	clean(spool, session);
}

static void records_are(struct spool *spool, const char *session, unsigned count)
{
	assert_int_equal(count_records(spool, slice_of(session)), count);
}

/* ---- purge ---- */

/* d: delivered; p: one delivered, one pending; n: not assembled yet; u: no observation needed, settled. */
static void fill_for_purge(struct spool *spool)
{
	struct spool_observation two[] = { observation(2, "p", 50, "p1"), observation(3, "p", 500, "p2") };
	struct spool_dead letter = { .reason = "rejected", .session = SLICE("p"), .body = SLICE("{}"), .time_ms = 100 };
	struct err err = { 0 };

	record(spool, "d", "d1", 10, 10);
	deliver(spool, "d", 1);
	record(spool, "p", "p1", 50, 10);
	record(spool, "p", "p2", 500, 10);
	put(spool, "p", two, 1);
	deliver(spool, "p", 2);
	put(spool, "p", two, 2);
	record(spool, "n", "n1", 60, 10);
	record(spool, "u", "u1", 70, 10);
	clean(spool, "u");
	OK(spool_dead_put(spool, &letter, &err));
}

static const struct {
	const char *name;
	struct spool_purge purge;
	uint64_t records, observations, undelivered, dead; /* deleted */
	uint64_t left_records, left_sessions, left_observations, left_dead;
} purges[] = {
	{ "session", { .session = SLICE("p") }, 2, 2, 1, 0, 3, 3, 1, 1 },
	{ "session and its letters", { .session = SLICE("p"), .dead = true }, 2, 2, 1, 1, 3, 3, 1, 0 },
	{ "older", { .older_than_ms = 60 }, 2, 2, 0, 0, 3, 3, 1, 1 },
	{ "older, delivered", { .older_than_ms = 60, .delivered_only = true }, 1, 1, 0, 0, 4, 3, 2, 1 },
	{ "delivered", { .delivered_only = true }, 2, 1, 0, 0, 3, 2, 2, 1 },
	{ "dead only", { .dead = true }, 0, 0, 0, 1, 5, 4, 3, 0 },
	{ "dead and older", { .dead = true, .older_than_ms = 11 }, 1, 1, 0, 0, 4, 3, 2, 1 },
	{ "all", { .all = true }, 5, 3, 2, 1, 0, 0, 0, 0 },
	{ "nobody", { .session = SLICE("nobody") }, 0, 0, 0, 0, 5, 4, 3, 1 },
};

static void each_purge_deletes_what_it_says(void **state)
{
	for (size_t i = 0; i < sizeof purges / sizeof purges[0]; i++) {
		for (int dry = 1; dry >= 0; dry--) {
			struct fixture *f;
			struct spool_purge purge = purges[i].purge;
			struct spool_purged got;
			struct spool_figures now;
			struct err err = { 0 };

			assert_int_equal(setup(state), 0);
			f = *state;
			fill_for_purge(f->spool);
			purge.dry_run = dry;
			OK(spool_purge(f->spool, &purge, &got, &err));
			now = figures(f->spool);
			if (got.records != purges[i].records || got.observations != purges[i].observations || got.undelivered != purges[i].undelivered || got.dead != purges[i].dead)
				fail_msg("%s: %d %d %d %d", purges[i].name, (int)got.records, (int)got.observations, (int)got.undelivered, (int)got.dead);
			assert_int_equal(got.bytes > 0, got.records + got.observations + got.dead > 0);
			if (dry) {
				assert_int_equal(now.records, 5);
				assert_int_equal(observations(f->spool), 3);
				assert_int_equal(now.dead, 1);
			} else if (now.records != purges[i].left_records || now.sessions != purges[i].left_sessions || observations(f->spool) != purges[i].left_observations || now.dead != purges[i].left_dead) {
				fail_msg("%s leaves: %d %d %d %d", purges[i].name, (int)now.records, (int)now.sessions, (int)observations(f->spool), (int)now.dead);
			}
			assert_int_equal(now.delivered, 2); /* the ledger stays */
			assert_int_equal(teardown(state), 0);
		}
	}
	*state = NULL;
}

static void purging_nothing_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct spool_purge purge = { .dry_run = true };
	struct spool_purged got;
	struct err err = { 0 };

	assert_int_equal(spool_purge(f->spool, &purge, &got, &err), LF_EINVAL);
}

static void append_meanwhile(void *context)
{
	struct spool *spool = *(struct spool **)context;
	struct err err = { 0 };

	OK(spool_begin(spool, &err));
	append(spool, (struct entry){ RECORD_MESSAGE, "z", "m", "meanwhile", "", "{\"a\":1}", 0, 0, 1 });
	OK(spool_commit(spool, &err));
	spool_pause(spool); /* not again from within */
	*(struct spool **)context = NULL;
}

static void append_once(void *context)
{
	if (*(struct spool **)context)
		append_meanwhile(context);
}

/* What comes in while a purge is under way stays. */
static void a_purge_leaves_what_comes_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = f->spool;
	struct spool_purge purge = { .all = true };
	struct spool_purged purged;
	struct err err = { 0 };

	/* More than one transaction of a purge. */
	OK(spool_begin(f->spool, &err));
	for (int i = 0; i < 3000; i++) {
		char session[16];
		snprintf(session, sizeof session, "s%05d", i);
		append(f->spool, (struct entry){ RECORD_MESSAGE, session, "m", session, "", "{\"a\":1}", 0, 0, 1 });
	}
	OK(spool_commit(f->spool, &err));
	spool_set_pause(f->spool, append_once, &spool);
	OK(spool_purge(f->spool, &purge, &purged, &err));
	assert_null(spool);
	assert_int_equal(figures(f->spool).records, 1);
	assert_int_equal(figures(f->spool).sessions, 1);
}

/* A head that was purged leaves the place to the revision before it. */
static void purging_a_revision_uncovers_the_one_before(void **state)
{
	struct fixture *f = *state;
	struct text text = { 0 };
	struct spool_purge purge = { .older_than_ms = 50 };
	struct spool_purged got;
	struct err err = { 0 };

	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "m", "k", "", "{\"a\":1}", 0, 1, 100 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "m", "k", "", "{\"a\":2}", 0, 2, 40 });
	OK(spool_purge(f->spool, &purge, &got, &err));
	OK(spool_each_head(f->spool, SLICE("opencode"), SLICE("s"), add_record, &text, &err));
	text_is(&text, "k={\"a\":1};");
}

/* ---- the cap ---- */

static void set_cap(struct fixture *f, uint64_t bytes)
{
	f->options.max_bytes = bytes;
	reopen(f);
}

static void below_the_cap_nothing_goes(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	record(f->spool, "d", "d1", 10, 100000);
	deliver(f->spool, "d", 1);
	set_cap(f, 10u << 20);
	OK(spool_cleanup(f->spool, clock_wall_ms(), &err));
	counters_are(f->spool, "dropped", "");
	records_are(f->spool, "d", 1);
}

/* What a spool with nothing in it takes. */
static uint64_t empty_bytes;

static int measure_empty(void **state)
{
	int rc = setup(state);

	if (rc == 0) {
		empty_bytes = figures(((struct fixture *)*state)->spool).bytes;
		rc = teardown(state);
	}
	*state = NULL;
	return rc;
}

/* One step after the other, each only when the one before was not enough. */
static void the_cap_takes_in_its_order(void **state)
{
	struct fixture *f = *state;
	struct spool_dead letter = { .reason = "rejected", .body = SLICE_NONE };
	char *big = xmalloc(200001), key[32];
	struct err err = { 0 };
	struct spool_observation waiting = observation(2, "u", 5, "w");
	uint64_t empty = empty_bytes;

	memset(big, 'x', 200000);
	big[200000] = '\0';
	letter.body = slice_of(big);
	record(f->spool, "d", "d1", 10, 200000);
	record(f->spool, "d", "d2", 11, 200000);
	deliver(f->spool, "d", 1);
	OK(spool_dead_put(f->spool, &letter, &err));
	for (int i = 0; i < 4; i++) {
		snprintf(key, sizeof key, "u%d", i);
		record(f->spool, "u", key, 20 + i, 200000);
	}
	set_cap(f, empty + 1250000);
	OK(spool_cleanup(f->spool, clock_wall_ms(), &err));
	counters_are(f->spool, "dropped", "dropped/cap=2;");
	assert_int_equal(figures(f->spool).dead, 1);
	set_cap(f, empty + 1000000);
	OK(spool_cleanup(f->spool, clock_wall_ms(), &err));
	counters_are(f->spool, "dropped", "dropped/cap=2;dropped/cap_dead=1;");
	records_are(f->spool, "u", 4);
	put(f->spool, "u", &waiting, 1);
	clean(f->spool, "u");
	set_cap(f, empty + 800000);
	OK(spool_cleanup(f->spool, clock_wall_ms(), &err));
	counters_are(f->spool, "dropped", "dropped/cap=2;dropped/cap_content=1;dropped/cap_dead=1;");
	records_are(f->spool, "u", 4);
	dirty_is(f->spool, "u;");
	observations_are(f->spool, "");
	assert_in_range(figures(f->spool).bytes, 0, empty + 800000);
	OK(spool_check(f->spool, &err));
	free(big);
}

static int last_body(void *context, const struct clean_record_view *view, struct err *err)
{
	struct buf *buf = context;

	(void)err;
	buf_clear(buf);
	return buf_slice(buf, view->body);
}

static void content_goes_and_metadata_stays(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct buf body;

	record(f->spool, "u", "u", 20, 300000);
	record(f->spool, "u", "u", 20, 300000);
	set_cap(f, empty_bytes + 200000);
	OK(spool_cleanup(f->spool, clock_wall_ms(), &err));
	buf_init(&body, 0);
	OK(spool_each_record(f->spool, SLICE("u"), last_body, &body, &err));
	assert_string_equal(body.data, "{\"type\":\"text\",\"model\":\"m\",\"tokens\":{\"input\":5},\"error\":{\"name\":\"E\"}}");
	buf_done(&body);
	record(f->spool, "u", "u", 20, 300000); /* still the same revision */
	records_are(f->spool, "u", 1);
}

/* Many small records: the oldest go; session and link stay, and the newest. */
static void the_oldest_records_go_last_of_all(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 };
	char key[32];

	append(f->spool, (struct entry){ RECORD_SESSION, "u", "", "u", "", "{}", 0, 0, 1 });
	OK(spool_begin(f->spool, &err));
	for (int i = 0; i < 4000; i++) {
		snprintf(key, sizeof key, "u%d", i);
		append(f->spool, (struct entry){ RECORD_MESSAGE, "u", "m", key, "", "{\"role\":\"assistant\"}", 0, 0, 1 });
	}
	OK(spool_commit(f->spool, &err));
	set_cap(f, empty_bytes + 700000);
	OK(spool_cleanup(f->spool, clock_wall_ms(), &err));
	assert_in_range(figures(f->spool).bytes, 1, empty_bytes + 700000);
	assert_in_range(figures(f->spool).records, 1000, 3999);
	OK(spool_find_session(f->spool, SLICE("opencode"), SLICE("u"), add_record, &text, &err));
	text_is(&text, "u={};");
	OK(spool_each_head(f->spool, SLICE("opencode"), SLICE("u"), add_record, &text, &err));
	assert_null(strstr(text.buf.data, "u0="));
	assert_non_null(strstr(text.buf.data, "u3999="));
	assert_int_equal(text.count, figures(f->spool).records);
	buf_done(&text.buf);
}

/* A parent waits for its children: trace ids hang on it. */
static void a_parent_outlives_its_children(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	append(f->spool, (struct entry){ RECORD_SESSION, "p", "", "p", "", "{}", 0, 0, 1 });
	record(f->spool, "p", "p1", 1, 300000);
	append(f->spool, (struct entry){ RECORD_SESSION, "c", "", "c", "p", "{}", 0, 0, 1 });
	clean(f->spool, "p");
	set_cap(f, empty_bytes + 200000);
	OK(spool_cleanup(f->spool, clock_wall_ms(), &err));
	records_are(f->spool, "p", 2); /* its content went, it did not */
	clean(f->spool, "c");
	clean(f->spool, "p");
	set_cap(f, 100000); /* not to be had: all goes that can */
	OK(spool_cleanup(f->spool, clock_wall_ms(), &err));
	records_are(f->spool, "c", 0);
	records_are(f->spool, "p", 0);
	counters_are(f->spool, "dropped", "dropped/cap=3;dropped/cap_content=1;");
}

/* The next transaction makes room, without waiting for a cleanup. */
static void growth_is_stopped_at_once(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	char key[32];

	set_cap(f, 1u << 20);
	for (int i = 0; i < 60; i++) {
		snprintf(key, sizeof key, "u%d", i);
		OK(spool_begin(f->spool, &err));
		record(f->spool, "u", key, 1, 100000);
		OK(spool_commit(f->spool, &err));
		assert_in_range(figures(f->spool).bytes, 1, (1u << 20) + 150000);
	}
	records_are(f->spool, "u", 60);
}

static void the_file_shrinks_again(void **state)
{
	struct fixture *f = *state;
	struct spool_purge purge = { .all = true };
	struct spool_purged got;
	struct err err = { 0 };
	FILE *file;
	char path[128];

	for (int i = 0; i < 20; i++)
		record(f->spool, "u", (const char[]){ (char)('a' + i), '\0' }, 1, 200000);
	OK(spool_purge(f->spool, &purge, &got, &err));
	snprintf(path, sizeof path, "%s/spool.db", f->dir);
	file = fopen(path, "r");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	assert_in_range(ftell(file), 1, (long)empty_bytes + 100000);
	fclose(file);
}

/* The sink was away for long; when all is delivered and has expired the file is as small as a new one. */
static void a_drained_backlog_gives_its_room_back(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct stat st;
	char path[128], session[16];
	int64_t now = clock_wall_ms();

	f->options.retention_ms = DAY;
	reopen(f);
	for (int i = 0; i < 40; i++) {
		snprintf(session, sizeof session, "s%d", i);
		record(f->spool, session, session, 1, 200000);
	}
	snprintf(path, sizeof path, "%s/spool.db", f->dir);
	OK(spool_cleanup(f->spool, now, &err));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 8000000);
	for (int i = 0; i < 40; i++) {
		snprintf(session, sizeof session, "s%d", i);
		deliver(f->spool, session, (uint8_t)i);
	}
	OK(spool_cleanup(f->spool, now + STEP, &err));
	OK(spool_cleanup(f->spool, now + 2 * STEP, &err));
	counters_are(f->spool, "dropped", "dropped/retention=40;");
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 1, (long)empty_bytes + 100000);
}

/* ---- retention ---- */

static void retention_takes_old_sessions(void **state)
{
	struct fixture *f = *state;
	struct spool_dead letter = { .reason = "rejected", .body = SLICE("{}") };
	struct err err = { 0 };
	int64_t now = clock_wall_ms();

	f->options.retention_ms = 2 * DAY;
	reopen(f);
	record(f->spool, "d", "d1", 10, 10);
	deliver(f->spool, "d", 1);
	record(f->spool, "u", "u1", 10, 10);
	OK(spool_dead_put(f->spool, &letter, &err));
	for (int i = 0; i < 3; i++) {
		OK(spool_cleanup(f->spool, now + i * STEP, &err));
		assert_int_equal(figures(f->spool).records, 2); /* the agent's own time is long past: it is the storing that counts */
	}
	OK(spool_cleanup(f->spool, now + 3 * STEP, &err));
	counters_are(f->spool, "dropped", "dropped/retention=1;dropped/retention_dead=1;dropped/retention_records=1;");
	assert_int_equal(figures(f->spool).records, 0);
	assert_int_equal(figures(f->spool).sessions, 0);
	assert_int_equal(figures(f->spool).delivered, 1);
}

static void a_clock_that_jumps_deletes_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	int64_t now = clock_wall_ms();

	f->options.retention_ms = 2 * DAY;
	reopen(f);
	record(f->spool, "u", "u1", 10, 10);
	OK(spool_cleanup(f->spool, now + 400 * DAY, &err));
	OK(spool_cleanup(f->spool, now + 400 * DAY + DAY / 2, &err));
	assert_int_equal(figures(f->spool).records, 1);
	OK(spool_cleanup(f->spool, now, &err)); /* set right again */
	OK(spool_cleanup(f->spool, now + STEP, &err));
	assert_int_equal(figures(f->spool).records, 1);
	reopen(f);
	OK(spool_cleanup(f->spool, now + 30 * DAY, &err));
	assert_int_equal(figures(f->spool).records, 1);
	OK(spool_cleanup(f->spool, now + 30 * DAY + STEP, &err));
	assert_int_equal(figures(f->spool).records, 1);
	OK(spool_cleanup(f->spool, now + 30 * DAY + 2 * STEP, &err)); /* a day without another jump: it is the time */
	assert_int_equal(figures(f->spool).records, 0);
}

/* A battery ran out: the clock says 1970, and later the truth again. */
static void a_clock_in_1970_deletes_nothing(void **state)
{
	static const int64_t jumps[] = { 1000, 1000 + STEP, -400 * DAY, 400 * DAY, 0 };
	struct fixture *f = *state;
	struct err err = { 0 };
	int64_t now = clock_wall_ms();

	f->options.retention_ms = 2 * DAY;
	reopen(f);
	record(f->spool, "u", "u1", 10, 10);
	OK(spool_cleanup(f->spool, now, &err));
	for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
		OK(spool_cleanup(f->spool, i < 2 ? jumps[i] : now + jumps[i], &err));
		assert_int_equal(figures(f->spool).records, 1);
	}
	OK(spool_cleanup(f->spool, now + STEP, &err));
	assert_int_equal(figures(f->spool).records, 1);
}

/* ---- a full disk ---- */

static void a_full_disk_stores_nothing_and_goes_on_later(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	struct err err = { 0 };
	char *body = xmalloc(3000016);
	struct clean_record_view view = { .kind = RECORD_MESSAGE, .level = RECORD_FINAL, .source = SLICE("opencode"), .session = SLICE("s"), .key = SLICE("k") };
	struct clean_record *big;
	int rc;

	record(f->spool, "s", "before", 1, 10);
	snprintf(body, 3000016, "{\"a\":\"%03000000d\"}", 1);
	view.body = slice_of(body);
	big = clean_record_new(&view);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 1000000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	OK(spool_begin(f->spool, &err));
	rc = spool_append(f->spool, big, NULL, &err);
	if (rc == 0)
		rc = spool_commit(f->spool, &err);
	spool_rollback(f->spool);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, LF_EFULL);
	records_are(f->spool, "s", 1);
	OK(spool_append(f->spool, big, NULL, &err));
	reopen(f);
	records_are(f->spool, "s", 2);
	clean_record_free(big);
	free(body);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_purge_deletes_what_it_says), T(purging_nothing_is_an_error), T(purging_a_revision_uncovers_the_one_before), T(a_purge_leaves_what_comes_meanwhile),
		T(below_the_cap_nothing_goes), T(the_cap_takes_in_its_order), T(content_goes_and_metadata_stays), T(the_oldest_records_go_last_of_all),
		T(a_parent_outlives_its_children), T(growth_is_stopped_at_once), T(the_file_shrinks_again), T(a_drained_backlog_gives_its_room_back), T(retention_takes_old_sessions),
		T(a_clock_that_jumps_deletes_nothing), T(a_clock_in_1970_deletes_nothing), T(a_full_disk_stores_nothing_and_goes_on_later),
	};

	return cmocka_run_group_tests(tests, measure_empty, NULL);
}
