/*
 * Places: small numbers that come before a hash in an index, so that what is written at the same time stands together there.
 * They say nothing by themselves: a row is found by its place and its whole hash.
 */
#include "spool_internal.h"

#define CHARS 6 /* 24 bits of the time in OpenCode's ids: some seconds */

/* Agents put the time at the beginning of their ids, behind a word for their kind: "msg_0195f3ab…". */
int64_t place_of(struct slice id)
{
	const char *mark = id.len ? memchr(id.ptr, '_', id.len) : NULL;
	size_t from = mark ? (size_t)(mark + 1 - id.ptr) : 0;
	int64_t place = 1;

	for (size_t i = from; i < from + CHARS; i++)
		place = place << 7 | (i < id.len ? id.ptr[i] & 127 : 0);
	return place;
}

static void sql_place(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);

	(void)count;
	sqlite3_result_int64(context, place_of((struct slice){ text ? text : "", (size_t)sqlite3_value_bytes(values[0]) }));
}

int place_register(struct spool *spool, struct err *err)
{
	int rc = sqlite3_create_function(spool->db, "place", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC, NULL, sql_place, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sql_fail(spool, rc, err);
}
