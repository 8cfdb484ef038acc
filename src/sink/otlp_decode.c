/*
 * A protobuf reader for ExportTraceServiceRequest. Bounded by the body it reads; strict: a known field of
 * the wrong wire type, a length beyond its message, a group, or a string that is no UTF-8 fails the request.
 * Messages nest as deep as their tables do; only attribute values nest by input, on a stack of their own.
 */
#include "sink/otlp.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/protobuf.h"

#define VALUE_MAX_DEPTH 32

bool otlp_is_protobuf(struct slice body)
{
	struct protobuf_field field;
	int more;

	while ((more = protobuf_next(&body, &field)) > 0)
		continue;
	return more == 0;
}

/* What one field of a message does: context is the message's own. */
struct pb_rule {
	uint64_t number;
	enum protobuf_wire wire;
	int (*read)(void *context, const struct protobuf_field *field, struct err *err);
};

static int bad_wire(struct err *err)
{
	return err_set(err, LF_EINVAL, "malformed protobuf");
}

static int pb_message(struct slice in, const struct pb_rule *rules, size_t count, void *context, struct err *err)
{
	struct protobuf_field field;
	int more, rc = 0;

	while (rc == 0 && (more = protobuf_next(&in, &field)) != 0) {
		if (more < 0)
			return bad_wire(err);
		for (size_t i = 0; rc == 0 && i < count; i++) {
			if (rules[i].number != field.number)
				continue;
			if (rules[i].wire != field.wire)
				return bad_wire(err);
			rc = rules[i].read(context, &field, err);
		}
	}
	return rc;
}
#define PB_MESSAGE(in, rules, context, err) pb_message(in, rules, sizeof(rules) / sizeof((rules)[0]), context, err)

static int take_utf8(const struct protobuf_field *field, struct slice *ret, struct err *err)
{
	if (json_utf8_valid(field->bytes) != field->bytes.len)
		return err_set(err, LF_EINVAL, "a string is not UTF-8");
	*ret = field->bytes;
	return 0;
}

/* ---- attribute values ---- */

enum value_kind { VALUE_NONE, VALUE_STRING, VALUE_BOOL, VALUE_INT, VALUE_DOUBLE, VALUE_ARRAY, VALUE_MAP, VALUE_BYTES };
struct value {
	enum value_kind kind;
	uint64_t number;
	struct slice bytes;
};

static int read_value(void *context, const struct protobuf_field *field, struct err *err)
{
	struct value *value = context;

	*value = (struct value){ (enum value_kind)field->number, field->value, field->bytes };
	return value->kind == VALUE_STRING ? take_utf8(field, &value->bytes, err) : 0;
}

static int value_parse(struct slice in, struct value *ret, struct err *err)
{
	static const struct pb_rule rules[] = {
		{ VALUE_STRING, PROTOBUF_BYTES, read_value }, { VALUE_BOOL, PROTOBUF_VARINT, read_value },
		{ VALUE_INT, PROTOBUF_VARINT, read_value }, { VALUE_DOUBLE, PROTOBUF_FIXED64, read_value },
		{ VALUE_ARRAY, PROTOBUF_BYTES, read_value }, { VALUE_MAP, PROTOBUF_BYTES, read_value },
		{ VALUE_BYTES, PROTOBUF_BYTES, read_value },
	};

	*ret = (struct value){ .kind = VALUE_NONE };
	return PB_MESSAGE(in, rules, ret, err);
}

struct key_value {
	struct slice key;
	struct slice value; /* an AnyValue, not read yet */
};

static int read_key(void *context, const struct protobuf_field *field, struct err *err)
{
	return take_utf8(field, &((struct key_value *)context)->key, err);
}

static int read_key_value(void *context, const struct protobuf_field *field, struct err *err)
{
	(void)err;
	((struct key_value *)context)->value = field->bytes;
	return 0;
}

static int key_value_parse(struct slice in, struct key_value *ret, struct err *err)
{
	static const struct pb_rule rules[] = { { 1, PROTOBUF_BYTES, read_key }, { 2, PROTOBUF_BYTES, read_key_value } };

	*ret = (struct key_value){ .key = SLICE("") };
	return PB_MESSAGE(in, rules, ret, err);
}

static void write_scalar(struct json_writer *writer, const struct value *value)
{
	struct buf text;
	double number;

	switch (value->kind) {
	case VALUE_STRING: jw_string(writer, value->bytes); break;
	case VALUE_BOOL: jw_bool(writer, value->number != 0); break;
	case VALUE_INT: jw_int(writer, (int64_t)value->number); break;
	case VALUE_DOUBLE:
		memcpy(&number, &value->number, sizeof(number));
		jw_double(writer, number);
		break;
	case VALUE_BYTES:
		buf_init(&text, 0);
		(void)base64_encode(value->bytes, &text);
		jw_string(writer, buf_view(&text));
		buf_done(&text);
		break;
	default: jw_null(writer);
	}
}

