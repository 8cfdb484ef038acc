/*
 * OTLP traces in Langfuse's spelling. What is said of a span stands once, in the attribute table; the two
 * encodings only write it down, so protobuf and JSON have the same content.
 *
 * Trace-wide facts stand on every span: the current server keeps no trace row to look them up in. The scope
 * name is our own: the server then also lists the attributes in the metadata, which are redacted like all else.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "map/map_fields.h"
#include "map/map_forms.h"
#include "base/protobuf.h"

#define SPAN_KIND_INTERNAL 1
#define STATUS_CODE_ERROR 2

/* Field numbers of opentelemetry.proto.{collector.trace,trace,resource,common}.v1 */
enum {
	REQUEST_RESOURCE_SPANS = 1,
	RESOURCE_SPANS_RESOURCE = 1, RESOURCE_SPANS_SCOPE_SPANS = 2,
	RESOURCE_ATTRIBUTES = 1,
	SCOPE_SPANS_SCOPE = 1, SCOPE_SPANS_SPANS = 2,
	SCOPE_NAME = 1, SCOPE_VERSION = 2,
	SPAN_TRACE_ID = 1, SPAN_SPAN_ID = 2, SPAN_PARENT_ID = 4, SPAN_NAME = 5, SPAN_KIND = 6,
	SPAN_START = 7, SPAN_END = 8, SPAN_ATTRIBUTES = 9, SPAN_STATUS = 15,
	STATUS_MESSAGE = 2, STATUS_CODE = 3,
	KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2,
	VALUE_STRING = 1, VALUE_ARRAY = 5,
	ARRAY_VALUES = 1
};

struct otlp {
	const struct map_options *options;
	bool json;
	struct json_writer writer; /* JSON form */
	struct protobuf protobuf;  /* protobuf form */
	struct buf value, clean;   /* reused for each attribute */
};

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static uint64_t nanos(int64_t ms)
{
	const int64_t max_ms = INT64_MAX / 1000000;

	return ms <= 0 ? 0 : (uint64_t)(ms > max_ms ? max_ms : ms) * 1000000;
}

/* ---- values ---- */

typedef int value_fn(const struct map_options *options, const struct observation *observation, struct buf *out,
                     struct err *err);
#define VALUE(name) static int value_##name(const struct map_options *options __attribute__((unused)), \
	const struct observation *observation __attribute__((unused)), struct buf *out, struct err *err __attribute__((unused)))

VALUE(type) { return buf_text(out, observation_type_name(observation->type)); }
VALUE(level) { return buf_text(out, observation_level_name(observation->level)); }
VALUE(status) { return buf_slice(out, observation->status); }
VALUE(model) { return buf_slice(out, observation->model); }
VALUE(parameters) { return buf_slice(out, observation->model_parameters); }
VALUE(usage) { fields_usage(&observation->usage, out); return out->failed; }
VALUE(cost) { fields_cost(observation->cost, out); return out->failed; }
VALUE(input) { fields_content(observation->input, out); return out->failed; }
VALUE(output) { fields_content(observation->output, out); return out->failed; }
VALUE(metadata) { return fields_metadata(observation, NULL, out, err); }
VALUE(session) { fields_session(observation->session, out); return out->failed; }
VALUE(user) { return buf_slice(out, slice_of(options->user_id)); }
VALUE(trace_name) { fields_trace_name(options, observation, out); return out->failed; }
VALUE(environment) { fields_environment(options->environment, out); return out->failed; }
VALUE(release) { return buf_slice(out, slice_of(options->release)); }
VALUE(version) { return buf_slice(out, slice_of(options->version)); }
VALUE(completion_start)
{
	char text[32];

	if (observation->completion_start_ms <= 0)
		return 0;
	clock_format_iso(observation->completion_start_ms, text);
	return buf_text(out, text);
}

