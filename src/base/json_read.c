/*
 * The tokenizer. It looks at each byte once and keeps one bit a level (object or array), so its
 * memory does not depend on the input.
 */
#include "base/json_block.h"
#include "base/json_private.h"

/* What every token goes through is written out in both ways in: calls cost more than the work does. */
#define INLINE static inline __attribute__((always_inline))

enum state {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_CLOSE, /* after [ */
	EXPECT_KEY_OR_CLOSE,   /* after { */
	EXPECT_COMMA_OR_CLOSE, /* after a value */
	EXPECT_END             /* after the top value */
};

void json_reader_init(struct json_reader *reader, struct slice input, unsigned max_depth)
{
	static const char empty[1];

	memset(reader, 0, sizeof(*reader));
	reader->base = reader->pos = input.len ? input.ptr : empty;
	reader->end = reader->base + input.len;
	reader->max_depth = max_depth && max_depth < JSON_MAX_DEPTH ? max_depth : JSON_MAX_DEPTH;
	reader->state = EXPECT_VALUE;
}

static bool fail(struct json_reader *reader, const char *at, const char *error)
{
	reader->pos = at;
	reader->error = error;
	return false;
}

static bool fail_end(struct json_reader *reader)
{
	return fail(reader, reader->end, "the text ends too early");
}

static inline bool in_object(const struct json_reader *reader)
{
	unsigned level = reader->depth - 1;

	return reader->kinds[level / 64] >> (level % 64) & 1;
}

static inline void after_value(struct json_reader *reader)
{
	reader->state = reader->depth ? EXPECT_COMMA_OR_CLOSE : EXPECT_END;
}

static inline void skip_blanks(struct json_reader *reader)
{
	const char *p = reader->pos;

	/* Streams have none. */
	if (p < reader->end && (uint8_t)*p > ' ')
		return;
	while (p < reader->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	reader->pos = p;
}

static bool is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of the escape at p (a backslash), or 0. */
static int escape_length(const char *p, const char *end)
{
	static const uint8_t lengths[128] = { ['"'] = 2, ['\\'] = 2, ['/'] = 2, ['b'] = 2, ['f'] = 2, ['n'] = 2, ['r'] = 2,
		                              ['t'] = 2, ['u'] = 6 };
	int n = end - p >= 2 && (uint8_t)p[1] < 128 ? lengths[(uint8_t)p[1]] : 0;

	if (n < 6)
		return n;
	if (end - p < 6)
		return 0;
	for (int i = 2; i < 6; i++)
		if (!is_hex(p[i]))
			return 0;
	return 6;
}

/* Steps over an escape or the characters above ASCII at p. NULL: failed. */
static const char *string_special(struct json_reader *reader, const char *p, struct json_token *ret)
{
	const char *start = p;
	int n = 1;

	if (*p == '\\') {
		ret->escaped = true;
		n = escape_length(p, reader->end);
		if (!n)
			fail(reader, p, "a bad escape in a string");
		ret->canonical = ret->canonical && n && json_is_own_escape(p, (size_t)n);
		return n ? p + n : NULL;
	}
	while (p < reader->end && (uint8_t)*p >= 0x80 && (n = utf8_step(p, reader->end)) > 0)
		p += n;
	if (n > 0 && p > start)
		return p;
	fail(reader, p, n > 0 ? "a control character in a string" : "invalid UTF-8");
	return NULL;
}

/* Whole blocks, past plain bytes and escapes of one letter that are canonical; to a quote, to what is special, or to the last block. */
static const char *skip_blocks(const char *p, const char *end, struct json_token *ret)
{
	uint64_t carry = 0;

	for (; end - p >= JSON_BLOCK; p += JSON_BLOCK) {
		struct json_block block = json_block_read(p);
		uint64_t escaped = json_block_escaped(block.backslashes, &carry), stops = (block.quotes & ~escaped) | block.others;
		unsigned n;

		if (escaped)
			stops |= escaped & ~(block.quotes | block.backslashes | json_block_letters(p));
		if (!stops) {
			ret->escaped = ret->escaped || block.backslashes;
			continue;
		}
		n = (unsigned)__builtin_ctzll(stops);
		ret->escaped = ret->escaped || (block.backslashes & ((UINT64_C(1) << n) - 1));
		/* An escape that must be looked at begins a byte earlier. */
		return p + n - (escaped >> n & 1);
	}
	return p - carry;
}

/* From p on, inside a string, to its quote. NULL: failed. */
static const char *skip_string(struct json_reader *reader, const char *p, struct json_token *ret)
{
	const char *end = reader->end;

	for (p = json_skip_plain(p, end); p == end || *p != '"'; p = json_skip_plain(skip_blocks(p, end, ret), end)) {
		if (p == end) {
			fail_end(reader);
			return NULL;
		}
		p = string_special(reader, p, ret);
		if (!p)
			return NULL;
	}
	return p;
}

INLINE bool read_string(struct json_reader *reader, struct json_token *ret)
{
	const char *p = json_skip_few_plain(reader->pos + 1, reader->end);

	ret->type = JSON_STRING;
	ret->canonical = true;
	if (p == reader->end || *p != '"')
		p = skip_string(reader, p, ret);
	if (!p)
		return false;
	ret->raw = (struct slice){ reader->pos, (size_t)(p + 1 - reader->pos) };
	reader->pos = p + 1;
	return true;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (is_digit(p, end))
		p++;
	return p;
}

static bool read_number(struct json_reader *reader, struct json_token *ret)
{
	const char *p = reader->pos, *end = reader->end;

	if (*p == '-')
		p++;
	if (!is_digit(p, end))
		return fail(reader, p, "a minus without a number");
	p = *p == '0' ? p + 1 : skip_digits(p, end);
	if (is_digit(p, end))
		return fail(reader, p, "a number with a leading zero");
	if (p < end && *p == '.') {
		if (!is_digit(++p, end))
			return fail(reader, p, "a fraction without digits");
		p = skip_digits(p, end);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!is_digit(p, end))
			return fail(reader, p, "an exponent without digits");
		p = skip_digits(p, end);
	}
	ret->type = JSON_NUMBER;
	ret->raw = (struct slice){ reader->pos, (size_t)(p - reader->pos) };
	reader->pos = p;
	return true;
}

