/* The failing disk; see fault_vfs.h. */
#include "fault_vfs.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct {
	sqlite3_vfs vfs, *real;
	char dir[256];
	struct journal *journal; /* NULL: nothing is watched */
	int live[DISK_NAMES];    /* name -> file, -1 none */
	size_t position, at, fired_at;
	enum fault_kind kind;
	bool fired;
	int last_errno;
	bool in_shim;            /* a write or sync is SQLite's, and known already */
	int64_t clock_ms;
} disk;

/* ---- the journal ---- */

static struct disk_op *journal_add(enum disk_op_kind kind)
{
	struct journal *journal = disk.journal;

	if (journal->count == journal->cap) {
		journal->cap = journal->cap ? journal->cap * 2 : 256;
		journal->ops = xrealloc(journal->ops, journal->cap * sizeof *journal->ops);
	}
	journal->ops[journal->count] = (struct disk_op){ .kind = kind, .file = -1, .name = -1, .to = -1 };
	return &journal->ops[journal->count++];
}

static void journal_write(int file, const void *data, size_t size, int64_t offset)
{
	struct disk_op *op = journal_add(DISK_WRITE);

	op->file = file;
	op->size = size;
	op->offset = offset;
	op->data = xmalloc(size ? size : 1);
	memcpy(op->data, data, size);
}

void journal_done(struct journal *journal)
{
	for (size_t i = 0; i < journal->count; i++)
		free(journal->ops[i].data);
	free(journal->ops);
	*journal = (struct journal){ 0 };
}

/* Index of the name of a watched file; -1 when it is none. */
static int name_of(const char *path)
{
	size_t n = strlen(disk.dir), len;
	struct journal *journal = disk.journal;
	const char *name;

	if (!journal || !path || strncmp(path, disk.dir, n) != 0 || path[n] != '/')
		return -1;
	name = path + n + 1;
	len = strlen(name);
	if (strchr(name, '/') || strcmp(name, "lfspool.lock") == 0 || (len > 4 && strcmp(name + len - 4, "-shm") == 0))
		return -1;
	for (int i = 0; i < journal->names_count; i++)
		if (strcmp(journal->names[i], name) == 0)
			return i;
	if (journal->names_count == DISK_NAMES || len >= sizeof journal->names[0])
		abort();
	memcpy(journal->names[journal->names_count], name, len + 1);
	disk.live[journal->names_count] = -1;
	return journal->names_count++;
}

static void journal_create(int name)
{
	struct disk_op *op = journal_add(DISK_CREATE);

	if (disk.journal->files_count == DISK_NAMES)
		abort();
	op->name = name;
	op->file = disk.live[name] = disk.journal->files_count++;
}

static void take_content(int file, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *content;

	if (fd < 0 || fstat(fd, &st) != 0)
		abort();
	content = xmalloc((size_t)st.st_size + 1);
	if (read(fd, content, (size_t)st.st_size) != st.st_size)
		abort();
	close(fd);
	journal_write(file, content, (size_t)st.st_size, 0);
	free(content);
}

/* ---- faults ---- */

static const struct {
	int number;      /* errno */
	bool sticky;
	unsigned kinds;  /* of operations that it makes fail */
} faults[] = {
#define OP(kind) (1u << (kind))
#define ANY_OP 0xffu
	[FAULT_EIO] = { EIO, false, ANY_OP },
	[FAULT_EIO_STICKY] = { EIO, true, ANY_OP },
	[FAULT_ENOSPC] = { ENOSPC, false, OP(DISK_CREATE) | OP(DISK_WRITE) },
	[FAULT_ENOSPC_STICKY] = { ENOSPC, true, OP(DISK_CREATE) | OP(DISK_WRITE) },
	[FAULT_SHORT] = { ENOSPC, false, OP(DISK_WRITE) },
	[FAULT_SYNC_ENOSPC] = { ENOSPC, false, OP(DISK_SYNC) },
};

/* Counts an operation; the errno with which it is to fail, or 0. */
static int fails(enum disk_op_kind op)
{
	size_t now = disk.position++;

	if (disk.kind == FAULT_NONE || now < disk.at || !(faults[disk.kind].kinds & OP(op)))
		return 0;
	if (disk.fired && !faults[disk.kind].sticky)
		return 0;
	if (!disk.fired)
		disk.fired_at = now;
	disk.fired = true;
	disk.last_errno = faults[disk.kind].number;
	return disk.last_errno;
}

