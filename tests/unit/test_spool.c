/* The log: which revisions are kept, reading back, what becomes dirty. */
#include "spool_fixture.h"

/* ---- which revisions are kept: one row a rule ---- */

struct revision {
	const char *body;
	enum record_level level;
	uint64_t order;
};
#define REVISIONS 4
static const struct {
	const char *rule;
	struct revision in[REVISIONS];
	const char *stored;  /* S or U for each */
	const char *head;
} rules[] = {
	{ "no head", { { "{\"a\":1}", RECORD_PARTIAL, 0 } }, "S", "k={\"a\":1};" },
	{ "the same", { { "{\"a\":1}", RECORD_FINAL, 0 }, { "{\"a\":1}", RECORD_FINAL, 0 } }, "SU", "k={\"a\":1};" },
	{ "lower level", { { "{\"a\":1}", RECORD_FINAL, 0 }, { "{\"a\":2}", RECORD_PROGRESS, 9 } }, "SU", "k={\"a\":1};" },
	{ "higher level", { { "{\"a\":1}", RECORD_PARTIAL, 9 }, { "{\"a\":2}", RECORD_PROGRESS, 1 }, { "{\"a\":3}", RECORD_FINAL, 0 } }, "SSS", "k={\"a\":3};" },
	{ "equal, not final", { { "{\"a\":1}", RECORD_PARTIAL, 1 }, { "{\"a\":2}", RECORD_PARTIAL, 2 } }, "SU", "k={\"a\":1};" },
	{ "ordered, newer", { { "{\"a\":1}", RECORD_FINAL, 5 }, { "{\"a\":2}", RECORD_FINAL, 7 } }, "SS", "k={\"a\":2};" },
	{ "ordered, older", { { "{\"a\":1}", RECORD_FINAL, 5 }, { "{\"a\":2}", RECORD_FINAL, 4 } }, "SU", "k={\"a\":1};" },
	{ "ordered, as old", { { "{\"a\":1}", RECORD_FINAL, 5 }, { "{\"a\":2}", RECORD_FINAL, 5 } }, "SU", "k={\"a\":1};" },
	{ "document, new", { { "{\"a\":1}", RECORD_FINAL, 5 }, { "{\"a\":2}", RECORD_FINAL, 0 } }, "SS", "k={\"a\":2};" },
	{ "document, known", { { "{\"a\":1}", RECORD_FINAL, 0 }, { "{\"a\":2}", RECORD_FINAL, 0 }, { "{\"a\":1}", RECORD_FINAL, 0 } }, "SSU", "k={\"a\":2};" },
	{ "ordered after a document, new", { { "{\"a\":1}", RECORD_FINAL, 0 }, { "{\"a\":2}", RECORD_FINAL, 3 } }, "SS", "k={\"a\":2};" },
	{ "ordered after a document, known", { { "{\"a\":1}", RECORD_FINAL, 3 }, { "{\"a\":2}", RECORD_FINAL, 0 }, { "{\"a\":1}", RECORD_FINAL, 3 } }, "SSU", "k={\"a\":2};" },
	{ "the same raises the order", { { "{\"a\":1}", RECORD_FINAL, 5 }, { "{\"a\":1}", RECORD_FINAL, 8 }, { "{\"a\":2}", RECORD_FINAL, 7 } }, "SUU", "k={\"a\":1};" },
	{ "the same raises the level", { { "{\"a\":1}", RECORD_PARTIAL, 5 }, { "{\"a\":1}", RECORD_FINAL, 5 }, { "{\"a\":2}", RECORD_PROGRESS, 9 } }, "SUU", "k={\"a\":1};" },
	{ "order beyond the sign", { { "{\"a\":1}", RECORD_FINAL, 5 }, { "{\"a\":2}", RECORD_FINAL, UINT64_MAX }, { "{\"a\":3}", RECORD_FINAL, 6 } }, "SSU", "k={\"a\":2};" },
};

