/* What is in the spool: as text, to be compared; and what must hold of it whatever happened. */
#include "script.h"
#include "source.h"
#include "spool_internal.h"
#include <stdio.h>
#include <stdlib.h>

/* Times of our own, numbers of rows and tries are left out: they tell how it came about. */
static const char *const tables[] = {
	"SELECT seq, source, session, message, key, kind, level, ord, link, time, cut, hash, hex(fp), body FROM record ORDER BY seq",
	"SELECT source, key, seq, session, message, kind, level, ord, hex(fp), link, time FROM head ORDER BY source, key",
	"SELECT source, id, dirty<>0, open FROM session ORDER BY source, id",
	"SELECT source, name, value FROM cursor ORDER BY source, name",
	"SELECT hex(span_id), hex(trace_id), session, turn, start_ms, state, changed, version, hash, (SELECT b.body FROM observation_body b WHERE b.id=observation.id) FROM observation ORDER BY span_id",
	"SELECT hex(span_id), hash FROM send_row ORDER BY span_id",
	"SELECT hex(span_id), hex(trace_id), hash FROM ledger ORDER BY span_id",
	"SELECT sink, hex(span_id), session, start_ms, state, body FROM outgo ORDER BY sink, span_id",
	"SELECT reason, detail, session, hex(span_id), body FROM dead ORDER BY span_id, reason, body",
	"SELECT name, label, value FROM counter WHERE name<>'spool' ORDER BY name, label",
	"SELECT name, value FROM meta WHERE name NOT IN ('cleanup_ms', 'set_aside', 'intake') ORDER BY name",
};

int state_text(struct world *world, struct buf *ret, struct err *err)
{
	if (spool_fold(world->spool, err) != 0)
		return err->code;
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		sqlite3_stmt *stmt = NULL;
		int rc = sqlite3_prepare_v2(world->spool->db, tables[i], -1, &stmt, NULL);
		while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
			buf_format(ret, "%zu", i);
			for (int column = 0; column < sqlite3_column_count(stmt); column++) {
				const char *text = (const char *)sqlite3_column_text(stmt, column);
				buf_char(ret, '|');
				buf_text(ret, text ? text : "");
			}
			buf_char(ret, '\n');
			rc = sqlite3_errcode(world->spool->db) == SQLITE_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
		}
		sqlite3_finalize(stmt);
		if (rc != SQLITE_DONE)
			return err_set(err, rc == SQLITE_NOMEM ? LF_ENOMEM : LF_EIO, "table %zu: %s", i, sqlite3_errmsg(world->spool->db));
	}
	return ret->failed;
}

/* ---- what must hold ---- */

struct finding {
	struct world *world;
	const char *wrong;
	bool seen[ENTRIES];
	int cursor;
	int64_t stored, unchanged, refused, purged, retention, capped, delivered;
};

