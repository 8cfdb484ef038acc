/*
 * Any bytes as OpenCode's database: as the file itself, or as rows of its tables. No crash; what is read ends, in pages no larger than
 * allowed, and each event's body is a JSON object. The first byte: even, the rest is the file; odd, each line of it is a row, its first byte
 * the table, its second the session.
 */
#include "base/json.h"
#include "ingest/src_opencode_db.h"
#include "scratch.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>

#define MAX_ROUNDS 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const schema =
	"CREATE TABLE event_sequence(aggregate_id text PRIMARY KEY, seq integer NOT NULL, owner_id text);"
	"CREATE TABLE event(id text PRIMARY KEY, aggregate_id text NOT NULL, seq integer NOT NULL, type text NOT NULL, data text NOT NULL);"
	"CREATE TABLE message(id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);"
	"CREATE TABLE part(id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL, time_created integer NOT NULL,"
	" time_updated integer NOT NULL, data text NOT NULL);"
	"CREATE TABLE session_message(id text PRIMARY KEY, session_id text NOT NULL, type text NOT NULL, seq integer NOT NULL,"
	" time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);"
	"CREATE TABLE session(id text PRIMARY KEY, project_id text NOT NULL, workspace_id text, parent_id text, slug text NOT NULL,"
	" directory text NOT NULL, path text, title text NOT NULL, version text NOT NULL, metadata text, cost real DEFAULT 0 NOT NULL,"
	" agent text, model text, revert text, time_created integer NOT NULL, time_updated integer NOT NULL, time_archived integer);"
	"CREATE TABLE migration(id TEXT PRIMARY KEY, time_completed INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX event_aggregate_seq_idx ON event(aggregate_id, seq);"
	"CREATE INDEX event_aggregate_type_seq_idx ON event(aggregate_id, type, seq);"
	"CREATE INDEX message_session_time_created_id_idx ON message(session_id, time_created, id);"
	"CREATE INDEX part_message_id_id_idx ON part(message_id, id);"
	"CREATE INDEX part_session_idx ON part(session_id);";

/* ?1 a number of its own, ?2 the session, ?3 the data: as text, or as a blob when it is not UTF-8 */
static const char *const inserts[] = {
	"INSERT INTO message VALUES('msg_' || ?1, ?2, ?1, ?1, ?3)",
	"INSERT INTO part VALUES('prt_' || ?1, 'msg_' || (?1 - 1), ?2, ?1, ?1, ?3)",
	"INSERT INTO event VALUES('evt_' || ?1, ?2, ?1, coalesce(iif(json_valid(?3), ?3->>'$.type', NULL), 'message.updated.1'), ?3)",
	"INSERT INTO session(id, project_id, slug, directory, title, version, metadata, time_created, time_updated) VALUES(?2, ?3, ?3, ?3, ?3, ?3, ?3, ?1, ?1)",
	"INSERT INTO event_sequence VALUES(?2, ?1, ?3)",
	"INSERT INTO session_message VALUES('smg_' || ?1, ?2, 'user', ?1, ?1, ?1, ?3)",
	"UPDATE event SET seq = ?3 WHERE aggregate_id = ?2",
	"UPDATE message SET time_created = ?3, time_updated = ?3 WHERE session_id = ?2",
};

static char path[300];
static struct page page;

static void insert(sqlite3 *db, int number, const char *row, size_t n)
{
	sqlite3_stmt *statement = NULL;
	char session[8];
	struct slice data = n > 2 ? (struct slice){ row + 2, n - 2 } : SLICE("{}");

	snprintf(session, sizeof session, "ses_%d", n > 1 ? row[1] & 1 : 0);
	if (sqlite3_prepare_v2(db, inserts[(unsigned char)row[0] % (sizeof inserts / sizeof inserts[0])], -1, &statement, NULL) != SQLITE_OK)
		abort();
	sqlite3_bind_int(statement, 1, number);
	sqlite3_bind_text(statement, 2, session, -1, SQLITE_TRANSIENT);
	if (json_utf8_valid(data) == data.len)
		sqlite3_bind_text(statement, 3, data.ptr, (int)data.len, SQLITE_STATIC);
	else
		sqlite3_bind_blob(statement, 3, data.ptr, (int)data.len, SQLITE_STATIC);
	(void)sqlite3_step(statement); /* one that is there already is refused */
	sqlite3_finalize(statement);
}

