/*
 * Every SQL statement of lfspool: an id and its text. spool/FORMAT.md says what the tables mean.
 * Parameters are bound by position. A statement whose plan must use an index stands in SPOOL_SQL_HOT too:
 * the unit test reads their plans.
 */
#ifndef LF_SPOOL_SPOOL_SQL_H
#define LF_SPOOL_SPOOL_SQL_H

#define SPOOL_APPLICATION_ID 1818653808 /* "lfsp" */
#define SPOOL_SCHEMA_VERSION 5

/* What makes version n+1 of version n; the row's place is n. Creating a spool is migrating from 0. */
#define SPOOL_SCHEMA_1 \
	"CREATE TABLE meta(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL);" \
	"CREATE TABLE record(seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, session TEXT NOT NULL," \
	" message TEXT NOT NULL, key TEXT NOT NULL, kind INTEGER NOT NULL, level INTEGER NOT NULL, ord INTEGER NOT NULL," \
	" link TEXT NOT NULL, time INTEGER NOT NULL, cut INTEGER NOT NULL, hash INTEGER NOT NULL, fp BLOB NOT NULL," \
	" body TEXT NOT NULL);" \
	"CREATE INDEX record_key ON record(source, key);" \
	"CREATE INDEX record_session ON record(session);" \
	"CREATE TABLE head(source TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, session TEXT NOT NULL," \
	" message TEXT NOT NULL, kind INTEGER NOT NULL, level INTEGER NOT NULL, ord INTEGER NOT NULL, fp BLOB NOT NULL," \
	" link TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY(source, key)) WITHOUT ROWID;" \
	"CREATE INDEX head_main ON head(source, session, kind, key) WHERE kind<>2;" \
	"CREATE INDEX head_part ON head(source, session, message, key) WHERE kind=2;" \
	"CREATE INDEX head_link ON head(source, kind, link) WHERE link<>'';" \
	"CREATE INDEX head_out ON head(source, session, link) WHERE kind=2 AND link<>'';" \
	"CREATE TABLE session(source TEXT NOT NULL, id TEXT NOT NULL, dirty INTEGER NOT NULL, open INTEGER NOT NULL," \
	" last_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL, PRIMARY KEY(source, id)) WITHOUT ROWID;" \
	"CREATE INDEX session_dirty ON session(dirty) WHERE dirty<>0;" \
	"CREATE INDEX session_open ON session(last_ms) WHERE open<>0;" \
	"CREATE INDEX session_stored ON session(stored_ms);" \
	"CREATE TABLE cursor(id INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL," \
	" UNIQUE(source, name));" \
	"CREATE TABLE observation(id INTEGER PRIMARY KEY AUTOINCREMENT, span_id BLOB NOT NULL UNIQUE, trace_id BLOB NOT NULL," \
	" source TEXT NOT NULL, session TEXT NOT NULL, turn TEXT NOT NULL, start_ms INTEGER NOT NULL, state INTEGER NOT NULL," \
	" changed INTEGER NOT NULL, version INTEGER NOT NULL, hash INTEGER NOT NULL, body TEXT NOT NULL);" \
	"CREATE INDEX observation_session ON observation(session, start_ms, span_id);" \
	"CREATE INDEX observation_changed ON observation(start_ms) WHERE changed<>0;" \
	"CREATE INDEX observation_state ON observation(state, start_ms);" \
	"CREATE TABLE send(id INTEGER PRIMARY KEY AUTOINCREMENT, created_ms INTEGER NOT NULL, attempts INTEGER NOT NULL," \
	" in_doubt INTEGER NOT NULL);" \
	"CREATE TABLE send_row(id INTEGER PRIMARY KEY, send INTEGER NOT NULL, observation INTEGER NOT NULL," \
	" span_id BLOB NOT NULL, trace_id BLOB NOT NULL, hash INTEGER NOT NULL, UNIQUE(send, observation));" \
	"CREATE INDEX send_row_observation ON send_row(observation);" \
	"CREATE TABLE ledger(id INTEGER PRIMARY KEY, span_id BLOB NOT NULL UNIQUE, trace_id BLOB NOT NULL," \
	" time INTEGER NOT NULL, hash INTEGER NOT NULL);" \
	"CREATE TABLE dead(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, reason TEXT NOT NULL," \
	" detail TEXT NOT NULL, session TEXT NOT NULL, span_id BLOB, body TEXT NOT NULL);" \
	"CREATE INDEX dead_span ON dead(span_id) WHERE span_id IS NOT NULL;" \
	"CREATE TABLE counter(id INTEGER PRIMARY KEY, name TEXT NOT NULL, label TEXT NOT NULL, value INTEGER NOT NULL," \
	" UNIQUE(name, label));"
#define SPOOL_SCHEMA_2 "CREATE TABLE counted(id INTEGER PRIMARY KEY, hash INTEGER NOT NULL UNIQUE);"
#define SPOOL_SCHEMA_3 \
	"CREATE TABLE outgo(id INTEGER PRIMARY KEY AUTOINCREMENT, sink INTEGER NOT NULL, span_id BLOB NOT NULL," \
	" source TEXT NOT NULL, session TEXT NOT NULL, start_ms INTEGER NOT NULL, state INTEGER NOT NULL, body TEXT NOT NULL," \
	" UNIQUE(sink, span_id));" \
	"CREATE INDEX outgo_pending ON outgo(sink, start_ms) WHERE state=0;" \
	"CREATE INDEX outgo_session ON outgo(session) WHERE state=0;" \
	"ALTER TABLE dead ADD COLUMN sink INTEGER NOT NULL DEFAULT 0;"
/* How many rows there are of what grows large: FORMAT.md "Figures". */
#define ROWS_COUNTED \
	"SELECT 'rows' AS name, 'records' AS label, count(*) AS value FROM record UNION ALL SELECT 'rows', 'ledger', count(*) FROM ledger" \
	" UNION ALL SELECT 'rows', 'pending.langfuse', count(*) FROM observation WHERE state=0" \
	" UNION ALL SELECT 'rows', 'pending.otlp_traces', count(*) FROM outgo WHERE sink=1 AND state=0" \
	" UNION ALL SELECT 'rows', 'pending.otlp_logs', count(*) FROM outgo WHERE sink=2 AND state=0"
