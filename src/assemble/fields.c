/* Reads members of a parsed body into a struct by a table, in one pass over them. */
#include "assemble/fields.h"

struct reading {
	const struct json_doc *doc;
	struct pool *pool;
	struct buf *scratch;
	char *ret;
};

static void set_slice(const struct reading *reading, const struct field *field, struct slice value)
{
	memcpy(reading->ret + field->offset, &value, sizeof value);
}

static void set_number(const struct reading *reading, const struct field *field, int64_t value)
{
	memcpy(reading->ret + field->offset, &value, sizeof value);
}

static void set_flag(const struct reading *reading, const struct field *field, bool value)
{
	memcpy(reading->ret + field->offset, &value, sizeof value);
}

static struct slice read_slice(const struct reading *reading, int32_t node, enum field_kind kind)
{
	enum json_type type = json_type_of(reading->doc, node);

	if (kind == FIELD_TEXT) {
		buf_clear(reading->scratch);
		return json_text(reading->doc, node, reading->scratch) == 0 ? pool_copy(reading->pool, buf_view(reading->scratch)) : SLICE_NONE;
	}
	if ((kind == FIELD_STRING && type != JSON_STRING) || (kind == FIELD_VALUE && type == JSON_NULL))
		return SLICE_NONE;
	return pool_copy(reading->pool, json_raw(reading->doc, node));
}

static void read_field(const struct reading *reading, const struct field *field, int32_t node)
{
	if (field->kind <= FIELD_ANY)
		set_slice(reading, field, read_slice(reading, node, field->kind));
	else if (field->kind <= FIELD_COUNT)
		set_number(reading, field, json_int(reading->doc, node, field->kind == FIELD_COUNT ? -1 : 0));
	else if (field->kind == FIELD_BOOL)
		set_flag(reading, field, json_bool(reading->doc, node, false));
	else if (field->kind == FIELD_OBJECT)
		set_flag(reading, field, json_type_of(reading->doc, node) == JSON_OBJECT);
}

static void clear_fields(const struct reading *reading, const struct field *fields, size_t count)
{
	for (const struct field *field = fields; field < fields + count; field++) {
		if (field->kind <= FIELD_ANY)
			set_slice(reading, field, SLICE_NONE);
		else if (field->kind <= FIELD_COUNT)
			set_number(reading, field, field->kind == FIELD_COUNT ? -1 : 0);
		else if (field->kind != FIELD_MEMBERS)
			set_flag(reading, field, false);
	}
}

static bool is_named(const struct json_node *node, struct slice name)
{
	return node->key.len == name.len + 2 && node->key.ptr[1] == name.ptr[0] && memcmp(node->key.ptr + 1, name.ptr, name.len) == 0;
}

/* The search begins at *at, behind the field that was found last. NULL: none of them. */
static const struct field *find_field(const struct reading *reading, const struct field *fields, size_t count, int32_t index, size_t *at)
{
	const struct json_node *node = &reading->doc->nodes[index];
	const struct field *field = fields + *at;

	for (size_t i = 0; i < count; i++, field++) {
		if (field == fields + count)
			field = fields;
		if (node->escaped ? json_key_is(reading->doc, index, field->name.ptr) : is_named(node, field->name)) {
			*at = (size_t)(field + 1 - fields);
			return field;
		}
	}
	return NULL;
}

static int32_t first_member(const struct json_doc *doc, int32_t object)
{
	return json_type_of(doc, object) == JSON_OBJECT ? doc->nodes[object].first : JSON_NONE;
}

static void read_members(const struct reading *reading, const struct field *group, int32_t object)
{
	const struct field *field;
	size_t at = 0;

	clear_fields(reading, group->members, group->count);
	for (int32_t node = first_member(reading->doc, object); node != JSON_NONE; node = reading->doc->nodes[node].next) {
		field = find_field(reading, group->members, group->count, node, &at);
		if (field)
			read_field(reading, field, node);
	}
}

void fields_read(const struct json_doc *doc, const struct field *fields, size_t count, struct pool *pool, struct buf *scratch, void *ret)
{
	const struct reading reading = { doc, pool, scratch, ret };
	const struct field *field;
	size_t at = 0;

	for (field = fields; field < fields + count; field++)
		clear_fields(&reading, field->members, field->count);
	for (int32_t node = first_member(doc, 0); node != JSON_NONE; node = doc->nodes[node].next) {
		field = find_field(&reading, fields, count, node, &at);
		if (field)
			read_field(&reading, field, node);
		if (field && field->members)
			read_members(&reading, field, node);
	}
}
