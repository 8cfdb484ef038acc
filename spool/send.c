/* Sends: batches that are written down before the POST, and how their rows are settled. */
#include "spool_internal.h"
#include "base/clock.h"
#include "base/mem.h"
#include <stdlib.h>

/* Numbers that follow one another: what is sent together was put together, and a statement for a range is quicker than one for each. */
struct range {
	int64_t first, last;
	int64_t send;
};
typedef int range_fn(struct spool *spool, const struct range *range, struct err *err);

/* The number of the next row goes to the range, or begins another. INT64_MAX: there is none. */
static int extend(struct spool *spool, struct range *range, int64_t row, range_fn *fn, struct err *err)
{
	int rc = 0;

	if (range->last > 0 && row == range->last + 1) {
		range->last = row;
		return 0;
	}
	if (range->last > 0)
		rc = fn(spool, range, err);
	range->first = range->last = row;
	return rc;
}

static int add_range(struct spool *spool, const struct range *range, struct err *err)
{
	int64_t count = range->last - range->first + 1;
	int rc = sql_run(spool, SQL_SEND_ROWS_PUT, err, "iii", range->send, range->first, range->last);

	if (rc == 0 && sqlite3_changes(spool->db) != count)
		return err_set(err, LF_EINVAL, "observation %lld, or one of the %lld from it on, cannot be sent: it is gone or on its way already",
		               (long long)range->first, (long long)count);
	return rc != 0 ? rc : sql_run(spool, SQL_SEND_FLIES, err, "ii", range->first, range->last);
}

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int add_rows(struct spool *spool, const int64_t *rows, unsigned count, int64_t send, struct err *err)
{
	int64_t *sorted = xcalloc((size_t)count + 1, sizeof *sorted);
	struct range range = { .send = send };
	int rc = 0;

	if (count > 0)
		memcpy(sorted, rows, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, by_number);
	sorted[count] = INT64_MAX;
	for (unsigned i = 0; rc == 0 && i <= count; i++)
		rc = extend(spool, &range, sorted[i], add_range, err);
	free(sorted);
	return rc;
}

int spool_send_put(struct spool *spool, const int64_t *rows, unsigned count, int64_t now_ms, int64_t *ret_id, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sql_run(spool, SQL_SEND_PUT, err, "i", now_ms);
	if (rc == 0) {
		*ret_id = sqlite3_last_insert_rowid(spool->db);
		rc = add_rows(spool, rows, count, *ret_id, err);
	}
	return spool_leave(spool, own, rc, err);
}

static int give_send(struct spool *spool, struct spool_send *send, spool_send_fn *fn, void *context, struct err *err)
{
	int64_t *rows = NULL;
	unsigned cap = 0;
	struct query query;
	int rc = query_open(&query, spool, SQL_SEND_ROWS, err, "i", send->id);

	if (rc != 0)
		return rc;
	send->count = 0;
	while ((rc = query_next(&query, err)) == 1) {
		if (send->count == cap) {
			cap = cap ? cap * 2 : 64;
			rows = xrealloc(rows, cap * sizeof *rows);
		}
		rows[send->count++] = query_int(&query, 0);
	}
	query_close(&query);
	send->rows = rows;
	if (rc == 0)
		rc = fn(context, send, err);
	free(rows);
	return rc;
}

/* One statement a send: the callback may end it. */
static int next_send(struct spool *spool, struct spool_send *ret, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_SEND, err, "i", ret->id);

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1)
		*ret = (struct spool_send){
			.id = query_int(&query, 0), .created_ms = query_int(&query, 1),
			.attempts = (unsigned)query_int(&query, 2), .in_doubt = query_int(&query, 3) != 0,
		};
	query_close(&query);
	return rc;
}

int spool_each_send(struct spool *spool, spool_send_fn *fn, void *context, struct err *err)
{
	struct spool_send send = { 0 };
	int rc;

	while ((rc = next_send(spool, &send, err)) == 1)
		if ((rc = give_send(spool, &send, fn, context, err)) != 0)
			break;
	return rc;
}

/* ---- settling ---- */

struct sent { /* one row of a send; the observation itself may have been purged */
	int64_t place, hash;
	struct slice span, trace;
};

static int write_delivered(struct spool *spool, const struct sent *sent, int64_t row, struct err *err)
{
	int64_t hash;
	int rc = spool->unplaced ? sql_run(spool, SQL_LEDGER_UNPLACE, err, "b", sent->span) : 0;

	if (rc == 0)
		rc = sql_run(spool, SQL_LEDGER_PUT, err, "ibbii", sent->place, sent->span, sent->trace, clock_wall_ms(), sent->hash);
	if (rc == 0)
		rc = sql_run(spool, SQL_SEND_ROW_DROP, err, "i", row);
	if (rc == 0)
		rc = sql_int(spool, SQL_OBSERVATION_HASH, &hash, err, "i", row);
	if (rc != 0)
		return rc == LF_ENOENT ? 0 : rc;
	/* What was assembled anew while the request was under way was not delivered like that. */
	return sql_run(spool, SQL_OBSERVATION_SETTLE, err, "iii", row, (int64_t)OBSERVATION_DELIVERED, (int64_t)(hash != sent->hash));
}

