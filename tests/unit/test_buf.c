/* Buffers: growth, cap, sticky failure; slices and errors beside them. */
#include "base/buf.h"
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void append_grows_and_terminates(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 0);
	assert_null(buf.data);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_format(&buf, "%d,", i), 0);
	assert_int_equal(strlen(buf.data), buf.len);
	assert_int_equal(buf.len, 3890);
	assert_memory_equal(buf.data + buf.len - 4, "999,", 4);
	buf_done(&buf);
	assert_null(buf.data);
}

static void numbers_are_decimal(void **state)
{
	static const int64_t values[] = { 0, 7, -1, 10, 1795233553671, INT64_MAX, INT64_MIN };
	struct buf made, want;

	(void)state;
	buf_init(&made, 0);
	buf_init(&want, 0);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		assert_int_equal(buf_int(&made, values[i]), 0);
		assert_int_equal(buf_format(&want, "%lld", (long long)values[i]), 0);
	}
	assert_string_equal(made.data, want.data);
	buf_done(&made);
	buf_done(&want);
}

/* Whether there is room for it or not. */
static void formatting_stays_within_the_cap(void **state)
{
	struct buf buf;

	(void)state;
	for (int n = 60; n < 70; n++) {
		buf_init(&buf, 66);
		assert_int_equal(buf_text(&buf, "a"), 0);
		assert_int_equal(buf_format(&buf, "%*d", n, 1), n + 1 <= 66 ? 0 : LF_ELIMIT);
		assert_int_equal(buf.len, n + 1 <= 66 ? (size_t)n + 1 : 1);
		assert_int_equal(strlen(buf.data), buf.len);
		buf_done(&buf);
	}
}

static void cap_is_exact(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_int_equal(buf_text(&buf, "12345"), 0);
	assert_int_equal(buf_char(&buf, '6'), LF_ELIMIT);
	assert_string_equal(buf.data, "12345");
	buf_done(&buf);
}

static void failure_is_sticky_until_clear(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 4);
	assert_int_equal(buf_text(&buf, "abc"), 0);
	assert_int_equal(buf_text(&buf, "de"), LF_ELIMIT);
	assert_int_equal(buf_char(&buf, 'f'), LF_ELIMIT);
	assert_int_equal(buf_format(&buf, "%d", 1), LF_ELIMIT);
	assert_null(buf_reserve(&buf, 0));
	assert_string_equal(buf.data, "abc");
	buf_clear(&buf);
	assert_int_equal(buf_text(&buf, "de"), 0);
	assert_string_equal(buf.data, "de");
	buf_done(&buf);
}

static void take_hands_over(void **state)
{
	struct buf buf;
	size_t len;
	char *data;

	(void)state;
	buf_init(&buf, 0);
	buf_append(&buf, "a\0b", 3);
	data = buf_take(&buf, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "a\0b", 4);
	assert_int_equal(buf.len, 0);
	assert_null(buf.data);
	free(data);
	buf_done(&buf);
}

static void huge_reserve_fails(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 0);
	buf_char(&buf, 'x');
	assert_null(buf_reserve(&buf, SIZE_MAX));
	assert_int_equal(buf.failed, LF_ELIMIT);
	buf_done(&buf);
}

static void slices_compare(void **state)
{
	(void)state;
	assert_int_equal(slice_compare(SLICE("a"), SLICE("b")), -1);
	assert_int_equal(slice_compare(SLICE("ab"), SLICE("a")), 1);
	assert_int_equal(slice_compare(SLICE_NONE, SLICE("")), 0);
	assert_int_equal(slice_compare(SLICE("\xff"), SLICE("a")), 1);
	assert_true(slice_is(SLICE_NONE, ""));
}

static void errors_take_prefixes(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, LF_EIO, "disk %d", 7), LF_EIO);
	assert_int_equal(err_prefix(&err, "spool %s", "x"), LF_EIO);
	assert_string_equal(err.text, "spool x: disk 7");
	assert_int_equal(err_set(NULL, LF_EFULL, "nobody reads this"), LF_EFULL);
	err_set(&err, LF_EIO, "%0600d", 1);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, "p");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "p: 0", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append_grows_and_terminates), cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(formatting_stays_within_the_cap),
		cmocka_unit_test(cap_is_exact),
		cmocka_unit_test(failure_is_sticky_until_clear), cmocka_unit_test(take_hands_over),
		cmocka_unit_test(huge_reserve_fails), cmocka_unit_test(slices_compare),
		cmocka_unit_test(errors_take_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
