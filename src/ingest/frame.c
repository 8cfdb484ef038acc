/*
 * Framing. The first bytes decide: a document begins with '[', or with '{' and a line break, or with '{' and the key "info",
 * "messages" or "data"; everything else is lines. After the end of a document it is decided anew. The inside of a document
 * is in frame_document.c.
 */
#include "ingest/frame_private.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>

struct frame *frame_new(frame_fn *fn, void *context)
{
	struct frame *frame = xcalloc(1, sizeof *frame);

	frame->fn = fn;
	frame->context = context;
	frame->line = 1;
	frame->mode = FRAME_START;
	buf_init(&frame->peek, 0);
	buf_init(&frame->value.bytes, 0);
	buf_init(&frame->rest.bytes, 0);
	return frame;
}

void frame_free(struct frame *frame)
{
	if (!frame)
		return;
	buf_done(&frame->peek);
	buf_done(&frame->value.bytes);
	buf_done(&frame->rest.bytes);
	free(frame);
}

/* ---- pieces: bytes that are gathered until they are a value ---- */

void piece_add(struct piece *piece, const char *p, size_t n)
{
	size_t room = INGEST_MAX_VALUE_BYTES - piece->bytes.len;

	if (!piece->dropping && (n > room || buf_append(&piece->bytes, p, n) != 0)) {
		/* Filled to the brim first: the hash must not depend on how the input was cut. */
		if (n > room)
			buf_append(&piece->bytes, p, room);
		piece->hash = hash_64(piece->bytes.data, piece->bytes.len);
		piece->dropping = true;
		buf_done(&piece->bytes);
	}
	piece->size += n;
}

void piece_clear(struct piece *piece)
{
	buf_clear(&piece->bytes);
	piece->dropping = false;
	piece->size = 0;
}

int piece_give(struct frame *frame, struct piece *piece, enum frame_problem problem, struct err *err)
{
	struct frame_value value = { .text = buf_view(&piece->bytes), .line = piece->line, .problem = problem };
	int rc;

	if (piece->dropping) {
		value.text = SLICE_NONE;
		value.problem = FRAME_OVERSIZE;
		value.bytes = piece->size;
		value.xxh3 = piece->hash;
	}
	rc = frame->fn(frame->context, &value, err);
	piece_clear(piece);
	return rc;
}

/* ---- lines ---- */

/* A line of server-sent events carries its value behind "data:"; its other lines carry nothing. */
static struct slice strip_sse(struct slice text)
{
	static const char *const others[] = { "event:", "id:", "retry:", ":" };

	if (text.len > 0 && text.ptr[0] == '{')
		return text;
	if (text.len >= 5 && memcmp(text.ptr, "data:", 5) == 0)
		return frame_trim((struct slice){ text.ptr + 5, text.len - 5 });
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (text.len >= strlen(others[i]) && memcmp(text.ptr, others[i], strlen(others[i])) == 0)
			return SLICE_NONE;
	return text;
}

static int give_line(struct frame *frame, struct slice line, enum frame_problem problem, struct err *err)
{
	struct frame_value value = { .text = strip_sse(frame_trim(line)), .line = frame->line, .problem = problem };

	if (value.text.len == 0)
		return 0;
	value.skipped = (size_t)(value.text.ptr - line.ptr);
	return frame->fn(frame->context, &value, err);
}

static int end_line(struct frame *frame, enum frame_problem problem, struct err *err)
{
	int rc;

	frame->value.line = frame->line;
	if (frame->value.dropping)
		return piece_give(frame, &frame->value, problem, err);
	rc = give_line(frame, buf_view(&frame->value.bytes), problem, err);
	piece_clear(&frame->value);
	return rc;
}

/* A line that is whole in these bytes is not copied. */
static int feed_lines(struct frame *frame, struct slice *bytes, struct err *err)
{
	const char *nl = memchr(bytes->ptr, '\n', bytes->len);
	size_t n = nl ? (size_t)(nl - bytes->ptr) : bytes->len;
	int rc = 0;

	if (nl && frame->value.size == 0 && n <= INGEST_MAX_VALUE_BYTES) {
		rc = give_line(frame, (struct slice){ bytes->ptr, n }, FRAME_OK, err);
	} else {
		piece_add(&frame->value, bytes->ptr, n);
		rc = nl ? end_line(frame, FRAME_OK, err) : 0;
	}
	frame->line += nl != NULL;
	*bytes = (struct slice){ bytes->ptr + n + (nl != NULL), bytes->len - n - (nl != NULL) };
	return rc;
}