static int64_t number(struct finding *finding, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(finding->world->spool->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

/* The second column for each span of the first, by its entry; -1 where there is none. */
static void by_span(struct finding *finding, const char *sql, int64_t ret[ENTRIES])
{
	sqlite3_stmt *stmt = NULL;

	for (int i = 0; i < ENTRIES; i++)
		ret[i] = -1;
	if (sqlite3_prepare_v2(finding->world->spool->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		finding->wrong = "a table cannot be read";
	while (sqlite3_step(stmt) == SQLITE_ROW)
		ret[((const uint8_t *)sqlite3_column_blob(stmt, 0))[7]] = sqlite3_column_int64(stmt, 1);
	sqlite3_finalize(stmt);
}

/* Whole, byte by byte, and once. */
static int see_record(void *context, const struct clean_record_view *view, struct err *err)
{
	struct finding *finding = context;
	struct clean_record_view expected;
	int entry = source_find(view->key, view->level);

	(void)err;
	if (entry < 0 || entry >= finding->cursor) {
		finding->wrong = "a record that the cursor does not cover";
		return 0;
	}
	source_entry(entry, &expected);
	if (!slice_equal(view->body, expected.body) || !slice_equal(view->session, expected.session) || !slice_equal(view->message, expected.message) ||
	    view->kind != expected.kind || view->time_ms != expected.time_ms || view->order != expected.order)
		finding->wrong = "a record is not as it was stored";
	if (finding->seen[entry])
		finding->wrong = "a record is there twice";
	finding->seen[entry] = true;
	return 0;
}

static int see_counter(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	struct finding *finding = context;
	const struct {
		const char *name, *label;
		int64_t *ret;
	} known[] = {
		{ "records", "stored", &finding->stored }, { "records", "unchanged", &finding->unchanged }, { "records", "refused", &finding->refused },
		{ "records", "purged", &finding->purged }, { "dropped", "retention", &finding->retention }, { "dropped", "cap", &finding->capped },
		{ "spans", "delivered", &finding->delivered }, { "dropped", "retention_dead", NULL }, { "spool", "set_aside", NULL }, { "dropped", "cap_dead", NULL },
	};

	(void)err;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(known[i].name, name) != 0 || strcmp(known[i].label, label) != 0)
			continue;
		if (known[i].ret)
			*known[i].ret = value;
		return 0;
	}
	finding->wrong = "something was counted that did not happen";
	return 0;
}

/* Of each record that the cursor covers: it is there, or all that became of it is at the server. */
static void check_records(struct finding *finding, struct err *err)
{
	int64_t count = 0;

	if (spool_each_record(finding->world->spool, SLICE_NONE, see_record, finding, err) != 0)
		finding->wrong = "the records cannot be read";
	for (int i = 0; i < ENTRIES; i++) {
		count += finding->seen[i];
		if (i < finding->cursor && source_has_span(i) && source_is_stored(i) && !finding->seen[i] && finding->world->received[i] == 0)
			finding->wrong = "a record is lost";
	}
	if (finding->capped == 0 && count + finding->purged + finding->retention != finding->stored)
		finding->wrong = "records and counters do not agree";
	if (number(finding, "SELECT count(*) FROM head WHERE seq<>(SELECT max(seq) FROM record r WHERE r.source=head.source AND r.key=head.key)") != 0 ||
	    number(finding, "SELECT (SELECT count(*) FROM head)-(SELECT count(*) FROM (SELECT DISTINCT source, key FROM record))") != 0)
		finding->wrong = "heads are not those of the records";
}

static void check_counters(struct finding *finding)
{
	if (finding->cursor < finding->world->safe_cursor || number(finding, "SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE name='step'") < finding->world->safe_step)
		finding->wrong = "what was acknowledged is lost";
	if (finding->stored != source_count(finding->cursor, source_is_stored) || finding->unchanged != source_count(finding->cursor, source_is_repeated) ||
	    finding->refused != source_count(finding->cursor, source_is_bad))
		finding->wrong = "cursor and counters do not agree";
	if (finding->delivered != number(finding, "SELECT count(*) FROM ledger"))
		finding->wrong = "ledger and counter do not agree";
}

/* What the server has is known, or will be asked for; what it has not is not believed to be there. */
static void check_span(struct finding *finding, unsigned received, bool ledger, bool sent, int64_t state)
{
	bool there = received > 0, doubt = state == OBSERVATION_IN_DOUBT;

	if (received > 1)
		finding->wrong = "a span was delivered twice";
	if (there && !ledger && !doubt)
		finding->wrong = "a span that the server has is forgotten: it would be sent again";
	if (!there && ledger)
		finding->wrong = "a span is taken for delivered that the server has not";
	if (there && state == OBSERVATION_PENDING)
		finding->wrong = "a span that the server has waits to be sent";
	if (doubt != sent || state == OBSERVATION_IN_FLIGHT)
		finding->wrong = "a span is in flight without a send";
	if (state == OBSERVATION_DELIVERED && !ledger)
		finding->wrong = "a delivered span is not in the ledger";
}

static void check_spans(struct finding *finding)
{
	int64_t ledger[ENTRIES], sent[ENTRIES], states[ENTRIES];

	by_span(finding, "SELECT span_id, 1 FROM ledger", ledger);
	by_span(finding, "SELECT r.span_id, 1 FROM send_row r JOIN observation o ON o.id=r.observation JOIN send s ON s.id=r.send", sent);
	by_span(finding, "SELECT span_id, state FROM observation", states);
	for (int i = 0; i < ENTRIES; i++)
		check_span(finding, finding->world->received[i], ledger[i] == 1, sent[i] == 1, states[i]);
}

static void check_end(struct finding *finding)
{
	if (finding->cursor != ENTRIES)
		finding->wrong = "the source was not read to its end";
	for (int i = 0; i < ENTRIES; i++)
		if (finding->world->received[i] != (source_has_span(i) && source_is_stored(i)))
			finding->wrong = "a span was not delivered exactly once";
}

const char *state_wrong(struct world *world, bool final, struct err *err)
{
	struct finding finding = { .world = world };
	struct buf cursor;
	int rc;

	if (spool_check(world->spool, err) != 0)
		return "the file is damaged";
	buf_init(&cursor, 64);
	rc = spool_cursor_get(world->spool, SLICE("opencode"), SLICE("db"), &cursor, err);
	finding.cursor = rc == 0 ? atoi(cursor.data) : 0;
	buf_done(&cursor);
	if (spool_each_counter(world->spool, NULL, see_counter, &finding, err) != 0)
		return "the counters cannot be read";
	check_records(&finding, err);
	check_counters(&finding);
	check_spans(&finding);
	if (final)
		check_end(&finding);
	return finding.wrong;
}