#define ROWS_COUNT_AGAIN "INSERT OR REPLACE INTO counter(name, label, value) " ROWS_COUNTED
/* One index for what three were for: each costs a page of every commit. */
#define SPOOL_SCHEMA_4 \
	"DROP INDEX record_key; DROP INDEX record_session; DROP INDEX head_part;" \
	"CREATE INDEX record_place ON record(session, source, message, key);" \
	"CREATE INDEX dead_sink ON dead(sink);" ROWS_COUNT_AGAIN ";"
/*
 * What is looked up by a hash stands beside what comes at the same time, or every batch would write a page of the index for each of
 * its rows: place(session) comes before the hash. Bodies stand apart from the state of delivery, which changes three times.
 * Sessions go backwards, as OpenCode's ids do: the newest is at the end of an index, where its pages are filled.
 */
#define SPOOL_SCHEMA_5 \
	"CREATE TABLE observation_body(id INTEGER PRIMARY KEY, body TEXT NOT NULL);" \
	"INSERT INTO observation_body(id, body) SELECT id, body FROM observation;" \
	"CREATE TABLE ledger_5(id INTEGER PRIMARY KEY, place INTEGER NOT NULL, span_id BLOB NOT NULL, trace_id BLOB NOT NULL," \
	" time INTEGER NOT NULL, hash INTEGER NOT NULL);" \
	"INSERT INTO ledger_5 SELECT id, coalesce((SELECT place(o.session) FROM observation o WHERE o.span_id=l.span_id), 0), span_id," \
	" trace_id, time, hash FROM ledger l ORDER BY id;" \
	"DROP TABLE ledger; ALTER TABLE ledger_5 RENAME TO ledger; CREATE UNIQUE INDEX ledger_place ON ledger(place DESC, span_id);" \
	"CREATE TABLE send_row_5(observation INTEGER PRIMARY KEY, send INTEGER NOT NULL, place INTEGER NOT NULL, span_id BLOB NOT NULL," \
	" trace_id BLOB NOT NULL, hash INTEGER NOT NULL);" \
	"INSERT OR IGNORE INTO send_row_5 SELECT observation, send, coalesce((SELECT place(o.session) FROM observation o" \
	" WHERE o.id=r.observation), 0), span_id, trace_id, hash FROM send_row r ORDER BY id DESC;" \
	"DROP TABLE send_row; ALTER TABLE send_row_5 RENAME TO send_row;" \
	"CREATE TABLE observation_5(id INTEGER PRIMARY KEY AUTOINCREMENT, span_id BLOB NOT NULL, trace_id BLOB NOT NULL," \
	" source TEXT NOT NULL, session TEXT NOT NULL, turn TEXT NOT NULL, start_ms INTEGER NOT NULL, state INTEGER NOT NULL," \
	" changed INTEGER NOT NULL, version INTEGER NOT NULL, hash INTEGER NOT NULL);" \
	"INSERT INTO observation_5 SELECT id, span_id, trace_id, source, session, turn, start_ms, state, changed, version, hash" \
	" FROM observation ORDER BY id;" \
	"DELETE FROM sqlite_sequence WHERE name='observation_5';" \
	"INSERT INTO sqlite_sequence(name, seq) SELECT 'observation_5', seq FROM sqlite_sequence WHERE name='observation';" \
	"DROP TABLE observation; ALTER TABLE observation_5 RENAME TO observation;" \
	"CREATE UNIQUE INDEX observation_session ON observation(session DESC, span_id);" \
	"DROP INDEX record_place; CREATE INDEX record_place ON record(session DESC, source, message, key);" \
	"DROP INDEX head_main; CREATE INDEX head_main ON head(source, session DESC, kind, key) WHERE kind<>2;" \
	"DROP INDEX head_out; CREATE INDEX head_out ON head(source, session DESC, link) WHERE kind=2 AND link<>'';" \
	"CREATE INDEX observation_changed ON observation(start_ms) WHERE changed<>0;" \
	"CREATE INDEX observation_pending ON observation(start_ms) WHERE state=0;" \
	"CREATE TRIGGER observation_gone AFTER DELETE ON observation BEGIN DELETE FROM observation_body WHERE id=OLD.id; END;" \
	"CREATE TABLE counted_5(id INTEGER PRIMARY KEY, place INTEGER NOT NULL, hash INTEGER NOT NULL, UNIQUE(place, hash));" \
	"INSERT INTO counted_5 SELECT id, 0, hash FROM counted ORDER BY id;" \
	"DROP TABLE counted; ALTER TABLE counted_5 RENAME TO counted;"
#define SPOOL_SCHEMA_STEPS { SPOOL_SCHEMA_1, SPOOL_SCHEMA_2, SPOOL_SCHEMA_3, SPOOL_SCHEMA_4, SPOOL_SCHEMA_5 }

#define SPOOL_PAGE_BYTES 16384
#define SPOOL_TEXT(number) SPOOL_TEXT_OF(number)
#define SPOOL_TEXT_OF(number) #number
/* Connection settings. The first three act only on an empty file. */
#define SPOOL_PRAGMA_WRITER \
	"PRAGMA page_size=" SPOOL_TEXT(SPOOL_PAGE_BYTES) "; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA secure_delete=ON; PRAGMA journal_mode=WAL;" \
	"PRAGMA synchronous=FULL; PRAGMA cache_size=-2500; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON; PRAGMA journal_size_limit=16777216;" \
	"PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
#define SPOOL_PRAGMA_DERIVED "PRAGMA synchronous=NORMAL"
#define SPOOL_PRAGMA_DURABLE "PRAGMA synchronous=FULL"
#define SPOOL_PRAGMA_READER \
	"PRAGMA query_only=ON; PRAGMA cache_size=-600; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
#define SPOOL_PRAGMA_LONG_LOG "PRAGMA journal_size_limit=33554432" /* room for what comes while it is written back */
#define SPOOL_PRAGMA_BESIDE \
	"PRAGMA synchronous=FULL; PRAGMA checkpoint_fullfsync=ON; PRAGMA cache_size=-64; PRAGMA user_version;" /* the last one opens the log */
/* What a reader of an older file misses: it is there for this connection alone, empty. */
#define SPOOL_READ_BEFORE_3 \
	"PRAGMA query_only=OFF;" \
	"CREATE TEMP TABLE outgo(id INTEGER PRIMARY KEY, sink, span_id, source, session, start_ms, state, body);" \
	"CREATE INDEX temp.outgo_pending ON outgo(sink, start_ms) WHERE state=0;" \
	"CREATE INDEX temp.outgo_session ON outgo(session) WHERE state=0;" \
	"CREATE TEMP VIEW dead AS SELECT *, 0 AS sink FROM main.dead;" \
	"PRAGMA query_only=ON;"
