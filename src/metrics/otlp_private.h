/* What both forms of OTLP share. Private to src/metrics. */
#ifndef LF_METRICS_OTLP_PRIVATE_H
#define LF_METRICS_OTLP_PRIVATE_H
#include "metrics/otlp.h"

#define OTLP_TEMPORALITY_DELTA 1
#define OTLP_TEMPORALITY_CUMULATIVE 2
#define OTLP_SCOPE "lfspool"
#define OTLP_NANOS_PER_MS 1000000

/* The times of one family's points. */
struct otlp_times {
	bool delta;
	uint64_t start_ns, time_ns;
};
struct otlp_times otlp_times(const struct otlp_context *context, const struct metric_family *family);

#endif
