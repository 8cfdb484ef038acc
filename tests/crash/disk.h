/*
 * What a power cut leaves of a disk: the journal's operations are put on it one by one; what was synced is durable, of the
 * rest a cut keeps what its mode says. Names become durable in order, when the directory is synced.
 */
#ifndef LF_TESTS_CRASH_DISK_H
#define LF_TESTS_CRASH_DISK_H
#include "fault_vfs.h"

enum cut {
	CUT_KILL,    /* no power cut: the process was killed, all that it wrote is there */
	CUT_DROP,    /* nothing of what was not synced */
	CUT_PREFIX,  /* some of it, up to a point */
	CUT_TORN,    /* up to a point, and the write there in part, by sectors of 512 bytes */
	CUT_REORDER, /* any of it, some writes in part */
	CUT_COUNT
};
extern const char *const cut_names[CUT_COUNT];

struct disk_file {
	uint8_t *bytes;
	size_t len;
};

struct disk {
	const struct journal *journal;
	struct disk_file files[DISK_NAMES];
	int names[DISK_NAMES];          /* name -> file, durable; -1 none */
	const struct disk_op **pending; /* not durable, in order */
	size_t count, cap;
	size_t at;                      /* operations of the journal that were put */
};

/* As it was when watching began. */
void disk_init(struct disk *disk, const struct journal *journal);
void disk_done(struct disk *disk);
/* Puts operations until `at` of them (from the journal's start) were put. */
void disk_advance(struct disk *disk, size_t at);
/* How many operations a cut now may keep or lose. */
size_t disk_pending(const struct disk *disk);
/* Makes the files of dir those that a cut now leaves; others are removed. */
void disk_cut(const struct disk *disk, enum cut cut, uint64_t seed, const char *dir);

#endif
