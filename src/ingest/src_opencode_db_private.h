/* What the parts of the database's reader share. */
#ifndef LF_INGEST_SRC_OPENCODE_DB_PRIVATE_H
#define LF_INGEST_SRC_OPENCODE_DB_PRIVATE_H
#include "ingest/src_opencode_db.h"
#include <sqlite3.h>

#define DB_MAX_BYTES (17 << 20) /* of one value that SQLite itself would hold */

enum db_statement {
	DB_BEGIN, DB_END, DB_SEQUENCES, DB_UNINDEXED, DB_ALL_SESSIONS, DB_SEQUENCE, DB_ACTIVITY, DB_LAST_MESSAGE, DB_LAST_NEXT, DB_EVENTS,
	DB_PROMPTED, DB_SESSION, DB_MESSAGES, DB_PARTS, DB_STATEMENTS
};

struct opencode_db {
	sqlite3 *sqlite;
	char *path;
	bool storage;          /* no database: the directory of before */
	bool immutable;        /* nobody has it open: read without locks, and thrown away when somebody came */
	bool has_events, has_next;
	uint64_t signature;    /* immutable: as it was opened */
	bool in_read;
	sqlite3_blob *blob[3]; /* of event, message, part: re-opened row by row */
	sqlite3_stmt *statements[DB_STATEMENTS];
};

int db_fail(struct opencode_db *db, int code, struct err *err);
/* A prepared statement with its text parameters bound; NULL and *rc on failure. */
sqlite3_stmt *db_query(struct opencode_db *db, enum db_statement which, const struct slice *texts, unsigned count, int *rc, struct err *err);
/* 1: a row, 0: no more, or LF_E…. */
int db_step(struct opencode_db *db, sqlite3_stmt *statement, struct err *err);
struct slice db_text(sqlite3_stmt *statement, int column);
int db_read_begin(struct opencode_db *db, struct err *err);
/* Ends the transaction. rc: of the reading; LF_EAGAIN when what was read cannot be relied on. */
int db_read_end(struct opencode_db *db, int rc, struct err *err);

/* The file that SQLite opens for us: never made, never written, never removed. NULL when it cannot be had. */
const char *db_read_only_vfs(void);

enum db_table { DB_TABLE_EVENT, DB_TABLE_MESSAGE, DB_TABLE_PART };
/* The size of a row's data without reading it. Negative: LF_E…; *ret_none: there is no text. */
int db_data_open(struct opencode_db *db, enum db_table table, int64_t rowid, uint64_t *ret_bytes, bool *ret_none, struct err *err);
/* Appends it, without its first skip bytes. */
int db_data_read(struct opencode_db *db, enum db_table table, uint64_t bytes, uint64_t skip, struct buf *out, struct err *err);

#endif
