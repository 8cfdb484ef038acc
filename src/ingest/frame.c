/*
 * Framing. The first bytes decide: a document begins with '[', or with '{' and a line break, or with '{' and the key "info",
 * "messages" or "data"; everything else is lines. In a document a small scanner follows strings and brackets: the
 * elements of the top array, or of the array under a top-level key, come out one by one; what else the top object holds
 * comes out as an object of its own, before the elements when it stands before them.
 */
#include "ingest/frame.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ingest/ingest.h"
#include <stdlib.h>

#define PEEK_BYTES 64

enum mode { UNDECIDED, LINES, DOCUMENT };

struct frame {
	frame_fn *fn;
	void *context;
	enum mode mode;
	bool started;             /* the byte order mark is behind us */
	struct buf peek;
	struct buf value;         /* the line or element so far */
	uint64_t line, value_line, dropped_bytes, dropped_hash;
	bool dropping;
	/* of a document */
	struct buf rest;          /* the top object without its list */
	unsigned depth, list_depth; /* list_depth: depth inside the list, 0 while there is none */
	bool in_string, escaped, top_object, rest_given, element_open, done;
};

struct frame *frame_new(frame_fn *fn, void *context)
{
	struct frame *frame = xcalloc(1, sizeof *frame);

	frame->fn = fn;
	frame->context = context;
	frame->line = 1;
	buf_init(&frame->peek, PEEK_BYTES * 2);
	buf_init(&frame->value, INGEST_MAX_VALUE_BYTES);
	buf_init(&frame->rest, INGEST_MAX_VALUE_BYTES);
	return frame;
}

void frame_free(struct frame *frame)
{
	if (!frame)
		return;
	buf_done(&frame->peek);
	buf_done(&frame->value);
	buf_done(&frame->rest);
	free(frame);
}

static void drop_value(struct frame *frame, size_t more)
{
	if (!frame->dropping) {
		frame->dropping = true;
		frame->dropped_bytes = frame->value.len;
		frame->dropped_hash = hash_64(frame->value.data, frame->value.len);
		buf_done(&frame->value);
	}
	frame->dropped_bytes += more;
}

static void add_bytes(struct frame *frame, const char *p, size_t n)
{
	if (frame->value.len == 0 && !frame->dropping)
		frame->value_line = frame->line;
	if (frame->dropping || buf_append(&frame->value, p, n) != 0)
		drop_value(frame, n);
}

static struct slice trim(struct slice text)
{
	while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
		text.len--;
	while (text.len && strchr(" \t\r\n", text.ptr[0]))
		text = (struct slice){ text.ptr + 1, text.len - 1 };
	return text;
}

/* A line of server-sent events carries its value behind "data:"; its other lines carry nothing. */
static struct slice strip_sse(struct slice text)
{
	static const char *const others[] = { "event:", "id:", "retry:", ":" };

	if (text.len >= 5 && memcmp(text.ptr, "data:", 5) == 0)
		return trim((struct slice){ text.ptr + 5, text.len - 5 });
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (text.len >= strlen(others[i]) && memcmp(text.ptr, others[i], strlen(others[i])) == 0)
			return SLICE_NONE;
	return text;
}

static int give(struct frame *frame, bool element, enum frame_problem problem, struct err *err)
{
	struct slice text = trim(buf_view(&frame->value));
	struct frame_value value = { .line = frame->value_line, .element = element, .problem = problem };
	int rc = 0;

	if (frame->dropping) {
		value.problem = FRAME_OVERSIZE;
		value.bytes = frame->dropped_bytes;
		value.xxh3 = frame->dropped_hash;
		rc = frame->fn(frame->context, &value, err);
	} else {
		value.text = frame->mode == LINES ? strip_sse(text) : text;
		if (value.text.len > 0)
			rc = frame->fn(frame->context, &value, err);
	}
	frame->dropping = false;
	buf_clear(&frame->value);
	return rc;
}

