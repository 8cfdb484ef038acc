/* What the parts of the transcripts' follower share. */
#ifndef LF_DAEMON_TRANSCRIPTS_PRIVATE_H
#define LF_DAEMON_TRANSCRIPTS_PRIVATE_H
#include "daemon/sources/patience.h"
#include "daemon/sources/pipeline.h"
#include "daemon/sources/transcript_files.h"
#include "daemon/sources/transcripts.h"
#include "ingest/tail.h"
#include "ingest/watch.h"

#define TRANSCRIPTS_SOURCE "claude"

struct transcripts {
	struct work *work;
	char *dir, *nudge;
	struct watch *watch;
	struct transcript_files files;
	struct follow_status status;
	struct claude_stats figures;
	int64_t figures_mono_ms, signed_mono_ms; /* when they were read, and when they were looked at; 0: never */
	uint64_t signature;
	struct pipeline *pipeline;
	struct pipeline_result result;
	struct tail *tail;
	bool loaded, rescan;
	bool more;               /* the last look did not come to an end */
	struct patience patience;
	int64_t scan_mono_ms;
	uint64_t problems;
	uint64_t lines;          /* of the page at hand */
	struct transcript *file; /* at hand */
	int64_t until_mono_ms;   /* after it no page is begun */
};

/*
 * Takes what was appended to a file; whole: also what was left out. LF_EAGAIN: until_mono_ms came before its end. LF_EIO: this file cannot be
 * read, others may.
 */
int transcripts_take(struct transcripts *t, struct transcript *file, bool whole, struct err *err);
/* Of files that rest nothing need be remembered, and of all together only so much. */
void transcripts_let_go(struct transcripts *t);

#endif
