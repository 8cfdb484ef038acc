/*
 * The intake: where small transactions are durable before they stand in the file. A commit of the file writes a page of each
 * table and index that it changes; of a single record that is a hundred times its size, and somebody waits. So what such a transaction did is
 * noted (note.c) in one row of a second, small SQLite file, which is synced; the transaction of the file stays open, takes those that
 * follow, and is committed later without a wait. After a power cut the notes that the file has not seen are done again.
 *
 * The rows are a ring: a row is written over when the file is durable up to it.
 */
#include "spool_internal.h"
#include "base/clock.h"
#include "base/mem.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SUFFIX "-intake"
#define ROWS 128 /* of the ring */
#define OLD_MS 60000 /* after so long without a small transaction it need not be at hand */
#define MARK "intake" /* in meta: the last that the file has seen */

static void intake_path(const struct spool *spool, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s" SUFFIX, spool->path);
}

static int sync_names(const struct spool *spool, struct err *err)
{
	char *dir = xstrdup(spool->path);
	int rc;

	*strrchr(dir, '/') = '\0';
	rc = files_sync_dir(dir, err);
	free(dir);
	return rc;
}

static void disconnect(struct intake *intake)
{
	sqlite3_finalize(intake->put);
	/* Its log is not written back: what is left of it is read again, or removed. */
	if (intake->db)
		sqlite3_db_config(intake->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(intake->db);
	intake->put = NULL;
	intake->db = NULL;
}

/* Returns SQLite's code. */
static int connect_file(struct intake *intake, const char *path, int flags)
{
	int rc = sqlite3_open_v2(path, &intake->db, flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(intake->db, 1);
	return rc == SQLITE_OK ? sqlite3_exec(intake->db, INTAKE_PRAGMA, NULL, NULL, NULL) : rc;
}

/* ---- putting ---- */

static int make(struct spool *spool)
{
	struct intake *intake = &spool->intake;
	char path[PATH_MAX];
	struct err ignored;
	int fd, rc;

	intake_remove(spool);
	intake_path(spool, path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600); /* SQLite gives its log the same mode */
	if (fd < 0)
		return SQLITE_CANTOPEN;
	close(fd);
	rc = connect_file(intake, path, SQLITE_OPEN_CREATE);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(intake->db, INTAKE_SCHEMA, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v3(intake->db, INTAKE_PUT, -1, SQLITE_PREPARE_PERSISTENT, &intake->put, NULL);
	if (rc == SQLITE_OK && sync_names(spool, &ignored) != 0)
		rc = SQLITE_IOERR;
	return rc;
}

static int put_row(struct intake *intake)
{
	struct slice notes = buf_view(&intake->notes);
	int rc = sqlite3_bind_int64(intake->put, 1, intake->last % intake->rows);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(intake->put, 2, intake->last);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(intake->put, 3, (int64_t)hash_64(notes.ptr, notes.len));
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob64(intake->put, 4, notes.len > 0 ? notes.ptr : "", notes.len, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(intake->put);
	sqlite3_reset(intake->put);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void intake_begin(struct intake *intake)
{
	buf_clear(&intake->notes);
	intake->noting = true;
}

bool intake_put(struct spool *spool)
{
	struct intake *intake = &spool->intake;
	int rc = SQLITE_OK;

	if (!intake->noting || intake->off || spool->late_unsynced || intake->last + 1 - intake->safe > intake->rows)
		return false;
	intake->last++; /* also when it is not known whether it stands there: the file's commit will cover it */
	if (!intake->db)
		rc = make(spool);
	if (rc == SQLITE_OK)
		rc = put_row(intake);
	intake->off = rc != SQLITE_OK;
	intake->put_mono_ms = clock_mono_ms();
	return rc == SQLITE_OK;
}

int intake_mark(struct spool *spool, struct err *err)
{
	char number[24];

	snprintf(number, sizeof number, "%lld", (long long)spool->intake.last);
	return sql_run(spool, SQL_META_SET, err, "ss", SLICE(MARK), slice_of(number));
}

/* The log first: alone it would be taken for another file's. */
void intake_remove(struct spool *spool)
{
	char path[PATH_MAX];

	spool->intake.left = false;
	intake_path(spool, path);
	files_remove(path, 1);
	files_remove(path, 0);
}

int intake_drop(struct spool *spool, struct err *err)
{
	struct intake *intake = &spool->intake;
	int rc;

	if (spool->in_transaction)
		return 0;
	rc = spool_fold(spool, err);
	if (rc != 0) /* rolled back for want of room: done again, when a little has come free */
		rc = spool_fold(spool, err);
	if (rc == 0 && intake->db)
		rc = spool_sync(spool, err);
	if (rc != 0)
		return rc;
	intake->off = false;
	if (!intake->db)
		return 0;
	disconnect(intake);
	intake_remove(spool);
	(void)sync_names(spool, err); /* a power cut that brings it back brings nothing that the file has not seen */
	return 0;
}

void intake_drop_old(struct spool *spool)
{
	struct err ignored; /* the next cleanup tries it again */

	if (clock_mono_ms() - spool->intake.put_mono_ms >= OLD_MS)
		(void)intake_drop(spool, &ignored);
}

void spool_use_intake(struct spool *spool, bool use)
{
	struct intake *intake = &spool->intake;

	intake->used = use;
	if (use && !intake->db && spool->writer)
		intake->off = make(spool) != SQLITE_OK;
	intake->put_mono_ms = clock_mono_ms();
}

void intake_done(struct intake *intake)
{
	disconnect(intake);
	buf_done(&intake->notes);
}

/* ---- doing it again ---- */

static bool is_damage(int sqlite_code)
{
	int primary = sqlite_code & 0xff;

	return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

static int fail(const struct spool *spool, int sqlite_code, struct err *err)
{
	return err_set(err, sql_code(sqlite_code), "%s" SUFFIX ": %s", spool->path, sqlite3_errstr(sqlite_code));
}

static int bury(struct spool *spool, const char *detail, struct err *err)
{
	const struct spool_dead dead = { .reason = "corrupt", .detail = slice_of(detail), .body = SLICE("{}") };
	int rc = spool_dead_put(spool, &dead, err);

	return rc != 0 ? rc : spool_count(spool, "dropped", "corrupt", 1, err);
}

static int apply_row(struct spool *spool, sqlite3_stmt *stmt, struct err *err)
{
	const char *blob = sqlite3_column_blob(stmt, 2);
	struct slice notes = { blob ? blob : "", (size_t)sqlite3_column_bytes(stmt, 2) };
	bool whole = (int64_t)hash_64(notes.ptr, notes.len) == sqlite3_column_int64(stmt, 1) && note_are_whole(notes);
	int64_t number = sqlite3_column_int64(stmt, 0);

	if (number > spool->intake.last)
		spool->intake.last = number;
	return whole ? note_apply(spool, notes, err) : bury(spool, "a small transaction's hash does not fit its notes", err);
}

/* In *ret_code what SQLite said of the intake. Without its table it was never made to an end. */
static int apply_rows(struct spool *spool, int *ret_code, struct err *err)
{
	struct intake *intake = &spool->intake;
	sqlite3_stmt *stmt = NULL;
	int rc = 0;

	*ret_code = SQLITE_OK;
	if (!intake->db) /* it could not be made: there are none */
		return 0;
	*ret_code = sqlite3_prepare_v2(intake->db, INTAKE_EACH, -1, &stmt, NULL);
	if (*ret_code == SQLITE_OK)
		*ret_code = sqlite3_bind_int64(stmt, 1, intake->in_file);
	while (*ret_code == SQLITE_OK && rc == 0 && (*ret_code = sqlite3_step(stmt)) == SQLITE_ROW) {
		rc = apply_row(spool, stmt, err);
		*ret_code = SQLITE_OK;
	}
	if (*ret_code == SQLITE_DONE || *ret_code == SQLITE_ERROR)
		*ret_code = SQLITE_OK;
	sqlite3_finalize(stmt);
	return rc;
}

/* What could be read of it is in for good; the rest is lost, and that was said. */
static int set_aside(struct spool *spool, struct err *err)
{
	char path[PATH_MAX], aside[PATH_MAX], from[PATH_MAX + 8], to[PATH_MAX + 8];
	int rc = spool_sync(spool, err);

	intake_path(spool, path);
	files_aside_name(path, aside, sizeof aside);
	snprintf(from, sizeof from, "%s-wal", path);
	snprintf(to, sizeof to, "%s-wal", aside);
	if (rc == 0)
		rc = files_move(from, to, err);
	return rc != 0 ? rc : files_move(path, aside, err);
}

/* code: what SQLite said so far. */
static int replay(struct spool *spool, int code, struct err *err)
{
	int rc = transaction_begin_unsynced(spool, err);

	if (rc != 0)
		return rc;
	spool->intake.replaying = true;
	if (code == SQLITE_OK)
		rc = apply_rows(spool, &code, err);
	if (rc == 0 && code != SQLITE_OK)
		rc = is_damage(code) ? bury(spool, "the intake is damaged", err) : fail(spool, code, err);
	rc = spool_leave(spool, true, rc, err);
	spool->intake.replaying = false;
	spool->intake.off = spool->intake.off || code != SQLITE_OK;
	return rc == 0 && code != SQLITE_OK ? set_aside(spool, err) : rc;
}

int intake_replay(struct spool *spool, struct err *err)
{
	return replay(spool, SQLITE_OK, err);
}

static int read_mark(struct spool *spool, struct err *err)
{
	struct intake *intake = &spool->intake;
	struct buf number;
	int rc;

	buf_init(&number, 0);
	rc = spool_meta_get(spool, MARK, &number, err);
	if (rc == 0)
		intake->last = intake->in_file = intake->safe = strtoll(number.data, NULL, 10);
	buf_done(&number);
	return rc == LF_ENOENT ? 0 : rc;
}

int intake_look(struct spool *spool, struct err *err)
{
	char path[PATH_MAX];
	off_t size;

	intake_path(spool, path);
	return files_check(path, &spool->intake.left, &size, err);
}

int intake_open(struct spool *spool, struct err *err)
{
	char path[PATH_MAX];
	int rc = read_mark(spool, err);

	spool->intake.rows = ROWS;
	if (rc != 0 || !spool->intake.left)
		return rc;
	intake_path(spool, path);
	rc = files_settle_log(path, err);
	if (rc == 0)
		rc = replay(spool, connect_file(&spool->intake, path, 0), err);
	return rc != 0 ? rc : intake_drop(spool, err);
}
