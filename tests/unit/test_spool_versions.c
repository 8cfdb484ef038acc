/* Files of older versions: read as they are, migrated with all they hold, salvaged when they are damaged. */
#include "spool_fixture.h"
#include "spool_internal.h"
#include <fcntl.h>

static void run(sqlite3 *db, const char *sql)
{
	char *words = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
		fail_msg("%s: %s", words, sql);
}

static void path_of(const struct fixture *f, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", f->dir, name);
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

/* What an older version has of what this one wrote. */
static void copy_into(sqlite3 *db, int version)
{
	run(db, "INSERT INTO meta SELECT * FROM now.meta; INSERT INTO record SELECT * FROM now.record; INSERT INTO head SELECT * FROM now.head;"
	        "INSERT INTO session SELECT * FROM now.session; INSERT INTO cursor SELECT * FROM now.cursor; INSERT INTO send SELECT * FROM now.send;"
	        "INSERT INTO observation SELECT o.*, b.body FROM now.observation o JOIN now.observation_body b ON b.id=o.id;"
	        "INSERT INTO send_row SELECT NULL, send, observation, span_id, trace_id, hash FROM now.send_row;"
	        "INSERT INTO ledger SELECT id, span_id, trace_id, time, hash FROM now.ledger;"
	        "INSERT INTO dead(id, time, reason, detail, session, span_id, body) SELECT id, time, reason, detail, session, span_id, body FROM now.dead");
	run(db, version >= 4 ? "DELETE FROM counter; INSERT INTO counter SELECT * FROM now.counter" : "INSERT INTO counter SELECT * FROM now.counter WHERE name<>'rows'");
	if (version >= 2)
		run(db, "INSERT INTO counted SELECT id, hash FROM now.counted");
	if (version >= 3)
		run(db, "INSERT INTO outgo SELECT * FROM now.outgo");
	run(db, "DELETE FROM sqlite_sequence; INSERT INTO sqlite_sequence SELECT * FROM now.sqlite_sequence WHERE name IN (SELECT name FROM sqlite_schema)");
}

/* Closes the spool and makes its file one of an older version. */
static void make_older(struct fixture *f, int version)
{
	static const char *const steps[] = SPOOL_SCHEMA_STEPS;
	char now[256], older[256], text[400];
	sqlite3 *db = NULL;

	spool_close(f->spool);
	f->spool = NULL;
	path_of(f, "spool.db", now);
	path_of(f, "older", older);
	assert_int_equal(sqlite3_open(older, &db), SQLITE_OK);
	run(db, SPOOL_PRAGMA_WRITER);
	for (int i = 0; i < version; i++)
		run(db, steps[i]);
	snprintf(text, sizeof text, "ATTACH '%s' AS now", now);
	run(db, text);
	copy_into(db, version);
	run(db, "DETACH now");
	snprintf(text, sizeof text, SPOOL_SET_VERSION, SPOOL_APPLICATION_ID, version);
	run(db, text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(rename(older, now), 0);
}

/* One of each state, two that are known to the ledger only, and one that was the last and is gone: its number is given. */
static int64_t fill(struct fixture *f)
{
	struct spool_observation rows[] = {
		observation(1, "s", 10, "delivered"), observation(2, "s", 20, "dead"), observation(3, "s", 30, "flies"), observation(4, "s", 40, "waits"),
	};
	struct spool_observation gone[] = { observation(5, "t", 50, "gone"), observation(8, "t", 51, "too") };
	struct spool_observation last = observation(6, "u", 60, "last");
	struct err err = { 0 };
	struct rows sent;
	bool known;

	f->options.sinks = SPOOL_SINK_BIT(SINK_LANGFUSE);
	append(f->spool, (struct entry){ RECORD_SESSION, "s", "", "s", "", "{\"title\":\"x\"}", 0, 0, 1 });
	put(f->spool, "t", gone, 2);
	settle_all(f->spool, send_pending(f->spool, false, &sent), &sent, SETTLE_DELIVERED, NULL);
	OK(spool_forget_derived(f->spool, &err));
	put(f->spool, "s", rows, 1);
	settle_all(f->spool, send_pending(f->spool, false, &sent), &sent, SETTLE_DELIVERED, NULL);
	put(f->spool, "s", rows, 2);
	settle_all(f->spool, send_pending(f->spool, false, &sent), &sent, SETTLE_DEAD, "rejected: no");
	put(f->spool, "s", rows, 3);
	(void)send_pending(f->spool, false, &sent);
	put(f->spool, "s", rows, 4);
	put(f->spool, "u", &last, 1);
	put(f->spool, "u", NULL, 0);
	OK(spool_counted_set(f->spool, SLICE("opencode"), SLICE("msg_0195f3ab"), &err));
	OK(spool_counted_get(f->spool, SLICE("opencode"), SLICE("msg_0195f3ab"), &known, &err));
	assert_true(known);
	return number(f->spool->db, "SELECT seq FROM sqlite_sequence WHERE name='observation'");
}

static void what_is_known_is_known(struct fixture *f, int version)
{
	struct spool_observation all[] = {
		observation(1, "s", 10, "delivered"), observation(2, "s", 20, "dead"), observation(3, "s", 30, "flies"), observation(4, "s", 40, "waits"),
	};
	struct spool_observation gone[] = { observation(5, "t", 50, "gone"), observation(8, "t", 51, "too") };
	struct err err = { 0 };
	struct rows rows = { .count = 0 };
	bool known;

	observations_are(f->spool, "delivered:D;dead:X;flies:?;waits:P;");
	put(f->spool, "s", all, 4);
	put(f->spool, "t", gone, 2);
	observations_are(f->spool, "delivered:D;dead:X;flies:?;waits:P;gone:D;too:D;");
	OK(spool_each_pending(f->spool, 64, SIZE_MAX, true, add_row, &rows, &err));
	assert_int_equal(rows.count, 1);
	OK(spool_counted_get(f->spool, SLICE("opencode"), SLICE("msg_0195f3ab"), &known, &err));
	assert_int_equal(known, version >= 2);
	OK(spool_check(f->spool, &err));
}

static int see_send(void *context, const struct spool_send *send, struct err *err)
{
	(void)err;
	*(unsigned *)context += send->count;
	return 0;
}

static void send_changed(struct fixture *f, const struct spool_observation *rows, bool at_once)
{
	struct err err = { 0 };
	struct rows sent;
	int64_t id;

	put(f->spool, "t", rows, 2);
	id = send_pending(f->spool, true, &sent);
	if (at_once)
		OK(spool_send_arrived(f->spool, id, &err));
	settle_all(f->spool, id, &(struct rows){ .count = 0 }, SETTLE_DELIVERED, NULL);
	if (!at_once)
		settle_all(f->spool, id, &sent, SETTLE_DELIVERED, NULL);
}

/* What was in flight is asked for; what was delivered before and is delivered again is not there twice. */
static void it_goes_on(struct fixture *f)
{
	struct spool_observation t[] = { observation(5, "t", 50, "gone2"), observation(8, "t", 51, "too") };
	struct err err = { 0 };
	unsigned count = 0;

	OK(spool_each_send(f->spool, see_send, &count, &err));
	assert_int_equal(count, 1);
	assert_int_equal(figures(f->spool).delivered, 3);
	send_changed(f, t, false);
	assert_int_equal(figures(f->spool).delivered, 4); /* what waited, and not the changed one */
	t[1].body = SLICE("too2");
	send_changed(f, t, true);
	assert_int_equal(figures(f->spool).delivered, 4);
	OK(spool_check(f->spool, &err));
}

static void each_version_is_read_and_migrated(void **state)
{
	struct fixture *f = *state;

	for (int version = 1; version < SPOOL_SCHEMA_VERSION; version++) {
		struct spool *reader = NULL;
		struct err err = { 0 };
		int64_t last;

		remove_files(f->dir);
		reopen(f);
		last = fill(f);
		make_older(f, version);
		OK(spool_open_reader(f->dir, &reader, &err));
		assert_int_equal(figures(reader).records, 1);
		assert_int_equal(figures(reader).pending, 1);
		assert_int_equal(figures(reader).in_flight, 1);
		observations_are(reader, "delivered:D;dead:X;flies:F;waits:P;");
		spool_close(reader);
		reopen(f);
		what_is_known_is_known(f, version);
		assert_true(number(f->spool->db, "SELECT min(id) FROM observation WHERE session='t'") > last); /* no number twice */
		it_goes_on(f);
		assert_int_equal(number(f->spool->db, "SELECT count(*) FROM ledger WHERE place=0"), 0);
		spool_close(f->spool);
		f->spool = NULL;
	}
	reopen(f);
}

/* Closes the spool and overwrites the first page of a table. */
static void damage(struct fixture *f, const char *table)
{
	char path[256], sql[128], junk[SPOOL_PAGE_BYTES];
	sqlite3 *db = NULL;
	int64_t page;
	int fd;

	spool_close(f->spool);
	f->spool = NULL;
	path_of(f, "spool.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name='%s'", table);
	page = number(db, sql);
	sqlite3_close(db);
	memset(junk, 0xa5, sizeof junk);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, junk, sizeof junk, (off_t)(page - 1) * SPOOL_PAGE_BYTES), sizeof junk);
	close(fd);
	reopen(f);
}

