/*
 * The inside of a document: a small scanner follows strings and brackets. The elements of the top array, or of the array
 * under a top key "messages" or "data", come out one by one; what else the top object holds comes out as an object of its
 * own, before the elements when it stands before them. Depth is a number: nesting costs no memory.
 */
#include "ingest/frame_private.h"

void document_begin(struct frame *frame)
{
	frame->begin_line = frame->line;
	frame->depth = frame->list_depth = 0;
	frame->in_string = frame->escaped = frame->at_key = frame->reading_key = frame->after_comma = false;
	frame->key_len = 0;
	piece_clear(&frame->value);
	piece_clear(&frame->rest);
	frame->rest.line = frame->line;
}

/* Nothing that follows in this document can be trusted. */
static int give_broken(struct frame *frame, struct err *err)
{
	struct frame_value value = { .line = frame->line, .problem = FRAME_BROKEN };

	frame->mode = FRAME_RESYNC;
	frame->line_begins = false;
	piece_clear(&frame->value);
	piece_clear(&frame->rest);
	return frame->fn(frame->context, &value, err);
}

static void keep(struct frame *frame, const char *p, size_t n)
{
	if (frame->list_depth == 0) {
		piece_add(&frame->rest, p, n);
		return;
	}
	if (frame->value.size == 0)
		frame->value.line = frame->line;
	piece_add(&frame->value, p, n);
}

static int give_element(struct frame *frame, struct err *err)
{
	if (frame->value.size == 0)
		frame->value.line = frame->line;
	while (frame->value.bytes.len && frame_is_blank(frame->value.bytes.data[frame->value.bytes.len - 1]))
		frame->value.bytes.len--;
	return piece_give(frame, &frame->value, FRAME_OK, err);
}

/* What the top object held so far, and the beginning of what it holds besides. */
static int give_rest(struct frame *frame, struct err *err)
{
	int rc;

	piece_add(&frame->rest, "}", 1);
	rc = piece_give(frame, &frame->rest, FRAME_OK, err);
	piece_add(&frame->rest, "{", 1);
	frame->rest.line = frame->line;
	return rc;
}

static bool is_list_key(const struct frame *frame)
{
	struct slice key = { frame->key, frame->key_len };

	return slice_is(key, "\"messages\"") || slice_is(key, "\"data\"");
}

/* Takes the list's key, and the comma before it, out of the rest. False: no colon stands behind it. */
static bool cut_key(struct frame *frame)
{
	struct buf *rest = &frame->rest.bytes;
	struct slice between;

	if (frame->rest.dropping)
		return true;
	between = (struct slice){ rest->data + frame->key_end, rest->len - frame->key_end };
	if (!slice_is(frame_trim(between), ":"))
		return false;
	rest->len = frame->key_start;
	while (rest->len > 1 && (frame_is_blank(rest->data[rest->len - 1]) || rest->data[rest->len - 1] == ','))
		rest->len--;
	frame->rest.size = rest->len;
	return true;
}

static int begin_list(struct frame *frame, size_t depth, struct err *err)
{
	if (depth == 2 && !cut_key(frame))
		return give_broken(frame, err);
	frame->depth = frame->list_depth = depth;
	frame->after_comma = false;
	piece_clear(&frame->value);
	return depth == 2 && frame->rest.size > 1 ? give_rest(frame, err) : 0;
}

static int open_bracket(struct frame *frame, char c, struct err *err)
{
	if (frame->depth == 0 && c == '[')
		return begin_list(frame, 1, err);
	if (frame->depth == 1 && frame->list_depth == 0 && c == '[' && !frame->at_key && is_list_key(frame))
		return begin_list(frame, 2, err);
	frame->depth++;
	frame->at_key = frame->depth == 1;
	keep(frame, &c, 1);
	return 0;
}

static int end_document(struct frame *frame, struct err *err)
{
	bool list_only = frame->rest.size <= 1;

	frame->mode = FRAME_START;
	return list_only ? 0 : give_rest(frame, err);
}

