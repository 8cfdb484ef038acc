/* See otlp_write.h. */
#include "map/otlp_write.h"
#include "base/hash.h"

#define NANOS_PER_MS 1000000

/* Field numbers of opentelemetry.proto.common.v1 */
enum {
	KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2,
	VALUE_STRING = 1, VALUE_BOOL = 2, VALUE_INT = 3, VALUE_DOUBLE = 4, VALUE_ARRAY = 5,
	ARRAY_VALUES = 1
};

void otlp_begin(struct otlp_writer *otlp, bool json, const char *excluded, struct buf *out)
{
	*otlp = (struct otlp_writer){ .json = json, .excluded = excluded };
	buf_init(&otlp->clean, 0);
	json_writer_init(&otlp->writer, out);
	protobuf_init(&otlp->protobuf, out);
	if (json)
		jw_object(&otlp->writer);
}

int otlp_end(struct otlp_writer *otlp, struct buf *out, struct err *err)
{
	int rc = 0;

	if (otlp->json)
		jw_object_close(&otlp->writer);
	if (otlp->clean.failed)
		rc = err_set(err, otlp->clean.failed, "text too large");
	else if (out->failed)
		rc = err_set(err, out->failed, "request larger than %zu bytes", out->max_bytes);
	buf_done(&otlp->clean);
	return rc;
}

/* ---- structure ---- */

void otlp_open(struct otlp_writer *otlp, unsigned field, const char *name)
{
	if (!otlp->json) {
		protobuf_open(&otlp->protobuf, field);
		return;
	}
	jw_key(&otlp->writer, name);
	jw_object(&otlp->writer);
}

void otlp_close(struct otlp_writer *otlp)
{
	if (otlp->json)
		jw_object_close(&otlp->writer);
	else
		protobuf_close(&otlp->protobuf);
}

void otlp_list(struct otlp_writer *otlp, const char *name)
{
	if (!otlp->json)
		return;
	jw_key(&otlp->writer, name);
	jw_array(&otlp->writer);
}

void otlp_list_close(struct otlp_writer *otlp)
{
	if (otlp->json)
		jw_array_close(&otlp->writer);
}

void otlp_item(struct otlp_writer *otlp, unsigned field)
{
	if (otlp->json)
		jw_object(&otlp->writer);
	else
		protobuf_open(&otlp->protobuf, field);
}

/* ---- fields ---- */

/* Protobuf strings must be valid UTF-8, or the whole request is refused. */
static struct slice valid_text(struct otlp_writer *otlp, struct slice text)
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