void fault_arm(enum fault_kind kind, size_t at)
{
	disk.kind = kind;
	disk.at = at;
	disk.fired = false;
}

bool fault_disarm(void)
{
	bool fired = disk.fired;

	disk.kind = FAULT_NONE;
	disk.fired = false;
	disk.last_errno = 0;
	return fired;
}

size_t fault_fired_at(void)
{
	return disk.fired_at;
}

size_t fault_position(void)
{
	return disk.position;
}

/* ---- the shim ---- */

struct shim {
	sqlite3_file base;
	int file;            /* -1: not watched */
	struct journal *of;
	sqlite3_file *real;
};

static struct shim *shim_of(sqlite3_file *file)
{
	return (struct shim *)(void *)file;
}

static bool watched(const struct shim *shim)
{
	return shim->file >= 0 && shim->of == disk.journal && disk.journal;
}

static int shim_close(sqlite3_file *file)
{
	return shim_of(file)->real->pMethods->xClose(shim_of(file)->real);
}

static int shim_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	return shim_of(file)->real->pMethods->xRead(shim_of(file)->real, to, n, at);
}

static int write_real(struct shim *shim, const void *from, int n, sqlite3_int64 at)
{
	int rc;

	disk.in_shim = true;
	rc = shim->real->pMethods->xWrite(shim->real, from, n, at);
	disk.in_shim = false;
	return rc;
}

static int shim_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct shim *shim = shim_of(file);
	int number = watched(shim) ? fails(DISK_WRITE) : 0;

	if (number != 0 && disk.kind == FAULT_SHORT) {
		journal_write(shim->file, from, (size_t)n / 2, at);
		(void)write_real(shim, from, n / 2, at);
	}
	if (number != 0)
		return number == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	if (watched(shim))
		journal_write(shim->file, from, (size_t)n, at);
	return write_real(shim, from, n, at);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct shim *shim = shim_of(file);
	struct disk_op *op;

	if (watched(shim)) {
		if (fails(DISK_TRUNCATE) != 0)
			return SQLITE_IOERR_TRUNCATE;
		op = journal_add(DISK_TRUNCATE);
		op->file = shim->file;
		op->offset = size;
	}
	return shim->real->pMethods->xTruncate(shim->real, size);
}

static int sync_file(int file)
{
	int number = fails(DISK_SYNC);

	journal_add(number != 0 ? DISK_SYNC_FAILED : DISK_SYNC)->file = file;
	return number;
}

/* The real one is called for the syncs of the directory that it does; those of files end in fdatasync() below. */
static int shim_sync(sqlite3_file *file, int flags)
{
	struct shim *shim = shim_of(file);
	int rc;

	if (watched(shim) && sync_file(shim->file) != 0)
		return SQLITE_IOERR_FSYNC;
	disk.in_shim = true;
	rc = shim->real->pMethods->xSync(shim->real, flags);
	disk.in_shim = false;
	return rc;
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return shim_of(file)->real->pMethods->xFileSize(shim_of(file)->real, ret);
}

