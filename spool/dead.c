/* Dead letters: what was given up, why, and its way back. */
#include "spool_internal.h"
#include "base/clock.h"
#include "base/hash.h"
#include "event/observation.h"

static const uint8_t no_span[8];

int spool_dead_put(struct spool *spool, const struct spool_dead *dead, struct err *err)
{
	struct slice span = { (const char *)dead->span_id, sizeof dead->span_id };
	int64_t time_ms = dead->time_ms ? dead->time_ms : clock_wall_ms();
	bool own, has_span = memcmp(dead->span_id, no_span, sizeof no_span) != 0;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	if (has_span)
		rc = sql_run(spool, SQL_DEAD_PUT, err, "isssibs", time_ms, slice_of(dead->reason), dead->detail, dead->session, (int64_t)dead->sink, span, dead->body);
	else
		rc = sql_run(spool, SQL_DEAD_PUT, err, "isssins", time_ms, slice_of(dead->reason), dead->detail, dead->session, (int64_t)dead->sink, dead->body);
	return spool_leave(spool, own, rc, err);
}

static void read_letter(const struct query *query, struct spool_dead *ret)
{
	struct slice span = query_slice(query, 5);

	*ret = (struct spool_dead){
		.id = query_int(query, 0), .time_ms = query_int(query, 1), .reason = (const char *)sqlite3_column_text(query->stmt, 2),
		.detail = query_slice(query, 3), .session = query_slice(query, 4), .body = query_slice(query, 6),
		.sink = (enum spool_sink)query_int(query, 7),
	};
	if (span.len == sizeof ret->span_id)
		memcpy(ret->span_id, span.ptr, span.len);
}

/* One statement a letter: the callback may delete it. */
int spool_each_dead(struct spool *spool, int64_t id, spool_dead_fn *fn, void *context, struct err *err)
{
	struct spool_dead dead = { 0 };
	int rc = 1;

	while (rc == 1) {
		struct query query;
		rc = query_open(&query, spool, SQL_EACH_DEAD, err, "ii", dead.id, id);
		if (rc != 0)
			return rc;
		rc = query_next(&query, err);
		if (rc == 1) {
			int stop;
			read_letter(&query, &dead);
			stop = fn(context, &dead, err);
			rc = stop != 0 ? stop : 1;
		}
		query_close(&query);
		if (rc > 1)
			break;
	}
	return rc;
}

/* ---- retry ---- */

struct retrying {
	struct spool *spool;
	uint64_t count;
};

/* The row is gone (purged, forgotten): it is made again of the letter, which holds the whole observation. */
static int restore_row(struct spool *spool, const struct spool_dead *dead, struct err *err)
{
	struct observation parsed;
	struct buf strings;
	struct slice span = { (const char *)dead->span_id, sizeof dead->span_id }, trace = { (const char *)parsed.trace_id, sizeof parsed.trace_id };
	int64_t hash = (int64_t)hash_64(dead->body.ptr, dead->body.len);
	int rc;

	buf_init(&strings, 0);
	rc = observation_parse(dead->body, &strings, &parsed, err);
	if (rc == 0)
		rc = sql_run(spool, SQL_OBSERVATION_PUT, err, "bbsssiiiii", span, trace, parsed.source, parsed.own_session, SLICE(""),
		             parsed.start_ms, (int64_t)OBSERVATION_PENDING, (int64_t)0, (int64_t)0, hash);
	if (rc == 0)
		rc = observation_put_body(spool, sqlite3_last_insert_rowid(spool->db), dead->body, err);
	buf_done(&strings);
	return rc;
}

static int revive(struct spool *spool, const struct spool_dead *dead, struct err *err)
{
	struct slice span = { (const char *)dead->span_id, sizeof dead->span_id };
	int64_t id, hash;
	int rc = sql_int(spool, SQL_OBSERVATION_OF_SPAN, &id, err, "bs", span, dead->session);

	if (rc == LF_ENOENT)
		return restore_row(spool, dead, err);
	if (rc != 0)
		return rc;
	rc = sql_int(spool, SQL_LEDGER_HASH, &hash, err, "ibi", place_of(dead->session), span, (int64_t)spool->unplaced);
	if (rc == 0)
		return sql_run(spool, SQL_OBSERVATION_SETTLE, err, "iii", id, (int64_t)OBSERVATION_DELIVERED, (int64_t)1);
	if (rc != LF_ENOENT)
		return rc;
	return sql_run(spool, SQL_OBSERVATION_SETTLE, err, "iii", id, (int64_t)OBSERVATION_PENDING, (int64_t)0);
}

/* Only observations can be sent again; a letter about input or a damaged record has nothing to send. */
static int retry_one(void *context, const struct spool_dead *dead, struct err *err)
{
	struct retrying *retrying = context;
	int rc;

	if (memcmp(dead->span_id, no_span, sizeof no_span) == 0)
		return 0;
	rc = dead->sink == SINK_LANGFUSE ? revive(retrying->spool, dead, err) : outgo_revive(retrying->spool, dead, err);
	if (rc == 0)
		rc = sql_run(retrying->spool, SQL_DEAD_DROP, err, "i", dead->id);
	retrying->count += rc == 0;
	return rc;
}

int spool_dead_retry(struct spool *spool, int64_t id, uint64_t *ret_count, struct err *err)
{
	struct retrying retrying = { .spool = spool };
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = spool_each_dead(spool, id, retry_one, &retrying, err);
	rc = spool_leave(spool, own, rc, err);
	*ret_count = rc == 0 ? retrying.count : 0;
	return rc;
}

int spool_dead_drop(struct spool *spool, int64_t id, uint64_t *ret_count, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sql_run(spool, SQL_DEAD_DROP, err, "i", id);
	*ret_count = rc == 0 ? (uint64_t)sqlite3_changes(spool->db) : 0;
	return spool_leave(spool, own, rc, err);
}
