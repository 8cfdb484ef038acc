/*
 * How many rows there are of what grows large, as durable counters that move with the rows: counting them would take the longer
 * the more there are. SQLite tells of each row that comes or goes; what waits for a sink is told by the statements
 * themselves, through the SQL function moved(). All of it is written at the end of the transaction.
 */
#include "spool_internal.h"

static const char *const labels[ROWS_KINDS] = {
	[ROWS_RECORDS] = "records", [ROWS_LEDGER] = "ledger", [ROWS_PENDING + SINK_LANGFUSE] = "pending.langfuse",
	[ROWS_PENDING + SINK_TRACES] = "pending.otlp_traces", [ROWS_PENDING + SINK_LOGS] = "pending.otlp_logs",
};

/* Called for every row that is written: it must be quick. */
static void on_row(void *context, int what, const char *database, const char *table, sqlite3_int64 rowid)
{
	struct spool *spool = context;
	int64_t add = what == SQLITE_INSERT ? 1 : what == SQLITE_DELETE ? -1 : 0;

	(void)database, (void)rowid;
	if (table[0] == 'r' && strcmp(table, "record") == 0) {
		spool->rows[ROWS_RECORDS] += add;
		spool->changing++;
	} else if (table[0] == 'l' && strcmp(table, "ledger") == 0) {
		spool->rows[ROWS_LEDGER] += add;
	}
}

uint64_t spool_record_changes(const struct spool *spool)
{
	return spool->record_changes;
}

void rows_waits(struct spool *spool, enum spool_sink sink, int64_t add)
{
	spool->rows[ROWS_PENDING + sink] += add;
}

static void sql_moved(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct spool *spool = sqlite3_user_data(context);
	int64_t sink = sqlite3_value_int64(values[0]), from = sqlite3_value_int64(values[1]), to = sqlite3_value_int64(values[2]);

	(void)count;
	if (sink >= 0 && sink < SINK_COUNT)
		rows_waits(spool, (enum spool_sink)sink, (to == OBSERVATION_PENDING) - (from == OBSERVATION_PENDING));
	sqlite3_result_int64(context, to);
}

int rows_watch(struct spool *spool, struct err *err)
{
	int rc = sqlite3_create_function(spool->db, "moved", 3, SQLITE_UTF8 | SQLITE_DIRECTONLY, spool, sql_moved, NULL, NULL);

	sqlite3_update_hook(spool->db, on_row, spool);
	return rc == SQLITE_OK ? 0 : sql_fail(spool, rc, err);
}

int rows_write(struct spool *spool, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ROWS_KINDS; i++) {
		if (spool->rows[i] != 0)
			rc = sql_run(spool, SQL_COUNTER_ADD, err, "ssi", SLICE("rows"), slice_of(labels[i]), spool->rows[i]);
		spool->rows[i] = 0;
	}
	return rc;
}

void rows_forget(struct spool *spool)
{
	memset(spool->rows, 0, sizeof spool->rows);
}

int rows_count_again(struct spool *spool, struct err *err)
{
	rows_forget(spool);
	return sql_run(spool, SQL_ROWS_COUNT_AGAIN, err, "");
}

int rows_get(struct spool *spool, unsigned kind, uint64_t *ret, struct err *err)
{
	int64_t value = 0;
	int rc = sql_int(spool, SQL_COUNTER_GET, &value, err, "ss", SLICE("rows"), slice_of(labels[kind]));

	value += spool->rows[kind];
	*ret = value > 0 ? (uint64_t)value : 0;
	return rc == LF_ENOENT ? 0 : rc;
}

int rows_check(struct spool *spool, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_ROWS_COUNTED, err, "");

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1) {
		struct slice label = query_slice(&query, 0);
		rc = err_set(err, LF_ECORRUPT, "%s: has %lld %.*s, and its counter says otherwise", spool->path, (long long)query_int(&query, 1), (int)label.len, label.ptr);
	}
	query_close(&query);
	return rc;
}
