/* Records that wait for their transaction's end: what is stored must be what is stored when each has a transaction of its own. */
#include "spool_fixture.h"

#define ROUNDS 40
#define STEPS 150

static uint64_t seed;

static unsigned below(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % limit;
}

/* Few keys, so that revisions of all levels and orders meet, also with another message, link or session. */
struct texts {
	char session[8], message[8], key[8], link[8], body[64];
};

static struct entry some_entry(struct texts *t)
{
	struct entry e = { .level = (enum record_level)(1 + below(3)), .order = below(3) ? below(6) : 0, .time_ms = below(1000) };
	unsigned k = below(24), home = below(20) ? k % 3 : below(3);

	snprintf(t->session, sizeof t->session, "s%u", home);
	snprintf(t->message, sizeof t->message, "m%u", below(10) ? k % 5 : below(5));
	snprintf(t->key, sizeof t->key, "k%u", k);
	snprintf(t->link, sizeof t->link, "%s", below(12) ? "" : below(2) ? "s1" : "s2");
	snprintf(t->body, sizeof t->body, "{\"a\":%u}", below(4));
	e.kind = below(30) == 0 ? RECORD_SESSION : k % 4 == 0 ? RECORD_MESSAGE : below(25) == 0 ? RECORD_SIGNAL : RECORD_PART;
	if (e.kind == RECORD_SESSION) {
		snprintf(t->key, sizeof t->key, "%s", t->session);
		snprintf(t->body, sizeof t->body, "{\"title\":\"%u\"}", below(3));
	}
	if (below(40) == 0) /* whatever an agent may do */
		snprintf(t->key, sizeof t->key, "%s", t->session);
	e.session = t->session, e.message = t->message, e.key = t->key, e.link = t->link, e.body = t->body;
	return e;
}

