/* Durable counters, small facts, and the figures of the spool. */
#include "spool_internal.h"
#include "base/hash.h"

int spool_count(struct spool *spool, const char *name, const char *label, int64_t add, struct err *err)
{
	bool own;
	int rc;

	if (add == 0)
		return 0;
	rc = spool_enter(spool, &own, err);
	if (rc != 0)
		return rc;
	spool->intake.within++;
	rc = late_count(spool, name, label, add, err);
	spool->intake.within--;
	note_count(spool, name, label, add);
	return spool_leave(spool, own, rc, err);
}

int spool_counter_get(struct spool *spool, const char *name, const char *label, int64_t *ret, struct err *err)
{
	int rc;

	*ret = 0;
	if ((spool->in_transaction || spool->held) && spool->writer)
		rc = late_counter_get(spool, name, label, ret, err);
	else
		rc = sql_int(spool, SQL_COUNTER_GET, ret, err, "ss", slice_of(name), slice_of(label));
	return rc == LF_ENOENT ? 0 : rc;
}

int spool_each_counter(struct spool *spool, const char *name, spool_counter_fn *fn, void *context, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_EACH_COUNTER, err, "s", slice_of(name));

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1) {
		const char *counter = (const char *)sqlite3_column_text(query.stmt, 0), *label = (const char *)sqlite3_column_text(query.stmt, 1);
		rc = fn(context, counter, label, query_int(&query, 2), err);
		if (rc != 0)
			break;
	}
	query_close(&query);
	return rc;
}

/* Positive or negative: all 64 bits of the hash are the key. */
static struct late_counted counted_of(struct slice source, struct slice key)
{
	struct late_counted counted = { .place = place_of(key) };
	struct buf text;

	buf_init(&text, 0);
	buf_slice(&text, source);
	buf_char(&text, '\0');
	buf_slice(&text, key);
	counted.hash = (int64_t)hash_64(text.data, text.len);
	buf_done(&text);
	return counted;
}

int spool_counted_set(struct spool *spool, struct slice source, struct slice key, struct err *err)
{
	struct late_counted counted = counted_of(source, key);
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	spool->intake.within++;
	rc = late_counted_set(spool, counted, err);
	spool->intake.within--;
	note_counted(spool, counted);
	return spool_leave(spool, own, rc, err);
}

int spool_counted_get(struct spool *spool, struct slice source, struct slice key, bool *ret, struct err *err)
{
	return late_counted_get(spool, counted_of(source, key), ret, err);
}

int spool_meta_set(struct spool *spool, const char *name, struct slice value, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	if (value.len > 0)
		rc = sql_run(spool, SQL_META_SET, err, "ss", slice_of(name), value);
	else
		rc = sql_run(spool, SQL_META_DROP, err, "s", slice_of(name));
	return spool_leave(spool, own, rc, err);
}

/* Pages in use: a file that has just been emptied is not full. */
int spool_used_bytes(struct spool *spool, uint64_t *ret, struct err *err)
{
	int64_t pages = 0, unused = 0, size = 0;
	int rc = sql_int(spool, SQL_PAGE_COUNT, &pages, err, "");

	if (rc == 0)
		rc = sql_int(spool, SQL_FREE_PAGES, &unused, err, "");
	if (rc == 0)
		rc = sql_int(spool, SQL_PAGE_SIZE, &size, err, "");
	*ret = rc == 0 ? (uint64_t)(pages - unused) * (uint64_t)size : 0;
	return rc;
}

int spool_figures(struct spool *spool, struct spool_figures *ret, struct err *err)
{
	const struct {
		enum observation_state state;
		uint64_t *ret;
	} states[] = { { OBSERVATION_IN_FLIGHT, &ret->in_flight }, { OBSERVATION_IN_DOUBT, &ret->in_doubt } };
	int64_t number = 0;
	int rc;

	*ret = (struct spool_figures){ .max_bytes = spool->max_bytes };
	rc = spool_used_bytes(spool, &ret->bytes, err);
	if (rc == 0)
		rc = rows_get(spool, ROWS_RECORDS, &ret->records, err);
	if (rc == 0)
		rc = rows_get(spool, ROWS_LEDGER, &ret->delivered, err);
	for (size_t i = 0; rc == 0 && i < sizeof states / sizeof states[0]; i++) {
		rc = sql_int(spool, SQL_COUNT_STATE, &number, err, "i", (int64_t)states[i].state);
		*states[i].ret = (uint64_t)number;
	}
	if (rc == 0)
		rc = sql_int(spool, SQL_COUNT_SESSIONS, &number, err, "");
	ret->sessions = (uint64_t)number;
	return rc != 0 ? rc : outgo_figures(spool, ret, err);
}
