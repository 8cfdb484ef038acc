/* UTF-8, and the two directions of JSON's escapes. */
#include "base/json_block.h"
#include "base/json_private.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* The well-formed sequences of Unicode's table 3-7: length and range of the second byte. */
struct utf8_lead {
	uint8_t length, second_min, second_max;
};

static const struct utf8_lead leads[] = {
	{ 1, 0x01, 0x00 }, /* none */
	{ 2, 0x80, 0xbf }, { 3, 0xa0, 0xbf }, { 3, 0x80, 0xbf }, { 3, 0x80, 0x9f }, { 4, 0x90, 0xbf }, { 4, 0x80, 0xbf }, { 4, 0x80, 0x8f },
};

/* By first byte, from 0xc0 on: which of them. */
static const uint8_t lead_of[64] = {
	0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* c0 */
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* d0 */
	2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 3, 3, /* e0 */
	5, 6, 6, 6, 7,                                  /* f0 */
};

int utf8_step(const char *p, const char *end)
{
	const struct utf8_lead *lead = &leads[(uint8_t)*p < 0xc0 ? 0 : lead_of[(uint8_t)*p - 0xc0]];

	if (end - p < 2 || (uint8_t)p[1] < lead->second_min || (uint8_t)p[1] > lead->second_max)
		return -1;
	for (int i = 2; i < lead->length; i++)
		if (end - p <= i || ((uint8_t)p[i] & 0xc0) != 0x80)
			return -i;
	return lead->length;
}

#ifdef __SSE2__
/* Past the ASCII bytes, in steps of 64 as long as there are that many. */
static const char *skip_ascii(const char *p, const char *end)
{
	while (end - p >= 64) {
		const __m128i *at = (const __m128i *)(const void *)p;
		__m128i all = _mm_or_si128(_mm_or_si128(_mm_loadu_si128(at), _mm_loadu_si128(at + 1)),
		                           _mm_or_si128(_mm_loadu_si128(at + 2), _mm_loadu_si128(at + 3)));

		if (_mm_movemask_epi8(all))
			break;
		p += 64;
	}
	while (end - p >= 16) {
		unsigned above = (unsigned)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)p));

		if (above)
			return p + __builtin_ctz(above);
		p += 16;
	}
	while (p < end && (uint8_t)*p < 0x80)
		p++;
	return p;
}
#else
/* The same in steps of 32. */
static const char *skip_ascii(const char *p, const char *end)
{
	while (end - p >= 32) {
		uint64_t words[4];

		memcpy(words, p, sizeof words);
		if ((words[0] | words[1] | words[2] | words[3]) & UINT64_C(0x8080808080808080))
			break;
		p += 32;
	}
	while (p < end && (uint8_t)*p < 0x80)
		p++;
	return p;
}
#endif

size_t json_utf8_valid(struct slice text)
{
	const char *p = text.ptr, *end;

	if (!text.len) /* there may be no text to count from */
		return 0;
	end = p + text.len;
	while (p < end) {
		int n;

		p = skip_ascii(p, end);
		if (p == end)
			break;
		n = utf8_step(p, end);
		if (n < 0)
			break;
		p += n;
	}
	return (size_t)(p - text.ptr);
}

struct slice json_utf8_cut(struct slice text, size_t max_bytes)
{
	size_t n = max_bytes;

