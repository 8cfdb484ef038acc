/* The outbox: putting observations, choosing what is sent, settling, dead letters. */
#include "spool_fixture.h"
#include "event/observation.h"

static void putting_again_keeps_changes_and_removes(void **state)
{
	struct fixture *f = *state;
	struct spool_observation a = observation(1, "s", 10, "a"), b = observation(2, "s", 20, "b"), c = observation(3, "s", 30, "c");
	struct spool_observation both[] = { a, b }, later[] = { a, c };

	put(f->spool, "s", both, 2);
	observations_are(f->spool, "a:P;b:P;");
	put(f->spool, "s", later, 2);
	observations_are(f->spool, "a:P;c:P;");
	later[0].body = SLICE("a2");
	put(f->spool, "s", later, 2);
	observations_are(f->spool, "a2:P;c:P;");
	put(f->spool, "other", NULL, 0);
	observations_are(f->spool, "a2:P;c:P;");
	put(f->spool, "s", NULL, 0);
	observations_are(f->spool, "");
}

static void delivered_ones_stay_and_know_that_they_changed(void **state)
{
	struct fixture *f = *state;
	struct spool_observation a = observation(1, "s", 10, "a");
	struct rows rows;
	int64_t id;

	put(f->spool, "s", &a, 1);
	id = send_pending(f->spool, false, &rows);
	observations_are(f->spool, "a:F;");
	put(f->spool, "s", NULL, 0);
	observations_are(f->spool, "a:F;");
	settle_all(f->spool, id, &rows, SETTLE_DELIVERED, NULL);
	observations_are(f->spool, "a:D;");
	put(f->spool, "s", NULL, 0);
	observations_are(f->spool, "a:D;");
	a.body = SLICE("a2");
	put(f->spool, "s", &a, 1);
	observations_are(f->spool, "a2:D:1;");
	id = send_pending(f->spool, false, &rows);
	assert_int_equal(rows.count, 0);
	id = send_pending(f->spool, true, &rows);
	assert_int_equal(rows.count, 1);
	settle_all(f->spool, id, &rows, SETTLE_RETRY, NULL);
	observations_are(f->spool, "a2:D:1;"); /* not pending: a server that does not merge would count it twice */
	id = send_pending(f->spool, true, &rows);
	assert_int_equal(rows.count, 1);
	settle_all(f->spool, id, &rows, SETTLE_DELIVERED, NULL);
	id = send_pending(f->spool, true, &rows);
	assert_int_equal(rows.count, 0);
}

/* What is assembled anew between POST and answer was delivered in its old form. */
static void a_change_in_flight_is_not_lost(void **state)
{
	struct fixture *f = *state;
	struct spool_observation a = observation(1, "s", 10, "a");
	struct rows rows;
	int64_t id;

	put(f->spool, "s", &a, 1);
	id = send_pending(f->spool, false, &rows);
	a.body = SLICE("a2");
	put(f->spool, "s", &a, 1);
	observations_are(f->spool, "a2:F;");
	settle_all(f->spool, id, &rows, SETTLE_DELIVERED, NULL);
	observations_are(f->spool, "a2:D;");
	(void)send_pending(f->spool, true, &rows);
	assert_int_equal(rows.count, 1);
}

static void the_ledger_knows_what_was_delivered(void **state)
{
	struct fixture *f = *state;
	struct spool_observation a = observation(1, "s", 10, "a");
	struct rows rows;
	struct err err = { 0 };

	put(f->spool, "s", &a, 1);
	settle_all(f->spool, send_pending(f->spool, false, &rows), &rows, SETTLE_DELIVERED, NULL);
	OK(spool_forget_derived(f->spool, &err));
	observations_are(f->spool, "");
	put(f->spool, "s", &a, 1);
	observations_are(f->spool, "a:D;");
	assert_int_equal(figures(f->spool).delivered, 1);
	(void)send_pending(f->spool, true, &rows);
	assert_int_equal(rows.count, 0);
}

