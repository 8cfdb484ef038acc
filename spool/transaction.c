/* Transactions: of the file, and small ones that are durable before they stand in it (intake.c). */
#include "spool_internal.h"

static int refuse_broken(struct spool *spool, struct err *err)
{
	write_back_look(spool);
	return spool->broken ? err_set(err, LF_EIO, "%s: an earlier write failed; open the spool again", spool->path) : 0;
}

static int begin(struct spool *spool, struct err *err)
{
	int rc = refuse_broken(spool, err);

	if (rc != 0)
		return rc;
	if (spool->in_transaction)
		return err_set(err, LF_EINVAL, "%s: a transaction is open already", spool->path);
	rc = sql_run(spool, spool->writer ? SQL_BEGIN_WRITE : SQL_BEGIN_READ, err, "");
	if (rc != 0)
		return rc;
	spool->in_transaction = true;
	spool->pages_before = spool_pages_written(spool, false);
	spool->keep_tick = INT64_MAX;
	return 0;
}

/* Commits wait for the disk again. */
static int make_durable(struct spool *spool, struct err *err)
{
	int rc = spool->derived ? sql_text(spool, SPOOL_PRAGMA_DURABLE, err) : 0;

	spool->derived = spool->derived && rc != 0;
	return rc;
}

/* For want of memory it may fail; then the next transaction that is to be durable does not begin before. */
static void leave_derived(struct spool *spool)
{
	struct err ignored;

	(void)make_durable(spool, &ignored);
}

static int begin_durable(struct spool *spool, struct err *err)
{
	int rc = refuse_broken(spool, err);

	if (rc == 0 && !spool->in_transaction)
		rc = make_durable(spool, err);
	return rc != 0 ? rc : begin(spool, err);
}

static int make_room_before(struct spool *spool, struct err *err)
{
	int rc;

	if (!spool->writer || spool->in_transaction || spool->broken)
		return 0;
	rc = spool_fold(spool, err);
	if (rc == 0)
		rc = log_enforce(spool, err);
	return rc != 0 ? rc : cap_enforce(spool, false, err);
}

int spool_begin(struct spool *spool, struct err *err)
{
	int rc = make_room_before(spool, err);

	return rc != 0 ? rc : begin_durable(spool, err);
}

int transaction_begin_unsynced(struct spool *spool, struct err *err)
{
	int rc = sql_text(spool, SPOOL_PRAGMA_DERIVED, err);

	spool->derived = true; /* also when that is not known */
	if (rc == 0)
		rc = begin(spool, err);
	if (rc != 0)
		leave_derived(spool);
	return rc;
}

int spool_begin_derived(struct spool *spool, struct err *err)
{
	int rc;

	if (!spool->writer || spool->in_transaction)
		return begin(spool, err);
	rc = make_room_before(spool, err);
	return rc != 0 ? rc : transaction_begin_unsynced(spool, err);
}

int spool_begin_late(struct spool *spool, struct err *err)
{
	int rc = spool_begin_derived(spool, err);

	spool->late_begun = rc == 0;
	return rc;
}

/* While somebody makes room, nothing is kept back. */
int spool_begin_small(struct spool *spool, struct err *err)
{
	int rc = refuse_broken(spool, err);

	if (rc != 0 || !spool->writer || !spool->intake.used || spool->in_transaction || spool->pausing)
		return rc != 0 ? rc : spool_begin(spool, err);
	if (spool->held && sqlite3_get_autocommit(spool->db))
		transaction_undo(spool);
	if (spool->held) {
		spool->in_transaction = true;
		spool->keep_tick = INT64_MAX;
	} else {
		rc = make_room_before(spool, err);
		if (rc == 0)
			rc = transaction_begin_unsynced(spool, err);
	}
	spool->small = rc == 0;
	if (rc == 0)
		intake_begin(&spool->intake);
	return rc;
}

