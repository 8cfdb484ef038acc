/* Where telemetry comes from, as OpenTelemetry's resources say it: the same for metrics, traces and logs. */
#ifndef LF_EVENT_RESOURCE_H
#define LF_EVENT_RESOURCE_H
#include "base/slice.h"

typedef void resource_fn(void *context, struct slice key, struct slice value);
/* Calls fn for each attribute. version: of lfspool. instance: what tells this machine from others, NULL: nothing. pairs: "key=value,…", wins over what stands there by default; NULL: none. */
void resource_each(const char *version, const char *instance, const char *pairs, resource_fn *fn, void *context);

#endif
