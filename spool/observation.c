/* The outbox: putting the observations of a session, and reading them. */
#include "spool_internal.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>

static uint64_t span_number(const void *span_id)
{
	uint64_t number;

	memcpy(&number, span_id, sizeof number);
	return number;
}

static void copy_id(struct slice from, uint8_t *to, size_t n)
{
	memset(to, 0, n);
	memcpy(to, from.ptr, from.len < n ? from.len : n);
}

void observation_row(const struct query *query, struct spool_observation *ret)
{
	*ret = (struct spool_observation){
		.rowid = query_int(query, 0), .source = query_slice(query, 3), .session = query_slice(query, 4),
		.turn = query_slice(query, 5), .start_ms = query_int(query, 6), .state = (enum observation_state)query_int(query, 7),
		.version = (unsigned)query_int(query, 8), .body = query_slice(query, 9),
	};
	copy_id(query_slice(query, 1), ret->span_id, sizeof ret->span_id);
	copy_id(query_slice(query, 2), ret->trace_id, sizeof ret->trace_id);
}

/* ---- putting ---- */

static void put_set_clear(struct put_set *set)
{
	char *source = NULL, *session = NULL;

	memcpy(&source, &set->source.ptr, sizeof source);
	memcpy(&session, &set->session.ptr, sizeof session);
	free(source);
	free(session);
	set->source = set->session = SLICE_NONE;
	set->active = false;
	for (int i = 0; i < SINK_COUNT; i++)
		set->lists[i].count = 0;
}

void put_set_done(struct put_set *set)
{
	put_set_clear(set);
	for (int i = 0; i < SINK_COUNT; i++)
		free(set->lists[i].spans);
	*set = (struct put_set){ 0 };
}

void put_set_add(struct put_set *set, enum spool_sink sink, const void *span_id)
{
	struct put_spans *list = &set->lists[sink];

	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->spans = xrealloc(list->spans, list->cap * sizeof *list->spans);
	}
	list->spans[list->count++] = span_number(span_id);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void put_set_sort(struct put_set *set)
{
	for (int i = 0; i < SINK_COUNT; i++)
		if (set->lists[i].count > 1)
			qsort(set->lists[i].spans, set->lists[i].count, sizeof *set->lists[i].spans, by_value);
}

bool put_set_has(const struct put_set *set, enum spool_sink sink, const void *span_id)
{
	const struct put_spans *list = &set->lists[sink];
	uint64_t span = span_number(span_id);

	return list->count > 0 && bsearch(&span, list->spans, list->count, sizeof span, by_value) != NULL;
}

int spool_observations_begin(struct spool *spool, struct slice source, struct slice session, struct err *err)
{
	struct put_set *set = &spool->put;
	int64_t none;
	int rc;

	if (!spool->in_transaction)
		return err_set(err, LF_EINVAL, "observations are put inside a transaction");
	rc = sql_int(spool, SQL_OBSERVATION_NONE_OF, &none, err, "si", session, place_of(session));
	if (rc != 0)
		return rc;
	put_set_clear(set);
	set->fresh = none != 0;
	set->source = (struct slice){ xmemdup0(source.ptr, source.len), source.len };
	set->session = (struct slice){ xmemdup0(session.ptr, session.len), session.len };
	set->active = true;
	return 0;
}

struct standing { /* of the row that is there */
	int64_t id, hash;
	enum observation_state state;
	bool same_place; /* trace, turn, session and start are as before */
};

static int find_standing(struct spool *spool, const struct spool_observation *o, struct slice span, struct standing *ret, struct err *err)
{
	struct slice trace = { (const char *)o->trace_id, sizeof o->trace_id };
	struct query query;
	int rc = query_open(&query, spool, SQL_OBSERVATION_OF_SPAN, err, "bs", span, o->session);

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1) {
		ret->id = query_int(&query, 0);
		ret->hash = query_int(&query, 1);
		ret->state = (enum observation_state)query_int(&query, 2);
		ret->same_place = slice_equal(query_slice(&query, 3), trace) && slice_equal(query_slice(&query, 4), o->source) &&
		                  slice_equal(query_slice(&query, 5), o->session) && slice_equal(query_slice(&query, 6), o->turn) &&
		                  query_int(&query, 7) == o->start_ms;
	}
	query_close(&query);
	return rc == 0 ? LF_ENOENT : rc > 0 ? 0 : rc;
}

