/*
 * Finds where any of many literals stands in a text, in one pass: a table of byte pairs tells at every second
 * byte whether four bytes of a literal can be there; four more bytes decide most of what is left.
 * Immutable once sealed, so threads share it.
 */
#ifndef LF_REDACT_PREFILTER_H
#define LF_REDACT_PREFILTER_H
#include "base/slice.h"
#include <stdint.h>

#define PREFILTER_MIN_BYTES 3 /* of a literal */

struct prefilter;
struct prefilter *prefilter_new(void);
void prefilter_free(struct prefilter *filter);

/* text must outlive the filter. id: given back at each hit. False: too short, above 32 KiB, or more than 65,535 of them. */
bool prefilter_add(struct prefilter *filter, struct slice text, bool caseless, uint32_t id);
/* After the last literal, before the first search. */
void prefilter_seal(struct prefilter *filter);

/* at: where the literal begins. A negative value ends the search and is returned. */
typedef int prefilter_fn(void *context, uint32_t id, size_t at);
/* Calls hit for every place of every literal, each once, in about the order of the text. */
int prefilter_search(const struct prefilter *filter, struct slice text, prefilter_fn *hit, void *context);

#endif