#define SPOOL_READ_BEFORE_4 \
	"PRAGMA query_only=OFF;" \
	"CREATE TEMP VIEW counter AS SELECT name, label, value FROM main.counter UNION ALL " ROWS_COUNTED ";" \
	"PRAGMA query_only=ON;"
#define SPOOL_READ_BEFORE_5 \
	"PRAGMA query_only=OFF;" \
	"CREATE TEMP VIEW observation_body AS SELECT id, body FROM main.observation;" \
	"CREATE TEMP VIEW ledger AS SELECT id, 0 AS place, span_id, trace_id, time, hash FROM main.ledger;" \
	"PRAGMA query_only=ON;"
/* The intake: a file of its own. In it rows are written over, so that it stays as small as it is. */
#define INTAKE_PRAGMA \
	"PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=4096; PRAGMA secure_delete=ON; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" \
	"PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON; PRAGMA wal_autocheckpoint=256; PRAGMA cache_size=-256; PRAGMA temp_store=MEMORY;" \
	"PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
#define INTAKE_SCHEMA \
	"CREATE TABLE noted(place INTEGER PRIMARY KEY, number INTEGER NOT NULL, hash INTEGER NOT NULL, notes BLOB NOT NULL);"
#define INTAKE_PUT "INSERT OR REPLACE INTO noted(place, number, hash, notes) VALUES(?1, ?2, ?3, ?4)"
#define INTAKE_EACH "SELECT number, hash, notes FROM noted WHERE number>?1 ORDER BY number"
#define SPOOL_SET_VERSION "PRAGMA application_id=%d; PRAGMA user_version=%d;" /* printf: a pragma takes no parameter */

#define RECORD_COLUMNS "r.seq, r.source, r.session, r.message, r.key, r.kind, r.level, r.ord, r.link, r.time, r.hash, r.body"
#define HEAD_RECORD_BY(index) RECORD_COLUMNS ", h.level, h.ord FROM head h " index "CROSS JOIN record r ON r.seq=h.seq"
#define HEAD_RECORD HEAD_RECORD_BY("")
/* Of parts, by the index of records. */
#define PARTS_WHERE \
	"SELECT " RECORD_COLUMNS ", h.level, h.ord FROM record r CROSS JOIN head h ON h.source=r.source AND h.key=r.key AND h.seq=r.seq" \
	" WHERE r.source=?1 AND r.session=?2 AND r.kind=2 AND "
/* Without statistics SQLite would rather read all keys of a source in order than a few of them by their index. */
#define BY(index) "INDEXED BY " index " "
#define OBSERVATION_BY(index) "SELECT o.id, o.span_id, o.trace_id, o.source, o.session, o.turn, o.start_ms, o.state, o.version, b.body" \
	" FROM observation o " index "CROSS JOIN observation_body b ON b.id=o.id"
/* Of ?1 in its place, or, when ?3 says that there is such, among what is from before there were places; IN (0, ?1) would make a table for its list. */
#define PLACED(what, from, where) "SELECT " what " FROM " from " WHERE place=?1 AND " where " UNION ALL SELECT " what " FROM " from " WHERE ?3 AND place=0 AND " where
/* Langfuse is not among the sinks: what is pending for it waits for nobody. */
#define LANGFUSE_OFF "EXISTS(SELECT 1 FROM meta WHERE name='langfuse_off')"
/* Sessions of which nothing is left to do, for any sink: what the cap and retention may take without a loss. A session
 * waits for its children: their trace hangs on its records. */
#define SETTLED_SESSION(s) s ".dirty=0 AND " s ".open=0 AND NOT EXISTS(SELECT 1 FROM observation o " BY("observation_session") \
	"WHERE o.session=" s ".id AND o.source=" s ".source AND (o.state IN (1, 2) OR (o.state=0 AND NOT " LANGFUSE_OFF ")))" \
	" AND NOT EXISTS(SELECT 1 FROM outgo g WHERE g.session=" s ".id AND g.source=" s ".source AND g.state=0)"
/* An observation that no sink waits for. */
#define WAITED_FOR(o) "EXISTS(SELECT 1 FROM outgo g WHERE g.sink=1 AND g.span_id=" o ".span_id AND g.state=0)"
/* What goes to another sink, as a row of an observation: with a body of its own (a log), or that of the observation. */
#define OUTGO_ROW(index) "SELECT g.id, g.span_id, coalesce(o.trace_id, x''), g.source, g.session, coalesce(o.turn, ''), g.start_ms," \
	" g.state, 0, CASE g.body WHEN '' THEN b.body ELSE g.body END FROM outgo g " index "LEFT JOIN observation o ON o.session=g.session" \
	" AND o.span_id=g.span_id LEFT JOIN observation_body b ON b.id=o.id WHERE (g.body<>'' OR b.id IS NOT NULL) AND "
#define CHILDLESS(s) "NOT EXISTS(SELECT 1 FROM head c WHERE c.source=" s ".source AND c.kind=0 AND c.link=" s ".id AND c.link<>'')"

/* What a purge chooses of one session: ?1 its id, ?2 a time or 0, ?3 delivered ones only, ?4 the last that was there when it began. */
#define PURGE_WHERE(table, number, time) " WHERE session=?1 AND " number "<=?4 AND (?2=0 OR " time "<?2) AND (?3=0 OR EXISTS" \
	"(SELECT 1 FROM session s WHERE s.source=" table ".source AND s.id=?1 AND " SETTLED_SESSION("s") " AND NOT EXISTS(SELECT 1 FROM observation d " BY("observation_session") \
	"WHERE d.session=s.id AND d.source=s.source AND d.state<>3 AND NOT " LANGFUSE_OFF ")))"
/* moved(sink, from, to): rows.c counts what waits for a sink as it changes its state; -1: the row is not there. Gives to. */
#define GONE(sink) " RETURNING moved(" sink ", state, -1)"
#define PURGE_DEAD_WHERE " WHERE (?1='' OR session=?1) AND (?2=0 OR time<?2)"

/*
 * A statement that writes several rows, or makes one of a SELECT, says OR FAIL (or OR IGNORE): so that it could be undone alone
 * SQLite would copy each page before it changes; here a transaction that fails is rolled back as a whole.
 */
