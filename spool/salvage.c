/*
 * A new spool out of a damaged one: every row that can still be read is copied by its number; where a page is
 * broken the next readable number is sought. Derived tables are made anew.
 */
#include "spool_internal.h"
#include "base/clock.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MISSES_A_STEP 256  /* after so many unreadable numbers the stride doubles */
#define BLIND_NUMBERS 1000000 /* how far is sought when the last number cannot be read */

static const struct salvage {
	const char *table, *key, *columns, *read, *last, *older;
	int count;
} tables[] = {
#define X(table, key, columns, count, older) { table, key, columns, SALVAGE_READ(table, key, columns), SALVAGE_LAST(table, key), older, count },
	SPOOL_SALVAGE(X)
#undef X
};

/* Want of memory says nothing about the file: what cannot be read then is not lost, the salvage is done another time. */
static bool no_memory(int sqlite_code)
{
	return (sqlite_code & 0xff) == SQLITE_NOMEM || sqlite_code == SQLITE_IOERR_NOMEM;
}

static int last_number(struct spool *to, sqlite3 *from, const struct salvage *table, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(from, table->last, -1, &stmt, NULL);

	*ret = BLIND_NUMBERS;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return no_memory(rc) ? sql_fail(to, rc, err) : 0;
}

static int copy_row(struct spool *to, sqlite3_stmt *read, sqlite3_stmt *write, int columns, struct err *err)
{
	int rc = SQLITE_OK;

	for (int i = 0; rc == SQLITE_OK && i < columns; i++)
		rc = sqlite3_bind_value(write, i + 1, sqlite3_column_value(read, i));
	if (rc == SQLITE_OK)
		rc = sqlite3_step(write);
	sqlite3_reset(write);
	sqlite3_clear_bindings(write);
	return rc == SQLITE_DONE ? 0 : sql_fail(to, rc, err);
}

/* Copies from number *at on until a page cannot be read; *at is then the number to be tried. True at the end. */
static bool copy_run(struct spool *to, sqlite3_stmt *read, sqlite3_stmt *write, int columns, int64_t *at, int *ret_code, struct err *err)
{
	int rc;

	sqlite3_reset(read);
	sqlite3_bind_int64(read, 1, *at);
	while ((rc = sqlite3_step(read)) == SQLITE_ROW) {
		*at = sqlite3_column_int64(read, 0) + 1;
		*ret_code = copy_row(to, read, write, columns, err);
		if (*ret_code != 0)
			return true;
	}
	if (no_memory(rc))
		*ret_code = sql_fail(to, rc, err);
	return rc == SQLITE_DONE || no_memory(rc);
}

static int copy_all(struct spool *to, sqlite3 *from, const struct salvage *table, sqlite3_stmt *read, sqlite3_stmt *write, struct err *err)
{
	int64_t last, at = INT64_MIN, stride = 1;
	int rc = last_number(to, from, table, &last, err);

	for (int misses = 0; rc == 0 && at <= last; misses++) {
		int64_t before = at;
		if (copy_run(to, read, write, table->count, &at, &rc, err))
			break;
		if (at == before) {
			stride = misses > 0 && misses % MISSES_A_STEP == 0 ? stride * 2 : stride;
			at = at == INT64_MIN ? 1 : at + stride;
		} else {
			misses = 0;
			stride = 1;
		}
	}
	return rc;
}

static int copy_table(struct spool *to, sqlite3 *from, const struct salvage *table, struct err *err)
{
	sqlite3_stmt *read = NULL, *write = NULL;
	char text[1024], parameters[128] = "";
	size_t n = 0;
	int rc = 0;

	for (int i = 2; i <= table->count; i++)
		n += (size_t)snprintf(parameters + n, sizeof parameters - n, ", ?%d", i);
	snprintf(text, sizeof text, SALVAGE_WRITE, table->table, table->key, table->columns, parameters);
	if (sqlite3_prepare_v2(to->db, text, -1, &write, NULL) != SQLITE_OK) {
		rc = sql_fail(to, sqlite3_errcode(to->db), err);
	} else {
		int code = sqlite3_prepare_v2(from, table->read, -1, &read, NULL);
		if (code != SQLITE_OK && table->older && !no_memory(code))
			code = sqlite3_prepare_v2(from, table->older, -1, &read, NULL);
		/* A table of which not even the definition can be read has no rows to copy. */
		if (code == SQLITE_OK)
			rc = copy_all(to, from, table, read, write, err);
		else if (no_memory(code))
			rc = sql_fail(to, code, err);
	}
	sqlite3_finalize(read);
	sqlite3_finalize(write);
	return rc;
}

