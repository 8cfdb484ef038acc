/* Metrics as text for Prometheus: OpenMetrics 1.0, or the older text format. */
#ifndef LF_METRICS_PROMETHEUS_H
#define LF_METRICS_PROMETHEUS_H
#include "metrics/view.h"

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
/* Names are in base units (seconds), as Prometheus wants them: opencode_tool_duration_seconds. start_ms: when counting began. */
int prometheus_write(const struct metrics *metrics, bool open_metrics, int64_t start_ms, struct buf *out);

#endif
