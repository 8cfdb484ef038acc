/*
 * Reading one session: its events by sequence number; where some are missing (pruned, or never written), the state of its messages and
 * parts after them, by their times of change. Every value becomes what ingest knows already: an event {id,type,data}, a session,
 * {info,parts}.
 */
#include "ingest/src_opencode_db_private.h"
#include "base/json.h"
#include "ingest/src_opencode_storage.h"
#include <stdio.h>

#define CHUNK_BYTES (2u << 20) /* a message with more parts comes in pieces */
#define SLACK_MS 5000          /* times of change may lie a little wrong */

static const char *const table_names[] = { [DB_TABLE_EVENT] = "event", [DB_TABLE_MESSAGE] = "message", [DB_TABLE_PART] = "part" };

int db_data_open(struct opencode_db *db, enum db_table table, int64_t rowid, uint64_t *ret_bytes, bool *ret_none, struct err *err)
{
	int code;

	*ret_none = false;
	*ret_bytes = 0;
	code = db->blob[table] ? sqlite3_blob_reopen(db->blob[table], rowid)
	                       : sqlite3_blob_open(db->sqlite, "main", table_names[table], "data", rowid, 0, &db->blob[table]);
	if (code == SQLITE_OK) {
		*ret_bytes = (uint64_t)sqlite3_blob_bytes(db->blob[table]);
		return 0;
	}
	sqlite3_blob_close(db->blob[table]); /* unusable after a failure */
	db->blob[table] = NULL;
	*ret_none = code == SQLITE_ERROR; /* a number, or NULL */
	return *ret_none ? 0 : db_fail(db, code, err);
}

int db_data_read(struct opencode_db *db, enum db_table table, uint64_t bytes, uint64_t skip, struct buf *out, struct err *err)
{
	size_t n = (size_t)(bytes - skip);
	char *room = buf_reserve(out, n);
	int code;

	if (!room)
		return err_set(err, out->failed, "%s: no memory", db->path);
	code = n > 0 ? sqlite3_blob_read(db->blob[table], room, (int)n, (int)skip) : SQLITE_OK;
	if (code != SQLITE_OK)
		return db_fail(db, code, err);
	out->len += n;
	out->data[out->len] = '\0';
	return 0;
}

static void page_add(struct page *page, size_t start, uint64_t line)
{
	page->values[page->count++] = (struct page_value){ .start = start, .end = page->text.len, .line = line };
}

static void page_add_oversize(struct page *page, uint64_t bytes, uint64_t line)
{
	page->values[page->count++] = (struct page_value){ .line = line, .oversize_bytes = bytes };
}