static int shim_lock(sqlite3_file *file, int level)
{
	return shim_of(file)->real->pMethods->xLock(shim_of(file)->real, level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
	return shim_of(file)->real->pMethods->xUnlock(shim_of(file)->real, level);
}

static int shim_reserved(sqlite3_file *file, int *ret)
{
	return shim_of(file)->real->pMethods->xCheckReservedLock(shim_of(file)->real, ret);
}

static int shim_control(sqlite3_file *file, int op, void *arg)
{
	return shim_of(file)->real->pMethods->xFileControl(shim_of(file)->real, op, arg);
}

static int shim_sector(sqlite3_file *file)
{
	return shim_of(file)->real->pMethods->xSectorSize(shim_of(file)->real);
}

static int shim_traits(sqlite3_file *file)
{
	return shim_of(file)->real->pMethods->xDeviceCharacteristics(shim_of(file)->real);
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
	return shim_of(file)->real->pMethods->xShmMap(shim_of(file)->real, page, size, extend, ret);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return shim_of(file)->real->pMethods->xShmLock(shim_of(file)->real, offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
	shim_of(file)->real->pMethods->xShmBarrier(shim_of(file)->real);
}

static int shim_shm_unmap(sqlite3_file *file, int drop)
{
	return shim_of(file)->real->pMethods->xShmUnmap(shim_of(file)->real, drop);
}

/* Version 2: with shared memory, without memory-mapped content, which would be read around the shim. */
static const sqlite3_io_methods shim_methods = {
	.iVersion = 2, .xClose = shim_close, .xRead = shim_read, .xWrite = shim_write, .xTruncate = shim_truncate, .xSync = shim_sync,
	.xFileSize = shim_size, .xLock = shim_lock, .xUnlock = shim_unlock, .xCheckReservedLock = shim_reserved,
	.xFileControl = shim_control, .xSectorSize = shim_sector, .xDeviceCharacteristics = shim_traits, .xShmMap = shim_shm_map,
	.xShmLock = shim_shm_lock, .xShmBarrier = shim_shm_barrier, .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *ret_flags)
{
	struct shim *shim = shim_of(file);
	int rc, name = name_of(path);
	bool made = name >= 0 && (flags & SQLITE_OPEN_CREATE) && disk.live[name] < 0;

	(void)vfs;
	shim->base.pMethods = NULL;
	shim->real = (sqlite3_file *)(void *)(shim + 1);
	shim->file = -1;
	shim->of = disk.journal;
	if (made && fails(DISK_CREATE) != 0)
		return SQLITE_CANTOPEN;
	rc = disk.real->xOpen(disk.real, path, shim->real, flags, ret_flags);
	if (rc != SQLITE_OK)
		return rc;
	if (made)
		journal_create(name);
	if (name >= 0)
		shim->file = disk.live[name];
	shim->base.pMethods = &shim_methods;
	return SQLITE_OK;
}

static int shim_last_error(sqlite3_vfs *vfs, int n, char *text)
{
	(void)vfs, (void)n, (void)text;
	return disk.last_errno;
}

/* The same salts in every run. */
static int shim_randomness(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	for (int i = 0; i < n; i++)
		out[i] = (char)(i * 37 + 11);
	return n;
}

/* ---- memory ---- */

static struct {
	sqlite3_mem_methods real;
	size_t position, at;
	bool for_ever, fired;
} memory = { .at = SIZE_MAX };

static bool allocation_fails(void)
{
	size_t now = memory.position++;

	if (now < memory.at || (memory.fired && !memory.for_ever))
		return false;
	memory.fired = true;
	return true;
}

static void *failing_malloc(int n)
{
	return allocation_fails() ? NULL : memory.real.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
	return allocation_fails() ? NULL : memory.real.xRealloc(p, n);
}

void fault_arm_memory(size_t at, bool for_ever)
{
	memory.position = 0;
	memory.at = at;
	memory.for_ever = for_ever;
	memory.fired = false;
}

bool fault_disarm_memory(void)
{
	bool fired = memory.fired;

	fault_arm_memory(SIZE_MAX, false);
	return fired;
}

static void take_memory(void)
{
	sqlite3_mem_methods methods;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.real);
	methods = memory.real;
	methods.xMalloc = failing_malloc;
	methods.xRealloc = failing_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK)
		abort();
}

void fault_init(void)
{
	take_memory();
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "fault";
	disk.vfs.szOsFile = (int)sizeof(struct shim) + disk.real->szOsFile;
	disk.vfs.pNext = NULL;
	disk.vfs.xOpen = shim_open;
	disk.vfs.xGetLastError = shim_last_error;
	disk.vfs.xRandomness = shim_randomness;
	if (sqlite3_vfs_register(&disk.vfs, 1) != SQLITE_OK)
		abort();
}

/* ---- before libc's ---- */

static int set_errno(int number)
{
	errno = number;
	return -1;
}

