/* program.c: what a program prints, its limits, and that nothing of it is left. */
#include "base/clock.h"
#include "base/program.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define LONG_MS 60000

static char path[] = "/tmp/test_program.XXXXXX";

/* Runs a script; its output is in out. */
static int run(const char *script, int64_t timeout_ms, size_t max_bytes, const atomic_bool *cancel, struct buf *out, struct err *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	assert_int_equal(chmod(path, 0700), 0);
	buf_init(out, max_bytes);
	return program_run(path, timeout_ms, cancel, out, err);
}

static void what_it_prints_is_there(void **state)
{
	struct buf out;
	struct err err;

	(void)state;
	assert_int_equal(run("echo one; echo no >&2; cat; echo $#; sleep 0.1; printf two", LONG_MS, 0, NULL, &out, &err), 0);
	assert_string_equal(out.data, "one\n0\ntwo");
	buf_done(&out);
	assert_int_equal(run("exec >&-; sleep 0.1", LONG_MS, 0, NULL, &out, &err), 0);
	assert_int_equal(out.len, 0);
	buf_done(&out);
	assert_int_equal(run("head -c 300000 /dev/zero", LONG_MS, 0, NULL, &out, &err), 0);
	assert_int_equal(out.len, 300000);
	buf_done(&out);
}

static void how_it_ends_counts(void **state)
{
	static const struct { const char *script, *words; } rows[] = {
		{ "echo half; exit 3", "status 3" }, { "kill -9 $$", "signal 9" }, { "head -c 5000 /dev/zero", "too much" }, { "yes", "too much" },
	};
	struct buf out;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_not_equal(run(rows[i].script, LONG_MS, 4096, NULL, &out, &err), 0);
		assert_non_null(strstr(err.text, rows[i].words));
		buf_done(&out);
	}
	buf_init(&out, 0);
	assert_int_not_equal(program_run("/nowhere/there", LONG_MS, NULL, &out, &err), 0);
	assert_int_not_equal(program_run("/", LONG_MS, NULL, &out, &err), 0);
	assert_null(strstr(err.text, "/"));
	buf_done(&out);
}

/* A dead orphan may wait for ever where nobody takes orphans on. */
static bool is_gone(pid_t pid)
{
	char name[40], line[128];
	bool dead = false;
	FILE *status;

	if (kill(pid, 0) != 0)
		return true;
	snprintf(name, sizeof name, "/proc/%d/status", (int)pid);
	status = fopen(name, "r");
	while (status && fgets(line, sizeof line, status))
		dead = dead || strncmp(line, "State:\tZ", 8) == 0;
	if (status)
		fclose(status);
	return dead || !status;
}

/* The numbers that a script printed before it was ended: none of them may live on. */
static void all_gone(const struct buf *out)
{
	for (char *p = out->data, *end; p && *p; p = end) {
		pid_t pid = (pid_t)strtol(p, &end, 10);
		int64_t until = clock_mono_ms() + LONG_MS;
		if (end == p)
			break;
		while (!is_gone(pid) && clock_mono_ms() < until)
			usleep(10000);
		assert_true(is_gone(pid));
	}
}

static void time_and_cancelling_end_all_of_it(void **state)
{
	static const char *const scripts[] = { "sleep 600 & echo $$ $!; wait", "trap '' TERM; sleep 600 & echo $$ $!; wait; sleep 600", "exec >&-; sleep 600" };
	atomic_bool cancel = true;
	struct buf out;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		int64_t began_ms = clock_mono_ms();
		assert_int_equal(run(scripts[i], 300, 0, NULL, &out, &err), LF_EAGAIN);
		assert_true(clock_mono_ms() - began_ms >= 300);
		assert_true(clock_mono_ms() - began_ms < LONG_MS);
		all_gone(&out);
		buf_done(&out);
		assert_int_equal(run(scripts[i], LONG_MS, 0, &cancel, &out, &err), LF_EAGAIN);
		buf_done(&out);
	}
}

static void what_it_leaves_behind_does_not_hold_it_up(void **state)
{
	int64_t began_ms = clock_mono_ms();
	struct buf out;
	struct err err;

	(void)state;
	assert_int_equal(run("sleep 90 & echo $!", LONG_MS * 2, 0, NULL, &out, &err), 0);
	assert_true(clock_mono_ms() - began_ms < LONG_MS);
	assert_true(out.len > 0);
	kill((pid_t)strtol(out.data, NULL, 10), SIGKILL);
	buf_done(&out);
}

static void blocked_signals_are_not_handed_on(void **state)
{
	sigset_t all, before;
	struct buf out;
	struct err err;

	(void)state;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	signal(SIGPIPE, SIG_IGN);
	assert_int_not_equal(run("kill -TERM $$; echo deaf", LONG_MS, 0, NULL, &out, &err), 0);
	assert_non_null(strstr(err.text, "signal 15"));
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_prints_is_there), cmocka_unit_test(how_it_ends_counts), cmocka_unit_test(time_and_cancelling_end_all_of_it),
		cmocka_unit_test(what_it_leaves_behind_does_not_hold_it_up), cmocka_unit_test(blocked_signals_are_not_handed_on),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
