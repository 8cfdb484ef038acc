/*
 * Looks at 64 bytes of a JSON text at once: one bit a byte, the first byte's lowest. With SSE2 (all of x86-64), NEON (all of
 * aarch64), or eight bytes of a word.
 */
#ifndef LF_BASE_JSON_BLOCK_H
#define LF_BASE_JSON_BLOCK_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define JSON_BLOCK 64

struct json_block {
	uint64_t quotes, backslashes;
	uint64_t others;  /* control characters, and bytes above ASCII */
};

#if defined(__SSE2__)
#include <emmintrin.h>

static inline uint64_t json_block_bits(__m128i bytes, unsigned part)
{
	return (uint64_t)(uint32_t)_mm_movemask_epi8(bytes) << (16 * part);
}

static inline struct json_block json_block_read(const char *p)
{
	const __m128i blank = _mm_set1_epi8(' '), quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	struct json_block ret = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));

		ret.quotes |= json_block_bits(_mm_cmpeq_epi8(bytes, quote), i);
		ret.backslashes |= json_block_bits(_mm_cmpeq_epi8(bytes, backslash), i);
		/* As signed numbers those above ASCII are below the blank too. */
		ret.others |= json_block_bits(_mm_cmplt_epi8(bytes, blank), i);
	}
	return ret;
}

/* b, f, n, r and t: two of them differ in one bit. */
static inline uint64_t json_block_letters(const char *p)
{
	const __m128i b_or_f = _mm_set1_epi8('b'), without = _mm_set1_epi8((char)~('b' ^ 'f'));
	const __m128i n = _mm_set1_epi8('n'), r = _mm_set1_epi8('r'), t = _mm_set1_epi8('t');
	uint64_t ret = 0;

	for (unsigned i = 0; i < 4; i++) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
		__m128i found = _mm_or_si128(_mm_cmpeq_epi8(_mm_and_si128(bytes, without), b_or_f), _mm_cmpeq_epi8(bytes, n));

		found = _mm_or_si128(found, _mm_or_si128(_mm_cmpeq_epi8(bytes, r), _mm_cmpeq_epi8(bytes, t)));
		ret |= json_block_bits(found, i);
	}
	return ret;
}
#elif defined(__aarch64__) && defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>

static inline uint64_t json_block_bits(const uint8x16_t found[4])
{
	static const uint8_t bits[16] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
	const uint8x16_t each = vld1q_u8(bits);
	uint8x16_t low = vpaddq_u8(vandq_u8(found[0], each), vandq_u8(found[1], each));
	uint8x16_t high = vpaddq_u8(vandq_u8(found[2], each), vandq_u8(found[3], each));

	low = vpaddq_u8(low, high);
	return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(low, low)), 0);
}

static inline struct json_block json_block_read(const char *p)
{
	uint8x16_t quotes[4], backslashes[4], others[4];

	for (unsigned i = 0; i < 4; i++) {
		uint8x16_t bytes = vld1q_u8((const uint8_t *)p + 16 * i);

		quotes[i] = vceqq_u8(bytes, vdupq_n_u8('"'));
		backslashes[i] = vceqq_u8(bytes, vdupq_n_u8('\\'));
		/* As signed numbers those above ASCII are below the blank too. */
		others[i] = vcltq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8(' '));
	}
	return (struct json_block){ json_block_bits(quotes), json_block_bits(backslashes), json_block_bits(others) };
}

/* b, f, n, r and t: two of them differ in one bit. */
static inline uint64_t json_block_letters(const char *p)
{
	uint8x16_t found[4];

	for (unsigned i = 0; i < 4; i++) {
		uint8x16_t bytes = vld1q_u8((const uint8_t *)p + 16 * i);

		found[i] = vorrq_u8(vceqq_u8(vandq_u8(bytes, vdupq_n_u8((uint8_t)~('b' ^ 'f'))), vdupq_n_u8('b')), vceqq_u8(bytes, vdupq_n_u8('n')));
		found[i] = vorrq_u8(found[i], vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('r')), vceqq_u8(bytes, vdupq_n_u8('t'))));
	}
	return json_block_bits(found);
}
#else
#define JSON_ONES UINT64_C(0x0101010101010101)
#define JSON_TOPS UINT64_C(0x8080808080808080)

static inline uint64_t json_block_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

/* The top bits of the bytes, side by side. */
static inline uint64_t json_block_bits(uint64_t tops, unsigned part)
{
	return (((tops & JSON_TOPS) >> 7) * UINT64_C(0x0102040810204080) >> 56) << (8 * part);
}

/* Top bits where the byte is c. */
static inline uint64_t json_block_equal(uint64_t word, char c)
{
	uint64_t zero = word ^ JSON_ONES * (uint8_t)c;

	return ~(((zero & ~JSON_TOPS) + ~JSON_TOPS) | zero);
}

static inline struct json_block json_block_read(const char *p)
{
	struct json_block ret = { 0 };

	for (unsigned i = 0; i < 8; i++) {
		uint64_t word = json_block_word(p + (size_t)8 * i);

		ret.quotes |= json_block_bits(json_block_equal(word, '"'), i);
		ret.backslashes |= json_block_bits(json_block_equal(word, '\\'), i);
		/* Without its top bit, a byte from the blank on gets one by what is added. */
		ret.others |= json_block_bits(word | ~((word & ~JSON_TOPS) + JSON_ONES * (0x80 - ' ')), i);
	}
	return ret;
}

/* b, f, n, r and t */
static inline uint64_t json_block_letters(const char *p)
{
	uint64_t ret = 0;

	for (unsigned i = 0; i < 8; i++) {
		uint64_t word = json_block_word(p + (size_t)8 * i), found = json_block_equal(word, 'n') | json_block_equal(word, 'r');

		found |= json_block_equal(word, 't') | json_block_equal(word, 'b') | json_block_equal(word, 'f');
		ret |= json_block_bits(found, i);
	}
	return ret;
}
#endif

/*
 * The bytes behind a backslash that is not itself behind one. Of a row of backslashes that begins at an odd place these are
 * at even places, up to the byte behind the row; and the other way round. *carry: 1 when the last byte of the block before
 * is such a backslash; set for the next block.
 */
static inline uint64_t json_block_escaped(uint64_t backslashes, uint64_t *carry)
{
	const uint64_t even = UINT64_C(0x5555555555555555);
	uint64_t rows = backslashes & ~*carry, behind = rows << 1 | *carry, even_rows;

	/* Adding one where it begins takes a row away. */
	*carry = __builtin_add_overflow(rows, rows & ~even & ~behind, &even_rows);
	return behind & (even ^ even_rows << 1);
}

#endif