struct value_level {
	struct slice rest;
	enum value_kind kind;
};

/* Writes a scalar, or opens a list and puts it on the stack. */
static int value_enter(struct json_writer *writer, struct slice in, struct value_level *stack, unsigned *depth, struct err *err)
{
	struct value value;
	int rc = value_parse(in, &value, err);

	if (rc != 0)
		return rc;
	if (value.kind != VALUE_ARRAY && value.kind != VALUE_MAP) {
		write_scalar(writer, &value);
		return 0;
	}
	if (*depth == VALUE_MAX_DEPTH)
		return err_set(err, LF_EINVAL, "an attribute is nested more than %d deep", VALUE_MAX_DEPTH);
	stack[(*depth)++] = (struct value_level){ value.bytes, value.kind };
	if (value.kind == VALUE_ARRAY)
		jw_array(writer);
	else
		jw_object(writer);
	return 0;
}

/* The next member of the innermost list, or its end. */
static int value_step(struct json_writer *writer, struct value_level *stack, unsigned *depth, struct err *err)
{
	struct value_level *top = &stack[*depth - 1];
	struct key_value pair;
	struct protobuf_field field;
	int rc, more = protobuf_next(&top->rest, &field);

	if (more < 0 || (more > 0 && field.number == 1 && field.wire != PROTOBUF_BYTES))
		return bad_wire(err);
	if (more == 0) {
		if (top->kind == VALUE_ARRAY)
			jw_array_close(writer);
		else
			jw_object_close(writer);
		(*depth)--;
		return 0;
	}
	if (field.number != 1)
		return 0;
	if (top->kind == VALUE_ARRAY)
		return value_enter(writer, field.bytes, stack, depth, err);
	rc = key_value_parse(field.bytes, &pair, err);
	if (rc != 0)
		return rc;
	jw_key_slice(writer, pair.key);
	return value_enter(writer, pair.value, stack, depth, err);
}

static int value_json(struct slice in, struct buf *out, struct err *err)
{
	struct value_level stack[VALUE_MAX_DEPTH];
	struct json_writer writer;
	unsigned depth = 0;
	int rc;

	json_writer_init(&writer, out);
	rc = value_enter(&writer, in, stack, &depth, err);
	while (rc == 0 && depth > 0)
		rc = value_step(&writer, stack, &depth, err);
	return rc;
}

static int read_attribute(struct sink_batch *batch, struct otlp_attributes *attributes, struct slice in, struct err *err)
{
	struct otlp_attribute *attribute;
	struct key_value pair;
	struct value value;
	struct buf json;
	int rc = key_value_parse(in, &pair, err);

	if (rc == 0)
		rc = value_parse(pair.value, &value, err);
	if (rc != 0)
		return rc;
	attribute = otlp_attributes_add(attributes);
	if (!attribute)
		return err_set(err, LF_ENOMEM, "out of memory");
	*attribute = (struct otlp_attribute){ pair.key, value.bytes, value.kind == VALUE_STRING };
	if (attribute->is_string)
		return 0;
	buf_init(&json, batch->arena.max_bytes);
	rc = value_json(pair.value, &json, err);
	if (rc != 0) {
		buf_done(&json);
		return rc;
	}
	rc = arena_take(&batch->arena, &json, &attribute->value);
	return rc ? err_set(err, rc, "the request is too large") : 0;
}

/* ---- spans ---- */

struct span_reader {
	struct otlp_context *context;
	struct otlp_span span;
};

static int read_id(struct span_reader *reader, const struct protobuf_field *field, struct slice *ret, struct err *err)
{
	char *hex;

	if (field->bytes.len > 64)
		return err_set(err, LF_EINVAL, "an id of %zu bytes", field->bytes.len);
	hex = arena_alloc(&reader->context->batch->arena, field->bytes.len * 2 + 1);
	if (!hex)
		return err_set(err, LF_ENOMEM, "out of memory");
	hash_hex((const uint8_t *)field->bytes.ptr, field->bytes.len, hex);
	*ret = (struct slice){ hex, field->bytes.len * 2 };
	return 0;
}

static int read_trace_id(void *context, const struct protobuf_field *field, struct err *err)
{
	struct span_reader *reader = context;

	return read_id(reader, field, &reader->span.trace, err);
}

static int read_span_id(void *context, const struct protobuf_field *field, struct err *err)
{
	struct span_reader *reader = context;

	return read_id(reader, field, &reader->span.span, err);
}

static int read_parent_id(void *context, const struct protobuf_field *field, struct err *err)
{
	struct span_reader *reader = context;

	return read_id(reader, field, &reader->span.parent, err);
}

static int read_name(void *context, const struct protobuf_field *field, struct err *err)
{
	return take_utf8(field, &((struct span_reader *)context)->span.name, err);
}

static int read_start(void *context, const struct protobuf_field *field, struct err *err)
{
	(void)err;
	((struct span_reader *)context)->span.start_ns = field->value;
	return 0;
}

