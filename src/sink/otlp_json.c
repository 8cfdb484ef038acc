/* The JSON form of OTLP: ids as hex, nanoseconds as decimal strings, attributes as arrays of {key,value}. */
#include "sink/otlp.h"

static struct slice text_of(struct otlp_context *context, const struct json_doc *doc, int32_t node)
{
	struct slice ret = SLICE_NONE;
	struct buf text;

	if (json_type_of(doc, node) != JSON_STRING)
		return ret;
	buf_init(&text, context->batch->arena.max_bytes);
	(void)json_text(doc, node, &text);
	(void)arena_take(&context->batch->arena, &text, &ret);
	return ret;
}

/* A number, or a string of digits: both are in use. */
static uint64_t nanos_of(const struct json_doc *doc, int32_t node)
{
	struct slice raw = json_raw(doc, node);
	uint64_t value = 0;
	size_t i = 0;

	if (json_type_of(doc, node) == JSON_STRING && raw.len >= 2)
		raw = (struct slice){ raw.ptr + 1, raw.len - 2 };
	for (; i < raw.len && i < 19 && raw.ptr[i] >= '0' && raw.ptr[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(raw.ptr[i] - '0');
	return value;
}

/* Missing or null counts as empty; anything but an array fails. First child in *ret. */
static int list_of(const struct json_doc *doc, int32_t object, const char *key, int32_t *ret, struct err *err)
{
	int32_t node = json_get(doc, object, key);
	enum json_type type = json_type_of(doc, node);

	*ret = JSON_NONE;
	if (type == JSON_END || type == JSON_NULL)
		return 0;
	if (type != JSON_ARRAY)
		return err_set(err, LF_EINVAL, "%s is not an array", key);
	*ret = doc->nodes[node].first;
	return 0;
}

#define VALUE_MAX_DEPTH 32

/* Nested values: the tree of {arrayValue,kvlistValue} is walked with a stack of siblings still to write. */
struct level {
	int32_t next;
	bool map;
};

static int32_t value_member(const struct json_doc *doc, int32_t value, const char *key)
{
	return json_type_of(doc, value) == JSON_OBJECT ? json_get(doc, value, key) : JSON_NONE;
}

static int write_scalar(struct json_writer *writer, const struct json_doc *doc, int32_t value)
{
	static const char *const keys[] = { "stringValue", "boolValue", "doubleValue", "bytesValue" };
	int32_t node = value_member(doc, value, "intValue");
	struct slice raw = json_raw(doc, node);

	if (node != JSON_NONE) {
		if (json_type_of(doc, node) == JSON_STRING)
			raw = (struct slice){ raw.ptr + 1, raw.len - 2 };
		for (size_t i = 0; i < raw.len; i++)
			if (!(raw.ptr[i] >= '0' && raw.ptr[i] <= '9') && !(i == 0 && raw.ptr[i] == '-' && raw.len > 1))
				return LF_EINVAL;
		if (raw.len == 0)
			return LF_EINVAL;
		jw_raw(writer, raw);
		return 0;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && node == JSON_NONE; i++)
		node = value_member(doc, value, keys[i]);
	if (node == JSON_NONE)
		jw_null(writer);
	else
		jw_raw(writer, json_raw(doc, node));
	return 0;
}

static int value_enter(struct json_writer *writer, const struct json_doc *doc, int32_t value, struct level *stack, unsigned *depth, struct err *err)
{
	int32_t array = value_member(doc, value, "arrayValue"), map = value_member(doc, value, "kvlistValue");
	int32_t list = array != JSON_NONE ? array : map, first;

	if (list == JSON_NONE) {
		int rc = write_scalar(writer, doc, value);

		return rc ? err_set(err, rc, "a bad intValue") : 0;
	}
	if (*depth == VALUE_MAX_DEPTH)
		return err_set(err, LF_EINVAL, "an attribute is nested more than %d deep", VALUE_MAX_DEPTH);
	if (json_type_of(doc, list) != JSON_OBJECT || list_of(doc, list, "values", &first, err) != 0)
		return err_set(err, LF_EINVAL, "values is not an array");
	stack[(*depth)++] = (struct level){ first, array == JSON_NONE };
	if (array != JSON_NONE)
		jw_array(writer);
	else
		jw_object(writer);
	return 0;
}

static int value_step(struct otlp_context *context, struct json_writer *writer, const struct json_doc *doc, struct level *stack, unsigned *depth, struct err *err)
{
	struct level *top = &stack[*depth - 1];
	int32_t node = top->next;

	if (node == JSON_NONE) {
		if (top->map)
			jw_object_close(writer);
		else
			jw_array_close(writer);
		(*depth)--;
		return 0;
	}
	top->next = doc->nodes[node].next;
	if (!top->map)
		return value_enter(writer, doc, node, stack, depth, err);
	jw_key_slice(writer, text_of(context, doc, value_member(doc, node, "key")));
	return value_enter(writer, doc, value_member(doc, node, "value"), stack, depth, err);
}

static int value_json(struct otlp_context *context, const struct json_doc *doc, int32_t value, struct slice *ret, struct err *err)
{
	struct level stack[VALUE_MAX_DEPTH];
	struct json_writer writer;
	unsigned depth = 0;
	struct buf out;
	int rc;

	buf_init(&out, context->batch->arena.max_bytes);
	json_writer_init(&writer, &out);
	rc = value_enter(&writer, doc, value, stack, &depth, err);
	while (rc == 0 && depth > 0)
		rc = value_step(context, &writer, doc, stack, &depth, err);
	if (rc != 0) {
		buf_done(&out);
		return rc;
	}
	return arena_take(&context->batch->arena, &out, ret);
}

static int read_attributes(struct otlp_context *context, const struct json_doc *doc, int32_t object, struct otlp_attributes *attributes, struct err *err)
{
	int32_t node;
	int rc = list_of(doc, object, "attributes", &node, err);

	for (; rc == 0 && node != JSON_NONE; node = doc->nodes[node].next) {
		struct otlp_attribute *attribute = otlp_attributes_add(attributes);
		int32_t value = value_member(doc, node, "value"), text = value_member(doc, value, "stringValue");

		if (!attribute)
			return err_set(err, LF_ENOMEM, "out of memory");
		attribute->key = text_of(context, doc, value_member(doc, node, "key"));
		attribute->is_string = json_type_of(doc, text) == JSON_STRING;
		if (attribute->is_string)
			attribute->value = text_of(context, doc, text);
		else
			rc = value_json(context, doc, value, &attribute->value, err);
	}
	return rc;
}

static int read_span(struct otlp_context *context, const struct json_doc *doc, int32_t node, struct err *err)
{
	int32_t status, events;
	struct otlp_span span = { .status_code = 0 };
	int rc;

	if (json_type_of(doc, node) != JSON_OBJECT)
		return err_set(err, LF_EINVAL, "a span is no object");
	status = json_get(doc, node, "status");
	span.trace = text_of(context, doc, json_get(doc, node, "traceId"));
	span.span = text_of(context, doc, json_get(doc, node, "spanId"));
	span.parent = text_of(context, doc, json_get(doc, node, "parentSpanId"));
	span.name = text_of(context, doc, json_get(doc, node, "name"));
	span.start_ns = nanos_of(doc, json_get(doc, node, "startTimeUnixNano"));
	span.end_ns = nanos_of(doc, json_get(doc, node, "endTimeUnixNano"));
	span.status_code = json_int(doc, value_member(doc, status, "code"), 0);
	span.status_message = text_of(context, doc, value_member(doc, status, "message"));
	rc = list_of(doc, node, "events", &events, err);
	if (rc == 0)
		rc = read_attributes(context, doc, node, &span.attributes, err);
	if (rc == 0)
		rc = otlp_map_span(context, &span, err);
	otlp_attributes_done(&span.attributes);
	return rc;
}

static int read_scope_spans(struct otlp_context *context, const struct json_doc *doc, int32_t node, struct err *err)
{
	int32_t span;
	int rc;

	if (json_type_of(doc, node) != JSON_OBJECT)
		return err_set(err, LF_EINVAL, "scopeSpans has a member that is no object");
	context->scope = text_of(context, doc, value_member(doc, json_get(doc, node, "scope"), "name"));
	rc = list_of(doc, node, "spans", &span, err);
	for (; rc == 0 && span != JSON_NONE; span = doc->nodes[span].next)
		rc = read_span(context, doc, span, err);
	return rc;
}

static int read_resource_spans(struct otlp_context *context, const struct json_doc *doc, int32_t node, struct err *err)
{
	int32_t resource, scope = JSON_NONE;
	int rc = 0;

	if (json_type_of(doc, node) != JSON_OBJECT)
		return err_set(err, LF_EINVAL, "resourceSpans has a member that is no object");
	context->resource.count = 0;
	resource = json_get(doc, node, "resource");
	if (json_type_of(doc, resource) == JSON_OBJECT)
		rc = read_attributes(context, doc, resource, &context->resource, err);
	if (rc == 0)
		rc = list_of(doc, node, "scopeSpans", &scope, err);
	for (; rc == 0 && scope != JSON_NONE; scope = doc->nodes[scope].next)
		rc = read_scope_spans(context, doc, scope, err);
	return rc;
}

int otlp_decode_json(struct slice body, bool strict_ids, int64_t now_ms, struct sink_batch *batch, struct err *err)
{
	struct otlp_context context = { .batch = batch, .now_ms = now_ms, .strict_ids = strict_ids };
	struct json_doc doc;
	int32_t node = JSON_NONE;
	int rc;

	json_doc_init(&doc);
	rc = json_parse(&doc, body, 0, err);
	if (rc == 0 && json_type_of(&doc, 0) != JSON_OBJECT)
		rc = err_set(err, LF_EINVAL, "the request is no object");
	if (rc == 0)
		rc = list_of(&doc, 0, "resourceSpans", &node, err);
	for (; rc == 0 && node != JSON_NONE; node = doc.nodes[node].next)
		rc = read_resource_spans(&context, &doc, node, err);
	json_doc_done(&doc);
	otlp_attributes_done(&context.resource);
	return rc;
}
