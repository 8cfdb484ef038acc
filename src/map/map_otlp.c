/*
 * OTLP requests: resource, scope, and spans in the words of a convention, or log records. Both encodings are written by the same
 * calls, so that they have the same content.
 */
#include "map/map_otlp.h"
#include "base/list.h"
#include "event/resource.h"
#include "map/map_fields.h"
#include "map/map_forms.h"

#define SCOPE "lfspool"
#define SPAN_KIND_INTERNAL 1
#define SPAN_KIND_CLIENT 3
#define STATUS_CODE_ERROR 2
#define SEVERITY_INFO 9
#define SEVERITY_ERROR 17

/* Field numbers of opentelemetry.proto.{collector.trace,collector.logs,trace,logs,resource,common}.v1 */
enum {
	REQUEST_RESOURCES = 1,
	RESOURCES_RESOURCE = 1, RESOURCES_SCOPES = 2,
	RESOURCE_ATTRIBUTES = 1,
	SCOPES_SCOPE = 1, SCOPES_ITEMS = 2,
	SCOPE_NAME = 1, SCOPE_VERSION = 2,
	SPAN_TRACE_ID = 1, SPAN_SPAN_ID = 2, SPAN_STATE = 3, SPAN_PARENT_ID = 4, SPAN_NAME = 5, SPAN_KIND = 6,
	SPAN_START = 7, SPAN_END = 8, SPAN_STATUS = 15,
	STATUS_MESSAGE = 2, STATUS_CODE = 3,
	LOG_TIME = 1, LOG_SEVERITY = 2, LOG_SEVERITY_TEXT = 3, LOG_BODY = 5, LOG_ATTRIBUTES = 6, LOG_TRACE_ID = 9,
	LOG_SPAN_ID = 10, LOG_OBSERVED = 11
};

static const struct otlp_convention *const conventions[] = {
	[MAP_LANGFUSE] = &convention_langfuse, [MAP_GEN_AI] = &convention_gen_ai, [MAP_OPENINFERENCE] = &convention_openinference,
};

/* ---- for the conventions ---- */

void span_put(struct otlp_span *span, const char *key, struct slice text)
{
	if (text.len > 0)
		otlp_attribute(span->otlp, SPAN_ATTRIBUTES, slice_of(key), text);
}

void span_put_int(struct otlp_span *span, const char *key, int64_t value)
{
	otlp_attribute_int(span->otlp, SPAN_ATTRIBUTES, slice_of(key), value);
}

void span_put_metadata(struct otlp_span *span, const char *key, const char *member)
{
	int32_t node = json_get(&span->metadata, 0, member);

	if (node != JSON_NONE)
		otlp_attribute_json(span->otlp, SPAN_ATTRIBUTES, slice_of(key), &span->metadata, node);
}

struct slice span_metadata(struct otlp_span *span, const char *member)
{
	buf_clear(&span->text);
	(void)json_text(&span->metadata, json_get(&span->metadata, 0, member), &span->text);
	return buf_view(&span->text);
}

void span_put_content(struct otlp_span *span, const char *key, struct slice json)
{
	if (span->options->no_content)
		return;
	buf_clear(&span->text);
	fields_content(json, &span->text);
	span_put(span, key, buf_view(&span->text));
}

struct slice span_error(struct otlp_span *span)
{
	struct slice name;

	if (span->observation->level != OBS_ERROR)
		return SLICE_NONE;
	name = span_metadata(span, "error_name");
	return name.len > 0 ? name : SLICE("_OTHER");
}

void span_put_state(struct otlp_span *span)
{
	const struct observation *observation = span->observation;

	if (observation->level == OBS_WARNING && slice_is(observation->status, "interrupted"))
		otlp_attribute_bool(span->otlp, SPAN_ATTRIBUTES, SLICE("lfspool.interrupted"), true);
	if (observation->type == OBS_GENERATION)
		span_put_metadata(span, "lfspool.summary", "summary");
}

void span_put_rest(struct otlp_span *span)
{
	static const char *const content[] = { "title", "directory" };
	const struct json_doc *doc = &span->metadata;

	for (int32_t node = doc->count > 0 ? doc->nodes[0].first : JSON_NONE; node != JSON_NONE; node = doc->nodes[node].next) {
		bool left_out = false;
		buf_clear(&span->value);
		buf_text(&span->value, "lfspool.");
		json_unescape(doc->nodes[node].key, &span->value);
		left_out = json_key_is(doc, node, "project"); /* it is said of every span */
		for (size_t i = 0; span->options->no_content && i < sizeof content / sizeof content[0]; i++)
			left_out = left_out || json_key_is(doc, node, content[i]);
		if (!left_out && doc->nodes[node].type != JSON_OBJECT && doc->nodes[node].type != JSON_ARRAY)
			otlp_attribute_json(span->otlp, SPAN_ATTRIBUTES, buf_view(&span->value), doc, node);
	}
	span_put_content(span, "lfspool.input", span->observation->input);
	span_put_content(span, "lfspool.output", span->observation->output);
}

