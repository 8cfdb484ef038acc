/* Small transactions: durable in the intake before they stand in the file, and after a kill the same as those that stood there. */
#include "spool_fixture.h"
#include "spool_internal.h"
#include "base/file.h"

#define ROUNDS 24
#define STEPS 60
#define RING 128

static uint64_t seed;

static unsigned below(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % limit;
}

static void file_of(const char *dir, const char *suffix, char out[160])
{
	snprintf(out, 160, "%s/spool.db%s", dir, suffix);
}

static bool is_there(const struct fixture *f, const char *suffix)
{
	char path[160];

	file_of(f->dir, suffix, path);
	return access(path, F_OK) == 0;
}

/* What a process finds when the one before it was killed now. */
static void copy_to(const struct fixture *from, struct fixture *to)
{
	static const char *const suffixes[] = { "", "-wal", "-intake", "-intake-wal" };
	char path[160];
	struct err err = { 0 };

	spool_close(to->spool);
	to->spool = NULL;
	remove_files(to->dir);
	OK(file_private_dir(to->dir, &err));
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		struct buf content = { 0 };
		file_of(from->dir, suffixes[i], path);
		if (access(path, F_OK) != 0)
			continue;
		OK(file_read_all(path, SIZE_MAX / 4, &content, &err));
		file_of(to->dir, suffixes[i], path);
		OK(file_replace(path, buf_view(&content), 0600, &err));
		buf_done(&content);
	}
}

static char *all_of(struct spool *spool)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	OK(spool_fold(spool, &err));
	read_rows(spool->db, "SELECT seq, source, session, message, key, kind, level, ord, link, time, cut, hash, hex(fp), body FROM record ORDER BY seq", &out);
	read_rows(spool->db, "SELECT source, key, seq, session, message, kind, level, ord, hex(fp), link, time FROM head ORDER BY source, key", &out);
	read_rows(spool->db, "SELECT source, id, dirty<>0, open FROM session ORDER BY source, id", &out);
	read_rows(spool->db, "SELECT hash FROM counted ORDER BY hash", &out);
	read_rows(spool->db, "SELECT source, name, value FROM cursor ORDER BY source, name", &out);
	read_rows(spool->db, "SELECT name, label, value FROM counter ORDER BY name, label", &out);
	read_rows(spool->db, "SELECT count(*) FROM dead", &out);
	OK(spool_check(spool, &err));
	return buf_take(&out, NULL);
}

static void same(struct spool *a, struct spool *b)
{
	char *of_a = all_of(a), *of_b = all_of(b);

	assert_string_equal(of_a, of_b);
	free(of_a);
	free(of_b);
}

static void begin_small(struct spool *spool)
{
	struct err err = { 0 };

	spool->intake.used = true;
	OK(spool_begin_small(spool, &err));
}

static void commit(struct spool *spool)
{
	struct err err = { 0 };

	OK(spool_commit(spool, &err));
}

/* A small transaction with one record. */
static void append_small(struct spool *spool, const char *key, const char *body)
{
	begin_small(spool);
	append(spool, (struct entry){ .kind = RECORD_PART, .session = "s1", .message = "m1", .key = key, .link = "", .body = body });
	commit(spool);
}

static void remember(struct spool *spool, unsigned what)
{
	char text[16];
	struct err err = { 0 };

	snprintf(text, sizeof text, "%u", what);
	OK(spool_count(spool, "things", text, 1 + (int64_t)below(5), &err));
	OK(spool_counted_set(spool, SLICE("opencode"), slice_of(text), &err));
	OK(spool_cursor_set(spool, SLICE("opencode"), slice_of(text), below(4) ? slice_of(text) : SLICE(""), &err));
}

/* The same in both: the seed is set back. */
static void work(struct spool *spool, uint64_t with)
{
	seed = with;
	for (unsigned n = 1 + below(4); n > 0; n--) {
		char session[8], key[8], link[8], body[32];
		struct entry e = { .kind = RECORD_PART, .message = "m", .level = (enum record_level)(1 + below(3)), .order = below(6), .time_ms = below(1000) };

		snprintf(session, sizeof session, "s%u", below(3));
		snprintf(key, sizeof key, "k%u", below(12));
		snprintf(link, sizeof link, "%s", below(6) ? "" : "s2");
		snprintf(body, sizeof body, "{\"a\":%u}", below(5));
		e.session = session, e.key = key, e.link = link, e.body = body;
		if (below(9) == 0) {
			e.kind = RECORD_SESSION;
			e.key = session;
		}
		append(spool, e);
	}
	if (below(2))
		remember(spool, below(6));
}