static int feed_lines(struct frame *frame, struct slice bytes, struct err *err)
{
	int rc = 0;

	while (rc == 0 && bytes.len > 0) {
		const char *nl = memchr(bytes.ptr, '\n', bytes.len);
		size_t n = nl ? (size_t)(nl - bytes.ptr) : bytes.len;
		if (n > 0)
			add_bytes(frame, bytes.ptr, n);
		if (nl) {
			rc = give(frame, false, FRAME_OK, err);
			frame->line++;
			n++;
		}
		bytes = (struct slice){ bytes.ptr + n, bytes.len - n };
	}
	return rc;
}

static bool ends_with_list_key(const struct buf *rest)
{
	static const char *const keys[] = { "\"messages\":", "\"data\":" };
	char tail[24];
	size_t n = 0;

	for (size_t i = rest->len; i > 0 && n < sizeof tail - 1; i--)
		if (!strchr(" \t\r\n", rest->data[i - 1]))
			tail[sizeof tail - 1 - ++n] = rest->data[i - 1];
	tail[sizeof tail - 1] = '\0';
	for (size_t k = 0; k < 2; k++) {
		size_t m = strlen(keys[k]);
		if (n >= m && memcmp(tail + sizeof tail - 1 - m, keys[k], m) == 0)
			return true;
	}
	return false;
}

/* What stands beside the list, as an object; given once. */
static int give_rest(struct frame *frame, struct err *err)
{
	struct frame_value value = { .line = 1 };
	const char *comma;
	size_t n = frame->rest.len;
	int rc;

	if (frame->rest_given || n == 0)
		return 0;
	frame->rest_given = true;
	/* up to the comma before the list's key */
	comma = memrchr(frame->rest.data, '"', n);
	if (frame->list_depth > 0 && comma) {
		comma = memrchr(frame->rest.data, '"', (size_t)(comma - frame->rest.data));
		n = comma ? (size_t)(comma - frame->rest.data) : 0;
		while (n > 0 && strchr(" \t\r\n,", frame->rest.data[n - 1]))
			n--;
		frame->rest.len = n;
		buf_char(&frame->rest, '}');
	}
	value.text = buf_view(&frame->rest);
	rc = value.text.len > 2 ? frame->fn(frame->context, &value, err) : 0;
	return rc;
}

static int close_bracket(struct frame *frame, char c, struct err *err)
{
	frame->depth--;
	if (frame->list_depth > 0 && frame->depth >= frame->list_depth) {
		add_bytes(frame, &c, 1);
		return 0;
	}
	if (frame->list_depth > 0 && frame->depth == frame->list_depth - 1) {
		int rc = frame->element_open ? give(frame, true, FRAME_OK, err) : 0;
		frame->element_open = false;
		frame->list_depth = 0;
		frame->done = frame->depth == 0;
		return rc;
	}
	if (!frame->rest_given)
		buf_char(&frame->rest, c);
	frame->done = frame->depth == 0;
	return frame->done ? give_rest(frame, err) : 0;
}

static int open_bracket(struct frame *frame, char c, struct err *err)
{
	int rc = 0;

	frame->depth++;
	if (frame->list_depth > 0) {
		frame->element_open = true;
		add_bytes(frame, &c, 1);
		return 0;
	}
	if (frame->depth == 1 && c == '[') {
		frame->list_depth = 1;
	} else if (frame->depth == 2 && c == '[' && ends_with_list_key(&frame->rest)) {
		frame->list_depth = 2;
		rc = give_rest(frame, err);
	} else if (!frame->rest_given) {
		buf_char(&frame->rest, c);
	}
	return rc;
}

/* One byte outside strings. */
static int structural(struct frame *frame, char c, struct err *err)
{
	if (c == '{' || c == '[')
		return open_bracket(frame, c, err);
	if ((c == '}' || c == ']') && frame->depth > 0)
		return close_bracket(frame, c, err);
	if (frame->list_depth > 0 && frame->depth == frame->list_depth && c == ',') {
		frame->element_open = false;
		return give(frame, true, FRAME_OK, err);
	}
	if (frame->list_depth > 0) {
		if (frame->element_open || !strchr(" \t\r\n", c)) {
			frame->element_open = true;
			add_bytes(frame, &c, 1);
		}
	} else if (!frame->rest_given) {
		buf_char(&frame->rest, c);
	}
	return 0;
}

static void keep(struct frame *frame, const char *p, size_t n)
{
	if (frame->list_depth > 0) {
		frame->element_open = true;
		add_bytes(frame, p, n);
	} else if (!frame->rest_given) {
		buf_append(&frame->rest, p, n);
	}
}