static void write_rows(const char *text, size_t size)
{
	sqlite3 *db = NULL;
	const char *end = text + size;
	int number = 0;

	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK || sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		abort();
	for (const char *p = text, *newline; p < end; p = newline + 1) {
		newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			newline = end;
		if (newline > p)
			insert(db, ++number, p, (size_t)(newline - p));
		if (newline == end)
			break;
	}
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		abort();
	sqlite3_close(db);
}

static void write_file(const void *bytes, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	close(fd);
}

static int check_event(void *context, const struct raw_event *event, struct err *err)
{
	struct json_doc *doc = context;

	if (json_parse(doc, event->body, 0, err) != 0 || json_type_of(doc, 0) != JSON_OBJECT || event->key.len == 0 || event->session.len == 0)
		abort();
	return 0;
}

static void read_page_values(struct ingest *ingest)
{
	struct err err = { 0 };

	if (page.count > PAGE_VALUES)
		abort();
	for (unsigned i = 0; i < page.count; i++) {
		const struct page_value *value = &page.values[i];

		if (value->oversize_bytes)
			ingest_oversize(ingest, value->oversize_bytes, value->line);
		else if (ingest_value(ingest, page_text(&page, i), value->line, &err) != 0)
			abort();
	}
}

static void read_session(struct opencode_db *db, struct slice id)
{
	struct opencode_position position = { .seq = -1 };
	struct ingest_options options = { .source = "opencode", .name = "fuzz", .emit = check_event };
	struct opencode_activity activity;
	struct ingest *ingest = NULL;
	struct json_doc doc;
	struct err err = { 0 };
	bool more = true;

	json_doc_init(&doc);
	options.context = &doc;
	if (ingest_new(&options, &ingest, &err) != 0)
		abort();
	(void)opencode_db_activity(db, id, &activity, &err);
	for (int round = 0; more; round++) {
		if (round == MAX_ROUNDS)
			abort();
		if (opencode_db_read(db, id, &position, &page, &more, &err) != 0)
			break;
		read_page_values(ingest);
	}
	(void)opencode_db_rewind(db, id, &position, &err);
	ingest_free(ingest);
	json_doc_done(&doc);
}

static int note_session(void *context, const struct opencode_db_session *session, struct err *err)
{
	(void)err;
	buf_slice(context, session->id);
	buf_char(context, '\n');
	return 0;
}

static void read_all(void)
{
	struct opencode_db *db = NULL;
	struct err err = { 0 };
	struct buf ids;
	bool racy;

	(void)opencode_db_signature(path, &racy);
	if (opencode_db_open(path, &db, &err) != 0) {
		if (!err.text[0])
			abort();
		return;
	}
	buf_init(&ids, 0);
	(void)opencode_db_each_session(db, note_session, &ids, &err);
	(void)opencode_db_each_unindexed(db, note_session, &ids, &err);
	for (size_t at = 0; at < ids.len;) {
		const char *newline = memchr(ids.data + at, '\n', ids.len - at);
		size_t n = (size_t)(newline - (ids.data + at));

		read_session(db, (struct slice){ ids.data + at, n });
		at += n + 1;
	}
	buf_done(&ids);
	opencode_db_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!path[0]) {
		snprintf(path, sizeof path, "%s/opencode.db", scratch());
		page_init(&page);
	}
	if (size < 1)
		return 0;
	unlink(path);
	if (data[0] & 1)
		write_rows((const char *)data + 1, size - 1);
	else
		write_file(data + 1, size - 1);
	read_all();
	return 0;
}
