/* Fault switches: one table of words, one list of steps. */
#include "sink/fault.h"
#include <stddef.h>

#define MAX_NUMBER 1000000000

enum value_rule { NO_VALUE, NEEDS_NUMBER, MAY_NUMBER, NEEDS_TEXT };
static const struct word {
	const char *name;
	enum fault_action action; /* NONE: a setting */
	enum value_rule rule;
	int64_t low, high, fallback;
	size_t offset;            /* settings: where the number or flag goes */
} words[] = {
	{ "status", FAULT_STATUS, NEEDS_NUMBER, 200, 599, 0, 0 },
	{ "hang", FAULT_HANG, NO_VALUE, 0, 0, 0, 0 },
	{ "reset-before", FAULT_RESET_BEFORE, NO_VALUE, 0, 0, 0, 0 },
	{ "reset-after", FAULT_RESET_AFTER, NO_VALUE, 0, 0, 0, 0 },
	{ "accept-and-die", FAULT_ACCEPT_AND_DIE, NO_VALUE, 0, 0, 0, 0 },
	{ "cut-answer", FAULT_CUT_ANSWER, NO_VALUE, 0, 0, 0, 0 },
	{ "garbage", FAULT_GARBAGE, NO_VALUE, 0, 0, 0, 0 },
	{ "slow", FAULT_SLOW, MAY_NUMBER, 0, 600000, 500, 0 },
	{ "max-body", FAULT_NONE, NEEDS_NUMBER, 1, MAX_NUMBER, 0, offsetof(struct fault, max_body) },
	{ "per-event-500", FAULT_NONE, NEEDS_NUMBER, 0, MAX_NUMBER, 0, offsetof(struct fault, per_event_500) },
	{ "lag", FAULT_NONE, NEEDS_NUMBER, 0, 3600000, 0, offsetof(struct fault, lag_ms) },
	{ "reject-name", FAULT_NONE, NEEDS_TEXT, 0, 0, 0, offsetof(struct fault, reject_name) },
	{ "skip-health", FAULT_NONE, NO_VALUE, 0, 0, 0, offsetof(struct fault, skip_health) },
	{ "posts-only", FAULT_NONE, NO_VALUE, 0, 0, 0, offsetof(struct fault, posts_only) },
};

static int number(struct slice text, int64_t low, int64_t high, int64_t *ret)
{
	int64_t value = 0;

	if (text.len == 0 || text.len > 10)
		return LF_EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return LF_EINVAL;
		value = value * 10 + (text.ptr[i] - '0');
	}
	*ret = value;
	return value < low || value > high ? LF_EINVAL : 0;
}

/* Takes text up to the mark off the front of *rest; the whole when the mark is not there. */
static struct slice until(struct slice *rest, char mark)
{
	const char *at = rest->len ? memchr(rest->ptr, mark, rest->len) : NULL;
	struct slice front = *rest;

	if (!at) {
		*rest = SLICE_NONE;
		return front;
	}
	front.len = (size_t)(at - rest->ptr);
	*rest = (struct slice){ at + 1, rest->len - front.len - 1 };
	return front;
}

static int set(struct fault *fault, const struct word *word, struct slice value)
{
	void *at = (char *)fault + word->offset;
	const bool yes = true;
	int64_t n;

	if (word->rule == NEEDS_TEXT) {
		if (value.len == 0 || value.len >= sizeof(fault->reject_name))
			return LF_EINVAL;
		memcpy(at, value.ptr, value.len);
		((char *)at)[value.len] = '\0';
		return 0;
	}
	if (word->rule == NO_VALUE) {
		memcpy(at, &yes, sizeof(yes));
		return value.ptr ? LF_EINVAL : 0;
	}
	if (number(value, word->low, word->high, &n) != 0)
		return LF_EINVAL;
	memcpy(at, &n, sizeof(n));
	return 0;
}

static int add_step(struct fault *fault, const struct word *word, struct slice value, struct slice extra, struct slice count)
{
	struct fault_step step = { .action = word->action, .value = word->fallback, .retry_after_s = -1, .left = -1 };
	struct slice key;

	if (fault->count == FAULT_MAX_STEPS)
		return LF_EINVAL;
	if (word->rule == NO_VALUE ? value.ptr != NULL :
	    (value.ptr || word->rule == NEEDS_NUMBER) && number(value, word->low, word->high, &step.value) != 0)
		return LF_EINVAL;
	if (extra.ptr) {
		key = until(&extra, '=');
		if (!slice_is(key, "retry-after") || number(extra, 0, 86400, &step.retry_after_s) != 0)
			return LF_EINVAL;
	}
	if (count.ptr && number(count, 1, MAX_NUMBER, &step.left) != 0)
		return LF_EINVAL;
	fault->steps[fault->count++] = step;
	return 0;
}

static int parse_one(struct fault *fault, struct slice text)
{
	struct slice count = text, extra, value, name;

	extra = until(&count, ':');
	value = until(&extra, ';');
	name = until(&value, '=');
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!slice_is(name, words[i].name))
			continue;
		if (words[i].action != FAULT_NONE)
			return add_step(fault, &words[i], value, extra, count);
		return extra.ptr || count.ptr ? LF_EINVAL : set(fault, &words[i], value);
	}
	return LF_EINVAL;
}

int fault_parse(const char *text, struct fault *ret, struct err *err)
{
	struct slice rest = slice_of(text);

	*ret = (struct fault){ .count = 0 };
	while (rest.len > 0) {
		struct slice one = until(&rest, ',');

		while (one.len > 0 && strchr(" \r\n", one.ptr[one.len - 1]))
			one.len--;
		if (one.len > 0 && parse_one(ret, one) != 0)
			return err_set(err, LF_EINVAL, "fault switch '%.*s': unknown, or its value is out of range",
			               (int)(one.len > 100 ? 100 : one.len), one.ptr);
	}
	return 0;
}

struct fault_step fault_take(struct fault *fault, bool is_health, bool is_post)
{
	if ((is_health && fault->skip_health) || (!is_post && fault->posts_only))
		return (struct fault_step){ .action = FAULT_NONE };
	for (unsigned i = 0; i < fault->count; i++) {
		if (fault->steps[i].left == 0)
			continue;
		if (fault->steps[i].left > 0)
			fault->steps[i].left--;
		return fault->steps[i];
	}
	return (struct fault_step){ .action = FAULT_NONE };
}
