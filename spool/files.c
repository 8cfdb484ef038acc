/* The files of a spool: what may stand in their places, and how they are moved, removed and made durable. */
#include "spool_internal.h"
#include "base/clock.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* lstat, never open: closing a descriptor of our own would drop the locks that SQLite holds on the file. */
static int check_file(const char *path, bool *ret_there, off_t *ret_size, struct err *err)
{
	struct stat st;

	*ret_there = false;
	*ret_size = 0;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_set(err, errno == EACCES ? LF_EPERM : LF_EIO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, LF_EPERM, "%s: is not a plain file", path);
	if (st.st_uid != geteuid())
		return err_set(err, LF_EPERM, "%s: belongs to somebody else", path);
	if (st.st_nlink != 1)
		return err_set(err, LF_EPERM, "%s: has another name too (hard link)", path);
	if ((st.st_mode & 077) != 0 && chmod(path, 0600) != 0)
		return err_set(err, LF_EPERM, "%s: %s", path, strerror(errno));
	*ret_there = true;
	*ret_size = st.st_size;
	return 0;
}

/* The file and what SQLite puts beside it. */
int files_check(const char *path, bool *ret_there, off_t *ret_size, struct err *err)
{
	static const char *const suffixes[] = { "-wal", "-shm", "-journal" };
	char other[PATH_MAX];
	bool there;
	off_t size;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof suffixes / sizeof suffixes[0]; i++) {
		snprintf(other, sizeof other, "%s%s", path, suffixes[i]);
		rc = check_file(other, &there, &size, err);
	}
	return rc != 0 ? rc : check_file(path, ret_there, ret_size, err);
}

int files_sync_dir(const char *dir, struct err *err)
{
	int rc = 0, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		rc = err_set(err, LF_EIO, "%s: %s", dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

int files_move(const char *from, const char *to, struct err *err)
{
	if (rename(from, to) != 0 && errno != ENOENT)
		return err_set(err, errno == ENOSPC ? LF_EFULL : LF_EIO, "%s: %s", from, strerror(errno));
	return 0;
}

void files_remove(const char *path, size_t from)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	char other[PATH_MAX + 16];

	for (size_t i = from; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		snprintf(other, sizeof other, "%s%s", path, suffixes[i]);
		(void)unlink(other);
	}
}

void files_aside_name(const char *path, char *out, size_t size)
{
	char iso[32];
	size_t n = (size_t)snprintf(out, size, "%s.corrupt-", path);

	clock_format_iso(clock_wall_ms(), iso);
	for (const char *p = iso; *p && n + 1 < size; p++)
		if (isalnum((unsigned char)*p))
			out[n++] = *p;
	out[n] = '\0';
}

static int write_again(int fd, off_t size)
{
	char chunk[65536];
	ssize_t n = 0;

	for (off_t at = 0; at < size; at += n) {
		n = pread(fd, chunk, sizeof chunk, at);
		if (n <= 0 || pwrite(fd, chunk, (size_t)n, at) != n)
			return -1;
	}
	return fsync(fd);
}

/*
 * What the last writer left in its log may be nowhere but in the page cache: the kernel forgets what a failed sync had to
 * write, and calls the next one a success. So it is written once more, with the same bytes, before anything is built on it.
 */
int files_settle_log(const char *path, struct err *err)
{
	char log[PATH_MAX + 8];
	struct stat st;
	int fd, rc = 0;

	snprintf(log, sizeof log, "%s-wal", path);
	fd = open(log, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(err, LF_EIO, "%s: %s", log, strerror(errno));
	if (fstat(fd, &st) != 0 || write_again(fd, st.st_size) != 0)
		rc = err_set(err, errno == ENOSPC || errno == EDQUOT ? LF_EFULL : LF_EIO, "%s: %s", log, strerror(errno));
	close(fd);
	return rc;
}
