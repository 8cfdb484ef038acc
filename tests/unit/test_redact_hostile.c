/*
 * Texts and patterns made to hold the search up: it ends, a planted secret is gone whether the text was
 * searched or removed, and cleaning again changes nothing. How long each takes is a benchmark's matter.
 */
#include "redact.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES (256u * 1024u)

static const char *const units[] = {
	"a", " ", "\n", "eyJ-", "eyJaaaaaaaa.", "=", "key=", "password===========", "password:                ", "password",
	"TOKEN_", "TOKEN=", "\"", "\\\"", "\\", "password: \"aa\\\\", "secret: 'x ", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0",
	"-----BEGIN RSA PRIVATE " "KEY-----\n", "-----END PRIVATE " "KEY-----\n", "-----BEGIN PRIVATE " "KEY----- -", "-",
	"PuTTY-User-Key-File-2: ", "://a:b", "://", "authorization: ", "cookie: a=", "x-a-", "mysql ", "redis-cli a ",
	"machine a login b ", "--token ", "-u a", "<password>", "sk-", "SG.aaaaaaaaaaaaaaaaaaaaaa.", "[REDACTED:", "[REDACTED:jwt]",
};

/* In front of what repeats, and behind it. */
static void fill(struct buf *text, const char *unit, const char *secret)
{
	buf_clear(text);
	buf_format(text, "gh" "p_%s ", secret);
	while (text->len < TEXT_BYTES)
		buf_text(text, unit);
	buf_format(text, " gh" "p_%s", secret);
}

static void clean(struct redactor *redactor, struct slice text, struct buf *out)
{
	buf_clear(out);
	assert_int_equal(redact_text(redactor, text, out, NULL), 0);
}

static void check(const char *patterns, const char *unit, uint64_t *ret_removed)
{
	static const char secret[] = "0Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx";
	const struct redact_options options = { .mode = MODE_FULL, .user_patterns = patterns };
	struct ruleset *rules;
	struct redactor *redactor;
	struct buf text, once, twice;

	assert_int_equal(ruleset_new(&options, &rules, NULL), 0);
	redactor = redactor_new(rules);
	buf_init(&text, 0);
	buf_init(&once, 0);
	buf_init(&twice, 0);
	fill(&text, unit, secret);
	clean(redactor, buf_view(&text), &once);
	*ret_removed = redactor_take_count(redactor, ruleset_count(rules));
	if (once.len && memmem(once.data, once.len, secret, sizeof secret - 1))
		fail_msg("\"%s\": the secret is still there", unit);
	clean(redactor, buf_view(&once), &twice);
	if (!slice_equal(buf_view(&once), buf_view(&twice)))
		fail_msg("\"%s\": cleaned twice is something else", unit);
	if (*ret_removed)
		assert_string_equal(once.data, "[REDACTED:undecided]");
	buf_done(&text);
	buf_done(&once);
	buf_done(&twice);
	redactor_free(redactor);
	ruleset_free(rules);
}

static void texts(void **state)
{
	uint64_t removed;

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		check(NULL, units[i], &removed);
}

/* Each costs more than any machine can give: only a limit ends them. */
static void patterns(void **state)
{
	static const struct {
		const char *pattern, *unit;
	} cases[] = {
		{ "(a+)+$", "a" }, { "(a|aa)+b", "a" }, { "(x+x+)+[yz]", "x" }, { "(?:a?){64}a{64}b", "a" },
		{ "k(?=e)ey\\w*[!?]", "key" }, { "(?<=k)e[a-z]*+[!?]", "key" },
	};
	uint64_t removed;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		check(cases[i].pattern, cases[i].unit, &removed);
		if (removed != 1)
			fail_msg("%s was not held by a limit", cases[i].pattern);
	}
}

/* Long runs of what a pattern of a user may well look for are no attack. */
static void honest_patterns(void **state)
{
	uint64_t removed;

	(void)state;
	check("[A-Za-z0-9]+=", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0", &removed);
	assert_int_equal(removed, 0);
	check("emp-[0-9]{4,6}", "the employees, ", &removed);
	assert_int_equal(removed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts), cmocka_unit_test(patterns), cmocka_unit_test(honest_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