void otlp_text(struct otlp_writer *otlp, unsigned field, const char *name, struct slice text)
{
	if (!otlp->json) {
		protobuf_bytes(&otlp->protobuf, field, valid_text(otlp, text));
		return;
	}
	jw_key(&otlp->writer, name);
	jw_string(&otlp->writer, text);
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

void otlp_id(struct otlp_writer *otlp, unsigned field, const char *name, const uint8_t *bytes, size_t n)
{
	char hex[2 * 16 + 1];

	if (is_zero(bytes, n))
		return;
	if (!otlp->json) {
		protobuf_bytes(&otlp->protobuf, field, (struct slice){ (const char *)bytes, n });
		return;
	}
	hash_hex(bytes, n, hex);
	jw_key(&otlp->writer, name);
	jw_text(&otlp->writer, hex);
}

/* 64-bit integers are strings in OTLP's JSON. */
static void json_long(struct otlp_writer *otlp, const char *name, struct buf *text)
{
	jw_key(&otlp->writer, name);
	jw_string(&otlp->writer, buf_view(text));
	buf_done(text);
}

void otlp_time(struct otlp_writer *otlp, unsigned field, const char *name, int64_t ms)
{
	const int64_t max_ms = INT64_MAX / NANOS_PER_MS;
	uint64_t nanos = ms <= 0 ? 0 : (uint64_t)(ms > max_ms ? max_ms : ms) * NANOS_PER_MS;
	struct buf text;

	if (!otlp->json) {
		protobuf_fixed64(&otlp->protobuf, field, nanos);
		return;
	}
	buf_init(&text, 0);
	buf_format(&text, "%llu", (unsigned long long)nanos);
	json_long(otlp, name, &text);
}

void otlp_number(struct otlp_writer *otlp, unsigned field, const char *name, uint64_t number)
{
	if (!otlp->json) {
		protobuf_varint(&otlp->protobuf, field, number);
		return;
	}
	jw_key(&otlp->writer, name);
	jw_uint(&otlp->writer, number);
}

/* ---- attributes ---- */

static bool is_excluded(const struct otlp_writer *otlp, struct slice key)
{
	const char *rest = otlp->excluded;

	while (rest && *rest) {
		size_t n = strcspn(rest, ",");
		if (n == key.len && memcmp(rest, key.ptr, n) == 0)
			return true;
		rest += n;
		rest += *rest == ',';
	}
	return false;
}

static bool open_value(struct otlp_writer *otlp, unsigned field, struct slice key)
{
	if (is_excluded(otlp, key))
		return false;
	otlp_item(otlp, field);
	otlp_text(otlp, KEY_VALUE_KEY, "key", key);
	otlp_open(otlp, KEY_VALUE_VALUE, "value");
	return true;
}

static void close_value(struct otlp_writer *otlp)
{
	otlp_close(otlp);
	otlp_close(otlp);
}

/* The entry of protobuf, whose fields are those of a key with a text. */
_Static_assert(KEY_VALUE_KEY == 1 && KEY_VALUE_VALUE == 2 && VALUE_STRING == 1, "an attribute is an entry");

void otlp_attribute(struct otlp_writer *otlp, unsigned field, struct slice key, struct slice text)
{
	if (!otlp->json && json_utf8_valid(key) == key.len) {
		if (!is_excluded(otlp, key))
			protobuf_entry(&otlp->protobuf, field, key, valid_text(otlp, text));
		return;
	}
	if (!open_value(otlp, field, key))
		return;
	otlp_text(otlp, VALUE_STRING, "stringValue", text);
	close_value(otlp);
}

void otlp_attribute_int(struct otlp_writer *otlp, unsigned field, struct slice key, int64_t value)
{
	struct buf text;

	if (!open_value(otlp, field, key))
		return;
	if (otlp->json) {
		buf_init(&text, 0);
		buf_int(&text, value);
		json_long(otlp, "intValue", &text);
	} else {
		protobuf_varint_always(&otlp->protobuf, VALUE_INT, (uint64_t)value);
	}
	close_value(otlp);
}

void otlp_attribute_double(struct otlp_writer *otlp, unsigned field, struct slice key, double value)
{
	if (!open_value(otlp, field, key))
		return;
	if (otlp->json) {
		jw_key(&otlp->writer, "doubleValue");
		jw_double(&otlp->writer, value);
	} else {
		protobuf_double(&otlp->protobuf, VALUE_DOUBLE, value);
	}
	close_value(otlp);
}

void otlp_attribute_bool(struct otlp_writer *otlp, unsigned field, struct slice key, bool value)
{
	if (!open_value(otlp, field, key))
		return;
	if (otlp->json) {
		jw_key(&otlp->writer, "boolValue");
		jw_bool(&otlp->writer, value);
	} else {
		protobuf_varint_always(&otlp->protobuf, VALUE_BOOL, value);
	}
	close_value(otlp);
}

void otlp_attribute_texts(struct otlp_writer *otlp, unsigned field, struct slice key, const struct slice *items, unsigned count)
{
	if (!open_value(otlp, field, key))
		return;
	otlp_open(otlp, VALUE_ARRAY, "arrayValue");
	otlp_list(otlp, "values");
	for (unsigned i = 0; i < count; i++) {
		otlp_item(otlp, ARRAY_VALUES);
		otlp_text(otlp, VALUE_STRING, "stringValue", items[i]);
		otlp_close(otlp);
	}
	otlp_list_close(otlp);
	otlp_close(otlp);
	close_value(otlp);
}

static bool is_whole(struct slice number)
{
	for (size_t i = 0; i < number.len; i++)
		if (number.ptr[i] == '.' || number.ptr[i] == 'e' || number.ptr[i] == 'E')
			return false;
	return number.len <= 18; /* digits that fit */
}

void otlp_attribute_json(struct otlp_writer *otlp, unsigned field, struct slice key, const struct json_doc *doc, int32_t node)
{
	enum json_type type = json_type_of(doc, node);
	struct buf text;

	if (type == JSON_TRUE || type == JSON_FALSE) {
		otlp_attribute_bool(otlp, field, key, type == JSON_TRUE);
	} else if (type == JSON_NUMBER && is_whole(json_raw(doc, node))) {
		otlp_attribute_int(otlp, field, key, json_int(doc, node, 0));
	} else if (type == JSON_NUMBER) {
		otlp_attribute_double(otlp, field, key, json_double(doc, node, 0));
	} else if (type == JSON_STRING) {
		buf_init(&text, 0);
		if (json_text(doc, node, &text) == 0)
			otlp_attribute(otlp, field, key, buf_view(&text));
		buf_done(&text);
	} else if (type == JSON_OBJECT || type == JSON_ARRAY) {
		otlp_attribute(otlp, field, key, json_raw(doc, node));
	}
}

void otlp_any_text(struct otlp_writer *otlp, unsigned field, const char *name, struct slice text)
{
	otlp_open(otlp, field, name);
	otlp_text(otlp, VALUE_STRING, "stringValue", text);
	otlp_close(otlp);
}