int observation_put_body(struct spool *spool, int64_t rowid, struct slice body, struct err *err)
{
	return sql_run(spool, SQL_BODY_PUT, err, "is", rowid, body);
}

/* A new row is not always new to the server: the ledger knows what was delivered before the row was dropped. */
static int put_new(struct spool *spool, const struct spool_observation *o, struct slice span, int64_t hash, struct err *err)
{
	struct slice trace = { (const char *)o->trace_id, sizeof o->trace_id };
	int64_t delivered_hash, one;
	int64_t state = OBSERVATION_PENDING, changed = 0;
	int rc = sql_int(spool, SQL_LEDGER_HASH, &delivered_hash, err, "ibi", place_of(o->session), span, (int64_t)spool->unplaced);

	if (rc == 0) {
		state = OBSERVATION_DELIVERED;
		changed = delivered_hash != hash;
	} else if (rc == LF_ENOENT) {
		rc = sql_int(spool, SQL_DEAD_OF_SPAN, &one, err, "b", span);
		if (rc == 0)
			state = OBSERVATION_DEAD;
	}
	if (rc != 0 && rc != LF_ENOENT)
		return rc;
	rc = sql_run(spool, SQL_OBSERVATION_PUT, err, "bbsssiiiii", span, trace, o->source, o->session, o->turn, o->start_ms,
	             state, changed, changed, hash);
	return rc != 0 ? rc : observation_put_body(spool, sqlite3_last_insert_rowid(spool->db), o->body, err);
}

/* Of a session of which nothing is known. LF_ENOENT: the span was put before. */
static int put_fresh(struct spool *spool, const struct spool_observation *o, struct slice span, int64_t hash, struct err *err)
{
	struct slice trace = { (const char *)o->trace_id, sizeof o->trace_id };
	int rc = sql_run(spool, SQL_OBSERVATION_PUT_FRESH, err, "bbsssii", span, trace, o->source, o->session, o->turn, o->start_ms, hash);

	if (rc == 0 && sqlite3_changes(spool->db) == 0)
		return LF_ENOENT;
	rows_waits(spool, SINK_LANGFUSE, 1); /* a transaction that fails forgets it */
	return rc != 0 ? rc : observation_put_body(spool, sqlite3_last_insert_rowid(spool->db), o->body, err);
}

int spool_find_state(struct spool *spool, struct slice session, const uint8_t span_id[8], enum observation_state *ret, struct err *err)
{
	struct slice span = { (const char *)span_id, 8 };
	int64_t ignored;
	struct query query;
	int rc = query_open(&query, spool, SQL_OBSERVATION_OF_SPAN, err, "bs", span, session);

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1)
		*ret = (enum observation_state)query_int(&query, 2);
	query_close(&query);
	if (rc != 0)
		return rc > 0 ? 0 : rc;
	rc = sql_int(spool, SQL_LEDGER_HASH, &ignored, err, "ibi", place_of(session), span, (int64_t)spool->unplaced);
	if (rc == 0)
		*ret = OBSERVATION_DELIVERED;
	if (rc != LF_ENOENT)
		return rc;
	rc = sql_int(spool, SQL_DEAD_OF_SPAN, &ignored, err, "b", span);
	if (rc == 0)
		*ret = OBSERVATION_DEAD;
	return rc;
}

static int put_changed(struct spool *spool, const struct spool_observation *o, const struct standing *standing, int64_t hash, struct err *err)
{
	struct slice trace = { (const char *)o->trace_id, sizeof o->trace_id };
	int64_t changed = standing->state == OBSERVATION_DELIVERED && standing->hash != hash;

	int rc = sql_run(spool, SQL_OBSERVATION_CHANGE, err, "ibsssiii", standing->id, trace, o->source, o->session, o->turn, o->start_ms, changed, hash);

	return rc != 0 || standing->hash == hash ? rc : observation_put_body(spool, standing->id, o->body, err);
}

static int put_known(struct spool *spool, const struct spool_observation *o, struct slice span, int64_t hash, struct err *err)
{
	struct standing standing = { 0 };
	int rc = find_standing(spool, o, span, &standing, err);

	if (rc == LF_ENOENT)
		return put_new(spool, o, span, hash, err);
	if (rc == 0 && (standing.hash != hash || !standing.same_place))
		rc = put_changed(spool, o, &standing, hash, err);
	return rc;
}

