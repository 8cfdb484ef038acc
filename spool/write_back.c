/*
 * The log's way back into the file, as SQLite does it by itself, but it would not say what failed. When nobody waits for single
 * records, most of it goes on a thread beside, with a connection of its own; what came into the log meanwhile is little, and is
 * written back by who has the spool: only when nothing is left SQLite begins the log anew.
 */
#include "spool_internal.h"

#define LOG_PAGES 1000 /* before they are written back */
#define GENTLE_PAGES 250 /* 4 MB */
#define BESIDE_TIMES 3 /* as many pages the log may have before a thread beside is waited for */

/* ---- beside ---- */

static int connect_beside(const char *path, sqlite3 **ret)
{
	int rc = sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_extended_result_codes(*ret, 1);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return sqlite3_exec(*ret, SPOOL_PRAGMA_BESIDE, NULL, NULL, NULL);
}

static void *beside_main(void *arg)
{
	struct write_back *beside = arg;
	sqlite3 *db = NULL;
	int rc = connect_beside(beside->path, &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	sqlite3_close(db);
	beside->rc = rc;
	atomic_store(&beside->done, true);
	return NULL;
}

static bool begin_beside(struct spool *spool)
{
	struct write_back *beside = &spool->write_back;

	if (!beside->allowed)
		return false;
	beside->path = spool->path;
	atomic_store(&beside->done, false);
	beside->running = pthread_create(&beside->thread, NULL, beside_main, beside) == 0;
	return beside->running;
}

void write_back_end(struct spool *spool)
{
	struct write_back *beside = &spool->write_back;

	if (!beside->running)
		return;
	pthread_join(beside->thread, NULL);
	beside->running = false;
	spool->broken = spool->broken || beside->rc == SQLITE_IOERR_FSYNC;
}

static bool is_over(const struct write_back *beside)
{
	return beside->running && atomic_load(&beside->done);
}

void write_back_look(struct spool *spool)
{
	spool->broken = spool->broken || (is_over(&spool->write_back) && spool->write_back.rc == SQLITE_IOERR_FSYNC);
}

void spool_use_threads(struct spool *spool, bool use)
{
	struct err ignored; /* it is cut shorter, and grows again */

	spool->write_back.allowed = use;
	if (use)
		(void)sql_text(spool, SPOOL_PRAGMA_LONG_LOG, &ignored);
	else
		write_back_end(spool);
}

/* ---- by who has the spool ---- */

/* When the sync before it fails, what was committed without a wait is lost, and no later sync would say so. Returns SQLite's code. */
static int checkpoint(struct spool *spool, int mode)
{
	int rc;

	write_back_end(spool);
	rc = sqlite3_wal_checkpoint_v2(spool->db, NULL, mode, NULL, NULL);
	spool->broken = spool->broken || rc == SQLITE_IOERR_FSYNC;
	return rc;
}

int log_cut(struct spool *spool, struct err *err)
{
	int rc;

	sqlite3_busy_timeout(spool->db, 0);
	rc = checkpoint(spool, SQLITE_CHECKPOINT_TRUNCATE);
	sqlite3_busy_timeout(spool->db, BUSY_TIMEOUT_MS);
	return (rc & 0xff) == SQLITE_IOERR ? sql_fail(spool, rc, err) : 0;
}

/* Step by step: the log that one step needs is small, and there may be no room for more. */
void spool_empty_log(struct spool *spool)
{
	struct err ignored;

	(void)log_cut(spool, &ignored);
}

void spool_gently(struct spool *spool, bool gently)
{
	spool->log_pages = gently ? GENTLE_PAGES : LOG_PAGES;
}

static int write_back(void *context, sqlite3 *db, const char *name, int pages)
{
	struct spool *spool = context;
	struct write_back *beside = &spool->write_back;

	(void)db, (void)name;
	if (pages < spool->log_pages && is_over(beside)) /* it left nothing, and the log began anew */
		write_back_end(spool);
	if (pages < spool->log_pages)
		return SQLITE_OK;
	if (beside->running && !is_over(beside) && pages < BESIDE_TIMES * spool->log_pages)
		return SQLITE_OK;
	if (beside->running || !begin_beside(spool))
		(void)checkpoint(spool, SQLITE_CHECKPOINT_PASSIVE);
	return SQLITE_OK;
}

void log_watch(struct spool *spool)
{
	spool_gently(spool, false);
	(void)sqlite3_wal_hook(spool->db, write_back, spool);
}