static void forgetting_marks_all_dirty_and_keeps_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct spool_observation a = observation(1, "s", 10, "a"), b = observation(2, "s", 20, "b");
	struct spool_observation both[] = { a, b };
	struct rows rows;
	struct err err = { 0 };
	int64_t id;

	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "m", "m", "", "{}", 0, 0, 1 });
	clean(f->spool, "s");
	put(f->spool, "s", &a, 1);
	id = send_pending(f->spool, false, &rows);
	put(f->spool, "s", both, 2);
	OK(spool_forget_derived(f->spool, &err));
	observations_are(f->spool, "a:F;");
	dirty_is(f->spool, "s;");
	settle_all(f->spool, id, &rows, SETTLE_DELIVERED, NULL);
	observations_are(f->spool, "a:D;");
}

static void pending_alternates_oldest_and_newest(void **state)
{
	struct fixture *f = *state;
	static const char *const bodies[] = { "1", "2", "3", "4", "5" };
	struct spool_observation rows[5];
	struct text text = { 0 };
	struct err err = { 0 };

	for (uint8_t i = 0; i < 5; i++)
		rows[i] = observation((uint8_t)(7 * i % 5), "s", 10 * (i + 1), bodies[i]);
	put(f->spool, "s", rows, 5);
	OK(spool_each_pending(f->spool, 99, SIZE_MAX, false, add_observation, &text, &err));
	text_is(&text, "1:P;5:P;2:P;4:P;3:P;");
	OK(spool_each_pending(f->spool, 3, SIZE_MAX, false, add_observation, &text, &err));
	text_is(&text, "1:P;5:P;2:P;");
	OK(spool_each_pending(f->spool, 99, 2, false, add_observation, &text, &err));
	text_is(&text, "1:P;5:P;");
	OK(spool_each_pending(f->spool, 99, 0, false, add_observation, &text, &err));
	text_is(&text, "1:P;"); /* one at least, however large */
	OK(spool_each_pending(f->spool, 0, SIZE_MAX, true, add_observation, &text, &err));
	text_is(&text, "");
	assert_int_equal(figures(f->spool).oldest_pending_ms, 10);
	put(f->spool, "s", rows, 1);
	OK(spool_each_pending(f->spool, 99, SIZE_MAX, false, add_observation, &text, &err));
	text_is(&text, "1:P;");
}

static int see_send(void *context, const struct spool_send *send, struct err *err)
{
	struct text *text = context;

	(void)err;
	return buf_format(&text->buf, "%u rows, %u attempts%s;", send->count, send->attempts, send->in_doubt ? ", in doubt" : "");
}

static void sends_are(struct spool *spool, const char *expected)
{
	struct text text = { 0 };
	struct err err = { 0 };

	OK(spool_each_send(spool, see_send, &text, &err));
	text_is(&text, expected);
}

static void each_way_of_settling(void **state)
{
	struct fixture *f = *state;
	struct spool_observation all[] = { observation(1, "s", 10, "a"), observation(2, "s", 20, "b"), observation(3, "s", 30, "c"), observation(4, "s", 40, "d") };
	struct rows rows;
	struct err err = { 0 };
	struct spool_figures now;
	int64_t id;

	put(f->spool, "s", all, 4);
	id = send_pending(f->spool, false, &rows); /* a d b c */
	sends_are(f->spool, "4 rows, 0 attempts;");
	OK(spool_settle(f->spool, id, rows.ids[0], SETTLE_DELIVERED, NULL, &err));
	OK(spool_settle(f->spool, id, rows.ids[1], SETTLE_RETRY, NULL, &err));
	OK(spool_settle(f->spool, id, rows.ids[2], SETTLE_IN_DOUBT, NULL, &err));
	OK(spool_settle(f->spool, id, rows.ids[3], SETTLE_DEAD, "rejected: 400 no", &err));
	OK(spool_send_end(f->spool, id, &err));
	observations_are(f->spool, "a:D;b:?;c:X;d:P;");
	sends_are(f->spool, "1 rows, 1 attempts, in doubt;");
	now = figures(f->spool);
	assert_int_equal(now.delivered, 1);
	assert_int_equal(now.pending, 1);
	assert_int_equal(now.in_doubt, 1);
	assert_int_equal(now.dead, 1);
	OK(spool_settle(f->spool, id, rows.ids[2], SETTLE_DELIVERED, NULL, &err));
	OK(spool_send_end(f->spool, id, &err));
	sends_are(f->spool, "");
	assert_int_equal(spool_settle(f->spool, id, rows.ids[2], SETTLE_DELIVERED, NULL, &err), LF_ENOENT);
	assert_int_equal(spool_send_put(f->spool, rows.ids, 1, 1, &id, &err), 0); /* delivered: an update */
	assert_int_equal(spool_send_put(f->spool, rows.ids, 1, 1, &id, &err), LF_EINVAL); /* under way */
}

