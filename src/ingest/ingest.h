/*
 * STAGE 1: bytes of an agent's files or streams -> raw events. Streaming: any chunking, bounded memory.
 * Nothing behind this stage knows an agent.
 */
#ifndef LF_INGEST_INGEST_H
#define LF_INGEST_INGEST_H
#include "event/raw_event.h"

#define INGEST_MAX_VALUE_BYTES (16u << 20) /* one line or one element of a document; a larger one is a dead letter */

struct ingest_counts {
	uint64_t bytes, values, events; /* values: lines or elements read; events: raw events given on */
	uint64_t skipped;               /* known but carrying nothing (deltas, heartbeats, plugin.added …) */
	uint64_t unknown;               /* of an unknown type: counted, kept going */
	uint64_t bad;                   /* could not be read; each reported to the problem function */
	uint64_t oversize;
};

/* One problem, already in words: "FILE:LINE: reason". metadata: a JSON object for a dead letter (no payload). */
typedef void ingest_problem_fn(void *context, const char *words, struct slice metadata);

struct ingest;
struct ingest_options {
	const char *source;  /* "opencode", "claude", or NULL: recognise each value by its shape */
	const char *name;    /* of the file, for messages; "-" for standard input */
	raw_event_fn *emit;
	ingest_problem_fn *problem; /* may be NULL */
	void *context;
};
/* LF_EINVAL for an unknown source. */
int ingest_new(const struct ingest_options *options, struct ingest **ret, struct err *err);
/* Feeds bytes. Bad values are problems, not failures; a failure is emit's own code (then stop feeding). */
int ingest_feed(struct ingest *ingest, struct slice bytes, struct err *err);
/* One value that was cut out already; line is for messages. As for a line of ingest_feed(). */
int ingest_value(struct ingest *ingest, struct slice text, uint64_t line, struct err *err);
/* One that is larger than INGEST_MAX_VALUE_BYTES and was not read: a problem with a dead letter's metadata. */
void ingest_oversize(struct ingest *ingest, uint64_t bytes, uint64_t line);
/*
 * What is remembered of a transcript (source "claude"), so that several that grow can be read with one ingest: gives what is remembered,
 * and goes on with *memory. ingest_memory_free() takes NULL, too. ingest_memory_bytes(): about how much it takes.
 */
struct claude;
void ingest_swap_memory(struct ingest *ingest, struct claude **memory);
void ingest_memory_free(struct claude *memory);
size_t ingest_memory_bytes(const struct claude *memory);
/* End of input: an unfinished last line is a problem ("truncated last line"). */
int ingest_finish(struct ingest *ingest, struct err *err);
const struct ingest_counts *ingest_counts(const struct ingest *ingest);
void ingest_free(struct ingest *ingest);

#endif