/* All that appending writes, but for times that may lag a second and the numbers of the marks. */
static char *all_of(const char *dir)
{
	struct buf out = { 0 };
	sqlite3 *db = NULL;
	char path[160];

	snprintf(path, sizeof path, "%s/spool.db", dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	read_rows(db, "SELECT seq, source, session, message, key, kind, level, ord, link, time, cut, hash, hex(fp), body FROM record ORDER BY seq", &out);
	read_rows(db, "SELECT source, key, seq, session, message, kind, level, ord, hex(fp), link, time FROM head ORDER BY source, key", &out);
	read_rows(db, "SELECT source, id, dirty<>0, open FROM session ORDER BY source, id", &out);
	read_rows(db, "SELECT hash FROM counted ORDER BY id", &out);
	read_rows(db, "PRAGMA integrity_check", &out);
	sqlite3_close(db);
	return buf_take(&out, NULL);
}

static char *known_session(struct spool *spool, const char *id)
{
	struct text text = { 0 };
	struct err err = { 0 };
	int rc = spool_find_session(spool, SLICE("opencode"), slice_of(id), add_record, &text, &err);

	assert_true(rc == 0 || rc == LF_ENOENT);
	return text.buf.data ? buf_take(&text.buf, NULL) : xstrdup("");
}

/* One step in both; what the spools say of it is the same. */
static void step(struct spool *together, struct spool *alone)
{
	struct err err = { 0 };
	struct texts t;
	struct entry e = some_entry(&t);
	char *a, *b;
	bool known_a, known_b;

	assert_int_equal(append(together, e), append(alone, e));
	if (below(4) == 0) {
		a = known_session(together, e.session);
		b = known_session(alone, e.session);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
	if (below(3) == 0) {
		OK(spool_counted_get(together, SLICE("o"), slice_of(e.key), &known_a, &err));
		OK(spool_counted_get(alone, SLICE("o"), slice_of(e.key), &known_b, &err));
		assert_int_equal(known_a, known_b);
		OK(spool_counted_set(together, SLICE("o"), slice_of(e.key), &err));
		OK(spool_counted_set(alone, SLICE("o"), slice_of(e.key), &err));
	}
}

static void rolled_back(struct spool *together)
{
	struct err err = { 0 };
	struct texts t;

	OK(spool_begin(together, &err));
	for (unsigned n = below(100); n > 0; n--)
		append(together, some_entry(&t));
	OK(spool_counted_set(together, SLICE("o"), SLICE("never"), &err));
	spool_rollback(together);
}

static void together_is_as_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct fixture other = *f;
	struct err err = { 0 };
	char *a, *b;

	other.spool = NULL;
	snprintf(other.dir, sizeof other.dir, "%s/alone", f->root);
	other.options.dir = other.dir;
	reopen(&other);
	for (unsigned round = 0; round < ROUNDS; round++) {
		seed = 1000 + round;
		rolled_back(f->spool);
		OK(spool_begin(f->spool, &err));
		for (unsigned n = below(STEPS); n > 0; n--)
			step(f->spool, other.spool);
		OK(spool_commit(f->spool, &err));
		a = all_of(f->dir);
		b = all_of(other.dir);
		if (strcmp(a, b) != 0)
			fail_msg("round %u:\n%s\nis not\n%s", round, a, b);
		free(a);
		free(b);
	}
	OK(spool_check(f->spool, &err));
	spool_close(other.spool);
	remove_files(other.dir);
}

/* ---- what a record goes over ---- */

static struct clean_record *revision(const char *body, enum record_level level)
{
	struct clean_record_view view = {
		.kind = RECORD_MESSAGE, .level = level, .source = SLICE("opencode"), .session = SLICE("s"), .message = SLICE("m"), .key = SLICE("m"),
		.body = slice_of(body),
	};

	return clean_record_new(&view);
}

static void over_is(struct spool *spool, const char *body, enum record_level level, const char *expected)
{
	struct clean_record *record = revision(body, level);
	struct text text = { 0 };
	struct err err = { 0 };

	OK(spool_append_over(spool, record, add_record, &text, NULL, &err));
	if (expected)
		text_is(&text, expected);
	else
		buf_done(&text.buf);
	clean_record_free(record);
}

static void the_earlier_revision_is_shown(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	OK(spool_begin(f->spool, &err));
	over_is(f->spool, "{\"a\":1}", RECORD_PARTIAL, "");
	over_is(f->spool, "{\"a\":2}", RECORD_PROGRESS, "m={\"a\":1};"); /* not in the file yet */
	OK(spool_commit(f->spool, &err));
	over_is(f->spool, "{\"a\":1}", RECORD_PARTIAL, "");              /* not stored */
	over_is(f->spool, "{\"a\":3}", RECORD_FINAL, "m={\"a\":2};");    /* in the file */
	over_is(f->spool, "{\"a\":4}", RECORD_FINAL, "m={\"a\":3};");    /* a document */
	OK(spool_begin(f->spool, &err));
	over_is(f->spool, "{\"a\":5}", RECORD_FINAL, "m={\"a\":4};");
	over_is(f->spool, "{\"a\":6}", RECORD_FINAL, "m={\"a\":5};");
	over_is(f->spool, "{\"a\":5}", RECORD_FINAL, "");
	OK(spool_commit(f->spool, &err));
}

static void damage(struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;
	char path[160];

	spool_close(f->spool);
	f->spool = NULL;
	snprintf(path, sizeof path, "%s/spool.db", f->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	reopen(f);
}

static void a_damaged_revision_is_moved_away(void **state)
{
	struct fixture *f = *state;
	struct text text = { 0 };
	struct err err = { 0 };

	over_is(f->spool, "{\"a\":1}", RECORD_PARTIAL, "");
	damage(f, "UPDATE record SET body='{\"a\":9}' WHERE seq=1");
	over_is(f->spool, "{\"a\":2}", RECORD_PROGRESS, ""); /* there is no head then */
	OK(spool_each_head(f->spool, SLICE("opencode"), SLICE("s"), add_record, &text, &err));
	text_is(&text, "m={\"a\":2};");
	over_is(f->spool, "{\"a\":3}", RECORD_FINAL, "m={\"a\":2};");
	damage(f, "UPDATE record SET body='{\"a\":9}' WHERE seq=3");
	over_is(f->spool, "{\"a\":4}", RECORD_FINAL, ""); /* an earlier one */
	OK(spool_each_record(f->spool, SLICE_NONE, add_record, &text, &err));
	text_is(&text, "m={\"a\":2};m={\"a\":4};");
	OK(spool_each_head(f->spool, SLICE("opencode"), SLICE("s"), add_record, &text, &err));
	text_is(&text, "m={\"a\":4};");
	OK(spool_check(f->spool, &err));
}

/* A body that is too large to be kept is written at once. */
static void large_ones_are_stored(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 };
	char *body = xmalloc(600001);

	memset(body, 'x', 600000);
	memcpy(body, "{\"a\":\"", 6);
	memcpy(body + 599998, "\"}", 3);
	OK(spool_begin(f->spool, &err));
	over_is(f->spool, "{\"a\":1}", RECORD_PARTIAL, "");
	over_is(f->spool, body, RECORD_PROGRESS, "m={\"a\":1};");
	memset(body, ' ', 600000);
	over_is(f->spool, "{\"a\":2}", RECORD_FINAL, NULL);
	OK(spool_commit(f->spool, &err));
	OK(spool_each_record(f->spool, SLICE_NONE, add_record, &text, &err));
	assert_int_equal(text.count, 3);
	assert_true(text.buf.len > 600000);
	buf_done(&text.buf);
	OK(spool_check(f->spool, &err));
	free(body);
}

/* The others of its message and those behind it are given; the revision before it takes its place. */
static void a_damaged_part_is_moved_away_while_parts_are_read(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 };
	struct spool_parts *parts;
	struct slice src = SLICE("opencode"), session = SLICE("s");

	append(f->spool, (struct entry){ RECORD_PART, "s", "m1", "p1", "", "{\"a\":1}", RECORD_PARTIAL, 0, 1 });
	append(f->spool, (struct entry){ RECORD_PART, "s", "m1", "p1", "", "{\"a\":2}", RECORD_FINAL, 0, 1 });
	append(f->spool, (struct entry){ RECORD_PART, "s", "m1", "p2", "", "{\"b\":1}", RECORD_FINAL, 0, 1 });
	append(f->spool, (struct entry){ RECORD_PART, "s", "m2", "p3", "", "{\"c\":1}", RECORD_FINAL, 0, 1 });
	damage(f, "UPDATE record SET body='{\"a\":9}' WHERE seq=2");
	OK(spool_begin(f->spool, &err));
	parts = spool_parts_open(f->spool, src, session);
	OK(spool_parts_each(parts, SLICE("m1"), add_record, &text, &err));
	text_is(&text, "p2={\"b\":1};");
	OK(spool_parts_each(parts, SLICE("m2"), add_record, &text, &err));
	text_is(&text, "p3={\"c\":1};");
	OK(spool_parts_each(parts, SLICE("m1"), add_record, &text, &err));
	text_is(&text, "p1={\"a\":1};p2={\"b\":1};");
	spool_parts_close(parts);
	OK(spool_commit(f->spool, &err));
	counters_are(f->spool, "dropped", "dropped/corrupt=1;");
	buf_done(&text.buf);
}

