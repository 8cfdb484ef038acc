/* OTLP in protobuf; see otlp.h. Numbers of fields are those of opentelemetry/proto/metrics/v1/metrics.proto. */
#include "base/protobuf.h"
#include "event/resource.h"
#include "metrics/otlp_private.h"

enum { REQUEST_RESOURCE_METRICS = 1 };
enum { RESOURCE_METRICS_RESOURCE = 1, RESOURCE_METRICS_SCOPE_METRICS = 2 };
enum { RESOURCE_ATTRIBUTES = 1 };
enum { SCOPE_METRICS_SCOPE = 1, SCOPE_METRICS_METRICS = 2 };
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2 };
enum { METRIC_NAME_FIELD = 1, METRIC_DESCRIPTION = 2, METRIC_UNIT = 3, METRIC_DATA_GAUGE = 5, METRIC_DATA_SUM = 7, METRIC_DATA_HISTOGRAM = 9, METRIC_DATA_EXPONENTIAL = 10 };
enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, DATA_MONOTONIC = 3 };
enum { POINT_START = 2, POINT_TIME = 3, NUMBER_AS_DOUBLE = 4, NUMBER_ATTRIBUTES = 7 };
enum { HISTOGRAM_COUNT = 4, HISTOGRAM_SUM = 5, HISTOGRAM_BUCKETS = 6, HISTOGRAM_BOUNDS = 7, HISTOGRAM_ATTRIBUTES = 9 };
enum { EXPONENTIAL_ATTRIBUTES = 1, EXPONENTIAL_SCALE_FIELD = 6, EXPONENTIAL_ZERO = 7, EXPONENTIAL_POSITIVE = 8 };
enum { BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2 };
enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2, VALUE_STRING = 1, VALUE_BOOL = 2 };

static void put_text(struct protobuf *pb, unsigned field, const char *text)
{
	if (*text)
		protobuf_bytes(pb, field, slice_of(text));
}

static void put_attribute(void *context, struct slice key, struct slice value)
{
	struct protobuf *pb = context;

	protobuf_open(pb, RESOURCE_ATTRIBUTES);
	protobuf_bytes(pb, KEY_VALUE_KEY, key);
	protobuf_open(pb, KEY_VALUE_VALUE);
	protobuf_bytes(pb, VALUE_STRING, value);
	protobuf_close(pb);
	protobuf_close(pb);
}

static void put_attributes(struct protobuf *pb, unsigned field, struct slice attributes)
{
	struct metric_attribute attribute;

	while (metric_attribute_next(&attributes, &attribute)) {
		protobuf_open(pb, field);
		protobuf_bytes(pb, KEY_VALUE_KEY, slice_of(attribute.key));
		protobuf_open(pb, KEY_VALUE_VALUE);
		if (attribute.boolean)
			protobuf_varint_always(pb, VALUE_BOOL, attribute.value[0] == 't');
		else
			protobuf_bytes(pb, VALUE_STRING, slice_of(attribute.value));
		protobuf_close(pb);
		protobuf_close(pb);
	}
}

static void put_number(struct protobuf *pb, const struct metric_series *series, double value, struct otlp_times times)
{
	protobuf_open(pb, DATA_POINTS);
	protobuf_fixed64(pb, POINT_START, times.start_ns);
	protobuf_fixed64(pb, POINT_TIME, times.time_ns);
	protobuf_double(pb, NUMBER_AS_DOUBLE, value);
	put_attributes(pb, NUMBER_ATTRIBUTES, series->attributes);
	protobuf_close(pb);
}

static void put_histogram(struct protobuf *pb, const struct metric_family *family, const struct metric_series *series, struct otlp_times times)
{
	const struct fact *fact = family->fact;

	protobuf_open(pb, DATA_POINTS);
	protobuf_fixed64(pb, POINT_START, times.start_ns);
	protobuf_fixed64(pb, POINT_TIME, times.time_ns);
	protobuf_fixed64(pb, HISTOGRAM_COUNT, series->count);
	protobuf_double(pb, HISTOGRAM_SUM, metric_value(family, series->raw));
	protobuf_open(pb, HISTOGRAM_BUCKETS);
	for (unsigned i = 0; i <= fact->bound_count; i++)
		protobuf_packed64(pb, series->buckets[i]);
	protobuf_close(pb);
	protobuf_open(pb, HISTOGRAM_BOUNDS);
	for (unsigned i = 0; i < fact->bound_count; i++)
		protobuf_packed_double(pb, metric_bound(family, i));
	protobuf_close(pb);
	put_attributes(pb, HISTOGRAM_ATTRIBUTES, series->attributes);
	protobuf_close(pb);
}

