/*
 * The pull tokenizer: strict RFC 8259 over bytes that stay where they are. A bit per level says whether it is an
 * object or an array, so that depth costs no recursion and no allocation.
 */
#include "base/json.h"

enum state { WANT_VALUE, WANT_VALUE_OR_CLOSE, WANT_KEY, WANT_KEY_OR_CLOSE, WANT_COMMA_OR_CLOSE, WANT_END, FAILED };

void json_reader_init(struct json_reader *reader, struct slice input, unsigned max_depth)
{
	memset(reader, 0, sizeof *reader);
	reader->base = reader->pos = input.ptr ? input.ptr : "";
	reader->end = reader->base + input.len;
	reader->max_depth = max_depth == 0 || max_depth > JSON_MAX_DEPTH ? JSON_MAX_DEPTH : max_depth;
	reader->state = WANT_VALUE;
}

static enum json_type fail(struct json_reader *reader, struct json_token *token, const char *why)
{
	reader->error = why;
	reader->state = FAILED;
	token->type = JSON_BAD;
	token->raw = (struct slice){ reader->pos, 0 };
	return JSON_BAD;
}

static void skip_space(struct json_reader *reader)
{
	while (reader->pos < reader->end &&
	       (*reader->pos == ' ' || *reader->pos == '\n' || *reader->pos == '\t' || *reader->pos == '\r'))
		reader->pos++;
}

static bool in_object(const struct json_reader *reader)
{
	unsigned level = reader->depth - 1;

	return reader->kinds[level / 64] >> (level % 64) & 1;
}

static void after_value(struct json_reader *reader)
{
	reader->state = reader->depth == 0 ? WANT_END : WANT_COMMA_OR_CLOSE;
}

