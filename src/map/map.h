/*
 * STAGE 4b: observations -> request bytes. Pure: no I/O, no clock, no state between calls.
 */
#ifndef LF_MAP_MAP_H
#define LF_MAP_MAP_H
#include "event/observation.h"

enum map_format { MAP_OTLP_PROTOBUF, MAP_OTLP_JSON, MAP_INGESTION };

/* Trace-wide facts from the configuration; they stand on every span. Strings may be NULL. */
struct map_options {
	const char *trace_prefix;
	const char *environment; /* sanitised by map to what Langfuse accepts: lower case [a-z0-9-_]{1,40} */
	const char *release;
	const char *user_id;
	const char *tags;        /* comma list */
	const char *version;     /* lfspool's own */
	const char *host_name;   /* resource attribute; NULL: none */
};

/*
 * Appends the whole request body for count observations. MAP_INGESTION: {"batch":[…]}, preceded by a
 * trace-create for each trace; event ids are derived from span id and versions[i] (0 the first time).
 * versions may be NULL.
 */
int map_request(enum map_format format, const struct map_options *options, const struct observation *observations,
                const unsigned *versions, unsigned count, struct buf *out, struct err *err);
const char *map_content_type(enum map_format format);

/* Draws a trace as a tree with times, tokens and cost, for people (show, sink, demo). Sub-agents and signals included.
 * One trace or several; orphans are shown under their trace. width: columns, 0: 100. */
int map_draw(const struct observation *observations, unsigned count, unsigned width, struct buf *out);

#endif
