/* Ingest: any chunking gives the same events, and each bad value is named and costs nothing else. */
#include "base/hash.h"
#include "ingest/ingest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *const files[] = {
	"plain/sse.jsonl", "plain/global.jsonl", "plain/plugin.jsonl", "plain/export.json", "plain/messages.json", "plain/session.json",
	"tools/sse.jsonl", "tools/export.json", "subagent/sse.jsonl", "permission/sse.jsonl", "question/sse.jsonl", "unicode/sse.jsonl",
	"unicode/export.json", "v2session/sse.jsonl", "v2session/apievent.jsonl", "runjson/run.jsonl", "err401/sse.jsonl", "delete/sse.jsonl",
};
#define FILES (sizeof files / sizeof files[0])

struct seen {
	struct buf events;   /* every event in words */
	struct buf problems; /* a line each */
	struct buf letters;
};

static int keep_event(void *context, const struct raw_event *e, struct err *err)
{
	struct seen *seen = context;

	(void)err;
	buf_format(&seen->events, "%s %d %.*s %.*s %.*s %.*s %lld %llu ", record_kind_name(e->kind), (int)e->level, (int)e->session.len,
	           e->session.ptr, (int)e->message.len, e->message.ptr, (int)e->key.len, e->key.ptr, (int)e->link.len, e->link.ptr,
	           (long long)e->time_ms, (unsigned long long)e->order);
	buf_slice(&seen->events, e->body);
	return buf_char(&seen->events, '\n');
}

static void keep_problem(void *context, const char *words, struct slice metadata)
{
	struct seen *seen = context;

	buf_text(&seen->problems, words);
	buf_char(&seen->problems, '\n');
	if (metadata.len)
		buf_slice(&seen->letters, metadata);
}

static void seen_init(struct seen *seen)
{
	buf_init(&seen->events, 0);
	buf_init(&seen->problems, 0);
	buf_init(&seen->letters, 0);
}

static void seen_done(struct seen *seen)
{
	buf_done(&seen->events);
	buf_done(&seen->problems);
	buf_done(&seen->letters);
}

static struct ingest *begin(struct seen *seen)
{
	struct ingest_options options = { .name = "in", .emit = keep_event, .problem = keep_problem, .context = seen };
	struct ingest *ingest = NULL;
	struct err err = { 0 };

	seen_init(seen);
	assert_int_equal(ingest_new(&options, &ingest, &err), 0);
	return ingest;
}

static struct ingest_counts run(struct seen *seen, struct slice input, size_t chunk)
{
	struct ingest *ingest = begin(seen);
	struct ingest_counts counts;
	struct err err = { 0 };

	for (size_t at = 0; at < input.len; at += chunk) {
		size_t n = input.len - at < chunk ? input.len - at : chunk;
		assert_int_equal(ingest_feed(ingest, (struct slice){ input.ptr + at, n }, &err), 0);
	}
	assert_int_equal(ingest_finish(ingest, &err), 0);
	counts = *ingest_counts(ingest);
	ingest_free(ingest);
	return counts;
}

static void read_file(const char *name, struct buf *out)
{
	const char *src = getenv("srcdir");
	char path[512], chunk[65536];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/fixtures/opencode/%s", src ? src : ".", name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s is not there", path);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_append(out, chunk, n);
	fclose(f);
}

static void test_chunks(void **state)
{
	static const size_t chunks[] = { 1, 7, 4096 };

	(void)state;
	for (size_t i = 0; i < FILES; i++) {
		struct seen whole, pieces;
		struct buf input;
		buf_init(&input, 0);
		read_file(files[i], &input);
		assert_true(run(&whole, buf_view(&input), input.len).events > 0);
		assert_int_equal(whole.problems.len, 0);
		for (size_t c = 0; c < 3; c++) {
			(void)run(&pieces, buf_view(&input), chunks[c]);
			if (pieces.events.len != whole.events.len || memcmp(pieces.events.data, whole.events.data, whole.events.len) != 0)
				fail_msg("%s in pieces of %zu gives other events", files[i], chunks[c]);
			assert_int_equal(pieces.problems.len, 0);
			seen_done(&pieces);
		}
		seen_done(&whole);
		buf_done(&input);
	}
}

/* The same stream as server-sent events, with CRLF, comments, and a byte order mark. */
static void test_server_sent(void **state)
{
	struct seen plain, sse;
	struct buf input, framed;

	(void)state;
	buf_init(&input, 0);
	buf_init(&framed, 0);
	read_file("plain/sse.jsonl", &input);
	buf_text(&framed, "\xef\xbb\xbf: hello\r\n");
	for (char *p = input.data, *nl; (nl = strchr(p, '\n')); p = nl + 1) {
		buf_text(&framed, "event: message\r\ndata: ");
		buf_append(&framed, p, (size_t)(nl - p));
		buf_text(&framed, "\r\n\r\n");
	}
	(void)run(&plain, buf_view(&input), 4096);
	(void)run(&sse, buf_view(&framed), 3);
	assert_int_equal(sse.problems.len, 0);
	assert_string_equal(sse.events.data, plain.events.data);
	seen_done(&plain);
	seen_done(&sse);
	buf_done(&input);
	buf_done(&framed);
}

#define GOOD "{\"id\":\"evt_1fc8609c7001F5Y3U2gbheZXOI\",\"type\":\"session.idle\",\"properties\":{\"sessionID\":\"ses_1\"}}\n"

