/*
 * Opening and closing: the lock that admits one writer, the rights of the files, and what is done about a
 * file that is damaged, foreign or from the future. Between lock and close nobody else writes.
 */
#include "spool_internal.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the lock ---- */

static int say_who_has_it(int fd, const char *path, struct err *err)
{
	char pid[32] = "";
	ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
	size_t len = n > 0 ? strspn(pid, "0123456789") : 0;

	pid[len] = '\0';
	return err_set(err, LF_EBUSY, "%s: in use by process %s", path, len ? pid : "(unknown)");
}

static int lock_file(int fd, const char *path, struct err *err)
{
	struct stat st;
	char pid[32];
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
		return err_set(err, LF_EPERM, "%s: is not a plain file of ours", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? say_who_has_it(fd, path, err) : err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	/* The number is for people: when the disk is full the lock holds all the same, with an old number or none. */
	if (pwrite(fd, pid, (size_t)n, 0) == n && ftruncate(fd, n) != 0)
		return err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	return 0;
}

static int take_lock(struct spool *spool, const char *dir, struct err *err)
{
	char *path = file_join(dir, SPOOL_LOCK);
	int rc, fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd < 0)
		rc = err_set(err, errno == ELOOP || errno == EACCES ? LF_EPERM : errno == ENOSPC || errno == EDQUOT ? LF_EFULL : LF_EIO, "%s: %s", path, strerror(errno));
	else
		rc = lock_file(fd, path, err);
	if (rc == 0)
		spool->lock_fd = fd;
	else if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

/* ---- connections ---- */

static int connect_file(struct spool *spool, const char *path, int flags, struct err *err)
{
	int rc;

	/* Nobody asks SQLite how much memory it has, so it needs no lock to count that. In effect when it is the first that is called. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	rc = sqlite3_open_v2(path, &spool->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE, NULL);

	if (rc != SQLITE_OK)
		return sql_fail(spool, rc, err);
	sqlite3_extended_result_codes(spool->db, 1);
	sqlite3_busy_timeout(spool->db, BUSY_TIMEOUT_MS);
	return 0;
}

static int connect_reader(struct spool *spool, const char *path, struct err *err)
{
	int rc = connect_file(spool, path, SQLITE_OPEN_READONLY, err);

	if (rc != 0)
		return rc;
	sqlite3_db_config(spool->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	rc = sqlite3_exec(spool->db, SPOOL_PRAGMA_READER, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : sql_fail(spool, rc, err);
}

static void disconnect(struct spool *spool)
{
	sql_finalize(spool);
	if (spool->db && spool->broken)
		sqlite3_db_config(spool->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(spool->db);
	spool->db = NULL;
}

static int check_wal(struct spool *spool, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_JOURNAL_MODE, err, "");

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1)
		rc = slice_is(query_slice(&query, 0), "wal") ? 0 : err_set(err, LF_EIO, "%s: the file system does not allow a write-ahead log", spool->path);
	query_close(&query);
	return rc;
}

int open_writer(struct spool *spool, const char *path, struct err *err)
{
	int rc = connect_file(spool, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);

	spool->writer = true;
	if (rc != 0)
		return rc;
	if (chmod(path, 0600) != 0)
		return err_set(err, LF_EPERM, "%s: %s", path, strerror(errno));
	rc = sqlite3_exec(spool->db, SPOOL_PRAGMA_WRITER, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sql_fail(spool, rc, err);
	log_watch(spool);
	rc = check_wal(spool, err);
	if (rc == 0)
		rc = place_register(spool, err);
	if (rc == 0)
		rc = schema_migrate(spool, err);
	return rc != 0 ? rc : rows_watch(spool, err);
}

/* ---- a damaged file ---- */

static int check_whole(struct spool *spool, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_WHOLE_CHECK, err, "");

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1)
		rc = slice_is(query_slice(&query, 0), "ok") ? 0 : err_set(err, LF_ECORRUPT, "%s: is damaged", spool->path);
	query_close(&query);
	return rc;
}