/* ---- which keys are known ---- */

#define NUMBERS 400
#define KINDS 3
#define KEYS (2 * KINDS * NUMBERS)

/* Of a source, with a word for its kind and a number; those of a session are every fourth. */
static enum spool_appended append_key(struct spool *spool, unsigned k)
{
	static const char *const words[KINDS] = { "msg", "prt", "ses" };
	static const struct slice sources[2] = { { "claude", 6 }, { "opencode", 8 } };
	char key[16], session[8];
	struct clean_record_view view = { .kind = RECORD_MESSAGE, .level = RECORD_FINAL, .source = sources[k % 2], .body = SLICE("{}") };
	struct clean_record *record;
	enum spool_appended how = SPOOL_UNCHANGED;
	struct err err = { 0 };

	snprintf(key, sizeof key, "%s%04u", words[k / 2 % KINDS], k / 2 / KINDS);
	snprintf(session, sizeof session, "s%u", k / 2 / KINDS % 4);
	view.key = slice_of(key);
	view.session = slice_of(session);
	record = clean_record_new(&view);
	OK(spool_append(spool, record, &how, &err));
	clean_record_free(record);
	return how;
}

static void purge_one(struct spool *spool, bool known[KEYS])
{
	char session[8];
	unsigned n = below(4);
	struct spool_purge purge = { .session = { session, 2 } };
	struct spool_purged purged;
	struct err err = { 0 };

	snprintf(session, sizeof session, "s%u", n);
	OK(spool_purge(spool, &purge, &purged, &err));
	for (unsigned k = 0; k < KEYS; k++)
		known[k] = known[k] && k / 2 / KINDS % 4 != n;
}

