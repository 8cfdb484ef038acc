/* Numbers and truth out of a document's nodes. */
#include "base/json.h"
#include <stdlib.h>

/* A number's text taken apart: digits without the point, and where the point stands among them. */
struct decimal {
	struct slice whole, fraction;
	int64_t point; /* how many digits stand before it; may be negative or beyond the digits */
	bool negative;
};

static struct slice take_digits(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9')
		n++;
	s->ptr += n;
	s->len -= n;
	return (struct slice){ s->ptr - n, n };
}

static bool take(struct slice *s, const char *any_of)
{
	if (!s->len || !*s->ptr || !strchr(any_of, *s->ptr))
		return false;
	s->ptr++;
	s->len--;
	return true;
}

static struct decimal take_apart(struct slice text)
{
	struct decimal d = { .negative = take(&text, "-") };
	const int64_t far = INT32_MAX;
	int64_t exponent = 0;

	d.whole = take_digits(&text);
	if (take(&text, "."))
		d.fraction = take_digits(&text);
	if (take(&text, "eE")) {
		bool below = text.len && *text.ptr == '-';
		struct slice digits;

		take(&text, "+-");
		digits = take_digits(&text);
		for (size_t i = 0; i < digits.len && exponent < far; i++)
			exponent = exponent * 10 + (digits.ptr[i] - '0');
		exponent = below ? -exponent : exponent;
	}
	d.point = (int64_t)d.whole.len + exponent;
	return d;
}

static char digit_at(const struct decimal *d, int64_t i)
{
	if (i < (int64_t)d->whole.len)
		return d->whole.ptr[i];
	i -= (int64_t)d->whole.len;
	return i < (int64_t)d->fraction.len ? d->fraction.ptr[i] : '0';
}

/* False when something other than zeros stands behind the point. */
static bool is_whole(const struct decimal *d)
{
	int64_t count = (int64_t)(d->whole.len + d->fraction.len);

	for (int64_t i = d->point > 0 ? d->point : 0; i < count; i++)
		if (digit_at(d, i) != '0')
			return false;
	return true;
}

static uint64_t whole_value(const struct decimal *d)
{
	const uint64_t limit = (uint64_t)INT64_MAX + d->negative;
	int64_t count = (int64_t)(d->whole.len + d->fraction.len);
	uint64_t value = 0;

	for (int64_t i = 0; i < d->point; i++) {
		uint64_t digit = (uint64_t)(digit_at(d, i) - '0');

		if (value > (limit - digit) / 10)
			return limit;
		value = value * 10 + digit;
		/* Behind the last digit only zeros come: nothing stays nothing. */
		if (i >= count && !value)
			break;
	}
	return value;
}

#define PLAIN_DIGITS 18 /* so many fit whatever they are */

/* Most numbers are a few digits and nothing else. */
static bool read_plain(struct slice text, int64_t *ret)
{
	int64_t value = 0;

	if (text.len > PLAIN_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)((uint8_t)text.ptr[i] - '0');

		if (digit > 9)
			return false;
		value = value * 10 + (int64_t)digit;
	}
	*ret = value;
	return true;
}

int64_t json_int(const struct json_doc *doc, int32_t node, int64_t fallback)
{
	struct slice raw = json_raw(doc, node);
	struct decimal d;
	int64_t plain;
	uint64_t value;

	if (json_type_of(doc, node) != JSON_NUMBER)
		return fallback;
	if (read_plain(raw, &plain))
		return plain;
	d = take_apart(raw);
	if (!is_whole(&d))
		return fallback;
	value = whole_value(&d);
	if (!d.negative)
		return (int64_t)value;
	return value > (uint64_t)INT64_MAX ? INT64_MIN : -(int64_t)value;
}

double json_double(const struct json_doc *doc, int32_t node, double fallback)
{
	struct slice raw = json_raw(doc, node);
	char small[64], *text = small;
	double value;

	if (json_type_of(doc, node) != JSON_NUMBER)
		return fallback;
	if (raw.len >= sizeof(small)) {
		text = malloc(raw.len + 1);
		if (!text)
			return fallback;
	}
	memcpy(text, raw.ptr, raw.len);
	text[raw.len] = '\0';
	value = strtod(text, NULL);
	if (text != small)
		free(text);
	return value;
}

bool json_bool(const struct json_doc *doc, int32_t node, bool fallback)
{
	enum json_type type = json_type_of(doc, node);

	return type == JSON_TRUE ? true : type == JSON_FALSE ? false : fallback;
}
