/* Metrics as a request of OTLP (ExportMetricsServiceRequest), in protobuf or JSON. */
#ifndef LF_METRICS_OTLP_H
#define LF_METRICS_OTLP_H
#include "metrics/view.h"

struct otlp_context {
	enum metrics_temporality temporality;
	int64_t start_ms, time_ms;             /* of cumulative points and gauges */
	int64_t delta_start_ms, delta_time_ms; /* of differences */
	const char *version;                   /* of lfspool */
	const char *instance;                  /* tells this machine from others; NULL: nothing does */
	const char *resource;                  /* "key=value,…", wins over what stands there by default; NULL: none */
};

/* *ret_points: how many points it holds; with 0 nothing need be sent. */
int otlp_write_protobuf(const struct metrics *metrics, const struct otlp_context *context, struct buf *out, uint64_t *ret_points);
int otlp_write_json(const struct metrics *metrics, const struct otlp_context *context, struct buf *out, uint64_t *ret_points);

#endif
