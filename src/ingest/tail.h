/* Whole lines of a file that grows, and what tells that it is still the same file. */
#ifndef LF_INGEST_TAIL_H
#define LF_INGEST_TAIL_H
#include "base/buf.h"
#include "base/err.h"

/* oversize_bytes: of a line that is larger than INGEST_MAX_VALUE_BYTES, and then empty; 0. */
typedef int tail_fn(void *context, struct slice line, uint64_t oversize_bytes, struct err *err);

struct tail;
struct tail *tail_new(void);
void tail_free(struct tail *tail);
/*
 * Gives the lines from *offset, where one begins, up to `end`: those that have a line break. Moves *offset behind each before it is given.
 * Stops behind the first line that makes it max_bytes. LF_EIO; or what fn returned.
 */
int tail_lines(struct tail *tail, int fd, uint64_t *offset, uint64_t end, uint64_t max_bytes, tail_fn *fn, void *context, struct err *err);
/* A hash of the last bytes before the offset; 0: there are fewer. */
uint64_t tail_marker(struct tail *tail, int fd, uint64_t offset);

#endif
