/* Which members of a body go to which fields of a struct: the tables of view.c, read by one function. */
#ifndef LF_ASSEMBLE_FIELDS_H
#define LF_ASSEMBLE_FIELDS_H
#include "assemble/pool.h"
#include "base/json.h"

enum field_kind {
	FIELD_TEXT,   /* struct slice: unescaped text of a string */
	FIELD_STRING, /* struct slice: a string as JSON */
	FIELD_VALUE,  /* struct slice: any value but null as JSON */
	FIELD_ANY,    /* struct slice: any value, also null, as JSON */
	FIELD_TIME,   /* int64_t, 0 when missing */
	FIELD_COUNT,  /* int64_t, -1 when missing */
	FIELD_BOOL,
	FIELD_HAS     /* bool: an object is there */
};

struct field {
	const char *path;         /* dotted */
	enum field_kind kind;
	size_t offset;
};

void fields_read(const struct json_doc *doc, const struct field *fields, size_t count, struct pool *pool, struct buf *scratch, void *ret);

#endif
