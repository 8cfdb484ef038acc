/* See system.h: with what Linux has. */
#include "base/system.h"
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

int system_pipe(int fds[2])
{
	return pipe2(fds, O_CLOEXEC);
}

int system_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int system_accept(int fd)
{
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

long system_receive(int fd, struct msghdr *message)
{
	return recvmsg(fd, message, MSG_CMSG_CLOEXEC);
}

/* The directory is reached through a descriptor: a socket address holds only 108 bytes. */
int system_socket_address(const char *dir, const char *name, struct sockaddr_un *ret)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	memset(ret, 0, sizeof *ret);
	ret->sun_family = AF_UNIX;
	if (fd >= 0)
		snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%s", fd, name);
	return fd;
}

bool system_peer_is_us(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

int system_wait_signal(const sigset_t *signals, int64_t timeout_ms)
{
	struct timespec limit = { (time_t)(timeout_ms / 1000), (long)(timeout_ms % 1000) * 1000000L };
	int signal = timeout_ms >= 0 ? sigtimedwait(signals, NULL, &limit) : sigwaitinfo(signals, NULL);

	return signal < 0 ? 0 : signal;
}

const char *system_file_system(const char *path)
{
	static const struct { unsigned long type; const char *name; } known[] = {
		{ 0x6969, "nfs" }, { 0xff534d42, "cifs" }, { 0xfe534d42, "smb" }, { 0x517b, "smb" }, { 0x01021997, "9p" },
		{ 0x65735546, "fuse" }, { 0x01021994, "tmpfs" }, { 0x858458f6, "ramfs" },
	};
	struct statfs fs;

	if (statfs(path, &fs) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (((unsigned long)fs.f_type & 0xffffffffUL) == known[i].type)
			return known[i].name;
	return "";
}

void system_run_self(const char *name, char *const argv[])
{
	(void)name;
	(void)execv("/proc/self/exe", argv);
}

/* What is mapped from a file and can never have been written: dropping it loses nothing. */
static int drop_code(struct dl_phdr_info *object, size_t size, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size, (void)context;
	if (strstr(object->dlpi_name, "vdso")) /* the kernel's own */
		return 0;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t from = (object->dlpi_addr + part->p_vaddr) & ~(page - 1), to = object->dlpi_addr + part->p_vaddr + part->p_filesz;

		if (part->p_type == PT_LOAD && !(part->p_flags & PF_W))
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

/* Left to itself, glibc keeps ever larger pieces once some were freed, up to 64 MiB, and that for each of many threads. */
void system_start(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
	(void)mallopt(M_ARENA_MAX, 2);
#endif
}

/* Freed memory, and program code that has run, which comes back from the file when it runs again. */
void system_trim(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
	(void)dl_iterate_phdr(drop_code, NULL);
}
