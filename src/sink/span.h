/*
 * What the readers of requests hand to the store: one span with the facts that the neutral observation
 * has no room for. All slices point into the request body or into the batch's arena.
 */
#ifndef LF_SINK_SPAN_H
#define LF_SINK_SPAN_H
#include "event/observation.h"

/* Memory of one request: given back all at once. Fails (NULL) beyond max_bytes. */
struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t used_bytes, max_bytes;
};
void arena_init(struct arena *arena, size_t max_bytes);
void arena_done(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t n);
/* Copies; SLICE_NONE when memory is gone. */
struct slice arena_slice(struct arena *arena, struct slice s);
/* The text of a buffer, copied; frees the buffer. LF_ENOMEM, LF_ELIMIT or the buffer's own failure. */
int arena_take(struct arena *arena, struct buf *buf, struct slice *ret);
/* text as a JSON string. */
int arena_quote(struct arena *arena, struct slice text, struct slice *ret);

enum sink_span_kind { SPAN_OBSERVATION, SPAN_TRACE, SPAN_SCORE };
struct sink_span {
	enum sink_span_kind kind;
	struct observation obs;
	struct slice trace_text, span_text, parent_text; /* ids as they came: Langfuse takes any string */
	struct slice trace_name, user, environment, release, version;
	struct slice tags;       /* JSON array or empty */
	struct slice usage;      /* JSON objects as they came, or empty */
	struct slice cost;
	struct slice attributes; /* JSON object: what Langfuse keeps a second time in the metadata, or empty */
	struct slice raw;        /* a score's own JSON */
	bool has_level, has_type;
	bool is_app_root;
};

struct sink_batch {
	struct arena arena;
	struct sink_span *spans;
	size_t count, cap;
};
void sink_batch_init(struct sink_batch *batch, size_t max_bytes);
void sink_batch_done(struct sink_batch *batch);
/* A new span with nothing known, at the end; NULL without memory. Earlier pointers may move. */
struct sink_span *sink_batch_add(struct sink_batch *batch);

/* Fills the binary ids from the texts: hex of the right length as it is, anything else by its hash. */
void sink_span_ids(struct sink_span *span);
/* Usage and cost objects to the neutral fields. LF_EINVAL when text is no JSON object. */
int sink_span_usage(struct sink_span *span, struct slice json);
int sink_span_cost(struct sink_batch *batch, struct sink_span *span, struct slice json);
/* What the metadata says of where the observation comes from. */
int sink_span_origin(struct sink_batch *batch, struct sink_span *span);
/* Both objects, first-level keys of the later one winning. */
int sink_merge_objects(struct slice older, struct slice newer, struct buf *out);

#endif
