/* What a terminal may be shown: nothing that steers it, and columns that are counted as it counts them. */
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_put(struct slice text, unsigned max, const char *wanted, unsigned columns)
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(text_put(text, max, &out), columns);
	assert_string_equal(out.data ? out.data : "", wanted);
	buf_done(&out);
}

static void test_nothing_steers(void **state)
{
	static const struct { struct slice in; const char *out; unsigned columns; } rows[] = {
		{ SLICE("a\x1b[31mb"), "a [31mb", 7 },
		{ SLICE("a\nb\tc\rd\x7f"), "a b c d ", 8 },
		{ SLICE("a\xc2\x9b""31m"), "a 31m", 5 },             /* CSI as one character */
		{ SLICE("a\xe2\x80\xae""b\xe2\x81\xa6""c"), "abc", 3 }, /* right to left override, isolate */
		{ SLICE("a\xe2\x80\x8f""b\xef\xbb\xbf"), "ab", 2 },
		{ SLICE("a\xff" "b\xc0\xaf"), "a\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd", 5 },
		{ SLICE("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3 },
		{ SLICE("\0\1"), "  ", 2 },
		{ SLICE("a\xf3\xa0\x81\x81"), "a", 1 },              /* tag character */
		{ SLICE(""), "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_put(rows[i].in, TEXT_NO_LIMIT, rows[i].out, rows[i].columns);
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(text_columns(SLICE("abc")), 3);
	assert_int_equal(text_columns(SLICE("日本語")), 6);
	assert_int_equal(text_columns(SLICE("e\xcc\x81t\xc3\xa9")), 3);
	assert_int_equal(text_columns(SLICE("🚀")), 2);
	assert_put(SLICE("e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86"), TEXT_NO_LIMIT, "e\xcc\x81\xcc\x82\xcc\x83\xcc\x84", 1);
	assert_put(SLICE("\xcc\x81""a"), TEXT_NO_LIMIT, "a", 1); /* a mark does not stand on what came before */
}

static void test_cut(void **state)
{
	(void)state;
	assert_put(SLICE("abcdef"), 6, "abcdef", 6);
	assert_put(SLICE("abcdef"), 5, "abcd…", 5);
	assert_put(SLICE("abcdef"), 1, "…", 1);
	assert_put(SLICE("日本語"), 6, "日本語", 6);
	assert_put(SLICE("日本語"), 5, "日本…", 5);
	assert_put(SLICE("日本語"), 4, "日…", 3); /* a half of a character is not shown */
	assert_put(SLICE("日本語"), 1, "…", 1);
}

static void test_pad(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	text_pad(SLICE("日本語"), 4, &out);
	buf_char(&out, '|');
	text_pad(SLICE("ab"), 4, &out);
	buf_char(&out, '|');
	text_pad(SLICE("ab"), 0, &out);
	assert_string_equal(out.data, "日… |ab  |");
	buf_done(&out);
}

static void test_lines(void **state)
{
	struct buf out;
	struct text_line line = { .out = &out, .columns = 12 };

	(void)state;
	buf_init(&out, 0);
	text_line_put(&line, LOOK_RED, "", SLICE("ab"));
	text_line_to(&line, 4);
	text_line_wrap(&line, LOOK_PLAIN, 4, SLICE("one two three 日本語日本語 \x1b[1m"));
	text_line_end(&line);
	line.colour = true;
	text_line_put(&line, LOOK_RED, "> ", SLICE("more than there is room"));
	text_line_put(&line, LOOK_RED, " ", SLICE("nothing"));
	text_line_end(&line);
	text_line_format(&line, LOOK_PLAIN, "%d", 7);
	assert_string_equal(out.data, "ab  one two\n    three 日\n    本語日本\n    語  [1m\n\x1b[31m> more than…\x1b[0m\n7");
	buf_done(&out);
}

static void test_full_buffer(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 8);
	text_put(SLICE("abcdefghijklmnopqrstuvwxyz"), 20, &out);
	assert_true(out.failed != 0);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_steers), cmocka_unit_test(test_columns), cmocka_unit_test(test_cut), cmocka_unit_test(test_pad),
		cmocka_unit_test(test_lines), cmocka_unit_test(test_full_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
