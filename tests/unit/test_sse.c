/* Server-sent events: the same events however the bytes are cut. */
#include "ingest/sse.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct taken {
	struct buf text; /* "[data]" of each, "<n>" of one that is too large */
	unsigned stop_at, count;
};

static int take(void *context, struct slice data, uint64_t oversize, struct err *err)
{
	struct taken *taken = context;

	(void)err;
	if (oversize)
		buf_format(&taken->text, "<%llu>", (unsigned long long)oversize);
	else
		buf_format(&taken->text, "[%.*s]", (int)data.len, data.ptr);
	return ++taken->count == taken->stop_at ? LF_ECLOSED : 0;
}

static void feed(struct slice bytes, size_t step, const char *want)
{
	struct taken taken = { .count = 0 };
	struct sse *sse = sse_new(64, take, &taken);

	buf_init(&taken.text, 0);
	buf_append(&taken.text, "", 0);
	for (size_t at = 0; at < bytes.len; at += step) {
		size_t n = bytes.len - at < step ? bytes.len - at : step;
		char *copy = malloc(n); /* a read past a piece's end is seen by the sanitizer */

		assert_non_null(copy);
		memcpy(copy, bytes.ptr + at, n);
		assert_int_equal(sse_feed(sse, (struct slice){ copy, n }, NULL), 0);
		free(copy);
	}
	if (strcmp(taken.text.data, want) != 0)
		fail_msg("in steps of %zu: %s instead of %s", step, taken.text.data, want);
	sse_free(sse);
	buf_done(&taken.text);
}

static void any_step(void **state)
{
	static const struct {
		const char *bytes, *want;
	} cases[] = {
		{ "data: {\"a\":1}\n\n", "[{\"a\":1}]" },
		{ "data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]" },
		{ "data: a\r\rdata: b\r\r", "[a][b]" },
		{ "data: a\n\r\ndata: b\r\n\n", "[a][b]" },
		{ "data:a\n\ndata:  b\n\n", "[a][ b]" },
		{ "data: a\ndata: b\n\n", "[a\nb]" },
		{ "data\ndata: b\n\n", "[\nb]" },
		{ ": heartbeat\n\ndata: a\n\n: x\n", "[a]" },
		{ "event: message\nid: 7\nretry: 5\ndata: a\n\n", "[a]" },
		{ "dat: a\ndatax: b\n data: c\ndata : d\n\n", "" },
		{ "data: half", "" },
		{ "data: half\n", "" },
		{ "data: a\n\ndata: half", "[a]" },
		{ "\xEF\xBB\xBF" "data: a\n\n", "[a]" },
		{ "data: \xEF\xBB\xBF\n\n", "[\xEF\xBB\xBF]" },
		{ "data: a\xE2\x80\xA8" "b\n\n", "[a\xE2\x80\xA8" "b]" },
		{ "data: 0123456789012345678901234567890123456789012345678901234567890123\n\n", "[0123456789012345678901234567890123456789012345678901234567890123]" },
		{ "data: 01234567890123456789012345678901234567890123456789012345678901234\n\ndata: b\n\n", "<65>[b]" },
		{ "data: 0123456789012345678901234567890123456789\ndata: 0123456789012345678901234567890123456789\n\n", "<81>" },
		{ "a-field-with-a-very-long-name: x\ndata: a\n\n", "[a]" },
		{ "\n\n\r\r\r\n", "" },
		{ "<html>502 Bad Gateway</html>\n\n", "" },
		{ "{\"no\":\"event\"}\n\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t step = 1; step <= strlen(cases[i].bytes); step++)
			feed(slice_of(cases[i].bytes), step, cases[i].want);
}

static void a_new_connection_forgets(void **state)
{
	struct taken taken = { .count = 0 };
	struct sse *sse = sse_new(64, take, &taken);

	(void)state;
	buf_init(&taken.text, 0);
	sse_feed(sse, SLICE("data: half\r"), NULL);
	sse_reset(sse);
	sse_feed(sse, SLICE("\ndata: whole\n\n"), NULL);
	assert_string_equal(taken.text.data, "[whole]");
	sse_free(sse);
	buf_done(&taken.text);
}

static void what_the_caller_says_is_returned(void **state)
{
	struct taken taken = { .stop_at = 2 };
	struct sse *sse = sse_new(64, take, &taken);

	(void)state;
	buf_init(&taken.text, 0);
	assert_int_equal(sse_feed(sse, SLICE("data: a\n\ndata: b\n\ndata: c\n\n"), NULL), LF_ECLOSED);
	assert_string_equal(taken.text.data, "[a][b]");
	sse_free(sse);
	buf_done(&taken.text);
}

static int count_bytes(void *context, struct slice data, uint64_t oversize, struct err *err)
{
	(void)err;
	*(uint64_t *)context += data.len + oversize;
	return 0;
}

static void a_line_of_megabytes(void **state)
{
	uint64_t bytes = 0;
	struct sse *sse = sse_new(6 << 20, count_bytes, &bytes);
	char piece[4096];

	(void)state;
	memset(piece, 'x', sizeof piece);
	sse_feed(sse, SLICE("data: "), NULL);
	for (unsigned i = 0; i < 1280; i++)
		sse_feed(sse, (struct slice){ piece, sizeof piece }, NULL);
	sse_feed(sse, SLICE("\n\n"), NULL);
	assert_int_equal(bytes, 5 << 20);
	sse_free(sse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_step), cmocka_unit_test(a_new_connection_forgets),
		cmocka_unit_test(what_the_caller_says_is_returned), cmocka_unit_test(a_line_of_megabytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