static void test_problems(void **state)
{
	static const struct { const char *input, *words; unsigned events; } rows[] = {
		{ GOOD "{\"id\":}\n" GOOD, "in:2: invalid JSON: ", 2 },
		{ GOOD "[1]\n" GOOD, "in:2: not a JSON object", 2 },
		{ GOOD "{\"a\":1}\n" GOOD, "in:2: not an event, export or record that is known", 2 },
		{ GOOD "\n\n{\"type\":\"message.updated\",\"properties\":{\"info\":{}}}\n" GOOD, "in:4: a message without session id or id", 2 },
		{ GOOD "{\"lf\":2,\"body\":{}}\n" GOOD, "in:2: not a record of a version that is known", 2 },
		{ GOOD "{\"id\":\"evt", "in:2: truncated last line", 1 },
		{ "{\"info\":{\"id\":\"ses_1\",\"time\":{\"created\":1}},\"messages\":[{\"info\":{\"id\":\"m\",\"sess", "in:1: truncated document", 1 },
		{ "[{\"info\":{\"id\":\"m\",\"sessionID\":\"s\",\"role\":\"user\",\"time\":{\"created\":1}},\"parts\":[]},{]", "in:1: ", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct seen seen;
		struct ingest_counts counts = run(&seen, slice_of(rows[i].input), 5);
		if (!seen.problems.data || strncmp(seen.problems.data, rows[i].words, strlen(rows[i].words)) != 0)
			fail_msg("row %zu says: %s", i, seen.problems.data ? seen.problems.data : "nothing");
		assert_int_equal(counts.events, rows[i].events);
		assert_true(counts.bad >= 1);
		seen_done(&seen);
	}
}

static void test_no_newline_at_end(void **state)
{
	struct seen seen;
	struct slice input = SLICE(GOOD);
	struct ingest_counts counts;

	(void)state;
	input.len--;
	counts = run(&seen, input, 4096);
	assert_int_equal(counts.events, 1);
	assert_int_equal(counts.bad, 0);
	seen_done(&seen);
}

/* Documents may follow one another. */
static void test_documents_in_a_row(void **state)
{
	struct seen once, twice;
	struct buf input, both;

	(void)state;
	buf_init(&input, 0);
	buf_init(&both, 0);
	read_file("plain/export.json", &input);
	(void)run(&once, buf_view(&input), 4096);
	buf_slice(&both, buf_view(&input));
	buf_slice(&both, buf_view(&input));
	(void)run(&twice, buf_view(&both), 11);
	assert_int_equal(twice.problems.len, 0);
	assert_int_equal(twice.events.len, 2 * once.events.len);
	seen_done(&once);
	seen_done(&twice);
	buf_done(&input);
	buf_done(&both);
}

static void test_oversize(void **state)
{
	struct seen seen;
	struct ingest *ingest = begin(&seen);
	struct err err = { 0 };
	char block[65536];

	(void)state;
	memset(block, 'a', sizeof block);
	assert_int_equal(ingest_feed(ingest, SLICE(GOOD "{\"type\":\""), &err), 0);
	for (size_t sent = 0; sent < 2 * (size_t)INGEST_MAX_VALUE_BYTES; sent += sizeof block)
		assert_int_equal(ingest_feed(ingest, (struct slice){ block, sizeof block }, &err), 0);
	assert_int_equal(ingest_feed(ingest, SLICE("\"}\n" GOOD), &err), 0);
	assert_int_equal(ingest_finish(ingest, &err), 0);
	assert_int_equal(ingest_counts(ingest)->oversize, 1);
	assert_int_equal(ingest_counts(ingest)->events, 2);
	assert_non_null(strstr(seen.letters.data, "\"bytes\":33554443"));
	assert_non_null(strstr(seen.letters.data, "\"line\":2"));
	ingest_free(ingest);
	seen_done(&seen);
}

static void test_counts(void **state)
{
	struct seen seen;
	struct ingest_counts counts;

	(void)state;
	counts = run(&seen, SLICE("{\"id\":\"evt_1\",\"type\":\"server.heartbeat\",\"properties\":{}}\n"
	                          "{\"id\":\"evt_1\",\"type\":\"message.part.delta\",\"properties\":{\"delta\":\"x\"}}\n"
	                          "{\"id\":\"evt_1\",\"type\":\"quantum.flux\",\"properties\":{}}\n"), 4096);
	assert_int_equal(counts.skipped, 2);
	assert_int_equal(counts.unknown, 1);
	assert_int_equal(counts.values, 3);
	assert_int_equal(counts.events + counts.bad + counts.oversize, 0);
	seen_done(&seen);
}

/* The clock in an event's id wraps every 795 days; the last time was on 2026-08-14. */
static void test_wrapped_clock(void **state)
{
	struct seen seen;

	(void)state;
	(void)run(&seen, SLICE("{\"id\":\"evt_000000001abc\",\"type\":\"session.idle\",\"properties\":{\"sessionID\":\"s\"}}\n"), 4096);
	/* 0x1abc / 4096 = 1 ms behind a wrap */
	assert_non_null(seen.events.data);
	assert_true(strtoull(strstr(seen.events.data, "\"time\":") + 7, NULL, 10) % (UINT64_C(1) << 36) == 1);
	seen_done(&seen);
}

static void test_unknown_source(void **state)
{
	struct ingest_options options = { .source = "cobol", .emit = keep_event };
	struct ingest *ingest = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(ingest_new(&options, &ingest, &err), LF_EINVAL);
	assert_non_null(strstr(err.text, "cobol"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks), cmocka_unit_test(test_server_sent), cmocka_unit_test(test_problems),
		cmocka_unit_test(test_no_newline_at_end), cmocka_unit_test(test_documents_in_a_row),
		cmocka_unit_test(test_oversize), cmocka_unit_test(test_counts),
		cmocka_unit_test(test_wrapped_clock), cmocka_unit_test(test_unknown_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
