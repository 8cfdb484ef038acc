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
	FIELD_MEMBERS, /* members of an object, by a table of their own */
	FIELD_OBJECT  /* the same, and a bool: an object is there */
};

struct field {
	struct slice name;
	enum field_kind kind;
	size_t offset;            /* in the struct, also in a table of members */
	const struct field *members;
	size_t count;
};

/* The rows of a table: most often members are found quickly when they stand in the order in which they are written. */
#define FIELD(name, kind, offset) { { name, sizeof(name) - 1 }, kind, offset, NULL, 0 }
#define FIELD_WITH(name, kind, offset, members) { { name, sizeof(name) - 1 }, kind, offset, members, sizeof(members) / sizeof((members)[0]) }

/* *ret is zero before. Of members that come twice, the last counts. FIELD_COUNT stands in tables of members only. */
void fields_read(const struct json_doc *doc, const struct field *fields, size_t count, struct pool *pool, struct buf *scratch, void *ret);

#endif