int spool_sync(struct spool *spool, struct err *err)
{
	sqlite3_file *log = NULL;
	int rc;

	if (!spool->unsynced || spool->in_transaction)
		return 0;
	rc = refuse_broken(spool, err);
	if (rc != 0)
		return rc;
	(void)sqlite3_file_control(spool->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	rc = SQLITE_OK;
	if (log && log->pMethods)
		rc = log->pMethods->xSync(log, SQLITE_SYNC_FULL | SQLITE_SYNC_DATAONLY);
	spool->unsynced = false;
	if (rc == SQLITE_OK) {
		spool->intake.safe = spool->intake.in_file;
		spool->late_unsynced = false;
		return 0;
	}
	spool->broken = true;
	return err_set(err, LF_EIO, "%s: the log cannot be written to the disk", spool->path);
}

/* With all small ones before it. */
static int commit(struct spool *spool, struct err *err)
{
	struct intake *intake = &spool->intake;
	int rc = 0;

	if (sqlite3_get_autocommit(spool->db))
		rc = err_set(err, LF_EIO, "%s: the transaction was rolled back by an earlier failure", spool->path);
	else if (intake->last > intake->in_file)
		rc = intake_mark(spool, err);
	if (rc == 0)
		rc = sql_run(spool, SQL_COMMIT, err, "");
	if (rc != 0) {
		/* The kernel forgets a failed write-back: what was not synced cannot be synced by another try. */
		if (rc == LF_EIO)
			spool->broken = true;
		transaction_undo(spool);
		return rc;
	}
	spool->in_transaction = spool->held = false;
	spool->record_changes += spool->changing;
	spool->changing = 0;
	intake->in_file = intake->last;
	if (spool_pages_written(spool, false) != spool->pages_before) { /* one that wrote nothing has synced nothing */
		spool->unsynced = spool->derived;
		spool->late_unsynced = spool->derived && (spool->late_unsynced || spool->late_begun);
		intake->safe = spool->derived ? intake->safe : intake->in_file;
	}
	spool->late_begun = false;
	leave_derived(spool);
	return 0;
}

static int commit_small(struct spool *spool, struct err *err)
{
	int rc;

	spool->small = false;
	if (!sqlite3_get_autocommit(spool->db) && intake_put(spool)) {
		spool->in_transaction = false;
		spool->held = true;
		return 0;
	}
	rc = commit(spool, err);
	return rc != 0 ? rc : spool_sync(spool, err);
}

/* The small ones that went with a transaction that failed. When that fails too, the next transaction tries it again, and says it. */
static void bring_back(struct spool *spool)
{
	struct err ignored;

	(void)spool_fold(spool, &ignored);
}

int spool_commit(struct spool *spool, struct err *err)
{
	int rc;

	if (!spool->in_transaction)
		return err_set(err, LF_EINVAL, "%s: no transaction is open", spool->path);
	rc = spool->small ? commit_small(spool, err) : commit(spool, err);
	if (rc != 0)
		bring_back(spool);
	return rc;
}

bool spool_is_folded(const struct spool *spool)
{
	return spool->intake.last == spool->intake.in_file;
}

int spool_fold(struct spool *spool, struct err *err)
{
	int rc;

	if (spool->in_transaction || spool->intake.replaying || spool_is_folded(spool))
		return 0;
	rc = refuse_broken(spool, err);
	if (rc != 0)
		return rc;
	if (spool->held && sqlite3_get_autocommit(spool->db)) /* rolled back by a failure */
		transaction_undo(spool);
	return spool->held ? commit(spool, err) : intake_replay(spool, err);
}

void transaction_undo(struct spool *spool)
{
	struct err ignored;

	if (!sqlite3_get_autocommit(spool->db))
		(void)sql_run(spool, SQL_ROLLBACK, &ignored, "");
	spool->in_transaction = spool->small = spool->held = spool->late_begun = false;
	spool->changing = 0;
	leave_derived(spool);
	spool->put.active = false;
	late_forget(spool);
}

void spool_rollback(struct spool *spool)
{
	if (!spool->in_transaction)
		return;
	transaction_undo(spool);
	bring_back(spool);
}

void spool_set_pause(struct spool *spool, spool_pause_fn *fn, void *context)
{
	spool->pause = fn;
	spool->pause_context = context;
}

void spool_pause(struct spool *spool)
{
	if (!spool->pause || spool->pausing || spool->in_transaction || spool->broken)
		return;
	spool->pausing = true;
	spool->pause(spool->pause_context);
	spool->pausing = false;
}

int spool_enter(struct spool *spool, bool *ret_own, struct err *err)
{
	int rc = refuse_broken(spool, err);

	*ret_own = false;
	if (!spool->writer)
		return err_set(err, LF_EPERM, "%s: opened for reading only", spool->path);
	if (rc != 0)
		return rc;
	if (spool->in_transaction && sqlite3_get_autocommit(spool->db))
		return err_set(err, LF_EIO, "%s: the transaction was rolled back by an earlier failure", spool->path);
	if (spool->in_transaction)
		return 0;
	*ret_own = true;
	rc = spool_fold(spool, err);
	return rc != 0 ? rc : begin_durable(spool, err);
}

int spool_leave(struct spool *spool, bool own, int rc, struct err *err)
{
	if (own && rc == 0)
		rc = spool_commit(spool, err);
	if (own && rc != 0)
		spool_rollback(spool);
	return rc;
}
