/*
 * Durable counters -> metrics: which facts become which names, with which attributes. Pure; the daemon gives it the counters, and
 * prometheus.h and otlp.h write what it has gathered.
 */
#ifndef LF_METRICS_VIEW_H
#define LF_METRICS_VIEW_H
#include "base/buf.h"
#include "metrics/exponential.h"
#include "metrics/fact.h"
#include <stdbool.h>

struct metrics_options {
	const char *prefix;     /* of the agent's metrics, "opencode." */
	const char *profiles;   /* comma list: opencode, exporter, gen_ai, claude_code. lfspool's own are always there */
	const char *disabled;   /* comma list of names without prefix */
	const char *attributes; /* "key=value,…", put on every point of the agents; NULL: none */
	const char *excluded;   /* comma list of attributes that are taken off; NULL: none */
	const char *labels;     /* comma list: session, source */
	bool source_label;      /* as if source stood among them */
	double cost_scale;      /* cost.usage is multiplied by this; 0: 1 */
	bool exponential;       /* histograms are gathered by powers of 2 where their metric has the unit of its fact */
};

enum metric_kind { METRIC_SUM, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_EXPONENTIAL };
struct metric_series {
	struct slice attributes;  /* see metric_attribute_next() */
	int64_t raw;              /* sum: times the family's scale; histogram: its sum */
	double gauge;
	uint64_t buckets[FACT_MAX_BOUNDS + 1];
	uint64_t count;           /* of a histogram */
	struct exponential exponential; /* of an exponential one, in the place of buckets */
};
struct metric_family {
	char name[96];            /* "opencode.token.usage" */
	char unit[32];
	const char *help;
	enum metric_kind kind;
	bool own;                 /* lfspool's own, not an agent's */
	const struct fact *fact;  /* of a histogram: its bounds */
	double scale;
	struct metric_series *series;
	size_t count;
	size_t cap, *index, index_size; /* private */
};

/* A stored number in the unit of the family. */
double metric_value(const struct metric_family *family, int64_t raw);
/* The same of a histogram's bound. */
double metric_bound(const struct metric_family *family, unsigned i);

struct metrics;
struct metrics *metrics_new(const struct metrics_options *options); /* the texts must outlive it */
void metrics_free(struct metrics *metrics);
/* One durable counter, absolute or as a difference. Names that no metric is made of are passed over. */
void metrics_add(struct metrics *metrics, const char *name, const char *label, int64_t value);
/* A figure of this moment: name without a prefix. key may be NULL. Help of a name must be the same every time. */
void metrics_gauge(struct metrics *metrics, const char *name, const char *unit, const char *help, const char *const *pairs, double value);
/* Whether these are asked for. */
bool metrics_has_profile(const struct metrics *metrics, const char *profile);
bool metrics_is_disabled(const struct metrics *metrics, const char *name);
bool metrics_has_label(const struct metrics *metrics, const char *label);

size_t metrics_count(const struct metrics *metrics);
const struct metric_family *metrics_family(const struct metrics *metrics, size_t i); /* families without series are there too */

struct metric_attribute {
	const char *key, *value;
	bool boolean;             /* value is "true" or "false" */
};
/* Takes the next one off rest; false at the end. */
bool metric_attribute_next(struct slice *rest, struct metric_attribute *ret);

/* How counters go to a collector. */
enum metrics_temporality { METRICS_CUMULATIVE, METRICS_DELTA, METRICS_LOW_MEMORY };
/* Whether the counter of this name goes out as a difference. */
bool metrics_is_delta(enum metrics_temporality temporality, const char *counter);

#endif
