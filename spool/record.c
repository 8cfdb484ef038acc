/* The log: appending records, reading them back, and what becomes of those that are damaged. */
#include "spool_internal.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "event/clean_record_make.h"
#include <stdlib.h>

#define MAX_BAD 64 /* damaged records that one reading moves away; the next reading takes the rest */

uint64_t record_hash(struct spool *spool, const struct clean_record_view *view)
{
	const struct slice texts[] = { view->source, view->session, view->message, view->key, view->link, view->body };
	const uint64_t numbers[] = { (uint64_t)view->kind, (uint64_t)view->level, view->order, (uint64_t)view->time_ms };
	struct buf *out = &spool->scratch;

	buf_clear(out);
	if (note_pack(out, numbers, sizeof numbers / sizeof numbers[0], texts, sizeof texts / sizeof texts[0]) != 0)
		return 0;
	return hash_64(out->data, out->len);
}

static struct hash128 fingerprint(struct spool *spool, const struct clean_record_view *view)
{
	struct buf *out = &spool->scratch;

	buf_clear(out);
	buf_char(out, (char)view->kind);
	buf_slice(out, view->body);
	return hash_128(out->data, out->len);
}

/* ---- appending ---- */

static bool member_differs(const struct json_doc *a, const struct json_doc *b, const char *key)
{
	return !slice_equal(json_raw(a, json_get(a, 0, key)), json_raw(b, json_get(b, 0, key)));
}

static bool bodies_differ(struct slice old, struct slice body)
{
	struct json_doc a, b;
	bool differ = true;

	json_doc_init(&a);
	json_doc_init(&b);
	if (json_parse(&a, old, 0, NULL) == 0 && json_parse(&b, body, 0, NULL) == 0)
		differ = member_differs(&a, &b, "title") || member_differs(&a, &b, "parent");
	json_doc_done(&a);
	json_doc_done(&b);
	return differ;
}

/* Whether those below a session see another title or parent than before. */
static int session_changed(struct spool *spool, const struct clean_record_view *view, bool *ret, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_FIND_SESSION, err, "ss", view->source, view->key);

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	*ret = rc != 1 || bodies_differ(query_slice(&query, 11), view->body);
	query_close(&query);
	return rc > 0 ? 0 : rc;
}

static int mark_children(struct spool *spool, const struct clean_record_view *view, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_CHILD, err, "ss", view->source, view->session);

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1)
		if ((rc = sql_run(spool, SQL_SESSION_DIRTY, err, "ssi", view->source, query_slice(&query, 1), session_next_tick(spool))) != 0)
			break;
	query_close(&query);
	return rc;
}

static int mark_dependants(struct spool *spool, const struct clean_record_view *view, bool changed, struct err *err)
{
	if (view->kind == RECORD_SESSION && changed)
		return head_mark_tree(spool, view->source, view->key, err);
	if (view->kind == RECORD_SESSION)
		return mark_children(spool, view, err);
	if (view->kind == RECORD_PART && view->link.len > 0)
		return head_mark_tree(spool, view->source, view->link, err);
	return 0;
}

static int store(struct spool *spool, const struct clean_record_view *view, const struct hash128 *fp, const struct head_decision *over, struct err *err)
{
	bool changed = true;
	int rc = 0;

	if (view->kind == RECORD_SESSION && !over->new_link)
		rc = session_changed(spool, view, &changed, err);
	if (spool->last_session && slice_equal(view->key, clean_record_view(spool->last_session)->key))
		session_forget(spool);
	if (rc == 0)
		rc = fresh_add(spool, view, fp, over, err);
	if (rc == 0)
		rc = late_touch(spool, view, err);
	return rc != 0 ? rc : mark_dependants(spool, view, changed, err);
}

