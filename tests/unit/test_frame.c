/* Framing: the same values for any chunks; nothing is lost without a word; memory does not grow with the input. */
#include "base/hash.h"
#include "ingest/frame.h"
#include "ingest/ingest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <cmocka.h>

static int note(void *context, const struct frame_value *value, struct err *err)
{
	static const char *const problems[] = {
		[FRAME_OK] = "", [FRAME_LAST] = "last", [FRAME_OVERSIZE] = "oversize", [FRAME_TRUNCATED] = "truncated", [FRAME_BROKEN] = "broken",
	};
	struct buf *out = context;

	(void)err;
	buf_format(out, "%llu%s:", (unsigned long long)value->line, problems[value->problem]);
	buf_slice(out, value->text);
	if (value->bytes)
		buf_format(out, "%llu bytes %016llx", (unsigned long long)value->bytes, (unsigned long long)value->xxh3);
	return buf_char(out, '|');
}

static void cut_up(struct slice input, size_t chunk, struct buf *out)
{
	struct frame *frame = frame_new(note, out);
	struct err err = { 0 };

	buf_clear(out);
	for (size_t at = 0; at < input.len; at += chunk) {
		size_t n = input.len - at < chunk ? input.len - at : chunk;
		assert_int_equal(frame_feed(frame, (struct slice){ input.ptr + at, n }, &err), 0);
	}
	assert_int_equal(frame_finish(frame, &err), 0);
	buf_char(out, '\0');
	frame_free(frame);
}

struct row {
	struct slice input;
	const char *values;
};

static void check(const struct row *rows, size_t count)
{
	struct buf out;

	buf_init(&out, 0);
	for (size_t i = 0; i < count; i++)
		for (size_t chunk = 1; chunk <= rows[i].input.len; chunk++) {
			cut_up(rows[i].input, chunk, &out);
			if (strcmp(out.data, rows[i].values) != 0)
				fail_msg("row %zu in chunks of %zu: %s instead of %s", i, chunk, out.data, rows[i].values);
		}
	buf_done(&out);
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_lines(void **state)
{
	static const struct row rows[] = {
		{ SLICE("{\"a\":1}\n{\"b\":2}\n"), "1:{\"a\":1}|2:{\"b\":2}|" },
		{ SLICE("{\"a\":1}\r\n\r\n  {\"b\":2} \r\n"), "1:{\"a\":1}|3:{\"b\":2}|" },
		{ SLICE("\xef\xbb\xbf{\"a\":1}\n"), "1:{\"a\":1}|" },
		{ SLICE("\n\n{\"a\":1}"), "3last:{\"a\":1}|" },
		{ SLICE("{\"inf"), "1last:{\"inf|" },
		{ SLICE("{"), "1last:{|" },
		{ SLICE("nonsense\n{\"a\":1}\n"), "1:nonsense|2:{\"a\":1}|" },
		{ SLICE("{\"a\":1}\n[1,2]\n"), "1:{\"a\":1}|2:[1,2]|" },
		{ SLICE("{\"informal\":1}\n"), "1:{\"informal\":1}|" },
		{ SLICE("data: {\"a\":1}\n\n: heartbeat\n\ndata:{\"b\":2}\r\n\r\nevent: x\nid: 1\nretry: 5\n"), "1:{\"a\":1}|5:{\"b\":2}|" },
	};

	(void)state;
	CHECK(rows);
}

static void test_nothing(void **state)
{
	static const struct row rows[] = { { SLICE("\n \r\n"), "" }, { SLICE("\xef\xbb\xbf"), "" }, { SLICE("[]"), "" }, { SLICE(": x\n"), "" } };

	(void)state;
	CHECK(rows);
}

/* A NUL is no blank: it stays, and makes the value invalid. */
static void test_nul(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t chunk = 1; chunk < 10; chunk++) {
		cut_up(SLICE("{\"a\":1}\0\n"), chunk, &out);
		assert_memory_equal(out.data, "1:{\"a\":1}\0|", 11);
	}
	buf_done(&out);
}

