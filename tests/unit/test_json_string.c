/*
 * Strings of JSON of every length and mixture, against a reader and a writer that go byte by byte. Made a second time without
 * the instructions for many bytes at once.
 */
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROUNDS 60000
#define TEXT_MAX 400

static uint64_t seed = 20261121;

static unsigned below(unsigned limit)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * UINT64_C(2685821657736338717)) >> 33) % limit;
}

static const struct slice pieces[] = {
	{ "a", 1 }, { "plain", 5 }, { "sixteen bytes...", 16 }, { "\\n", 2 }, { "\\\"", 2 }, { "\\\\", 2 }, { "\\t", 2 }, { "\\b\\f\\r", 6 },
	{ "\xc3\xa9", 2 }, { "\xe2\x82\xac\xf0\x9f\x98\x80", 7 }, { "\\u0041", 6 }, { "\\u001f", 6 }, { "\\u001F", 6 }, { "\\ud83d\\ude00", 12 },
	{ "\\/", 2 }, { "\\u000a", 6 }, { "\x7f", 1 }, { "\\u0000", 6 }, { "/nrtbfu", 7 },
	/* Not allowed: */
	{ "\\x", 2 }, { "\\", 1 }, { "\n", 1 }, { "\xff", 1 }, { "\"", 1 }, { "\\u12", 4 }, { "\xc3", 1 }, { "", 0 }, { "\0", 1 }, { "\\a", 2 },
};
#define PIECES (sizeof pieces / sizeof pieces[0])
#define GOOD (PIECES - 10)

/* A string of pieces; of few kinds, so that rows of backslashes come about. Some are bad. */
static size_t make(char *text)
{
	unsigned first = below(GOOD), count = 1 + below(GOOD - first), bad = below(3) ? 0 : 40;
	size_t limit = below(TEXT_MAX - 20), n = 0;

	text[n++] = '"';
	while (n < limit) {
		unsigned i = bad && below(bad) == 0 ? below(PIECES) : first + below(count);

		memcpy(text + n, pieces[i].ptr, pieces[i].len);
		n += pieces[i].len;
	}
	text[n++] = '"';
	return n;
}

/* ---- the same byte by byte ---- */

struct found {
	bool ok, escaped;
	size_t at; /* the end, or the fault */
};

static size_t escape_at(const char *p, const char *end)
{
	if (end - p < 2 || !p[1] || !strchr("\"\\/bfnrtu", p[1]))
		return 0;
	if (p[1] != 'u')
		return 2;
	for (int i = 2; i < 6; i++)
		if (end - p <= i || !p[i] || !strchr("0123456789abcdefABCDEF", p[i]))
			return 0;
	return 6;
}

static struct found read_slowly(const char *text, size_t n)
{
	struct found ret = { .at = 1 };

	while (ret.at < n && text[ret.at] != '"') {
		const char *p = text + ret.at;
		struct slice rest = { p, n - ret.at < 4 ? n - ret.at : 4 };
		size_t step = *p == '\\' ? escape_at(p, text + n) : 0;

		ret.escaped = ret.escaped || *p == '\\';
		for (size_t k = 1; *p != '\\' && (uint8_t)*p >= 0x20 && !step && k <= rest.len; k++)
			step = json_utf8_valid((struct slice){ p, k }) == k ? k : 0;
		if (!step)
			return ret;
		ret.at += step;
	}
	ret.ok = ret.at < n;
	ret.at += ret.ok;
	return ret;
}

static void strings_are_read(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		char text[TEXT_MAX + 200];
		size_t n = make(text);
		char *copy = malloc(n); /* its end is where the address sanitizer looks */
		struct found found = read_slowly(text, n);
		struct json_reader reader;
		struct json_token token;

		assert_non_null(copy);
		memcpy(copy, text, n);
		json_reader_init(&reader, (struct slice){ copy, n }, 0);
		assert_int_equal(json_next(&reader, &token), found.ok ? JSON_STRING : JSON_BAD);
		assert_int_equal(reader.pos - copy, found.at);
		if (found.ok) {
			assert_int_equal(token.escaped, found.escaped);
			assert_int_equal(token.raw.len, found.at);
		}
		free(copy);
	}
}

static void append_slowly(struct buf *text, const char **p, const char *end)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	struct slice raw;
	size_t n = 1;

	if (**p == '\\' && (*p)[1] != 'u') {
		buf_char(text, to[strchr(from, (*p)[1]) - from]);
		*p += 2;
		return;
	}
	if (**p == '\\') { /* one alone, in quotes: short enough for no step of many bytes */
		char quoted[14] = "\"";

		n = end - *p >= 12 && (*p)[6] == '\\' && (*p)[7] == 'u' && (*p)[2] == 'd' && (*p)[3] == '8' ? 12 : 6;
		memcpy(quoted + 1, *p, n);
		quoted[n + 1] = '"';
		raw = (struct slice){ quoted, n + 2 };
		json_unescape(raw, text);
	} else {
		buf_char(text, **p);
	}
	*p += n;
}

/* canonical says that writing gives the same bytes again. */
static void strings_are_decoded_and_written(void **state)
{
	struct buf text, slow, again;

	(void)state;
	buf_init(&text, 0);
	buf_init(&slow, 0);
	buf_init(&again, 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char raw[TEXT_MAX + 200];
		size_t n = make(raw);
		const char *p = raw + 1;
		struct json_reader reader;
		struct json_token token;

		json_reader_init(&reader, (struct slice){ raw, n }, 0);
		if (json_next(&reader, &token) != JSON_STRING)
			continue;
		buf_clear(&text);
		buf_clear(&slow);
		buf_clear(&again);
		assert_int_equal(json_unescape(token.raw, &text), 0);
		while (p < raw + token.raw.len - 1)
			append_slowly(&slow, &p, raw + token.raw.len - 1);
		assert_int_equal(text.len, slow.len);
		assert_true(slice_equal(buf_view(&text), buf_view(&slow)));
		assert_int_equal(json_escape(buf_view(&text), &again), 0);
		assert_int_equal(token.canonical, slice_equal(buf_view(&again), token.raw));
		buf_clear(&slow);
		json_unescape(buf_view(&again), &slow);
		assert_true(slice_equal(buf_view(&text), buf_view(&slow)));
	}
	buf_done(&text);
	buf_done(&slow);
	buf_done(&again);
}

/* Longer than what is gathered before it is appended. */
static void long_texts_are_written(void **state)
{
	struct buf text, quoted, again;

	(void)state;
	buf_init(&text, 0);
	buf_init(&quoted, 0);
	buf_init(&again, 0);
	for (unsigned i = 0; i < 3000; i++) {
		size_t limit = below(3000);

		buf_clear(&text);
		buf_clear(&quoted);
		buf_clear(&again);
		while (text.len < limit) {
			for (unsigned k = below(4) ? below(40) : below(1200); k > 0; k--)
				buf_char(&text, (char)('a' + k % 26));
			buf_char(&text, "\n\"\\\x01\x1f\t"[below(6)]);
		}
		assert_int_equal(json_escape(buf_view(&text), &quoted), 0);
		assert_int_equal(json_unescape(buf_view(&quoted), &again), 0);
		assert_true(slice_equal(buf_view(&text), buf_view(&again)));
	}
	buf_done(&text);
	buf_done(&quoted);
	buf_done(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(strings_are_read), cmocka_unit_test(strings_are_decoded_and_written),
		                            cmocka_unit_test(long_texts_are_written) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
