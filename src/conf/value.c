/* Reads values by type: ranges, units, choices. Every message says what would have been right. */
#include "conf/value.h"
#include "base/json.h"
#include "base/mem.h"
#include "conf/path.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define DIGITS "0123456789"

/* Largest first: the largest that divides a duration is the one it is shown in. */
static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{ "w", 604800000 }, { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

typedef int parse_fn(const struct conf_option *option, const char *text, const char *base_dir,
                     struct value *ret, struct err *err);

static parse_fn parse_string, parse_key, parse_int, parse_bool, parse_enum, parse_duration, parse_path,
	parse_number, parse_list, parse_url;

static parse_fn *const parsers[] = {
	[CONF_STRING] = parse_string, [CONF_SECRET] = parse_key, [CONF_INT] = parse_int, [CONF_BOOL] = parse_bool,
	[CONF_ENUM] = parse_enum, [CONF_DURATION] = parse_duration, [CONF_PATH] = parse_path,
	[CONF_NUMBER] = parse_number, [CONF_KEY] = parse_key, [CONF_LIST] = parse_list, [CONF_URL] = parse_url,
};

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

static bool is_utf8(const char *text)
{
	return json_utf8_valid(slice_of(text)) == strlen(text);
}

bool value_is_text(const char *text)
{
	return is_utf8(text) && !has_control(text);
}

/* An empty value unsets what is text; numbers, bools and choices have no empty value where they have a default. */
static bool may_be_empty(const struct conf_option *option)
{
	enum conf_type type = option->type;

	if (!option->fallback)
		return true;
	return type != CONF_INT && type != CONF_BOOL && type != CONF_ENUM && type != CONF_DURATION && type != CONF_NUMBER;
}

int value_parse(const struct conf_option *option, const char *text, const char *base_dir,
                struct value *ret, struct err *err)
{
	memset(ret, 0, sizeof *ret);
	if (has_control(text))
		return err_set(err, LF_EINVAL, "must not contain control characters");
	if (!is_utf8(text))
		return err_set(err, LF_EINVAL, "must be UTF-8");
	if (!*text && may_be_empty(option))
		return 0;
	return parsers[option->type](option, text, base_dir, ret, err);
}

void value_done(struct value *value)
{
	if (value->text)
		explicit_bzero(value->text, strlen(value->text));
	free(value->text);
	memset(value, 0, sizeof *value);
}

static int parse_string(const struct conf_option *option, const char *text, const char *base_dir,
                        struct value *ret, struct err *err)
{
	(void)option, (void)base_dir, (void)err;
	ret->text = xstrdup(text);
	return 0;
}

static int parse_key(const struct conf_option *option, const char *text, const char *base_dir,
                     struct value *ret, struct err *err)
{
	for (const char *p = text; *p; p++)
		if (!isascii((unsigned char)*p) || !(isgraph((unsigned char)*p) || (option->blanks && *p == ' ')))
			return err_set(err, LF_EINVAL, option->blanks ? "must be ASCII" : "must be one word of ASCII");
	return parse_string(option, text, base_dir, ret, err);
}

static int parse_int(const struct conf_option *option, const char *text, const char *base_dir,
                     struct value *ret, struct err *err)
{
	const char *digits = text + (*text == '-');
	bool whole = *digits && digits[strspn(digits, DIGITS)] == '\0';

	errno = 0;
	ret->number = whole ? strtoll(text, NULL, 10) : 0;
	if (!whole || errno || ret->number < option->min || ret->number > option->max)
		return err_set(err, LF_EINVAL, "must be %s%" PRId64 " to %" PRId64,
		               whole ? "" : "a whole number, ", option->min, option->max);
	return parse_string(option, text, base_dir, ret, err);
}

static int parse_number(const struct conf_option *option, const char *text, const char *base_dir,
                        struct value *ret, struct err *err)
{
	char *end;

	ret->real = strtod(text, &end);
	if (text[strspn(text, DIGITS ".eE+-")] || *end || !isfinite(ret->real) ||
	    ret->real < (double)option->min || ret->real > (double)option->max)
		return err_set(err, LF_EINVAL, "must be a number, %" PRId64 " to %" PRId64, option->min, option->max);
	return parse_string(option, text, base_dir, ret, err);
}

int value_parse_bool(const char *text, bool *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*ret = i % 2 == 1;
			return 0;
		}
	return LF_EINVAL;
}

static int parse_bool(const struct conf_option *option, const char *text, const char *base_dir,
                      struct value *ret, struct err *err)
{
	bool on;

	if (value_parse_bool(text, &on) != 0)
		return err_set(err, LF_EINVAL, "must be true or false");
	ret->number = on;
	return parse_string(option, on ? "true" : "false", base_dir, ret, err);
}