/* An attribute whose value is empty is left out. */
static const struct {
	const char *key;
	value_fn *value;
} attributes[] = {
	{ "langfuse.observation.type", value_type },
	{ "langfuse.observation.level", value_level },
	{ "langfuse.observation.status_message", value_status },
	{ "langfuse.observation.model.name", value_model },
	{ "langfuse.observation.model.parameters", value_parameters },
	{ "langfuse.observation.usage_details", value_usage },
	{ "langfuse.observation.cost_details", value_cost },
	{ "langfuse.observation.completion_start_time", value_completion_start },
	{ "langfuse.observation.input", value_input },
	{ "langfuse.observation.output", value_output },
	{ "langfuse.observation.metadata", value_metadata },
	{ "langfuse.session.id", value_session },
	{ "session.id", value_session },
	{ "langfuse.user.id", value_user },
	{ "langfuse.trace.name", value_trace_name },
	{ "langfuse.environment", value_environment },
	{ "langfuse.release", value_release },
	{ "langfuse.version", value_version },
};

/* ---- the two encodings ---- */

/* Protobuf strings must be valid UTF-8, or the whole request is refused. */
static struct slice valid_text(struct otlp *otlp, struct slice text)
{
	struct buf quoted;

	if (json_utf8_valid(text) == text.len)
		return text;
	buf_init(&quoted, 0);
	buf_clear(&otlp->clean);
	json_escape(text, &quoted);
	json_unescape(buf_view(&quoted), &otlp->clean);
	if (quoted.failed)
		otlp->clean.failed = quoted.failed;
	buf_done(&quoted);
	return buf_view(&otlp->clean);
}

static void put_string_value(struct otlp *otlp, unsigned field, struct slice text)
{
	if (otlp->json) {
		jw_object(&otlp->writer);
		jw_key(&otlp->writer, "stringValue");
		jw_string(&otlp->writer, text);
		jw_object_close(&otlp->writer);
		return;
	}
	protobuf_open(&otlp->protobuf, field);
	protobuf_bytes(&otlp->protobuf, VALUE_STRING, valid_text(otlp, text));
	protobuf_close(&otlp->protobuf);
}

static void open_attribute(struct otlp *otlp, unsigned field, const char *key)
{
	if (otlp->json) {
		jw_object(&otlp->writer);
		jw_key(&otlp->writer, "key");
		jw_text(&otlp->writer, key);
		jw_key(&otlp->writer, "value");
		return;
	}
	protobuf_open(&otlp->protobuf, field);
	protobuf_bytes(&otlp->protobuf, KEY_VALUE_KEY, slice_of(key));
}

static void close_attribute(struct otlp *otlp)
{
	if (otlp->json)
		jw_object_close(&otlp->writer);
	else
		protobuf_close(&otlp->protobuf);
}

static void put_attribute(struct otlp *otlp, unsigned field, const char *key, struct slice text)
{
	open_attribute(otlp, field, key);
	put_string_value(otlp, KEY_VALUE_VALUE, text);
	close_attribute(otlp);
}

static void put_list_attribute(struct otlp *otlp, unsigned field, const char *key, const struct slice *items, unsigned count)
{
	open_attribute(otlp, field, key);
	if (otlp->json) {
		jw_object(&otlp->writer);
		jw_key(&otlp->writer, "arrayValue");
		jw_object(&otlp->writer);
		jw_key(&otlp->writer, "values");
		jw_array(&otlp->writer);
	} else {
		protobuf_open(&otlp->protobuf, KEY_VALUE_VALUE);
		protobuf_open(&otlp->protobuf, VALUE_ARRAY);
	}
	for (unsigned i = 0; i < count; i++)
		put_string_value(otlp, ARRAY_VALUES, items[i]);
	if (otlp->json) {
		jw_array_close(&otlp->writer);
		jw_object_close(&otlp->writer);
		jw_object_close(&otlp->writer);
	} else {
		protobuf_close(&otlp->protobuf);
		protobuf_close(&otlp->protobuf);
	}
	close_attribute(otlp);
}

