/* OTLP in JSON; see otlp.h. 64-bit integers are strings, enums are numbers. */
#include "base/json.h"
#include "event/resource.h"
#include "metrics/otlp_private.h"
#include <inttypes.h>
#include <stdio.h>

static void put_text(struct json_writer *json, const char *key, const char *text)
{
	jw_key(json, key);
	jw_text(json, text);
}

static void put_uint(struct json_writer *json, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, value);
	if (key)
		jw_key(json, key);
	jw_text(json, digits);
}

static void begin_attribute(struct json_writer *json, struct slice key)
{
	jw_object(json);
	jw_key(json, "key");
	jw_string(json, key);
	jw_key(json, "value");
	jw_object(json);
}

static void end_attribute(struct json_writer *json)
{
	jw_object_close(json);
	jw_object_close(json);
}

static void put_attribute(void *context, struct slice key, struct slice value)
{
	begin_attribute(context, key);
	jw_key(context, "stringValue");
	jw_string(context, value);
	end_attribute(context);
}

static void put_attributes(struct json_writer *json, struct slice attributes)
{
	struct metric_attribute attribute;

	jw_key(json, "attributes");
	jw_array(json);
	while (metric_attribute_next(&attributes, &attribute)) {
		begin_attribute(json, slice_of(attribute.key));
		jw_key(json, attribute.boolean ? "boolValue" : "stringValue");
		if (attribute.boolean)
			jw_bool(json, attribute.value[0] == 't');
		else
			jw_text(json, attribute.value);
		end_attribute(json);
	}
	jw_array_close(json);
}

static void put_histogram(struct json_writer *json, const struct metric_family *family, const struct metric_series *series)
{
	put_uint(json, "count", series->count);
	jw_key(json, "sum");
	jw_double(json, metric_value(family, series->raw));
	jw_key(json, "bucketCounts");
	jw_array(json);
	for (unsigned i = 0; i <= family->fact->bound_count; i++)
		put_uint(json, NULL, series->buckets[i]);
	jw_array_close(json);
	jw_key(json, "explicitBounds");
	jw_array(json);
	for (unsigned i = 0; i < family->fact->bound_count; i++)
		jw_double(json, metric_bound(family, i));
	jw_array_close(json);
}

static void put_exponential(struct json_writer *json, const struct metric_family *family, const struct metric_series *series)
{
	struct exponential_dense dense;

	exponential_spread(&series->exponential, &dense);
	put_uint(json, "count", exponential_count(&series->exponential));
	jw_key(json, "sum");
	jw_double(json, metric_value(family, series->raw));
	jw_key(json, "scale");
	jw_int(json, dense.scale);
	put_uint(json, "zeroCount", series->exponential.zero);
	jw_key(json, "positive");
	jw_object(json);
	jw_key(json, "offset");
	jw_int(json, dense.offset);
	jw_key(json, "bucketCounts");
	jw_array(json);
	for (unsigned i = 0; i < dense.count; i++)
		put_uint(json, NULL, dense.buckets[i]);
	jw_array_close(json);
	jw_object_close(json);
}

static void put_point(struct json_writer *json, const struct metric_family *family, const struct metric_series *series, struct otlp_times times)
{
	jw_object(json);
	put_attributes(json, series->attributes);
	if (family->kind != METRIC_GAUGE)
		put_uint(json, "startTimeUnixNano", times.start_ns);
	put_uint(json, "timeUnixNano", times.time_ns);
	if (family->kind == METRIC_HISTOGRAM) {
		put_histogram(json, family, series);
	} else if (family->kind == METRIC_EXPONENTIAL) {
		put_exponential(json, family, series);
	} else {
		jw_key(json, "asDouble");
		jw_double(json, family->kind == METRIC_SUM ? metric_value(family, series->raw) : series->gauge);
	}
	jw_object_close(json);
}

static void put_family(struct json_writer *json, const struct metric_family *family, const struct otlp_context *context)
{
	static const char *const data[] = { "sum", "gauge", "histogram", "exponentialHistogram" };
	struct otlp_times times = otlp_times(context, family);

	jw_object(json);
	put_text(json, "name", family->name);
	put_text(json, "description", family->help);
	put_text(json, "unit", family->unit);
	jw_key(json, data[family->kind]);
	jw_object(json);
	jw_key(json, "dataPoints");
	jw_array(json);
	for (size_t i = 0; i < family->count; i++)
		put_point(json, family, &family->series[i], times);
	jw_array_close(json);
	if (family->kind != METRIC_GAUGE) {
		jw_key(json, "aggregationTemporality");
		jw_int(json, times.delta ? OTLP_TEMPORALITY_DELTA : OTLP_TEMPORALITY_CUMULATIVE);
	}
	if (family->kind == METRIC_SUM) {
		jw_key(json, "isMonotonic");
		jw_bool(json, true);
	}
	jw_object_close(json);
	jw_object_close(json);
}

static void put_resource(struct json_writer *json, const struct otlp_context *context)
{
	jw_key(json, "resource");
	jw_object(json);
	jw_key(json, "attributes");
	jw_array(json);
	resource_each(context->version, context->instance, context->resource, put_attribute, json);
	jw_array_close(json);
	jw_object_close(json);
}

static void put_scope(struct json_writer *json, const struct otlp_context *context)
{
	jw_key(json, "scope");
	jw_object(json);
	put_text(json, "name", OTLP_SCOPE);
	put_text(json, "version", context->version);
	jw_object_close(json);
}

int otlp_write_json(const struct metrics *metrics, const struct otlp_context *context, struct buf *out, uint64_t *ret_points)
{
	struct json_writer json;

	*ret_points = 0;
	json_writer_init(&json, out);
	jw_object(&json);
	jw_key(&json, "resourceMetrics");
	jw_array(&json);
	jw_object(&json);
	put_resource(&json, context);
	jw_key(&json, "scopeMetrics");
	jw_array(&json);
	jw_object(&json);
	put_scope(&json, context);
	jw_key(&json, "metrics");
	jw_array(&json);
	for (size_t i = 0; i < metrics_count(metrics); i++) {
		const struct metric_family *family = metrics_family(metrics, i);
		if (family->count > 0)
			put_family(&json, family, context);
		*ret_points += family->count;
	}
	jw_array_close(&json);
	jw_object_close(&json);
	jw_array_close(&json);
	jw_object_close(&json);
	jw_array_close(&json);
	jw_object_close(&json);
	return out->failed;
}