/* One goes back, one was assembled anew meanwhile, and one was purged: the ledger has it all the same. */
static void what_is_left_of_a_send_arrives_at_one_go(void **state)
{
	struct fixture *f = *state;
	struct spool_observation all[] = { observation(1, "s", 10, "a"), observation(2, "s", 20, "b"), observation(3, "s", 30, "c"), observation(4, "t", 40, "d") };
	struct spool_observation last = observation(5, "u", 50, "e");
	struct spool_purge purge = { .session = SLICE("t"), .all = true };
	struct spool_purged purged;
	struct rows rows, others;
	struct err err = { 0 };
	int64_t id, other;

	put(f->spool, "s", all, 3);
	put(f->spool, "t", all + 3, 1);
	id = send_pending(f->spool, false, &rows); /* a d b c */
	all[2].body = SLICE("c2");
	put(f->spool, "s", all, 3);
	put(f->spool, "u", &last, 1);
	other = send_pending(f->spool, false, &others);
	OK(spool_purge(f->spool, &purge, &purged, &err));
	OK(spool_settle(f->spool, id, rows.ids[2], SETTLE_RETRY, NULL, &err));
	OK(spool_send_arrived(f->spool, id, &err));
	OK(spool_send_end(f->spool, id, &err));
	observations_are(f->spool, "a:D;b:P;c2:D;e:F;");
	sends_are(f->spool, "1 rows, 0 attempts;");
	assert_int_equal(figures(f->spool).delivered, 3);
	OK(spool_send_arrived(f->spool, other, &err));
	OK(spool_send_end(f->spool, other, &err));
	id = send_pending(f->spool, true, &rows);
	assert_int_equal(rows.count, 2); /* b, and c2 for servers that merge */
}

/* The daemon died between the POST and its answer. */
static void put_together(struct spool *spool, const struct spool_observation *rows, size_t count, bool twice)
{
	struct err err = { 0 };

	OK(spool_begin(spool, &err));
	OK(spool_observations_begin(spool, SLICE("opencode"), SLICE("s"), &err));
	if (twice) {
		assert_int_not_equal(spool_observations_put_all(spool, rows, count, &err), 0);
		spool_rollback(spool);
		return;
	}
	OK(spool_observations_put_all(spool, rows, count, &err));
	OK(spool_observations_end(spool, &err));
	OK(spool_commit(spool, &err));
}

/* Those of a session of which nothing is known go in eight at a time. */
static void many_are_put_at_a_go(void **state)
{
	struct fixture *f = *state;
	struct spool_observation all[11];
	char bodies[11][2] = { "" };
	struct err err = { 0 };

	for (uint8_t i = 0; i < 11; i++) {
		bodies[i][0] = (char)('a' + i);
		all[i] = observation((uint8_t)(i + 1), "s", 10 * (i + 1), bodies[i]);
	}
	put_together(f->spool, all, 8, false);
	observations_are(f->spool, "a:P;b:P;c:P;d:P;e:P;f:P;g:P;h:P;");
	assert_int_equal(figures(f->spool).pending, 8);
	all[2].body = SLICE("c2");
	put_together(f->spool, all + 1, 10, false);
	observations_are(f->spool, "b:P;c2:P;d:P;e:P;f:P;g:P;h:P;i:P;j:P;k:P;");
	assert_int_equal(figures(f->spool).pending, 10);
	OK(spool_check(f->spool, &err));
	OK(spool_forget_derived(f->spool, &err));
	all[10].span_id[1] = 4; /* twice among eight */
	put_together(f->spool, all + 3, 8, true);
	assert_int_equal(figures(f->spool).pending, 0);
	OK(spool_check(f->spool, &err));
}

struct wanted {
	const char *body;
	int64_t id;
};

static int see_body(void *context, const struct spool_observation *observation, struct err *err)
{
	struct wanted *wanted = context;

	(void)err;
	if (slice_is(observation->body, wanted->body))
		wanted->id = observation->rowid;
	return 0;
}

