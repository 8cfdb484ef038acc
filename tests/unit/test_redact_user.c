/* What the user adds: patterns, harmless and secret values; and searches that cannot be decided. */
#include "redact.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_patterns(void **state)
{
	static const char *const denied[] = { "tiny", "denied \"value\" 1", NULL };
	const struct redact_options options = { .user_patterns = "EMP-[0-9]{4,6}, x\\,y,(?:a,b)+", .deny_values = denied };
	const struct redact_options bad = { .user_patterns = "ok,  br(oken" }, class = { .user_patterns = "[],(]u,[^]{,]+v,\\[,w" };
	struct ruleset *own;
	struct redactor *worker;
	struct buf out;
	struct err err;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(ruleset_new(&options, &own, NULL), 0);
	worker = redactor_new(own);
	assert_string_equal(ruleset_name(own, ruleset_count(own) - 1), "user-3");
	assert_int_equal(redact_text(worker, SLICE("EMP-12345 x,y a,ba,b tiny denied \"value\" 1 denied \\\"value\\\" 1"), &out, NULL), 0);
	assert_string_equal(out.data, "[REDACTED:user-1] [REDACTED:user-2] [REDACTED:user-3] tiny [REDACTED:denied-value] [REDACTED:denied-value]");
	assert_int_equal(redactor_take_count(worker, ruleset_count(own) - 3), 1);
	assert_int_equal(redactor_take_count(worker, ruleset_count(own) - 3), 0);
	redactor_free(worker);
	ruleset_free(own);
	assert_int_equal(ruleset_new(&bad, &own, &err), LF_EINVAL);
	assert_non_null(strstr(err.text, "redact_patterns, line 1, column "));
	/* Brackets and commas in a class, and a bracket behind a backslash. */
	assert_int_equal(ruleset_new(&class, &own, NULL), 0);
	assert_string_equal(ruleset_name(own, ruleset_count(own) - 1), "user-4");
	ruleset_free(own);
	buf_done(&out);
}

static char *write_file(const char *content)
{
	char path[] = "/tmp/test_redact.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
	return xstrdup(path);
}

/* Denied beats allowed; a bad line is named. */
static void test_files(void **state)
{
	char *patterns = write_file("# mine\n\nID-[0-9]+\r\n"), *bad = write_file("fine\n[z-a]\n"), *tiny = write_file("short\n");
	char *allow = write_file("harmless-1\n/demo-[a-z]+/\nboth-of-them\n"), *deny = write_file("exact secret\nboth-of-them\n");
	const struct redact_options options = { .pattern_file = patterns, .allow_file = allow, .deny_file = deny };
	const struct redact_options bad_pattern = { .pattern_file = bad }, bad_deny = { .deny_file = tiny };
	struct ruleset *own;
	struct redactor *worker;
	struct buf out;
	struct err err;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(ruleset_new(&options, &own, NULL), 0);
	worker = redactor_new(own);
	assert_int_equal(redact_text(worker, SLICE("password=harmless-1 password=demo-abc password=demo-abc1 ID-5 exact secret both-of-them"), &out, NULL), 0);
	assert_string_equal(out.data, "password=harmless-1 password=demo-abc password=[REDACTED:password-plain] [REDACTED:user-1] [REDACTED:denied-value] [REDACTED:denied-value]");
	redactor_free(worker);
	ruleset_free(own);
	assert_int_equal(ruleset_new(&bad_pattern, &own, &err), LF_EINVAL);
	assert_non_null(strstr(err.text, bad));
	assert_non_null(strstr(err.text, ", line 2, column "));
	assert_int_equal(ruleset_new(&bad_deny, &own, &err), LF_EINVAL);
	assert_non_null(strstr(err.text, ", line 1, column 1"));
	char *paths[] = { patterns, bad, tiny, allow, deny };
	for (size_t i = 0; i < 5; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	buf_done(&out);
}

/* Each way in which a search can end but a match or none: the text goes as a whole, and is counted. */
static void test_undecided_is_removed(void **state)
{
	static const char *const patterns[] = {
		"(a+)+b",            /* too many steps */
		"(?:(?:a|q)(?:a|z))*d", /* JIT's stack is too small */
		"(*NO_JIT)(a|(?1)a)*[^a]d", /* the interpreter's bounds */
	};
	struct buf text, out;

	(void)state;
	buf_init(&text, 0);
	buf_init(&out, 0);
	for (int i = 0; i < 300000; i++)
		buf_char(&text, 'a');
	buf_text(&text, "c x b d"); /* the optimiser may see that a letter is missing */
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		const struct redact_options options = { .user_patterns = patterns[i] };
		struct ruleset *own;
		struct redactor *worker;

		assert_int_equal(ruleset_new(&options, &own, NULL), 0);
		worker = redactor_new(own);
		buf_clear(&out);
		assert_int_equal(redact_text(worker, buf_view(&text), &out, NULL), 0);
		assert_string_equal(out.data, "[REDACTED:undecided]");
		assert_int_equal(redactor_take_count(worker, ruleset_count(own)), 1);
		redactor_free(worker);
		ruleset_free(own);
	}
	buf_done(&text);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns), cmocka_unit_test(test_files), cmocka_unit_test(test_undecided_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
