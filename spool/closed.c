/*
 * A large file takes long to be checked. When it was closed in good order, a note beside it says how it was left; as long as it
 * is just that, nobody has written to it since, and it need not be checked again. The note goes, for good, before the
 * file is written to.
 */
#include "spool_internal.h"
#include "base/file.h"
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LARGE_BYTES (INT64_C(32) << 20) /* smaller ones take less than a tenth of a second */
#define MAX_NOTE_BYTES 256

static void note_path(const char *path, char out[PATH_MAX + 16])
{
	snprintf(out, PATH_MAX + 16, "%s" SPOOL_CLOSED, path);
}

/* What changes when anybody writes to the file, or puts another in its place. False: there is none, or it has a log. */
static bool describe(const char *path, char out[MAX_NOTE_BYTES])
{
	char log[PATH_MAX + 16];
	struct stat st;

	snprintf(log, sizeof log, "%s-wal", path);
	if (stat(log, &st) == 0 && st.st_size > 0) /* a reader leaves an empty one */
		return false;
	if (stat(path, &st) != 0 || st.st_size < LARGE_BYTES)
		return false;
	snprintf(out, MAX_NOTE_BYTES, "lfspool %d: %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 ".%09ld %" PRId64 ".%09ld\n", SPOOL_SCHEMA_VERSION,
	         (uint64_t)st.st_dev, (uint64_t)st.st_ino, (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
	         (int64_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return true;
}

/* File systems give times in steps of some ms: what is written within the same step would leave the same time. So the file gets one
 * of the exact clock, which no step will give again. */
static void set_time(const char *path)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	if (clock_gettime(CLOCK_REALTIME, &times[1]) == 0)
		(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

void closed_note(const char *path)
{
	char note[PATH_MAX + 16], text[MAX_NOTE_BYTES];
	struct err ignored;

	note_path(path, note);
	if (!describe(path, text)) /* there is none to be made */
		return;
	set_time(path);
	if (describe(path, text))
		(void)file_replace(note, slice_of(text), 0600, &ignored);
}

bool closed_well(const char *path)
{
	char note[PATH_MAX + 16], text[MAX_NOTE_BYTES];
	struct buf noted;
	bool well;

	note_path(path, note);
	buf_init(&noted, MAX_NOTE_BYTES);
	well = describe(path, text) && file_read_all(note, MAX_NOTE_BYTES, &noted, NULL) == 0 && slice_is(buf_view(&noted), text);
	buf_done(&noted);
	return well;
}

bool closed_forget(const char *path)
{
	char note[PATH_MAX + 16];

	note_path(path, note);
	return unlink(note) == 0;
}
