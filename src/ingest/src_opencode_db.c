/*
 * Opening OpenCode's database, its transactions, its change index. How it is opened hangs on who else has it:
 *
 *   a -wal file, OpenCode running or killed   read-only, with the -shm file read-only too; locks as any reader
 *   WAL mode, but no -wal (OpenCode ended)    immutable: no locks, no -wal or -shm made. OpenCode may start meanwhile: whatever
 *                                             was read is believed only if there is still no -wal and the file did not change
 *   another journal mode                      read-only, locks as any reader
 */
#include "ingest/src_opencode_db_private.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ingest/src_opencode_storage.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MS 250
#define HEADER_BYTES 100
#define RACY_NS INT64_C(100000000) /* file systems keep times by the kernel's tick */

#define SESSION_TIMES "max(s.time_updated, s.time_created)"

static const char *const sql[DB_STATEMENTS] = {
	[DB_BEGIN] = "BEGIN",
	[DB_END] = "COMMIT",
	[DB_SEQUENCES] = "SELECT aggregate_id, seq FROM event_sequence",
	[DB_UNINDEXED] = "SELECT s.id, " SESSION_TIMES " FROM session s"
	                 " WHERE NOT EXISTS(SELECT 1 FROM event_sequence e WHERE e.aggregate_id=s.id)",
	[DB_ALL_SESSIONS] = "SELECT s.id, " SESSION_TIMES " FROM session s",
	[DB_SEQUENCE] = "SELECT seq FROM event_sequence WHERE aggregate_id=?1",
	[DB_ACTIVITY] = "SELECT " SESSION_TIMES " FROM session s WHERE s.id=?1",
	[DB_LAST_MESSAGE] = "SELECT max(time_created) FROM message WHERE session_id=?1",
	[DB_LAST_NEXT] = "SELECT max(time_created) FROM session_message WHERE session_id=?1",
	[DB_EVENTS] = "SELECT rowid, seq, id, type FROM event WHERE aggregate_id=?1 AND seq>?2 ORDER BY seq",
	[DB_PROMPTED] = "SELECT max(seq) FROM event WHERE aggregate_id=?1 AND type>='session.next.prompted'"
	                " AND type<'session.next.prompted/' AND seq<=?2",
	[DB_SESSION] = "SELECT id, parent_id, directory, title, version, time_created, time_archived, agent, metadata,"
	               " time_updated, project_id FROM session WHERE id=?1",
	[DB_MESSAGES] = "SELECT rowid, id, time_created, time_updated FROM message"
	                " WHERE session_id=?1 AND (time_created, id)>(?2, ?3) ORDER BY time_created, id",
	[DB_PARTS] = "SELECT rowid, id, time_updated FROM part WHERE message_id=?1 AND id>?2 ORDER BY id",
};
/* Of a version that has no agent, metadata or archive. */
static const char session_plain[] = "SELECT id, parent_id, directory, title, version, time_created, NULL, NULL, NULL, time_updated, NULL"
                                    " FROM session WHERE id=?1";

/* ---- failures ---- */

static const struct {
	int sqlite, code;
	const char *words;
} failures[] = {
	{ SQLITE_BUSY, LF_EAGAIN, "locked" },
	{ SQLITE_LOCKED, LF_EAGAIN, "locked" },
	{ SQLITE_PROTOCOL, LF_EAGAIN, "locked" },
	{ SQLITE_READONLY, LF_EAGAIN, "needs a recovery that OpenCode makes when it starts" },
	{ SQLITE_SCHEMA, LF_EAGAIN, "its tables are being changed" },
	{ SQLITE_NOTADB, LF_ECORRUPT, "not a database" },
	{ SQLITE_CORRUPT, LF_ECORRUPT, "damaged" },
	{ SQLITE_PERM, LF_EPERM, "may not be read" },
	{ SQLITE_AUTH, LF_EPERM, "may not be read" },
	{ SQLITE_NOMEM, LF_ENOMEM, "no memory" },
	{ SQLITE_TOOBIG, LF_ELIMIT, "holds a value that is larger than can be read" },
	{ SQLITE_ERROR, LF_EVERSION, "not a database of OpenCode, or of a version that is not known" },
};

int db_fail(struct opencode_db *db, int code, struct err *err)
{
	const char *detail = db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(code);

	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
		if (failures[i].sqlite == (code & 0xff))
			return err_set(err, failures[i].code, "%s: %s (%s)", db->path, failures[i].words, detail);
	if ((code & 0xff) == SQLITE_CANTOPEN && access(db->path, F_OK) != 0)
		return err_set(err, LF_ENOENT, "%s: there is none", db->path);
	if ((code & 0xff) == SQLITE_CANTOPEN && access(db->path, R_OK) != 0)
		return err_set(err, LF_EPERM, "%s: %s", db->path, strerror(errno));
	return err_set(err, (code & 0xff) == SQLITE_CANTOPEN ? LF_EAGAIN : LF_EIO, "%s: %s", db->path, detail);
}

