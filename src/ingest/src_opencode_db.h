/*
 * OpenCode's own database, read where it lies: read-only, in short transactions, without making, locking or checkpointing
 * anything that would stand in OpenCode's way. Opened for one round of reading and closed again, so that OpenCode can clean up
 * behind itself when it ends. Used by one thread. Tables with credentials cannot be read: the connection refuses them.
 */
#ifndef LF_INGEST_SRC_OPENCODE_DB_H
#define LF_INGEST_SRC_OPENCODE_DB_H
#include "base/buf.h"
#include "base/err.h"
#include "ingest/page.h"

struct opencode_db;

/*
 * A path that is a directory is the storage of versions that had no database (src_opencode_storage.h); all below works with it too.
 * LF_ENOENT: there is no such file. LF_EAGAIN: locked, or being made or recovered. LF_ECORRUPT: damaged, or no database.
 * LF_EVERSION: a database, but none that is known. LF_EPERM: not ours to read. err says it in words for `status`.
 */
int opencode_db_open(const char *path, struct opencode_db **ret, struct err *err);
void opencode_db_close(struct opencode_db *db);

/*
 * What of the file could tell of a change, in 64 bits; 0 when it is missing. *ret_racy: it changed so shortly ago that a further
 * change could leave the same figure.
 */
uint64_t opencode_db_signature(const char *path, bool *ret_racy);

struct opencode_db_session {
	struct slice id;
	int64_t seq;         /* of the newest event; -1: none is known */
	int64_t updated_ms;  /* only where seq is -1 */
};
typedef int opencode_db_session_fn(void *context, const struct opencode_db_session *session, struct err *err);
/* The change index: one row a session. */
int opencode_db_each_session(struct opencode_db *db, opencode_db_session_fn *fn, void *context, struct err *err);
/* The sessions that are not in the change index. Costs a look-up a session. */
int opencode_db_each_unindexed(struct opencode_db *db, opencode_db_session_fn *fn, void *context, struct err *err);

struct opencode_activity {
	int64_t seq;      /* of the newest event, -1 */
	int64_t last_ms;  /* of the last message or change, by what the indexes say */
};
/* LF_ENOENT when the session is gone. */
int opencode_db_activity(struct opencode_db *db, struct slice session, struct opencode_activity *ret, struct err *err);

/* How far a session was read. The first three are worth keeping; the rest is of a pass that is not over. */
struct opencode_position {
	int64_t seq;        /* of the last event that was taken; -1: none */
	int64_t state_ms;   /* up to this time of change messages and parts were taken; 0: never */
	bool gap;           /* events are missing: messages and parts must be looked at */
	bool passing;       /* a pass over messages and parts is under way */
	int64_t high_ms, after_ms;
	char after_message[128], after_part[128];
};

/*
 * Reads what follows the position, up to a page full, in one transaction, and moves the position behind it. page is emptied first.
 * *ret_more: the session holds more. A value that is larger than INGEST_MAX_VALUE_BYTES is not read; the page says so.
 * LF_EAGAIN: not now; the position has not moved.
 */
int opencode_db_read(struct opencode_db *db, struct slice session, struct opencode_position *position, struct page *page,
                     bool *ret_more, struct err *err);

/*
 * For a reader that knows nothing yet of what it has read up to the position: moves it back to where the newer runtime's events begin
 * to make sense (the prompt before). What is read again is known to the spool.
 */
int opencode_db_rewind(struct opencode_db *db, struct slice session, struct opencode_position *position, struct err *err);

#endif
