/*
 * Records that were appended in this transaction and do not stand in the file yet, with their heads. They are written eight by one
 * statement: most of what a small row costs is the statement around it. Every statement that could see them makes them be
 * written first (late.c), and what looks for a head asks here before it asks the file. A rollback forgets them.
 */
#include "spool_internal.h"
#include "base/hash.h"
#include "event/clean_record_make.h"

#define MANY 8                   /* rows of SQL_RECORD_PUT_8 and SQL_HEAD_PUT_8 */
#define FRESH_BYTES (256u << 10) /* of bodies that are kept */
#define RECORD_VALUES 13
#define HEAD_VALUES 11

static uint64_t hash_of(struct slice source, struct slice key)
{
	return hash_64(key.ptr, key.len) + source.len;
}

struct fresh_row *fresh_find(struct spool *spool, struct slice source, struct slice key)
{
	struct fresh *fresh = &spool->fresh;
	uint64_t hash = fresh->count > 0 ? hash_of(source, key) : 0;

	for (unsigned i = fresh->count; i-- > 0;) {
		struct fresh_row *row = &fresh->rows[i];
		if (row->key_hash == hash && slice_equal(row->view.key, key) && slice_equal(row->view.source, source))
			return row;
	}
	return NULL;
}

/* ---- writing ---- */

static int bind_record(struct query *query, unsigned at, const struct fresh_row *row, struct err *err)
{
	const struct clean_record_view *view = &row->view;
	struct slice fp = { (const char *)row->fp.bytes, sizeof row->fp.bytes };

	return query_bind(query, at * RECORD_VALUES, err, "issssiiisiibs", view->seq, view->source, view->session, view->message, view->key,
	                  (int64_t)view->kind, (int64_t)view->level, (int64_t)view->order, view->link, view->time_ms, row->hash, fp, view->body);
}

static int bind_head(struct query *query, unsigned at, const struct fresh_row *row, struct err *err)
{
	const struct clean_record_view *view = &row->view;
	struct slice fp = { (const char *)row->fp.bytes, sizeof row->fp.bytes };

	return query_bind(query, at * HEAD_VALUES, err, "ssissiiibsi", view->source, view->key, view->seq, view->session, view->message,
	                  (int64_t)view->kind, (int64_t)row->level, (int64_t)row->order, fp, view->link, view->time_ms);
}

typedef int bind_fn(struct query *query, unsigned at, const struct fresh_row *row, struct err *err);

static int put_once(struct spool *spool, enum sql_id id, bind_fn *bind, struct fresh_row *const *rows, unsigned n, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, id, err, "");

	if (rc != 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = bind(&query, i, rows[i], err);
	if (rc == 0)
		rc = query_next(&query, err);
	query_close(&query);
	return rc;
}

static int put_all(struct spool *spool, enum sql_id many, enum sql_id one, bind_fn *bind, struct fresh_row *const *rows, unsigned n, struct err *err)
{
	unsigned i = 0;
	int rc = 0;

	for (; rc == 0 && n - i >= MANY; i += MANY)
		rc = put_once(spool, many, bind, rows + i, MANY, err);
	for (; rc == 0 && i < n; i++)
		rc = put_once(spool, one, bind, rows + i, 1, err);
	return rc;
}

/* A head that stands in the file already: its place in the indexes stays, or not. */
static int change_head(struct spool *spool, struct fresh_row *row, struct err *err)
{
	const struct clean_record_view *view = &row->view;
	struct slice fp = { (const char *)row->fp.bytes, sizeof row->fp.bytes };

	if (!row->in_place)
		return put_once(spool, SQL_HEAD_CHANGE, bind_head, &row, 1, err);
	return sql_run(spool, SQL_HEAD_MOVE, err, "ssiiibi", view->source, view->key, view->seq, (int64_t)row->level, (int64_t)row->order, fp, view->time_ms);
}

static int write_rows(struct spool *spool, struct err *err)
{
	struct fresh *fresh = &spool->fresh;
	struct fresh_row *records[FRESH_ROWS], *heads[FRESH_ROWS];
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < fresh->count; i++) {
		records[i] = &fresh->rows[i];
		if (records[i]->latest && !records[i]->in_file)
			heads[n++] = records[i];
	}
	rc = put_all(spool, SQL_RECORD_PUT_8, SQL_RECORD_PUT, bind_record, records, fresh->count, err);
	if (rc == 0)
		rc = put_all(spool, SQL_HEAD_PUT_8, SQL_HEAD_PUT, bind_head, heads, n, err);
	for (unsigned i = 0; rc == 0 && i < fresh->count; i++)
		if (records[i]->latest && records[i]->in_file)
			rc = change_head(spool, records[i], err);
	return rc;
}

static void clear(struct fresh *fresh)
{
	for (unsigned i = 0; i < fresh->count; i++)
		clean_record_free(fresh->rows[i].copy);
	fresh->count = 0;
	fresh->bytes = 0;
}

int fresh_write(struct spool *spool, struct err *err)
{
	struct fresh *fresh = &spool->fresh;
	int rc = 0;

	if (fresh->failed != 0)
		return err_set(err, fresh->failed, "%s: records could not be written", spool->path);
	if (fresh->count > 0)
		rc = fresh->failed = write_rows(spool, err);
	clear(fresh);
	return rc;
}

/* ---- adding ---- */

static int next_seq(struct spool *spool, int64_t *ret, struct err *err)
{
	struct fresh *fresh = &spool->fresh;
	int rc = fresh->last_seq != 0 ? 0 : sql_int(spool, SQL_RECORD_LAST, &fresh->last_seq, err, "");

	if (rc != 0)
		return rc;
	if (fresh->last_seq == INT64_MAX)
		return err_set(err, LF_EFULL, "%s: there is no number left for another record", spool->path);
	*ret = ++fresh->last_seq;
	return 0;
}

int fresh_add(struct spool *spool, const struct clean_record_view *view, const struct hash128 *fp, const struct head_decision *over, struct err *err)
{
	struct fresh *fresh = &spool->fresh;
	struct fresh_row *older = fresh_find(spool, view->source, view->key), *row = &fresh->rows[fresh->count];
	bool large = view->body.len > FRESH_BYTES;
	int64_t seq = 0;
	int rc = next_seq(spool, &seq, err);

	if (rc != 0)
		return rc;
	if (older)
		older->latest = false;
	*row = (struct fresh_row){
		.copy = large ? NULL : clean_record_new(view), .fp = *fp, .hash = (int64_t)record_hash(spool, view),
		.key_hash = hash_of(view->source, view->key), .level = view->level, .order = view->order,
		.latest = true, .in_file = over->in_file, .in_place = over->in_place,
	};
	row->view = large ? *view : *clean_record_view(row->copy);
	row->view.seq = seq;
	fresh->bytes += view->body.len;
	fresh->count++;
	return fresh->count == FRESH_ROWS || fresh->bytes > FRESH_BYTES ? fresh_write(spool, err) : 0;
}

void fresh_forget(struct spool *spool)
{
	clear(&spool->fresh);
	spool->fresh.failed = 0;
	spool->fresh.last_seq = 0;
}
