/* Files: private directories, reading with a cap, replacing. */
#include "base/file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/lfspool-test-file.XXXXXX";

static char *path_of(const char *name)
{
	return file_join(top, name);
}

static void private_dir_is_made(void **state)
{
	char *path = path_of("a/b/c/");
	struct stat st;
	struct err err;

	(void)state;
	assert_int_equal(file_private_dir(path, &err), 0);
	assert_int_equal(file_private_dir(path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	free(path);
}

static void private_dir_refuses_open(void **state)
{
	char *path = path_of("open");
	struct err err;

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(file_private_dir(path, &err), LF_EPERM);
	assert_non_null(strstr(err.text, "0750"));
	assert_int_equal(chmod(path, 0701), 0);
	assert_int_equal(file_private_dir(path, &err), LF_EPERM);
	free(path);
}

static void private_dir_refuses_links_and_files(void **state)
{
	char *target = path_of("target"), *link = path_of("link"), *slashed = path_of("link/"), *plain = path_of("plain");
	struct err err;

	(void)state;
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(file_private_dir(link, &err), LF_EPERM);
	assert_int_equal(file_private_dir(slashed, &err), LF_EPERM);
	assert_int_equal(file_replace(plain, SLICE("x"), 0600, &err), 0);
	assert_int_equal(file_private_dir(plain, &err), LF_EPERM);
	free(target);
	free(link);
	free(slashed);
	free(plain);
}

static void replace_and_read(void **state)
{
	char *path = path_of("file");
	struct stat st;
	struct buf buf;
	struct err err;

	(void)state;
	buf_init(&buf, 0);
	assert_int_equal(file_replace(path, SLICE("first, and longer"), 0600, &err), 0);
	assert_int_equal(file_replace(path, SLICE("second"), 0640, &err), 0);
	assert_int_equal(file_read_all(path, 6, &buf, &err), 0);
	assert_string_equal(buf.data, "second");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_read_all(path, 5, &buf, &err), LF_ELIMIT);
	buf_done(&buf);
	free(path);
}

static void reading_refuses(void **state)
{
	char *missing = path_of("missing"), *nowhere = path_of("missing/file");
	struct err err;

	(void)state;
	assert_int_equal(file_open_read(top, &err), LF_EINVAL);
	assert_non_null(strstr(err.text, "is a directory"));
	assert_int_equal(file_open_read(missing, &err), LF_ENOENT);
	assert_int_equal(file_replace(nowhere, SLICE("x"), 0600, &err), LF_ENOENT);
	free(missing);
	free(nowhere);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "a/b/c", "a/b", "a", "open", "link", "target", "plain", "file" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = path_of(names[i]);

		remove(path);
		free(path);
	}
	/* Fails when a temporary file was left behind. */
	return rmdir(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_dir_is_made), cmocka_unit_test(private_dir_refuses_open),
		cmocka_unit_test(private_dir_refuses_links_and_files), cmocka_unit_test(replace_and_read),
		cmocka_unit_test(reading_refuses),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