static void rolled_back(struct spool *spool)
{
	begin_small(spool);
	append(spool, (struct entry){ .kind = RECORD_PART, .session = "s9", .message = "m", .key = "none", .link = "", .body = "{}" });
	remember(spool, 77);
	spool_rollback(spool);
}

/* What is derived, what purges, what reads: in between, in both. */
static void other_work(struct spool *spool, uint64_t with)
{
	struct spool_purge purge = { .session = SLICE("s1") };
	struct spool_purged purged;
	struct err err = { 0 };

	seed = with;
	switch (below(5)) {
	case 0:
		OK(spool_begin_derived(spool, &err));
		OK(spool_mark_clean(spool, SLICE("opencode"), SLICE("s0"), &err));
		OK(spool_commit(spool, &err));
		break;
	case 1:
		OK(spool_purge(spool, &purge, &purged, &err));
		break;
	case 2:
		OK(spool_meta_set(spool, "a", SLICE("b"), &err));
		break;
	case 3:
		OK(spool_cleanup(spool, 1000, &err));
		break;
	case 4:
		OK(spool_sync(spool, &err));
		break;
	}
}

static void small_and_large_come_to_the_same(void **state)
{
	struct fixture *f = *state;
	void *other = NULL, *copied = NULL;
	struct fixture *plain, *copy;
	struct err err = { 0 };

	assert_int_equal(setup(&other), 0);
	assert_int_equal(setup(&copied), 0);
	plain = other, copy = copied;
	for (uint64_t i = 0; i < ROUNDS * STEPS; i++) {
		uint64_t with = i * 7919 + 1;
		unsigned what;

		begin_small(f->spool);
		work(f->spool, with);
		commit(f->spool);
		OK(spool_begin(plain->spool, &err));
		work(plain->spool, with);
		commit(plain->spool);
		what = below(40);
		if (what < 2)
			rolled_back(f->spool);
		if (what == 2)
			OK(spool_fold(f->spool, &err));
		if (what < 4) {
			other_work(f->spool, with);
			other_work(plain->spool, with);
		}
		if (i % STEPS == STEPS - 1) {
			copy_to(f, copy);
			reopen(copy);
			same(copy->spool, plain->spool);
			if (i / STEPS % 4 == 1)
				same(f->spool, plain->spool);
			if (i / STEPS % 4 == 3)
				reopen(f);
		}
	}
	reopen(f);
	assert_false(is_there(f, "-intake"));
	same(f->spool, plain->spool);
	teardown(&other);
	teardown(&copied);
}

static unsigned seen_by_reader(const struct fixture *f)
{
	struct spool *reader;
	struct err err = { 0 };
	unsigned count;

	OK(spool_open_reader(f->dir, &reader, &err));
	count = count_records(reader, SLICE_NONE);
	spool_close(reader);
	return count;
}

static void readers_see_it_when_it_is_folded(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	assert_true(spool_is_folded(f->spool));
	append_small(f->spool, "a", "{}");
	append_small(f->spool, "b", "{}");
	assert_false(spool_is_folded(f->spool));
	assert_int_equal(figures(f->spool).records, 2);
	assert_int_equal(seen_by_reader(f), 0);
	OK(spool_fold(f->spool, &err));
	assert_true(spool_is_folded(f->spool));
	assert_int_equal(seen_by_reader(f), 2);
}

static void what_is_not_small_is_in_the_file_at_once(void **state)
{
	struct fixture *f = *state;
	char *body = xmalloc(40001);
	struct err err = { 0 };

	begin_small(f->spool);
	append(f->spool, (struct entry){ .kind = RECORD_PART, .session = "s1", .message = "m1", .key = "a", .link = "" });
	OK(spool_meta_set(f->spool, "x", SLICE("y"), &err));
	commit(f->spool);
	assert_true(spool_is_folded(f->spool));
	assert_int_equal(seen_by_reader(f), 1);
	memset(body, ' ', 40000);
	memcpy(body, "{}", 2);
	body[40000] = '\0';
	append_small(f->spool, "b", body);
	assert_true(spool_is_folded(f->spool));
	assert_int_equal(seen_by_reader(f), 2);
	free(body);
	assert_false(is_there(f, "-intake"));
}