/* Shows the revision that another goes over. One that is damaged is moved away instead: its head may be gone then, or an earlier one. */
static int show_earlier(struct spool *spool, struct head_decision *over, spool_record_fn *fn, void *context, struct err *err)
{
	struct clean_record_view view;
	struct query query;
	bool intact = true;
	int rc;

	if (over->row)
		return fn(context, &over->row->view, err);
	rc = query_open(&query, spool, SQL_RECORD_GET, err, "i", over->seq);
	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1) {
		intact = record_intact(spool, &query, &view);
		rc = intact ? fn(context, &view, err) : 0;
	}
	query_close(&query);
	if (intact)
		return rc;
	over->in_file = true;
	over->in_place = false;
	return record_quarantine(spool, over->seq, err);
}

struct over {
	spool_record_fn *fn; /* NULL: nobody wants to know */
	void *context;
};

static int append(struct spool *spool, const struct clean_record_view *view, const struct over *over, bool *ret_stored, struct err *err)
{
	struct hash128 fp = fingerprint(spool, view);
	struct head_decision decision;
	int rc = head_decide(spool, view, &fp, &decision, err);

	*ret_stored = rc == 0 && decision.store;
	if (!*ret_stored)
		return rc;
	if (over->fn && (decision.row || decision.seq))
		rc = show_earlier(spool, &decision, over->fn, over->context, err);
	return rc != 0 ? rc : store(spool, view, &fp, &decision, err);
}

int spool_append_over(struct spool *spool, const struct clean_record *record, spool_record_fn *fn, void *context,
                      enum spool_appended *ret, struct err *err)
{
	const struct over over = { fn, context };
	bool own, stored = false;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	spool->intake.within++;
	rc = append(spool, clean_record_view(record), &over, &stored, err);
	spool->intake.within--;
	note_record(spool, clean_record_view(record));
	rc = spool_leave(spool, own, rc, err);
	if (rc == 0 && ret)
		*ret = stored ? SPOOL_STORED : SPOOL_UNCHANGED;
	return rc;
}

int spool_append(struct spool *spool, const struct clean_record *record, enum spool_appended *ret, struct err *err)
{
	return spool_append_over(spool, record, NULL, NULL, ret, err);
}

/* ---- damaged records ---- */

static void set_level(const struct query *query, int column, struct clean_record_view *ret)
{
	ret->level = (enum record_level)query_int(query, column);
	ret->order = (uint64_t)query_int(query, column + 1);
}

static void view_as_stored(const struct query *query, struct clean_record_view *ret)
{
	*ret = (struct clean_record_view){
		.seq = query_int(query, 0),
		.source = query_slice(query, 1),
		.session = query_slice(query, 2),
		.message = query_slice(query, 3),
		.key = query_slice(query, 4),
		.kind = (enum record_kind)query_int(query, 5),
		.link = query_slice(query, 8),
		.time_ms = query_int(query, 9),
		.body = query_slice(query, 11),
	};
	set_level(query, 6, ret);
}

void record_view(const struct query *query, struct clean_record_view *ret)
{
	view_as_stored(query, ret);
	set_level(query, 12, ret);
}

bool record_intact(struct spool *spool, const struct query *query, struct clean_record_view *ret)
{
	bool intact;

	view_as_stored(query, ret);
	intact = record_hash(spool, ret) == (uint64_t)query_int(query, 10);
	spool->skipped = spool->skipped || !intact;
	set_level(query, 12, ret);
	return intact;
}

bool spool_has_skipped(const struct spool *spool)
{
	return spool->skipped;
}

/* What is left of a damaged record, as JSON: its bytes need not be JSON any more. */
static int write_letter(const struct clean_record_view *view, struct buf *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	jw_object(&json);
	jw_key(&json, "seq");
	jw_int(&json, view->seq);
	jw_key(&json, "src");
	jw_string(&json, view->source);
	jw_key(&json, "session");
	jw_string(&json, view->session);
	jw_key(&json, "message");
	jw_string(&json, view->message);
	jw_key(&json, "key");
	jw_string(&json, view->key);
	jw_key(&json, "text");
	jw_string(&json, view->body);
	jw_object_close(&json);
	return out->failed;
}

