/*
 * Every family of secrets in every context in which the filter may meet it: nothing of it is left, JSON
 * stays JSON of the same shape, the rule that found it is named, and cleaning twice changes nothing more.
 */
#include "redact.h"
#include "redact_corpus.h"
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEEDS 2
#define WORD FAMILY_TOKEN
#define LINE (FAMILY_TOKEN | FAMILY_LINE)
#define ALL (FAMILY_TOKEN | FAMILY_LINE | FAMILY_BLOCK)

enum encoding { AS_TEXT, AS_VALUE, AS_KEY };

/* In wrap \1 is the secret; each of its lines gets prefix (with %u: a line's number) and end. */
static const struct context {
	const char *name;
	unsigned kinds;
	const char *wrap, *prefix, *end;
	unsigned escaped;  /* times that the text is made a JSON string before it is placed */
	bool u_escapes;    /* and each letter of the last of them \u00xx */
	enum encoding as;
} contexts[] = {
	{ "alone", ALL, "\1", NULL, NULL, 0, false, AS_TEXT },
	{ "prose", WORD, "I put \1 into it, then it broke.", NULL, NULL, 0, false, AS_TEXT },
	{ "sentence end", WORD, "It broke with (\1). Why?", NULL, NULL, 0, false, AS_TEXT },
	{ "paragraph", ALL, "Look:\n\n\1\n\nThat is what broke.", NULL, NULL, 0, false, AS_TEXT },
	{ "markdown", ALL, "Use this:\n```sh\n\1\n```\nthen go on.", NULL, NULL, 0, false, AS_TEXT },
	{ "code span", WORD, "| a | `\1` | b |", NULL, NULL, 0, false, AS_TEXT },
	{ "shell", WORD, "$ echo '\1' | tool --in - && ls", NULL, NULL, 0, false, AS_TEXT },
	{ "here document", ALL, "cat > f <<'EOF'\n\1\nEOF\n", NULL, NULL, 0, false, AS_TEXT },
	{ "environment", WORD, "A=1\nexport MY_VALUE=\1\nB=2\n", NULL, NULL, 0, false, AS_TEXT },
	{ "quoted environment", WORD, "A=1\nMY_VALUE=\"\1\"\n", NULL, NULL, 0, false, AS_TEXT },
	{ "source", WORD, "const client = new Client(\"\1\", { a: 1 });", NULL, NULL, 0, false, AS_TEXT },
	{ "log", WORD, "2026-01-02T03:04:05Z WARN refused key=\1 status=401", NULL, NULL, 0, false, AS_TEXT },
	{ "terminal", WORD, "\x1b[1;31m\1\x1b[0m", NULL, NULL, 0, false, AS_TEXT },
	{ "URL query", WORD, "https://example.com/cb?state=\1&x=1", NULL, NULL, 0, false, AS_TEXT },
	{ "URL path", WORD, "https://example.com/h/\1/x", NULL, NULL, 0, false, AS_TEXT },
	{ "percent code", WORD, "a=%22\1%22&b", NULL, NULL, 0, false, AS_TEXT },
	{ "markup", WORD, "<td>\1</td>", NULL, NULL, 0, false, AS_TEXT },
	{ "CJK", WORD, "密钥：\1。请勿泄露", NULL, NULL, 0, false, AS_TEXT },
	{ "CJK close", WORD, "密钥\1密钥", NULL, NULL, 0, false, AS_TEXT },
	{ "emoji", WORD, "🔑\1🔑", NULL, NULL, 0, false, AS_TEXT },
	{ "CJK lines", ALL, "配置文件：\n\1\n完成 🎉", NULL, NULL, 0, false, AS_TEXT },
	{ "twice", WORD, "\1 \1", NULL, NULL, 0, false, AS_TEXT },
	{ "CSV", WORD, "1,\1,x\n2,,y", NULL, NULL, 0, false, AS_TEXT },
	{ "CRLF", ALL, "a\r\n\1\r\nb\r\n", NULL, "\r\n", 0, false, AS_TEXT },
	{ "added lines", ALL, "--- a/x\n+++ b/x\n@@ -1,2 +1,9 @@\n ctx\n\1\n ctx", "+", NULL, 0, false, AS_TEXT },
	{ "removed lines", ALL, "--- a/x\n+++ b/x\n@@ -1,9 +1,2 @@\n ctx\n\1\n ctx", "-", NULL, 0, false, AS_TEXT },
	{ "context lines", ALL, "@@ -1,9 +1,2 @@\n\1\n", " ", NULL, 0, false, AS_TEXT },
	{ "indented", ALL, "a:\n\1\nb:\n", "      ", NULL, 0, false, AS_TEXT },
	{ "tabs", ALL, "a:\n\1\nb:\n", "\t\t", NULL, 0, false, AS_TEXT },
	{ "quoted", ALL, "She wrote:\n\1\n", "> ", NULL, 0, false, AS_TEXT },
	{ "comment", ALL, "code();\n\1\ncode();", "# ", NULL, 0, false, AS_TEXT },
	{ "slash comment", ALL, "code();\n\1\ncode();", "// ", NULL, 0, false, AS_TEXT },
	{ "cat -n", ALL, "\1\n", "%6u\t", NULL, 0, false, AS_TEXT },
	{ "arrow numbers", ALL, "\1\n", "%6u→", NULL, 0, false, AS_TEXT },
	{ "bar numbers", ALL, "<file>\n\1\n</file>", "%05u| ", NULL, 0, false, AS_TEXT },
	{ "colon numbers", ALL, "\1\n", "%u: ", NULL, 0, false, AS_TEXT },
	{ "grep", ALL, "\1\n", "src/key.pem:%u:", NULL, 0, false, AS_TEXT },
	{ "JSON", ALL, "\1", NULL, NULL, 1, false, AS_VALUE },
	{ "JSON lines", ALL, "out:\n\1\nexit 0", NULL, NULL, 1, false, AS_VALUE },
	{ "JSON numbered lines", ALL, "\1\n", "%05u| ", NULL, 1, false, AS_VALUE },
	{ "JSON diff", ALL, "@@\n\1\n@@", "+", "\r\n", 1, false, AS_VALUE },
	{ "JSON CJK", ALL, "输出：\n\1\n🔑", NULL, NULL, 1, false, AS_VALUE },
	{ "JSON \\u", ALL, "é\n\1\né", NULL, NULL, 1, true, AS_VALUE },
	{ "escaped JSON", ALL, "\1", NULL, NULL, 2, false, AS_VALUE },
	{ "escaped JSON lines", ALL, "out:\n\1\nexit 0", NULL, NULL, 2, false, AS_VALUE },
	{ "twice escaped JSON", ALL, "out:\n\1\nexit 0", NULL, NULL, 3, false, AS_VALUE },
	{ "JSON as text", ALL, "out:\n\1\nexit 0", NULL, NULL, 1, false, AS_TEXT },
	{ "escaped JSON as text", ALL, "out:\n\1\nexit 0", NULL, NULL, 2, false, AS_TEXT },
	{ "key name", ALL, "\1", NULL, NULL, 1, false, AS_KEY },
	{ "key name, escaped", LINE, "a \1", NULL, NULL, 1, true, AS_KEY },
};
#define CONTEXT_COUNT (sizeof contexts / sizeof *contexts)