/* Length of the UTF-8 character at p (a lead byte >= 0x80), 0 when it is none: RFC 3629, table 3-7 of Unicode. */
static size_t utf8_length(const unsigned char *p, const unsigned char *end)
{
	unsigned char c = p[0];
	size_t n = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;

	if (n == 0 || (size_t)(end - p) < n)
		return 0;
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t json_utf8_valid(struct slice text)
{
	const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len;

	while (p < end) {
		size_t n = *p < 0x80 ? 1 : utf8_length(p, end);
		if (n == 0)
			break;
		p += n;
	}
	return (size_t)((const char *)p - text.ptr);
}

struct slice json_utf8_cut(struct slice text, size_t max_bytes)
{
	if (text.len <= max_bytes)
		return text;
	while (max_bytes > 0 && ((unsigned char)text.ptr[max_bytes] & 0xc0) == 0x80)
		max_bytes--;
	return (struct slice){ text.ptr, max_bytes };
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const char *scan_escape(const char *p, const char *end, const char **why)
{
	if (p + 1 >= end) {
		*why = "unterminated string";
		return NULL;
	}
	if (p[1] != 'u') {
		*why = "bad escape";
		return memchr("\"\\/bfnrt", p[1], 8) ? p + 2 : NULL;
	}
	*why = "bad \\u escape";
	if (end - p < 6)
		return NULL;
	for (int i = 2; i < 6; i++)
		if (!is_hex(p[i]))
			return NULL;
	return p + 6;
}

/* From the opening quote; moves pos behind the closing one. NULL, or why not. */
static const char *scan_string(struct json_reader *reader, struct json_token *token)
{
	const char *p = reader->pos + 1, *end = reader->end, *why = NULL;

	token->escaped = false;
	while (p < end) {
		unsigned char c = (unsigned char)*p;
		if (c >= 0x20 && c != '"' && c != '\\' && c < 0x80) {
			p++;
		} else if (c == '"') {
			token->raw = (struct slice){ reader->pos, (size_t)(p + 1 - reader->pos) };
			reader->pos = p + 1;
			return NULL;
		} else if (c == '\\') {
			const char *next = scan_escape(p, end, &why);
			token->escaped = true;
			if (!next) {
				reader->pos = p;
				return why;
			}
			p = next;
		} else {
			size_t n = c < 0x80 ? 0 : utf8_length((const unsigned char *)p, (const unsigned char *)end);
			if (n == 0) {
				reader->pos = p;
				return c < 0x20 ? "raw control character in a string" : "invalid UTF-8";
			}
			p += n;
		}
	}
	reader->pos = end;
	return "unterminated string";
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The end of the number at p, NULL when it is none. */
static const char *scan_number(const char *p, const char *end)
{
	const char *start;

	if (p < end && *p == '-')
		p++;
	start = p;
	p = digits(p, end);
	if (p == start || (*start == '0' && p - start > 1))
		return NULL;
	if (p < end && *p == '.') {
		start = ++p;
		p = digits(p, end);
		if (p == start)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		start = p;
		p = digits(p, end);
		if (p == start)
			return NULL;
	}
	return p;
}

static enum json_type take_number(struct json_reader *reader, struct json_token *token)
{
	const char *p = scan_number(reader->pos, reader->end);

	if (!p)
		return fail(reader, token, "bad number");
	token->raw = (struct slice){ reader->pos, (size_t)(p - reader->pos) };
	reader->pos = p;
	after_value(reader);
	return token->type = JSON_NUMBER;
}

static enum json_type take_word(struct json_reader *reader, struct json_token *token)
{
	static const struct { const char *text; size_t len; enum json_type type; } words[] = {
		{ "true", 4, JSON_TRUE }, { "false", 5, JSON_FALSE }, { "null", 4, JSON_NULL },
	};

	for (size_t i = 0; i < 3; i++) {
		if ((size_t)(reader->end - reader->pos) < words[i].len || memcmp(reader->pos, words[i].text, words[i].len) != 0)
			continue;
		token->raw = (struct slice){ reader->pos, words[i].len };
		reader->pos += words[i].len;
		after_value(reader);
		return token->type = words[i].type;
	}
	return fail(reader, token, "unexpected character");
}

static enum json_type take_open(struct json_reader *reader, struct json_token *token, bool object)
{
	unsigned level = reader->depth;
	uint64_t bit = UINT64_C(1) << (level % 64);

	if (level >= reader->max_depth)
		return fail(reader, token, "nested too deep");
	if (object)
		reader->kinds[level / 64] |= bit;
	else
		reader->kinds[level / 64] &= ~bit;
	reader->depth++;
	token->raw = (struct slice){ reader->pos++, 1 };
	reader->state = object ? WANT_KEY_OR_CLOSE : WANT_VALUE_OR_CLOSE;
	return token->type = object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_type take_close(struct json_reader *reader, struct json_token *token)
{
	bool object = in_object(reader);

	if (*reader->pos != (object ? '}' : ']'))
		return fail(reader, token, "mismatched bracket");
	token->raw = (struct slice){ reader->pos++, 1 };
	reader->depth--;
	after_value(reader);
	return token->type = object ? JSON_OBJECT_CLOSE : JSON_ARRAY_CLOSE;
}

static enum json_type take_key(struct json_reader *reader, struct json_token *token)
{
	const char *why;

	if (*reader->pos != '"')
		return fail(reader, token, "expected a key");
	why = scan_string(reader, token);
	if (why)
		return fail(reader, token, why);
	skip_space(reader);
	if (reader->pos == reader->end || *reader->pos != ':')
		return fail(reader, token, reader->pos == reader->end ? "unexpected end" : "expected a colon");
	reader->pos++;
	reader->state = WANT_VALUE;
	return token->type = JSON_KEY;
}

static enum json_type take_value(struct json_reader *reader, struct json_token *token)
{
	const char *why;

	switch (*reader->pos) {
	case '{':
		return take_open(reader, token, true);
	case '[':
		return take_open(reader, token, false);
	case '"':
		why = scan_string(reader, token);
		if (why)
			return fail(reader, token, why);
		after_value(reader);
		return token->type = JSON_STRING;
	case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		return take_number(reader, token);
	default:
		return take_word(reader, token);
	}
}

static enum json_type after_comma(struct json_reader *reader, struct json_token *token)
{
	if (*reader->pos != ',')
		return *reader->pos == '}' || *reader->pos == ']' ? take_close(reader, token)
		                                                  : fail(reader, token, "expected a comma or a closing bracket");
	reader->pos++;
	skip_space(reader);
	if (reader->pos == reader->end)
		return fail(reader, token, "unexpected end");
	return in_object(reader) ? take_key(reader, token) : take_value(reader, token);
}

enum json_type json_next(struct json_reader *reader, struct json_token *ret)
{
	ret->escaped = false;
	if (reader->state == FAILED)
		return fail(reader, ret, reader->error);
	skip_space(reader);
	if (reader->pos == reader->end) {
		if (reader->state != WANT_END)
			return fail(reader, ret, "unexpected end");
		ret->raw = (struct slice){ reader->pos, 0 };
		return ret->type = JSON_END;
	}
	switch ((enum state)reader->state) {
	case WANT_VALUE:
		return take_value(reader, ret);
	case WANT_VALUE_OR_CLOSE:
		return *reader->pos == ']' ? take_close(reader, ret) : take_value(reader, ret);
	case WANT_KEY:
		return take_key(reader, ret);
	case WANT_KEY_OR_CLOSE:
		return *reader->pos == '}' ? take_close(reader, ret) : take_key(reader, ret);
	case WANT_COMMA_OR_CLOSE:
		return after_comma(reader, ret);
	default:
		return fail(reader, ret, "more after the value");
	}
}