static int bury(struct spool *spool, const struct clean_record_view *view, struct err *err)
{
	struct spool_dead dead = { .reason = "corrupt", .detail = SLICE("a record's hash does not fit its bytes"), .session = view->session };
	struct buf body;
	int rc;

	buf_init(&body, 0);
	rc = write_letter(view, &body);
	dead.body = buf_view(&body);
	rc = rc != 0 ? err_set(err, rc, "a damaged record is too large to be moved") : spool_dead_put(spool, &dead, err);
	if (rc == 0)
		rc = spool_count(spool, "dropped", "corrupt", 1, err);
	buf_done(&body);
	return rc;
}

static int mark_again(struct spool *spool, const struct clean_record_view *view, struct err *err)
{
	int64_t tick = session_next_tick(spool);

	if (spool->keep_tick == INT64_MAX)
		spool->keep_tick = tick;
	return sql_run(spool, SQL_SESSION_DIRTY_AGAIN, err, "ssi", view->source, view->session, tick);
}

int record_drop(struct spool *spool, const struct clean_record_view *view, struct err *err)
{
	int rc = sql_run(spool, SQL_RECORD_DROP, err, "i", view->seq);

	return rc != 0 ? rc : sql_run(spool, SQL_HEAD_DROP, err, "ssi", view->source, view->key, view->seq);
}

static int put_earlier_revision(struct spool *spool, const struct clean_record_view *view, struct err *err)
{
	int64_t seq;
	int rc = sql_int(spool, SQL_LAST_OF_KEY, &seq, err, "ssss", view->source, view->session, view->message, view->key);

	if (rc != 0)
		return rc == LF_ENOENT ? 0 : rc;
	gap_forget(spool);
	return sql_run(spool, SQL_HEAD_FROM_RECORD, err, "i", seq);
}

static int quarantine_row(struct spool *spool, const struct query *query, struct err *err)
{
	struct clean_record_view view;
	int rc;

	record_view(query, &view);
	rc = bury(spool, &view, err);
	if (rc == 0)
		rc = record_drop(spool, &view, err);
	/* The row's own texts may be what is damaged: then its head is found by its number. */
	if (rc == 0)
		rc = sql_run(spool, SQL_HEAD_DROP_SEQ, err, "i", view.seq);
	if (rc == 0)
		rc = put_earlier_revision(spool, &view, err);
	return rc != 0 ? rc : mark_again(spool, &view, err);
}

int record_quarantine(struct spool *spool, int64_t seq, struct err *err)
{
	struct query query;
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = query_open(&query, spool, SQL_RECORD_GET, err, "i", seq);
	if (rc == 0) {
		rc = query_next(&query, err);
		if (rc == 1)
			rc = quarantine_row(spool, &query, err);
		query_close(&query);
	}
	return spool_leave(spool, own, rc, err);
}

/* ---- reading ---- */

struct reading {
	struct spool *spool;
	spool_record_fn *fn;
	void *context;
	bool once, found;
	int64_t bad[MAX_BAD];
	int bad_count;
};

static int read_row(struct reading *reading, const struct query *query, struct err *err)
{
	struct clean_record_view view;

	if (!record_intact(reading->spool, query, &view)) {
		if (reading->bad_count < MAX_BAD)
			reading->bad[reading->bad_count++] = view.seq;
		return 0;
	}
	reading->found = true;
	return reading->fn(reading->context, &view, err);
}

static int read_rows(struct reading *reading, struct query *query, struct err *err)
{
	int rc;

	while ((rc = query_next(query, err)) == 1) {
		rc = read_row(reading, query, err);
		if (rc != 0 || (reading->once && reading->found))
			break;
	}
	query_close(query);
	for (int i = 0; rc == 0 && reading->spool->writer && i < reading->bad_count; i++)
		rc = record_quarantine(reading->spool, reading->bad[i], err);
	return rc;
}