static int put_attributes(struct otlp *otlp, const struct observation *observation, struct err *err)
{
	struct slice tags[FIELDS_MAX_TAGS];
	unsigned tag_count = fields_tags(otlp->options->tags, tags);

	for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		int rc;

		buf_clear(&otlp->value);
		rc = attributes[i].value(otlp->options, observation, &otlp->value, err);
		if (otlp->value.failed)
			return err_set(err, otlp->value.failed, "%s: too large", attributes[i].key);
		if (rc != 0)
			return rc;
		if (otlp->value.len > 0)
			put_attribute(otlp, SPAN_ATTRIBUTES, attributes[i].key, buf_view(&otlp->value));
	}
	if (tag_count > 0)
		put_list_attribute(otlp, SPAN_ATTRIBUTES, "langfuse.trace.tags", tags, tag_count);
	return 0;
}

static void put_json_text(struct json_writer *writer, const char *key, struct slice text)
{
	jw_key(writer, key);
	jw_string(writer, text);
}

static void json_hex(struct json_writer *writer, const char *key, const uint8_t *bytes, size_t n)
{
	char hex[2 * 16 + 1];

	hash_hex(bytes, n, hex);
	put_json_text(writer, key, slice_of(hex));
}

/* 64-bit integers are strings in OTLP's JSON. */
static void json_nanos(struct json_writer *writer, const char *key, int64_t ms)
{
	struct buf text;

	buf_init(&text, 0);
	buf_format(&text, "%llu", (unsigned long long)nanos(ms));
	put_json_text(writer, key, buf_view(&text));
	buf_done(&text);
}

static int json_span(struct otlp *otlp, const struct observation *observation, struct err *err)
{
	struct json_writer *writer = &otlp->writer;
	int rc;

	jw_object(writer);
	json_hex(writer, "traceId", observation->trace_id, sizeof(observation->trace_id));
	json_hex(writer, "spanId", observation->span_id, sizeof(observation->span_id));
	if (!is_zero(observation->parent_id, sizeof(observation->parent_id)))
		json_hex(writer, "parentSpanId", observation->parent_id, sizeof(observation->parent_id));
	put_json_text(writer, "name", observation->name);
	jw_key(writer, "kind");
	jw_int(writer, SPAN_KIND_INTERNAL);
	json_nanos(writer, "startTimeUnixNano", observation->start_ms);
	json_nanos(writer, "endTimeUnixNano", observation->end_ms);
	jw_key(writer, "attributes");
	jw_array(writer);
	rc = put_attributes(otlp, observation, err);
	jw_array_close(writer);
	if (observation->level == OBS_ERROR) {
		jw_key(writer, "status");
		jw_object(writer);
		if (observation->status.len > 0)
			put_json_text(writer, "message", observation->status);
		jw_key(writer, "code");
		jw_int(writer, STATUS_CODE_ERROR);
		jw_object_close(writer);
	}
	jw_object_close(writer);
	return rc;
}

static struct slice bytes_of(const uint8_t *bytes, size_t n)
{
	return (struct slice){ (const char *)bytes, n };
}

static int protobuf_span(struct otlp *otlp, const struct observation *observation, struct err *err)
{
	struct protobuf *protobuf = &otlp->protobuf;
	int rc;

	protobuf_open(protobuf, SCOPE_SPANS_SPANS);
	protobuf_bytes(protobuf, SPAN_TRACE_ID, bytes_of(observation->trace_id, sizeof(observation->trace_id)));
	protobuf_bytes(protobuf, SPAN_SPAN_ID, bytes_of(observation->span_id, sizeof(observation->span_id)));
	if (!is_zero(observation->parent_id, sizeof(observation->parent_id)))
		protobuf_bytes(protobuf, SPAN_PARENT_ID, bytes_of(observation->parent_id, sizeof(observation->parent_id)));
	protobuf_bytes(protobuf, SPAN_NAME, valid_text(otlp, observation->name));
	protobuf_varint(protobuf, SPAN_KIND, SPAN_KIND_INTERNAL);
	protobuf_fixed64(protobuf, SPAN_START, nanos(observation->start_ms));
	protobuf_fixed64(protobuf, SPAN_END, nanos(observation->end_ms));
	rc = put_attributes(otlp, observation, err);
	if (observation->level == OBS_ERROR) {
		protobuf_open(protobuf, SPAN_STATUS);
		if (observation->status.len > 0)
			protobuf_bytes(protobuf, STATUS_MESSAGE, valid_text(otlp, observation->status));
		protobuf_varint(protobuf, STATUS_CODE, STATUS_CODE_ERROR);
		protobuf_close(protobuf);
	}
	protobuf_close(protobuf);
	return rc;
}