static struct ruleset *rules;
static struct redactor *redactor;
static unsigned cases;

struct work {
	struct member member;
	struct buf lines, wrapped, step, input, once, twice, plain;
};

static void work_init(struct work *work)
{
	struct buf *all[] = { &work->lines, &work->wrapped, &work->step, &work->input, &work->once, &work->twice, &work->plain };

	member_init(&work->member);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_init(all[i], 0);
}

static void work_done(struct work *work)
{
	struct buf *all[] = { &work->lines, &work->wrapped, &work->step, &work->input, &work->once, &work->twice, &work->plain };

	member_done(&work->member);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_done(all[i]);
}

static void add_prefix(const char *prefix, unsigned number, struct buf *out)
{
	const char *percent = strchr(prefix, '%');
	char digits[16];
	size_t width;

	if (!percent) {
		buf_text(out, prefix);
		return;
	}
	buf_append(out, prefix, (size_t)(percent - prefix));
	width = strtoul(percent + 1, NULL, 10);
	snprintf(digits, sizeof digits, percent[1] == '0' ? "%0*u" : "%*u", (int)width, number);
	buf_text(out, digits);
	buf_text(out, strchr(percent, 'u') + 1);
}

/* The member with what its lines begin and end with. */
static void make_lines(const struct context *context, const struct member *member, struct buf *out)
{
	struct slice rest = buf_view(&member->text);
	unsigned number = 97;

	buf_clear(out);
	while (rest.len) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t n = end ? (size_t)(end - rest.ptr) : rest.len;

		if (context->prefix)
			add_prefix(context->prefix, number++, out);
		buf_append(out, rest.ptr, n);
		if (end)
			buf_text(out, context->end ? context->end : "\n");
		n += end != NULL;
		rest = (struct slice){ rest.ptr + n, rest.len - n };
	}
}

static void make_wrapped(const struct context *context, struct slice lines, struct buf *out)
{
	buf_clear(out);
	for (const char *at = context->wrap; *at; at++) {
		if (*at == '\1')
			buf_slice(out, lines);
		else
			buf_char(out, *at);
	}
}

/* Letters and digits of a JSON string as \u00xx; what is escaped already stays. */
static void make_u_escapes(struct slice string, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < string.len; i++) {
		unsigned char c = (unsigned char)string.ptr[i];

		if (c == '\\') {
			buf_append(out, string.ptr + i, 2);
			i++;
		} else if (c == '"' || c >= 0x80) {
			buf_char(out, (char)c);
		} else {
			buf_format(out, i % 2 ? "\\u%04x" : "\\u%04X", (unsigned)c);
		}
	}
}