/* Numbers grow, stay, go back a little, or are any; a transaction may be taken back. */
static void run_transaction(struct spool *spool, bool known[KEYS], unsigned *at)
{
	bool before[KEYS];
	struct err err = { 0 };

	memcpy(before, known, sizeof before);
	OK(spool_begin(spool, &err));
	for (unsigned steps = 1 + below(150); steps > 0; steps--) {
		unsigned number = below(12) == 0 ? below(NUMBERS) : below(4) == 0 ? *at - below(*at < 20 ? *at + 1 : 20) : (*at += below(3)) % NUMBERS;
		unsigned k = (number * KINDS + below(KINDS)) * 2 + below(2);

		*at %= NUMBERS;
		assert_int_equal(append_key(spool, k), known[k] ? SPOOL_UNCHANGED : SPOOL_STORED);
		known[k] = true;
	}
	if (below(8) != 0) {
		OK(spool_commit(spool, &err));
		return;
	}
	spool_rollback(spool);
	memcpy(known, before, sizeof before);
}

static void a_key_is_known_from_its_first_record_on(void **state)
{
	struct fixture *f = *state;
	bool known[KEYS] = { false };
	unsigned at = 0;
	struct err err = { 0 };

	seed = 8;
	for (unsigned i = 0; i < 150; i++) {
		run_transaction(f->spool, known, &at);
		if (below(5) == 0)
			purge_one(f->spool, known);
	}
	OK(spool_check(f->spool, &err));
}

/* What a transaction took away is back after it was taken back. */
static void a_key_that_is_back_is_known(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct text text = { 0 };

	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "", "a", "", "{}", RECORD_FINAL, 0, 1 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "", "m", "", "{}", RECORD_FINAL, 0, 1 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "", "z", "", "{}", RECORD_FINAL, 0, 1 });
	damage(f, "UPDATE record SET body='{\"a\":9}' WHERE seq=2");
	OK(spool_begin(f->spool, &err));
	OK(spool_each_record(f->spool, SLICE_NONE, add_record, &text, &err));
	text_is(&text, "a={};z={};");
	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "", "c", "", "{}", RECORD_FINAL, 0, 1 });
	spool_rollback(f->spool);
	assert_int_equal(append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "", "m", "", "{}", RECORD_FINAL, 0, 1 }), SPOOL_UNCHANGED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(together_is_as_one_by_one), T(the_earlier_revision_is_shown), T(a_damaged_revision_is_moved_away),
		T(a_damaged_part_is_moved_away_while_parts_are_read), T(large_ones_are_stored),
		T(a_key_is_known_from_its_first_record_on), T(a_key_that_is_back_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
