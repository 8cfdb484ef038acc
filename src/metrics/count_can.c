/* What a record's bytes say before it is read: whether it can count, and which request it answers. See count.h. */
#include "metrics/count.h"
#include <stdio.h>

static bool has(struct slice text, const char *words)
{
	return memmem(text.ptr, text.len, words, strlen(words)) != NULL;
}

static bool is_reply(const struct clean_record_view *record)
{
	return record->kind == RECORD_SIGNAL && has(record->body, "\"permission-reply\"");
}

static bool begins(const char *p, const char *end, struct slice words)
{
	return (size_t)(end - p) >= words.len && memcmp(p, words.ptr, words.len) == 0;
}

/* Sources write it first, and then the rest need not be looked at. */
static bool has_type(struct slice body, struct slice type)
{
	static const char first[] = "{\"type\":\"";
	const char *end = body.ptr + body.len;

	return begins(body.ptr, end, SLICE(first)) ? begins(body.ptr + sizeof first - 2, end, type) : has(body, type.ptr);
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whether one of the words is the key before the colon at p or the value behind it; or cannot be told from it. */
static bool stands_beside(struct slice body, const char *p)
{
	static const struct slice words[] = { { "\"completed\"", 11 }, { "\"error\"", 7 }, { "\"user\"", 6 } };
	const char *end = body.ptr + body.len;
	size_t before = (size_t)(p - body.ptr);

	if (before == 0 || end - p < 3 || is_blank(p[-1]) || is_blank(p[1]))
		return true;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t n = words[i].len;

		if (p[2] == words[i].ptr[1] && begins(p + 1, end, words[i]))
			return true;
		if (before >= n && p[-2] == words[i].ptr[n - 2] && begins(p - n, end, words[i]))
			return true;
	}
	return false;
}

/* Whether a user's message, or the end of an answer or of a call, may stand there. While one is on its way its revisions are many. */
static bool may_have_ended(struct slice body)
{
	const char *p = body.ptr, *end = p + body.len;

	for (; p < end && (p = memchr(p, ':', (size_t)(end - p))); p++)
		if (stands_beside(body, p))
			return true;
	return body.len > 0 && memchr(body.ptr, '\\', body.len) && has(body, "\\u");
}

static bool can_part(struct slice body)
{
	return has_type(body, SLICE("\"subtask\"")) || (has_type(body, SLICE("\"tool\"")) && may_have_ended(body));
}

bool count_can(const struct clean_record_view *record)
{
	switch (record->kind) {
	case RECORD_SIGNAL:
		return has(record->body, "\"retry\"") || is_reply(record);
	case RECORD_PART:
		return can_part(record->body);
	case RECORD_MESSAGE:
		return may_have_ended(record->body);
	case RECORD_SESSION:
		break;
	}
	return true;
}

bool count_asked(const struct clean_record_view *record, char *ret, size_t size)
{
	static const char end[] = ":replied";
	size_t n = record->key.len;

	if (!is_reply(record) || n < sizeof end || memcmp(record->key.ptr + n - (sizeof end - 1), end, sizeof end - 1) != 0)
		return false;
	return snprintf(ret, size, "%.*s:asked", (int)(n - (sizeof end - 1)), record->key.ptr) < (int)size;
}