static int64_t rowid_of(struct spool *spool, const char *body)
{
	struct wanted wanted = { .body = body };
	struct err err = { 0 };

	OK(spool_each_observation(spool, SLICE("s"), see_body, &wanted, &err));
	return wanted.id;
}

/* What is sent need not stand together in the file: neither is what stands between sent, nor is what is under way sent again. */
static void a_send_may_have_gaps(void **state)
{
	struct fixture *f = *state;
	static const char *const bodies[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct spool_observation all[8];
	struct err err = { 0 };
	int64_t ids[8], id, other;

	for (uint8_t i = 0; i < 8; i++)
		all[i] = observation((uint8_t)(i + 1), "s", 10 * (i + 1), bodies[i]);
	put(f->spool, "s", all, 8);
	for (int i = 0; i < 8; i++)
		ids[i] = rowid_of(f->spool, bodies[i]);
	OK(spool_send_put(f->spool, (int64_t[]){ ids[7], ids[1], ids[0], ids[4], ids[2] }, 5, 1, &id, &err));
	observations_are(f->spool, "a:F;b:F;c:F;d:P;e:F;f:P;g:P;h:F;");
	sends_are(f->spool, "5 rows, 0 attempts;");
	assert_int_equal(spool_send_put(f->spool, (int64_t[]){ ids[3], ids[4], ids[5] }, 3, 1, &other, &err), LF_EINVAL);
	observations_are(f->spool, "a:F;b:F;c:F;d:P;e:F;f:P;g:P;h:F;");
	OK(spool_send_arrived(f->spool, id, &err));
	OK(spool_send_end(f->spool, id, &err));
	observations_are(f->spool, "a:D;b:D;c:D;d:P;e:D;f:P;g:P;h:D;");
	sends_are(f->spool, "");
	assert_int_equal(figures(f->spool).delivered, 5);
	assert_int_equal(figures(f->spool).pending, 3);
}

static void what_was_in_flight_is_in_doubt_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct spool_observation both[] = { observation(1, "s", 10, "a"), observation(2, "s", 20, "b") };
	struct rows rows;

	put(f->spool, "s", both, 2);
	(void)send_pending(f->spool, false, &rows);
	reopen(f);
	observations_are(f->spool, "a:?;b:?;");
	sends_are(f->spool, "2 rows, 1 attempts, in doubt;");
	put(f->spool, "s", NULL, 0);
	observations_are(f->spool, "a:?;b:?;");
}

/* Purged while under way: the answer still goes into the ledger. */
static void purging_in_flight_keeps_the_ledger_right(void **state)
{
	struct fixture *f = *state;
	struct spool_observation a = observation(1, "s", 10, "a");
	struct spool_purge purge = { .all = true };
	struct spool_purged purged;
	struct rows rows;
	struct err err = { 0 };
	int64_t id;

	put(f->spool, "s", &a, 1);
	id = send_pending(f->spool, false, &rows);
	OK(spool_purge(f->spool, &purge, &purged, &err));
	settle_all(f->spool, id, &rows, SETTLE_DELIVERED, NULL);
	sends_are(f->spool, "");
	put(f->spool, "s", &a, 1);
	observations_are(f->spool, "a:D;");
}

/* ---- dead letters ---- */

static int see_dead(void *context, const struct spool_dead *dead, struct err *err)
{
	struct text *text = context;

	(void)err;
	assert_true(dead->time_ms > 0);
	return buf_format(&text->buf, "%lld %s|%.*s|%.*s|%.*s|%d;", (long long)dead->id, dead->reason, (int)dead->detail.len, dead->detail.ptr,
	                  (int)dead->session.len, dead->session.ptr, (int)dead->body.len, dead->body.ptr, dead->span_id[1]);
}

static void dead_are(struct spool *spool, int64_t id, const char *expected)
{
	struct text text = { 0 };
	struct err err = { 0 };

	OK(spool_each_dead(spool, id, see_dead, &text, &err));
	text_is(&text, expected);
}

static void kill_two(struct spool *spool, struct slice body)
{
	struct spool_observation both[] = { observation(1, "s", 10, ""), observation(2, "s", 20, "b") };
	struct rows rows;
	int64_t id;

	both[0].body = body;
	put(spool, "s", both, 2);
	id = send_pending(spool, false, &rows);
	settle_all(spool, id, &rows, SETTLE_DEAD, "rejected: 400 bad");
}

