/* Reads members of a parsed body into a struct by a table. */
#include "assemble/fields.h"

static struct slice read_slice(const struct json_doc *doc, int32_t node, enum field_kind kind, struct pool *pool, struct buf *scratch)
{
	enum json_type type = json_type_of(doc, node);

	if (kind == FIELD_TEXT) {
		buf_clear(scratch);
		return json_text(doc, node, scratch) == 0 ? pool_copy(pool, buf_view(scratch)) : SLICE_NONE;
	}
	if ((kind == FIELD_STRING && type != JSON_STRING) || (kind == FIELD_VALUE && type == JSON_NULL))
		return SLICE_NONE;
	return pool_copy(pool, json_raw(doc, node));
}

void fields_read(const struct json_doc *doc, const struct field *fields, size_t count, struct pool *pool, struct buf *scratch, void *ret)
{
	for (const struct field *field = fields; field < fields + count; field++) {
		char *place = (char *)ret + field->offset;
		int32_t node = json_path(doc, 0, field->path);
		struct slice text;
		int64_t number;
		bool flag;

		if (field->kind <= FIELD_ANY) {
			text = read_slice(doc, node, field->kind, pool, scratch);
			memcpy(place, &text, sizeof text);
		} else if (field->kind <= FIELD_COUNT) {
			number = json_int(doc, node, field->kind == FIELD_COUNT ? -1 : 0);
			memcpy(place, &number, sizeof number);
		} else {
			flag = field->kind == FIELD_HAS ? json_type_of(doc, node) == JSON_OBJECT : json_bool(doc, node, false);
			memcpy(place, &flag, sizeof flag);
		}
	}
}