int spool_each_record(struct spool *spool, struct slice session, spool_record_fn *fn, void *context, struct err *err)
{
	struct reading reading = { .spool = spool, .fn = fn, .context = context };
	struct query query;
	int rc;

	if (session.len > 0)
		rc = query_open(&query, spool, SQL_RECORDS_OF_SESSION, err, "s", session);
	else
		rc = query_open(&query, spool, SQL_EACH_RECORD, err, "");
	return rc != 0 ? rc : read_rows(&reading, &query, err);
}

int spool_each_head(struct spool *spool, struct slice source, struct slice session, spool_record_fn *fn, void *context, struct err *err)
{
	struct reading reading = { .spool = spool, .fn = fn, .context = context };
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_HEAD, err, "ss", source, session);

	return rc != 0 ? rc : read_rows(&reading, &query, err);
}

int spool_each_part(struct spool *spool, struct slice source, struct slice session, struct slice message, spool_record_fn *fn, void *context, struct err *err)
{
	struct reading reading = { .spool = spool, .fn = fn, .context = context };
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_PART, err, "sss", source, session, message);

	return rc != 0 ? rc : read_rows(&reading, &query, err);
}

static int find(struct spool *spool, enum sql_id id, struct slice source, struct slice key, spool_record_fn *fn, void *context, struct err *err)
{
	struct reading reading = { .spool = spool, .fn = fn, .context = context, .once = true };
	struct query query;
	int rc = query_open(&query, spool, id, err, "ss", source, key);

	if (rc == 0)
		rc = read_rows(&reading, &query, err);
	return rc == 0 && !reading.found ? LF_ENOENT : rc;
}

int spool_find_link(struct spool *spool, struct slice source, struct slice child, spool_record_fn *fn, void *context, struct err *err)
{
	return find(spool, SQL_FIND_LINK, source, child, fn, context, err);
}

int spool_find_head(struct spool *spool, struct slice source, struct slice key, spool_record_fn *fn, void *context, struct err *err)
{
	return find(spool, SQL_FIND_HEAD, source, key, fn, context, err);
}

/* ---- the session that was asked for last ---- */

void session_forget(struct spool *spool)
{
	clean_record_free(spool->last_session);
	spool->last_session = NULL;
	spool->sessions_forgotten++;
}

/* What fn does may make it be forgotten: then it goes when fn has done with it. */
static int show_last_session(struct spool *spool, spool_record_fn *fn, void *context, struct err *err)
{
	struct clean_record *last = spool->last_session;
	unsigned before = spool->sessions_forgotten;
	int rc;

	spool->last_session = NULL;
	rc = fn(context, clean_record_view(last), err);
	if (spool->sessions_forgotten == before)
		spool->last_session = last;
	else
		clean_record_free(last);
	return rc;
}

struct keeping {
	struct spool *spool;
	spool_record_fn *fn;
	void *context;
};

static int keep_session(void *context, const struct clean_record_view *record, struct err *err)
{
	struct keeping *keeping = context;

	if (keeping->spool->in_transaction && keeping->spool->writer)
		keeping->spool->last_session = clean_record_new(record);
	return keeping->fn(keeping->context, record, err);
}

/* The records of one session follow one another: while nothing but appends is done its own record stays what it is. */
int spool_find_session(struct spool *spool, struct slice source, struct slice session, spool_record_fn *fn, void *context, struct err *err)
{
	struct keeping keeping = { spool, fn, context };
	const struct clean_record_view *last = spool->last_session ? clean_record_view(spool->last_session) : NULL;
	int rc;

	if (last && slice_equal(last->session, session) && slice_equal(last->key, session) && slice_equal(last->source, source))
		return show_last_session(spool, fn, context, err);
	session_forget(spool);
	if (fresh_find(spool, source, session) && (rc = fresh_write(spool, err)) != 0)
		return rc;
	return find(spool, SQL_FIND_SESSION, source, session, keep_session, &keeping, err);
}
