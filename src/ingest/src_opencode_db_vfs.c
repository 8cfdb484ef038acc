/*
 * SQLite's read-only connections make -wal files and may remove them. This file system does not let them: whatever is opened
 * is opened for reading and must be there. (The -shm file does not come this way: readonly_shm=1 sees to it.)
 */
#include "ingest/src_opencode_db_private.h"

#define VFS_NAME "lfspool-readonly"

static sqlite3_vfs vfs;
static sqlite3_vfs *base;

static int open_reading(sqlite3_vfs *own, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	(void)own;
	if (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL))
		flags = (flags & ~(SQLITE_OPEN_CREATE | SQLITE_OPEN_READWRITE | SQLITE_OPEN_DELETEONCLOSE)) | SQLITE_OPEN_READONLY;
	return base->xOpen(base, name, file, flags, ret_flags);
}

static int delete_nothing(sqlite3_vfs *own, const char *name, int sync)
{
	(void)own, (void)name, (void)sync;
	return SQLITE_IOERR_DELETE;
}

const char *db_read_only_vfs(void)
{
	if (sqlite3_vfs_find(VFS_NAME))
		return VFS_NAME;
	base = sqlite3_vfs_find(NULL);
	if (!base)
		return NULL;
	vfs = *base;
	vfs.zName = VFS_NAME;
	vfs.pNext = NULL;
	vfs.xOpen = open_reading;
	vfs.xDelete = delete_nothing;
	return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? VFS_NAME : NULL;
}
