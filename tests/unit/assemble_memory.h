/* Literal records in memory as the assembler's store, for its tests. */
#ifndef LF_TESTS_ASSEMBLE_MEMORY_H
#define LF_TESTS_ASSEMBLE_MEMORY_H
#include "assemble/assemble.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define MAX_RECORDS 64

struct memory {
	struct clean_record_view records[MAX_RECORDS];
	size_t count;
};

static inline void put(struct memory *memory, enum record_kind kind, const char *session, const char *message, const char *key, const char *link, const char *body)
{
	assert_true(memory->count < MAX_RECORDS);
	memory->records[memory->count++] = (struct clean_record_view){
		.kind = kind, .level = RECORD_FINAL, .source = SLICE("opencode"), .session = slice_of(session),
		.message = slice_of(message), .key = slice_of(key), .link = slice_of(link), .body = slice_of(body),
	};
}

static inline void session(struct memory *memory, const char *id, const char *parent, const char *body)
{
	put(memory, RECORD_SESSION, id, "", id, parent, body);
}

static inline void message(struct memory *memory, const char *in, const char *id, const char *body)
{
	put(memory, RECORD_MESSAGE, in, id, id, "", body);
}

static inline void part(struct memory *memory, const char *in, const char *of, const char *key, const char *body)
{
	put(memory, RECORD_PART, in, of, key, "", body);
}

static inline void signal_(struct memory *memory, const char *in, const char *key, const char *body)
{
	put(memory, RECORD_SIGNAL, in, "", key, "", body);
}

static inline int each(struct memory *memory, bool (*wanted)(const struct clean_record_view *, struct slice, struct slice), struct slice a, struct slice b,
                bool once, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < memory->count; i++) {
		int rc;
		if (!wanted(&memory->records[i], a, b))
			continue;
		any = true;
		rc = fn(fn_context, &memory->records[i], err);
		if (rc != 0 || once)
			return rc;
	}
	return any || !once ? 0 : LF_ENOENT;
}

static inline bool want_head(const struct clean_record_view *record, struct slice a, struct slice b)
{
	(void)b;
	return record->kind != RECORD_PART && slice_equal(record->session, a);
}

static inline bool want_part(const struct clean_record_view *record, struct slice a, struct slice b)
{
	return record->kind == RECORD_PART && slice_equal(record->session, a) && slice_equal(record->message, b);
}

static inline bool want_link(const struct clean_record_view *record, struct slice a, struct slice b)
{
	(void)b;
	return record->kind == RECORD_PART && slice_equal(record->link, a);
}

static inline bool want_session(const struct clean_record_view *record, struct slice a, struct slice b)
{
	(void)b;
	return record->kind == RECORD_SESSION && slice_equal(record->session, a);
}

static inline int each_head(void *context, struct slice source, struct slice id, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	(void)source;
	return each(context, want_head, id, SLICE_NONE, false, fn, fn_context, err);
}

static inline int each_part(void *context, struct slice source, struct slice id, struct slice of, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	(void)source;
	return each(context, want_part, id, of, false, fn, fn_context, err);
}

static inline int find_link(void *context, struct slice source, struct slice child, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	(void)source;
	return each(context, want_link, child, SLICE_NONE, true, fn, fn_context, err);
}

static inline int find_session(void *context, struct slice source, struct slice id, assemble_record_fn *fn, void *fn_context, struct err *err)
{
	(void)source;
	return each(context, want_session, id, SLICE_NONE, true, fn, fn_context, err);
}

#endif
