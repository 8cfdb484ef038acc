/* XXH3, the stable hash that ids and fingerprints are made of. Not cryptographic. */
#ifndef LF_BASE_HASH_H
#define LF_BASE_HASH_H
#include "base/slice.h"
#include <stdint.h>

struct hash128 {
	uint8_t bytes[16]; /* canonical (big endian) */
};

uint64_t hash_64(const void *bytes, size_t n);
struct hash128 hash_128(const void *bytes, size_t n);
/* Lower-case hex and a NUL: out holds 2n+1 bytes. */
void hash_hex(const uint8_t *bytes, size_t n, char *out);
/* Reads exactly 2n hex digits. 0 or LF_EINVAL. */
int hash_unhex(struct slice hex, uint8_t *out, size_t n);

#endif
