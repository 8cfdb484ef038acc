/* A view of bytes that somebody else owns. Not NUL-terminated. */
#ifndef LF_BASE_SLICE_H
#define LF_BASE_SLICE_H
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })
#define SLICE_NONE ((struct slice){ NULL, 0 })

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, text ? strlen(text) : 0 };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
	return slice_equal(a, slice_of(text));
}

/* memcmp order, shorter first on a tie. */
int slice_compare(struct slice a, struct slice b);

#endif