/* The new file is whole before the old one moves: whenever we are stopped, one of them is there. */
static int set_aside(const char *dir, const char *path, sqlite3 *damaged, struct err *err)
{
	char aside[PATH_MAX], from[PATH_MAX + 8], to[PATH_MAX + 8];
	char *salvaged = file_join(dir, SPOOL_SALVAGED);
	int rc;

	files_aside_name(path, aside, sizeof aside);
	rc = salvage_into(damaged, salvaged, aside, err);
	snprintf(from, sizeof from, "%s-wal", path);
	snprintf(to, sizeof to, "%s-wal", aside);
	if (rc == 0)
		rc = files_move(path, aside, err);
	if (rc == 0)
		rc = files_move(from, to, err);
	snprintf(from, sizeof from, "%s-shm", path);
	if (rc == 0) {
		(void)unlink(from);
		rc = files_move(salvaged, path, err);
	}
	free(salvaged);
	return rc != 0 ? rc : files_sync_dir(dir, err);
}

/* What a set_aside() or make_file() left behind when it was stopped. A salvaged file whose place is free is whole. */
static int finish_salvage(const char *dir, const char *path, bool there, struct err *err)
{
	char *salvaged = file_join(dir, SPOOL_SALVAGED), *fresh = file_join(dir, SPOOL_NEW);
	int rc = 0;

	if (!there && access(salvaged, F_OK) == 0) {
		files_remove(path, 1);
		rc = files_move(salvaged, path, err);
	}
	files_remove(salvaged, rc == 0 ? 0 : 1); /* when it could not be moved it is all that there is */
	files_remove(fresh, 0);
	free(salvaged);
	free(fresh);
	return rc;
}

/* The file is made under another name: a spool.db is never half made. */
static int make_file(const char *dir, const char *path, struct err *err)
{
	char *fresh = file_join(dir, SPOOL_NEW);
	int rc = salvage_into(NULL, fresh, NULL, err);

	if (rc == 0)
		rc = files_move(fresh, path, err);
	free(fresh);
	return rc != 0 ? rc : files_sync_dir(dir, err);
}

static int look(struct spool *looker, off_t size, bool trusted, struct err *err)
{
	int64_t version;
	int rc = size == 0 ? LF_ECORRUPT : connect_reader(looker, looker->path, err);

	if (rc == 0)
		rc = schema_version(looker, &version, err);
	return rc != 0 || trusted ? rc : check_whole(looker, err);
}

/* Looks before anything is written: the version, then the structure. Sets a damaged file aside, when a second look says the
 * same: a lack of memory looks like damage too. */
static int examine(const char *dir, const char *path, off_t size, struct err *err)
{
	struct spool looker = { .lock_fd = -1, .path = xstrdup(path) };
	bool trusted = closed_well(path);
	int rc = closed_forget(path) ? files_sync_dir(dir, err) : 0;

	if (rc == 0)
		rc = look(&looker, size, trusted, err);
	if (rc == LF_ECORRUPT) {
		disconnect(&looker);
		rc = look(&looker, size, false, err);
	}
	if (rc == LF_ECORRUPT)
		rc = set_aside(dir, path, looker.db, err);
	disconnect(&looker);
	free(looker.path);
	return rc;
}

/* ---- what the last writer left ---- */

/* Rows whose answer nobody saw are in doubt: the shipper asks the server about them. */
static int recover(struct spool *spool, struct err *err)
{
	int64_t unplaced = 0;
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sql_run(spool, SQL_OBSERVATIONS_IN_DOUBT, err, "");
	if (rc == 0)
		rc = sql_run(spool, SQL_SEND_ROWS_DROP_LOST, err, "");
	if (rc == 0)
		rc = sql_run(spool, SQL_SENDS_DROP_EMPTY, err, "");
	if (rc == 0)
		rc = sql_run(spool, SQL_SENDS_IN_DOUBT, err, "");
	if (rc == 0) {
		rc = sql_int(spool, SQL_DIRTY_MAX, &spool->tick, err, "");
		rc = rc == LF_ENOENT ? 0 : rc;
	}
	if (rc == 0)
		rc = sql_int(spool, SQL_UNPLACED, &unplaced, err, "");
	spool->unplaced = unplaced != 0;
	return spool_leave(spool, own, rc, err);
}

