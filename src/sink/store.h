/*
 * What was accepted. v4 keeps every row again; v2 and v3 merge by observation id, project-wide: an
 * observation never changes its trace. Not thread-safe: the receiver's lock guards it.
 */
#ifndef LF_SINK_STORE_H
#define LF_SINK_STORE_H
#include "sink/sink.h"
#include "sink/span.h"

struct sink_row {
	struct sink_span span;   /* its slices point into memory of the row */
	int64_t stored_ms;       /* monotonic */
	int64_t created_ms;      /* wall */
	uint64_t changed;        /* store_changes() after it was added or merged last */
	struct arena memory;
};
struct sink_trace {
	struct sink_span span;   /* the trace's own facts */
	struct arena memory;
};
struct store;

struct store *store_new(enum sink_profile profile, int out_fd /* -1: none; the store closes it */);
void store_free(struct store *store);
/* Takes over one span (copied). LF_EFULL beyond what a receiver should hold; LF_EIO when the file failed. */
int store_add(struct store *store, const struct sink_span *span, int64_t wall_ms, int64_t mono_ms, struct err *err);
/* Grows with each row that is added or changed. */
uint64_t store_changes(const struct store *store);
size_t store_count(const struct store *store);
const struct sink_row *store_row(const struct store *store, size_t index);
const struct sink_trace *store_trace(const struct store *store, struct slice id); /* NULL: none */
size_t store_score_count(const struct store *store);
struct slice store_score(const struct store *store, size_t index);
/* Fills observations, duplicates and traces. */
void store_figures(const struct store *store, struct sink_figures *ret);
/* The neutral form of all rows, one JSON a line. */
int store_lines(const struct store *store, struct buf *out);

#endif