static void keeps_the_right_revisions(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
		struct text text = { 0 };
		char session[32], got[REVISIONS + 1] = "";
		snprintf(session, sizeof session, "s%zu", r);
		for (size_t i = 0; i < REVISIONS && rules[r].in[i].body; i++) {
			char key[32];
			struct entry e = { .kind = RECORD_SIGNAL, .session = session, .key = key, .body = rules[r].in[i].body, .level = rules[r].in[i].level, .order = rules[r].in[i].order };
			snprintf(key, sizeof key, "k%zu", r);
			got[i] = append(f->spool, e) == SPOOL_STORED ? 'S' : 'U';
		}
		if (strcmp(got, rules[r].stored) != 0)
			fail_msg("%s: %s, not %s", rules[r].rule, got, rules[r].stored);
		OK(spool_each_head(f->spool, SLICE("opencode"), slice_of(session), add_record, &text, &err));
		assert_int_equal(text.count, 1);
		assert_string_equal(strchr(text.buf.data, '='), strchr(rules[r].head, '='));
		buf_done(&text.buf);
	}
}

/* A copy in another session changes nothing, however far it has come; the session itself may. */
static void copies_stay_where_they_were_seen_first(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 };

	append(f->spool, (struct entry){ RECORD_MESSAGE, "one", "m", "m", "", "{\"m\":1}", RECORD_FINAL, 4, 1 });
	assert_int_equal(append(f->spool, (struct entry){ RECORD_MESSAGE, "two", "m", "m", "", "{\"m\":2}", RECORD_FINAL, 9, 1 }), SPOOL_UNCHANGED);
	OK(spool_each_head(f->spool, SLICE("opencode"), SLICE("one"), add_record, &text, &err));
	text_is(&text, "m={\"m\":1};");
	assert_int_equal(append(f->spool, (struct entry){ RECORD_MESSAGE, "one", "m", "m", "", "{\"m\":3}", RECORD_FINAL, 5, 1 }), SPOOL_STORED);
}

/* The same input, twice and through two channels, adds nothing the second time. */
static void input_twice_adds_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	for (int round = 0; round < 3; round++) {
		append(f->spool, (struct entry){ RECORD_SESSION, "s", "", "s", "", "{\"title\":\"t\"}", 0, round == 1 ? 0 : 5, 1 });
		append(f->spool, (struct entry){ RECORD_PART, "s", "m", "p", "", "{\"type\":\"tool\",\"status\":\"running\"}", RECORD_PROGRESS, 6, 1 });
		append(f->spool, (struct entry){ RECORD_PART, "s", "m", "p", "", "{\"type\":\"tool\",\"status\":\"completed\"}", 0, round == 1 ? 0 : 7, 1 });
		if (round == 0)
			before = figures(f->spool).records;
	}
	assert_int_equal(before, 3);
	assert_int_equal(figures(f->spool).records, before);
}

/* ---- reading ---- */

static int copy_view(void *context, const struct clean_record_view *view, struct err *err)
{
	struct clean_record **ret = context;

	(void)err;
	*ret = clean_record_new(view);
	return 0;
}

static void a_record_comes_back_whole(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct clean_record *record = NULL;
	const struct clean_record_view *v;

	append(f->spool, (struct entry){ RECORD_PART, "s", "m", "m/p", "child", "{\"x\":\"\xc3\xa4\\u0000\"}", RECORD_PROGRESS, UINT64_MAX - 1, 1795233553671 });
	reopen(f);
	OK(spool_each_record(f->spool, SLICE("s"), copy_view, &record, &err));
	assert_non_null(record);
	v = clean_record_view(record);
	assert_int_equal(v->seq, 1);
	assert_int_equal(v->kind, RECORD_PART);
	assert_int_equal(v->level, RECORD_PROGRESS);
	assert_true(v->order == UINT64_MAX - 1);
	assert_int_equal(v->time_ms, 1795233553671);
	assert_true(slice_is(v->source, "opencode") && slice_is(v->session, "s") && slice_is(v->message, "m"));
	assert_true(slice_is(v->key, "m/p") && slice_is(v->link, "child") && slice_is(v->body, "{\"x\":\"\xc3\xa4\\u0000\"}"));
	clean_record_free(record);
}

