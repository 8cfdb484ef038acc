/*
 * Writes a database as OpenCode does: WAL mode; an event, its sequence and what it changes in session, message and part in one
 * transaction. The events are those that streams carry; only durable ones reach the database.
 */
#ifndef LF_TESTS_OPENCODE_WRITER_H
#define LF_TESTS_OPENCODE_WRITER_H
#include "base/buf.h"
#include "base/json.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

struct opencode_writer {
	sqlite3 *db;
	bool no_events; /* events.persist: false: the sequence advances, no rows are written */
};

static void writer_check(struct opencode_writer *writer, int code, const char *what)
{
	if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
		return;
	fprintf(stderr, "writer: %s: %s\n", what, sqlite3_errmsg(writer->db));
	abort();
}

static void writer_exec(struct opencode_writer *writer, const char *sql)
{
	writer_check(writer, sqlite3_exec(writer->db, sql, NULL, NULL, NULL), sql);
}

/* schema: SQL text for a new database; NULL for one that is there. */
static void writer_open(struct opencode_writer *writer, const char *path, const char *schema)
{
	memset(writer, 0, sizeof *writer);
	writer_check(writer, sqlite3_open(path, &writer->db), path);
	sqlite3_busy_timeout(writer->db, 10000);
	writer_exec(writer, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
	if (schema)
		writer_exec(writer, schema);
}

static void writer_close(struct opencode_writer *writer)
{
	sqlite3_close(writer->db);
	writer->db = NULL;
}

/* Runs one statement with texts for ?1, ?2, … */
static void writer_run(struct opencode_writer *writer, const char *sql, const struct slice *texts, int count)
{
	sqlite3_stmt *statement = NULL;

	writer_check(writer, sqlite3_prepare_v2(writer->db, sql, -1, &statement, NULL), sql);
	for (int i = 0; i < count; i++)
		sqlite3_bind_text(statement, i + 1, texts[i].ptr, (int)texts[i].len, SQLITE_STATIC);
	writer_check(writer, sqlite3_step(statement), sql);
	sqlite3_finalize(statement);
}

/* ?1 event id, ?2 type with version, ?3 data, ?4 session */
static const struct {
	const char *type, *sql;
} writer_projections[] = {
	{ "session.created", NULL },
	{ "session.updated",
	  "INSERT INTO session(id, project_id, parent_id, slug, directory, path, title, version, metadata, agent, model, time_created,"
	  " time_updated, time_archived) VALUES(?3->>'$.info.id', ?3->>'$.info.projectID', ?3->>'$.info.parentID', ?3->>'$.info.slug',"
	  " ?3->>'$.info.directory', ?3->>'$.info.path', ?3->>'$.info.title', ?3->>'$.info.version', ?3->'$.info.metadata',"
	  " ?3->>'$.info.agent', ?3->'$.info.model', ?3->>'$.info.time.created', ?3->>'$.info.time.updated', ?3->>'$.info.time.archived')"
	  " ON CONFLICT(id) DO UPDATE SET title=excluded.title, metadata=excluded.metadata, agent=excluded.agent, model=excluded.model,"
	  " time_updated=excluded.time_updated, time_archived=excluded.time_archived, version=excluded.version" },
	{ "message.updated",
	  "INSERT INTO message(id, session_id, time_created, time_updated, data) VALUES(?3->>'$.info.id', ?4, ?3->>'$.info.time.created',"
	  " coalesce(?3->>'$.info.time.completed', ?3->>'$.info.time.created'), json_remove(?3->'$.info', '$.id', '$.sessionID'))"
	  " ON CONFLICT(id) DO UPDATE SET data=excluded.data, time_updated=max(time_updated, excluded.time_updated)" },
	{ "message.removed", "DELETE FROM part WHERE message_id=?3->>'$.messageID'" },
	{ "message.part.updated",
	  "INSERT INTO part(id, message_id, session_id, time_created, time_updated, data) VALUES(?3->>'$.part.id', ?3->>'$.part.messageID', ?4,"
	  " coalesce(?3->>'$.time', 0), coalesce(?3->>'$.time', 0), json_remove(?3->'$.part', '$.id', '$.sessionID', '$.messageID'))"
	  " ON CONFLICT(id) DO UPDATE SET data=excluded.data, time_updated=excluded.time_updated" },
	{ "message.part.removed", "DELETE FROM part WHERE id=?3->>'$.partID'" },
	{ "session.next.", "" },
};

static const char *writer_projection(const char *type)
{
	for (size_t i = 0; i < sizeof writer_projections / sizeof writer_projections[0]; i++) {
		const char *row = writer_projections[i].type;
		if (strcmp(row, "session.next.") == 0 ? strncmp(type, row, strlen(row)) == 0 && !strstr(type, ".delta") : strcmp(row, type) == 0)
			return writer_projections[i].sql ? writer_projections[i].sql : writer_projections[i + 1].sql;
	}
	return NULL;
}

static void writer_delete(struct opencode_writer *writer, struct slice session)
{
	writer_exec(writer, "BEGIN IMMEDIATE");
	writer_run(writer, "DELETE FROM part WHERE session_id=?1", &session, 1);
	writer_run(writer, "DELETE FROM message WHERE session_id=?1", &session, 1);
	writer_run(writer, "DELETE FROM session WHERE id=?1", &session, 1);
	writer_run(writer, "DELETE FROM event WHERE aggregate_id=?1", &session, 1);
	writer_run(writer, "DELETE FROM event_sequence WHERE aggregate_id=?1", &session, 1);
	writer_exec(writer, "COMMIT");
}

static void writer_event(struct opencode_writer *writer, const char *type, struct slice id, struct slice data, struct slice session)
{
	const char *projection = writer_projection(type);
	char versioned[200];
	const struct slice texts[4] = { id, { versioned, (size_t)snprintf(versioned, sizeof versioned, "%s.1", type) }, data, session };

	writer_exec(writer, "BEGIN IMMEDIATE");
	writer_run(writer, "INSERT INTO event_sequence(aggregate_id, seq) SELECT ?4, 0 ON CONFLICT(aggregate_id) DO UPDATE SET seq=seq+1", texts, 4);
	if (!writer->no_events)
		writer_run(writer, "INSERT INTO event(id, aggregate_id, seq, type, data)"
		           " SELECT ?1, ?4, (SELECT seq FROM event_sequence WHERE aggregate_id=?4), ?2, ?3", texts, 4);
	if (projection[0])
		writer_run(writer, projection, texts, 4);
	if (strcmp(type, "message.removed") == 0)
		writer_run(writer, "DELETE FROM message WHERE id=?3->>'$.messageID'", texts, 4);
	writer_exec(writer, "COMMIT");
}

/* One event {id,type,properties|data} as a stream carries it. False: it is not durable, nothing was written. writer NULL: only looks. */
static bool writer_apply(struct opencode_writer *writer, struct slice line)
{
	struct json_doc doc;
	int32_t properties, inner;
	char *type, *session, *id, *dot;
	bool durable = false;

	json_doc_init(&doc);
	if (json_parse(&doc, line, 0, NULL) != 0) {
		json_doc_done(&doc);
		return false;
	}
	properties = json_get(&doc, 0, "properties");
	properties = properties != JSON_NONE ? properties : json_get(&doc, 0, "data");
	inner = json_get(&doc, properties, "sessionID");
	type = json_strdup(&doc, json_get(&doc, 0, "type"), 200);
	id = json_strdup(&doc, json_get(&doc, 0, "id"), 200);
	session = json_strdup(&doc, inner, 200);
	if (type && (dot = strrchr(type, '.')) && dot[1] >= '0' && dot[1] <= '9')
		*dot = '\0';
	if (type && id && session)
		durable = strcmp(type, "session.deleted") == 0 || writer_projection(type);
	if (writer && durable && strcmp(type, "session.deleted") == 0)
		writer_delete(writer, slice_of(session));
	else if (writer && durable)
		writer_event(writer, type, slice_of(id), json_raw(&doc, properties), slice_of(session));
	free(type);
	free(id);
	free(session);
	json_doc_done(&doc);
	return durable;
}

#endif
