/*
 * Cuts a stream of bytes into JSON values: lines (JSONL, server-sent events), or the elements of a document (an export, a
 * REST list). Any chunking gives the same values; memory is bounded by INGEST_MAX_VALUE_BYTES. Whether a value is JSON is
 * not looked at here.
 */
#ifndef LF_INGEST_FRAME_H
#define LF_INGEST_FRAME_H
#include "base/buf.h"
#include "base/err.h"

enum frame_problem {
	FRAME_OK,
	FRAME_LAST,      /* the last line, without a line break: it may be cut off */
	FRAME_OVERSIZE,
	FRAME_TRUNCATED, /* the input ends inside a document */
	FRAME_BROKEN     /* what follows cannot be told apart: skipped up to a line that begins with '{' or '[' */
};
struct frame_value {
	struct slice text;    /* the value; empty where there is none, and for FRAME_OVERSIZE and later */
	uint64_t line;        /* where it begins, from 1 */
	uint64_t bytes, xxh3; /* of an oversize one: its size, and the hash of its first INGEST_MAX_VALUE_BYTES */
	size_t skipped;       /* bytes of the line before text ("data: ", blanks) */
	enum frame_problem problem;
};
typedef int frame_fn(void *context, const struct frame_value *value, struct err *err);

struct frame;
struct frame *frame_new(frame_fn *fn, void *context);
void frame_free(struct frame *frame);
/* What fn returned when it was not 0: then the frame must not be fed any more. */
int frame_feed(struct frame *frame, struct slice bytes, struct err *err);
int frame_finish(struct frame *frame, struct err *err);

#endif