static void fill_session(struct spool *spool)
{
	append(spool, (struct entry){ RECORD_SIGNAL, "s", "", "idle:s", "", "{\"i\":1}", 0, 0, 1 });
	append(spool, (struct entry){ RECORD_PART, "s", "m1", "p2", "", "{\"p\":2}", 0, 0, 1 });
	append(spool, (struct entry){ RECORD_PART, "s", "m1", "p1", "c", "{\"p\":1}", 0, 0, 1 });
	append(spool, (struct entry){ RECORD_PART, "s", "m2", "p3", "", "{\"p\":3}", 0, 0, 1 });
	append(spool, (struct entry){ RECORD_MESSAGE, "s", "m2", "m2", "", "{\"m\":2}", 0, 0, 1 });
	append(spool, (struct entry){ RECORD_MESSAGE, "s", "m1", "m1", "", "{\"m\":1}", 0, 0, 1 });
	append(spool, (struct entry){ RECORD_SESSION, "s", "", "s", "", "{\"s\":1}", 0, 0, 1 });
	append(spool, (struct entry){ RECORD_SESSION, "c", "", "c", "s", "{\"s\":2}", 0, 0, 1 });
	append(spool, (struct entry){ RECORD_SESSION, "d", "", "d", "s", "{\"s\":3}", 0, 0, 1 });
}

static void readers_give_what_they_say(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 };
	struct slice src = SLICE("opencode");

	fill_session(f->spool);
	OK(spool_each_head(f->spool, src, SLICE("s"), add_record, &text, &err));
	text_is(&text, "s={\"s\":1};m1={\"m\":1};m2={\"m\":2};idle:s={\"i\":1};");
	OK(spool_each_part(f->spool, src, SLICE("s"), SLICE("m1"), add_record, &text, &err));
	text_is(&text, "p1={\"p\":1};p2={\"p\":2};");
	OK(spool_find_link(f->spool, src, SLICE("c"), add_record, &text, &err));
	text_is(&text, "p1={\"p\":1};");
	assert_int_equal(spool_find_link(f->spool, src, SLICE("nobody"), add_record, &text, &err), LF_ENOENT);
	assert_int_equal(spool_find_link(f->spool, src, SLICE(""), add_record, &text, &err), LF_ENOENT);
	OK(spool_find_session(f->spool, src, SLICE("c"), add_record, &text, &err));
	text_is(&text, "c={\"s\":2};");
	assert_int_equal(spool_find_session(f->spool, src, SLICE("m1"), add_record, &text, &err), LF_ENOENT);
	OK(spool_each_child(f->spool, src, SLICE("s"), add_id, &text, &err));
	text_is(&text, "c;d;");
	OK(spool_each_record(f->spool, SLICE("d"), add_record, &text, &err));
	text_is(&text, "d={\"s\":3};");
	OK(spool_each_record(f->spool, SLICE_NONE, add_record, &text, &err));
	assert_int_equal(text.count, 9);
	buf_done(&text.buf);
}

/* In whatever order a session's messages are asked for, each has its parts. */
static void parts_come_in_any_order(void **state)
{
	static const char *const orders[] = { "12345", "1345", "135", "2", "0159", "12321", "54321", "1122", "31524", "9", "19" };
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 }, alone = { 0 };
	struct slice src = SLICE("opencode"), session = SLICE("s");

	fill_session(f->spool);
	append(f->spool, (struct entry){ RECORD_PART, "s", "m2", "p3", "", "{\"p\":33}", 0, 0, 2 });
	append(f->spool, (struct entry){ RECORD_PART, "s", "m4", "p5", "", "{\"p\":5}", 0, 0, 2 });
	append(f->spool, (struct entry){ RECORD_PART, "s", "m5", "p6", "", "{\"p\":6}", RECORD_PARTIAL, 0, 2 });
	append(f->spool, (struct entry){ RECORD_PART, "s", "m5", "p4", "", "{\"p\":4}", 0, 0, 2 });
	append(f->spool, (struct entry){ RECORD_PART, "t", "m1", "p7", "", "{\"p\":7}", 0, 0, 2 });
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		struct spool_parts *parts = spool_parts_open(f->spool, src, session);
		for (const char *c = orders[i]; *c; c++) {
			const char id[] = { 'm', *c };
			struct slice message = { id, sizeof id };
			OK(spool_each_part(f->spool, src, session, message, add_record, &alone, &err));
			OK(spool_parts_each(parts, message, add_record, &text, &err));
			assert_int_equal(text.count, alone.count);
			assert_true(slice_equal(buf_view(&text.buf), buf_view(&alone.buf)));
		}
		spool_parts_close(parts);
		assert_true(text.count > 0 || orders[i][0] == '9');
		buf_clear(&text.buf);
		buf_clear(&alone.buf);
		text.count = alone.count = 0;
	}
	buf_done(&text.buf);
	buf_done(&alone.buf);
}