/* Those whose plan the unit test checks. (send_row is what is on its way, a batch or a few: it is read as a whole.) */
#define SPOOL_SQL_HOT(X) \
	X(SQL_HEAD_FROM, "SELECT seq, level, ord, fp, link, session, message, kind, key FROM head WHERE source=?1 AND key>=?2 ORDER BY key LIMIT 1") \
	X(SQL_FP_KNOWN, "SELECT 1 FROM record WHERE source=?1 AND session=?2 AND message=?3 AND key=?4 AND fp=?5 LIMIT 1") \
	X(SQL_EACH_HEAD, "SELECT " HEAD_RECORD " WHERE h.source=?1 AND h.session=?2 AND h.kind<>2 ORDER BY h.kind, h.key") \
	X(SQL_EACH_PART, PARTS_WHERE "r.message=?3 ORDER BY r.key") \
	X(SQL_PARTS_FROM, PARTS_WHERE "r.message>=?3 ORDER BY r.message, r.key") \
	X(SQL_FIND_LINK, "SELECT " HEAD_RECORD_BY(BY("head_link")) " WHERE h.source=?1 AND h.kind=2 AND h.link=?2 AND h.link<>'' ORDER BY h.key") \
	X(SQL_FIND_SESSION, "SELECT " HEAD_RECORD " WHERE h.source=?1 AND h.key=?2 AND h.kind=0") \
	X(SQL_FIND_HEAD, "SELECT " HEAD_RECORD " WHERE h.source=?1 AND h.key=?2") \
	X(SQL_COUNTED_GET, PLACED("1", "counted", "hash=?2")) \
	X(SQL_EACH_CHILD, "SELECT source, key FROM head WHERE source=?1 AND kind=0 AND link=?2 AND link<>'' ORDER BY key") \
	X(SQL_EACH_STARTED, "SELECT link FROM head " BY("head_out") "WHERE source=?1 AND session=?2 AND kind=2 AND link<>''") \
	X(SQL_RECORDS_OF_SESSION, "SELECT " RECORD_COLUMNS ", r.level, r.ord FROM (SELECT seq FROM record WHERE session=?1 ORDER BY seq) s CROSS JOIN record r ON r.seq=s.seq") \
	X(SQL_LAST_OF_KEY, "SELECT max(seq) FROM record WHERE source=?1 AND session=?2 AND message=?3 AND key=?4") \
	X(SQL_EACH_DIRTY, "SELECT source, id FROM session WHERE dirty<>0 ORDER BY dirty LIMIT ?1") \
	X(SQL_EACH_DIRTY_NEWEST, "SELECT source, id FROM session WHERE dirty<>0 ORDER BY dirty DESC LIMIT ?1") \
	X(SQL_DIRTY_MAX, "SELECT max(dirty) FROM session WHERE dirty<>0") \
	X(SQL_EACH_STALE, "SELECT source, id FROM session WHERE open<>0 AND dirty=0 AND last_ms<?1 AND NOT(stored_ms>?2 AND stored_ms<=?3) ORDER BY last_ms") \
	X(SQL_PENDING_OLDEST, OBSERVATION_BY("") " WHERE o.state=0 ORDER BY o.start_ms, o.id") \
	X(SQL_PENDING_NEWEST, OBSERVATION_BY("") " WHERE o.state=0 ORDER BY o.start_ms DESC, o.id DESC") \
	X(SQL_PENDING_CHANGED, OBSERVATION_BY(BY("observation_changed")) " WHERE o.state=3 AND o.changed<>0 ORDER BY o.start_ms, o.id") \
	X(SQL_OBSERVATION_OF_SPAN, "SELECT id, hash, state, trace_id, source, session, turn, start_ms FROM observation WHERE session=?2 AND span_id=?1") \
	X(SQL_OBSERVATION_NONE_OF, "SELECT NOT EXISTS(SELECT 1 FROM observation " BY("observation_session") "WHERE session=?1) AND NOT EXISTS(SELECT 1 FROM ledger WHERE place IN (0, ?2))" \
		" AND NOT EXISTS(SELECT 1 FROM dead WHERE sink=0 AND span_id IS NOT NULL)") \
	X(SQL_OBSERVATION_PUT_FRESH, "INSERT OR IGNORE INTO observation(span_id, trace_id, source, session, turn, start_ms, state, changed, version, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, ?7)") \
	X(SQL_OBSERVATIONS_PENDING_OF, "SELECT id, span_id FROM observation " BY("observation_session") "WHERE session=?2 AND source=?1 AND state=0") \
	X(SQL_LEDGER_HASH, PLACED("hash", "ledger", "span_id=?2")) \
	X(SQL_DEAD_OF_SPAN, "SELECT 1 FROM dead WHERE span_id=?1 AND sink=0 LIMIT 1") \
	X(SQL_OUTGO_OLDEST, OUTGO_ROW(BY("outgo_pending")) "g.sink=?1 AND g.state=0 ORDER BY g.start_ms, g.id") \
	X(SQL_OUTGO_NEWEST, OUTGO_ROW(BY("outgo_pending")) "g.sink=?1 AND g.state=0 ORDER BY g.start_ms DESC, g.id DESC") \
	X(SQL_OUTGO_GET, OUTGO_ROW("") "g.sink=?1 AND g.span_id=?2") \
	X(SQL_OUTGO_PENDING_OF, "SELECT id, span_id, sink FROM outgo " BY("outgo_session") "WHERE session=?2 AND source=?1 AND state=0") \
	X(SQL_OUTGO_WAITING, "SELECT start_ms FROM outgo " BY("outgo_pending") "WHERE sink=?1 AND state=0 ORDER BY start_ms LIMIT 1") \
	X(SQL_SEND_ROW_GET, "SELECT place, span_id, trace_id, hash FROM send_row WHERE send=?1 AND observation=?2") \
	X(SQL_PURGE_NEXT, "SELECT min(id) FROM (SELECT min(session) AS id FROM record WHERE session>?1 UNION ALL SELECT min(session) FROM observation WHERE session>?1" \
		" UNION ALL SELECT min(session) FROM outgo WHERE state=0 AND session>?1)") \
	X(SQL_STORED_BEFORE, "SELECT s.source, s.id FROM session s WHERE s.stored_ms<?1 AND (?2<>0 OR (" SETTLED_SESSION("s") ")) AND " CHILDLESS("s") " ORDER BY s.stored_ms LIMIT 1")

/* Rows that are written eight at a time, while there are so many. */
#define EIGHT(row) row ", " row ", " row ", " row ", " row ", " row ", " row ", " row
#define RECORD_PUT "INSERT OR FAIL INTO record(seq, source, session, message, key, kind, level, ord, link, time, cut, hash, fp, body) VALUES"
#define RECORD_ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)"
#define HEAD_PUT "INTO head(source, key, seq, session, message, kind, level, ord, fp, link, time) VALUES"
#define HEAD_ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