static void dead_letters_are_retried_and_dropped(void **state)
{
	struct fixture *f = *state;
	struct spool_dead input = { .reason = "input", .detail = SLICE("no JSON"), .body = SLICE("{}") };
	struct err err = { 0 };
	uint64_t count;

	kill_two(f->spool, SLICE("a"));
	OK(spool_dead_put(f->spool, &input, &err));
	dead_are(f->spool, 0, "1 rejected|400 bad|s|a|1;2 rejected|400 bad|s|b|2;3 input|no JSON||{}|0;");
	dead_are(f->spool, 2, "2 rejected|400 bad|s|b|2;");
	dead_are(f->spool, 9, "");
	OK(spool_dead_retry(f->spool, 9, &count, &err));
	assert_int_equal(count, 0);
	OK(spool_dead_retry(f->spool, 1, &count, &err));
	assert_int_equal(count, 1);
	observations_are(f->spool, "a:P;b:X;");
	OK(spool_dead_retry(f->spool, 0, &count, &err));
	assert_int_equal(count, 1);
	observations_are(f->spool, "a:P;b:P;");
	dead_are(f->spool, 0, "3 input|no JSON||{}|0;"); /* has nothing to send */
	OK(spool_dead_drop(f->spool, 8, &count, &err));
	assert_int_equal(count, 0);
	OK(spool_dead_drop(f->spool, 3, &count, &err));
	assert_int_equal(count, 1);
	dead_are(f->spool, 0, "");
}

/* Assembled anew, a dead observation is as dead as before; retried, it comes back though its row is gone. */
static void dead_ones_stay_dead_until_retried(void **state)
{
	struct fixture *f = *state;
	struct observation o = {
		.type = OBS_SPAN, .trace_id = { 5 }, .span_id = { 9, 1 }, .name = SLICE("turn"), .source = SLICE("opencode"),
		.session = SLICE("root"), .own_session = SLICE("s"), .start_ms = 10, .end_ms = 11, .usage = { -1, -1, -1, -1, -1 },
	};
	struct spool_observation a = observation(1, "s", 10, "a");
	struct err err = { 0 };
	struct buf body;
	uint64_t count;

	buf_init(&body, 0);
	observation_json(&o, &body);
	kill_two(f->spool, buf_view(&body));
	OK(spool_forget_derived(f->spool, &err));
	put(f->spool, "s", &a, 1);
	observations_are(f->spool, "a:X;");
	OK(spool_forget_derived(f->spool, &err));
	OK(spool_dead_retry(f->spool, 1, &count, &err));
	assert_int_equal(count, 1);
	assert_int_equal(figures(f->spool).pending, 1);
	buf_text(&body, ":P;");
	observations_are(f->spool, body.data);
	buf_done(&body);
}

static void putting_wants_its_frame(void **state)
{
	struct fixture *f = *state;
	struct spool_observation a = observation(1, "s", 10, "a");
	struct err err = { 0 };

	assert_int_equal(spool_observations_begin(f->spool, SLICE("opencode"), SLICE("s"), &err), LF_EINVAL);
	assert_int_equal(spool_observations_put(f->spool, &a, &err), LF_EINVAL);
	assert_int_equal(spool_observations_end(f->spool, &err), LF_EINVAL);
	OK(spool_begin(f->spool, &err));
	OK(spool_observations_begin(f->spool, SLICE("opencode"), SLICE("s"), &err));
	OK(spool_observations_put(f->spool, &a, &err));
	spool_rollback(f->spool);
	assert_int_equal(spool_observations_put(f->spool, &a, &err), LF_EINVAL);
	observations_are(f->spool, "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(putting_again_keeps_changes_and_removes), T(delivered_ones_stay_and_know_that_they_changed), T(a_change_in_flight_is_not_lost),
		T(what_is_left_of_a_send_arrives_at_one_go), T(a_send_may_have_gaps), T(many_are_put_at_a_go),
		T(the_ledger_knows_what_was_delivered), T(forgetting_marks_all_dirty_and_keeps_what_is_under_way), T(pending_alternates_oldest_and_newest),
		T(each_way_of_settling), T(what_was_in_flight_is_in_doubt_after_a_restart), T(purging_in_flight_keeps_the_ledger_right),
		T(dead_letters_are_retried_and_dropped), T(dead_ones_stay_dead_until_retried), T(putting_wants_its_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