struct nested {
	struct spool *spool;
	struct text *text;
};

static int read_inside(void *context, const struct clean_record_view *view, struct err *err)
{
	struct nested *nested = context;
	int rc;

	if (view->kind != RECORD_MESSAGE)
		return 0;
	rc = add_record(nested->text, view, err);
	return rc != 0 ? rc : spool_each_head(nested->spool, view->source, SLICE("c"), add_record, nested->text, err);
}

static int stop_here(void *context, const struct clean_record_view *view, struct err *err)
{
	(void)context, (void)view;
	return err_set(err, LF_EAGAIN, "enough");
}

static void readers_nest_and_stop(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 };
	struct nested nested = { f->spool, &text };

	fill_session(f->spool);
	OK(spool_each_head(f->spool, SLICE("opencode"), SLICE("s"), read_inside, &nested, &err));
	text_is(&text, "m1={\"m\":1};c={\"s\":2};m2={\"m\":2};c={\"s\":2};");
	assert_int_equal(spool_each_record(f->spool, SLICE_NONE, stop_here, NULL, &err), LF_EAGAIN);
	assert_string_equal(err.text, "enough");
}

static int see_session(void *context, const struct spool_session_row *row, struct err *err)
{
	struct text *text = context;

	(void)err;
	buf_slice(&text->buf, row->id);
	buf_char(&text->buf, '<');
	buf_slice(&text->buf, row->parent);
	buf_char(&text->buf, ' ');
	buf_slice(&text->buf, row->title);
	return buf_format(&text->buf, " %lld-%lld %llu/%llu/%llu;", (long long)row->created_ms, (long long)row->last_ms,
	                  (unsigned long long)row->records, (unsigned long long)row->observations, (unsigned long long)row->delivered);
}

static void sessions_are_listed(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 };
	struct spool_observation o = observation(1, "b", 5, "one");

	append(f->spool, (struct entry){ RECORD_SESSION, "a", "", "a", "", "{\"title\":\"A \\\"x\\\"\",\"created\":7}", 0, 0, 8 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "b", "m", "m", "", "{}", 0, 0, 20 });
	append(f->spool, (struct entry){ RECORD_SESSION, "b", "", "b", "a", "{}", 0, 0, 10 });
	put(f->spool, "b", &o, 1);
	OK(spool_each_session(f->spool, see_session, &text, &err));
	text_is(&text, "a< A \"x\" 7-8 1/0/0;b<a  10-20 2/1/0;");
}

/* ---- dirty ---- */

