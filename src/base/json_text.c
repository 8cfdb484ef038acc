/* Strings: from JSON to text and back. */
#include "base/json.h"

static unsigned hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		v = v << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return v;
}

static int put_utf8(struct buf *out, unsigned code)
{
	char bytes[4];
	size_t n;

	if (code < 0x80) {
		bytes[0] = (char)code;
		n = 1;
	} else if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 63));
		n = 2;
	} else if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 63));
		bytes[2] = (char)(0x80 | (code & 63));
		n = 3;
	} else {
		bytes[0] = (char)(0xf0 | code >> 18);
		bytes[1] = (char)(0x80 | (code >> 12 & 63));
		bytes[2] = (char)(0x80 | (code >> 6 & 63));
		bytes[3] = (char)(0x80 | (code & 63));
		n = 4;
	}
	return buf_append(out, bytes, n);
}

/* At "\uXXXX"; joins a surrogate pair. Moves *p behind what it took. */
static int put_escape_u(struct buf *out, const char **p, const char *end)
{
	unsigned code = hex4(*p + 2);

	*p += 6;
	if (code >= 0xd800 && code <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
		unsigned low = hex4(*p + 2);
		if (low >= 0xdc00 && low <= 0xdfff) {
			*p += 6;
			return put_utf8(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
		}
	}
	return put_utf8(out, code >= 0xd800 && code <= 0xdfff ? 0xfffd : code);
}

int json_unescape(struct slice raw, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = raw.ptr + 1, *end = raw.ptr + raw.len - 1;

	while (p < end) {
		const char *run = memchr(p, '\\', (size_t)(end - p));
		size_t n = (size_t)((run ? run : end) - p);
		if (buf_append(out, p, n) != 0)
			return out->failed;
		p += n;
		if (p == end)
			break;
		if (p[1] == 'u') {
			if (put_escape_u(out, &p, end) != 0)
				return out->failed;
		} else {
			const char *which = memchr(from, p[1], 8);
			if (which && buf_char(out, to[which - from]) != 0)
				return out->failed;
			p += 2;
		}
	}
	return buf_append(out, "", 0);
}

static int put_special(struct buf *out, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *which = memchr(from, c, 7);

	if (which) {
		char pair[2] = { '\\', to[which - from] };
		return buf_append(out, pair, 2);
	}
	return buf_format(out, "\\u%04x", c);
}

int json_escape(struct slice text, struct buf *out)
{
	const char *p = text.ptr, *end = p + text.len;

	buf_char(out, '"');
	while (p < end) {
		const char *run = p;
		while (run < end && (unsigned char)*run >= 0x20 && *run != '"' && *run != '\\' && (unsigned char)*run < 0x80)
			run++;
		if (run > p)
			buf_append(out, p, (size_t)(run - p));
		p = run;
		if (p == end)
			break;
		if ((unsigned char)*p < 0x80) {
			put_special(out, (unsigned char)*p++);
		} else {
			unsigned char c = (unsigned char)*p;
			size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
			if ((size_t)(end - p) >= n && json_utf8_valid((struct slice){ p, n }) == n) {
				buf_append(out, p, n);
				p += n;
			} else {
				buf_append(out, "\xef\xbf\xbd", 3);
				p++;
			}
		}
	}
	return buf_char(out, '"');
}