int spool_observations_put(struct spool *spool, const struct spool_observation *observation, struct err *err)
{
	struct slice span = { (const char *)observation->span_id, sizeof observation->span_id };
	int64_t hash = (int64_t)hash_64(observation->body.ptr, observation->body.len);
	bool own;
	int rc;

	if (!spool->put.active)
		return err_set(err, LF_EINVAL, "spool_observations_put without spool_observations_begin");
	rc = spool_enter(spool, &own, err);
	if (rc != 0)
		return rc;
	put_set_add(&spool->put, SINK_LANGFUSE, observation->span_id);
	rc = spool->put.fresh ? put_fresh(spool, observation, span, hash, err) : LF_ENOENT;
	if (rc == LF_ENOENT)
		rc = put_known(spool, observation, span, hash, err);
	return spool_leave(spool, own, rc, err);
}

#define MANY 8 /* rows of SQL_OBSERVATION_PUT_FRESH_8 and SQL_BODY_PUT_8 */

static int put_many_rows(struct spool *spool, const struct spool_observation *rows, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_OBSERVATION_PUT_FRESH_8, err, "");

	if (rc != 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < MANY; i++) {
		const struct spool_observation *o = &rows[i];
		struct slice span = { (const char *)o->span_id, sizeof o->span_id }, trace = { (const char *)o->trace_id, sizeof o->trace_id };

		rc = query_bind(&query, 7 * i, err, "bbsssii", span, trace, o->source, o->session, o->turn, o->start_ms, (int64_t)hash_64(o->body.ptr, o->body.len));
	}
	if (rc == 0)
		rc = query_next(&query, err);
	query_close(&query);
	return rc;
}

/* Rows that one statement puts are numbered one after the other. */
static int put_many(struct spool *spool, const struct spool_observation *rows, struct err *err)
{
	struct query query;
	int64_t first;
	int rc = put_many_rows(spool, rows, err);

	if (rc != 0)
		return rc;
	first = sqlite3_last_insert_rowid(spool->db) - (MANY - 1);
	rc = query_open(&query, spool, SQL_BODY_PUT_8, err, "");
	if (rc != 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < MANY; i++) {
		put_set_add(&spool->put, SINK_LANGFUSE, rows[i].span_id);
		rc = query_bind(&query, 2 * i, err, "is", first + i, rows[i].body);
	}
	if (rc == 0)
		rc = query_next(&query, err);
	query_close(&query);
	rows_waits(spool, SINK_LANGFUSE, MANY); /* a transaction that fails forgets it */
	return rc;
}

int spool_observations_put_all(struct spool *spool, const struct spool_observation *rows, size_t count, struct err *err)
{
	size_t i = 0;
	int rc = 0;

	if (spool->put.active && spool->in_transaction && spool->put.fresh)
		for (; rc == 0 && count - i >= MANY; i += MANY)
			rc = put_many(spool, rows + i, err);
	for (; rc == 0 && i < count; i++)
		rc = spool_observations_put(spool, &rows[i], err);
	return rc;
}

/* What was not put again and nobody has sent is gone. */
static int drop_others(struct spool *spool, struct err *err)
{
	struct put_set *set = &spool->put;
	struct query query;
	int rc = query_open(&query, spool, SQL_OBSERVATIONS_PENDING_OF, err, "ss", set->source, set->session);

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1) {
		if (put_set_has(set, SINK_LANGFUSE, query_slice(&query, 1).ptr))
			continue;
		rc = sql_run(spool, SQL_OBSERVATION_DROP, err, "i", query_int(&query, 0));
		if (rc != 0)
			break;
	}
	query_close(&query);
	return rc;
}

int spool_observations_end(struct spool *spool, struct err *err)
{
	struct put_set *set = &spool->put;
	int rc;

	if (!set->active || !spool->in_transaction)
		return err_set(err, LF_EINVAL, "spool_observations_end without spool_observations_begin");
	put_set_sort(set);
	rc = set->fresh ? 0 : drop_others(spool, err); /* of what is fresh all rows are of this set */
	if (rc == 0)
		rc = outgo_end(spool, err);
	put_set_clear(set);
	return rc;
}

/* ---- reading ---- */

int spool_get_observation(struct spool *spool, int64_t rowid, spool_observation_fn *fn, void *context, struct err *err)
{
	struct spool_observation row;
	struct query query;
	int rc = query_open(&query, spool, SQL_OBSERVATION_GET, err, "i", rowid);

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1) {
		observation_row(&query, &row);
		rc = fn(context, &row, err);
	} else if (rc == 0) {
		rc = err_set(err, LF_ENOENT, "no such observation");
	}
	query_close(&query);
	return rc;
}