/* A cursor that is durable must not be ahead of records that are not. */
static void what_is_late_is_durable_before_what_follows(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	OK(spool_begin_late(f->spool, &err));
	append(f->spool, (struct entry){ .kind = RECORD_PART, .session = "s1", .message = "m1", .key = "a", .link = "" });
	commit(f->spool);
	append_small(f->spool, "b", "{}");
	assert_true(spool_is_folded(f->spool));
	assert_false(is_there(f, "-intake"));
	append_small(f->spool, "c", "{}");
	assert_false(spool_is_folded(f->spool));
	OK(spool_begin_derived(f->spool, &err));
	OK(spool_mark_clean(f->spool, SLICE("opencode"), SLICE("s1"), &err));
	commit(f->spool);
	append_small(f->spool, "d", "{}");
	assert_false(spool_is_folded(f->spool));
	OK(spool_begin_late(f->spool, &err));
	append(f->spool, (struct entry){ .kind = RECORD_PART, .session = "s1", .message = "m1", .key = "e", .link = "" });
	commit(f->spool);
	OK(spool_sync(f->spool, &err));
	append_small(f->spool, "f", "{}");
	assert_false(spool_is_folded(f->spool));
}

static void a_rollback_takes_back_one(void **state)
{
	struct fixture *f = *state;
	struct text text = { 0 };
	struct err err = { 0 };

	append_small(f->spool, "a", "{\"a\":1}");
	rolled_back(f->spool);
	assert_int_equal(seen_by_reader(f), 1); /* what was before it was done again, in the file */
	append_small(f->spool, "b", "{\"b\":1}");
	OK(spool_each_record(f->spool, SLICE_NONE, add_record, &text, &err));
	text_is(&text, "a={\"a\":1};b={\"b\":1};");
	counters_are(f->spool, "things", "");
}

/* Rows are written over: never one that the file has not seen for good. */
static void more_than_the_ring_holds(void **state)
{
	struct fixture *f = *state;
	void *copied = NULL;
	struct fixture *copy;
	char key[16];

	assert_int_equal(setup(&copied), 0);
	copy = copied;
	for (unsigned i = 0; i < 3 * RING + 5; i++) {
		snprintf(key, sizeof key, "k%u", i);
		append_small(f->spool, key, "{}");
		if (i % 37 == 0 || (i + 1) % RING < 3) {
			copy_to(f, copy);
			reopen(copy);
			assert_int_equal(figures(copy->spool).records, i + 1);
		}
	}
	teardown(&copied);
}

static void a_purge_leaves_no_intake(void **state)
{
	struct fixture *f = *state;
	struct spool_purge purge = { .all = true };
	struct spool_purged purged;
	struct err err = { 0 };

	append_small(f->spool, "a", "{}");
	assert_true(is_there(f, "-intake"));
	OK(spool_purge(f->spool, &purge, &purged, &err));
	assert_int_equal(purged.records, 1);
	assert_false(is_there(f, "-intake"));
	assert_false(is_there(f, "-intake-wal"));
	append_small(f->spool, "b", "{}");
	assert_int_equal(figures(f->spool).records, 1);
}

static void try_notes(struct spool *spool, struct slice notes, unsigned *ret_refused)
{
	struct err err = { 0 };

	if (!note_are_whole(notes)) {
		++*ret_refused;
		return;
	}
	OK(spool_begin(spool, &err));
	OK(note_apply(spool, notes, &err));
	spool_rollback(spool);
}

static void notes_that_are_cut_or_changed_are_refused_or_done(void **state)
{
	struct fixture *f = *state;
	unsigned refused = 0;
	char *notes;
	size_t len;
	struct err err = { 0 };

	begin_small(f->spool);
	append(f->spool, (struct entry){ .kind = RECORD_PART, .session = "s1", .message = "m1", .key = "a", .link = "" });
	OK(spool_count(f->spool, "things", "1", 1, &err));
	OK(spool_counted_set(f->spool, SLICE("opencode"), SLICE("a"), &err));
	OK(spool_cursor_set(f->spool, SLICE("opencode"), SLICE("a"), SLICE("b"), &err));
	len = f->spool->intake.notes.len;
	notes = xmalloc(len); /* just so large: what is read behind it is seen by the sanitizer */
	memcpy(notes, f->spool->intake.notes.data, len);
	commit(f->spool);
	try_notes(f->spool, (struct slice){ notes, len }, &refused);
	assert_int_equal(refused, 0);
	for (size_t n = 1; n < len; n++) {
		char *some = xmalloc(n);
		memcpy(some, notes, n);
		try_notes(f->spool, (struct slice){ some, n }, &refused);
		free(some);
	}
	assert_int_equal(refused, len - 4); /* at the end of each note a cut is not to be seen */
	for (size_t i = 0; i < len; i++) {
		char was = notes[i];
		notes[i] = (char)(was ^ (1 << i % 8));
		try_notes(f->spool, (struct slice){ notes, len }, &refused);
		notes[i] = was;
	}
	free(notes);
}

