/* ISO 8601 both ways, ages and durations. */
#include "base/clock.h"
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY INT64_C(86400000)

static void iso_round_trip(void **state)
{
	char text[32];

	(void)state;
	/* An odd step visits every month, leap days and the centuries. */
	for (int64_t ms = -62135596800000; ms < INT64_C(253402300799999); ms += 17 * DAY + 12345677) {
		int64_t back = 1;

		clock_format_iso(ms, text);
		assert_int_equal(strlen(text), 24);
		assert_int_equal(clock_parse_iso(slice_of(text), &back), 0);
		assert_true(back == ms);
	}
}

static void iso_known(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2000-02-29T00:00:00.000Z", 951782400000 },
		{ "2026-11-21T05:13:25.133Z", 1795238005133 },
		{ "2026-11-21T07:13:25.133999+02:00", 1795238005133 },
		{ "2026-11-20T23:43:25.133-0530", 1795238005133 },
		{ "2026-11-21 05:13:25,1Z", 1795238005100 },
		{ "1969-12-31T23:59:59.999Z", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = 1;

		assert_int_equal(clock_parse_iso(slice_of(rows[i].text), &ms), 0);
		assert_true(ms == rows[i].ms);
	}
}

static void iso_refused(void **state)
{
	static const char *const rows[] = {
		"", "2026", "2026-11-21", "2026-11-21T05:13:25", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
		"2026-11-21T24:00:00Z", "2026-11-21T05:60:00Z", "2026-11-21T05:13:25.Z", "2026-11-21T05:13:25Zx",
		"2026-11-21T05:13:25+2", "2026-11-21T05:13:25+02:", "2026-1-21T05:13:25Z", "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+01:00",
	};
	int64_t ms = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(clock_parse_iso(slice_of(rows[i]), &ms), LF_EINVAL);
	assert_true(ms == 77);
}

static void ages(void **state)
{
	const int64_t now = 1795238005133;
	int64_t age = 0;

	(void)state;
	assert_int_equal(clock_parse_age("30s", now, &age), 0);
	assert_true(age == 30000);
	assert_int_equal(clock_parse_age("2w", now, &age), 0);
	assert_true(age == 14 * DAY);
	assert_int_equal(clock_parse_age("2026-11-20", now, &age), 0);
	assert_true(age == now - INT64_C(1795132800000));
	assert_int_equal(clock_parse_age("2026-11-21T05:13:25Z", now, &age), 0);
	assert_true(age == 133);
	assert_int_equal(clock_parse_age("2026-11-22", now, &age), LF_EINVAL);
	for (const char *const *bad = (const char *const[]){ "", "d", "5", "5y", "5dd", "-5d", "1.5h", "99999999999d", NULL }; *bad; bad++)
		assert_int_equal(clock_parse_age(*bad, now, &age), LF_EINVAL);
}

static void durations(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0ms" }, { 850, "850ms" }, { 4290, "4.2s" }, { 185000, "3m05s" },
		{ 7800000, "2h10m" }, { 5 * DAY, "5d" }, { -1500, "-1.5s" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		clock_format_duration(rows[i].ms, text);
		assert_string_equal(text, rows[i].text);
	}
	clock_format_duration(INT64_MIN, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iso_round_trip), cmocka_unit_test(iso_known), cmocka_unit_test(iso_refused),
		cmocka_unit_test(ages), cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
