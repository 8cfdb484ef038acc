/* A folder of a target's own below TMPDIR, empty at the start; it goes when the program ends well. */
#ifndef LF_TESTS_FUZZ_SCRATCH_H
#define LF_TESTS_FUZZ_SCRATCH_H
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char scratch_dir[256];

static int scratch_remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static void scratch_remove(void)
{
	nftw(scratch_dir, scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *scratch(void)
{
	const char *tmp = getenv("TMPDIR");

	if (scratch_dir[0])
		return scratch_dir;
	snprintf(scratch_dir, sizeof scratch_dir, "%s/lfspool-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(scratch_dir) || atexit(scratch_remove) != 0)
		abort();
	return scratch_dir;
}

#endif
