/* Spans of OTLP requests and the conventions that name their parts. Private to map/. */
#ifndef LF_MAP_MAP_OTLP_H
#define LF_MAP_MAP_OTLP_H
#include "map/map.h"
#include "map/otlp_write.h"

#define SPAN_ATTRIBUTES 9

/* The span in hand. */
struct otlp_span {
	struct otlp_writer *otlp;
	const struct map_options *options;
	const struct observation *observation;
	bool has_parent;           /* everything stands in parent's trace */
	struct map_parent parent;
	struct json_doc metadata;  /* the observation's; an object, or nothing is in it */
	struct json_doc content;   /* scratch: input or output */
	struct buf value, text;    /* scratch */
};

struct otlp_convention {
	void (*name)(struct otlp_span *span);  /* appends to span->value */
	int (*attributes)(struct otlp_span *span, struct err *err);
};
extern const struct otlp_convention convention_langfuse, convention_gen_ai, convention_openinference;

/* Attributes; an empty text is left out, and so is a member of the metadata that is not there. */
void span_put(struct otlp_span *span, const char *key, struct slice text);
void span_put_int(struct otlp_span *span, const char *key, int64_t value);
void span_put_metadata(struct otlp_span *span, const char *key, const char *member);
/* A member of the metadata as text; empty when it is none. Lives until the next call. */
struct slice span_metadata(struct otlp_span *span, const char *member);
/* A JSON value: a string's text, any other as it is; nothing when it is empty or content is not to be sent. */
void span_put_content(struct otlp_span *span, const char *key, struct slice json);
/* The name of what went wrong, "" when nothing did. */
struct slice span_error(struct otlp_span *span);
/* What no convention has a name for: lfspool.interrupted, lfspool.summary. */
void span_put_state(struct otlp_span *span);
/* What is said of everything that is no turn, answer or call: "lfspool.<member>" of its metadata, and its content. */
void span_put_rest(struct otlp_span *span);
/* What both conventions say of everything, then the part for its type; what has none is the rest. */
struct otlp_parts { void (*agent)(struct otlp_span *span), (*generation)(struct otlp_span *span), (*tool)(struct otlp_span *span); };
void span_put_by_type(struct otlp_span *span, const struct otlp_parts *parts);
/* All that was read and written, with what came from caches and reasoning; -1: not known. */
int64_t span_tokens_in(const struct observation_usage *usage);
int64_t span_tokens_out(const struct observation_usage *usage);

#endif
