/* The log in files: a file a day, made again when it is gone, bounded, removed when it is old; where it cannot be written. */
#include "base/file.h"
#include "base/log.h"
#include "base/log_file.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOON INT64_C(1795262400000) /* 2026-11-21T12:00:00Z */
#define HOUR (INT64_C(3600) * 1000)
#define DAY (24 * HOUR)
#define FIRST "lfspool-2026-11-21.log"
#define ASIDE "lfspool-2026-11-21.1.log"
#define SECOND "lfspool-2026-11-22.log"

static char top[] = "/tmp/lfspool-test-log.XXXXXX";

static int start(void **state)
{
	strcpy(strrchr(top, '.'), ".XXXXXX");
	*state = NULL;
	return mkdtemp(top) ? 0 : -1;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	log_set_files(NULL, 0, 0);
	snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s", top, top);
	return system(command);
}

static void holds(const char *name, const char *wanted) /* NULL: is not there */
{
	char *path = file_join(top, name);
	struct buf text;
	struct stat st;
	struct err err;

	buf_init(&text, 0);
	if (!wanted) {
		assert_int_equal(access(path, F_OK), -1);
	} else {
		assert_int_equal(file_read_all(path, 1 << 20, &text, &err), 0);
		assert_true(slice_is(buf_view(&text), wanted));
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	buf_done(&text);
	free(path);
}

static void append(struct log_file *file, int64_t now_ms, const char *line)
{
	struct err err = { 0 };

	if (log_file_append(file, now_ms, slice_of(line), &err) != 0)
		fail_msg("%s", err.text);
}

static void put(const char *name, mode_t mode)
{
	char *path = file_join(top, name);
	int fd = open(path, O_WRONLY | O_CREAT, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	free(path);
}

static void a_file_a_day(void **state)
{
	struct log_file *file = log_file_new(top, 7, 1000);

	(void)state;
	append(file, NOON + 12 * HOUR - 1, "one\n");
	append(file, NOON + 12 * HOUR, "two\n");
	append(file, NOON + 12 * HOUR - 1, "late\n"); /* the clock was set back */
	log_file_free(file);
	file = log_file_new(top, 7, 1000);
	append(file, NOON + DAY, "three\n");
	log_file_free(file);
	holds(FIRST, "one\nlate\n");
	holds(SECOND, "two\nthree\n");
}

static void comes_back(void **state)
{
	struct log_file *file = log_file_new(top, 7, 1000);
	char *path = file_join(top, FIRST), *aside = file_join(top, "taken");

	(void)state;
	put(FIRST, 0644);
	append(file, NOON, "one\n");
	holds(FIRST, "one\n"); /* and is ours alone now */
	assert_int_equal(unlink(path), 0);
	append(file, NOON, "two\n");
	holds(FIRST, "two\n");
	assert_int_equal(rename(path, aside), 0);
	append(file, NOON, "three\n");
	holds(FIRST, "three\n");
	holds("taken", "two\n");
	assert_int_equal(rename(path, aside), 0);
	put(FIRST, 0600); /* another one in its place */
	append(file, NOON, "four\n");
	holds(FIRST, "four\n");
	holds("taken", "three\n");
	assert_int_equal(unlink(path) | unlink(aside) | rmdir(top), 0); /* the whole directory */
	append(file, NOON, "four\n");
	holds(FIRST, "four\n");
	log_file_free(file);
	free(path);
	free(aside);
}

static void is_bounded(void **state)
{
	struct log_file *file = log_file_new(top, 7, 8);

	(void)state;
	append(file, NOON, "one\n");
	append(file, NOON, "two\n");
	holds(ASIDE, NULL);
	append(file, NOON, "three\n");
	holds(ASIDE, "one\ntwo\n");
	append(file, NOON, "longer than all\n");
	append(file, NOON, "end\n");
	holds(ASIDE, "longer than all\n");
	holds(FIRST, "end\n");
	log_file_free(file);
}

static void the_old_goes(void **state)
{
	static const char *const old[] = { "lfspool-2026-11-18.log", "lfspool-2026-11-18.1.log", "lfspool-1999-01-01.log" };
	static const char *const kept[] = { "lfspool-2026-11-19.log", "lfspool-2026-11-19.1.log", "lfspool-2026-11-30.log", "lfspool-2026-11-18.log.gz",
	                                    "lfspool-2026-13-77.log", "lfspool-x.log", "other-2026-11-18.log", "lfspool.log" };
	struct log_file *file = log_file_new(top, 2, 1000);

	(void)state;
	for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
		put(old[i], 0600);
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		put(kept[i], 0600);
	append(file, NOON, "one\n");
	for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
		holds(old[i], NULL);
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		holds(kept[i], "");
	append(file, NOON + DAY, "two\n"); /* midnight does it too */
	holds("lfspool-2026-11-19.log", NULL);
	log_file_free(file);
}

/* A limit on the size of files is like a disk that is full in the middle of a line. */
static void no_half_lines(void **state)
{
	struct log_file *file = log_file_new(top, 7, 1000);
	struct rlimit before, tight;
	struct err err = { 0 };

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	append(file, NOON, "one\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 6;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(log_file_append(file, NOON, slice_of("second\n"), &err), LF_EIO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(err.text, FIRST));
	append(file, NOON, "three\n");
	holds(FIRST, "one\nthree\n");
	log_file_free(file);
}

static void foreign_names_are_refused(void **state)
{
	struct log_file *file = log_file_new(top, 7, 1000);
	char *path = file_join(top, FIRST);
	struct err err = { 0 };

	(void)state;
	put("target", 0600);
	assert_int_equal(symlink("target", path), 0);
	assert_int_not_equal(log_file_append(file, NOON, slice_of("one\n"), &err), 0);
	holds("target", "");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_not_equal(log_file_append(file, NOON, slice_of("one\n"), &err), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(log_file_append(file, NOON, slice_of("one\n"), &err), LF_EPERM);
	assert_int_equal(chmod(top, 0700), 0);
	append(file, NOON, "two\n");
	log_file_free(file);
	free(path);
}

/* What standard error gets while call runs. */
static void told(void (*call)(void), struct buf *ret)
{
	char *path = file_join(top, "stderr");
	int saved = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct err err;

	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	call();
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(fd);
	buf_init(ret, 0);
	assert_int_equal(file_read_all(path, 1 << 20, ret, &err), 0);
	assert_int_equal(buf_char(ret, '\0'), 0);
	free(path);
}

static void log_three(void)
{
	for (int i = 0; i < 3; i++)
		log_event(LOG_LEVEL_WARN, "test.line", "number=%d word=\"a b\"", i);
	log_event(LOG_LEVEL_DEBUG, "test.silent", NULL);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void falls_back(void **state)
{
	char *blocked = file_join(top, "blocked"), *below = file_join(top, "blocked/logs");
	struct buf out;

	(void)state;
	put("blocked", 0600);
	log_set_files(below, 7, 1000);
	told(log_three, &out);
	assert_int_equal(count(out.data, "\"event\":\"test.line\""), 3);
	assert_int_equal(count(out.data, "\"event\":\"log.file\""), 1); /* said once */
	buf_done(&out);
	assert_int_equal(unlink(blocked), 0);
	told(log_three, &out);
	assert_string_equal(out.data, ""); /* mended: all is in the file */
	buf_done(&out);
	free(blocked);
	free(below);
}

static void journal_gets_priorities(void **state)
{
	char *path = file_join(top, "stderr"), stream[64];
	struct stat st;
	struct buf out;

	(void)state;
	put("stderr", 0600);
	assert_int_equal(stat(path, &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	told(log_three, &out);
	assert_int_equal(count(out.data, "<4>{\"time\":\""), 3);
	buf_done(&out);
	setenv("JOURNAL_STREAM", "1:1", 1); /* standard error was turned elsewhere */
	told(log_three, &out);
	assert_int_equal(count(out.data, "<4>"), 0);
	assert_int_equal(out.data[0], '{');
	assert_int_equal(count(out.data, ",\"level\":\"warn\",\"event\":\"test.line\",\"number\":2,\"word\":\"a b\"}\n"), 1);
	buf_done(&out);
	unsetenv("JOURNAL_STREAM");
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_a_day, start, end),
		cmocka_unit_test_setup_teardown(comes_back, start, end),
		cmocka_unit_test_setup_teardown(is_bounded, start, end),
		cmocka_unit_test_setup_teardown(the_old_goes, start, end),
		cmocka_unit_test_setup_teardown(no_half_lines, start, end),
		cmocka_unit_test_setup_teardown(foreign_names_are_refused, start, end),
		cmocka_unit_test_setup_teardown(falls_back, start, end),
		cmocka_unit_test_setup_teardown(journal_gets_priorities, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