static void change_intake(const struct fixture *f, const char *sql)
{
	char path[160];
	sqlite3 *db = NULL;

	file_of(f->dir, "-intake", path);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void three_small(struct fixture *f, struct fixture *copy)
{
	append_small(f->spool, "a", "{}");
	append_small(f->spool, "b", "{}");
	append_small(f->spool, "c", "{}");
	copy_to(f, copy);
}

static void a_damaged_row_is_said_and_the_others_are_in(void **state)
{
	struct fixture *f = *state;
	void *copied = NULL;
	struct fixture *copy;

	assert_int_equal(setup(&copied), 0);
	copy = copied;
	three_small(f, copy);
	change_intake(copy, "UPDATE noted SET notes=zeroblob(length(notes)) WHERE number=2");
	reopen(copy);
	assert_int_equal(figures(copy->spool).records, 2);
	assert_int_equal(figures(copy->spool).dead, 1);
	counters_are(copy->spool, "dropped", "dropped/corrupt=1;");
	assert_false(is_there(copy, "-intake"));
	reopen(copy);
	assert_int_equal(figures(copy->spool).dead, 1);
	teardown(&copied);
}

static void a_damaged_intake_is_set_aside(void **state)
{
	struct fixture *f = *state;
	void *copied = NULL;
	struct fixture *copy;
	char path[160];
	struct err err = { 0 };

	assert_int_equal(setup(&copied), 0);
	copy = copied;
	three_small(f, copy);
	file_of(copy->dir, "-intake", path);
	OK(file_replace(path, SLICE("no database, and nothing that could be one: it is too short for that, or it would have a header of its own......"), 0600, &err));
	file_of(copy->dir, "-intake-wal", path);
	OK(file_replace(path, SLICE("neither is this"), 0600, &err));
	reopen(copy);
	assert_int_equal(figures(copy->spool).dead, 1);
	counters_are(copy->spool, "dropped", "dropped/corrupt=1;");
	assert_false(is_there(copy, "-intake"));
	append_small(copy->spool, "d", "{}");
	reopen(copy);
	assert_int_equal(figures(copy->spool).records, 1);
	teardown(&copied);
}

static void an_intake_without_a_spool_is_nobodys(void **state)
{
	struct fixture *f = *state;
	void *copied = NULL;
	struct fixture *copy;
	char path[160];

	assert_int_equal(setup(&copied), 0);
	copy = copied;
	three_small(f, copy);
	file_of(copy->dir, "", path);
	assert_int_equal(unlink(path), 0);
	reopen(copy);
	assert_int_equal(figures(copy->spool).records, 0);
	assert_false(is_there(copy, "-intake"));
	teardown(&copied);
}

static void an_intake_that_is_a_link_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[160];
	struct spool *spool = NULL;
	struct err err = { 0 };

	spool_close(f->spool);
	f->spool = NULL;
	file_of(f->dir, "-intake", path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(spool_open(&f->options, &spool, &err), LF_EPERM);
	assert_non_null(strstr(err.text, "spool.db-intake"));
	assert_int_equal(unlink(path), 0);
	reopen(f);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(small_and_large_come_to_the_same), T(readers_see_it_when_it_is_folded), T(what_is_not_small_is_in_the_file_at_once), T(what_is_late_is_durable_before_what_follows), T(a_rollback_takes_back_one),
		T(more_than_the_ring_holds), T(a_purge_leaves_no_intake), T(notes_that_are_cut_or_changed_are_refused_or_done), T(a_damaged_row_is_said_and_the_others_are_in),
		T(a_damaged_intake_is_set_aside), T(an_intake_without_a_spool_is_nobodys), T(an_intake_that_is_a_link_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
