/* W3C Trace Context, https://www.w3.org/TR/trace-context/ §3.2; see map.h. */
#include "map/map.h"
#include "base/hash.h"
#include <string.h>

#define VERSION_END 2   /* "00-<32>-<16>-<2>" */
#define TRACE_END 35
#define PARENT_END 52
#define LENGTH 55

static bool is_zero(const uint8_t *bytes, size_t n)
{
	uint8_t all = 0;

	while (n > 0)
		all |= bytes[--n];
	return all == 0;
}

int map_traceparent(const char *text, struct map_parent *ret)
{
	struct slice in = slice_of(text);
	uint8_t version, flags;

	/* A later version may have more behind another dash. */
	if (in.len < LENGTH || in.ptr[VERSION_END] != '-' || in.ptr[TRACE_END] != '-' || in.ptr[PARENT_END] != '-' ||
	    (in.len > LENGTH && in.ptr[LENGTH] != '-') || strpbrk(text, "ABCDEF"))
		return LF_EINVAL;
	if (hash_unhex((struct slice){ in.ptr, VERSION_END }, &version, 1) != 0 || version == 0xff || (version == 0 && in.len > LENGTH) ||
	    hash_unhex((struct slice){ in.ptr + PARENT_END + 1, 2 }, &flags, 1) != 0)
		return LF_EINVAL;
	if (hash_unhex((struct slice){ in.ptr + VERSION_END + 1, 32 }, ret->trace_id, 16) != 0 ||
	    hash_unhex((struct slice){ in.ptr + TRACE_END + 1, 16 }, ret->span_id, 8) != 0)
		return LF_EINVAL;
	return is_zero(ret->trace_id, 16) || is_zero(ret->span_id, 8) ? LF_EINVAL : 0;
}
