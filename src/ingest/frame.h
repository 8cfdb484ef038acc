/*
 * Cuts a stream of bytes into JSON values: lines (JSONL, server-sent events), or the elements of a document (an export, a
 * REST list). Any chunking; memory bounded by INGEST_MAX_VALUE_BYTES.
 */
#ifndef LF_INGEST_FRAME_H
#define LF_INGEST_FRAME_H
#include "base/buf.h"
#include "base/err.h"

enum frame_problem { FRAME_OK, FRAME_OVERSIZE, FRAME_TRUNCATED };
struct frame_value {
	struct slice text;      /* the value; empty when oversize */
	uint64_t line;          /* where it begins, from 1 */
	uint64_t bytes, xxh3;   /* of an oversize one: its size, and the hash of its first part */
	bool element;           /* of a document's list */
	enum frame_problem problem;
};
typedef int frame_fn(void *context, const struct frame_value *value, struct err *err);

struct frame;
struct frame *frame_new(frame_fn *fn, void *context);
void frame_free(struct frame *frame);
int frame_feed(struct frame *frame, struct slice bytes, struct err *err);
int frame_finish(struct frame *frame, struct err *err);

#endif