/* ---- deciding ---- */

/* Behind the '{' of a value that may be a document's: FRAME_START when more bytes are needed. */
static enum frame_mode decide_object(struct slice text, bool end)
{
	static const char *const keys[] = { "\"info\"", "\"messages\"", "\"data\"" };
	size_t i = 1;

	while (i < text.len && frame_is_blank(text.ptr[i]))
		if (text.ptr[i++] == '\n')
			return FRAME_DOCUMENT;
	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		size_t n = strlen(keys[k]), have = text.len - i < n ? text.len - i : n;
		if (memcmp(text.ptr + i, keys[k], have) != 0)
			continue;
		if (have == n)
			return FRAME_DOCUMENT;
		if (!end && text.len < PEEK_BYTES)
			return FRAME_START;
	}
	return FRAME_LINES;
}

static enum frame_mode decide(struct slice text, bool end)
{
	if (text.ptr[0] == '[')
		return FRAME_DOCUMENT;
	return text.ptr[0] == '{' ? decide_object(text, end) : FRAME_LINES;
}

/* The byte order mark at the very beginning. True: more bytes are needed to know. */
static bool skip_mark(struct frame *frame, bool end)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t n = frame->peek.len < 3 ? frame->peek.len : 3;

	if (frame->mark_seen)
		return false;
	if (memcmp(frame->peek.data, mark, n) == 0) {
		if (n < 3 && !end)
			return true;
		if (n == 3)
			buf_clear(&frame->peek);
	}
	frame->mark_seen = true;
	return false;
}

/* Feeds what was looked at to the mode that is decided on. No document is so short that it ends in it. */
static int settle(struct frame *frame, bool end, struct err *err)
{
	struct slice first = buf_view(&frame->peek);
	int rc = 0;

	if (first.len == 0)
		return 0;
	frame->mode = decide(first, end);
	if (frame->mode == FRAME_START)
		return 0;
	if (frame->mode == FRAME_DOCUMENT)
		document_begin(frame);
	while (rc == 0 && first.len > 0)
		rc = frame->mode == FRAME_LINES ? feed_lines(frame, &first, err) : document_feed(frame, &first, err);
	buf_clear(&frame->peek);
	return rc;
}

/* One byte more to look at. Blanks before a value are not kept. */
static int feed_start(struct frame *frame, struct slice *bytes, struct err *err)
{
	char c = *bytes->ptr;

	*bytes = (struct slice){ bytes->ptr + 1, bytes->len - 1 };
	if (frame->peek.len == 0 && frame_is_blank(c)) {
		frame->mark_seen = true;
		frame->line += c == '\n';
		return 0;
	}
	buf_char(&frame->peek, c);
	return skip_mark(frame, false) ? 0 : settle(frame, false, err);
}

/* After something broken: to the next line that begins like a value. */
static void feed_resync(struct frame *frame, struct slice *bytes)
{
	char c = *bytes->ptr;

	if (frame->line_begins && (c == '{' || c == '[')) {
		frame->mode = FRAME_START;
		return;
	}
	frame->line_begins = c == '\n';
	frame->line += c == '\n';
	*bytes = (struct slice){ bytes->ptr + 1, bytes->len - 1 };
}

static int feed_mode(struct frame *frame, struct slice *bytes, struct err *err)
{
	switch (frame->mode) {
	case FRAME_LINES:
		return feed_lines(frame, bytes, err);
	case FRAME_DOCUMENT:
		return document_feed(frame, bytes, err);
	case FRAME_RESYNC:
		feed_resync(frame, bytes);
		return 0;
	case FRAME_START:
		break;
	}
	return feed_start(frame, bytes, err);
}

int frame_feed(struct frame *frame, struct slice bytes, struct err *err)
{
	int rc = 0;

	while (rc == 0 && bytes.len > 0)
		rc = feed_mode(frame, &bytes, err);
	return rc;
}

int frame_finish(struct frame *frame, struct err *err)
{
	int rc = 0;

	if (frame->mode == FRAME_START && frame->peek.len > 0) {
		(void)skip_mark(frame, true);
		rc = settle(frame, true, err);
	}
	if (rc == 0 && frame->mode == FRAME_LINES && frame->value.size > 0)
		rc = end_line(frame, FRAME_LAST, err);
	if (rc == 0 && frame->mode == FRAME_DOCUMENT)
		rc = document_cut(frame, err);
	return rc;
}
