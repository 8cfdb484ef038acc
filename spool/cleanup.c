/* Retention, the clock's jumps, giving room back, and checking the file. */
#include "spool_internal.h"
#include "base/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS 86400000
#define NO_MEMORY "error code=7" /* SQLITE_NOMEM, among the words of an integrity_check, which says that a page cannot be had */
#define CUT_STEPS 4 /* of giving pages back */

/* ---- retention ---- */

static int get_time(struct spool *spool, const char *name, int64_t *ret_ms, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, 64);
	rc = spool_meta_get(spool, name, &text, err);
	if (rc == 0)
		*ret_ms = text.data ? strtoll(text.data, NULL, 10) : 0;
	buf_done(&text);
	return rc;
}

static int set_time(struct spool *spool, const char *name, int64_t ms, struct err *err)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, ms);
	return spool_meta_set(spool, name, ms ? slice_of(text) : SLICE_NONE, err);
}

/* When the clock was last seen; before the first cleanup the newest session tells. */
static int last_seen(struct spool *spool, int64_t now_ms, int64_t *ret_ms, struct err *err)
{
	int rc = get_time(spool, "cleanup_ms", ret_ms, err);

	if (rc == LF_ENOENT)
		rc = sql_int(spool, SQL_SESSIONS_STORED_MAX, ret_ms, err, "");
	if (rc == LF_ENOENT) {
		*ret_ms = now_ms;
		rc = 0;
	}
	return rc;
}

/*
 * A wall clock that is more than a day ahead of where the monotonic clock says it should be has jumped (or the
 * machine was off: nobody can tell). Retention then waits until a day has passed without another jump.
 */
static int clock_trusted(struct spool *spool, int64_t now_ms, bool *ret, struct err *err)
{
	int64_t seen_ms = now_ms, jump_ms = 0, mono_ms = clock_mono_ms();
	int64_t passed_ms = spool->cleaned_mono_ms ? mono_ms - spool->cleaned_mono_ms : 0;
	int rc = last_seen(spool, now_ms, &seen_ms, err);

	if (rc == 0)
		rc = get_time(spool, "clock_jump_ms", &jump_ms, err);
	if (rc != 0 && rc != LF_ENOENT)
		return rc;
	if (now_ms - seen_ms > passed_ms + DAY_MS)
		jump_ms = now_ms;
	else if (jump_ms != 0 && (now_ms < jump_ms || now_ms - jump_ms >= DAY_MS))
		jump_ms = 0;
	spool->cleaned_mono_ms = mono_ms;
	*ret = jump_ms == 0;
	rc = set_time(spool, "clock_jump_ms", jump_ms, err);
	return rc != 0 ? rc : set_time(spool, "cleanup_ms", now_ms, err);
}

/* One session, with its count, in a transaction of its own; *ret_more: there was one. */
static int expire_session(struct spool *spool, int64_t limit_ms, bool undelivered, bool *ret_more, struct err *err)
{
	uint64_t count = 0;
	struct query query;
	bool own;
	int rc = spool_enter(spool, &own, err);

	*ret_more = false;
	if (rc != 0)
		return rc;
	rc = query_open(&query, spool, SQL_STORED_BEFORE, err, "ii", limit_ms, (int64_t)undelivered);
	if (rc == 0) {
		rc = query_next(&query, err);
		*ret_more = rc == 1;
		if (rc == 1)
			rc = session_drop(spool, query_slice(&query, 0), query_slice(&query, 1), &count, err);
		query_close(&query);
	}
	if (rc == 0)
		rc = spool_count(spool, "dropped", undelivered ? "retention_records" : "retention", (int64_t)count, err);
	return spool_leave(spool, own, rc, err);
}

static int expire_letters(struct spool *spool, int64_t limit_ms, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sql_run(spool, SQL_DEAD_DROP_BEFORE, err, "i", limit_ms);
	if (rc == 0)
		rc = spool_count(spool, "dropped", "retention_dead", sqlite3_changes(spool->db), err);
	return spool_leave(spool, own, rc, err);
}

static int expire(struct spool *spool, int64_t limit_ms, struct err *err)
{
	bool more = true;
	int rc = 0;

	for (; rc == 0 && more; spool_pause(spool))
		rc = expire_session(spool, limit_ms, false, &more, err);
	if (rc == 0)
		rc = expire_letters(spool, limit_ms, err);
	for (more = true; rc == 0 && more; spool_pause(spool))
		rc = expire_session(spool, limit_ms, true, &more, err);
	return rc;
}

/* ---- room ---- */

/* Who waits is let in after each step; the log is cut after some. */
int spool_shrink(struct spool *spool, struct err *err)
{
	int64_t pages = 0, before;
	int rc = spool_fold(spool, err);

	if (rc == 0)
		rc = sql_int(spool, SQL_FREE_PAGES, &pages, err, "");
	for (int step = 1, more = 1; rc == 0 && more; step++) {
		before = pages;
		rc = sql_run(spool, SQL_VACUUM, err, "");
		spool->broken = spool->broken || rc == LF_EIO; /* a commit too */
		if (rc == 0)
			rc = sql_int(spool, SQL_FREE_PAGES, &pages, err, "");
		more = pages > 0 && pages < before;
		if (rc == 0 && more)
			spool_pause(spool);
		if (rc == 0 && (!more || step % CUT_STEPS == 0))
			rc = log_cut(spool, err);
	}
	if (rc == 0)
		intake_drop_old(spool); /* what was deleted may be there */
	spool_pause(spool);
	return rc;
}

int spool_cleanup(struct spool *spool, int64_t now_ms, struct err *err)
{
	bool trusted = false, own;
	int rc;

	if (spool->in_transaction)
		return err_set(err, LF_EINVAL, "spool_cleanup inside a transaction");
	rc = spool_enter(spool, &own, err);
	if (rc != 0)
		return rc;
	rc = clock_trusted(spool, now_ms, &trusted, err);
	rc = spool_leave(spool, own, rc, err);
	spool_gently(spool, true);
	if (rc == 0 && trusted && spool->retention_ms > 0)
		rc = expire(spool, now_ms - spool->retention_ms, err);
	if (rc == 0)
		rc = cap_enforce(spool, true, err);
	if (rc == 0)
		rc = spool_shrink(spool, err);
	spool_gently(spool, false);
	return rc;
}

/* ---- checking ---- */

static int check_structure(struct spool *spool, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_INTEGRITY_CHECK, err, "");

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1) {
		struct slice text = query_slice(&query, 0);
		if (!slice_is(text, "ok")) {
			bool no_memory = memmem(text.ptr, text.len, NO_MEMORY, strlen(NO_MEMORY)) != NULL;
			rc = err_set(err, no_memory ? LF_ENOMEM : LF_ECORRUPT, "%s: %.*s", spool->path, (int)text.len, text.ptr);
			break;
		}
	}
	query_close(&query);
	return rc;
}

static int check_records(struct spool *spool, struct err *err)
{
	struct clean_record_view view;
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_RECORD, err, "");

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1) {
		if (!record_intact(spool, &query, &view)) {
			rc = err_set(err, LF_ECORRUPT, "%s: record %" PRId64 ": its hash does not fit its bytes", spool->path, view.seq);
			break;
		}
	}
	query_close(&query);
	return rc;
}

int spool_check(struct spool *spool, struct err *err)
{
	int rc = spool_fold(spool, err);

	if (rc == 0)
		rc = check_structure(spool, err);
	if (rc == 0)
		rc = check_records(spool, err);
	return rc != 0 ? rc : rows_check(spool, err);
}
