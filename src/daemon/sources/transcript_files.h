/* Which transcripts there are, and how far each was read. */
#ifndef LF_DAEMON_TRANSCRIPT_FILES_H
#define LF_DAEMON_TRANSCRIPT_FILES_H
#include "daemon/work.h"
#include "ingest/ingest.h"
#include "ingest/watch.h"

#define TRANSCRIPT_CURSOR 33 /* 32 hex digits and a NUL */

struct transcript {
	char *path;
	char cursor[TRANSCRIPT_CURSOR];
	bool agent;              /* of a sub-agent: read when its parent was */
	bool known;              /* has a cursor */
	bool dirty;              /* to be looked at */
	uint64_t inode, size;    /* as seen last; of a cursor: inode */
	int64_t mtime_ns;
	uint64_t offset, line;   /* up to here it is in the spool */
	uint64_t marker;         /* tail_marker() of the offset */
	uint64_t from;           /* what is before was left out for its age; 0: nothing */
	struct claude *memory;   /* at offset; NULL: to be made from the file's beginning */
	int64_t used_mono_ms;
	uint32_t seen;           /* the scan that saw it last */
};

struct transcript_files {
	struct transcript **items;
	size_t count, cap;
	uint32_t *slots;         /* a hash table of numbers + 1 by path */
	size_t slot_count;
	uint32_t scan;
	bool first_over;         /* the first look was over once */
};

void transcript_files_init(struct transcript_files *files);
void transcript_files_done(struct transcript_files *files);
/* NULL: not known. */
struct transcript *transcript_find(const struct transcript_files *files, const char *path);
/* Whether it is named like a transcript; made when it is new. dirty when it has changed since it was seen last. NULL: it is none. */
struct transcript *transcript_look(struct transcript_files *files, const char *path);
/* Looks at all of dir/projects, and watches what changes there. Those that are gone are removed; *ret_gone: their cursors. */
void transcript_scan(struct transcript_files *files, const char *dir, struct watch *watch, struct buf *ret_gone);
void transcript_cursor_value(const struct transcript *file, struct buf *out);
/* Reads the cursors of source "claude"; before the first scan. */
int transcript_cursors_load(struct transcript_files *files, struct spool *spool, struct err *err);

#endif