/* The schema's page is whole, the first page of the log is not. */
static void a_damaged_older_file_is_salvaged(void **state)
{
	struct fixture *f = *state;

	for (int version = 1; version < SPOOL_SCHEMA_VERSION; version++) {
		remove_files(f->dir);
		reopen(f);
		fill(f);
		make_older(f, version);
		damage(f, "record");
		counters_are(f->spool, "spool", "spool/set_aside=1;");
		assert_int_equal(figures(f->spool).records, 0);
		what_is_known_is_known(f, version);
		it_goes_on(f);
		spool_close(f->spool);
		f->spool = NULL;
	}
	reopen(f);
}

/* Which send it was of is lost, not that it is on its way. */
static void what_is_on_its_way_stands_in_a_send_again(void **state)
{
	static const char *const tables[] = { "send_row", "send" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		struct err err = { 0 };
		unsigned count = 0;

		fill(f);
		damage(f, tables[i]);
		observations_are(f->spool, "delivered:D;dead:X;flies:?;waits:P;");
		assert_int_equal(figures(f->spool).in_doubt, 1);
		OK(spool_each_send(f->spool, see_send, &count, &err));
		assert_int_equal(count, 1);
		spool_close(f->spool);
		f->spool = NULL;
		remove_files(f->dir);
		reopen(f);
	}
}