static void test_documents(void **state)
{
	static const struct row rows[] = {
		{ SLICE("[{\"a\":[1,2]},{\"b\":\"],}\"}]\n"), "1:{\"a\":[1,2]}|1:{\"b\":\"],}\"}|" },
		{ SLICE("[\n {\n  \"a\": 1\n },\n {\"b\": 2}\n]\n"), "2:{\n  \"a\": 1\n }|5:{\"b\": 2}|" },
		{ SLICE("{\"info\":{\"x\":[1]},\"messages\":[{\"a\":1},{\"b\":2}]}"), "1:{\"info\":{\"x\":[1]}}|1:{\"a\":1}|1:{\"b\":2}|" },
		{ SLICE("{\"messages\":[{\"a\":1}],\"info\":{\"x\":1}}"), "1:{\"a\":1}|1:{\"info\":{\"x\":1}}|" },
		{ SLICE("{\n \"q\": 1,\n \"messages\" : [ 1 ] ,\n \"info\": 2\n}"), "1:{\"q\": 1}|3:1|3:{\"info\": 2\n}|" },
		{ SLICE("{\"data\":[{\"a\":1}],\"cursor\":{\"next\":\"x\"}}"), "1:{\"a\":1}|1:{\"cursor\":{\"next\":\"x\"}}|" },
		{ SLICE("{\"info\":{\"messages\":[1]},\"parts\":[2]}"), "1:{\"info\":{\"messages\":[1]},\"parts\":[2]}|" },
		{ SLICE("{\n\"id\":\"ses_1\",\"x\":\"messages\",\"data\":{}}"), "1:{\"id\":\"ses_1\",\"x\":\"messages\",\"data\":{}}|" },
		{ SLICE("[{\"a\":\"\\\"\\\\\"}]"), "1:{\"a\":\"\\\"\\\\\"}|" },
		{ SLICE("\xef\xbb\xbf [1]"), "1:1|" },
	};

	(void)state;
	CHECK(rows);
}

/* Whatever follows a document is looked at afresh. */
static void test_after_a_document(void **state)
{
	static const struct row rows[] = {
		{ SLICE("[1]\n[2]\n{\"info\":3,\"messages\":[]}"), "1:1|2:2|3:{\"info\":3}|" },
		{ SLICE("[1]{\"info\":3}"), "1:1|1:{\"info\":3}|" },
		{ SLICE("[1]\n{\"id\":1}\n{\"id\":2}\n"), "1:1|2:{\"id\":1}|3:{\"id\":2}|" },
	};

	(void)state;
	CHECK(rows);
}

static void test_broken_documents(void **state)
{
	static const struct row rows[] = {
		{ SLICE("[{\"a\":1},{\"b"), "1:{\"a\":1}|1truncated:|" },
		{ SLICE("[{\"a\":1}"), "1truncated:|" },
		{ SLICE("{\"info\":1,\"messages\":["), "1:{\"info\":1}|1truncated:|" },
		{ SLICE("[1,,2]"), "1:1|1:|1:2|" },
		{ SLICE("[1,]"), "1:1|1:|" },
		{ SLICE("[1}\n  [2]\n[3]\n"), "1broken:|3:3|" },
		{ SLICE("[{\"a\":\"cut\n},\n {\"b\":2}\n]\n{\"id\":3}\n"), "1broken:|5:{\"id\":3}|" },
		{ SLICE("{\"info\":1,\"messages\" [2]}\n[3]"), "1broken:|2:3|" },
		{ SLICE("{\n\"info\":1]\n[3]"), "2broken:|3:3|" },
	};

	(void)state;
	CHECK(rows);
}

