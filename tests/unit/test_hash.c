/* The hashes are part of the file format: their values are fixed here. */
#include "base/err.h"
#include "base/hash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void values_are_stable(void **state)
{
	struct hash128 empty = hash_128("", 0);
	char hex[33];

	(void)state;
	/* The published values of XXH3 for the empty input. */
	assert_true(hash_64("", 0) == UINT64_C(0x2d06800538d394c2));
	hash_hex(empty.bytes, 16, hex);
	assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
}

static void hex_round_trip(void **state)
{
	uint8_t bytes[4] = { 0x00, 0x7f, 0xa5, 0xff }, back[4] = { 0 };
	char hex[9];

	(void)state;
	hash_hex(bytes, 4, hex);
	assert_string_equal(hex, "007fa5ff");
	assert_int_equal(hash_unhex(SLICE("007FA5fF"), back, 4), 0);
	assert_memory_equal(bytes, back, 4);
}

static void unhex_refuses(void **state)
{
	uint8_t back[2];

	(void)state;
	assert_int_equal(hash_unhex(SLICE("007"), back, 2), LF_EINVAL);
	assert_int_equal(hash_unhex(SLICE("00700"), back, 2), LF_EINVAL);
	assert_int_equal(hash_unhex(SLICE("00g0"), back, 2), LF_EINVAL);
	assert_int_equal(hash_unhex(SLICE_NONE, back, 2), LF_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_stable), cmocka_unit_test(hex_round_trip), cmocka_unit_test(unhex_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
