/* What another thread than the writer's may do: bring the log to the disk, while the next transaction is being made. */
#include "spool_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* SQLite holds no locks on the log, so a descriptor of our own may be closed. Each descriptor hears once of a write that failed. */
int spool_log_open(const struct spool *spool)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof path, "%s-wal", spool->path);
	return open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

static int sync_data(int fd)
{
#if defined F_FULLFSYNC
	return fcntl(fd, F_FULLFSYNC);
#elif defined _POSIX_SYNCHRONIZED_IO && _POSIX_SYNCHRONIZED_IO > 0
	return fdatasync(fd);
#else
	return fsync(fd);
#endif
}

int spool_log_sync(int fd, struct err *err)
{
	return sync_data(fd) == 0 ? 0 : err_set(err, LF_EIO, "the log cannot be written to the disk: %s", strerror(errno));
}

int spool_give_up(struct spool *spool, struct err *err)
{
	spool->broken = true;
	return err_set(err, LF_EIO, "%s: the log cannot be written to the disk", spool->path);
}