/* A body that is lost: what waits is made anew, what was sent stays known. */
static void an_observation_without_its_body_is_made_anew(void **state)
{
	struct fixture *f = *state;
	struct spool_observation all[] = {
		observation(1, "s", 10, "delivered"), observation(2, "s", 20, "dead"), observation(3, "s", 30, "flies"), observation(4, "s", 40, "waits"),
	};
	struct err err = { 0 };

	fill(f);
	damage(f, "observation_body");
	assert_int_equal(figures(f->spool).pending, 0);
	dirty_is(f->spool, "s;");
	put(f->spool, "s", all, 4);
	observations_are(f->spool, "delivered:D:1;dead:X;flies:?;waits:P;");
	OK(spool_check(f->spool, &err));
}

static void deleting_a_row_deletes_its_body(void **state)
{
	struct fixture *f = *state;
	struct spool_purge all = { .all = true };
	struct spool_purged purged;
	struct err err = { 0 };

	fill(f);
	assert_int_equal(number(f->spool->db, "SELECT count(*) FROM observation_body"), 4);
	OK(spool_purge(f->spool, &all, &purged, &err));
	assert_int_equal(number(f->spool->db, "SELECT count(*) FROM observation_body"), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_version_is_read_and_migrated), T(a_damaged_older_file_is_salvaged), T(what_is_on_its_way_stands_in_a_send_again), T(an_observation_without_its_body_is_made_anew),
		T(deleting_a_row_deletes_its_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
