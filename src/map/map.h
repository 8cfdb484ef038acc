/*
 * STAGE 4b: observations -> request bytes. Pure: no I/O, no clock, no state between calls.
 */
#ifndef LF_MAP_MAP_H
#define LF_MAP_MAP_H
#include "event/observation.h"

enum map_format { MAP_OTLP_PROTOBUF, MAP_OTLP_JSON, MAP_INGESTION };
/* Whose names OTLP requests have. MAP_LOGS: log records instead of spans, of observations of type OBS_LOG. */
enum map_convention { MAP_LANGFUSE, MAP_GEN_AI, MAP_OPENINFERENCE, MAP_LOGS };

/* Trace-wide facts from the configuration; they stand on every span. Strings may be NULL. */
struct map_options {
	const char *trace_prefix;
	const char *environment; /* sanitised by map to what Langfuse accepts: lower case [a-z0-9-_]{1,40} */
	const char *release;
	const char *user_id;
	const char *tags;        /* comma list */
	const char *version;     /* lfspool's own */
	const char *host_name;   /* resource attribute; NULL: none */
	enum map_convention convention;
	/* of the other conventions alone: */
	const char *instance;        /* resource attribute service.instance.id; NULL: none */
	const char *resource;        /* "key=value,…" */
	const char *span_attributes; /* "key=value,…", put on every span */
	const char *excluded;        /* comma list of attributes that are left out */
	const char *prefix;          /* of the names of spans in MAP_OPENINFERENCE: "opencode." */
	const char *traceparent;     /* everything stands under this span of somebody else's trace; NULL or malformed: none */
	const char *tracestate;      /* with it alone */
	bool no_content;             /* no prompts, answers, tool input and output, nor words of errors */
};

struct map_parent { uint8_t trace_id[16], span_id[8]; };
/* Reads a traceparent header of W3C Trace Context. 0 or LF_EINVAL. */
int map_traceparent(const char *text, struct map_parent *ret);

/*
 * Appends the whole request body for count observations. MAP_INGESTION: {"batch":[…]}, preceded by a
 * trace-create for each trace; event ids are derived from span id and versions[i] (0 the first time).
 * versions may be NULL.
 */
int map_request(enum map_format format, const struct map_options *options, const struct observation *observations,
                const unsigned *versions, unsigned count, struct buf *out, struct err *err);
const char *map_content_type(enum map_format format);

/* For whom a trace is drawn. columns: of the screen, 0: MAP_DRAW_COLUMNS. colour: with escape sequences. */
#define MAP_DRAW_COLUMNS 100
struct map_look {
	unsigned columns;
	bool colour;
};
/*
 * Draws traces as trees with times, tokens and cost, for people (show, sink, demo); look may be NULL. Sub-agents and signals
 * included, orphans are shown under their trace. No line is wider than the screen (of 40 columns or more), and nothing in the
 * observations reaches a terminal as more than text.
 */
int map_draw(const struct observation *observations, unsigned count, const struct map_look *look, struct buf *out);

#endif
