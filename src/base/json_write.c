/* The writer: commas and colons; everything else is the buffer's. */
#include "base/err.h"
#include "base/json_private.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_writer_init(struct json_writer *writer, struct buf *out)
{
	memset(writer, 0, sizeof(*writer));
	writer->out = out;
}

/* Whether a comma stands before the key or value that comes. */
static bool needs_comma(struct json_writer *writer)
{
	uint64_t *word = &writer->has_items[writer->depth / 64];
	uint64_t bit = UINT64_C(1) << (writer->depth % 64), had = *word & bit;

	if (writer->after_key) {
		writer->after_key = false;
		return false;
	}
	*word |= bit;
	return had != 0;
}

/* What stands before a key or a value. */
static void separate(struct json_writer *writer)
{
	if (needs_comma(writer))
		buf_char(writer->out, ',');
}

/* A string, and behind it the colon of a key. Most are short and stand for themselves: those are written at one go. */
static void write_string(struct json_writer *writer, struct slice text, bool key)
{
	const char *p = text.len ? text.ptr : "";
	bool comma = needs_comma(writer);
	char *to;

	if (json_skip_plain(p, p + text.len) != p + text.len) {
		if (comma)
			buf_char(writer->out, ',');
		json_escape(text, writer->out);
		if (key)
			buf_char(writer->out, ':');
		return;
	}
	to = buf_reserve(writer->out, text.len + 2 + comma + key);
	if (!to)
		return;
	if (comma)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, p, text.len);
	to += text.len;
	*to++ = '"';
	if (key)
		*to++ = ':';
	*to = '\0';
	writer->out->len = (size_t)(to - writer->out->data);
}

static void open_level(struct json_writer *writer, char c)
{
	separate(writer);
	if (writer->depth == JSON_MAX_DEPTH) {
		writer->out->failed = writer->out->failed ? writer->out->failed : LF_ELIMIT;
		return;
	}
	buf_char(writer->out, c);
	writer->depth++;
	writer->has_items[writer->depth / 64] &= ~(UINT64_C(1) << (writer->depth % 64));
}

static void close_level(struct json_writer *writer, char c)
{
	if (writer->depth)
		writer->depth--;
	writer->after_key = false;
	buf_char(writer->out, c);
}

void jw_object(struct json_writer *writer)
{
	open_level(writer, '{');
}

void jw_object_close(struct json_writer *writer)
{
	close_level(writer, '}');
}

void jw_array(struct json_writer *writer)
{
	open_level(writer, '[');
}

void jw_array_close(struct json_writer *writer)
{
	close_level(writer, ']');
}

void jw_key_slice(struct json_writer *writer, struct slice key)
{
	write_string(writer, key, true);
	writer->after_key = true;
}

void jw_key_raw(struct json_writer *writer, struct slice quoted)
{
	bool comma = needs_comma(writer);
	char *to = buf_reserve(writer->out, quoted.len + 1 + comma);

	writer->after_key = true;
	if (!to)
		return;
	if (comma)
		*to++ = ',';
	memcpy(to, quoted.ptr, quoted.len);
	to[quoted.len] = ':';
	to[quoted.len + 1] = '\0';
	writer->out->len += quoted.len + 1 + comma;
}

void jw_key(struct json_writer *writer, const char *key)
{
	jw_key_slice(writer, slice_of(key));
}

void jw_string(struct json_writer *writer, struct slice text)
{
	write_string(writer, text, false);
}

void jw_text(struct json_writer *writer, const char *text)
{
	if (text)
		jw_string(writer, slice_of(text));
	else
		jw_null(writer);
}

void jw_raw(struct json_writer *writer, struct slice json)
{
	separate(writer);
	buf_slice(writer->out, json.len ? json : SLICE("null"));
}

void jw_int(struct json_writer *writer, int64_t value)
{
	separate(writer);
	buf_int(writer->out, value);
}

void jw_uint(struct json_writer *writer, uint64_t value)
{
	separate(writer);
	buf_format(writer->out, "%" PRIu64, value);
}

void jw_double(struct json_writer *writer, double value)
{
	char text[40];

	if (!isfinite(value)) {
		jw_null(writer);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		double back;

		snprintf(text, sizeof(text), "%.*g", digits, value);
		back = strtod(text, NULL);
		/* Equal bits: a comparison would take -0 for 0. */
		if (memcmp(&back, &value, sizeof(back)) == 0) /* NOLINT(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
			break;
	}
	jw_raw(writer, slice_of(text));
}

void jw_bool(struct json_writer *writer, bool value)
{
	jw_raw(writer, value ? SLICE("true") : SLICE("false"));
}

void jw_null(struct json_writer *writer)
{
	jw_raw(writer, SLICE("null"));
}
