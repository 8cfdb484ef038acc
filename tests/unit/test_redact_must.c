/* What a rule must have behind its literal is true of all that its pattern can match: without it PCRE2 finds no beginning of one. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules.h"
#include <ctype.h>
#include <pcre2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 400
#define TEXT_MAX 256

static const char *const before[] = { "", " ", "\"", "x", "::", "A1", "https://a:" };

static uint64_t seed = 20261121;

static unsigned below(unsigned limit)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * UINT64_C(2685821657736338717)) >> 33) % limit;
}

static const struct rule_row *row_of(const char *name)
{
	for (unsigned i = 0; i < rule_table_count; i++)
		if (strcmp(rule_table[i].name, name) == 0)
			return &rule_table[i];
	return NULL;
}

static pcre2_code *compile(const struct rule_row *row)
{
	uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_NO_START_OPTIMIZE | (row->caseless ? (uint32_t)PCRE2_CASELESS : 0u);
	PCRE2_SIZE offset;
	int code;
	pcre2_code *ret = pcre2_compile((PCRE2_SPTR)row->pattern, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);

	assert_non_null(ret);
	return ret;
}

struct text {
	char bytes[TEXT_MAX];
	size_t literal, behind, len; /* where the literal begins and ends, and the text does */
};

static void begin(struct text *text, const char *context, struct slice literal)
{
	text->literal = strlen(context);
	text->behind = text->len = text->literal + literal.len;
	memcpy(text->bytes, context, text->literal);
	for (size_t i = 0; i < literal.len; i++)
		text->bytes[text->literal + i] = (char)(literal.ptr[i] == '\t' ? ' ' : literal.ptr[i]);
}

static void assert_hopeless(const pcre2_code *code, pcre2_match_data *data, const struct text *text, uint32_t options)
{
	assert_int_equal(pcre2_match(code, (PCRE2_SPTR)text->bytes, text->len, text->literal, options, data, NULL), PCRE2_ERROR_NOMATCH);
}

/* The next byte alone. */
static void try_each(const struct rule_must *must, const pcre2_code *code, pcre2_match_data *data, struct text *text)
{
	for (int c = 0; c < 0x80 && must->to == 0; c++) {
		if (c && strchr(must->bytes, c))
			continue;
		text->bytes[text->behind] = (char)c;
		text->len = text->behind + 1;
		assert_hopeless(code, data, text, PCRE2_PARTIAL_SOFT);
	}
}

/* A letter, and what may not follow it. */
static void try_letters(const struct rule_must *must, const pcre2_code *code, pcre2_match_data *data, struct text *text)
{
	for (const char *letter = must->bytes; must->then && *letter; letter++) {
		if (!isalpha((unsigned char)*letter))
			continue;
		text->bytes[text->behind] = *letter;
		text->len = text->behind + 1;
		assert_hopeless(code, data, text, 0);
		for (int c = 0; c < 0x80; c++) {
			if (c && strchr(must->then, c))
				continue;
			text->bytes[text->behind + 1] = (char)c;
			text->len = text->behind + 2;
			assert_hopeless(code, data, text, PCRE2_PARTIAL_SOFT);
		}
	}
}

/* Much of what could follow, and none of these bytes at their places; then less of it. */
static void try_random(const struct rule_must *must, const pcre2_code *code, pcre2_match_data *data, struct text *text)
{
	static const char letters[] = "abcdefKEYvalue0123456789abcdefGX_-.=:\"' \\";

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned kinds = 1 + below(sizeof letters - 1);

		text->len = text->behind + must->to + 1 + below(8);
		for (size_t at = text->behind; at < text->len; at++)
			text->bytes[at] = letters[below(kinds)];
		text->bytes[text->behind + below(must->to + 4)] = must->bytes[below((unsigned)strlen(must->bytes))];
		for (size_t at = text->behind + must->from; at <= text->behind + must->to; at++)
			if (strchr(must->bytes, text->bytes[at]))
				text->bytes[at] = "zZ9"[below(3)];
		for (size_t at = text->behind + must->from; at <= text->behind + must->to; at++)
			if (strchr(must->bytes, text->bytes[at]))
				text->bytes[at] = '$';
		assert_hopeless(code, data, text, PCRE2_PARTIAL_SOFT);
		text->len = text->behind + below(must->to + 1);
		assert_hopeless(code, data, text, 0);
	}
}

static void nothing_matches_without_it(void **state)
{
	pcre2_match_data *data = pcre2_match_data_create(16, NULL);

	(void)state;
	for (unsigned i = 0; i < rule_must_count; i++) {
		const struct rule_must *must = &rule_musts[i];
		const struct rule_row *row = row_of(must->name);
		pcre2_code *code;

		assert_non_null(row);
		code = compile(row);
		for (const char *at = row->literals; *at; at += strspn(at, " ")) {
			struct slice literal = { at, strcspn(at, " ") };

			for (size_t b = 0; b < sizeof before / sizeof before[0]; b++) {
				struct text text;

				begin(&text, before[b], literal);
				try_each(must, code, data, &text);
				try_letters(must, code, data, &text);
				try_random(must, code, data, &text);
			}
			at += literal.len;
		}
		pcre2_code_free(code);
	}
	pcre2_match_data_free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_matches_without_it) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