/* The index of the item among "a|b|c", or -1. */
static int choice_index(const char *choices, struct slice item)
{
	for (int i = 0;; i++) {
		size_t n = strcspn(choices, "|");
		if (slice_equal(item, (struct slice){ choices, n }))
			return i;
		if (!choices[n])
			return -1;
		choices += n + 1;
	}
}

static int choice_error(const char *choices, struct err *err)
{
	struct buf words;
	int rc;

	buf_init(&words, sizeof err->text);
	for (const char *p = choices; *p; p++)
		if (*p == '|')
			buf_text(&words, strchr(p + 1, '|') ? ", " : " or ");
		else
			buf_char(&words, *p);
	rc = err_set(err, LF_EINVAL, "must be %s", words.data ? words.data : choices);
	buf_done(&words);
	return rc;
}

static int parse_enum(const struct conf_option *option, const char *text, const char *base_dir,
                      struct value *ret, struct err *err)
{
	int index = choice_index(option->choices, slice_of(text));

	if (index < 0)
		return choice_error(option->choices, err);
	ret->number = index;
	return parse_string(option, text, base_dir, ret, err);
}

static void format_ms(int64_t ms, char out[32])
{
	const struct unit *unit = units;

	while (ms % unit->ms != 0)
		unit++;
	snprintf(out, 32, "%" PRId64 "%s", ms / unit->ms, ms ? unit->name : "");
}

static const struct unit *unit_find(const char *name)
{
	for (size_t i = 0; i < COUNT(units); i++)
		if (strcmp(units[i].name, *name ? name : "s") == 0)
			return &units[i];
	return NULL;
}

/* "5s", "1.5h", "250ms"; a plain number is seconds. Saturates at INT64_MAX. */
static int read_duration(const char *text, int64_t *ret_ms)
{
	size_t whole = strspn(text, DIGITS), fraction = 0;
	const char *rest = text + whole;
	int64_t ms, part = 0, scale = 1;
	const struct unit *unit;

	if (*rest == '.')
		fraction = strspn(++rest, DIGITS);
	unit = unit_find(rest + fraction);
	if (whole == 0 || (rest != text + whole && fraction == 0) || !unit)
		return LF_EINVAL;
	errno = 0;
	ms = strtoll(text, NULL, 10);
	if (errno || ms > INT64_MAX / 2 / unit->ms) {
		*ret_ms = INT64_MAX;
		return 0;
	}
	for (size_t i = 0; i < fraction && i < 6; i++) {
		part = part * 10 + (rest[i] - '0');
		scale *= 10;
	}
	*ret_ms = ms * unit->ms + part * unit->ms / scale;
	return 0;
}

static int parse_duration(const struct conf_option *option, const char *text, const char *base_dir,
                          struct value *ret, struct err *err)
{
	char low[32], high[32];
	int rc = read_duration(text, &ret->number);

	format_ms(option->min, low);
	format_ms(option->max, high);
	if (rc != 0)
		return err_set(err, LF_EINVAL, "must be a number with ms, s, m, h, d or w, %s to %s", low, high);
	if (ret->number < option->min || ret->number > option->max)
		return err_set(err, LF_EINVAL, "must be %s to %s", low, high);
	return parse_string(option, text, base_dir, ret, err);
}

static int parse_path(const struct conf_option *option, const char *text, const char *base_dir,
                      struct value *ret, struct err *err)
{
	(void)option;
	return path_expand(text, base_dir, &ret->text, err);
}

static struct slice trim(struct slice s)
{
	while (s.len && isblank((unsigned char)s.ptr[0]))
		s.ptr++, s.len--;
	while (s.len && isblank((unsigned char)s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static int parse_list(const struct conf_option *option, const char *text, const char *base_dir,
                      struct value *ret, struct err *err)
{
	struct buf list;

	(void)base_dir;
	buf_init(&list, 0);
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ",");
		struct slice item = trim((struct slice){ p, n });
		p += n + (p[n] == ',');
		if (item.len == 0)
			continue;
		if (option->choices && choice_index(option->choices, item) < 0) {
			buf_done(&list);
			return choice_error(option->choices, err);
		}
		if (list.len)
			buf_char(&list, ',');
		buf_slice(&list, item);
	}
	ret->text = buf_take(&list, NULL);
	return list.failed ? err_set(err, list.failed, "no memory") : 0;
}

static int parse_url(const struct conf_option *option, const char *text, const char *base_dir,
                     struct value *ret, struct err *err)
{
	const char *host = NULL;

	if (strncasecmp(text, "https://", 8) == 0)
		host = text + 8;
	else if (strncasecmp(text, "http://", 7) == 0)
		host = text + 7;
	if (!host || strcspn(host, "/:?#") == 0 || strpbrk(text, " ?#"))
		return err_set(err, LF_EINVAL, "must be a URL such as https://langfuse.example");
	if (strchr(host, '@'))
		return err_set(err, LF_EINVAL, "must not hold a user or password");
	return parse_string(option, text, base_dir, ret, err);
}
