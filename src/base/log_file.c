/* Daily log files; see log_file.h. The directory is ours alone, so nobody exchanges a name under us. */
#include "base/log_file.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define PREFIX "lfspool-"
#define DATE_LEN 10
#define NAME_BYTES 64

struct log_file {
	char *dir;
	unsigned keep_days;
	uint64_t max_bytes;
	int64_t day; /* of the open file, since 1970 */
	int fd;
};

struct log_file *log_file_new(const char *dir, unsigned keep_days, uint64_t max_bytes)
{
	struct log_file *file = xcalloc(1, sizeof *file);

	file->dir = xstrdup(dir);
	file->keep_days = keep_days;
	file->max_bytes = max_bytes;
	file->fd = -1;
	return file;
}

static void close_file(struct log_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

void log_file_free(struct log_file *file)
{
	if (!file)
		return;
	close_file(file);
	free(file->dir);
	free(file);
}

static char *path_of(const struct log_file *file, int64_t day, const char *suffix)
{
	char iso[32], name[NAME_BYTES];

	clock_format_iso(day * DAY_MS, iso);
	snprintf(name, sizeof name, PREFIX "%.*s%s", DATE_LEN, iso, suffix);
	return file_join(file->dir, name);
}

/* Whether it is one of ours; then ret_day is set. */
static bool day_of(const char *name, int64_t *ret_day)
{
	const size_t lead = sizeof PREFIX - 1;
	char iso[32];
	int64_t ms;

	if (strncmp(name, PREFIX, lead) != 0 || strlen(name) < lead + DATE_LEN)
		return false;
	if (strcmp(name + lead + DATE_LEN, ".log") != 0 && strcmp(name + lead + DATE_LEN, ".1.log") != 0)
		return false;
	snprintf(iso, sizeof iso, "%.*sT00:00:00Z", DATE_LEN, name + lead);
	if (clock_parse_iso(slice_of(iso), &ms) != 0)
		return false;
	*ret_day = ms / DAY_MS;
	return true;
}

static void remove_old(const struct log_file *file)
{
	DIR *dir = opendir(file->dir);
	int64_t day;

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (day_of(entry->d_name, &day) && day < file->day - (int64_t)file->keep_days)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

static int open_file(struct log_file *file, const char *path, struct err *err)
{
	int rc = file_private_dir(file->dir, err);

	if (rc != 0)
		return rc;
	file->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (file->fd < 0)
		return err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	remove_old(file);
	return 0;
}

/* Leaves the file of the day open: the one that the path names, with room in it. */
static int settle(struct log_file *file, const char *path, uint64_t more, struct err *err)
{
	struct stat there, ours = { 0 };
	bool same = file->fd >= 0 && stat(path, &there) == 0 && fstat(file->fd, &ours) == 0 && there.st_ino == ours.st_ino &&
	            there.st_dev == ours.st_dev;

	if (!same) {
		int rc;
		close_file(file);
		rc = open_file(file, path, err);
		if (rc != 0)
			return rc;
		if (fstat(file->fd, &ours) != 0 || !S_ISREG(ours.st_mode) || fchmod(file->fd, 0600) != 0)
			return err_set(err, LF_EPERM, "%s is no file of ours", path);
	}
	if (ours.st_size > 0 && (uint64_t)ours.st_size + more > file->max_bytes) {
		char *aside = path_of(file, file->day, ".1.log");
		bool moved = rename(path, aside) == 0;
		free(aside);
		close_file(file);
		return moved ? open_file(file, path, err) : err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	}
	return 0;
}

int log_file_append(struct log_file *file, int64_t now_ms, struct slice line, struct err *err)
{
	struct stat before = { 0 };
	char *path;
	int rc;

	if (file->fd >= 0 && file->day != now_ms / DAY_MS)
		close_file(file);
	file->day = now_ms / DAY_MS;
	path = path_of(file, file->day, ".log");
	rc = settle(file, path, line.len, err);
	if (rc == 0 && fstat(file->fd, &before) != 0)
		rc = err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	if (rc == 0 && file_write_all(file->fd, line) != 0) {
		rc = err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
		(void)!ftruncate(file->fd, before.st_size); /* half a line would spoil the next one */
	}
	if (rc != 0)
		close_file(file);
	free(path);
	return rc;
}
