/*
 * What Claude Code keeps of its own use beside the transcripts: stats-cache.json and the projects' sessions-index.json. Often days or weeks
 * behind, and gone in some versions: figures to show where the transcripts say nothing, never a source of counts.
 */
#ifndef LF_INGEST_CLAUDE_STATS_H
#define LF_INGEST_CLAUDE_STATS_H
#include "base/err.h"
#include <stdint.h>

enum claude_stats_state { CLAUDE_STATS_ABSENT, CLAUDE_STATS_OK, CLAUDE_STATS_STALE, CLAUDE_STATS_UNREADABLE };
const char *claude_stats_state_name(enum claude_stats_state state); /* "absent", … */

#define CLAUDE_STATS_MODELS 32
struct claude_model_stats {
	char model[96];
	int64_t input, output, cache_read, cache_write, web_searches; /* tokens; requests */
	double cost;                  /* USD; 0: not known */
};
#define CLAUDE_STATS_SESSIONS 64
struct claude_stats_session {
	char id[64];
	int64_t modified_ms;
};
struct claude_stats {
	/* stats-cache.json */
	enum claude_stats_state state; /* STALE: the day it was computed for ended more than a day ago */
	int64_t computed_ms;          /* the end of that day, UTC, epoch ms; 0 unknown */
	int64_t sessions, messages;   /* of all time */
	int64_t tool_calls;           /* of all days that it knows */
	int64_t day_messages, day_sessions, day_tool_calls; /* of the last of them */
	int64_t longest_ms;           /* the longest session */
	struct claude_model_stats models[CLAUDE_STATS_MODELS]; /* further ones are left out */
	unsigned model_count;
	/* sessions-index.json of all projects */
	enum claude_stats_state index_state; /* of the worst; STALE: a transcript in that project is younger by a day */
	unsigned indexes;             /* files that were read */
	int64_t indexed_sessions, indexed_messages, indexed_ms; /* indexed_ms: newest change of a session that is in one, epoch ms */
	struct claude_stats_session recent[CLAUDE_STATS_SESSIONS]; /* those that changed last */
	unsigned recent_count;
};

/* What stands there now: another number when a file has changed since. Reads no file. */
uint64_t claude_stats_signature(const char *dir);
/* dir: Claude Code's own. What is missing or cannot be read is a state, not a failure. Reads at most 4 MiB of a file. */
void claude_stats_read(const char *dir, int64_t now_ms, struct claude_stats *ret);

#endif
