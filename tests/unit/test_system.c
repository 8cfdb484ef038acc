/* What each system does in its own way behaves the same: waiting for signals, sockets with long names, what is closed on exec. */
#include "base/clock.h"
#include "base/system.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static sigset_t signals;

static int block(void **state)
{
	(void)state;
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGALRM);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
		return -1;
	return sigdelset(&signals, SIGALRM);
}

static void waits(void **state)
{
	int64_t start = clock_mono_ms();

	(void)state;
	assert_int_equal(system_wait_signal(&signals, 30), 0);
	assert_true(clock_mono_ms() - start >= 25);
	assert_int_equal(system_wait_signal(&signals, 0), 0);
	for (int i = 0; i < 200; i++) { /* a limit that is nearly over when the signal comes leaves nothing behind */
		assert_int_equal(kill(getpid(), i % 2 ? SIGHUP : SIGUSR1), 0);
		assert_int_equal(system_wait_signal(&signals, i % 4 == 0 ? -1 : 1), i % 2 ? SIGHUP : SIGUSR1);
	}
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	assert_int_equal(kill(getpid(), SIGALRM), 0); /* as a timer that was over just then */
	assert_int_equal(system_wait_signal(&signals, 1000), SIGHUP);
	start = clock_mono_ms();
	assert_int_equal(system_wait_signal(&signals, 30), 0);
	assert_true(clock_mono_ms() - start >= 25);
}

static void is_closed_on_exec(int fd)
{
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void pass(int from, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec io = { &(char){ 'x' }, 1 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	assert_int_equal(sendmsg(from, &message, 0), 1);
}

static int receive(int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char byte;
	struct iovec io = { &byte, 1 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	int passed;

	assert_int_equal(system_receive(fd, &message), 1);
	assert_non_null(CMSG_FIRSTHDR(&message));
	memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
	return passed;
}

static void talks(void **state)
{
	char dir[] = "/tmp/lfspool-test-system.XXXXXX", path[128];
	struct sockaddr_un address;
	int fds[2], dir_fd, listening, calling, called, passed;

	(void)state;
	assert_non_null(mkdtemp(dir));
	dir_fd = system_socket_address(dir, "socket", &address);
	is_closed_on_exec(dir_fd);
	is_closed_on_exec(listening = system_socket());
	assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listening, 1), 0);
	is_closed_on_exec(calling = system_socket());
	assert_int_equal(connect(calling, (struct sockaddr *)&address, sizeof address), 0);
	is_closed_on_exec(called = system_accept(listening));
	assert_true(system_peer_is_us(called));
	assert_int_equal(system_pipe(fds), 0);
	is_closed_on_exec(fds[0]);
	is_closed_on_exec(fds[1]);
	pass(calling, fds[0]);
	is_closed_on_exec(passed = receive(called));
	assert_int_equal(write(fds[1], "y", 1), 1);
	assert_int_equal(read(passed, path, 1), 1);
	for (int i = 0; i < 7; i++)
		close((const int[]){ dir_fd, listening, calling, called, passed, fds[0], fds[1] }[i]);
	snprintf(path, sizeof path, "%s/socket", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(system_socket_address(dir, "socket", &address), -1);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(waits, block), cmocka_unit_test(talks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