int unlink(const char *path)
{
	int name = name_of(path);
	int number = name >= 0 && disk.live[name] >= 0 ? fails(DISK_UNLINK) : 0;

	if (number != 0)
		return set_errno(number);
	if (name >= 0 && disk.live[name] >= 0) {
		journal_add(DISK_UNLINK)->name = name;
		disk.live[name] = -1;
	}
	return unlinkat(AT_FDCWD, path, 0);
}

int rename(const char *from, const char *to)
{
	int name = name_of(from), target = name_of(to);
	struct disk_op *op;

	if (name >= 0 && target >= 0 && disk.live[name] >= 0) {
		int number = fails(DISK_RENAME);
		if (number != 0)
			return set_errno(number);
		op = journal_add(DISK_RENAME);
		op->name = name;
		op->to = target;
		disk.live[target] = disk.live[name];
		disk.live[name] = -1;
	}
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* The watched file behind a descriptor that is not SQLite's; -1 none. */
static int file_of(int fd)
{
	char path[512];
	struct stat st, other;

	if (!disk.journal || disk.in_shim || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	for (int i = 0; i < disk.journal->names_count; i++) {
		snprintf(path, sizeof path, "%s/%s", disk.dir, disk.journal->names[i]);
		if (disk.live[i] >= 0 && stat(path, &other) == 0 && other.st_ino == st.st_ino && other.st_dev == st.st_dev)
			return disk.live[i];
	}
	return -1;
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
	int file = file_of(fd), number = file >= 0 ? fails(DISK_WRITE) : 0;
	struct iovec vector;

	if (number != 0)
		return set_errno(number);
	if (file >= 0)
		journal_write(file, from, n, at);
	memcpy(&vector.iov_base, &from, sizeof from);
	vector.iov_len = n;
	return pwritev(fd, &vector, 1, at);
}

/* SQLite's files are synced in shim_sync(). What arrives here and is watched is the directory, or a file that is ours. */
static int sync_fd(int fd)
{
	struct stat st, dir;
	int number = 0;

	if (!disk.journal || fstat(fd, &st) != 0 || stat(disk.dir, &dir) != 0)
		return 0;
	if (file_of(fd) >= 0)
		number = sync_file(file_of(fd));
	if (S_ISDIR(st.st_mode) && st.st_ino == dir.st_ino && st.st_dev == dir.st_dev) {
		number = fails(DISK_SYNC_DIR);
		if (number == 0)
			(void)journal_add(DISK_SYNC_DIR);
	}
	return number != 0 ? set_errno(number) : 0;
}

int fsync(int fd)
{
	return sync_fd(fd);
}

int fdatasync(int fd)
{
	return sync_fd(fd);
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	if (disk.clock_ms == 0)
		return (int)syscall(SYS_clock_gettime, id, ret);
	ret->tv_sec = (time_t)(disk.clock_ms / 1000);
	ret->tv_nsec = (long)(disk.clock_ms % 1000) * 1000000;
	return 0;
}

/* A thread has done all it does before the one that started it goes on: one of the orders there can be, and always the same. */
int pthread_create(pthread_t *thread, const pthread_attr_t *traits, void *(*fn)(void *), void *context)
{
	(void)traits;
	*thread = pthread_self();
	(void)fn(context);
	return 0;
}

int pthread_join(pthread_t thread, void **ret)
{
	(void)thread, (void)ret;
	return 0;
}

void fault_clock(int64_t ms)
{
	disk.clock_ms = ms;
}

/* ---- watching ---- */

void fault_watch(const char *dir, struct journal *journal)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	*journal = (struct journal){ 0 };
	snprintf(disk.dir, sizeof disk.dir, "%s", dir);
	disk.journal = journal;
	for (int i = 0; i < DISK_NAMES; i++)
		disk.live[i] = -1;
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.' || name_of(path) < 0)
			continue;
		journal_create(name_of(path));
		take_content(disk.live[name_of(path)], path);
		journal_add(DISK_SYNC)->file = disk.live[name_of(path)];
	}
	if (d)
		closedir(d);
	(void)journal_add(DISK_SYNC_DIR);
	journal->start = journal->count;
	disk.position = 0;
	fault_arm(FAULT_NONE, 0);
	disk.last_errno = 0;
}

void fault_unwatch(void)
{
	disk.journal = NULL;
	fault_arm(FAULT_NONE, 0);
}