#define FRESH_ROW "(?, ?, ?, ?, ?, ?, 0, 0, 0, ?)"

#define SPOOL_SQL_COLD(X) \
	X(SQL_BEGIN_WRITE, "BEGIN IMMEDIATE") \
	X(SQL_BEGIN_READ, "BEGIN") \
	X(SQL_COMMIT, "COMMIT") \
	X(SQL_ROLLBACK, "ROLLBACK") \
	X(SQL_USER_VERSION, "PRAGMA user_version") \
	X(SQL_APPLICATION_ID, "PRAGMA application_id") \
	X(SQL_TABLE_COUNT, "SELECT count(*) FROM sqlite_schema WHERE type='table'") \
	X(SQL_PAGE_COUNT, "PRAGMA page_count") \
	X(SQL_PAGE_SIZE, "PRAGMA page_size") \
	X(SQL_FREE_PAGES, "PRAGMA freelist_count") \
	X(SQL_JOURNAL_MODE, "PRAGMA journal_mode") \
	X(SQL_VACUUM, "PRAGMA incremental_vacuum(64)") \
	X(SQL_WHOLE_CHECK, "PRAGMA integrity_check(1)") \
	X(SQL_INTEGRITY_CHECK, "PRAGMA integrity_check(5)") \
	X(SQL_RECORD_PUT, RECORD_PUT RECORD_ROW) \
	X(SQL_RECORD_PUT_8, RECORD_PUT EIGHT(RECORD_ROW)) \
	X(SQL_RECORD_LAST, "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name='record'), 0), coalesce((SELECT max(seq) FROM record), 0))") \
	X(SQL_HEAD_PUT, "INSERT OR FAIL " HEAD_PUT HEAD_ROW) \
	X(SQL_HEAD_PUT_8, "INSERT OR FAIL " HEAD_PUT EIGHT(HEAD_ROW)) \
	X(SQL_HEAD_CHANGE, "INSERT OR REPLACE " HEAD_PUT HEAD_ROW) \
	X(SQL_HEAD_MOVE, "UPDATE head SET seq=?3, level=?4, ord=?5, fp=?6, time=?7 WHERE source=?1 AND key=?2") \
	X(SQL_HEAD_RAISE, "UPDATE head SET level=?3, ord=?4 WHERE source=?1 AND key=?2") \
	X(SQL_HEAD_FROM_RECORD, "INSERT OR REPLACE INTO head(source, key, seq, session, message, kind, level, ord, fp, link, time) SELECT source, key, seq, session, message, kind, level, ord, fp, link, time FROM record WHERE seq=?1") \
	X(SQL_HEAD_DROP, "DELETE FROM head WHERE source=?1 AND key=?2 AND seq=?3") \
	X(SQL_HEAD_DROP_SEQ, "DELETE FROM head WHERE seq=?1") \
	X(SQL_HEADS_MAKE_OF, "INSERT INTO head(source, key, seq, session, message, kind, level, ord, fp, link, time) SELECT r.source, r.key, r.seq, r.session, r.message, r.kind, r.level, r.ord, r.fp, r.link, r.time FROM (SELECT max(seq) AS last FROM record WHERE session=?1 GROUP BY source, key) l CROSS JOIN record r ON r.seq=l.last WHERE true ON CONFLICT(source, key) DO UPDATE SET seq=excluded.seq, session=excluded.session, message=excluded.message, kind=excluded.kind, level=excluded.level, ord=excluded.ord, fp=excluded.fp, link=excluded.link, time=excluded.time WHERE excluded.seq>head.seq") \
	X(SQL_SESSION_AFTER, "SELECT min(session) FROM record WHERE session>?1") \
	X(SQL_HEADS_DROP_OF, "DELETE FROM head WHERE source=?1 AND session=?2 AND key IN (SELECT key FROM record WHERE source=?1 AND session=?2)") \
	X(SQL_EACH_RECORD, "SELECT " RECORD_COLUMNS ", r.level, r.ord FROM record r ORDER BY r.seq") \
	X(SQL_RECORD_GET, "SELECT " RECORD_COLUMNS ", r.level, r.ord FROM record r WHERE r.seq=?1") \
	X(SQL_RECORD_DROP, "DELETE FROM record WHERE seq=?1") \
	X(SQL_RECORDS_DROP_OF, "DELETE FROM record WHERE session=?2 AND source=?1") \
	X(SQL_RECORDS_UNCUT, "SELECT " RECORD_COLUMNS ", r.level, r.ord FROM record r WHERE r.seq>?1 AND r.cut=0 ORDER BY r.seq LIMIT 256") \
	X(SQL_RECORDS_COUNT_OF, "SELECT count(*) FROM record WHERE session=?2 AND source=?1") \
	X(SQL_RECORD_CUT, "UPDATE record SET cut=1, hash=?2, body=?3 WHERE seq=?1") \
	X(SQL_RECORDS_OLDEST, "SELECT " RECORD_COLUMNS ", r.level, r.ord FROM record r WHERE r.seq>?1 AND (?2<>0 OR (r.kind<>0 AND r.link='')) ORDER BY r.seq LIMIT 256") \
	X(SQL_SESSION_TOUCH, "INSERT INTO session(source, id, dirty, open, last_ms, stored_ms) VALUES(?1, ?2, ?3, 0, ?4, ?5) ON CONFLICT(source, id) DO UPDATE SET dirty=CASE WHEN dirty=0 THEN excluded.dirty ELSE dirty END, last_ms=max(last_ms, excluded.last_ms), stored_ms=max(stored_ms, excluded.stored_ms)") \
	X(SQL_SESSION_DIRTY, "UPDATE session SET dirty=?3 WHERE source=?1 AND id=?2 AND dirty=0") \
	X(SQL_SESSION_DIRTY_AGAIN, "UPDATE session SET dirty=?3 WHERE source=?1 AND id=?2") \
	X(SQL_SESSION_CLEAN, "UPDATE session SET dirty=0 WHERE source=?1 AND id=?2 AND dirty<?3") \
	X(SQL_SESSION_OPEN, "UPDATE session SET open=?3, last_ms=?4 WHERE source=?1 AND id=?2") \
	X(SQL_SESSION_DROP, "DELETE FROM session WHERE source=?1 AND id=?2") \
	X(SQL_SESSION_DROP_EMPTY, "DELETE FROM session WHERE source=?1 AND id=?2 AND NOT EXISTS(SELECT 1 FROM record r WHERE r.session=id AND r.source=session.source)") \
	X(SQL_SESSIONS_ALL_DIRTY, "UPDATE session SET dirty=?1 WHERE dirty=0") \
	X(SQL_SESSIONS_DROP_EMPTY, "DELETE FROM session WHERE NOT EXISTS(SELECT 1 FROM record r WHERE r.session=session.id AND r.source=session.source) AND NOT EXISTS(SELECT 1 FROM observation o WHERE o.session=session.id AND o.source=session.source)") \
	X(SQL_SESSIONS_MAKE, "INSERT OR IGNORE INTO session(source, id, dirty, open, last_ms, stored_ms) SELECT source, session, 1, 0, max(time), ?1 FROM record GROUP BY session, source") \
	X(SQL_SESSIONS_STORED_MAX, "SELECT max(stored_ms) FROM session") \
	X(SQL_EACH_SESSION, "SELECT s.source, s.id, s.last_ms, (SELECT count(*) FROM record r WHERE r.session=s.id AND r.source=s.source), (SELECT count(*) FROM observation o WHERE o.session=s.id AND o.source=s.source), (SELECT count(*) FROM observation o " BY("observation_session") "WHERE o.session=s.id AND o.source=s.source AND o.state=3), h.link, r.body, (SELECT min(time) FROM record r WHERE r.session=s.id AND r.source=s.source AND time>0) FROM session s LEFT JOIN head h ON h.source=s.source AND h.key=s.id AND h.kind=0 LEFT JOIN record r ON r.seq=h.seq ORDER BY s.last_ms, s.source, s.id") \
	X(SQL_CURSOR_SET, "INSERT INTO cursor(source, name, value) VALUES(?1, ?2, ?3) ON CONFLICT(source, name) DO UPDATE SET value=excluded.value") \
	X(SQL_CURSOR_DROP, "DELETE FROM cursor WHERE source=?1 AND name=?2") \
	X(SQL_EACH_CURSOR, "SELECT name, value FROM cursor WHERE source=?1 ORDER BY name") \
	X(SQL_CURSOR_GET, "SELECT value FROM cursor WHERE source=?1 AND name=?2") \
	X(SQL_OBSERVATION_PUT, "INSERT INTO observation(span_id, trace_id, source, session, turn, start_ms, state, changed, version, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, moved(0, -1, ?7), ?8, ?9, ?10)") \
	X(SQL_OBSERVATION_PUT_FRESH_8, "INSERT OR FAIL INTO observation(span_id, trace_id, source, session, turn, start_ms, state, changed, version, hash) VALUES" EIGHT(FRESH_ROW)) \
	X(SQL_BODY_PUT_8, "INSERT OR FAIL INTO observation_body(id, body) VALUES" EIGHT("(?, ?)")) \
	X(SQL_BODY_PUT, "INSERT INTO observation_body(id, body) VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET body=excluded.body") \
	X(SQL_OBSERVATION_CHANGE, "UPDATE observation SET trace_id=?2, source=?3, session=?4, turn=?5, start_ms=?6, changed=max(changed, ?7), version=version+?7, hash=?8 WHERE id=?1") \
	X(SQL_OBSERVATION_GET, OBSERVATION_BY("") " WHERE o.id=?1") \
	X(SQL_OBSERVATION_IDS_OF, "SELECT id FROM observation WHERE session=?1 ORDER BY start_ms, span_id") \
	X(SQL_OBSERVATION_IDS, "SELECT id FROM observation ORDER BY start_ms, span_id") \
	X(SQL_OBSERVATION_STATE, "UPDATE observation SET state=moved(0, state, ?2) WHERE id=?1") \
	X(SQL_OBSERVATION_SETTLE, "UPDATE observation SET state=moved(0, state, ?2), changed=?3 WHERE id=?1") \
	X(SQL_OBSERVATION_HASH, "SELECT hash FROM observation WHERE id=?1") \
	X(SQL_OBSERVATION_DROP, "DELETE FROM observation WHERE id=?1" GONE("0")) \
	X(SQL_OBSERVATIONS_DROP_OF, "DELETE FROM observation WHERE session=?2 AND source=?1" GONE("0")) \
	X(SQL_OBSERVATIONS_DROP_PENDING_OF, "DELETE FROM observation " BY("observation_session") "WHERE session=?2 AND source=?1 AND state=0" GONE("0")) \
	X(SQL_OBSERVATIONS_DROP_DELIVERED, "DELETE FROM observation WHERE id IN (SELECT id FROM observation WHERE ((state=3 AND changed=0) OR (state=0 AND " LANGFUSE_OFF ")) AND NOT " WAITED_FOR("observation") " ORDER BY id LIMIT 256)" GONE("0")) \
	X(SQL_OBSERVATIONS_FORGET, "DELETE FROM observation WHERE state NOT IN (1, 2)" GONE("0")) \
	X(SQL_OBSERVATIONS_IN_DOUBT, "UPDATE observation SET state=2 WHERE state=1 AND id IN (SELECT observation FROM send_row)") \
	X(SQL_OBSERVATIONS_DROP_BARE, "DELETE FROM observation WHERE state=0 AND NOT EXISTS(SELECT 1 FROM observation_body b WHERE b.id=observation.id)" GONE("0")) \
	X(SQL_OBSERVATIONS_REMAKE_BARE, "UPDATE observation SET hash=0 WHERE NOT EXISTS(SELECT 1 FROM observation_body b WHERE b.id=observation.id)") \
	X(SQL_BODIES_DROP_LOST, "DELETE FROM observation_body WHERE NOT EXISTS(SELECT 1 FROM observation o WHERE o.id=observation_body.id)") \
	X(SQL_SEND_ROWS, "SELECT r.observation FROM send_row r WHERE r.send=?1 AND EXISTS(SELECT 1 FROM observation o WHERE o.id=r.observation) ORDER BY r.observation") \
	X(SQL_SEND_FLIES, "UPDATE OR FAIL observation SET state=moved(0, state, 1) WHERE id BETWEEN ?1 AND ?2") \
	X(SQL_SEND_OF, "SELECT observation FROM send_row WHERE send=?1 ORDER BY observation") \
	X(SQL_SEND_ARRIVED, "UPDATE OR FAIL observation SET state=moved(0, state, 3), changed=(hash<>(SELECT r.hash FROM send_row r WHERE r.observation=observation.id)) WHERE id BETWEEN ?1 AND ?2") \
	X(SQL_SEND_ENTER, "INSERT OR FAIL INTO ledger(place, span_id, trace_id, time, hash) SELECT place, span_id, trace_id, ?2, hash FROM send_row WHERE send=?1 ON CONFLICT(place, span_id) DO UPDATE SET time=excluded.time, hash=excluded.hash") \
	X(SQL_SEND_PUT, "INSERT INTO send(created_ms, attempts, in_doubt) VALUES(?1, 0, 0)") \
	X(SQL_SEND_ROWS_PUT, "INSERT OR FAIL INTO send_row(send, observation, place, span_id, trace_id, hash) SELECT ?1, id, place(session), span_id, trace_id, hash FROM observation WHERE id BETWEEN ?2 AND ?3 AND state IN (0, 3)") \
	X(SQL_SEND_ROW_DROP, "DELETE FROM send_row WHERE observation=?1") \
	X(SQL_SEND_ROWS_DROP, "DELETE FROM send_row WHERE send=?1") \
	X(SQL_SEND_IN_DOUBT, "UPDATE send SET in_doubt=1 WHERE id=?1") \
	X(SQL_SENDS_IN_DOUBT, "UPDATE send SET in_doubt=1, attempts=attempts+1") \
	X(SQL_SEND_ROWS_DROP_LOST, "DELETE FROM send_row WHERE NOT EXISTS(SELECT 1 FROM observation o WHERE o.id=send_row.observation) OR NOT EXISTS(SELECT 1 FROM send s WHERE s.id=send_row.send)") \
	X(SQL_SENDS_DROP_EMPTY, "DELETE FROM send WHERE NOT EXISTS(SELECT 1 FROM send_row r WHERE r.send=send.id)") \
	X(SQL_SEND_END, "DELETE FROM send WHERE id=?1 AND NOT EXISTS(SELECT 1 FROM send_row r WHERE r.send=?1)") \
	X(SQL_SEND_KEEP, "UPDATE send SET attempts=attempts+1 WHERE id=?1") \
	X(SQL_EACH_SEND, "SELECT id, created_ms, attempts, in_doubt FROM send WHERE id>?1 ORDER BY id LIMIT 1") \
	X(SQL_SEND_ROWS_ADOPT, "INSERT INTO send_row(send, observation, place, span_id, trace_id, hash) SELECT ?1, id, place(session), span_id, trace_id, hash FROM observation WHERE state IN (1, 2) AND NOT EXISTS(SELECT 1 FROM send_row r WHERE r.observation=observation.id)") \
	X(SQL_LEDGER_PUT, "INSERT INTO ledger(place, span_id, trace_id, time, hash) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(place, span_id) DO UPDATE SET time=excluded.time, hash=excluded.hash") \
	X(SQL_UNPLACED, "SELECT EXISTS(SELECT 1 FROM ledger WHERE place=0) OR EXISTS(SELECT 1 FROM counted WHERE place=0)") \
	X(SQL_LEDGER_UNPLACE, "DELETE FROM ledger WHERE place=0 AND span_id=?1") \
	X(SQL_SEND_UNPLACE, "DELETE FROM ledger WHERE place=0 AND span_id IN (SELECT span_id FROM send_row WHERE send=?1)") \
	X(SQL_LEDGER_TRIM, "DELETE FROM ledger WHERE id IN (SELECT id FROM ledger ORDER BY id LIMIT ?1)") \
	X(SQL_DEAD_PUT, "INSERT INTO dead(time, reason, detail, session, sink, span_id, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	X(SQL_EACH_DEAD, "SELECT id, time, reason, detail, session, span_id, body, sink FROM dead WHERE id>?1 AND (?2=0 OR id=?2) ORDER BY id LIMIT 1") \
	X(SQL_DEAD_DROP, "DELETE FROM dead WHERE ?1=0 OR id=?1") \
	X(SQL_DEAD_DROP_OLDEST, "DELETE FROM dead WHERE id IN (SELECT id FROM dead ORDER BY id LIMIT 64)") \
	X(SQL_DEAD_DROP_BEFORE, "DELETE FROM dead WHERE time<?1") \
	X(SQL_DEAD_COUNT, "SELECT sink, count(*) FROM dead GROUP BY sink") \
	X(SQL_OUTGO_PUT, "INSERT INTO outgo(sink, span_id, source, session, start_ms, state, body) VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6) ON CONFLICT(sink, span_id) DO UPDATE SET source=excluded.source, session=excluded.session, start_ms=excluded.start_ms, body=excluded.body WHERE state=0 AND (body<>excluded.body OR start_ms<>excluded.start_ms OR session<>excluded.session)") \
	X(SQL_OUTGO_REVIVE, "INSERT INTO outgo(sink, span_id, source, session, start_ms, state, body) VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6) ON CONFLICT(sink, span_id) DO UPDATE SET source=excluded.source, session=excluded.session, start_ms=excluded.start_ms, body=excluded.body, state=0 WHERE state=4 RETURNING moved(sink, -1, 0)") \
	X(SQL_OUTGO_SETTLE, "INSERT INTO outgo(sink, span_id, source, session, start_ms, state, body) VALUES(?1, ?2, '', '', 0, ?3, '') ON CONFLICT(sink, span_id) DO UPDATE SET state=moved(sink, state, excluded.state), source='', session='', start_ms=0, body=''") \
	X(SQL_OUTGO_DROP, "DELETE FROM outgo WHERE id=?1" GONE("sink")) \
	X(SQL_OUTGO_DROP_OF, "DELETE FROM outgo WHERE session=?2 AND source=?1 AND state=0" GONE("sink")) \
	X(SQL_OUTGO_DROP_SINK, "DELETE FROM outgo WHERE sink=?1 AND state=0" GONE("sink")) \
	X(SQL_OUTGO_DROP_LOST, "DELETE FROM outgo WHERE state=0 AND NOT EXISTS(SELECT 1 FROM session s WHERE s.source=outgo.source AND s.id=outgo.session)" GONE("sink")) \
	X(SQL_OUTGO_COUNT, "SELECT count(*) FROM outgo WHERE state<>0") \
	X(SQL_OUTGO_TRIM, "DELETE FROM outgo WHERE id IN (SELECT id FROM outgo WHERE state<>0 ORDER BY id LIMIT ?1)") \
	X(SQL_COUNTER_ADD, "INSERT INTO counter(name, label, value) VALUES(?1, ?2, ?3) ON CONFLICT(name, label) DO UPDATE SET value=value+excluded.value") \
	X(SQL_COUNTER_GET, "SELECT value FROM counter WHERE name=?1 AND label=?2") \
	X(SQL_EACH_COUNTER, "SELECT name, label, value FROM counter WHERE (?1='' AND name<>'rows') OR name=?1 ORDER BY name, label") \
	X(SQL_COUNTED_PUT, "INSERT OR IGNORE INTO counted(place, hash) VALUES(?, ?)") \
	X(SQL_COUNTED_PUT_8, "INSERT OR IGNORE INTO counted(place, hash) VALUES" EIGHT("(?, ?)")) \
	X(SQL_COUNTED_COUNT, "SELECT count(*) FROM counted") \
	X(SQL_COUNTED_TRIM, "DELETE FROM counted WHERE id IN (SELECT id FROM counted ORDER BY id LIMIT ?1)") \
	X(SQL_META_SET, "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value=excluded.value") \
	X(SQL_META_DROP, "DELETE FROM meta WHERE name=?1") \
	X(SQL_META_GET, "SELECT value FROM meta WHERE name=?1") \
	X(SQL_COUNT_SESSIONS, "SELECT count(*) FROM session") \
	X(SQL_COUNT_STATE, "SELECT count(*) FROM send_row r CROSS JOIN observation o ON o.id=r.observation WHERE o.state=?1") \
	X(SQL_ROWS_COUNTED, "SELECT label, value FROM (" ROWS_COUNTED ") EXCEPT SELECT label, value FROM counter WHERE name='rows'") \
	X(SQL_ROWS_DROP, "DELETE FROM counter WHERE name='rows'") \
	X(SQL_ROWS_COUNT_AGAIN, ROWS_COUNT_AGAIN) \
	X(SQL_LANGFUSE_OFF, "SELECT " LANGFUSE_OFF) \
	X(SQL_PENDING_MIN, "SELECT start_ms FROM observation WHERE state=0 ORDER BY start_ms LIMIT 1") \
	X(SQL_SETTLED_SESSIONS, "SELECT s.source, s.id FROM session s WHERE " SETTLED_SESSION("s") " AND " CHILDLESS("s") " ORDER BY s.stored_ms LIMIT 1") \
	X(SQL_PURGE_RECORDS_SIZE, "SELECT count(*), coalesce(sum(length(CAST(body AS BLOB))), 0) FROM record" PURGE_WHERE("record", "seq", "time")) \
	X(SQL_PURGE_UNASSEMBLED, "SELECT count(*) FROM record" PURGE_WHERE("record", "seq", "time") " AND (source, session) IN (SELECT source, id FROM session WHERE dirty<>0 OR open<>0)") \
	X(SQL_PURGE_OBSERVATIONS_SIZE, "SELECT count(*), coalesce(sum((SELECT length(CAST(b.body AS BLOB)) FROM observation_body b WHERE b.id=observation.id)), 0), coalesce(sum((state<>3 AND NOT " LANGFUSE_OFF ") OR " WAITED_FOR("observation") "), 0) FROM observation" PURGE_WHERE("observation", "id", "start_ms")) \
	X(SQL_PURGE_OUTGO_SIZE, "SELECT 0, coalesce(sum(length(CAST(body AS BLOB))), 0), coalesce(sum(body<>''), 0) FROM outgo" PURGE_WHERE("outgo", "id", "start_ms") " AND state=0") \
	X(SQL_PURGE_DEAD_SIZE, "SELECT count(*), coalesce(sum(length(CAST(body AS BLOB))), 0) FROM dead" PURGE_DEAD_WHERE) \
	X(SQL_PURGE_LAST, "SELECT coalesce((SELECT max(seq) FROM record), 0), coalesce((SELECT max(id) FROM observation), 0), coalesce((SELECT max(id) FROM outgo), 0)") \
	X(SQL_PURGE_KEYS, "SELECT source, key, seq FROM record" PURGE_WHERE("record", "seq", "time")) \
	X(SQL_PURGE_RECORDS, "DELETE FROM record" PURGE_WHERE("record", "seq", "time")) \
	X(SQL_PURGE_OUTGO, "DELETE FROM outgo" PURGE_WHERE("outgo", "id", "start_ms") " AND state=0" GONE("sink")) \
	X(SQL_PURGE_OBSERVATIONS, "DELETE FROM observation" PURGE_WHERE("observation", "id", "start_ms") GONE("0")) \
	X(SQL_PURGE_DEAD, "DELETE FROM dead" PURGE_DEAD_WHERE)

