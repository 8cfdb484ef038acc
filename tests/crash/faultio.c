/*
 * LD_PRELOAD: makes the system calls of a program fail, by their number. It counts the calls that change files:
 * write, pwrite, fsync, fdatasync, ftruncate, unlink, rename, open for writing.
 *   FAULT_MATCH=TEXT   only those on a path that contains it
 *   FAULT_CALLS=a,b    only these calls
 *   FAULT_AT=N         the N-th of them fails (1)...
 *   FAULT_MODE=sticky  ...and all after it
 *   FAULT_ERRNO=EIO    with this: EIO ENOSPC EDQUOT EROFS EFBIG EMFILE
 *   FAULT_SHORT=1      instead a write takes only half
 *   FAULT_KILL=before|after  instead the process is killed on the spot
 *   FAULT_DELAY_MS=N   instead it takes longer
 *   FAULT_GATE=FILE    only while this file is there (calls are counted only then)
 *   FAULT_LOG=FILE     a line per call counted: number, call, path
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_long counted;

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EROFS", EROFS }, { "EFBIG", EFBIG }, { "EMFILE", EMFILE },
};

enum deed { PASS, FAIL, HALF, KILL_AFTER };

static bool has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ',') && (at[n] == '\0' || at[n] == ','))
			return true;
	return false;
}

static void note(long number, const char *call, const char *path)
{
	const char *log = getenv("FAULT_LOG");
	char line[600];
	int n, fd;

	if (!log)
		return;
	n = snprintf(line, sizeof line, "%ld %s %s\n", number, call, path);
	fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)!syscall(SYS_write, fd, line, (size_t)n);
	syscall(SYS_close, fd);
}

static bool chosen(const char *call, const char *path)
{
	const char *match = getenv("FAULT_MATCH"), *calls = getenv("FAULT_CALLS"), *gate = getenv("FAULT_GATE");

	return (!match || strstr(path, match)) && (!calls || has(calls, call)) && (!gate || access(gate, F_OK) == 0);
}

static void wait_ms(long ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static enum deed act(void)
{
	const char *kill_when = getenv("FAULT_KILL"), *delay = getenv("FAULT_DELAY_MS"), *error = getenv("FAULT_ERRNO");

	if (kill_when && strcmp(kill_when, "after") == 0)
		return KILL_AFTER;
	if (kill_when)
		kill(getpid(), SIGKILL);
	if (getenv("FAULT_SHORT"))
		return HALF;
	if (delay) {
		wait_ms(atol(delay));
		return PASS;
	}
	errno = EIO;
	for (size_t i = 0; error && i < sizeof errors / sizeof errors[0]; i++)
		if (strcmp(error, errors[i].name) == 0)
			errno = errors[i].number;
	return FAIL;
}

static enum deed judge_path(const char *call, const char *path)
{
	const char *at = getenv("FAULT_AT"), *mode = getenv("FAULT_MODE");
	bool sticky = mode && strcmp(mode, "sticky") == 0;
	long n, from = at ? atol(at) : 1;
	int saved = errno;

	if (!chosen(call, path)) {
		errno = saved;
		return PASS;
	}
	n = atomic_fetch_add(&counted, 1) + 1;
	note(n, call, path);
	errno = saved;
	return from > 0 && (n == from || (sticky && n > from)) ? act() : PASS;
}

static enum deed judge(const char *call, int fd)
{
	char link[64], path[512];
	int saved = errno;
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	errno = saved;
	return judge_path(call, path);
}

static void finish(enum deed deed)
{
	if (deed == KILL_AFTER)
		kill(getpid(), SIGKILL);
}

#define REAL(ret, name, ...) \
	static ret (*real)(__VA_ARGS__); \
	if (!real) \
		*(void **)&real = dlsym(RTLD_NEXT, #name)

#define ON_FD(name, call, params, args) \
	int name params; \
	int name params \
	{ \
		enum deed deed = judge(call, fd); \
		int rc; \
		REAL(int, name, int, ...); \
		if (deed == FAIL) \
			return -1; \
		rc = real args; \
		finish(deed); \
		return rc; \
	}

ON_FD(fsync, "fsync", (int fd), (fd))
ON_FD(fdatasync, "fdatasync", (int fd), (fd))
ON_FD(ftruncate, "ftruncate", (int fd, off_t size), (fd, size))
ON_FD(ftruncate64, "ftruncate", (int fd, off64_t size), (fd, size))

ssize_t write(int fd, const void *bytes, size_t n)
{
	enum deed deed = judge("write", fd);
	ssize_t rc;
	REAL(ssize_t, write, int, const void *, size_t);

	if (deed == FAIL)
		return -1;
	rc = real(fd, bytes, deed == HALF && n > 1 ? n / 2 : n);
	finish(deed);
	return rc;
}

#define PWRITE(name, offset_type) \
	ssize_t name(int fd, const void *bytes, size_t n, offset_type at) \
	{ \
		enum deed deed = judge("pwrite", fd); \
		ssize_t rc; \
		REAL(ssize_t, name, int, const void *, size_t, offset_type); \
		if (deed == FAIL) \
			return -1; \
		rc = real(fd, bytes, deed == HALF && n > 1 ? n / 2 : n, at); \
		finish(deed); \
		return rc; \
	}
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

int unlink(const char *path)
{
	enum deed deed = judge_path("unlink", path);
	int rc;
	REAL(int, unlink, const char *);

	if (deed == FAIL)
		return -1;
	rc = real(path);
	finish(deed);
	return rc;
}

int rename(const char *from, const char *to)
{
	enum deed deed = judge_path("rename", from);
	int rc;
	REAL(int, rename, const char *, const char *);

	if (deed == FAIL)
		return -1;
	rc = real(from, to);
	finish(deed);
	return rc;
}

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT); \
		enum deed deed = writes ? judge_path("open", path) : PASS; \
		va_list ap; \
		mode_t mode; \
		int rc; \
		REAL(int, name, const char *, int, ...); \
		va_start(ap, flags); \
		mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(ap, mode_t) : 0; \
		va_end(ap); \
		if (deed == FAIL) \
			return -1; \
		rc = real(path, flags, mode); \
		finish(deed); \
		return rc; \
	}
OPEN(open)
OPEN(open64)