static int end_list(struct frame *frame, char c, struct err *err)
{
	int rc = 0;

	if (c != ']')
		return give_broken(frame, err);
	if (frame->value.size > 0 || frame->after_comma)
		rc = give_element(frame, err);
	frame->depth--;
	frame->list_depth = 0;
	frame->key_len = 0;
	frame->at_key = false;
	if (frame->depth == 0)
		frame->mode = FRAME_START;
	return rc;
}

static int close_bracket(struct frame *frame, char c, struct err *err)
{
	if (frame->list_depth > 0 && frame->depth == frame->list_depth)
		return end_list(frame, c, err);
	if (frame->depth == 1 && c != '}')
		return give_broken(frame, err);
	frame->depth--;
	if (frame->depth == 0)
		return end_document(frame, err);
	keep(frame, &c, 1);
	return 0;
}

static int take_comma(struct frame *frame, struct err *err)
{
	if (frame->list_depth > 0 && frame->depth == frame->list_depth) {
		frame->after_comma = true;
		return give_element(frame, err);
	}
	/* The comma behind the list, when nothing stands before it. */
	if (frame->list_depth == 0 && frame->depth == 1) {
		frame->at_key = true;
		if (frame->rest.size == 1)
			return 0;
	}
	keep(frame, ",", 1);
	return 0;
}

/* One byte outside strings. */
static int structural(struct frame *frame, char c, struct err *err)
{
	if (c == '{' || c == '[')
		return open_bracket(frame, c, err);
	if (c == '}' || c == ']')
		return close_bracket(frame, c, err);
	if (c == ',')
		return take_comma(frame, err);
	if (frame_is_blank(c) && (frame->list_depth > 0 ? frame->value.size == 0 : frame->rest.size <= 1))
		return 0;
	keep(frame, &c, 1);
	return 0;
}

static void note_key(struct frame *frame, const char *p, size_t n)
{
	for (size_t i = 0; i < n && frame->key_len < KEY_BYTES; i++)
		frame->key[frame->key_len++] = p[i];
}

static void begin_string(struct frame *frame)
{
	frame->in_string = true;
	frame->reading_key = frame->at_key && frame->depth == 1 && frame->list_depth == 0;
	if (frame->reading_key) {
		frame->at_key = false;
		frame->key_len = 0;
		frame->key_start = frame->rest.bytes.len;
		note_key(frame, "\"", 1);
	}
	keep(frame, "\"", 1);
}

/* A run of a string's bytes. A line break ends it: no JSON string holds one. */
static size_t string_run(struct frame *frame, struct slice bytes)
{
	const char *p = bytes.ptr, *end = p + bytes.len;
	size_t n;

	for (; p < end && frame->in_string && *p != '\n'; p++) {
		if (frame->escaped)
			frame->escaped = false;
		else if (*p == '\\')
			frame->escaped = true;
		else if (*p == '"')
			frame->in_string = false;
	}
	n = (size_t)(p - bytes.ptr);
	keep(frame, bytes.ptr, n);
	if (frame->reading_key) {
		note_key(frame, bytes.ptr, n);
		frame->key_end = frame->rest.bytes.len;
		frame->reading_key = frame->in_string;
	}
	return n;
}

int document_feed(struct frame *frame, struct slice *bytes, struct err *err)
{
	int rc = 0;

	while (rc == 0 && bytes->len > 0 && frame->mode == FRAME_DOCUMENT) {
		char c = *bytes->ptr;
		size_t n = 1;

		if (frame->in_string && c == '\n')
			return give_broken(frame, err);
		if (frame->in_string) {
			n = string_run(frame, *bytes);
		} else if (c == '"') {
			begin_string(frame);
		} else {
			rc = structural(frame, c, err);
			frame->line += c == '\n';
		}
		*bytes = (struct slice){ bytes->ptr + n, bytes->len - n };
	}
	return rc;
}

int document_cut(struct frame *frame, struct err *err)
{
	struct frame_value value = { .line = frame->begin_line, .problem = FRAME_TRUNCATED };

	if (frame->list_depth > 0 && frame->value.size > 0)
		value.line = frame->value.line;
	return frame->fn(frame->context, &value, err);
}
