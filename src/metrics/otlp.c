/* What both forms of OTLP share; see otlp.h. */
#include "metrics/otlp.h"
#include "metrics/otlp_private.h"

struct otlp_times otlp_times(const struct otlp_context *context, const struct metric_family *family)
{
	bool delta = family->kind != METRIC_GAUGE && (context->temporality == METRICS_DELTA ||
	                                              (context->temporality == METRICS_LOW_MEMORY && !family->own));

	return (struct otlp_times){
		.delta = delta,
		.start_ns = (uint64_t)(delta ? context->delta_start_ms : context->start_ms) * OTLP_NANOS_PER_MS,
		.time_ns = (uint64_t)(delta ? context->delta_time_ms : context->time_ms) * OTLP_NANOS_PER_MS,
	};
}
