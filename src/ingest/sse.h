/*
 * Server-sent events (WHATWG HTML, "Server-sent events"): bytes in pieces of any size -> the data of each event. Lines end with
 * LF, CR or CRLF, also where a piece ends between the two; several data lines are joined by LF; comments and other fields pass
 * unseen; an event without its blank line is none.
 */
#ifndef LF_INGEST_SSE_H
#define LF_INGEST_SSE_H
#include "base/buf.h"
#include "base/err.h"

/* data lives for the call. oversize_bytes > 0: it was larger than may be kept, and is not here. Non-zero ends the feeding. */
typedef int sse_fn(void *context, struct slice data, uint64_t oversize_bytes, struct err *err);

struct sse;
/* max_bytes: of the data of one event. */
struct sse *sse_new(size_t max_bytes, sse_fn *fn, void *context);
void sse_free(struct sse *sse);
/* 0, or what fn returned: the rest of the bytes is not read. */
int sse_feed(struct sse *sse, struct slice bytes, struct err *err);
/* A new connection: what was half read is forgotten. */
void sse_reset(struct sse *sse);

#endif
