/* Members of JSON values whose names, or the names beside them, say what they hold. */
#include "redact.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define M "\"[REDACTED:secret-field]\""

static const struct {
	const char *in, *out;
} cases[] = {
	/* Strings, arrays of strings, numbers */
	{ "{\"password\":\"a b\"}", "{\"password\":" M "}" },
	{ "{\"db_Pass-word\":\"hunter2\"}", "{\"db_Pass-word\":" M "}" },
	{ "{\"user.apiKey\":[\"a1\",[\"b2\"],{\"x\":\"c3\"}]}", "{\"user.apiKey\":[" M ",[" M "],{\"x\":\"c3\"}]}" },
	{ "{\"password\":12345678,\"passwd\":1234,\"secret\":99999}", "{\"password\":" M ",\"passwd\":" M ",\"secret\":" M "}" },
	{ "{\"password\":[123456]}", "{\"password\":[" M "]}" },
	{ "{\"authorization\":\"q1\",\"cookie\":\"a1\",\"privateKey\":\"b1\",\"mnemonic\":\"one two\"}",
	  "{\"authorization\":" M ",\"cookie\":" M ",\"privateKey\":" M ",\"mnemonic\":" M "}" },
	{ "{\"passwords\":[\"abc123\",\"plain\"]}", "{\"passwords\":[" M ",\"plain\"]}" },
	/* Objects are looked into: their value is the secret's */
	{ "{\"password\":{\"value\":\"hunter2\",\"hint\":\"a dog\"}}", "{\"password\":{\"value\":" M ",\"hint\":\"a dog\"}}" },
	/* A name beside it */
	{ "[{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"},{\"name\":\"HOST\",\"value\":\"db1\"}]",
	  "[{\"name\":\"DB_PASSWORD\",\"value\":" M "},{\"name\":\"HOST\",\"value\":\"db1\"}]" },
	{ "{\"key\":\"X-Api-Key\",\"Value\":\"q1\"}", "{\"key\":\"X-Api-Key\",\"Value\":" M "}" },
	{ "{\"name\":\"Author\\u0069zation\",\"value\":\"q1\"}", "{\"name\":\"Author\\u0069zation\",\"value\":" M "}" },
	{ "[\"--api-key\",\"q1\",\"--x\",\"y1\"]", "[\"--api-key\"," M ",\"--x\",\"y1\"]" },
	{ "{\"kty\":\"EC\",\"d\":\"a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V\"}", "{\"kty\":\"EC\",\"d\":" M "}" },
	/* A text that was seen already: a secret, and one that is none elsewhere */
	{ "{\"a\":\"psk=q1w2e3r4t\",\"b\":\"psk=q1w2e3r4t\",\"c\":[\"psk=q1w2e3r4t\"]}",
	  "{\"a\":\"psk=[REDACTED:password-plain]\",\"b\":\"psk=[REDACTED:password-plain]\",\"c\":[\"psk=[REDACTED:password-plain]\"]}" },
	{ "{\"text\":\"hunter2\",\"psk\":\"a\",\"passwd\":\"hunter2\",\"hunter2\":\"hunter2\"}",
	  "{\"text\":\"hunter2\",\"psk\":\"a\",\"passwd\":" M ",\"hunter2\":\"hunter2\"}" },
	/* Must stay */
	{ "{\"d\":\"3f786850e387550fdab836ed7e6dc881de23001b\",\"d\":\"M10 20L30 40\",\"d\":\"2026-01-02\"}", NULL },
	{ "{\"password\":7,\"secret\":true,\"token\":null,\"pin\":123456,\"token\":123456}", NULL },
	{ "{\"max_tokens\":4096,\"tokens\":{\"input\":10000},\"input_tokens\":12345,\"totalTokens\":99999}", NULL },
	{ "{\"nextToken\":\"CAUQ1A\",\"next_page_token\":\"x1\",\"continuation-token\":\"y2\",\"NextToken\":\"z3\"}", NULL },
	{ "{\"password\":{\"type\":\"string\",\"description\":\"at least 8\"}}", NULL },
	{ "{\"password\":\"${DB_PASSWORD}\",\"token\":\"<your-token>\",\"secret\":\"\",\"apiKey\":\"xxxx\",\"passwd\":\"Password\"}", NULL },
	{ "{\"passwordHash\":\"a1\",\"secretName\":\"b2\",\"tokenizer\":\"c3\",\"keys\":[\"d4\"],\"secretary\":\"e5\",\"author\":\"f6\"}", NULL },
	{ "{\"PWD\":\"/home/me\",\"oldpwd\":\"/tmp\"}", NULL },
	{ "{\"secrets\":\"inherit\",\"credentials\":\"include\"}", NULL },
	{ "[{\"name\":\"token\",\"value\":\"blue\"},{\"value\":\"a1\"}]", NULL },
	{ "[{\"name\":\"DB_PASSWORD\",\"other\":{\"value\":\"v1\"},\"text\":\"v2\"},{\"value\":\"v3\"}]", NULL },
	{ "[\"--password\",\"--verbose\",\"x1\"]", NULL },
	{ "[\"--password-file\",\"x1\",\"--\",\"y1\",\"password\",\"z1\"]", NULL },
};

static void test_fields(void **state)
{
	const struct redact_options options = { .mode = MODE_FULL };
	struct ruleset *rules;
	struct redactor *redactor;
	struct buf once, twice;

	(void)state;
	buf_init(&once, 0);
	buf_init(&twice, 0);
	assert_int_equal(ruleset_new(&options, &rules, NULL), 0);
	redactor = redactor_new(rules);
	for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) { /* again: keys are known then */
		const char *in = cases[i / 2].in, *out = cases[i / 2].out;

		buf_clear(&once);
		buf_clear(&twice);
		assert_int_equal(redact_json(redactor, slice_of(in), &once, NULL), 0);
		if (!slice_equal(buf_view(&once), slice_of(out ? out : in)))
			fail_msg("%s became %.*s", in, (int)once.len, once.data);
		assert_int_equal(redact_json(redactor, buf_view(&once), &twice, NULL), 0);
		assert_true(slice_equal(buf_view(&once), buf_view(&twice)));
	}
	redactor_free(redactor);
	ruleset_free(rules);
	buf_done(&once);
	buf_done(&twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fields) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
