/*
 * Cuts the power of one ext4 file system: from now on nothing of it reaches its device, not even what the journal
 * holds in memory. What a mount finds afterwards is what was synced.
 *   pcut MOUNTPOINT
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SHUTDOWN _IOR('X', 125, uint32_t) /* EXT4_IOC_SHUTDOWN */
#define NO_LOG_FLUSH 2

int main(int argc, char **argv)
{
	uint32_t flags = NO_LOG_FLUSH;
	int fd;

	if (argc != 2) {
		fputs("usage: pcut MOUNTPOINT\n", stderr);
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, SHUTDOWN, &flags) != 0) {
		fprintf(stderr, "pcut: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	close(fd);
	return 0;
}