static int read_end(void *context, const struct protobuf_field *field, struct err *err)
{
	(void)err;
	((struct span_reader *)context)->span.end_ns = field->value;
	return 0;
}

static int read_span_attribute(void *context, const struct protobuf_field *field, struct err *err)
{
	struct span_reader *reader = context;

	return read_attribute(reader->context->batch, &reader->span.attributes, field->bytes, err);
}

static int read_status_message(void *context, const struct protobuf_field *field, struct err *err)
{
	return take_utf8(field, &((struct span_reader *)context)->span.status_message, err);
}

static int read_status_code(void *context, const struct protobuf_field *field, struct err *err)
{
	(void)err;
	((struct span_reader *)context)->span.status_code = (int64_t)field->value;
	return 0;
}

static int read_status(void *context, const struct protobuf_field *field, struct err *err)
{
	static const struct pb_rule rules[] = { { 2, PROTOBUF_BYTES, read_status_message }, { 3, PROTOBUF_VARINT, read_status_code } };

	return PB_MESSAGE(field->bytes, rules, context, err);
}

/* Events and links are not kept, but they must be messages. */
static int read_ignored(void *context, const struct protobuf_field *field, struct err *err)
{
	(void)context;
	return otlp_is_protobuf(field->bytes) ? 0 : bad_wire(err);
}

static int read_span(void *context, const struct protobuf_field *field, struct err *err)
{
	static const struct pb_rule rules[] = {
		{ 1, PROTOBUF_BYTES, read_trace_id }, { 2, PROTOBUF_BYTES, read_span_id }, { 4, PROTOBUF_BYTES, read_parent_id },
		{ 5, PROTOBUF_BYTES, read_name }, { 7, PROTOBUF_FIXED64, read_start }, { 8, PROTOBUF_FIXED64, read_end },
		{ 9, PROTOBUF_BYTES, read_span_attribute }, { 11, PROTOBUF_BYTES, read_ignored }, { 13, PROTOBUF_BYTES, read_ignored },
		{ 15, PROTOBUF_BYTES, read_status },
	};
	struct span_reader reader = { .context = context };
	int rc = PB_MESSAGE(field->bytes, rules, &reader, err);

	if (rc == 0)
		rc = otlp_map_span(context, &reader.span, err);
	otlp_attributes_done(&reader.span.attributes);
	return rc;
}

/* ---- the request around them ---- */

static int read_scope_name(void *context, const struct protobuf_field *field, struct err *err)
{
	return take_utf8(field, &((struct otlp_context *)context)->scope, err);
}

static int read_scope(void *context, const struct protobuf_field *field, struct err *err)
{
	static const struct pb_rule rules[] = { { 1, PROTOBUF_BYTES, read_scope_name } };

	return PB_MESSAGE(field->bytes, rules, context, err);
}

/* The scope may stand behind its spans: it is read in a first pass. */
static int read_scope_spans(void *context, const struct protobuf_field *field, struct err *err)
{
	static const struct pb_rule first[] = { { 1, PROTOBUF_BYTES, read_scope } };
	static const struct pb_rule second[] = { { 2, PROTOBUF_BYTES, read_span } };
	int rc;

	((struct otlp_context *)context)->scope = SLICE_NONE;
	rc = PB_MESSAGE(field->bytes, first, context, err);
	return rc ? rc : PB_MESSAGE(field->bytes, second, context, err);
}

static int read_resource_attribute(void *context, const struct protobuf_field *field, struct err *err)
{
	struct otlp_context *request = context;

	return read_attribute(request->batch, &request->resource, field->bytes, err);
}

static int read_resource(void *context, const struct protobuf_field *field, struct err *err)
{
	static const struct pb_rule rules[] = { { 1, PROTOBUF_BYTES, read_resource_attribute } };

	return PB_MESSAGE(field->bytes, rules, context, err);
}

static int read_resource_spans(void *context, const struct protobuf_field *field, struct err *err)
{
	static const struct pb_rule first[] = { { 1, PROTOBUF_BYTES, read_resource } };
	static const struct pb_rule second[] = { { 2, PROTOBUF_BYTES, read_scope_spans } };
	int rc;

	((struct otlp_context *)context)->resource.count = 0;
	rc = PB_MESSAGE(field->bytes, first, context, err);
	return rc ? rc : PB_MESSAGE(field->bytes, second, context, err);
}

int otlp_decode_protobuf(struct slice body, bool strict_ids, int64_t now_ms, struct sink_batch *batch, struct err *err)
{
	static const struct pb_rule rules[] = { { 1, PROTOBUF_BYTES, read_resource_spans } };
	struct otlp_context context = { .batch = batch, .now_ms = now_ms, .strict_ids = strict_ids };
	int rc = PB_MESSAGE(body, rules, &context, err);

	otlp_attributes_done(&context.resource);
	return rc;
}
