/* Time: the two clocks, ISO 8601 (proleptic Gregorian, UTC), ages and durations. */
#include "base/clock.h"
#include "base/err.h"
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* What four digits of a year can say. */
#define YEAR_1 (-INT64_C(62135596800000))
#define YEAR_10000 INT64_C(253402300800000)

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static int64_t read_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_process_ns(void)
{
	return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01. Years begin in March here, so that the leap day is the last of its year. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t from_march = (month + 9) % 12;
	int64_t leap_days = y / 4 - y / 100 + y / 400;

	return 365 * y + leap_days + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in(int64_t year, int64_t month)
{
	static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

void clock_format_iso(int64_t ms, char out[32])
{
	const int64_t first = days_of(1, 1, 1) * DAY, last = days_of(10000, 1, 1) * DAY - 1;
	int64_t day, rest, year, month = 1;

	/* Four digits of year are all that the format has. */
	ms = ms < first ? first : ms > last ? last : ms;
	day = ms / DAY - (ms % DAY < 0);
	rest = ms - day * DAY;
	year = 1970 + day / 366 - (day < 0);
	while (days_of(year + 1, 1, 1) <= day)
		year++;
	while (days_of(year, 1, 1) > day)
		year--;
	day -= days_of(year, 1, 1);
	for (; day >= days_in(year, month); month++)
		day -= days_in(year, month);
	snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000, (unsigned)month % 100,
	         (unsigned)(day + 1) % 100, (unsigned)(rest / HOUR) % 24, (unsigned)(rest / MINUTE) % 60,
	         (unsigned)(rest / SECOND) % 60, (unsigned)rest % 1000);
}

/* Takes exactly n digits off the front. */
static bool take_digits(struct slice *s, size_t n, int64_t *ret)
{
	int64_t value = 0;

	if (s->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		value = value * 10 + (s->ptr[i] - '0');
	}
	s->ptr += n;
	s->len -= n;
	*ret = value;
	return true;
}

static bool take_char(struct slice *s, char c)
{
	if (!s->len || *s->ptr != c)
		return false;
	s->ptr++;
	s->len--;
	return true;
}

static bool take_date(struct slice *s, int64_t *ret_ms)
{
	int64_t year, month, day;

	if (!take_digits(s, 4, &year) || !take_char(s, '-') || !take_digits(s, 2, &month) ||
	    !take_char(s, '-') || !take_digits(s, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
		return false;
	*ret_ms = days_of(year, month, day) * DAY;
	return true;
}

/* ".133" to 133; digits behind the third are checked and dropped. */
static bool take_fraction(struct slice *s, int64_t *ret_ms)
{
	int64_t digit, scale = 100, ms = 0;

	if (!take_char(s, '.') && !take_char(s, ','))
		return true;
	if (!s->len || *s->ptr < '0' || *s->ptr > '9')
		return false;
	while (take_digits(s, 1, &digit)) {
		ms += digit * scale;
		scale /= 10;
	}
	*ret_ms += ms;
	return true;
}

static bool take_time(struct slice *s, int64_t *ret_ms)
{
	int64_t hour, minute, second = 0;

	if (!take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute))
		return false;
	if (take_char(s, ':') && !take_digits(s, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ret_ms += hour * HOUR + minute * MINUTE + second * SECOND;
	return take_fraction(s, ret_ms);
}

/* Z, +02:00, +0200 or +02. */
static bool take_zone(struct slice *s, int64_t *ret_ms)
{
	int64_t hour, minute = 0;
	bool east;

	if (take_char(s, 'Z') || take_char(s, 'z'))
		return true;
	east = take_char(s, '+');
	if (!east && !take_char(s, '-'))
		return false;
	if (!take_digits(s, 2, &hour))
		return false;
	if ((take_char(s, ':') || s->len) && !take_digits(s, 2, &minute))
		return false;
	if (hour > 23 || minute > 59)
		return false;
	*ret_ms += (east ? -1 : 1) * (hour * HOUR + minute * MINUTE);
	return true;
}

int clock_parse_iso(struct slice text, int64_t *ret_ms)
{
	int64_t ms = 0;

	if (!take_date(&text, &ms))
		return LF_EINVAL;
	if (!take_char(&text, 'T') && !take_char(&text, 't') && !take_char(&text, ' '))
		return LF_EINVAL;
	if (!take_time(&text, &ms) || !take_zone(&text, &ms) || text.len || ms < YEAR_1 || ms >= YEAR_10000)
		return LF_EINVAL;
	*ret_ms = ms;
	return 0;
}

static int64_t unit_ms(char unit)
{
	switch (unit) {
	case 's': return SECOND;
	case 'm': return MINUTE;
	case 'h': return HOUR;
	case 'd': return DAY;
	case 'w': return 7 * DAY;
	default: return 0;
	}
}

static int parse_date_age(struct slice text, int64_t now_ms, int64_t *ret_age_ms)
{
	struct slice rest = text;
	int64_t ms;

	if (!take_date(&rest, &ms))
		return LF_EINVAL;
	if (rest.len && clock_parse_iso(text, &ms))
		return LF_EINVAL;
	if (ms > now_ms)
		return LF_EINVAL;
	*ret_age_ms = now_ms - ms;
	return 0;
}

int clock_parse_age(const char *text, int64_t now_ms, int64_t *ret_age_ms)
{
	struct slice rest = slice_of(text);
	int64_t number = 0, digit, unit;
	size_t digits = 0;

	while (digits < 10 && take_digits(&rest, 1, &digit)) {
		number = number * 10 + digit;
		digits++;
	}
	unit = rest.len == 1 ? unit_ms(*rest.ptr) : 0;
	if (!digits || !unit)
		return parse_date_age(slice_of(text), now_ms, ret_age_ms);
	*ret_age_ms = number * unit;
	return 0;
}

void clock_format_duration(int64_t ms, char out[32])
{
	const char *sign = ms < 0 ? "-" : "";

	if (ms < 0)
		ms = ms == INT64_MIN ? INT64_MAX : -ms;
	if (ms < SECOND)
		snprintf(out, 32, "%s%" PRId64 "ms", sign, ms);
	else if (ms < MINUTE)
		snprintf(out, 32, "%s%" PRId64 ".%" PRId64 "s", sign, ms / SECOND, ms % SECOND / 100);
	else if (ms < HOUR)
		snprintf(out, 32, "%s%" PRId64 "m%02" PRId64 "s", sign, ms / MINUTE, ms % MINUTE / SECOND);
	else if (ms < 2 * DAY)
		snprintf(out, 32, "%s%" PRId64 "h%02" PRId64 "m", sign, ms / HOUR, ms % HOUR / MINUTE);
	else
		snprintf(out, 32, "%s%" PRId64 "d", sign, ms / DAY);
}
