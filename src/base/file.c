/* Files and directories, by system calls that do not follow what others may have put there. */
#include "base/file.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int code_of(int error)
{
	switch (error) {
	case ENOENT: case ENOTDIR: return LF_ENOENT;
	case EACCES: case EPERM: case ELOOP: case EROFS: return LF_EPERM;
	case ENOSPC: case EDQUOT: case EFBIG: return LF_EFULL;
	case ENOMEM: return LF_ENOMEM;
	default: return LF_EIO;
	}
}

static int fail(struct err *err, const char *what, const char *path, int error)
{
	return err_set(err, code_of(error), "%s %s: %s", what, path, strerror(error));
}

/* Checks the directory itself (through its descriptor, so that it cannot be exchanged meanwhile). */
static int check_private(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(err, "cannot look at", path, errno);
	if (st.st_uid != geteuid())
		return err_set(err, LF_EPERM, "%s belongs to another user (uid %lu)", path, (unsigned long)st.st_uid);
	if (st.st_mode & 077)
		return err_set(err, LF_EPERM, "%s is open to others (mode %04o): chmod 700 it", path,
		               (unsigned)st.st_mode & 07777);
	return 0;
}

/* Makes every directory above the last component; what exists is left alone. */
static int make_parents(char *path, struct err *err)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		int failed;

		if (p[-1] == '/')
			continue;
		*p = '\0';
		failed = mkdir(path, 0700) && errno != EEXIST ? errno : 0;
		if (failed && access(path, F_OK) == 0)
			failed = 0; /* a read-only file system says EROFS before EEXIST */
		if (failed)
			return fail(err, "cannot make the directory", path, failed);
		*p = '/';
	}
	return 0;
}

int file_private_dir(const char *path, struct err *err)
{
	char *copy;
	size_t len = strlen(path);
	struct stat st;
	int fd = -1, code;

	if (!len)
		return err_set(err, LF_EINVAL, "the path of a directory is empty");
	copy = xstrdup(path);
	/* A trailing slash would follow a symlink. */
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	code = make_parents(copy, err);
	if (code)
		goto out;
	if (mkdir(copy, 0700) && errno != EEXIST && lstat(copy, &st)) {
		code = fail(err, "cannot make the directory", copy, errno);
		goto out;
	}
	if (lstat(copy, &st) == 0 && S_ISLNK(st.st_mode)) {
		code = err_set(err, LF_EPERM, "%s is a symbolic link", copy);
		goto out;
	}
	fd = open(copy, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		code = err_set(err, LF_EPERM, "%s is not a directory", copy);
	else
		code = fd < 0 ? fail(err, "cannot open", copy, errno) : check_private(fd, copy, err);
out:
	if (fd >= 0)
		close(fd);
	free(copy);
	return code;
}

int file_open_read(const char *path, struct err *err)
{
	struct stat st;
	int fd, code = 0;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return fail(err, "cannot open", path, errno);
	if (fstat(fd, &st))
		code = fail(err, "cannot look at", path, errno);
	else if (S_ISDIR(st.st_mode))
		code = err_set(err, LF_EINVAL, "%s is a directory", path);
	if (!code)
		return fd;
	close(fd);
	return code;
}

/* Appends until the end; one byte beyond max_bytes is LF_ELIMIT. */
static int read_rest(int fd, const char *path, size_t max_bytes, struct buf *ret, struct err *err)
{
	size_t total = 0;
	char part[16384];

	for (;;) {
		ssize_t n = read(fd, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, "cannot read", path, errno);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > max_bytes)
			return err_set(err, LF_ELIMIT, "%s is larger than %zu bytes", path, max_bytes);
		if (buf_append(ret, part, (size_t)n))
			return err_set(err, ret->failed, "%s does not fit in memory", path);
	}
}

int file_read_all(const char *path, size_t max_bytes, struct buf *ret, struct err *err)
{
	int fd = file_open_read(path, err), code;

	if (fd < 0)
		return fd;
	code = read_rest(fd, path, max_bytes, ret, err);
	close(fd);
	return code;
}

int file_write_all(int fd, struct slice content)
{
	while (content.len) {
		ssize_t n = write(fd, content.ptr, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return code_of(errno);
		content.ptr += n;
		content.len -= (size_t)n;
	}
	return 0;
}

static int sync_parent(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = !slash ? xstrdup(".") : slash == path ? xstrdup("/") : xmemdup0(path, (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;

	if (fd < 0 || fsync(fd))
		code = fail(err, "cannot sync", dir, errno);
	if (fd >= 0)
		close(fd);
	free(dir);
	return code;
}

static int write_and_sync(int fd, const char *path, struct slice content, mode_t mode, struct err *err)
{
	int code;

	if (fchmod(fd, mode))
		return fail(err, "cannot set the mode of", path, errno);
	code = file_write_all(fd, content);
	if (code)
		return err_set(err, code, "cannot write %s: %s", path, strerror(errno));
	if (fsync(fd))
		return fail(err, "cannot sync", path, errno);
	return 0;
}

int file_replace(const char *path, struct slice content, mode_t mode, struct err *err)
{
	size_t size = strlen(path) + sizeof(".XXXXXX");
	char *temporary = xmalloc(size);
	int fd, code;

	snprintf(temporary, size, "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		code = fail(err, "cannot make a file beside", path, errno);
		goto out;
	}
	code = write_and_sync(fd, temporary, content, mode, err);
	if (close(fd) && !code)
		code = fail(err, "cannot close", temporary, errno);
	if (!code && rename(temporary, path))
		code = fail(err, "cannot replace", path, errno);
	if (code)
		unlink(temporary);
	else
		code = sync_parent(path, err);
out:
	free(temporary);
	return code;
}

char *file_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);
	const char *between = len && dir[len - 1] == '/' ? "" : "/";
	size_t size = len + strlen(name) + 2;
	char *path = xmalloc(size);

	snprintf(path, size, "%s%s%s", dir, between, name);
	return path;
}
