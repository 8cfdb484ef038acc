/*
 * Follows the transcripts of Claude Code: what was appended to them goes through the pipeline, and the place in the file moves in the same
 * transaction. Used by one thread. One file is open at a time; what is remembered of files that rest is let go and made again from the file.
 *
 * Cursors (source "claude"): the hash of a file's path = "INODE OFFSET LINE MARKER FROM" (struct transcript), and "first" = "1" when the
 * first look is over.
 */
#ifndef LF_DAEMON_TRANSCRIPTS_H
#define LF_DAEMON_TRANSCRIPTS_H
#include "daemon/sources/follow.h"
#include "ingest/claude_stats.h"

struct transcripts;
/* dir: Claude Code's own, with "projects" in it; copied. work must outlive it. Touches nothing yet. */
struct transcripts *transcripts_new(struct work *work, const char *dir);
void transcripts_free(struct transcripts *transcripts);
const struct follow_status *transcripts_status(const struct transcripts *transcripts);
/* The agent's own figures, read now and then. */
const struct claude_stats *transcripts_figures(const struct transcripts *transcripts);
/* To be polled for input; -1: there is none. */
int transcripts_fd(const struct transcripts *transcripts);
/* Takes what was told. True when something was. */
bool transcripts_told(struct transcripts *transcripts);

/* Takes what is new, for a while. Returns after how many ms to look again in any case; 0: there is more. */
int64_t transcripts_round(struct transcripts *transcripts);
/* As follow_backfill(); a "database" is the directory, a "session" a file. */
int transcripts_backfill(struct transcripts *transcripts, const struct backfill *want, struct backfill_result *ret, struct err *err);

#endif
