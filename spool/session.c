/* What is known of each session: its marks (dirty, open), its place in the tree; and the cursors of sources. */
#include "spool_internal.h"
#include "base/json.h"

int64_t session_next_tick(struct spool *spool)
{
	return ++spool->tick;
}

static int each_id(struct query *query, spool_id_fn *fn, void *context, struct err *err)
{
	int rc;

	while ((rc = query_next(query, err)) == 1)
		if ((rc = fn(context, query_slice(query, 0), query_slice(query, 1), err)) != 0)
			break;
	query_close(query);
	return rc;
}

int spool_each_child(struct spool *spool, struct slice source, struct slice session, spool_id_fn *fn, void *context, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_CHILD, err, "ss", source, session);

	return rc != 0 ? rc : each_id(&query, fn, context, err);
}

int spool_each_dirty(struct spool *spool, unsigned max, spool_id_fn *fn, void *context, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_DIRTY, err, "i", (int64_t)max);

	return rc != 0 ? rc : each_id(&query, fn, context, err);
}

int spool_each_dirty_newest(struct spool *spool, unsigned max, spool_id_fn *fn, void *context, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_DIRTY_NEWEST, err, "i", (int64_t)max);

	return rc != 0 ? rc : each_id(&query, fn, context, err);
}

int spool_each_stale(struct spool *spool, int64_t limit_ms, int64_t stored_limit_ms, int64_t wall_ms, spool_id_fn *fn, void *context, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_STALE, err, "iii", limit_ms, stored_limit_ms, wall_ms);

	return rc != 0 ? rc : each_id(&query, fn, context, err);
}

int spool_mark_dirty(struct spool *spool, struct slice source, struct slice session, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sql_run(spool, SQL_SESSION_DIRTY, err, "ssi", source, session, session_next_tick(spool));
	return spool_leave(spool, own, rc, err);
}

int spool_mark_clean(struct spool *spool, struct slice source, struct slice session, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sql_run(spool, SQL_SESSION_CLEAN, err, "ssi", source, session, spool->keep_tick);
	return spool_leave(spool, own, rc, err);
}

int spool_set_open(struct spool *spool, struct slice source, struct slice session, bool open, int64_t last_ms, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sql_run(spool, SQL_SESSION_OPEN, err, "ssii", source, session, (int64_t)open, last_ms);
	return spool_leave(spool, own, rc, err);
}

int spool_cursor_set(struct spool *spool, struct slice source, struct slice name, struct slice value, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	spool->intake.within++;
	if (value.len > 0)
		rc = sql_run(spool, SQL_CURSOR_SET, err, "sss", source, name, value);
	else
		rc = sql_run(spool, SQL_CURSOR_DROP, err, "ss", source, name);
	spool->intake.within--;
	note_cursor(spool, source, name, value);
	return spool_leave(spool, own, rc, err);
}

int spool_each_cursor(struct spool *spool, struct slice source, spool_cursor_fn *fn, void *context, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_CURSOR, err, "s", source);

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1)
		if ((rc = fn(context, query_slice(&query, 0), query_slice(&query, 1), err)) != 0)
			break;
	query_close(&query);
	return rc;
}

static int get_text(struct query *query, struct buf *ret, struct err *err)
{
	int rc = query_next(query, err);

	if (rc == 1)
		rc = buf_slice(ret, query_slice(query, 0));
	else if (rc == 0)
		rc = LF_ENOENT;
	query_close(query);
	return rc;
}

int spool_cursor_get(struct spool *spool, struct slice source, struct slice name, struct buf *ret, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_CURSOR_GET, err, "ss", source, name);

	return rc != 0 ? rc : get_text(&query, ret, err);
}

int spool_meta_get(struct spool *spool, const char *name, struct buf *ret, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_META_GET, err, "s", slice_of(name));

	return rc != 0 ? rc : get_text(&query, ret, err);
}

/* Title and time of creation stand in the session's own record. */
static void read_body(struct slice body, struct buf *title, struct spool_session_row *row)
{
	struct json_doc doc;

	buf_clear(title);
	json_doc_init(&doc);
	if (body.len > 0 && json_parse(&doc, body, 0, NULL) == 0) {
		if (json_text(&doc, json_get(&doc, 0, "title"), title) == 0)
			row->title = buf_view(title);
		row->created_ms = json_int(&doc, json_get(&doc, 0, "created"), row->created_ms);
	}
	json_doc_done(&doc);
}

int spool_each_session(struct spool *spool, spool_session_fn *fn, void *context, struct err *err)
{
	struct query query;
	struct buf title;
	int rc = query_open(&query, spool, SQL_EACH_SESSION, err, "");

	if (rc != 0)
		return rc;
	buf_init(&title, 0);
	while ((rc = query_next(&query, err)) == 1) {
		struct spool_session_row row = {
			.source = query_slice(&query, 0), .id = query_slice(&query, 1),
			.last_ms = query_int(&query, 2), .records = (uint64_t)query_int(&query, 3),
			.observations = (uint64_t)query_int(&query, 4), .delivered = (uint64_t)query_int(&query, 5),
			.parent = query_slice(&query, 6), .created_ms = query_int(&query, 8),
		};
		read_body(query_slice(&query, 7), &title, &row);
		rc = fn(context, &row, err);
		if (rc != 0)
			break;
	}
	query_close(&query);
	buf_done(&title);
	return rc;
}