static void dirty_spreads_to_what_depends(void **state)
{
	struct fixture *f = *state;
	static const char *const ids[] = { "r", "c", "g", "x" };

	append(f->spool, (struct entry){ RECORD_SESSION, "r", "", "r", "", "{\"title\":\"1\"}", 0, 1, 1 });
	append(f->spool, (struct entry){ RECORD_SESSION, "c", "", "c", "r", "{}", 0, 1, 1 });
	append(f->spool, (struct entry){ RECORD_SESSION, "g", "", "g", "c", "{}", 0, 1, 1 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "x", "m", "mx", "", "{}", 0, 1, 1 });
	dirty_is(f->spool, "r;c;g;x;");
#define CLEAN_ALL for (size_t i = 0; i < 4; i++) clean(f->spool, ids[i])
	CLEAN_ALL;
	dirty_is(f->spool, "");
	append(f->spool, (struct entry){ RECORD_MESSAGE, "r", "m", "mr", "", "{}", 0, 1, 1 });
	dirty_is(f->spool, "r;");
	CLEAN_ALL;
	append(f->spool, (struct entry){ RECORD_SESSION, "r", "", "r", "", "{\"title\":\"2\"}", 0, 2, 1 });
	dirty_is(f->spool, "r;c;g;");
	CLEAN_ALL;
	append(f->spool, (struct entry){ RECORD_SESSION, "r", "", "r", "", "{\"title\":\"2\",\"archived\":1}", 0, 3, 1 });
	dirty_is(f->spool, "r;c;");
	CLEAN_ALL;
	append(f->spool, (struct entry){ RECORD_PART, "r", "m", "p", "x", "{\"type\":\"tool\"}", 0, 3, 1 });
	dirty_is(f->spool, "r;x;");
	CLEAN_ALL;
	append(f->spool, (struct entry){ RECORD_SESSION, "r", "", "r", "", "{\"title\":\"3\"}", 0, 4, 1 });
	dirty_is(f->spool, "r;c;x;g;");
	CLEAN_ALL;
	append(f->spool, (struct entry){ RECORD_SESSION, "r", "", "r", "", "{\"title\":\"3\"}", 0, 4, 1 });
	dirty_is(f->spool, "");
#undef CLEAN_ALL
}

/* A circle of parents must not hang. */
static void a_circle_of_sessions_ends(void **state)
{
	struct fixture *f = *state;

	append(f->spool, (struct entry){ RECORD_SESSION, "a", "", "a", "b", "{}", 0, 1, 1 });
	append(f->spool, (struct entry){ RECORD_SESSION, "b", "", "b", "a", "{}", 0, 1, 1 });
	dirty_is(f->spool, "a;b;");
}

static void dirty_keeps_its_place_over_a_restart(void **state)
{
	struct fixture *f = *state;
	struct text text = { 0 };
	struct err err = { 0 };

	append(f->spool, (struct entry){ RECORD_MESSAGE, "b", "m", "m1", "", "{}", 0, 1, 1 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "a", "m", "m2", "", "{}", 0, 1, 1 });
	reopen(f);
	append(f->spool, (struct entry){ RECORD_MESSAGE, "c", "m", "m3", "", "{}", 0, 1, 1 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "b", "m", "m4", "", "{}", 0, 1, 1 });
	dirty_is(f->spool, "b;a;c;");
	OK(spool_each_dirty(f->spool, 2, add_id, &text, &err));
	text_is(&text, "b;a;");
}

static void open_sessions_go_stale(void **state)
{
	struct fixture *f = *state;
	struct text text = { 0 };
	struct err err = { 0 };

	append(f->spool, (struct entry){ RECORD_MESSAGE, "a", "m", "m1", "", "{}", 0, 1, 100 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "b", "m", "m2", "", "{}", 0, 1, 200 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "c", "m", "m3", "", "{}", 0, 1, 50 });
	OK(spool_set_open(f->spool, SLICE("opencode"), SLICE("a"), true, 100, &err));
	OK(spool_set_open(f->spool, SLICE("opencode"), SLICE("b"), true, 200, &err));
	OK(spool_each_stale(f->spool, 200, INT64_MAX, 0, add_id, &text, &err));
	text_is(&text, ""); /* dirty: not known */
	OK(spool_mark_clean(f->spool, SLICE("opencode"), SLICE("a"), &err));
	OK(spool_mark_clean(f->spool, SLICE("opencode"), SLICE("b"), &err));
	OK(spool_each_stale(f->spool, 200, 0, INT64_MAX, add_id, &text, &err));
	text_is(&text, ""); /* just stored */
	OK(spool_each_stale(f->spool, 200, 0, 1000, add_id, &text, &err));
	text_is(&text, "a;"); /* the clock went back meanwhile */
	OK(spool_each_stale(f->spool, 200, INT64_MAX, 0, add_id, &text, &err));
	text_is(&text, "a;");
	append(f->spool, (struct entry){ RECORD_MESSAGE, "a", "m", "m4", "", "{}", 0, 1, 300 });
	OK(spool_each_stale(f->spool, 250, INT64_MAX, 0, add_id, &text, &err));
	text_is(&text, "b;");
}

