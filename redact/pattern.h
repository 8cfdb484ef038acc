/*
 * One regular expression (PCRE2 with JIT where the machine has it) and what a thread needs to match.
 * A pattern is immutable and may be shared; a matcher belongs to one thread. Subjects must be valid
 * UTF-8. Every match is bounded in steps, depth and memory.
 */
#ifndef LF_REDACT_PATTERN_H
#define LF_REDACT_PATTERN_H
#include "base/err.h"
#include "base/slice.h"

struct pattern;
struct matcher;

struct span {
	size_t start, end;
};

enum pattern_flag {
	PATTERN_ANCHORED = 1, /* matches only where the search starts */
	PATTERN_CASELESS = 2
};

/* LF_EINVAL: err has the reason, *ret_offset (may be NULL) the byte in source. */
int pattern_new(struct slice source, unsigned flags, struct pattern **ret, size_t *ret_offset, struct err *err);
void pattern_free(struct pattern *pattern);

struct matcher *matcher_new(void);
void matcher_free(struct matcher *matcher);

/*
 * The first match at or after start: 1 and *ret_whole, *ret_group (start == end when the group took no
 * part), 0 when there is none, LF_ELIMIT when it could not be decided.
 */
int pattern_find(const struct pattern *pattern, struct matcher *matcher, struct slice text, size_t start,
                 unsigned group, struct span *ret_whole, struct span *ret_group);

#endif
