/* Claude Code's own figures, with their names redacted: models and sessions are words of a file that anybody may have written. */
#ifndef LF_DAEMON_FIGURES_H
#define LF_DAEMON_FIGURES_H
#include "daemon/work.h"
#include "ingest/claude_stats.h"

/* As claude_stats_read(). */
void figures_read(const struct work *work, const char *dir, int64_t now_ms, struct claude_stats *ret);

#endif
