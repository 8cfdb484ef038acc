/*
 * What goes to other sinks than Langfuse: pending, taken or refused, one row an item, kept after the item is gone. Rows that are
 * pending belong to sinks that are fed; see FORMAT.md "Other sinks".
 */
#include "spool_internal.h"
#include "event/observation.h"
#include <stdio.h>
#include <stdlib.h>

const char *spool_sink_name(enum spool_sink sink)
{
	static const char *const names[] = { [SINK_LANGFUSE] = "langfuse", [SINK_TRACES] = "otlp_traces", [SINK_LOGS] = "otlp_logs" };

	return (size_t)sink < sizeof names / sizeof names[0] ? names[sink] : "unknown";
}

/* ---- which sinks are fed ---- */

static int sinks_before(struct spool *spool, unsigned *ret, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, 64);
	rc = spool_meta_get(spool, "sinks", &text, err);
	*ret = rc == 0 && text.data ? (unsigned)strtoul(text.data, NULL, 10) : SPOOL_SINK_BIT(SINK_LANGFUSE);
	buf_done(&text);
	return rc == LF_ENOENT ? 0 : rc;
}

static int note_sinks(struct spool *spool, struct err *err)
{
	char text[16];
	bool langfuse = spool->sinks & SPOOL_SINK_BIT(SINK_LANGFUSE);
	int rc;

	snprintf(text, sizeof text, "%u", spool->sinks);
	rc = spool_meta_set(spool, "sinks", slice_of(text), err);
	return rc != 0 ? rc : spool_meta_set(spool, "langfuse_off", langfuse ? SLICE_NONE : SLICE("1"), err);
}

/* What waits for a sink that is fed no longer goes; a new one gets what is there: every session is assembled again. */
static int change_sinks(struct spool *spool, unsigned before, struct err *err)
{
	int rc = 0;

	for (int sink = SINK_TRACES; rc == 0 && sink < SINK_COUNT; sink++)
		if (!(spool->sinks & SPOOL_SINK_BIT(sink)))
			rc = sql_run(spool, SQL_OUTGO_DROP_SINK, err, "i", (int64_t)sink);
	if (rc == 0 && (spool->sinks & ~before & ~SPOOL_SINK_BIT(SINK_LANGFUSE)))
		rc = sql_run(spool, SQL_SESSIONS_ALL_DIRTY, err, "i", session_next_tick(spool));
	return rc != 0 ? rc : note_sinks(spool, err);
}

int outgo_open(struct spool *spool, struct err *err)
{
	unsigned before = 0;
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = sinks_before(spool, &before, err);
	if (rc == 0 && before != spool->sinks)
		rc = change_sinks(spool, before, err);
	if (rc == 0)
		rc = sql_run(spool, SQL_OUTGO_DROP_LOST, err, "");
	return spool_leave(spool, own, rc, err);
}

/* ---- putting ---- */

int spool_item_put(struct spool *spool, enum spool_sink sink, const struct spool_item *item, struct err *err)
{
	struct slice span = { (const char *)item->span_id, sizeof item->span_id };
	bool own;
	int rc;

	if (!(spool->sinks & SPOOL_SINK_BIT(sink)))
		return 0;
	if (!spool->put.active)
		return err_set(err, LF_EINVAL, "spool_item_put without spool_observations_begin");
	rc = spool_enter(spool, &own, err);
	if (rc != 0)
		return rc;
	put_set_add(&spool->put, sink, item->span_id);
	sqlite3_set_last_insert_rowid(spool->db, 0);
	rc = sql_run(spool, SQL_OUTGO_PUT, err, "ibssis", (int64_t)sink, span, item->source, item->session, item->start_ms, item->body);
	if (rc == 0 && sqlite3_last_insert_rowid(spool->db) != 0) /* a new one, and none that took a new body */
		rows_waits(spool, sink, 1);
	return spool_leave(spool, own, rc, err);
}

int outgo_end(struct spool *spool, struct err *err)
{
	struct put_set *set = &spool->put;
	struct query query;
	int rc = query_open(&query, spool, SQL_OUTGO_PENDING_OF, err, "ss", set->source, set->session);

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1) {
		if (put_set_has(set, (enum spool_sink)query_int(&query, 2), query_slice(&query, 1).ptr))
			continue;
		rc = sql_run(spool, SQL_OUTGO_DROP, err, "i", query_int(&query, 0));
		if (rc != 0)
			break;
	}
	query_close(&query);
	return rc;
}

/* ---- taking and settling ---- */

int spool_count_pending(struct spool *spool, enum spool_sink sink, uint64_t *ret, struct err *err)
{
	return rows_get(spool, ROWS_PENDING + sink, ret, err);
}

