/*
 * One regular expression (PCRE2 with JIT where the machine has it) and what a thread needs to match.
 * A pattern may be shared between threads; a matcher belongs to one thread. Subjects must be valid
 * UTF-8. Every match is bounded in steps, depth and memory, and all matches in one text together in
 * CPU time, so that no text and no pattern of a user can hold a thread up.
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
	PATTERN_CASELESS = 2,
	/* Compiled by the first match: most rules never see a text that is worth it. The source must outlive the
	 * pattern and be right; one that does not compile decides nothing. */
	PATTERN_LATE = 4
};

/* LF_EINVAL: err has the reason, *ret_offset (may be NULL) the byte in source. */
int pattern_new(struct slice source, unsigned flags, struct pattern **ret, size_t *ret_offset, struct err *err);
void pattern_free(struct pattern *pattern);

struct matcher *matcher_new(void);
void matcher_free(struct matcher *matcher);

/* A new text of so many bytes begins: its matches have 4 ms and 32 ns a byte of CPU (without JIT 8 times that). */
void matcher_begin(struct matcher *matcher, size_t text_bytes);

/*
 * Does an anchored pattern match at `start`? 1 and *ret_whole, *ret_group (start == end when the group took
 * no part), 0 when not, LF_ELIMIT when it could not be decided.
 */
int pattern_match(const struct pattern *pattern, struct matcher *matcher, struct slice text, size_t start,
                  unsigned group, struct span *ret_whole, struct span *ret_group);
/* The first match of a pattern that is not anchored, at or after start; else as above. */
int pattern_find(const struct pattern *pattern, struct matcher *matcher, struct slice text, size_t start,
                 struct span *ret_whole);

#endif