/* Feeds head, count bytes of c, tail. */
static void feed_long(struct buf *out, const char *head, size_t count, char c, const char *tail, size_t chunk)
{
	struct frame *frame = frame_new(note, out);
	struct err err = { 0 };
	char *block = malloc(chunk);

	assert_non_null(block);
	memset(block, c, chunk);
	buf_clear(out);
	assert_int_equal(frame_feed(frame, slice_of(head), &err), 0);
	for (size_t sent = 0; sent < count; sent += chunk)
		assert_int_equal(frame_feed(frame, (struct slice){ block, count - sent < chunk ? count - sent : chunk }, &err), 0);
	assert_int_equal(frame_feed(frame, slice_of(tail), &err), 0);
	assert_int_equal(frame_finish(frame, &err), 0);
	free(block);
	frame_free(frame);
}

static long peak_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* The hash is that of the first 16 MiB, wherever the chunks end. */
static void test_oversize(void **state)
{
	static const size_t chunks[] = { 7777, 65536, 64u << 20 };
	static const struct { const char *head, *tail, *after; } rows[] = {
		{ "{\"id\":1}\n", "\n{\"id\":2}\n", "{\"id\":2}|" },
		{ "[{\"id\":1},\n", ",{\"id\":2}]", "{\"id\":2}|" },
	};
	char *first = malloc(INGEST_MAX_VALUE_BYTES), expected[80];
	struct buf out;

	(void)state;
	assert_non_null(first);
	memset(first, '7', INGEST_MAX_VALUE_BYTES);
	snprintf(expected, sizeof expected, "|2oversize:67108864 bytes %016llx|2:", (unsigned long long)hash_64(first, INGEST_MAX_VALUE_BYTES));
	free(first);
	buf_init(&out, 0);
	for (size_t r = 0; r < 2; r++)
		for (size_t c = 0; c < 3; c++) {
			feed_long(&out, rows[r].head, 64u << 20, '7', rows[r].tail, chunks[c]);
			assert_memory_equal(out.data, "1:{\"id\":1}|", 11);
			if (r == 0)
				expected[strlen(expected) - 2] = '3';
			else
				expected[strlen(expected) - 2] = '2';
			assert_memory_equal(out.data + 10, expected, strlen(expected));
			assert_non_null(strstr(out.data, rows[r].after));
		}
	buf_done(&out);
}

static void test_memory(void **state)
{
	struct buf out;
	long before = peak_kb();

	(void)state;
	buf_init(&out, 0);
	feed_long(&out, "", 256u << 20, 'a', "\n{\"id\":2}\n", 65536);
	assert_non_null(strstr(out.data, "2:{\"id\":2}|"));
	feed_long(&out, "[", 64u << 20, '[', "", 65536);
	assert_non_null(strstr(out.data, "1truncated:|"));
	feed_long(&out, "{\n\"info\":\"", 64u << 20, 'a', "\"}\n[3]", 65536);
	assert_non_null(strstr(out.data, "1oversize:67108875 bytes "));
	assert_non_null(strstr(out.data, "|3:3|"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(peak_kb() - before < 80 * 1024);
#endif
	(void)before;
	buf_done(&out);
}

static int refuse(void *context, const struct frame_value *value, struct err *err)
{
	(void)context, (void)value;
	return err_set(err, LF_EFULL, "enough");
}

static void test_refused(void **state)
{
	static const char *const inputs[] = { "{\"id\":1}\n", "[1]", "{\"info\":1,\"messages\":[]}" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct frame *frame = frame_new(refuse, NULL);
		struct err err = { 0 };
		assert_int_equal(frame_feed(frame, slice_of(inputs[i]), &err), LF_EFULL);
		frame_free(frame);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory), cmocka_unit_test(test_lines), cmocka_unit_test(test_nothing), cmocka_unit_test(test_nul),
		cmocka_unit_test(test_documents), cmocka_unit_test(test_after_a_document), cmocka_unit_test(test_broken_documents),
		cmocka_unit_test(test_oversize), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