void span_put_by_type(struct otlp_span *span, const struct otlp_parts *parts)
{
	const struct observation *observation = span->observation;

	span_put(span, "session.id", observation->own_session.len ? observation->own_session : observation->session);
	span_put_metadata(span, "project.id", "project");
	span_put(span, "error.type", span_error(span));
	span_put_state(span);
	switch (observation->type) {
	case OBS_AGENT: parts->agent(span); break;
	case OBS_GENERATION: parts->generation(span); break;
	case OBS_TOOL: parts->tool(span); break;
	default: span_put_rest(span);
	}
}

static int64_t sum(const int64_t *counts, size_t n)
{
	int64_t total = -1;

	for (size_t i = 0; i < n; i++)
		if (counts[i] >= 0)
			total = (total < 0 ? 0 : total) + counts[i];
	return total;
}

int64_t span_tokens_in(const struct observation_usage *usage)
{
	const int64_t counts[] = { usage->input, usage->cache_read, usage->cache_write };

	return sum(counts, 3);
}

int64_t span_tokens_out(const struct observation_usage *usage)
{
	const int64_t counts[] = { usage->output, usage->reasoning };

	return sum(counts, 2);
}

/* ---- spans ---- */

static void put_pairs(struct otlp_span *span)
{
	const char *pairs = span->options->span_attributes;
	struct slice key, value;

	while (list_pair_next(&pairs, &key, &value))
		otlp_attribute(span->otlp, SPAN_ATTRIBUTES, key, value);
}

static void put_status(struct otlp_span *span)
{
	const struct observation *observation = span->observation;
	struct slice words = observation->status;

	if (observation->level != OBS_ERROR)
		return;
	if (span->options->no_content && span->options->convention != MAP_LANGFUSE)
		words = span_error(span);
	otlp_open(span->otlp, SPAN_STATUS, "status");
	if (words.len > 0)
		otlp_text(span->otlp, STATUS_MESSAGE, "message", words);
	otlp_number(span->otlp, STATUS_CODE, "code", STATUS_CODE_ERROR);
	otlp_close(span->otlp);
}

static void put_trace_id(struct otlp_span *span, unsigned field)
{
	const uint8_t *trace_id = span->has_parent ? span->parent.trace_id : span->observation->trace_id;

	otlp_id(span->otlp, field, "traceId", trace_id, sizeof(span->parent.trace_id));
}

/* What has no parent of its own has the one of the configuration. */
static void put_parent(struct otlp_span *span)
{
	static const uint8_t none[8];
	const uint8_t *parent = span->observation->parent_id;

	if (span->has_parent && span->options->tracestate)
		otlp_text(span->otlp, SPAN_STATE, "traceState", slice_of(span->options->tracestate));
	if (span->has_parent && memcmp(parent, none, sizeof(none)) == 0)
		parent = span->parent.span_id;
	otlp_id(span->otlp, SPAN_PARENT_ID, "parentSpanId", parent, sizeof(none));
}

static int put_span(struct otlp_span *span, struct err *err)
{
	const struct otlp_convention *convention = conventions[span->options->convention];
	const struct observation *observation = span->observation;
	struct otlp_writer *otlp = span->otlp;
	bool client = observation->type == OBS_GENERATION && span->options->convention != MAP_LANGFUSE;
	int rc;

	otlp_item(otlp, SCOPES_ITEMS);
	put_trace_id(span, SPAN_TRACE_ID);
	otlp_id(otlp, SPAN_SPAN_ID, "spanId", observation->span_id, sizeof(observation->span_id));
	put_parent(span);
	buf_clear(&span->value);
	convention->name(span);
	otlp_text(otlp, SPAN_NAME, "name", buf_view(&span->value));
	otlp_number(otlp, SPAN_KIND, "kind", client ? SPAN_KIND_CLIENT : SPAN_KIND_INTERNAL);
	otlp_time(otlp, SPAN_START, "startTimeUnixNano", observation->start_ms);
	otlp_time(otlp, SPAN_END, "endTimeUnixNano", observation->end_ms);
	otlp_list(otlp, OTLP_ATTRIBUTES);
	rc = convention->attributes(span, err);
	if (span->options->convention != MAP_LANGFUSE)
		put_pairs(span);
	otlp_list_close(otlp);
	put_status(span);
	otlp_close(otlp);
	return rc;
}

/* ---- log records ---- */

static bool is_content(const struct json_doc *doc, int32_t node)
{
	static const char *const keys[] = { "prompt", "error", "description" };

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (json_key_is(doc, node, keys[i]))
			return true;
	return false;
}

