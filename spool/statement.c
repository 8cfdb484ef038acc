/* Running statements; see spool_internal.h. */
#include "spool_internal.h"
#include <errno.h>
#include <stdarg.h>

const char *const sql_texts[SQL_COUNT] = {
#define X(id, text) text,
	SPOOL_SQL(X)
#undef X
};

static const struct {
	int sqlite, code;
} codes[] = {
	{ SQLITE_FULL, LF_EFULL },     { SQLITE_IOERR, LF_EIO },      { SQLITE_CANTOPEN, LF_EIO },  { SQLITE_READONLY, LF_EIO },
	{ SQLITE_PROTOCOL, LF_EIO },   { SQLITE_CORRUPT, LF_ECORRUPT }, { SQLITE_NOTADB, LF_ECORRUPT }, { SQLITE_PERM, LF_EPERM },
	{ SQLITE_AUTH, LF_EPERM },     { SQLITE_BUSY, LF_EBUSY },     { SQLITE_LOCKED, LF_EBUSY },  { SQLITE_NOMEM, LF_ENOMEM },
	{ SQLITE_TOOBIG, LF_ELIMIT },  { SQLITE_INTERRUPT, LF_EAGAIN },
};

static int errno_of(sqlite3_file *file)
{
	int number = 0;

	if (file && file->pMethods)
		(void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
	return number;
}

static bool means_full(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/*
 * A quota or a file size limit is a full disk too, which SQLite does not know; the files remember what a write met. A sync
 * that failed is never just a full disk: what it had to write is lost, and another try on this handle would not know.
 */
static bool is_full(struct spool *spool, int sqlite_code)
{
	sqlite3_file *file = NULL, *log = NULL;

	if (sqlite_code == SQLITE_IOERR_FSYNC || sqlite_code == SQLITE_IOERR_DIR_FSYNC)
		return false;
	if (((sqlite_code & 0xff) != SQLITE_IOERR && (sqlite_code & 0xff) != SQLITE_CANTOPEN) || !spool->db)
		return false;
	if (means_full(sqlite3_system_errno(spool->db)))
		return true;
	if (sqlite_code != SQLITE_IOERR_WRITE)
		return false;
	(void)sqlite3_file_control(spool->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	(void)sqlite3_file_control(spool->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	return means_full(errno_of(file)) || means_full(errno_of(log));
}

int sql_code(int sqlite_code)
{
	int primary = sqlite_code & 0xff;

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].sqlite == primary)
			return codes[i].code;
	return LF_EINVAL;
}

int sql_fail(struct spool *spool, int sqlite_code, struct err *err)
{
	int code = sql_code(sqlite_code);

	if (is_full(spool, sqlite_code))
		code = LF_EFULL;
	if (code == LF_ECORRUPT)
		spool->broken = true;
	return err_set(err, code, "%s: %s", spool->path ? spool->path : "spool", spool->db ? sqlite3_errmsg(spool->db) : sqlite3_errstr(sqlite_code));
}

static int take_statement(struct query *query, struct err *err)
{
	struct spool *spool = query->spool;
	sqlite3_stmt **kept = &spool->statements[query->id];
	int rc;

	query->twin = spool->in_use[query->id];
	if (!query->twin && *kept) {
		query->stmt = *kept;
		spool->in_use[query->id] = true;
		return 0;
	}
	rc = sqlite3_prepare_v3(spool->db, sql_texts[query->id], -1, query->twin ? 0 : SQLITE_PREPARE_PERSISTENT, &query->stmt, NULL);
	if (rc != SQLITE_OK)
		return sql_fail(spool, rc, err);
	if (!query->twin) {
		*kept = query->stmt;
		spool->in_use[query->id] = true;
	}
	return 0;
}

/* An empty slice is an empty value, never NULL. */
static int bind_slice(sqlite3_stmt *stmt, int at, struct slice value, bool blob)
{
	const char *ptr = value.ptr ? value.ptr : "";

	if (blob)
		return sqlite3_bind_blob64(stmt, at, ptr, value.len, SQLITE_STATIC);
	return sqlite3_bind_text64(stmt, at, ptr, value.len, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_all(sqlite3_stmt *stmt, unsigned behind, const char *types, va_list args)
{
	int rc = SQLITE_OK;

	for (int at = (int)behind + 1; *types && rc == SQLITE_OK; types++, at++) {
		if (*types == 'i')
			rc = sqlite3_bind_int64(stmt, at, va_arg(args, int64_t));
		else if (*types == 'n')
			rc = sqlite3_bind_null(stmt, at);
		else
			rc = bind_slice(stmt, at, va_arg(args, struct slice), *types == 'b');
	}
	return rc;
}

static int open_list(struct query *query, struct spool *spool, enum sql_id id, struct err *err, const char *types, va_list args)
{
	int rc;

	*query = (struct query){ .spool = spool, .id = id };
	spool->intake.within++;
	rc = late_before(spool, id, err);
	spool->intake.within--;
	if (rc == 0)
		rc = take_statement(query, err);
	if (rc != 0) {
		query->stmt = NULL;
		return rc;
	}
	if (spool->intake.within == 0 && spool->intake.noting && !sqlite3_stmt_readonly(query->stmt))
		spool->intake.noting = false; /* the notes are not all of it */
	rc = bind_all(query->stmt, 0, types, args);
	if (rc == SQLITE_OK)
		return 0;
	rc = sql_fail(spool, rc, err);
	query_close(query);
	return rc;
}

int query_open(struct query *query, struct spool *spool, enum sql_id id, struct err *err, const char *types, ...)
{
	va_list args;
	int rc;

	va_start(args, types);
	rc = open_list(query, spool, id, err, types, args);
	va_end(args);
	return rc;
}

int query_bind(struct query *query, unsigned n, struct err *err, const char *types, ...)
{
	va_list args;
	int rc;

	va_start(args, types);
	rc = bind_all(query->stmt, n, types, args);
	va_end(args);
	return rc == SQLITE_OK ? 0 : sql_fail(query->spool, rc, err);
}

int query_next(struct query *query, struct err *err)
{
	int rc = sqlite3_step(query->stmt);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : sql_fail(query->spool, rc, err);
}

void query_close(struct query *query)
{
	if (!query->stmt)
		return;
	if (query->twin) {
		sqlite3_finalize(query->stmt);
	} else {
		sqlite3_reset(query->stmt);
		sqlite3_clear_bindings(query->stmt);
		query->spool->in_use[query->id] = false;
	}
	query->stmt = NULL;
}

struct slice query_slice(const struct query *query, int column)
{
	const void *ptr = sqlite3_column_blob(query->stmt, column);
	int n = sqlite3_column_bytes(query->stmt, column);

	return ptr ? (struct slice){ ptr, (size_t)n } : SLICE("");
}

int64_t query_int(const struct query *query, int column)
{
	return sqlite3_column_int64(query->stmt, column);
}

int sql_run(struct spool *spool, enum sql_id id, struct err *err, const char *types, ...)
{
	struct query query;
	va_list args;
	int rc;

	va_start(args, types);
	rc = open_list(&query, spool, id, err, types, args);
	va_end(args);
	if (rc != 0)
		return rc;
	do
		rc = query_next(&query, err);
	while (rc == 1);
	query_close(&query);
	return rc;
}

int sql_int(struct spool *spool, enum sql_id id, int64_t *ret, struct err *err, const char *types, ...)
{
	struct query query;
	va_list args;
	int rc;

	va_start(args, types);
	rc = open_list(&query, spool, id, err, types, args);
	va_end(args);
	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1 && sqlite3_column_type(query.stmt, 0) != SQLITE_NULL) {
		*ret = query_int(&query, 0);
		rc = 0;
	} else if (rc >= 0) {
		rc = LF_ENOENT;
	}
	query_close(&query);
	return rc;
}

int sql_text(struct spool *spool, const char *text, struct err *err)
{
	int rc = sqlite3_exec(spool->db, text, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sql_fail(spool, rc, err);
}

void sql_finalize(struct spool *spool)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(spool->statements[i]);
		spool->statements[i] = NULL;
		spool->in_use[i] = false;
	}
}

int spool_pages_written(struct spool *spool, bool again)
{
	int pages = 0, highest;

	(void)sqlite3_db_status(spool->db, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &highest, again);
	return pages;
}
