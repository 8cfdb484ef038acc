/* Exponential histograms: every value falls into the bucket that holds it, and what is spread wide becomes coarser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "metrics/exponential.h"

static void powers_of_two_end_their_bucket(void **state)
{
	static const struct { double value; int32_t index; } rows[] = {
		{ 1, -1 }, { 2, 7 }, { 1.0000001, 0 }, { 4, 15 }, { 4.1, 16 }, { 0.5, -9 }, { 0.51, -8 }, { 1e-12, -319 }, { 11, 27 }, { 1048576, 159 },
		{ 1.0905077326652577, 0 }, { 1.0905077326652580, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (exponential_index(rows[i].value) != rows[i].index)
			fail_msg("%g: %d", rows[i].value, exponential_index(rows[i].value));
}

static double power(int eighths) /* 2^(eighths / 8), by roots */
{
	static const double root = 1.0905077326652577;
	double value = 1;

	for (; eighths > 0; eighths--)
		value *= root;
	for (; eighths < 0; eighths++)
		value /= root;
	return value;
}

static void every_value_is_within_its_bounds(void **state)
{
	(void)state;
	for (double value = 1e-6; value < 1e9; value *= 1.0173) {
		int32_t i = exponential_index(value);
		assert_true(value > power(i) * (1 - 1e-9));
		assert_true(value <= power(i + 1) * (1 + 1e-9));
	}
}

static void what_spreads_wide_becomes_coarser(void **state)
{
	struct exponential exponential = { .zero = 2 };
	struct exponential_dense dense;

	(void)state;
	exponential_spread(&exponential, &dense);
	assert_int_equal(dense.count, 0);
	exponential_add(&exponential, -3, 1);
	exponential_add(&exponential, 156, 2);
	exponential_add(&exponential, -3, 1);
	exponential_spread(&exponential, &dense);
	assert_int_equal(dense.scale, 3);
	assert_int_equal(dense.offset, -3);
	assert_int_equal(dense.count, 160);
	assert_int_equal(dense.buckets[0], 2);
	assert_int_equal(dense.buckets[159], 2);
	exponential_add(&exponential, 157, 5); /* one too far: buckets 2i and 2i + 1 become i */
	exponential_spread(&exponential, &dense);
	assert_int_equal(dense.scale, 2);
	assert_int_equal(dense.offset, -2);
	assert_int_equal(dense.count, 81);
	assert_int_equal(dense.buckets[0], 2);
	assert_int_equal(dense.buckets[80], 7);
	assert_int_equal(exponential_count(&exponential), 11);
	exponential_add(&exponential, -8000, 1);
	exponential_add(&exponential, 8000, 1);
	exponential_spread(&exponential, &dense);
	assert_true(dense.count <= EXPONENTIAL_MAX_BUCKETS);
	exponential_done(&exponential);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(powers_of_two_end_their_bucket),
		cmocka_unit_test(every_value_is_within_its_bounds),
		cmocka_unit_test(what_spreads_wide_becomes_coarser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
