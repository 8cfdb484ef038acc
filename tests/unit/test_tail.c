/* Lines of a file that grows: byte by byte, in pages, too large ones; and whether it is still the same file. */
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ingest/ingest.h"
#include "ingest/tail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

struct place {
	char path[64];
	int fd;
	struct tail *tail;
	struct buf lines;       /* that were given, each with its line break */
	uint64_t offset, oversize_bytes;
	unsigned count;
	int stop;               /* what is returned for a line; 0: go on */
};

static int setup(void **state)
{
	struct place *place = xcalloc(1, sizeof *place);

	strcpy(place->path, "/tmp/lfspool-tail-XXXXXX");
	place->fd = mkstemp(place->path);
	assert_true(place->fd >= 0);
	place->tail = tail_new();
	buf_init(&place->lines, 0);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	close(place->fd);
	unlink(place->path);
	tail_free(place->tail);
	buf_done(&place->lines);
	free(place);
	return 0;
}

static int take(void *context, struct slice line, uint64_t oversize_bytes, struct err *err)
{
	struct place *place = context;

	(void)err;
	buf_slice(&place->lines, line);
	buf_char(&place->lines, '\n');
	place->oversize_bytes += oversize_bytes;
	place->count++;
	return place->stop;
}

static int look(struct place *place, uint64_t end, uint64_t max_bytes)
{
	struct err err = { 0 };

	return tail_lines(place->tail, place->fd, &place->offset, end, max_bytes, take, place, &err);
}

static void put(const struct place *place, const char *text, size_t n)
{
	assert_int_equal(write(place->fd, text, n), n);
}

static void test_byte_by_byte(void **state)
{
	struct place *place = *state;
	static const char text[] = "first\n\nthird \xf0\x9f\x8d\xa3\r\n{\"x\":\"\\n\"}\nhalf";
	size_t n = sizeof text - 1;

	for (size_t i = 0; i < n; i++) {
		put(place, text + i, 1);
		assert_int_equal(look(place, i + 1, UINT64_MAX / 2), 0);
		assert_true(place->offset <= i + 1);
		assert_int_equal(place->lines.len, place->offset);
	}
	assert_int_equal(place->count, 4);
	assert_int_equal(place->offset, n - 4);
	assert_memory_equal(place->lines.data, text, n - 4);
}

static void test_page_end_and_stop(void **state)
{
	struct place *place = *state;

	put(place, "aa\nbb\ncc\ndd\n", 12);
	assert_int_equal(look(place, 12, 4), 0); /* the line that makes it full is given */
	assert_int_equal(place->offset, 6);
	assert_int_equal(look(place, 8, UINT64_MAX / 2), 0); /* what is behind the end is not read */
	assert_int_equal(place->offset, 6);
	place->stop = LF_EIO;
	assert_int_equal(look(place, 12, UINT64_MAX / 2), LF_EIO);
	assert_int_equal(place->offset, 9); /* behind the line that was refused: who counts it not puts it back */
	assert_int_equal(place->count, 3);
}

static void test_too_large(void **state)
{
	struct place *place = *state;
	size_t n = INGEST_MAX_VALUE_BYTES + 100000;
	char *text = xcalloc(1, n);

	memset(text, 'a', n);
	put(place, "x\n", 2);
	put(place, text, n);
	assert_int_equal(look(place, n + 2, UINT64_MAX / 2), 0); /* its end is not there yet */
	assert_int_equal(place->offset, 2);
	put(place, "\ny\n", 3);
	assert_int_equal(look(place, n + 5, UINT64_MAX / 2), 0);
	assert_int_equal(place->offset, n + 5);
	assert_int_equal(place->oversize_bytes, n);
	assert_string_equal(place->lines.data, "x\n\ny\n");
	free(text);
}

static void test_marker(void **state)
{
	struct place *place = *state;
	char text[10000];
	uint64_t at_9000;

	memset(text, 'a', sizeof text);
	assert_int_equal(tail_marker(place->tail, place->fd, 5), 0); /* there are fewer */
	put(place, text, sizeof text);
	at_9000 = tail_marker(place->tail, place->fd, 9000);
	assert_true(at_9000 != 0 && at_9000 != tail_marker(place->tail, place->fd, 50));
	assert_int_equal(pwrite(place->fd, "b", 1, 9500), 1); /* behind it */
	assert_true(tail_marker(place->tail, place->fd, 9000) == at_9000);
	assert_int_equal(pwrite(place->fd, "b", 1, 8999), 1);
	assert_true(tail_marker(place->tail, place->fd, 9000) != at_9000);
	assert_int_equal(ftruncate(place->fd, 8000), 0);
	assert_int_equal(tail_marker(place->tail, place->fd, 9000), 0);
}

/* ---- a transcript ---- */

static int mix(void *context, const struct raw_event *event, struct err *err)
{
	uint64_t *hash = context;
	const uint64_t parts[] = { *hash, event->order, hash_64(event->key.ptr, event->key.len), hash_64(event->body.ptr, event->body.len) };

	(void)err;
	*hash = hash_64(parts, sizeof parts);
	return 0;
}

static int feed(void *context, struct slice line, uint64_t oversize_bytes, struct err *err)
{
	(void)oversize_bytes;
	return ingest_value(context, line, 0, err);
}

/* The events of a sample that appears with so many bytes at a time. */
static uint64_t events_of(struct place *place, struct slice text, size_t step)
{
	uint64_t hash = 0, offset = 0;
	struct ingest_options options = { .source = "claude", .name = "in", .emit = mix, .context = &hash };
	struct ingest *ingest = NULL;
	struct err err = { 0 };

	assert_int_equal(ftruncate(place->fd, 0), 0);
	assert_int_equal(lseek(place->fd, 0, SEEK_SET), 0);
	assert_int_equal(ingest_new(&options, &ingest, &err), 0);
	for (size_t at = 0; at < text.len; at += step) {
		size_t n = text.len - at < step ? text.len - at : step;
		put(place, text.ptr + at, n);
		assert_int_equal(tail_lines(place->tail, place->fd, &offset, at + n, UINT64_MAX / 2, feed, ingest, &err), 0);
	}
	assert_true(ingest_counts(ingest)->events > 20);
	ingest_free(ingest);
	return hash;
}

static void test_transcript_byte_by_byte(void **state)
{
	const char *srcdir = getenv("srcdir");
	char *path = file_join(srcdir ? srcdir : ".", "tests/fixtures/claude/home/.claude/projects/-home-dev-src-demo/0b6f3c1e-1111-4aaa-8bbb-000000000001.jsonl");
	struct buf text;
	struct err err = { 0 };
	uint64_t whole;

	buf_init(&text, 0);
	assert_int_equal(file_read_all(path, 1u << 20, &text, &err), 0);
	whole = events_of(*state, buf_view(&text), text.len);
	assert_true(whole == events_of(*state, buf_view(&text), 1));
	assert_true(whole == events_of(*state, buf_view(&text), 613));
	buf_done(&text);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_byte_by_byte, setup, teardown), cmocka_unit_test_setup_teardown(test_page_end_and_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),    cmocka_unit_test_setup_teardown(test_marker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transcript_byte_by_byte, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
