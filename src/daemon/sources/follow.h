/*
 * Follows one of OpenCode's databases: what changed since it was looked at last goes through the pipeline, page by page, and the
 * cursor of its session moves in the same transaction. Used by one thread.
 *
 * Cursors (source "opencode"): "<hash of the path>/<session>" = "SEQ STATE_MS FROM GAP" (struct session_mark), and
 * "<hash of the path>/" = the file's identity, written when the first look is over.
 */
#ifndef LF_DAEMON_FOLLOW_H
#define LF_DAEMON_FOLLOW_H
#include "daemon/work.h"

enum source_state { SOURCE_OK, SOURCE_WAITING, SOURCE_ERROR, SOURCE_OFF };
const char *source_state_name(enum source_state state);

struct follow_status {
	enum source_state state;
	char error[400];
	uint64_t events, sessions;
	int64_t last_event_ms; /* wall clock */
};

struct follow;
/* The path is copied; work must outlive it. Touches nothing yet. */
struct follow *follow_new(struct work *work, const char *path);
void follow_free(struct follow *follow);
const char *follow_path(const struct follow *follow);
const struct follow_status *follow_status(const struct follow *follow);
/* What the other one holds is not taken from this one: an older copy must not win. */
void follow_leave_to(struct follow *follow, struct follow *other);

/* Looks, and takes what is new. Returns after how many ms to look again in any case; -1: when something is told. */
int64_t follow_round(struct follow *follow);

struct backfill {
	int64_t since_ms;      /* epoch: sessions in which something happened since then */
	bool dry_run;
	const char *source;    /* only this one; NULL: all */
	int64_t deadline_mono_ms; /* no session is begun after it */
};
struct backfill_result {
	uint64_t databases, sessions, events, stored, unchanged, left; /* left: sessions for another call */
};
/* Takes what is on the disk and the spool has not. Adds to *ret. The first failure, after all that could be done was done. */
int follow_backfill(struct follow *follow, const struct backfill *want, struct backfill_result *ret, struct err *err);

#endif