static void put_resource(struct otlp *otlp)
{
	const char *const rows[][2] = {
		{ "service.name", "lfspool" },
		{ "service.version", otlp->options->version },
		{ "host.name", otlp->options->host_name },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i][1] && *rows[i][1])
			put_attribute(otlp, RESOURCE_ATTRIBUTES, rows[i][0], slice_of(rows[i][1]));
}

static int json_request(struct otlp *otlp, const struct observation *observations, unsigned count, struct err *err)
{
	struct json_writer *writer = &otlp->writer;
	int rc = 0;

	jw_object(writer);
	jw_key(writer, "resourceSpans");
	jw_array(writer);
	jw_object(writer);
	jw_key(writer, "resource");
	jw_object(writer);
	jw_key(writer, "attributes");
	jw_array(writer);
	put_resource(otlp);
	jw_array_close(writer);
	jw_object_close(writer);
	jw_key(writer, "scopeSpans");
	jw_array(writer);
	jw_object(writer);
	jw_key(writer, "scope");
	jw_object(writer);
	put_json_text(writer, "name", SLICE("lfspool"));
	put_json_text(writer, "version", slice_of(otlp->options->version));
	jw_object_close(writer);
	jw_key(writer, "spans");
	jw_array(writer);
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = json_span(otlp, &observations[i], err);
	jw_array_close(writer);
	jw_object_close(writer);
	jw_array_close(writer);
	jw_object_close(writer);
	jw_array_close(writer);
	jw_object_close(writer);
	return rc;
}

static int protobuf_request(struct otlp *otlp, const struct observation *observations, unsigned count, struct err *err)
{
	struct protobuf *protobuf = &otlp->protobuf;
	int rc = 0;

	protobuf_open(protobuf, REQUEST_RESOURCE_SPANS);
	protobuf_open(protobuf, RESOURCE_SPANS_RESOURCE);
	put_resource(otlp);
	protobuf_close(protobuf);
	protobuf_open(protobuf, RESOURCE_SPANS_SCOPE_SPANS);
	protobuf_open(protobuf, SCOPE_SPANS_SCOPE);
	protobuf_bytes(protobuf, SCOPE_NAME, SLICE("lfspool"));
	protobuf_bytes(protobuf, SCOPE_VERSION, valid_text(otlp, slice_of(otlp->options->version)));
	protobuf_close(protobuf);
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = protobuf_span(otlp, &observations[i], err);
	protobuf_close(protobuf);
	protobuf_close(protobuf);
	return rc;
}

int otlp_request(bool json, const struct map_options *options, const struct observation *observations,
                 unsigned count, struct buf *out, struct err *err)
{
	struct otlp otlp = { .options = options, .json = json };
	int rc;

	buf_init(&otlp.value, 0);
	buf_init(&otlp.clean, 0);
	json_writer_init(&otlp.writer, out);
	protobuf_init(&otlp.protobuf, out);
	rc = json ? json_request(&otlp, observations, count, err) : protobuf_request(&otlp, observations, count, err);
	if (rc == 0 && otlp.clean.failed)
		rc = err_set(err, otlp.clean.failed, "text too large");
	if (rc == 0 && out->failed)
		rc = err_set(err, out->failed, "request larger than %zu bytes", out->max_bytes);
	buf_done(&otlp.value);
	buf_done(&otlp.clean);
	return rc;
}
