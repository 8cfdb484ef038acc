/* Every place of every literal, at any offset and in any spelling, as a plain search finds them. */
#include "prefilter.h"
#include "base/mem.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#define TEXT_BYTES 300
#define ROUNDS 3000

static const struct {
	const char *text;
	bool caseless;
} literals[] = {
	{ "SK0", false }, { "pwd", true }, { "://", false }, { "key-", false }, { "_PWD", true }, { "token", true },
	{ "TOKEN", false }, { "password", true }, { "passwd", true }, { "api_key", true }, { "x-a", true },
	{ "aaa", false }, { "aaaaaa", false }, { "-----BEGIN", false }, { "\xc3\xa9t\xc3\xa9s", false }, { "@`{[P", true },
};
#define COUNT (sizeof literals / sizeof *literals)

struct places {
	unsigned char found[COUNT][TEXT_BYTES + 8];
	int answer;
};

static int note(void *context, uint32_t id, size_t at)
{
	struct places *places = context;

	places->found[id][at]++;
	return places->answer;
}

static bool stands_at(size_t literal, struct slice text, size_t at)
{
	size_t n = strlen(literals[literal].text);

	if (text.len - at < n)
		return false;
	return literals[literal].caseless ? strncasecmp(text.ptr + at, literals[literal].text, n) == 0
	                                  : memcmp(text.ptr + at, literals[literal].text, n) == 0;
}

static struct prefilter *make(void)
{
	struct prefilter *filter = prefilter_new();

	for (size_t i = 0; i < COUNT; i++)
		assert_true(prefilter_add(filter, slice_of(literals[i].text), literals[i].caseless, (uint32_t)i));
	prefilter_seal(filter);
	return filter;
}

static void check(const struct prefilter *filter, struct slice text)
{
	struct places places = { .answer = 0 };

	assert_int_equal(prefilter_search(filter, text, note, &places), 0);
	for (size_t i = 0; i < COUNT; i++)
		for (size_t at = 0; at < text.len; at++)
			if (places.found[i][at] != stands_at(i, text, at))
				fail_msg("\"%s\" at %zu of %zu: found %d times", literals[i].text, at, text.len, places.found[i][at]);
}

static void each_offset_and_end(void **state)
{
	struct prefilter *filter = make();

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t before = 0; before < 20; before++) {
			for (size_t after = 0; after < 12; after++) {
				/* Exactly as long as the text: a read past its end is seen by the sanitizer. */
				size_t n = strlen(literals[i].text), len = before + n + after;
				char *text = xcalloc(len, 1);

				memset(text, '.', len);
				memcpy(text + before, literals[i].text, n);
				check(filter, (struct slice){ text, len });
				for (size_t k = 0; k < n && literals[i].caseless; k++)
					text[before + k] = (char)(k & 1 ? toupper((unsigned char)text[before + k]) : text[before + k]);
				check(filter, (struct slice){ text, len });
				free(text);
			}
		}
	}
	prefilter_free(filter);
}

static void mixtures(void **state)
{
	struct prefilter *filter = make();
	uint64_t random = 20261121;
	char text[TEXT_BYTES];

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = 0;

		while (len < TEXT_BYTES - 16) {
			const char *piece;

			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			piece = literals[(random >> 33) % COUNT].text;
			for (size_t n = (random >> 50) % (strlen(piece) + 1); n--; piece++)
				text[len++] = (random >> 20) & 1 ? (char)toupper((unsigned char)*piece) : *piece;
			text[len++] = (char)(random >> 40 & 1 ? 'a' : (random >> 41 & 0x7f));
		}
		check(filter, (struct slice){ text, len - (random >> 60) });
	}
	prefilter_free(filter);
}

static void refusals(void **state)
{
	struct prefilter *filter = make(), *empty = prefilter_new();
	struct places places = { .answer = -5 };

	(void)state;
	assert_false(prefilter_add(empty, SLICE("ab"), false, 0));
	prefilter_seal(empty);
	assert_int_equal(prefilter_search(empty, SLICE("token"), note, &places), 0);
	assert_int_equal(prefilter_search(filter, SLICE("a token, a token"), note, &places), -5);
	assert_int_equal(places.found[5][2], 1);
	assert_int_equal(places.found[5][11], 0);
	assert_int_equal(prefilter_search(filter, SLICE_NONE, note, &places), 0);
	prefilter_free(filter);
	prefilter_free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_offset_and_end), cmocka_unit_test(mixtures), cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