static void make_input(const struct context *context, struct work *work)
{
	make_lines(context, &work->member, &work->lines);
	make_wrapped(context, buf_view(&work->lines), &work->wrapped);
	for (unsigned i = 0; i < context->escaped; i++) {
		buf_clear(&work->step);
		json_escape(buf_view(&work->wrapped), &work->step);
		buf_clear(&work->wrapped);
		if (i + 1 == context->escaped && context->u_escapes)
			make_u_escapes(buf_view(&work->step), &work->wrapped);
		else
			buf_slice(&work->wrapped, buf_view(&work->step));
	}
	buf_clear(&work->input);
	if (context->as == AS_VALUE)
		buf_format(&work->input, "{ \"before\": [1.50, true], \"content\": %.*s, \"after\": null}",
		           (int)work->wrapped.len, work->wrapped.data);
	else if (context->as == AS_KEY)
		buf_format(&work->input, "{\"a\":{%.*s : [2, \"x\"]},\"b\":1e3}", (int)work->wrapped.len, work->wrapped.data);
	else
		buf_slice(&work->input, buf_view(&work->wrapped));
}

static void clean(const struct context *context, struct slice input, struct buf *out)
{
	buf_clear(out);
	buf_text(out, "");
	if (context->as == AS_TEXT)
		assert_int_equal(redact_text(redactor, input, out, NULL), 0);
	else
		assert_int_equal(redact_json(redactor, input, out, NULL), 0);
	buf_char(out, 0); /* so that a failure can print it */
	out->len--;
}

/* The same tokens, and all but strings and keys byte for byte. */
static bool same_shape(struct slice a, struct slice b)
{
	struct json_reader x, y;
	struct json_token p, q;

	json_reader_init(&x, a, 0);
	json_reader_init(&y, b, 0);
	for (;;) {
		enum json_type type = json_next(&x, &p);

		if (json_next(&y, &q) != type || type == JSON_BAD)
			return false;
		if (type == JSON_END)
			return true;
		if (type == JSON_NUMBER && !slice_equal(p.raw, q.raw))
			return false;
	}
}

/* The output and, for JSON, the texts of its strings. */
static void collect_plain(const struct context *context, struct slice output, struct buf *out)
{
	struct json_reader reader;
	struct json_token token;
	enum json_type type;

	buf_clear(out);
	buf_slice(out, output);
	if (context->as == AS_TEXT)
		return;
	json_reader_init(&reader, output, 0);
	while ((type = json_next(&reader, &token)) != JSON_END && type != JSON_BAD)
		if (type == JSON_STRING || type == JSON_KEY)
			json_unescape(token.raw, out);
}

static bool check_case(const struct family *family, const struct context *context, struct work *work)
{
	const char *left, *problem = NULL;
	char marker[80];

	make_input(context, work);
	clean(context, buf_view(&work->input), &work->once);
	clean(context, buf_view(&work->once), &work->twice);
	collect_plain(context, buf_view(&work->once), &work->plain);
	snprintf(marker, sizeof marker, "[REDACTED:%s]", family->rule ? family->rule : "");
	if (!family->rule)
		marker[sizeof "[REDACTED:" - 1] = 0;
	left = member_left(&work->member, buf_view(&work->plain));
	if (left)
		problem = "is left";
	else if (!memmem(work->once.data, work->once.len, marker, strlen(marker)))
		problem = "is not named by its rule";
	else if (context->as != AS_TEXT && !same_shape(buf_view(&work->input), buf_view(&work->once)))
		problem = "changes the JSON";
	else if (!slice_equal(buf_view(&work->once), buf_view(&work->twice)))
		problem = "changes when cleaned twice";
	if (problem)
		print_error("family %u, %s: %s\n  shape %s\n  in %.*s\n  out %s\n", (unsigned)(family - families), context->name,
		            problem, family->shape, (int)work->input.len, work->input.data, work->once.data);
	cases++;
	return problem == NULL;
}

static void test_nothing_is_left(void **state)
{
	struct work work;
	unsigned failed = 0;

	(void)state;
	work_init(&work);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		for (unsigned f = 0; f < family_count; f++) {
			struct prng prng = { seed * 1000003 + f };

			for (size_t c = 0; c < CONTEXT_COUNT; c++) {
				if (!(contexts[c].kinds & families[f].kind))
					continue;
				member_make(&work.member, families[f].shape, &prng);
				failed += !check_case(&families[f], &contexts[c], &work);
			}
		}
	}
	work_done(&work);
	print_message("%u families, %zu contexts, %u cases, %u failed\n", family_count, CONTEXT_COUNT, cases, failed);
	assert_int_equal(failed, 0);
}

static int set_up(void **state)
{
	const struct redact_options options = { .mode = MODE_FULL };

	(void)state;
	if (ruleset_new(&options, &rules, NULL))
		return -1;
	redactor = redactor_new(rules);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	redactor_free(redactor);
	ruleset_free(rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing_is_left) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