static bool read_word(struct json_reader *reader, struct json_token *ret)
{
	static const struct {
		const char *text;
		size_t len;
		enum json_type type;
	} words[] = { { "true", 4, JSON_TRUE }, { "false", 5, JSON_FALSE }, { "null", 4, JSON_NULL } };
	size_t left = (size_t)(reader->end - reader->pos);

	for (size_t i = 0; i < 3; i++) {
		if (left < words[i].len || memcmp(reader->pos, words[i].text, words[i].len) != 0)
			continue;
		ret->type = words[i].type;
		ret->raw = (struct slice){ reader->pos, words[i].len };
		reader->pos += words[i].len;
		return true;
	}
	return fail(reader, reader->pos, "a value was expected");
}

static bool open_level(struct json_reader *reader, struct json_token *ret)
{
	bool object = *reader->pos == '{';
	uint64_t bit = UINT64_C(1) << (reader->depth % 64);
	uint64_t *kinds = &reader->kinds[reader->depth / 64 % (JSON_MAX_DEPTH / 64)];

	if (reader->depth == reader->max_depth)
		return fail(reader, reader->pos, "nested too deeply");
	*kinds = object ? *kinds | bit : *kinds & ~bit;
	reader->depth++;
	reader->state = object ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
	ret->type = object ? JSON_OBJECT : JSON_ARRAY;
	ret->raw = (struct slice){ reader->pos++, 1 };
	return true;
}

static bool close_level(struct json_reader *reader, struct json_token *ret)
{
	ret->type = in_object(reader) ? JSON_OBJECT_CLOSE : JSON_ARRAY_CLOSE;
	ret->raw = (struct slice){ reader->pos++, 1 };
	reader->depth--;
	after_value(reader);
	return true;
}

INLINE bool read_value(struct json_reader *reader, struct json_token *ret)
{
	char c = *reader->pos;
	bool ok;

	if (c == '{' || c == '[')
		return open_level(reader, ret);
	if (c == '"')
		ok = read_string(reader, ret);
	else if (c == '-' || (c >= '0' && c <= '9'))
		ok = read_number(reader, ret);
	else
		ok = read_word(reader, ret);
	after_value(reader);
	return ok;
}

INLINE bool read_key(struct json_reader *reader, struct json_token *ret)
{
	if (*reader->pos != '"')
		return fail(reader, reader->pos, "a key was expected");
	if (!read_string(reader, ret))
		return false;
	ret->type = JSON_KEY;
	skip_blanks(reader);
	if (reader->pos == reader->end)
		return fail_end(reader);
	if (*reader->pos != ':')
		return fail(reader, reader->pos, "a colon was expected");
	reader->pos++;
	reader->state = EXPECT_VALUE;
	return true;
}

/* Past a comma inside a level. False: nothing stands behind it, or it is no comma. */
static inline bool skip_comma(struct json_reader *reader)
{
	if (*reader->pos != ',')
		return fail(reader, reader->pos, "a comma or the end of the list was expected");
	reader->pos++;
	skip_blanks(reader);
	return reader->pos < reader->end || fail_end(reader);
}

/* At *reader->pos, which is no blank. key: where a key goes, its value is read at once then; NULL: it is a token like others. */
INLINE bool read_token(struct json_reader *reader, struct json_token *ret, struct json_token *ret_key)
{
	char c = *reader->pos;
	bool key = false;

	switch ((enum state)reader->state) {
	case EXPECT_COMMA_OR_CLOSE:
		key = in_object(reader);
		if (c == (key ? '}' : ']'))
			return close_level(reader, ret);
		if (!skip_comma(reader))
			return false;
		break;
	case EXPECT_VALUE:
		break;
	case EXPECT_VALUE_OR_CLOSE:
		if (c == ']')
			return close_level(reader, ret);
		break;
	case EXPECT_KEY_OR_CLOSE:
		if (c == '}')
			return close_level(reader, ret);
		key = true;
		break;
	case EXPECT_END:
		return fail(reader, reader->pos, "something stands after the value");
	}
	if (key && !ret_key)
		return read_key(reader, ret);
	if (key) {
		if (!read_key(reader, ret_key))
			return false;
		skip_blanks(reader);
		if (reader->pos == reader->end)
			return fail_end(reader);
	}
	return read_value(reader, ret);
}

INLINE enum json_type next_token(struct json_reader *reader, struct json_token *ret, struct json_token *ret_key)
{
	ret->escaped = ret->canonical = false;
	if (reader->error)
		goto bad;
	skip_blanks(reader);
	if (reader->pos < reader->end) {
		if (read_token(reader, ret, ret_key))
			return ret->type;
	} else if (reader->state == EXPECT_END) {
		ret->raw = SLICE_NONE;
		return ret->type = JSON_END;
	} else {
		fail_end(reader);
	}
bad:
	ret->raw = SLICE_NONE;
	return ret->type = JSON_BAD;
}

enum json_type json_next(struct json_reader *reader, struct json_token *ret)
{
	return next_token(reader, ret, NULL);
}

enum json_type json_next_value(struct json_reader *reader, struct json_token *ret, struct json_token *ret_key)
{
	ret_key->raw = SLICE_NONE;
	ret_key->escaped = false;
	return next_token(reader, ret, ret_key);
}
