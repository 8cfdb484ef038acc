/*
 * Width comes from the C library's table for UTF-8, whatever locale the program runs in. No state but that locale, which is made
 * once and kept.
 */
#include "base/text.h"
#include "base/json.h"
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

#define MAX_MARKS 4 /* combining marks on one character */
#define ELLIPSIS "\xe2\x80\xa6"
#define REPLACEMENT "\xef\xbf\xbd"

struct glyph {
	char bytes[4];
	unsigned len, columns; /* len 0: shows nothing */
};

static locale_t utf8_locale;
static pthread_once_t utf8_once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
	static const char *const names[] = { "C.UTF-8", "C.utf8", "en_US.UTF-8" };

	for (size_t i = 0; !utf8_locale && i < sizeof names / sizeof names[0]; i++)
		utf8_locale = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
}

/* -1: it has no shape. Without any such locale each character counts as one column. */
static int width_of(uint32_t point)
{
	locale_t before;
	int width;

	pthread_once(&utf8_once, make_locale);
	if (!utf8_locale)
		return 1;
	before = uselocale(utf8_locale);
	width = wcwidth((wchar_t)point);
	uselocale(before);
	return width;
}

/* These reorder or hide the text around them. */
static bool is_hidden(uint32_t point)
{
	static const struct { uint32_t from, to; } rows[] = {
		{ 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x200b, 0x200b }, { 0x200e, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x206f },
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (point >= rows[i].from && point <= rows[i].to)
			return true;
	return false;
}

/* The character at text's start; *ret_len bytes of it, at least 1. False: no UTF-8. */
static bool decode(struct slice text, uint32_t *ret_point, size_t *ret_len)
{
	unsigned char lead = (unsigned char)text.ptr[0];
	size_t n = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	uint32_t point = n == 1 ? lead : lead & (0x7fu >> n);

	*ret_len = 1;
	if (n > text.len || json_utf8_valid((struct slice){ text.ptr, n }) != n)
		return false;
	for (size_t i = 1; i < n; i++)
		point = point << 6 | ((unsigned char)text.ptr[i] & 0x3f);
	*ret_point = point;
	*ret_len = n;
	return true;
}

static struct glyph glyph_of(struct slice text, size_t *ret_len)
{
	struct glyph glyph = { .len = 3, .columns = 1, .bytes = REPLACEMENT };
	uint32_t point = 0;
	int width;

	if (!decode(text, &point, ret_len))
		return glyph;
	if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029)
		return (struct glyph){ .len = 1, .columns = 1, .bytes = " " };
	if (is_hidden(point))
		return (struct glyph){ .len = 0 };
	width = point < 0x7f ? 1 : width_of(point);
	if (width < 0)
		return glyph;
	glyph.len = (unsigned)*ret_len;
	glyph.columns = (unsigned)width;
	memcpy(glyph.bytes, text.ptr, *ret_len);
	return glyph;
}

unsigned text_put(struct slice text, unsigned max_columns, struct buf *out)
{
	unsigned columns = 0, marks = 0, cut_columns = 0;
	size_t cut_at = out->len, step;

	for (size_t at = 0; at < text.len; at += step) {
		struct glyph glyph = glyph_of((struct slice){ text.ptr + at, text.len - at }, &step);
		marks = glyph.columns ? 0 : marks + (glyph.len > 0);
		if (marks > MAX_MARKS || (marks > 0 && columns == 0))
			continue;
		if (max_columns != TEXT_NO_LIMIT && columns + glyph.columns > max_columns) {
			if (out->len >= cut_at) {
				out->len = cut_at;
				buf_text(out, ELLIPSIS);
			}
			return cut_columns + 1;
		}
		buf_append(out, glyph.bytes, glyph.len);
		columns += glyph.columns;
		if (columns < max_columns) {
			cut_at = out->len;
			cut_columns = columns;
		}
	}
	return columns;
}

unsigned text_columns(struct slice text)
{
	unsigned columns = 0;
	size_t step;

	for (size_t at = 0; at < text.len; at += step)
		columns += glyph_of((struct slice){ text.ptr + at, text.len - at }, &step).columns;
	return columns;
}

void text_pad(struct slice text, unsigned columns, struct buf *out)
{
	for (unsigned n = columns ? text_put(text, columns, out) : 0; n < columns; n++)
		buf_char(out, ' ');
}

const char *text_look(enum text_look look, bool colour)
{
	static const char *const sequences[LOOK_COUNT] = { "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m" };

	return colour && look < LOOK_COUNT ? sequences[look] : "";
}

void text_line_put(struct text_line *line, enum text_look look, const char *before, struct slice text)
{
	bool colour = line->colour && look != LOOK_PLAIN;
	unsigned gap = text_columns(slice_of(before));

	if (!text.len || (line->columns != TEXT_NO_LIMIT && line->used + gap + 1 > line->columns))
		return;
	buf_text(line->out, text_look(look, colour));
	buf_text(line->out, before);
	line->used += gap;
	line->used += text_put(text, line->columns == TEXT_NO_LIMIT ? TEXT_NO_LIMIT : line->columns - line->used, line->out);
	buf_text(line->out, text_look(LOOK_PLAIN, colour));
}

void text_line_format(struct text_line *line, enum text_look look, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	text_line_put(line, look, "", slice_of(text));
}

void text_line_to(struct text_line *line, unsigned column)
{
	for (; line->used < column && (line->columns == TEXT_NO_LIMIT || line->used < line->columns); line->used++)
		buf_char(line->out, ' ');
}

/* A word that is wider than the line is broken by columns. */
static void put_word(struct text_line *line, enum text_look look, unsigned indent, struct slice word)
{
	bool colour = line->colour && look != LOOK_PLAIN;
	size_t step;

	buf_text(line->out, text_look(look, colour));
	for (size_t at = 0; at < word.len; at += step) {
		struct glyph glyph = glyph_of((struct slice){ word.ptr + at, word.len - at }, &step);
		if (line->columns != TEXT_NO_LIMIT && line->used + glyph.columns > line->columns && line->used > indent) {
			text_line_end(line);
			text_line_to(line, indent);
		}
		buf_append(line->out, glyph.bytes, glyph.len);
		line->used += glyph.columns;
	}
	buf_text(line->out, text_look(LOOK_PLAIN, colour));
}

void text_line_wrap(struct text_line *line, enum text_look look, unsigned indent, struct slice text)
{
	for (size_t at = 0; at < text.len;) {
		const char *blank = memchr(text.ptr + at, ' ', text.len - at);
		struct slice word = { text.ptr + at, blank ? (size_t)(blank - text.ptr) - at : text.len - at };
		unsigned columns = text_columns(word);

		if (line->used > indent && line->columns != TEXT_NO_LIMIT && line->used + 1 + columns > line->columns && indent + columns <= line->columns) {
			text_line_end(line);
			text_line_to(line, indent);
		} else if (at > 0 && line->used > indent) {
			text_line_to(line, line->used + 1);
		}
		put_word(line, look, indent, word);
		at += word.len + 1;
	}
}

void text_line_end(struct text_line *line)
{
	buf_char(line->out, '\n');
	line->used = 0;
}