/* A run of string bytes from p; returns how many. */
static size_t string_run(struct frame *frame, const char *p, const char *end)
{
	const char *start = p;

	while (p < end && frame->in_string) {
		char c = *p++;
		if (frame->escaped)
			frame->escaped = false;
		else if (c == '\\')
			frame->escaped = true;
		else if (c == '"')
			frame->in_string = false;
		frame->line += c == '\n';
	}
	keep(frame, start, (size_t)(p - start));
	return (size_t)(p - start);
}

/* Documents may follow one another: `opencode export A; opencode export B`. */
static void next_document(struct frame *frame)
{
	frame->done = frame->rest_given = frame->element_open = false;
	frame->list_depth = 0;
	buf_clear(&frame->rest);
}

static int feed_document(struct frame *frame, struct slice bytes, struct err *err)
{
	const char *p = bytes.ptr, *end = p + bytes.len;
	int rc = 0;

	while (rc == 0 && p < end) {
		if (frame->in_string) {
			p += string_run(frame, p, end);
			continue;
		}
		if (*p == '"') {
			frame->in_string = true;
			keep(frame, p, 1);
		} else {
			if (frame->done && !strchr(" \t\r\n", *p))
				next_document(frame);
			frame->line += *p == '\n';
			rc = structural(frame, *p, err);
		}
		p++;
	}
	return rc;
}

/* Decides by the first bytes; UNDECIDED when more are needed. */
static enum mode decide(const char *p, size_t n, bool end)
{
	static const char *const keys[] = { "\"info\"", "\"messages\"", "\"data\"" };
	size_t i = 0;

	while (i < n && strchr(" \t\r\n", p[i]))
		i++;
	if (i == n)
		return end ? LINES : UNDECIDED;
	if (p[i] == '[')
		return DOCUMENT;
	if (p[i] != '{')
		return LINES;
	for (i++; i < n && strchr(" \t\r\n", p[i]); i++)
		if (p[i] == '\n')
			return DOCUMENT;
	for (size_t k = 0; k < 3; k++)
		if (n - i >= strlen(keys[k]) && memcmp(p + i, keys[k], strlen(keys[k])) == 0)
			return DOCUMENT;
	return n < PEEK_BYTES && !end ? UNDECIDED : LINES;
}

static int feed(struct frame *frame, struct slice bytes, struct err *err)
{
	return frame->mode == LINES ? feed_lines(frame, bytes, err) : feed_document(frame, bytes, err);
}

static int start(struct frame *frame, bool end, struct err *err)
{
	struct slice first = buf_view(&frame->peek);

	if (first.len >= 3 && memcmp(first.ptr, "\xef\xbb\xbf", 3) == 0)
		first = (struct slice){ first.ptr + 3, first.len - 3 };
	frame->mode = decide(first.ptr ? first.ptr : "", first.len, end);
	return frame->mode == UNDECIDED ? 0 : feed(frame, first, err);
}

int frame_feed(struct frame *frame, struct slice bytes, struct err *err)
{
	if (frame->mode == UNDECIDED) {
		size_t n = PEEK_BYTES - frame->peek.len;
		int rc;
		if (n > bytes.len)
			n = bytes.len;
		buf_append(&frame->peek, bytes.ptr, n);
		bytes = (struct slice){ bytes.ptr + n, bytes.len - n };
		rc = start(frame, frame->peek.len == PEEK_BYTES, err);
		if (rc != 0 || frame->mode == UNDECIDED)
			return rc;
	}
	return feed(frame, bytes, err);
}

int frame_finish(struct frame *frame, struct err *err)
{
	int rc = frame->mode == UNDECIDED ? start(frame, true, err) : 0;

	if (rc != 0)
		return rc;
	if (frame->mode == LINES)
		return frame->value.len > 0 || frame->dropping ? give(frame, false, FRAME_TRUNCATED, err) : 0;
	if (frame->done)
		return 0;
	frame->value_line = frame->line;
	buf_clear(&frame->value);
	buf_text(&frame->value, "-");
	return give(frame, true, FRAME_TRUNCATED, err);
}
