/* What the parts of the JSON code share. */
#ifndef LF_BASE_JSON_PRIVATE_H
#define LF_BASE_JSON_PRIVATE_H
#include "base/json.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Like json_next(), but a key does not come alone: it is in *ret_key with its value, which has raw.len 0 when there is none. */
enum json_type json_next_value(struct json_reader *reader, struct json_token *ret, struct json_token *ret_key);

/*
 * Looks at the sequence that begins at p, where p < end and *p >= 0x80: its length when it is valid,
 * else minus the number of bytes that one U+FFFD stands for (the maximal subpart of Unicode §3.9).
 */
int utf8_step(const char *p, const char *end);

/* Past the bytes that stand for themselves in a JSON string: all ASCII but quotes, backslashes and control characters. */
const char *json_skip_plain(const char *p, const char *end);

#ifdef __SSE2__
/* Which of sixteen bytes are others; the first one's bit is the lowest. As signed numbers those above ASCII are below the blank too. */
static inline unsigned json_stops(const char *p)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p), stops = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));

	stops = _mm_or_si128(stops, _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
	return (unsigned)_mm_movemask_epi8(stops);
}
#endif

/* The same for the first bytes, in line: keys, names and ids are not longer. It may stop before a byte that is plain. */
static inline const char *json_skip_few_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	for (unsigned i = 0; i < 2 && end - p >= 16; i++, p += 16) {
		unsigned stops = json_stops(p);

		if (stops)
			return p + __builtin_ctz(stops);
	}
#else
	(void)end;
#endif
	return p;
}

/* Whether json_escape() would write the escape of n bytes at p: it has one way to write a character. */
bool json_is_own_escape(const char *p, size_t n);

/*
 * Decodes the escape at *pos (a backslash), with a second \u when it completes a pair. Moves *pos
 * behind it, writes 1 to 4 bytes of UTF-8 and returns how many.
 */
size_t json_decode_escape(const char **pos, const char *end, char out[4]);

#endif
