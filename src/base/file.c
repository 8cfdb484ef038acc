/* Files and directories with their rights. */
#include "base/file.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *file_join(const char *dir, const char *name)
{
	size_t n = strlen(dir), m = strlen(name);
	char *path = xmalloc(n + m + 2);

	memcpy(path, dir, n);
	path[n] = '/';
	memcpy(path + n + 1, name, m + 1);
	return path;
}

/* Makes what is missing of the path; the rights of what is there are checked by the caller. */
static int make_path(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int rc = 0;

	for (char *p = copy + 1; rc == 0; p++) {
		char c = *p;
		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) != 0 && errno != EEXIST)
			rc = err_set(err, errno == EACCES || errno == EPERM ? LF_EPERM : LF_EIO, "%s: %s", copy, strerror(errno));
		*p = c;
		if (c == '\0')
			break;
	}
	free(copy);
	return rc;
}

int file_private_dir(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		int rc = make_path(path, err);
		if (rc != 0)
			return rc;
		if (lstat(path, &st) != 0)
			return err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	}
	if (S_ISLNK(st.st_mode))
		return err_set(err, LF_EPERM, "%s: is a symbolic link; refused", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, LF_EPERM, "%s: is not a directory", path);
	if (st.st_uid != geteuid())
		return err_set(err, LF_EPERM, "%s: belongs to user %u, not to us; refused", path, (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return err_set(err, LF_EPERM, "%s: mode %04o is open to others; chmod 700 it", path, (unsigned)(st.st_mode & 07777));
	if (access(path, R_OK | W_OK | X_OK) != 0)
		return err_set(err, LF_EPERM, "%s: %s", path, strerror(errno));
	return 0;
}

int file_open_read(const char *path, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_set(err, errno == ENOENT ? LF_ENOENT : LF_EIO, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return err_set(err, LF_EINVAL, "%s: is a directory", path);
	}
	return fd;
}

int file_read_all(const char *path, size_t max_bytes, struct buf *ret, struct err *err)
{
	int fd = file_open_read(path, err);
	size_t start = ret->len;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (n > 0 && ret->len - start <= max_bytes) {
		char *room = buf_reserve(ret, 65536);
		n = room ? read(fd, room, 65536) : 0;
		if (n > 0)
			ret->len += (size_t)n;
	}
	close(fd);
	if (n < 0)
		return err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	if (ret->failed || ret->len - start > max_bytes)
		return err_set(err, LF_ELIMIT, "%s: larger than %zu bytes", path, max_bytes);
	return buf_append(ret, "", 0);
}

int file_write_all(int fd, struct slice content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.ptr, content.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOSPC || errno == EDQUOT ? LF_EFULL : LF_EIO;
		content.ptr += n;
		content.len -= (size_t)n;
	}
	return 0;
}

static int sync_dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xmemdup0(path, (size_t)(slash - path) + (slash == path)) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	free(dir);
	if (fd < 0)
		return LF_EIO;
	rc = fsync(fd) == 0 ? 0 : LF_EIO;
	close(fd);
	return rc;
}

int file_replace(const char *path, struct slice content, mode_t mode, struct err *err)
{
	size_t n = strlen(path) + 8;
	char *temporary = xmalloc(n);
	int fd, rc;

	snprintf(temporary, n, "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		rc = err_set(err, LF_EIO, "%s: %s", temporary, strerror(errno));
		free(temporary);
		return rc;
	}
	rc = file_write_all(fd, content);
	if (rc == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		rc = LF_EIO;
	if (close(fd) != 0 && rc == 0)
		rc = LF_EIO;
	if (rc == 0 && rename(temporary, path) != 0)
		rc = LF_EIO;
	if (rc == 0)
		rc = sync_dir_of(path);
	else
		(void)unlink(temporary);
	free(temporary);
	return rc == 0 ? 0 : err_set(err, rc, "%s: %s", path, strerror(errno));
}
