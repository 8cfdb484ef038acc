/* XXH3 and hex. */
#include "base/hash.h"
#include "base/err.h"
#include <xxhash.h>

uint64_t hash_64(const void *bytes, size_t n)
{
	return XXH3_64bits(bytes, n);
}

struct hash128 hash_128(const void *bytes, size_t n)
{
	XXH128_canonical_t canonical;
	struct hash128 ret;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, n));
	memcpy(ret.bytes, canonical.digest, sizeof(ret.bytes));
	return ret;
}

void hash_hex(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hash_unhex(struct slice hex, uint8_t *out, size_t n)
{
	if (hex.len / 2 != n || hex.len % 2)
		return LF_EINVAL;
	for (size_t i = 0; i < n; i++) {
		int high = digit_value(hex.ptr[2 * i]);
		int low = digit_value(hex.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return LF_EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