static uint64_t zigzag(int32_t value)
{
	return value < 0 ? ~((uint64_t)value << 1) : (uint64_t)value << 1;
}

/* The counts are not packed: a parser takes either form. */
static void put_exponential(struct protobuf *pb, const struct metric_family *family, const struct metric_series *series, struct otlp_times times)
{
	struct exponential_dense dense;

	exponential_spread(&series->exponential, &dense);
	protobuf_open(pb, DATA_POINTS);
	put_attributes(pb, EXPONENTIAL_ATTRIBUTES, series->attributes);
	protobuf_fixed64(pb, POINT_START, times.start_ns);
	protobuf_fixed64(pb, POINT_TIME, times.time_ns);
	protobuf_fixed64(pb, HISTOGRAM_COUNT, exponential_count(&series->exponential));
	protobuf_double(pb, HISTOGRAM_SUM, metric_value(family, series->raw));
	protobuf_varint(pb, EXPONENTIAL_SCALE_FIELD, zigzag(dense.scale));
	protobuf_fixed64(pb, EXPONENTIAL_ZERO, series->exponential.zero);
	protobuf_open(pb, EXPONENTIAL_POSITIVE);
	protobuf_varint(pb, BUCKETS_OFFSET, zigzag(dense.offset));
	for (unsigned i = 0; i < dense.count; i++)
		protobuf_varint_always(pb, BUCKETS_COUNTS, dense.buckets[i]);
	protobuf_close(pb);
	protobuf_close(pb);
}

static void put_family(struct protobuf *pb, const struct metric_family *family, const struct otlp_context *context)
{
	static const unsigned data[] = { METRIC_DATA_SUM, METRIC_DATA_GAUGE, METRIC_DATA_HISTOGRAM, METRIC_DATA_EXPONENTIAL };
	struct otlp_times times = otlp_times(context, family);

	if (family->kind == METRIC_GAUGE)
		times.start_ns = 0;
	protobuf_open(pb, SCOPE_METRICS_METRICS);
	put_text(pb, METRIC_NAME_FIELD, family->name);
	put_text(pb, METRIC_DESCRIPTION, family->help);
	put_text(pb, METRIC_UNIT, family->unit);
	protobuf_open(pb, data[family->kind]);
	for (size_t i = 0; i < family->count; i++) {
		const struct metric_series *series = &family->series[i];
		if (family->kind == METRIC_HISTOGRAM)
			put_histogram(pb, family, series, times);
		else if (family->kind == METRIC_EXPONENTIAL)
			put_exponential(pb, family, series, times);
		else
			put_number(pb, series, family->kind == METRIC_SUM ? metric_value(family, series->raw) : series->gauge, times);
	}
	if (family->kind != METRIC_GAUGE)
		protobuf_varint(pb, DATA_TEMPORALITY, times.delta ? OTLP_TEMPORALITY_DELTA : OTLP_TEMPORALITY_CUMULATIVE);
	if (family->kind == METRIC_SUM)
		protobuf_varint(pb, DATA_MONOTONIC, 1);
	protobuf_close(pb);
	protobuf_close(pb);
}

int otlp_write_protobuf(const struct metrics *metrics, const struct otlp_context *context, struct buf *out, uint64_t *ret_points)
{
	struct protobuf pb;

	*ret_points = 0;
	protobuf_init(&pb, out);
	protobuf_open(&pb, REQUEST_RESOURCE_METRICS);
	protobuf_open(&pb, RESOURCE_METRICS_RESOURCE);
	resource_each(context->version, context->instance, context->resource, put_attribute, &pb);
	protobuf_close(&pb);
	protobuf_open(&pb, RESOURCE_METRICS_SCOPE_METRICS);
	protobuf_open(&pb, SCOPE_METRICS_SCOPE);
	put_text(&pb, SCOPE_NAME, OTLP_SCOPE);
	put_text(&pb, SCOPE_VERSION, context->version);
	protobuf_close(&pb);
	for (size_t i = 0; i < metrics_count(metrics); i++) {
		const struct metric_family *family = metrics_family(metrics, i);
		if (family->count > 0)
			put_family(&pb, family, context);
		*ret_points += family->count;
	}
	protobuf_close(&pb);
	protobuf_close(&pb);
	return out->failed;
}