	if (text.len <= max_bytes)
		return text;
	/* A character has at most three continuation bytes; more than that is no UTF-8 anyway. */
	while (n && max_bytes - n < 3 && ((uint8_t)text.ptr[n] & 0xc0) == 0x80)
		n--;
	return (struct slice){ text.ptr, n };
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of "\uXXXX" at p, or -1. */
static int32_t read_unit(const char *p, const char *end)
{
	int32_t unit = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_value(p[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static size_t encode(int32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static size_t decode_unicode(const char **pos, const char *end, char out[4])
{
	int32_t unit = read_unit(*pos, end), low;

	*pos += 6;
	if (unit < 0xd800 || unit > 0xdfff)
		return encode(unit, out);
	low = unit < 0xdc00 ? read_unit(*pos, end) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return encode(0xfffd, out);
	*pos += 6;
	return encode(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
}

/* By the letter behind the backslash. */
static const char short_escapes[256] = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r',
	                                 ['t'] = '\t' };

size_t json_decode_escape(const char **pos, const char *end, char out[4])
{

	if (end - *pos > 1 && (*pos)[1] == 'u' && read_unit(*pos, end) >= 0)
		return decode_unicode(pos, end, out);
	++*pos;
	if (*pos == end) {
		out[0] = '\\';
		return 1;
	}
	out[0] = short_escapes[(uint8_t)**pos] ? short_escapes[(uint8_t)**pos] : **pos;
	++*pos;
	return 1;
}

/* What is copied at once of a run of bytes in a block: most are shorter. Behind its end as much is read and written in vain. */
#define RUN 32

_Static_assert(2 * RUN >= JSON_BLOCK, "two of them are a block");

static inline char *copy_run(char *to, const char *p, size_t n)
{
	memcpy(to, p, RUN);
	if (n > RUN)
		memcpy(to + RUN, p + RUN, RUN);
	return to + n;
}

/* Decodes the escapes that stand at *pos; returns the end of what was written. Most are two letters long. */
static char *decode_escapes(const char **pos, const char *end, char *to)
{
	const char *p = *pos;

	for (; end - p > 1 && *p == '\\' && short_escapes[(uint8_t)p[1]]; p += 2)
		*to++ = short_escapes[(uint8_t)p[1]];
	if (p < end && *p == '\\') {
		char bytes[4];
		size_t n = json_decode_escape(&p, end, bytes);

		memcpy(to, bytes, n);
		to += n;
	}
	*pos = p;
	return to;
}

/* At most one block. Returns where it stopped: its end, or an escape that is longer or reaches over its end. */
static const char *unescape_block(const char *p, char **to)
{
	uint64_t backslashes = json_block_read(p).backslashes, over = 0, starts = backslashes & ~json_block_escaped(backslashes, &over);
	const char *run = p, *end = p + JSON_BLOCK - over;
	char *out = *to;

	for (starts &= ~(over << (JSON_BLOCK - 1)); starts; starts &= starts - 1) {
		const char *escape = p + __builtin_ctzll(starts);
		char letter = short_escapes[(uint8_t)escape[1]];

		out = copy_run(out, run, (size_t)(escape - run));
		*out = letter;
		run = escape;
		if (!letter)
			break;
		out++;
		run += 2;
	}
	end = starts ? run : end;
	*to = copy_run(out, run, (size_t)(end - run));
	return end;
}

int json_unescape(struct slice raw, struct buf *out)
{
	const char *p, *end;
	char *to;

	if (raw.len < 2)
		return out->failed;
	/* No escape is shorter than what it stands for. */
	to = buf_reserve(out, raw.len);
	if (!to)
		return out->failed;
	p = raw.ptr + 1;
	end = raw.ptr + raw.len - 1;
	while (end - p >= JSON_BLOCK + RUN) {
		p = unescape_block(p, &to);
		if (*p == '\\')
			to = decode_escapes(&p, end, to);
	}
	while (p < end) {
		const char *run = p;

		p = memchr(run, '\\', (size_t)(end - run));
		p = p ? p : end;
		memcpy(to, run, (size_t)(p - run));
		to = decode_escapes(&p, end, to + (p - run));
	}
	*to = '\0';
	out->len = (size_t)(to - out->data);
	return 0;
}

static bool is_plain(uint8_t byte)
{
	/* All but quotes and backslashes. */
	static const bool plain[256] = { [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 0x7f] = true };

	return plain[byte];
}

#ifdef __SSE2__
/* Less than sixteen: the first and the last eight of them, which may overlap, or each byte. */
static const char *skip_rest_plain(const char *p, const char *end)
{
	unsigned stops;
	char halves[16];
	int at;

	if (end - p < 8) {
		while (p < end && is_plain((uint8_t)*p))
			p++;
		return p;
	}
	memcpy(halves, p, 8);
	memcpy(halves + 8, end - 8, 8);
	stops = json_stops(halves);
	if (!stops)
		return end;
	at = __builtin_ctz(stops);
	return at < 8 ? p + at : end - 16 + at;
}

/* Sixteen bytes at a time. */
const char *json_skip_plain(const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		unsigned stops = json_stops(p);

		if (stops)
			return p + __builtin_ctz(stops);
	}
	return skip_rest_plain(p, end);
}
#else
/* Eight bytes at a time: a top bit is set for one below 0x20, a quote, a backslash, or one above ASCII. A borrow can set one
 * for the byte behind such a one too: the second loop finds the first. */
const char *json_skip_plain(const char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);

	while (end - p >= 8) {
		uint64_t word, quote, backslash;

		memcpy(&word, p, sizeof word);
		quote = word ^ ones * '"';
		backslash = word ^ ones * '\\';
		if ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops)
			break;
		p += 8;
	}
	while (p < end && is_plain((uint8_t)*p))
		p++;
	return p;
}
#endif

bool json_is_own_escape(const char *p, size_t n)
{
	int code;

	if (n == 2)
		return p[1] != '/';
	code = (p[4] - '0') * 16 + hex_value(p[5]);
	if (memcmp(p, "\\u00", 4) != 0 || (p[4] != '0' && p[4] != '1') || (p[5] >= 'A' && p[5] <= 'F'))
		return false;
	return code != '\b' && code != '\f' && code != '\n' && code != '\r' && code != '\t';
}

/* Gathered before they are appended; behind them there is room for what a block becomes, and for what is copied in vain. */
#define PIECE_BYTES 512

/* By character: the letter behind the backslash. */
static const char escape_letters[128] = { ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };

/* Writes what stands for the byte at *pos that is not plain, or for the bytes that are no character; returns the end of it. */
static char *write_special(const char **pos, const char *end, char *to)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t c = (uint8_t)**pos;
	int n = c < 0x80 ? 1 : utf8_step(*pos, end);

	if (c >= 0x80) {
		memcpy(to, n > 0 ? *pos : replacement, n > 0 ? (size_t)n : 3);
		to += n > 0 ? n : 3;
		*pos += n > 0 ? n : -n;
		return to;
	}
	++*pos;
	*to++ = '\\';
	if (escape_letters[c]) {
		*to++ = escape_letters[c];
		return to;
	}
	memcpy(to, "u00", 3);
	to[3] = digits[c >> 4];
	to[4] = digits[c & 15];
	return to + 5;
}

/* At most one block. Returns where it stopped: its end, or a byte that is written in another way than with two letters. */
static const char *escape_block(const char *p, char **to)
{
	struct json_block block = json_block_read(p);
	uint64_t specials = block.quotes | block.backslashes | block.others;
	const char *run = p, *end = p + JSON_BLOCK;
	char *out = *to;

	for (; specials; specials &= specials - 1) {
		const char *at = p + __builtin_ctzll(specials);
		char letter = (uint8_t)*at < 128 ? escape_letters[(uint8_t)*at] : '\0';

		out = copy_run(out, run, (size_t)(at - run));
		run = at;
		if (!letter)
			break;
		*out++ = '\\';
		*out++ = letter;
		run++;
	}
	end = specials ? run : end;
	*to = copy_run(out, run, (size_t)(end - run));
	return end;
}

static char *write_piece(struct buf *out, char *piece, const char *end)
{
	buf_append(out, piece, (size_t)(end - piece));
	return piece;
}

int json_escape(struct slice text, struct buf *out)
{
	const char *p = text.len ? text.ptr : "", *end = p + text.len;
	char piece[PIECE_BYTES + 2 * JSON_BLOCK + RUN], *to = piece;

	*to++ = '"';
	while (end - p >= JSON_BLOCK + RUN) {
		p = escape_block(p, &to);
		if (!is_plain((uint8_t)*p))
			to = write_special(&p, end, to);
		if (to - piece > PIECE_BYTES)
			to = write_piece(out, piece, to);
	}
	/* All that is left is short enough for a piece, unless it is made of escapes. */
	while (p < end) {
		const char *run = p;

		p = json_skip_plain(p, end);
		memcpy(to, run, (size_t)(p - run));
		to += p - run;
		if (p < end)
			to = write_special(&p, end, to);
		if (to - piece > PIECE_BYTES)
			to = write_piece(out, piece, to);
	}
	*to++ = '"';
	return buf_append(out, piece, (size_t)(to - piece));
}