/* ---- statements ---- */

static sqlite3_stmt *prepare(struct opencode_db *db, enum db_statement which, const char *text, int *ret_code)
{
	if (!db->statements[which])
		*ret_code = sqlite3_prepare_v3(db->sqlite, text, -1, SQLITE_PREPARE_PERSISTENT, &db->statements[which], NULL);
	else
		*ret_code = SQLITE_OK;
	return db->statements[which];
}

sqlite3_stmt *db_query(struct opencode_db *db, enum db_statement which, const struct slice *texts, unsigned count, int *rc, struct err *err)
{
	int code;
	sqlite3_stmt *statement = prepare(db, which, sql[which], &code);

	if (!statement && which == DB_SESSION && code == SQLITE_ERROR)
		statement = prepare(db, which, session_plain, &code);
	*rc = statement ? 0 : db_fail(db, code, err);
	if (!statement)
		return NULL;
	sqlite3_reset(statement);
	for (unsigned i = 0; i < count; i++)
		sqlite3_bind_text(statement, (int)i + 1, texts[i].ptr ? texts[i].ptr : "", (int)texts[i].len, SQLITE_TRANSIENT);
	return statement;
}

int db_step(struct opencode_db *db, sqlite3_stmt *statement, struct err *err)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? 0 : db_fail(db, code, err);
}

struct slice db_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text ? (struct slice){ (const char *)text, (size_t)sqlite3_column_bytes(statement, column) } : SLICE_NONE;
}

static int run(struct opencode_db *db, enum db_statement which, struct err *err)
{
	int rc;
	sqlite3_stmt *statement = db_query(db, which, NULL, 0, &rc, err);

	return statement ? db_step(db, statement, err) : rc;
}

int db_read_begin(struct opencode_db *db, struct err *err)
{
	int rc = run(db, DB_BEGIN, err);

	db->in_read = rc == 0;
	return rc;
}

static bool wal_is_there(const char *path, bool *ret_empty)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof name, "%s-wal", path);
	if (stat(name, &st) != 0)
		return false;
	*ret_empty = st.st_size == 0;
	return true;
}

int db_read_end(struct opencode_db *db, int rc, struct err *err)
{
	struct err ignored;
	bool racy;

	for (unsigned i = 0; i < sizeof db->blob / sizeof db->blob[0]; i++) {
		sqlite3_blob_close(db->blob[i]);
		db->blob[i] = NULL;
	}
	for (unsigned i = 0; i < DB_STATEMENTS; i++)
		sqlite3_reset(db->statements[i]);
	if (db->in_read)
		(void)run(db, DB_END, &ignored);
	db->in_read = false;
	if (db->immutable && opencode_db_signature(db->path, &racy) != db->signature)
		return err_set(err, LF_EAGAIN, "%s: changed while it was read", db->path);
	return rc;
}

/* ---- opening ---- */

/* What may be read at all. */
static int authorize(void *context, int action, const char *a, const char *b, const char *database, const char *trigger)
{
	static const char *const tables[] = { "session", "message", "part", "event", "event_sequence", "session_message", "sqlite_master", "sqlite_schema" };

	(void)context, (void)b, (void)database, (void)trigger;
	if (action != SQLITE_READ)
		return action == SQLITE_SELECT || action == SQLITE_FUNCTION || action == SQLITE_TRANSACTION || action == SQLITE_PRAGMA ? SQLITE_OK : SQLITE_DENY;
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		if (strcmp(a, tables[i]) == 0)
			return SQLITE_OK;
	return SQLITE_DENY;
}

/* A path as part of a URI. */
static void add_escaped(struct buf *uri, const char *path)
{
	for (; *path; path++) {
		if (strchr("%?#", *path) || (unsigned char)*path < 0x20)
			buf_format(uri, "%%%02X", (unsigned)(unsigned char)*path);
		else
			buf_char(uri, *path);
	}
}

static int open_as(struct opencode_db *db, const char *parameters, struct err *err)
{
	struct buf uri;
	int code;

	sqlite3_close(db->sqlite);
	db->sqlite = NULL;
	buf_init(&uri, 16384);
	buf_text(&uri, "file:");
	add_escaped(&uri, db->path);
	buf_text(&uri, parameters);
	code = uri.failed ? SQLITE_CANTOPEN
	                  : sqlite3_open_v2(uri.data, &db->sqlite, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, db_read_only_vfs());
	buf_done(&uri);
	return code == SQLITE_OK ? 0 : db_fail(db, code, err);
}

