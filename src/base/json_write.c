/* A writer that places commas. */
#include "base/json.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_writer_init(struct json_writer *writer, struct buf *out)
{
	memset(writer, 0, sizeof *writer);
	writer->out = out;
}

/* A level remembers whether it holds something already. */
static void before_item(struct json_writer *writer)
{
	uint64_t bit = UINT64_C(1) << (writer->depth % 64), *word = &writer->has_items[writer->depth / 64];

	if (writer->after_key) {
		writer->after_key = false;
		return;
	}
	if (writer->depth > 0 && (*word & bit))
		buf_char(writer->out, ',');
	*word |= bit;
}

static void open_level(struct json_writer *writer, char bracket)
{
	before_item(writer);
	buf_char(writer->out, bracket);
	if (writer->depth < JSON_MAX_DEPTH)
		writer->depth++;
	else
		writer->out->failed = LF_ELIMIT;
	writer->has_items[writer->depth / 64] &= ~(UINT64_C(1) << (writer->depth % 64));
}

static void close_level(struct json_writer *writer, char bracket)
{
	buf_char(writer->out, bracket);
	if (writer->depth > 0)
		writer->depth--;
}

void jw_object(struct json_writer *writer) { open_level(writer, '{'); }
void jw_object_close(struct json_writer *writer) { close_level(writer, '}'); }
void jw_array(struct json_writer *writer) { open_level(writer, '['); }
void jw_array_close(struct json_writer *writer) { close_level(writer, ']'); }

void jw_key(struct json_writer *writer, const char *key)
{
	jw_key_slice(writer, slice_of(key));
}

void jw_key_slice(struct json_writer *writer, struct slice key)
{
	before_item(writer);
	json_escape(key, writer->out);
	buf_char(writer->out, ':');
	writer->after_key = true;
}

void jw_string(struct json_writer *writer, struct slice text)
{
	before_item(writer);
	json_escape(text, writer->out);
}

void jw_text(struct json_writer *writer, const char *text)
{
	if (text)
		jw_string(writer, slice_of(text));
	else
		jw_null(writer);
}

void jw_int(struct json_writer *writer, int64_t value)
{
	before_item(writer);
	buf_format(writer->out, "%" PRId64, value);
}

void jw_uint(struct json_writer *writer, uint64_t value)
{
	before_item(writer);
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
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	before_item(writer);
	buf_text(writer->out, text);
}

void jw_bool(struct json_writer *writer, bool value)
{
	jw_raw(writer, value ? SLICE("true") : SLICE("false"));
}

void jw_null(struct json_writer *writer)
{
	jw_raw(writer, SLICE("null"));
}

void jw_raw(struct json_writer *writer, struct slice json)
{
	before_item(writer);
	buf_slice(writer->out, json);
}
