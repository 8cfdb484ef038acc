/* Ids: hashes of the agent's own ids, so that every machine and channel makes the same ones. */
#include "assemble/assemble.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>

#define ID_SPACE "lfspool/1"
#define ID_MAX_PARTS 5

/* The parts NUL-separated behind ID_SPACE. The caller frees them. */
static char *join(const struct slice *parts, size_t count, size_t *ret_len)
{
	size_t n = sizeof ID_SPACE - 1;
	char *bytes, *to;

	for (size_t i = 0; i < count; i++)
		n += 1 + parts[i].len;
	bytes = xmalloc(n);
	memcpy(bytes, ID_SPACE, sizeof ID_SPACE - 1);
	to = bytes + sizeof ID_SPACE - 1;
	for (size_t i = 0; i < count; i++) {
		*to++ = '\0';
		if (parts[i].len)
			memcpy(to, parts[i].ptr, parts[i].len);
		to += parts[i].len;
	}
	*ret_len = n;
	return bytes;
}

static bool is_zero(const uint8_t *id, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (id[i])
			return false;
	return true;
}

void assemble_trace_id(struct slice source, struct slice root_session, struct slice turn, uint8_t out[16])
{
	struct slice parts[] = { source, SLICE("trace"), root_session, turn };
	size_t n;
	char *bytes = join(parts, turn.len ? 4 : 3, &n);
	struct hash128 hash = hash_128(bytes, n);

	free(bytes);
	memcpy(out, hash.bytes, 16);
	if (is_zero(out, 16))
		out[15] = 1;
}

void assemble_span_id(struct slice source, const char *kind, struct slice session, struct slice message, struct slice key, uint8_t out[8])
{
	struct slice parts[ID_MAX_PARTS] = { source, slice_of(kind), session, message, key };
	size_t n;
	char *bytes = join(parts, ID_MAX_PARTS, &n);
	uint64_t hash = hash_64(bytes, n);

	free(bytes);
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(hash >> (56 - 8 * i));
	if (is_zero(out, 8))
		out[7] = 1;
}

bool assemble_is_sampled(struct slice source, struct slice root_session, double rate)
{
	struct slice parts[] = { source, SLICE("sample"), root_session };
	uint64_t hash;
	size_t n;
	char *bytes;

	if (rate >= 1)
		return true;
	bytes = join(parts, 3, &n);
	hash = hash_64(bytes, n);
	free(bytes);
	return (double)(hash >> 11) / (double)(UINT64_C(1) << 53) < rate;
}