/* A row that was delivered once, in another version, never becomes pending again: that would double it. */
static int back_to(struct spool *spool, const struct sent *sent, int64_t row, enum observation_state state, bool changed, struct err *err)
{
	int64_t hash;
	int rc = sql_int(spool, SQL_LEDGER_HASH, &hash, err, "ibi", sent->place, sent->span, (int64_t)spool->unplaced);

	if (rc != 0 && rc != LF_ENOENT)
		return rc;
	if (rc == 0)
		state = OBSERVATION_DELIVERED;
	rc = sql_run(spool, SQL_SEND_ROW_DROP, err, "i", row);
	return rc != 0 ? rc : sql_run(spool, SQL_OBSERVATION_SETTLE, err, "iii", row, (int64_t)state, (int64_t)(state == OBSERVATION_DELIVERED && changed));
}

static int settle_delivered(struct spool *spool, const struct sent *sent, int64_t send, int64_t row, const char *reason, struct err *err)
{
	(void)send, (void)reason;
	return write_delivered(spool, sent, row, err);
}

static int settle_retry(struct spool *spool, const struct sent *sent, int64_t send, int64_t row, const char *reason, struct err *err)
{
	(void)send, (void)reason;
	return back_to(spool, sent, row, OBSERVATION_PENDING, true, err);
}

static int settle_in_doubt(struct spool *spool, const struct sent *sent, int64_t send, int64_t row, const char *reason, struct err *err)
{
	int rc = sql_run(spool, SQL_OBSERVATION_STATE, err, "ii", row, (int64_t)OBSERVATION_IN_DOUBT);

	(void)sent, (void)reason;
	return rc != 0 ? rc : sql_run(spool, SQL_SEND_IN_DOUBT, err, "i", send);
}

struct letter {
	struct spool *spool;
	const char *reason;
};

/* "rejected: 400 bad request": the first word is the reason, the rest is for people. */
static int write_letter(void *context, const struct spool_observation *observation, struct err *err)
{
	struct letter *letter = context;
	const char *text = letter->reason ? letter->reason : "rejected", *colon = strchr(text, ':');
	char *word = xmemdup0(text, colon ? (size_t)(colon - text) : strlen(text));
	struct spool_dead dead = {
		.reason = word, .session = observation->session, .body = observation->body,
		.detail = slice_of(colon ? colon + 1 + strspn(colon + 1, " ") : ""),
	};
	int rc;

	memcpy(dead.span_id, observation->span_id, sizeof dead.span_id);
	rc = spool_dead_put(letter->spool, &dead, err);
	free(word);
	return rc;
}

static int settle_dead(struct spool *spool, const struct sent *sent, int64_t send, int64_t row, const char *reason, struct err *err)
{
	struct letter letter = { spool, reason };
	int rc = spool_get_observation(spool, row, write_letter, &letter, err);

	(void)send;
	if (rc != 0 && rc != LF_ENOENT)
		return rc;
	return back_to(spool, sent, row, OBSERVATION_DEAD, false, err);
}

static int (*const settlers[])(struct spool *, const struct sent *, int64_t, int64_t, const char *, struct err *) = {
	[SETTLE_DELIVERED] = settle_delivered,
	[SETTLE_RETRY] = settle_retry,
	[SETTLE_IN_DOUBT] = settle_in_doubt,
	[SETTLE_DEAD] = settle_dead,
};

static int settle(struct spool *spool, int64_t send_id, int64_t row, enum settle how, const char *reason, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_SEND_ROW_GET, err, "ii", send_id, row);

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1) {
		struct sent sent = { .place = query_int(&query, 0), .span = query_slice(&query, 1), .trace = query_slice(&query, 2), .hash = query_int(&query, 3) };
		rc = settlers[how](spool, &sent, send_id, row, reason, err);
	} else if (rc == 0) {
		rc = err_set(err, LF_ENOENT, "send %lld has no row %lld", (long long)send_id, (long long)row);
	}
	query_close(&query);
	return rc;
}

int spool_settle(struct spool *spool, int64_t send_id, int64_t row, enum settle how, const char *reason, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = settle(spool, send_id, row, how, reason, err);
	return spool_leave(spool, own, rc, err);
}

static int range_arrived(struct spool *spool, const struct range *range, struct err *err)
{
	return sql_run(spool, SQL_SEND_ARRIVED, err, "ii", range->first, range->last);
}

/* Some of them may have been purged. */
static int all_arrived(struct spool *spool, int64_t send_id, struct err *err)
{
	struct range range = { .send = send_id };
	struct query query;
	int rc = query_open(&query, spool, SQL_SEND_OF, err, "i", send_id);

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1)
		if ((rc = extend(spool, &range, query_int(&query, 0), range_arrived, err)) != 0)
			break;
	query_close(&query);
	return rc != 0 ? rc : extend(spool, &range, INT64_MAX, range_arrived, err);
}

int spool_send_arrived(struct spool *spool, int64_t send_id, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	if (spool->unplaced)
		rc = sql_run(spool, SQL_SEND_UNPLACE, err, "i", send_id);
	if (rc == 0)
		rc = sql_run(spool, SQL_SEND_ENTER, err, "ii", send_id, clock_wall_ms());
	if (rc == 0)
		rc = all_arrived(spool, send_id, err);
	if (rc == 0)
		rc = sql_run(spool, SQL_SEND_ROWS_DROP, err, "i", send_id);
	return spool_leave(spool, own, rc, err);
}

int spool_send_end(struct spool *spool, int64_t send_id, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	/* Rows whose observation was purged hold a send no longer than their answer took. */
	rc = sql_run(spool, SQL_SEND_ROWS_DROP_LOST, err, "");
	if (rc == 0)
		rc = sql_run(spool, SQL_SEND_END, err, "i", send_id);
	if (rc == 0 && sqlite3_changes(spool->db) == 0)
		rc = sql_run(spool, SQL_SEND_KEEP, err, "i", send_id);
	return spool_leave(spool, own, rc, err);
}
