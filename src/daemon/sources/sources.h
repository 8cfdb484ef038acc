/*
 * What the agents keep on this machine, followed by one thread of the daemon: it finds the databases, waits for changes, and feeds the
 * pipeline, which holds it back when the writer is slow.
 */
#ifndef LF_DAEMON_SOURCES_H
#define LF_DAEMON_SOURCES_H
#include "base/json.h"
#include "daemon/sources/follow.h"
#include "ingest/claude_stats.h"

/* The name of a file: one of OpenCode's databases. */
bool sources_is_database(const char *name);

struct sources;
/* The thread. */
int sources_start(struct work *work, struct sources **ret, struct err *err);
void sources_stop(struct sources *sources);
/* Asks the thread; waits. As follow_backfill(), for all databases. */
int sources_backfill(struct sources *sources, const struct backfill *want, struct backfill_result *ret, struct err *err);
/* The same without a thread, for a command that owns the spool. */
int sources_backfill_here(struct work *work, const struct backfill *want, struct backfill_result *ret, struct err *err);

#define SOURCES_MAX 16
struct sources_status {
	bool opencode;            /* its databases are followed */
	bool claude;              /* Claude Code's transcripts are */
	struct follow_status transcripts;
	struct claude_stats figures;
	struct follow_status all; /* of the source: the worst state, the sums */
	unsigned count;
	struct {
		char path[512];
		struct follow_status status;
	} databases[SOURCES_MAX];
};
/* A copy, as of the last look. */
void sources_status(struct sources *sources, struct sources_status *ret);

#endif
