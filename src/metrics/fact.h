/*
 * What is counted: facts, agent-neutral, in integers. Each is a row of durable counters in the spool; the metrics that are
 * exported (view.h) are made of them. The names stand in spool files and never change their meaning.
 */
#ifndef LF_METRICS_FACT_H
#define LF_METRICS_FACT_H
#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

enum fact_id {
	FACT_SESSIONS, FACT_TOKENS, FACT_COST, FACT_MESSAGES, FACT_CACHE, FACT_LINES, FACT_LINES_NOW, FACT_COMMITS, FACT_PULL_REQUESTS, FACT_DECISIONS, FACT_RETRIES,
	FACT_SUBTASKS, FACT_ERRORS, FACT_TOOL_MS, FACT_TURN_MS, FACT_TURN_TOKENS, FACT_TURN_COST, FACT_CALL_MS, FACT_CALL_TOKENS,
	FACT_FLUSH_MS, FACT_INGEST_MS,
	FACT_COUNT
};
enum fact_kind { FACT_SUM, FACT_UP_DOWN, FACT_HISTOGRAM };

struct fact {
	const char *name;     /* of its counters; a histogram's have "/<bucket>", "/x<exponential bucket>", "/z" (zeros) or "/sum" behind it */
	enum fact_kind kind;
	double scale;         /* from the stored integer to the fact's own unit */
	const double *bounds; /* of a histogram, in the fact's own unit: bucket i holds values <= bounds[i] */
	unsigned bound_count;
	bool own;             /* lfspool's, not an agent's */
};
extern const struct fact facts[FACT_COUNT];

#define FACT_MAX_BOUNDS 32
#define PICO_PER_DOLLAR 1e12 /* money is counted in 10^-12 dollars: sums are exact */

/* The bucket that a stored value falls into: 0 … bound_count. */
unsigned fact_bucket(const struct fact *fact, int64_t value);
/* A stored value in the fact's own unit. */
double fact_value(const struct fact *fact, int64_t value);
/* Decimal digits, with an exponent or without, as 10^-12; clamped, 0 for what is no number. */
int64_t fact_pico(struct slice digits);

#endif