static int open_locked(struct spool *spool, const char *dir, struct err *err)
{
	bool there;
	off_t size;
	int rc = files_check(spool->path, &there, &size, err);

	if (rc == 0)
		rc = intake_look(spool, err);
	if (rc == 0)
		rc = finish_salvage(dir, spool->path, there, err);
	if (rc == 0 && !there)
		rc = files_check(spool->path, &there, &size, err);
	if (rc == 0)
		rc = files_settle_log(spool->path, err);
	if (rc == 0 && !there) {
		files_remove(spool->path, 1);
		intake_remove(spool);
	}
	if (rc == 0)
		rc = there ? examine(dir, spool->path, size, err) : make_file(dir, spool->path, err);
	if (rc == 0)
		rc = open_writer(spool, spool->path, err);
	if (rc == 0)
		rc = recover(spool, err);
	if (rc == 0)
		rc = intake_open(spool, err);
	return rc != 0 ? rc : outgo_open(spool, err);
}

static struct spool *spool_new(const char *dir)
{
	struct spool *spool = xcalloc(1, sizeof *spool);

	spool->lock_fd = -1;
	spool->keep_tick = INT64_MAX;
	spool->path = file_join(dir, SPOOL_FILE);
	buf_init(&spool->scratch, 0);
	return spool;
}

/* SQLite refuses a symbolic link anywhere in the path; of those above our directory we know nothing bad. */
static int real_dir(const char *dir, char out[PATH_MAX], struct err *err)
{
	if (!realpath(dir, out))
		return err_set(err, errno == ENOENT || errno == ENOTDIR ? LF_ENOENT : errno == EACCES ? LF_EPERM : LF_EIO, "%s: %s", dir, strerror(errno));
	return strlen(out) + 64 < PATH_MAX ? 0 : err_set(err, LF_EINVAL, "%s: the path is too long", dir);
}

int spool_open(const struct spool_options *options, struct spool **ret, struct err *err)
{
	char dir[PATH_MAX];
	struct spool *spool;
	int rc = file_private_dir(options->dir, err);

	if (rc == 0)
		rc = real_dir(options->dir, dir, err);
	if (rc != 0)
		return rc;
	spool = spool_new(dir);
	spool->max_bytes = options->max_bytes;
	spool->retention_ms = options->retention_ms;
	spool->sinks = options->sinks ? options->sinks : SPOOL_SINK_BIT(SINK_LANGFUSE);
	rc = take_lock(spool, dir, err);
	if (rc == 0)
		rc = open_locked(spool, dir, err);
	if (rc != 0) {
		spool_close(spool);
		return rc;
	}
	*ret = spool;
	return 0;
}

static int open_reading(struct spool *spool, struct err *err)
{
	int64_t version = 0;
	bool there;
	off_t size;
	int rc = files_check(spool->path, &there, &size, err);

	if (rc == 0 && there && size > 0)
		rc = connect_reader(spool, spool->path, err);
	if (rc == 0 && spool->db)
		rc = schema_version(spool, &version, err);
	if (rc == 0 && version == 0)
		rc = err_set(err, LF_ENOENT, "%s: there is no spool yet", spool->path);
	if (rc == 0 && version < 3)
		rc = sql_text(spool, SPOOL_READ_BEFORE_3, err);
	if (rc == 0 && version < 4)
		rc = sql_text(spool, SPOOL_READ_BEFORE_4, err);
	return rc == 0 && version < 5 ? sql_text(spool, SPOOL_READ_BEFORE_5, err) : rc;
}

int spool_open_reader(const char *dir, struct spool **ret, struct err *err)
{
	char real[PATH_MAX];
	struct spool *spool;
	int rc = real_dir(dir, real, err);

	if (rc != 0)
		return rc;
	spool = spool_new(real);
	spool->unplaced = true;
	rc = open_reading(spool, err);
	if (rc != 0) {
		spool_close(spool);
		return rc;
	}
	*ret = spool;
	return 0;
}

void spool_close(struct spool *spool)
{
	struct err ignored; /* what is left stands in the intake */
	bool whole;

	if (!spool)
		return;
	spool_rollback(spool);
	if (spool->intake.db)
		(void)intake_drop(spool, &ignored);
	intake_done(&spool->intake);
	write_back_end(spool);
	whole = spool->db && spool->writer && !spool->broken;
	disconnect(spool);
	if (whole)
		closed_note(spool->path);
	if (spool->lock_fd >= 0)
		close(spool->lock_fd);
	put_set_done(&spool->put);
	late_done(spool);
	buf_done(&spool->scratch);
	free(spool->path);
	free(spool);
}

const char *spool_path(const struct spool *spool)
{
	return spool->path;
}
