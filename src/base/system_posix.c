/* See system.h: with what POSIX has, on any system. */
#include "base/system.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

static int closed_on_exec(int fd)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

int system_pipe(int fds[2])
{
	if (pipe(fds) != 0)
		return -1;
	(void)closed_on_exec(fds[0]);
	(void)closed_on_exec(fds[1]);
	return 0;
}

int system_socket(void)
{
	return closed_on_exec(socket(AF_UNIX, SOCK_STREAM, 0));
}

int system_accept(int fd)
{
	return closed_on_exec(accept(fd, NULL, NULL));
}

long system_receive(int fd, struct msghdr *message)
{
	ssize_t n = recvmsg(fd, message, 0);

	for (struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(message) : NULL; c; c = CMSG_NXTHDR(message, c)) {
		int passed;
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof passed))
			continue;
		memcpy(&passed, CMSG_DATA(c), sizeof passed);
		(void)closed_on_exec(passed);
	}
	return n;
}

int system_socket_address(const char *dir, const char *name, struct sockaddr_un *ret)
{
	int fd, n;

	memset(ret, 0, sizeof *ret);
	ret->sun_family = AF_UNIX;
	n = snprintf(ret->sun_path, sizeof ret->sun_path, "%s/%s", dir, name);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (size_t)n >= sizeof ret->sun_path) {
		close(fd);
		errno = ENAMETOOLONG;
		return -1;
	}
	return fd;
}

bool system_peer_is_us(int fd)
{
#ifdef HAVE_GETPEEREID
	uid_t user;
	gid_t group;

	return getpeereid(fd, &user, &group) == 0 && (user == geteuid() || user == 0);
#else
	(void)fd;
	return true;
#endif
}

int system_wait_signal(const sigset_t *signals, int64_t timeout_ms)
{
	struct itimerval timer = { .it_value = { (time_t)(timeout_ms / 1000), (suseconds_t)(timeout_ms % 1000 * 1000) } }, none = { 0 };
	sigset_t wanted = *signals, alarm_only;
	int signal = 0;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	(void)pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
	if (timeout_ms == 0)
		timer.it_value.tv_usec = 1;
	if (timeout_ms >= 0) {
		sigaddset(&wanted, SIGALRM);
		(void)setitimer(ITIMER_REAL, &timer, NULL);
	}
	if (sigwait(&wanted, &signal) != 0)
		signal = 0;
	if (timeout_ms >= 0) {
		sigset_t pending;
		(void)setitimer(ITIMER_REAL, &none, NULL);
		/* One that came meanwhile must not end the next wait. */
		if (signal != SIGALRM && sigpending(&pending) == 0 && sigismember(&pending, SIGALRM) == 1) {
			int ignored;
			(void)sigwait(&alarm_only, &ignored);
		}
	}
	return signal == SIGALRM ? 0 : signal;
}

const char *system_file_system(const char *path)
{
	(void)path;
	return NULL;
}

void system_run_self(const char *name, char *const argv[])
{
	(void)execvp(name, argv);
}

void system_start(void)
{
}

void system_trim(void)
{
}