/* The metadata of an OBS_LOG is its attributes. */
static int put_log(struct otlp_span *span, struct err *err)
{
	const struct observation *log = span->observation;
	const struct json_doc *doc = &span->metadata;
	struct otlp_writer *otlp = span->otlp;
	bool error = log->level == OBS_ERROR;

	if (doc->count == 0)
		return err_set(err, LF_EINVAL, "a log without attributes");
	otlp_item(otlp, SCOPES_ITEMS);
	otlp_time(otlp, LOG_TIME, "timeUnixNano", log->start_ms);
	otlp_number(otlp, LOG_SEVERITY, "severityNumber", error ? SEVERITY_ERROR : SEVERITY_INFO);
	otlp_text(otlp, LOG_SEVERITY_TEXT, "severityText", error ? SLICE("ERROR") : SLICE("INFO"));
	otlp_any_text(otlp, LOG_BODY, "body", log->name);
	otlp_list(otlp, OTLP_ATTRIBUTES);
	otlp_attribute(otlp, LOG_ATTRIBUTES, SLICE("event.name"), log->name);
	for (int32_t node = doc->nodes[0].first; node != JSON_NONE; node = doc->nodes[node].next) {
		if (span->options->no_content && is_content(doc, node))
			continue;
		buf_clear(&span->value);
		json_unescape(doc->nodes[node].key, &span->value);
		otlp_attribute_json(otlp, LOG_ATTRIBUTES, buf_view(&span->value), doc, node);
	}
	otlp_list_close(otlp);
	put_trace_id(span, LOG_TRACE_ID);
	otlp_id(otlp, LOG_SPAN_ID, "spanId", log->parent_id, sizeof(log->parent_id));
	otlp_time(otlp, LOG_OBSERVED, "observedTimeUnixNano", log->end_ms);
	otlp_close(otlp);
	return 0;
}

/* ---- requests ---- */

static void put_resource_attribute(void *context, struct slice key, struct slice value)
{
	otlp_attribute(context, RESOURCE_ATTRIBUTES, key, value);
}

static void put_resource(struct otlp_writer *otlp, const struct map_options *options)
{
	const char *const langfuse[][2] = {
		{ "service.name", "lfspool" },
		{ "service.version", options->version },
		{ "host.name", options->host_name },
	};

	otlp_open(otlp, RESOURCES_RESOURCE, "resource");
	otlp_list(otlp, OTLP_ATTRIBUTES);
	if (options->convention != MAP_LANGFUSE)
		resource_each(options->version, options->instance, options->resource, put_resource_attribute, otlp);
	for (unsigned i = 0; options->convention == MAP_LANGFUSE && i < sizeof(langfuse) / sizeof(langfuse[0]); i++)
		if (langfuse[i][1] && *langfuse[i][1])
			otlp_attribute(otlp, RESOURCE_ATTRIBUTES, slice_of(langfuse[i][0]), slice_of(langfuse[i][1]));
	otlp_list_close(otlp);
	otlp_close(otlp);
}

static void put_scope(struct otlp_writer *otlp, const struct map_options *options)
{
	otlp_open(otlp, SCOPES_SCOPE, "scope");
	otlp_text(otlp, SCOPE_NAME, "name", SLICE(SCOPE));
	otlp_text(otlp, SCOPE_VERSION, "version", slice_of(options->version));
	otlp_close(otlp);
}

static int put_items(struct otlp_writer *otlp, const struct map_options *options, const struct observation *observations, unsigned count, struct err *err)
{
	struct otlp_span span = { .otlp = otlp, .options = options };
	int rc = 0;

	span.has_parent = options->convention != MAP_LANGFUSE && options->traceparent && map_traceparent(options->traceparent, &span.parent) == 0;
	json_doc_init(&span.metadata);
	json_doc_init(&span.content);
	buf_init(&span.value, 0);
	buf_init(&span.text, 0);
	for (unsigned i = 0; i < count && rc == 0; i++) {
		span.observation = &observations[i];
		span.metadata.count = 0;
		if (options->convention != MAP_LANGFUSE && observations[i].metadata.len > 0)
			rc = json_parse(&span.metadata, observations[i].metadata, 0, err);
		if (rc == 0)
			rc = (options->convention == MAP_LOGS ? put_log : put_span)(&span, err);
		if (rc == 0 && (span.text.failed || span.value.failed))
			rc = err_set(err, span.text.failed ? span.text.failed : span.value.failed, "text too large");
	}
	json_doc_done(&span.metadata);
	json_doc_done(&span.content);
	buf_done(&span.value);
	buf_done(&span.text);
	return rc;
}

int otlp_request(bool json, const struct map_options *options, const struct observation *observations,
                 unsigned count, struct buf *out, struct err *err)
{
	bool logs = options->convention == MAP_LOGS;
	struct otlp_writer otlp;
	int rc, ended;

	otlp_begin(&otlp, json, options->convention == MAP_LANGFUSE ? NULL : options->excluded, out);
	otlp_list(&otlp, logs ? "resourceLogs" : "resourceSpans");
	otlp_item(&otlp, REQUEST_RESOURCES);
	put_resource(&otlp, options);
	otlp_list(&otlp, logs ? "scopeLogs" : "scopeSpans");
	otlp_item(&otlp, RESOURCES_SCOPES);
	put_scope(&otlp, options);
	otlp_list(&otlp, logs ? "logRecords" : "spans");
	rc = put_items(&otlp, options, observations, count, err);
	otlp_list_close(&otlp);
	otlp_close(&otlp);
	otlp_list_close(&otlp);
	otlp_close(&otlp);
	otlp_list_close(&otlp);
	ended = otlp_end(&otlp, out, rc == 0 ? err : NULL);
	return rc != 0 ? rc : ended;
}
