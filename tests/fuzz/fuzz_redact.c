/*
 * Any bytes as text; valid JSON keeps its shape; cleaning twice is cleaning once; a secret that is put into the
 * text, or into a string of the JSON, where the first two bytes say, is gone.
 */
#include "redact.h"
#include "base/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In two pieces, so that no line here is in a vendor's format. Every run of 12 of its bytes must be gone. */
#define CANARY_PREFIX "gh" "p_"
#define CANARY_BODY "4aZ7kQ0xW9eR2tY5uI8oP1sD3fG6hJ0lMnBv"
#define GRAM_BYTES 12

static struct redactor *make(const char *pii)
{
	const struct redact_options options = { .user_patterns = "(?i)emp-[0-9]{4,6}", .pii = pii };
	struct ruleset *rules;

	if (ruleset_new(&options, &rules, NULL))
		abort();
	return redactor_new(rules);
}

/* The same tokens but for the texts of strings and keys; a number that is a secret becomes a string. */
static void same_shape(struct slice a, struct slice b)
{
	struct json_reader x, y;
	struct json_token p, q;

	json_reader_init(&x, a, 0);
	json_reader_init(&y, b, 0);
	for (;;) {
		enum json_type type = json_next(&x, &p), other = json_next(&y, &q);

		if (type == JSON_NUMBER && other == JSON_STRING && slice_is(q.raw, "\"[REDACTED:secret-field]\""))
			continue;
		if (other != type)
			abort();
		if (type == JSON_END || type == JSON_BAD)
			return;
		if (type == JSON_NUMBER && !slice_equal(p.raw, q.raw))
			abort();
	}
}

static bool has_canary(struct slice text)
{
	static const char body[] = CANARY_BODY;

	for (size_t at = 0; at + GRAM_BYTES < sizeof body; at++)
		if (memmem(text.ptr, text.len, body + at, GRAM_BYTES))
			return true;
	return false;
}

static void no_canary(struct slice text)
{
	if (has_canary(text))
		abort();
}

/* A text just within the limit on CPU time may be beyond it the next time. */
static bool same_again(const struct buf *once, const struct buf *twice)
{
	return slice_equal(buf_view(once), buf_view(twice)) || memmem(twice->data, twice->len, "[REDACTED:undecided]", 20);
}

static void check_text(struct redactor *redactor, struct slice input, struct buf *once, struct buf *twice)
{
	buf_clear(once);
	buf_clear(twice);
	if (redact_text(redactor, input, once, NULL) || redact_text(redactor, buf_view(once), twice, NULL) ||
	    !same_again(once, twice) || json_utf8_valid(buf_view(once)) != once->len)
		abort();
}

static bool check_json(struct redactor *redactor, struct slice input, struct buf *once, struct buf *twice)
{
	buf_clear(once);
	buf_clear(twice);
	if (redact_json(redactor, input, once, NULL) != 0)
		return false;
	same_shape(input, buf_view(once));
	if (redact_json(redactor, buf_view(once), twice, NULL) || !same_again(once, twice))
		abort();
	return true;
}

/* The canary's own start must stand free: a letter or digit before it would make it part of a word. */
static void plant(struct slice input, size_t at, const char *before, const char *after, struct buf *out)
{
	buf_clear(out);
	buf_append(out, input.ptr, at);
	buf_text(out, before);
	buf_text(out, CANARY_PREFIX CANARY_BODY);
	buf_text(out, after);
	buf_append(out, input.ptr + at, input.len - at);
}

/* The place behind the opening quote of the n-th string, or 0. */
static size_t string_place(struct slice json, unsigned n)
{
	struct json_reader reader;
	struct json_token token;
	enum json_type type;
	size_t places[64], count = 0;

	json_reader_init(&reader, json, 0);
	while ((type = json_next(&reader, &token)) != JSON_END && type != JSON_BAD)
		if ((type == JSON_STRING || type == JSON_KEY) && count < sizeof places / sizeof *places)
			places[count++] = (size_t)(token.raw.ptr + 1 - json.ptr);
	return count ? places[n % count] : 0;
}

static void check(struct redactor *redactor, struct slice input)
{
	unsigned number = input.len < 2 ? 0 : (unsigned)((unsigned char)input.ptr[0] | (unsigned char)input.ptr[1] << 8);
	struct buf once, twice, planted;

	buf_init(&once, 0);
	buf_init(&twice, 0);
	buf_init(&planted, 0);
	check_text(redactor, input, &once, &twice);
	if (has_canary(input)) /* the fuzzer learns it from comparisons */
		goto out;
	plant(input, input.len ? number % input.len : 0, "\n", " ", &planted);
	check_text(redactor, buf_view(&planted), &once, &twice);
	no_canary(buf_view(&once));
	if (check_json(redactor, input, &once, &twice) && string_place(input, number)) {
		plant(input, string_place(input, number), "", " ", &planted);
		if (!check_json(redactor, buf_view(&planted), &once, &twice))
			abort();
		no_canary(buf_view(&once));
	}
out:
	buf_done(&once);
	buf_done(&twice);
	buf_done(&planted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redactor *redactor, *with_pii;
	struct slice input = { (const char *)data, size };

	if (!redactor) {
		redactor = make(NULL);
		with_pii = make("all");
	}
	check(redactor, input);
	check(with_pii, input);
	return 0;
}