/* Read through SQLite: closing a descriptor of our own would drop the locks that SQLite holds in this process. */
static int read_header(struct opencode_db *db, bool *ret_wal, struct err *err)
{
	unsigned char header[HEADER_BYTES] = { 0 };
	sqlite3_file *file = NULL;
	int code = sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	if (code == SQLITE_OK && file && file->pMethods)
		code = file->pMethods->xRead(file, header, HEADER_BYTES, 0);
	if (code == SQLITE_IOERR_SHORT_READ && header[0] == '\0')
		return err_set(err, LF_EAGAIN, "%s: empty", db->path);
	if (code == SQLITE_IOERR_SHORT_READ)
		return err_set(err, LF_ECORRUPT, "%s: not a database", db->path);
	if (code != SQLITE_OK)
		return db_fail(db, code, err);
	*ret_wal = header[18] == 2 || header[19] == 2;
	return 0;
}

static int choose_way(struct opencode_db *db, struct err *err)
{
	bool wal = false, empty = false, there, racy;
	char shm[4096];
	int rc;

	db->signature = opencode_db_signature(db->path, &racy);
	rc = open_as(db, "?immutable=1", err);
	if (rc == 0)
		rc = read_header(db, &wal, err);
	if (rc != 0 || !wal)
		return rc != 0 ? rc : open_as(db, "?mode=ro", err);
	snprintf(shm, sizeof shm, "%s-shm", db->path);
	there = wal_is_there(db->path, &empty);
	if (!there || (empty && access(shm, F_OK) != 0)) {
		db->immutable = true;
		return 0;
	}
	if (access(shm, F_OK) != 0)
		return err_set(err, LF_EAGAIN, "%s: its -wal file is there, but not its -shm file: start OpenCode once", db->path);
	return open_as(db, "?mode=ro&readonly_shm=1", err);
}

static bool prepares(struct opencode_db *db, enum db_statement which)
{
	int code;

	return prepare(db, which, sql[which], &code) != NULL;
}

static bool has_no_tables(struct opencode_db *db)
{
	sqlite3_stmt *statement = NULL;
	bool none = sqlite3_prepare_v2(db->sqlite, "SELECT 1 FROM sqlite_master", -1, &statement, NULL) == SQLITE_OK &&
	            sqlite3_step(statement) == SQLITE_DONE;

	sqlite3_finalize(statement);
	return none;
}

/* Whether it is what we take it for. */
static int check_schema(struct opencode_db *db, struct err *err)
{
	static const enum db_statement needed[] = { DB_ALL_SESSIONS, DB_SESSION, DB_MESSAGES, DB_PARTS };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof needed / sizeof needed[0]; i++)
		(void)db_query(db, needed[i], NULL, 0, &rc, err);
	if (rc == LF_EVERSION && has_no_tables(db))
		return err_set(err, LF_EAGAIN, "%s: no tables yet", db->path);
	db->has_events = rc == 0 && prepares(db, DB_EVENTS) && prepares(db, DB_SEQUENCES) && prepares(db, DB_UNINDEXED);
	db->has_next = rc == 0 && prepares(db, DB_LAST_NEXT);
	return rc;
}

static void set_limits(struct opencode_db *db)
{
	/* 1 MiB of pages; nothing mapped: the file may shrink under us */
	sqlite3_exec(db->sqlite, "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024; PRAGMA mmap_size=0", NULL, NULL, NULL);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	sqlite3_limit(db->sqlite, SQLITE_LIMIT_LENGTH, DB_MAX_BYTES);
	sqlite3_set_authorizer(db->sqlite, authorize, NULL);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int open_file(struct opencode_db *db, struct err *err)
{
	int rc = db_read_only_vfs() ? choose_way(db, err) : err_set(err, LF_EIO, "%s: SQLite has no file system", db->path);

	if (rc == 0) {
		set_limits(db);
		rc = check_schema(db, err);
	}
	return rc;
}

int opencode_db_open(const char *path, struct opencode_db **ret, struct err *err)
{
	struct opencode_db *db = xcalloc(1, sizeof *db);
	int rc;

	db->path = xstrdup(path);
	db->storage = is_directory(path);
	rc = db->storage ? opencode_storage_check(path, err) : open_file(db, err);
	if (rc == 0)
		*ret = db;
	else
		opencode_db_close(db);
	return rc;
}

void opencode_db_close(struct opencode_db *db)
{
	if (!db)
		return;
	for (unsigned i = 0; i < sizeof db->blob / sizeof db->blob[0]; i++)
		sqlite3_blob_close(db->blob[i]);
	for (unsigned i = 0; i < DB_STATEMENTS; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sqlite);
	free(db->path);
	free(db);
}

/* ---- what changed ---- */

struct file_facts {
	uint64_t device, inode;
	int64_t size, seconds, nanoseconds;
};

static bool facts_of(const char *path, const char *suffix, struct file_facts *facts, int64_t now_ns, bool *racy)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof name, "%s%s", path, suffix);
	memset(facts, 0, sizeof *facts);
	if (stat(name, &st) != 0)
		return false;
	*facts = (struct file_facts){ (uint64_t)st.st_dev, (uint64_t)st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec };
	*racy = *racy || now_ns - (st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec) < RACY_NS;
	return true;
}

