/* OTLP trace requests, protobuf or JSON, to spans as Langfuse understands them. */
#ifndef LF_SINK_OTLP_H
#define LF_SINK_OTLP_H
#include "sink/span.h"

struct otlp_attribute {
	struct slice key;
	struct slice value; /* the text of a string, else JSON */
	bool is_string;
};
struct otlp_attributes {
	struct otlp_attribute *items;
	size_t count, cap;
};
struct otlp_attribute *otlp_attributes_add(struct otlp_attributes *attributes);
void otlp_attributes_done(struct otlp_attributes *attributes);

struct otlp_span {
	struct slice trace, span, parent; /* hex, or any text in JSON */
	struct slice name, status_message;
	uint64_t start_ns, end_ns;        /* 0: not given */
	int64_t status_code;
	struct otlp_attributes attributes;
};
struct otlp_context {
	struct sink_batch *batch;
	int64_t now_ms;
	bool strict_ids;                  /* 16 and 8 bytes, as collectors want them */
	struct otlp_attributes resource;
	struct slice scope;
};

/* One whole request. LF_EINVAL with words: nothing of it may be stored. */
int otlp_decode_protobuf(struct slice body, bool strict_ids, int64_t now_ms, struct sink_batch *batch, struct err *err);
int otlp_decode_json(struct slice body, bool strict_ids, int64_t now_ms, struct sink_batch *batch, struct err *err);
/* Whether the bytes are protobuf at all: for the OTLP signals that are only counted. */
bool otlp_is_protobuf(struct slice body);

/* Checks the ids and adds the span to the batch, with the meaning that Langfuse gives the attributes. */
int otlp_map_span(struct otlp_context *context, const struct otlp_span *in, struct err *err);

#endif
