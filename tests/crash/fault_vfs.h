/*
 * A disk that fails when it is told to, and remembers what was done to it. It stands between SQLite (a shim VFS over
 * the unix one) or the spool's own writes, renames and syncs (functions that stand before libc's) and the real files of one
 * watched directory. Every change becomes a struct disk_op of a journal, out of which disk.h makes what a power cut
 * would have left. One thread: what is begun on another is done at once.
 */
#ifndef LF_TESTS_CRASH_FAULT_VFS_H
#define LF_TESTS_CRASH_FAULT_VFS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_op_kind { DISK_CREATE, DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_SYNC_FAILED, DISK_UNLINK, DISK_RENAME, DISK_SYNC_DIR };

#define DISK_NAMES 48 /* names and files that one journal knows */

struct disk_op {
	enum disk_op_kind kind;
	int file;          /* create, write, truncate, sync */
	int name, to;      /* create, unlink, rename: index of names */
	int64_t offset;    /* write; truncate: the new size */
	size_t size;
	uint8_t *data;     /* write; own copy */
};

struct journal {
	struct disk_op *ops;
	size_t count, cap;
	size_t start;      /* the ops before made what was there when watching began */
	char names[DISK_NAMES][96];
	int names_count, files_count;
};

enum fault_kind {
	FAULT_NONE,
	FAULT_EIO,           /* one operation fails; what a failed sync had to write is lost for good, though still to be read */
	FAULT_EIO_STICKY,    /* every operation from there on */
	FAULT_ENOSPC,        /* one write or creation */
	FAULT_ENOSPC_STICKY, /* every one from there on */
	FAULT_SHORT,         /* one write ends half way, as on a disk that gets full */
	FAULT_SYNC_ENOSPC    /* one sync says that the disk is full: allocation was delayed until then */
};

/* Registers the shim as default VFS. Once. */
void fault_init(void);
/* Watches the files of dir (but for -shm and the lock) from now on; those that are there become the journal's first ops. */
void fault_watch(const char *dir, struct journal *journal);
void fault_unwatch(void);
/* The number of operations since fault_watch(): those that failed count too. */
size_t fault_position(void);
/* The operation with this number (from 0) fails, or the first after it that this kind can make fail. */
void fault_arm(enum fault_kind kind, size_t at);
/* Ends the fault (space was freed, the disk is well again). True when it did fire. */
bool fault_disarm(void);
/* The operation that the last fault made fail first. */
size_t fault_fired_at(void);
/* SQLite's allocation with this number (from 0, counted since) fails, and for_ever those after it. SIZE_MAX: none. */
void fault_arm_memory(size_t at, bool for_ever);
/* Ends that. True when one did fail. */
bool fault_disarm_memory(void);
/* Frees a journal's memory. */
void journal_done(struct journal *journal);
/* What clock_gettime() answers from now on, both clocks; 0: the real ones. */
void fault_clock(int64_t ms);

#endif