struct ids {
	int64_t *items;
	size_t count, cap;
};

static void ids_add(struct ids *ids, int64_t id)
{
	if (ids->count == ids->cap) {
		ids->cap = ids->cap ? ids->cap * 2 : 64;
		ids->items = xrealloc(ids->items, ids->cap * sizeof *ids->items);
	}
	ids->items[ids->count++] = id;
}

static int collect(struct query *query, struct ids *ids, struct err *err)
{
	int rc;

	while ((rc = query_next(query, err)) == 1)
		ids_add(ids, query_int(query, 0));
	query_close(query);
	return rc;
}

/* First the numbers in order, then the bodies one by one: sorting would hold all bodies in memory. */
int spool_each_observation(struct spool *spool, struct slice session, spool_observation_fn *fn, void *context, struct err *err)
{
	struct ids ids = { 0 };
	struct query query;
	int rc;

	if (session.len > 0)
		rc = query_open(&query, spool, SQL_OBSERVATION_IDS_OF, err, "s", session);
	else
		rc = query_open(&query, spool, SQL_OBSERVATION_IDS, err, "");
	if (rc == 0)
		rc = collect(&query, &ids, err);
	for (size_t i = 0; rc == 0 && i < ids.count; i++) {
		rc = spool_get_observation(spool, ids.items[i], fn, context, err);
		if (rc == LF_ENOENT) /* a reader outside a transaction may meet a row that is just gone */
			rc = 0;
	}
	free(ids.items);
	return rc;
}

/* One row at least is given, however large it is. */
static int pick(struct picking *picking, const struct spool_observation *row, struct err *err)
{
	if (picking->count == picking->max_count || (picking->count > 0 && picking->bytes + row->body.len > picking->max_bytes)) {
		picking->full = true;
		return 0;
	}
	picking->count++;
	picking->bytes += row->body.len;
	return picking->fn(picking->context, row, err);
}

/* Oldest and newest by turns until they meet: a backlog neither starves a fresh session nor is starved by it. */
int pick_by_turns(struct picking *picking, struct query ends[2], struct err *err)
{
	struct spool_observation row;
	int64_t last[2] = { -1, -1 };
	int rc = 0;

	for (int turn = 0; rc == 0 && !picking->full; turn = !turn) {
		rc = query_next(&ends[turn], err);
		if (rc != 1)
			return rc;
		observation_row(&ends[turn], &row);
		if (row.rowid == last[!turn])
			return 0;
		last[turn] = row.rowid;
		rc = pick(picking, &row, err);
	}
	return rc;
}

static int pick_pending(struct spool *spool, struct picking *picking, struct err *err)
{
	struct query ends[2];
	int rc = query_open(&ends[0], spool, SQL_PENDING_OLDEST, err, "");

	if (rc != 0)
		return rc;
	rc = query_open(&ends[1], spool, SQL_PENDING_NEWEST, err, "");
	if (rc == 0) {
		rc = pick_by_turns(picking, ends, err);
		query_close(&ends[1]);
	}
	query_close(&ends[0]);
	return rc;
}

static int pick_changed(struct spool *spool, struct picking *picking, struct err *err)
{
	struct spool_observation row;
	struct query query;
	int rc = query_open(&query, spool, SQL_PENDING_CHANGED, err, "");

	if (rc != 0)
		return rc;
	while (!picking->full && (rc = query_next(&query, err)) == 1) {
		observation_row(&query, &row);
		rc = pick(picking, &row, err);
		if (rc != 0)
			break;
	}
	query_close(&query);
	return rc;
}

int spool_each_pending(struct spool *spool, unsigned max_count, size_t max_bytes, bool include_changed, spool_observation_fn *fn, void *context, struct err *err)
{
	struct picking picking = { .fn = fn, .context = context, .max_count = max_count, .max_bytes = max_bytes };
	int rc = pick_pending(spool, &picking, err);

	return rc == 0 && include_changed && !picking.full ? pick_changed(spool, &picking, err) : rc;
}

/* What is on its way keeps its row: forgetting it would send it a second time. */
int spool_forget_derived(struct spool *spool, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sql_run(spool, SQL_OBSERVATIONS_FORGET, err, "");
	if (rc == 0)
		rc = sql_run(spool, SQL_SESSIONS_ALL_DIRTY, err, "i", session_next_tick(spool));
	return spool_leave(spool, own, rc, err);
}