/* ---- small things ---- */

static void cursors_counters_and_facts(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct buf value;

	buf_init(&value, 0);
	assert_int_equal(spool_cursor_get(f->spool, SLICE("opencode"), SLICE("db"), &value, &err), LF_ENOENT);
	OK(spool_cursor_set(f->spool, SLICE("opencode"), SLICE("db"), SLICE("1"), &err));
	OK(spool_cursor_set(f->spool, SLICE("opencode"), SLICE("db"), SLICE("22"), &err));
	OK(spool_cursor_get(f->spool, SLICE("opencode"), SLICE("db"), &value, &err));
	assert_true(slice_is(buf_view(&value), "22"));
	OK(spool_meta_set(f->spool, "paused", SLICE("why"), &err));
	buf_clear(&value);
	OK(spool_meta_get(f->spool, "paused", &value, &err));
	assert_true(slice_is(buf_view(&value), "why"));
	OK(spool_meta_set(f->spool, "paused", SLICE_NONE, &err));
	assert_int_equal(spool_meta_get(f->spool, "paused", &value, &err), LF_ENOENT);
	buf_done(&value);
	OK(spool_count(f->spool, "dropped", "cap", 2, &err));
	OK(spool_count(f->spool, "dropped", "cap", 3, &err));
	OK(spool_count(f->spool, "redacted", "x", 1, &err));
	reopen(f);
	counters_are(f->spool, "dropped", "dropped/cap=5;");
	counters_are(f->spool, NULL, "dropped/cap=5;redacted/x=1;");
}

static bool counted(struct fixture *f, const char *source, const char *key)
{
	struct err err = { 0 };
	bool known = false;

	OK(spool_counted_get(f->spool, slice_of(source), slice_of(key), &known, &err));
	return known;
}

static void what_was_counted_outlives_its_record(void **state)
{
	struct fixture *f = *state;
	struct spool_purge purge = { .all = true };
	struct spool_purged purged;
	struct err err = { 0 };

	append(f->spool, (struct entry){ RECORD_MESSAGE, "a", "m", "m1", "", "{}", 0, 1, 100 });
	assert_false(counted(f, "opencode", "m1"));
	OK(spool_counted_set(f->spool, SLICE("opencode"), SLICE("m1"), &err));
	OK(spool_counted_set(f->spool, SLICE("opencode"), SLICE("m1"), &err));
	OK(spool_purge(f->spool, &purge, &purged, &err));
	reopen(f);
	assert_int_equal(figures(f->spool).records, 0);
	assert_true(counted(f, "opencode", "m1"));
	assert_false(counted(f, "opencod", "em1"));
	assert_false(counted(f, "claude", "m1"));
}

static void a_rollback_takes_all_back(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	OK(spool_begin(f->spool, &err));
	append(f->spool, (struct entry){ RECORD_MESSAGE, "a", "m", "m1", "", "{}", 0, 1, 100 });
	OK(spool_count(f->spool, "records", "opencode", 1, &err));
	spool_rollback(f->spool);
	assert_int_equal(figures(f->spool).records, 0);
	assert_int_equal(figures(f->spool).sessions, 0);
	counters_are(f->spool, NULL, "");
	assert_int_equal(spool_commit(f->spool, &err), LF_EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(keeps_the_right_revisions), T(copies_stay_where_they_were_seen_first),
		T(input_twice_adds_nothing), T(a_record_comes_back_whole), T(readers_give_what_they_say), T(parts_come_in_any_order),
		T(readers_nest_and_stop), T(sessions_are_listed), T(dirty_spreads_to_what_depends), T(a_circle_of_sessions_ends),
		T(dirty_keeps_its_place_over_a_restart), T(open_sessions_go_stale), T(cursors_counters_and_facts), T(what_was_counted_outlives_its_record),
		T(a_rollback_takes_all_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
