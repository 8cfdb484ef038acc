/* See program.h. */
#include "base/program.h"
#include "base/clock.h"
#include "base/system.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_EVERY_MS 50
#define PATIENCE_MS 500 /* between the polite signal and the other */

extern char **environ;

/* A group of its own, so that all of it can be ended; no signal blocked or ignored that is so here. */
static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int start(const char *path, int out_fd, pid_t *ret)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return ENOMEM;
	}
	set_attributes(&attributes);
	rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (rc == 0)
		rc = posix_spawn(ret, path, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* What is there to read now. 1: more may come; 0: it has closed its end; LF_E… */
static int take(int fd, struct buf *out)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		if (buf_append(out, bytes, (size_t)n) != 0)
			return out->failed;
	explicit_bzero(bytes, sizeof bytes);
	return n == 0 ? 0 : errno == EAGAIN || errno == EINTR ? 1 : LF_EIO;
}

static bool ended(pid_t pid, int *ret_status)
{
	return waitpid(pid, ret_status, WNOHANG) == pid;
}

/* Ends the whole group; only then is its number given back. */
static void end(pid_t pid)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	siginfo_t info = { 0 };
	int status;

	kill(-pid, SIGTERM);
	while (clock_mono_ms() < until && info.si_pid == 0) {
		poll(NULL, 0, LOOK_EVERY_MS / 5);
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
			break;
	}
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
}

/* Reads until the program has ended: a grandchild may hold the pipe open for longer. */
static int follow(pid_t pid, int fd, int64_t timeout_ms, const atomic_bool *cancel, struct buf *out, struct err *err)
{
	int64_t until = clock_mono_ms() + timeout_ms;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int rc, status = 0;

	for (;;) {
		bool over = ended(pid, &status);
		rc = poll_fd.fd >= 0 ? take(fd, out) : 0;
		if (rc == 0)
			poll_fd.fd = -1; /* nothing more to come */
		if (over)
			break;
		if (rc < 0 || clock_mono_ms() >= until || (cancel && atomic_load(cancel))) {
			end(pid);
			return rc < 0 ? err_set(err, rc, "it prints too much") : err_set(err, LF_EAGAIN, "it did not end within %lld ms", (long long)timeout_ms);
		}
		poll(&poll_fd, 1, poll_fd.fd < 0 ? LOOK_EVERY_MS / 5 : LOOK_EVERY_MS);
	}
	if (rc < 0)
		return err_set(err, rc, "it prints too much");
	if (!WIFEXITED(status))
		return err_set(err, LF_EIO, "it was ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status) == 0 ? 0 : err_set(err, LF_EIO, "it ended with status %d", WEXITSTATUS(status));
}

int program_run(const char *path, int64_t timeout_ms, const atomic_bool *cancel, struct buf *out, struct err *err)
{
	int fds[2], rc;
	pid_t pid;

	if (system_pipe(fds) != 0)
		return err_set(err, LF_EIO, "no pipe: error %d", errno);
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	rc = start(path, fds[1], &pid);
	close(fds[1]);
	if (rc != 0)
		rc = err_set(err, LF_EIO, "it cannot be run: %s", rc == ENOENT ? "no such file" : rc == EACCES ? "no right to" : "error of the system");
	else
		rc = follow(pid, fds[0], timeout_ms, cancel, out, err);
	close(fds[0]);
	return rc;
}