static int see_record(void *context, const struct clean_record_view *view, struct err *err)
{
	(void)context, (void)view, (void)err;
	return 0;
}

/* Session by session: to put all keys of the file in order would take memory. */
static int make_heads(struct spool *to, struct err *err)
{
	struct buf session;
	int rc = 0;

	buf_init(&session, 0);
	for (;;) {
		struct query query;

		rc = query_open(&query, to, SQL_SESSION_AFTER, err, "s", buf_view(&session));
		if (rc == 0)
			rc = query_next(&query, err);
		buf_clear(&session);
		if (rc == 1)
			buf_slice(&session, query_slice(&query, 0));
		query_close(&query);
		if (rc != 1 || session.len == 0)
			break;
		rc = sql_run(to, SQL_HEADS_MAKE_OF, err, "s", buf_view(&session));
		if (rc != 0)
			break;
	}
	buf_done(&session);
	return rc > 0 ? 0 : rc;
}

/* An observation of which only one half could be read: what waits is made anew; of the rest it is known how far they were. */
static int match_bodies(struct spool *to, struct err *err)
{
	int rc = sql_run(to, SQL_BODIES_DROP_LOST, err, "");

	if (rc == 0)
		rc = sql_run(to, SQL_OBSERVATIONS_DROP_BARE, err, "");
	return rc != 0 ? rc : sql_run(to, SQL_OBSERVATIONS_REMAKE_BARE, err, "");
}

/* Each row that is on its way stands in a send, whatever could be read of them: the shipper will ask about it. */
static int match_sends(struct spool *to, struct err *err)
{
	int rc = sql_run(to, SQL_SEND_ROWS_DROP_LOST, err, "");

	if (rc == 0)
		rc = sql_run(to, SQL_SEND_PUT, err, "i", clock_wall_ms());
	return rc != 0 ? rc : sql_run(to, SQL_SEND_ROWS_ADOPT, err, "i", (int64_t)sqlite3_last_insert_rowid(to->db));
}

static int copy_tables(struct spool *to, sqlite3 *damaged, const char *aside, struct err *err)
{
	int rc = sql_run(to, SQL_ROWS_DROP, err, ""); /* they stand where others are to stand */

	for (size_t i = 0; rc == 0 && damaged && i < sizeof tables / sizeof tables[0]; i++)
		rc = copy_table(to, damaged, &tables[i], err);
	if (rc == 0)
		rc = match_bodies(to, err);
	if (rc == 0)
		rc = match_sends(to, err);
	if (rc == 0)
		rc = make_heads(to, err);
	if (rc == 0)
		rc = sql_run(to, SQL_SESSIONS_MAKE, err, "i", clock_wall_ms());
	if (rc == 0)
		rc = spool_each_record(to, SLICE_NONE, see_record, NULL, err); /* moves away what its hash does not fit */
	if (rc == 0)
		rc = rows_count_again(to, err);
	if (rc == 0)
		rc = spool_meta_set(to, "set_aside", slice_of(aside), err);
	return rc != 0 ? rc : spool_count(to, "spool", "set_aside", 1, err);
}

/* All of it must be in the file itself before that is renamed: the log stays behind. */
static int empty_log(struct spool *to, struct err *err)
{
	int rc = sqlite3_wal_checkpoint_v2(to->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sql_fail(to, rc, err);
}

int salvage_into(sqlite3 *damaged, const char *path, const char *aside, struct err *err)
{
	struct spool to = { .lock_fd = -1, .path = xstrdup(path), .keep_tick = INT64_MAX };
	bool own;
	int rc = open_writer(&to, path, err);

	buf_init(&to.scratch, 0);
	if (damaged)
		sqlite3_exec(damaged, "PRAGMA cell_size_check=OFF", NULL, NULL, NULL);
	if (rc == 0 && aside)
		rc = spool_enter(&to, &own, err);
	if (rc == 0 && aside) {
		rc = copy_tables(&to, damaged, aside, err);
		rc = spool_leave(&to, own, rc, err);
	}
	if (rc == 0)
		rc = empty_log(&to, err);
	sql_finalize(&to);
	sqlite3_close(to.db);
	late_done(&to);
	buf_done(&to.scratch);
	put_set_done(&to.put);
	if (rc != 0)
		(void)unlink(path);
	free(to.path);
	return rc;
}