static void add_member(struct buf *out, const char *key, struct slice text)
{
	struct json_writer json;

	buf_format(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", key);
	json_writer_init(&json, out);
	jw_string(&json, text);
}

/* ---- events ---- */

static int add_event(struct opencode_db *db, sqlite3_stmt *row, struct page *page, struct err *err)
{
	size_t start = page->text.len;
	uint64_t bytes, seq = (uint64_t)sqlite3_column_int64(row, 1);
	bool none;
	int rc = db_data_open(db, DB_TABLE_EVENT, sqlite3_column_int64(row, 0), &bytes, &none, err);

	if (rc != 0 || none)
		return rc;
	if (bytes > INGEST_MAX_VALUE_BYTES - 4096) {
		page_add_oversize(page, bytes, seq);
		return 0;
	}
	buf_char(&page->text, '{');
	add_member(&page->text, "id", db_text(row, 2));
	add_member(&page->text, "type", db_text(row, 3));
	buf_text(&page->text, ",\"data\":");
	rc = db_data_read(db, DB_TABLE_EVENT, bytes, 0, &page->text, err);
	buf_char(&page->text, '}');
	if (rc == 0)
		page_add(page, start, seq);
	return rc;
}

/* Events up to a full page. *ret_done: there are no more. */
static int read_events(struct opencode_db *db, struct slice session, struct opencode_position *position, int64_t newest, struct page *page,
                       bool *ret_done, struct err *err)
{
	int rc, more = 0;
	sqlite3_stmt *row = db_query(db, DB_EVENTS, &session, 1, &rc, err);

	*ret_done = false;
	if (!row)
		return rc;
	sqlite3_bind_int64(row, 2, position->seq);
	while (rc == 0 && !page_is_full(page) && (more = db_step(db, row, err)) == 1) {
		int64_t seq = sqlite3_column_int64(row, 1);
		rc = add_event(db, row, page, err);
		position->gap = position->gap || seq != position->seq + 1;
		position->seq = seq;
	}
	if (rc != 0 || more < 0)
		return rc != 0 ? rc : more;
	*ret_done = more == 0 && !page_is_full(page);
	if (*ret_done && position->seq < newest) {
		position->gap = true;
		position->seq = newest;
	}
	return 0;
}

/* ---- the state of messages and parts ---- */

struct owner {
	struct slice id, session, message; /* message: of a part; empty for a message */
};

/* {"id":…,"sessionID":…[,"messageID":…],<what data holds>. *ret_added: false when it does not fit or is no object. */
static int add_object(struct opencode_db *db, enum db_table table, int64_t rowid, const struct owner *owner, struct page *page,
                      size_t start, bool *ret_added, struct err *err)
{
	size_t before = page->text.len;
	uint64_t bytes;
	bool none;
	int rc = db_data_open(db, table, rowid, &bytes, &none, err);

	*ret_added = false;
	if (rc != 0 || none || bytes < 2)
		return rc;
	if (page->text.len - start + bytes > INGEST_MAX_VALUE_BYTES - 4096) {
		if (page->count < PAGE_VALUES - 1)
			page_add_oversize(page, bytes, (uint64_t)rowid);
		return 0;
	}
	buf_char(&page->text, '{');
	add_member(&page->text, "id", owner->id);
	add_member(&page->text, "sessionID", owner->session);
	if (owner->message.len > 0)
		add_member(&page->text, "messageID", owner->message);
	buf_char(&page->text, ',');
	rc = db_data_read(db, table, bytes, 1, &page->text, err);
	if (rc == 0 && page->text.len >= 2 && page->text.data[page->text.len - 2] == ',') /* it was {} */
		page->text.data[page->text.len-- - 2] = '}';
	if (rc != 0)
		page->text.len = before;
	*ret_added = rc == 0;
	return rc;
}

static void note_high(struct opencode_position *position, int64_t updated_ms)
{
	if (updated_ms > position->high_ms)
		position->high_ms = updated_ms;
}

static int add_session(struct opencode_db *db, struct slice session, struct opencode_position *position, struct page *page, struct err *err)
{
	static const char *const keys[] = { "id", "parentID", "directory", "title", "version" };
	size_t start = page->text.len;
	struct buf *out = &page->text;
	int rc;
	sqlite3_stmt *row = db_query(db, DB_SESSION, &session, 1, &rc, err);

	if (row)
		rc = db_step(db, row, err);
	if (rc != 1)
		return rc;
	note_high(position, sqlite3_column_int64(row, 5));
	note_high(position, sqlite3_column_int64(row, 9));
	buf_char(out, '{');
	for (int i = 0; i < 5; i++)
		if (sqlite3_column_type(row, i) != SQLITE_NULL)
			add_member(out, keys[i], db_text(row, i));
	if (sqlite3_column_type(row, 7) != SQLITE_NULL)
		add_member(out, "agent", db_text(row, 7));
	if (sqlite3_column_type(row, 10) != SQLITE_NULL)
		add_member(out, "projectID", db_text(row, 10));
	if (sqlite3_column_type(row, 8) != SQLITE_NULL) {
		buf_text(out, ",\"metadata\":");
		buf_slice(out, db_text(row, 8));
	}
	buf_format(out, ",\"time\":{\"created\":%lld", (long long)sqlite3_column_int64(row, 5));
	if (sqlite3_column_type(row, 6) != SQLITE_NULL)
		buf_format(out, ",\"archived\":%lld", (long long)sqlite3_column_int64(row, 6));
	buf_text(out, "}}");
	page_add(page, start, 0);
	return out->failed;
}

struct message {
	int64_t rowid, created_ms, updated_ms;
	char id[128];
};

static bool is_new(const struct opencode_position *position, int64_t updated_ms)
{
	return updated_ms >= position->state_ms - SLACK_MS;
}

/* One that is too long is cut, and stands behind all that begin like it: a page must not begin with it again. */
static void copy_id(char out[128], struct slice id)
{
	size_t n = id.len < 127 ? id.len : 126;

	snprintf(out, 128, "%.*s%s", (int)n, id.ptr ? id.ptr : "", n < id.len ? "\xff" : "");
}

/* The parts that changed, into an open "parts":[ . *ret_done: all were looked at. */
static int add_parts(struct opencode_db *db, struct slice session, const struct message *message, struct opencode_position *position,
                     struct page *page, size_t start, bool *ret_any, bool *ret_done, struct err *err)
{
	const struct slice keys[2] = { slice_of(message->id), slice_of(position->after_part) };
	int rc, more = 0;
	sqlite3_stmt *row = db_query(db, DB_PARTS, keys, 2, &rc, err);

	*ret_done = false;
	while (rc == 0 && page->text.len - start < CHUNK_BYTES && page->count < PAGE_VALUES - 1 && (more = db_step(db, row, err)) == 1) {
		struct owner owner = { db_text(row, 1), session, slice_of(message->id) };
		int64_t updated_ms = sqlite3_column_int64(row, 2);
		size_t before = page->text.len;
		bool added = false;

		if (is_new(position, updated_ms)) {
			if (*ret_any)
				buf_char(&page->text, ',');
			rc = add_object(db, DB_TABLE_PART, sqlite3_column_int64(row, 0), &owner, page, start, &added, err);
			if (!added)
				page->text.len = before;
			*ret_any = *ret_any || added;
		}
		note_high(position, updated_ms);
		copy_id(position->after_part, owner.id);
	}
	if (rc == 0 && more < 0)
		rc = more;
	*ret_done = rc == 0 && more == 0 && page->text.len - start < CHUNK_BYTES && page->count < PAGE_VALUES - 1;
	return rc;
}

/* {"info":…,"parts":[…]} of one message, or a piece of it. *ret_done: the message is done with. */
static int add_message(struct opencode_db *db, struct slice session, const struct message *message, struct opencode_position *position,
                       struct page *page, bool *ret_done, struct err *err)
{
	struct owner owner = { slice_of(message->id), session, SLICE_NONE };
	size_t start = page->text.len;
	bool added, any = false;
	int rc;

	*ret_done = true;
	buf_text(&page->text, "{\"info\":");
	rc = add_object(db, DB_TABLE_MESSAGE, message->rowid, &owner, page, start, &added, err);
	if (rc == 0 && added) {
		buf_text(&page->text, ",\"parts\":[");
		rc = add_parts(db, session, message, position, page, start, &any, ret_done, err);
		buf_text(&page->text, "]}");
	}
	note_high(position, message->updated_ms);
	if (rc == 0 && added && (any || is_new(position, message->updated_ms)))
		page_add(page, start, (uint64_t)message->rowid);
	else
		page->text.len = start;
	return rc != 0 ? rc : page->text.failed;
}

static void begin_pass(struct opencode_position *position)
{
	position->passing = true;
	position->high_ms = position->state_ms;
	position->after_ms = INT64_MIN;
	position->after_message[0] = position->after_part[0] = '\0';
}

static void end_pass(struct opencode_position *position)
{
	position->passing = position->gap = false;
	position->state_ms = position->high_ms;
}

static int read_state(struct opencode_db *db, struct slice session, struct opencode_position *position, struct page *page, struct err *err)
{
	const struct slice keys[1] = { session };
	sqlite3_stmt *row;
	int rc = 0, more = 0;

	if (!position->passing) {
		begin_pass(position);
		rc = add_session(db, session, position, page, err);
		if (rc != 0)
			return rc;
	}
	row = db_query(db, DB_MESSAGES, keys, 1, &rc, err);
	if (row) {
		sqlite3_bind_int64(row, 2, position->after_ms);
		sqlite3_bind_text(row, 3, position->after_message, -1, SQLITE_TRANSIENT);
	}
	while (rc == 0 && !page_is_full(page) && (more = db_step(db, row, err)) == 1) {
		struct message message = { .rowid = sqlite3_column_int64(row, 0), .created_ms = sqlite3_column_int64(row, 2),
			                   .updated_ms = sqlite3_column_int64(row, 3) };
		bool done = true;
		copy_id(message.id, db_text(row, 1));
		do
			rc = add_message(db, session, &message, position, page, &done, err);
		while (rc == 0 && !done && !page_is_full(page));
		if (rc != 0 || !done)
			return rc;
		position->after_ms = message.created_ms;
		memcpy(position->after_message, message.id, sizeof message.id);
		position->after_part[0] = '\0';
	}
	if (rc == 0 && more == 0 && !page_is_full(page))
		end_pass(position);
	return rc != 0 ? rc : more < 0 ? more : 0;
}

/* ---- both ---- */

static int newest_event(struct opencode_db *db, struct slice session, int64_t *ret, struct err *err)
{
	int rc;
	sqlite3_stmt *row;

	*ret = -1;
	if (!db->has_events)
		return 0;
	row = db_query(db, DB_SEQUENCE, &session, 1, &rc, err);
	if (row)
		rc = db_step(db, row, err);
	if (rc == 1)
		*ret = sqlite3_column_int64(row, 0);
	return rc < 0 ? rc : 0;
}

static int read_page(struct opencode_db *db, struct slice session, struct opencode_position *position, struct page *page, struct err *err)
{
	int64_t newest;
	bool done = true;
	int rc = newest_event(db, session, &newest, err);

	if (rc != 0)
		return rc;
	if (newest < position->seq || newest < 0) { /* pruned altogether, or another database in its place */
		position->seq = newest;
		position->gap = true;
	}
	if (db->has_events && !position->passing)
		rc = read_events(db, session, position, newest, page, &done, err);
	if (rc == 0 && done && position->gap)
		rc = read_state(db, session, position, page, err);
	return rc;
}

int opencode_db_read(struct opencode_db *db, struct slice session, struct opencode_position *position, struct page *page,
                     bool *ret_more, struct err *err)
{
	struct opencode_position moved = *position;
	int rc;

	if (db->storage)
		return opencode_storage_read(db->path, session, position, page, ret_more, err);
	rc = db_read_begin(db, err);
	page->count = 0;
	buf_clear(&page->text);
	if (rc != 0)
		return rc;
	rc = read_page(db, session, &moved, page, err);
	rc = db_read_end(db, rc, err);
	if (rc != 0)
		return rc;
	*ret_more = page_is_full(page) || moved.gap || moved.passing;
	*position = moved;
	return 0;
}

int opencode_db_rewind(struct opencode_db *db, struct slice session, struct opencode_position *position, struct err *err)
{
	sqlite3_stmt *row;
	int rc;

	if (!db->has_events || position->seq < 0)
		return 0;
	rc = db_read_begin(db, err);
	if (rc != 0)
		return rc;
	row = db_query(db, DB_PROMPTED, &session, 1, &rc, err);
	if (row) {
		sqlite3_bind_int64(row, 2, position->seq);
		rc = db_step(db, row, err);
	}
	if (rc == 1 && sqlite3_column_type(row, 0) == SQLITE_INTEGER)
		position->seq = sqlite3_column_int64(row, 0) - 1;
	return db_read_end(db, rc < 0 ? rc : 0, err);
}