int spool_each_item(struct spool *spool, enum spool_sink sink, unsigned max_count, size_t max_bytes, spool_observation_fn *fn, void *context, struct err *err)
{
	struct picking picking = { .fn = fn, .context = context, .max_count = max_count, .max_bytes = max_bytes };
	struct query ends[2];
	int rc = query_open(&ends[0], spool, SQL_OUTGO_OLDEST, err, "i", (int64_t)sink);

	if (rc != 0)
		return rc;
	rc = query_open(&ends[1], spool, SQL_OUTGO_NEWEST, err, "i", (int64_t)sink);
	if (rc == 0) {
		rc = pick_by_turns(&picking, ends, err);
		query_close(&ends[1]);
	}
	query_close(&ends[0]);
	return rc;
}

static int bury(struct spool *spool, enum spool_sink sink, struct slice span, const char *reason, struct err *err)
{
	struct spool_observation row;
	struct query query;
	int rc = query_open(&query, spool, SQL_OUTGO_GET, err, "ib", (int64_t)sink, span);

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1) {
		struct spool_dead dead = { .reason = reason ? reason : "rejected", .sink = sink };
		observation_row(&query, &row);
		dead.session = row.session;
		dead.body = row.body;
		memcpy(dead.span_id, row.span_id, sizeof dead.span_id);
		rc = spool_dead_put(spool, &dead, err);
	}
	query_close(&query);
	return rc;
}

int spool_item_settle(struct spool *spool, enum spool_sink sink, const uint8_t span_id[8], enum settle how, const char *reason, struct err *err)
{
	struct slice span = { (const char *)span_id, 8 };
	bool own;
	int rc;

	if (how != SETTLE_DELIVERED && how != SETTLE_DEAD)
		return 0; /* it is pending still */
	rc = spool_enter(spool, &own, err);
	if (rc != 0)
		return rc;
	if (how == SETTLE_DEAD)
		rc = bury(spool, sink, span, reason, err);
	if (rc == 0)
		rc = sql_run(spool, SQL_OUTGO_SETTLE, err, "ibi", (int64_t)sink, span, (int64_t)(how == SETTLE_DEAD ? OBSERVATION_DEAD : OBSERVATION_DELIVERED));
	return spool_leave(spool, own, rc, err);
}

/* The letter holds all of it, and is sent as it stands. */
int outgo_revive(struct spool *spool, const struct spool_dead *dead, struct err *err)
{
	struct slice span = { (const char *)dead->span_id, sizeof dead->span_id };
	struct observation parsed;
	struct buf strings;
	int rc;

	buf_init(&strings, 0);
	rc = observation_parse(dead->body, &strings, &parsed, err);
	if (rc == 0)
		rc = sql_run(spool, SQL_OUTGO_REVIVE, err, "ibssis", (int64_t)dead->sink, span, parsed.source, parsed.own_session, parsed.start_ms, dead->body);
	buf_done(&strings);
	return rc;
}

/* ---- figures ---- */

/* What waits for a sink, and since when. */
static int count_waiting(struct spool *spool, enum spool_sink sink, struct spool_figures *ret, struct err *err)
{
	int64_t oldest_ms = 0;
	int rc = rows_get(spool, ROWS_PENDING + sink, &ret->sinks[sink].pending, err);

	if (rc != 0 || ret->sinks[sink].pending == 0)
		return rc;
	if (sink == SINK_LANGFUSE)
		rc = sql_int(spool, SQL_PENDING_MIN, &oldest_ms, err, "");
	else
		rc = sql_int(spool, SQL_OUTGO_WAITING, &oldest_ms, err, "i", (int64_t)sink);
	if (rc == 0 && (ret->oldest_pending_ms == 0 || oldest_ms < ret->oldest_pending_ms))
		ret->oldest_pending_ms = oldest_ms;
	return rc == LF_ENOENT ? 0 : rc;
}

static int count_letters(struct spool *spool, struct spool_figures *ret, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_DEAD_COUNT, err, "");

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1) {
		int64_t sink = query_int(&query, 0);
		ret->dead += (uint64_t)query_int(&query, 1);
		if (sink >= 0 && sink < SINK_COUNT)
			ret->sinks[sink].dead = (uint64_t)query_int(&query, 1);
	}
	query_close(&query);
	return rc;
}

int outgo_figures(struct spool *spool, struct spool_figures *ret, struct err *err)
{
	int64_t off = 0;
	int rc = sql_int(spool, SQL_LANGFUSE_OFF, &off, err, "");

	for (int sink = off ? SINK_LANGFUSE + 1 : SINK_LANGFUSE; rc == 0 && sink < SINK_COUNT; sink++) {
		rc = count_waiting(spool, (enum spool_sink)sink, ret, err);
		ret->pending += ret->sinks[sink].pending;
	}
	return rc != 0 ? rc : count_letters(spool, ret, err);
}