uint64_t opencode_db_signature(const char *path, bool *ret_racy)
{
	struct file_facts facts[2];
	struct timespec now;
	uint64_t hash;

	if (is_directory(path))
		return opencode_storage_signature(path, ret_racy);
	clock_gettime(CLOCK_REALTIME, &now);
	*ret_racy = false;
	if (!facts_of(path, "", &facts[0], now.tv_sec * INT64_C(1000000000) + now.tv_nsec, ret_racy))
		return 0;
	(void)facts_of(path, "-wal", &facts[1], now.tv_sec * INT64_C(1000000000) + now.tv_nsec, ret_racy);
	hash = hash_64(facts, sizeof facts);
	return hash ? hash : 1;
}

static int each_row(struct opencode_db *db, enum db_statement which, opencode_db_session_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *statement;
	int rc = db_read_begin(db, err), more = 0;

	if (rc != 0)
		return rc;
	statement = db_query(db, which, NULL, 0, &rc, err);
	while (rc == 0 && (more = db_step(db, statement, err)) == 1) {
		struct opencode_db_session session = { .id = db_text(statement, 0), .seq = -1 };
		*(which == DB_SEQUENCES ? &session.seq : &session.updated_ms) = sqlite3_column_int64(statement, 1);
		if (session.id.len > 0)
			rc = fn(context, &session, err);
	}
	return db_read_end(db, rc != 0 ? rc : more, err);
}

int opencode_db_each_session(struct opencode_db *db, opencode_db_session_fn *fn, void *context, struct err *err)
{
	if (db->storage)
		return opencode_storage_each_session(db->path, fn, context, err);
	return each_row(db, db->has_events ? DB_SEQUENCES : DB_ALL_SESSIONS, fn, context, err);
}

int opencode_db_each_unindexed(struct opencode_db *db, opencode_db_session_fn *fn, void *context, struct err *err)
{
	return db->has_events ? each_row(db, DB_UNINDEXED, fn, context, err) : 0;
}

/* Of the first row the first column, if it is greater than what is there. */
static int take_greater(struct opencode_db *db, enum db_statement which, struct slice id, int64_t *value, bool *ret_found, struct err *err)
{
	int rc;
	sqlite3_stmt *statement = db_query(db, which, &id, 1, &rc, err);

	if (statement)
		rc = db_step(db, statement, err);
	*ret_found = rc == 1;
	if (rc == 1 && sqlite3_column_int64(statement, 0) > *value)
		*value = sqlite3_column_int64(statement, 0);
	return rc < 0 ? rc : 0;
}

int opencode_db_activity(struct opencode_db *db, struct slice session, struct opencode_activity *ret, struct err *err)
{
	bool found = false, ignored;
	int rc;

	if (db->storage)
		return opencode_storage_activity(db->path, session, ret, err);
	*ret = (struct opencode_activity){ .seq = -1 };
	rc = db_read_begin(db, err);
	if (rc != 0)
		return rc;
	rc = take_greater(db, DB_ACTIVITY, session, &ret->last_ms, &found, err);
	if (rc == 0)
		rc = take_greater(db, DB_LAST_MESSAGE, session, &ret->last_ms, &ignored, err);
	if (rc == 0 && db->has_next)
		rc = take_greater(db, DB_LAST_NEXT, session, &ret->last_ms, &ignored, err);
	if (rc == 0 && db->has_events)
		rc = take_greater(db, DB_SEQUENCE, session, &ret->seq, &ignored, err);
	rc = db_read_end(db, rc, err);
	return rc == 0 && !found ? err_set(err, LF_ENOENT, "%s: the session is gone", db->path) : rc;
}