#define SPOOL_SQL(X) SPOOL_SQL_HOT(X) SPOOL_SQL_COLD(X)

/*
 * Tables that are copied out of a damaged file row by row, by their integer key; the others are derived. The last is how a file of an
 * older version is read, where that differs.
 */
#define SPOOL_SALVAGE(X) \
	X("meta", "id", "name, value", 3, NULL) \
	X("record", "seq", "source, session, message, key, kind, level, ord, link, time, cut, hash, fp, body", 14, NULL) \
	X("cursor", "id", "source, name, value", 4, NULL) \
	X("observation", "id", "span_id, trace_id, source, session, turn, start_ms, state, changed, version, hash", 11, NULL) \
	X("observation_body", "id", "body", 2, SALVAGE_READ("observation", "id", "body")) \
	X("send", "id", "created_ms, attempts, in_doubt", 4, NULL) \
	X("send_row", "observation", "send, place, span_id, trace_id, hash", 6, SALVAGE_READ("send_row", "observation", "send, 0, span_id, trace_id, hash")) \
	X("ledger", "id", "place, span_id, trace_id, time, hash", 6, SALVAGE_READ("ledger", "id", "0, span_id, trace_id, time, hash")) \
	X("outgo", "id", "sink, span_id, source, session, start_ms, state, body", 8, NULL) \
	X("dead", "id", "time, reason, detail, session, span_id, body, sink", 8, SALVAGE_READ("dead", "id", "time, reason, detail, session, span_id, body, 0")) \
	X("counter", "id", "name, label, value", 4, NULL) \
	X("counted", "id", "place, hash", 3, SALVAGE_READ("counted", "id", "0, hash"))
#define SALVAGE_READ(table, key, columns) "SELECT " key ", " columns " FROM " table " WHERE " key ">=?1 ORDER BY " key
#define SALVAGE_LAST(table, key) "SELECT max(" key ") FROM " table
#define SALVAGE_WRITE "INSERT OR IGNORE INTO %s(%s, %s) VALUES(?1%s)" /* printf: table, key, columns, parameters */

#endif
