/* What the spool's unit tests share: a spool in a directory of its own, and short ways to fill it. */
#ifndef LF_TESTS_SPOOL_FIXTURE_H
#define LF_TESTS_SPOOL_FIXTURE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/mem.h"
#include "event/clean_record_make.h"
#include "spool.h"
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	char root[64], dir[96];
	struct spool *spool;
	struct spool_options options;
};

static inline void reopen(struct fixture *f)
{
	struct err err = { 0 };

	spool_close(f->spool);
	f->spool = NULL;
	if (spool_open(&f->options, &f->spool, &err) != 0)
		fail_msg("spool_open: %s", err.text);
}

static inline int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	snprintf(f->root, sizeof f->root, "/tmp/lfspool-test-XXXXXX");
	if (!mkdtemp(f->root))
		return -1;
	snprintf(f->dir, sizeof f->dir, "%s/spool", f->root);
	f->options.dir = f->dir;
	reopen(f);
	*state = f;
	return 0;
}

static inline void remove_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			(void)unlink(path);
	}
	if (d)
		closedir(d);
	(void)rmdir(dir);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	bool miscounted = f->spool && spool_check(f->spool, &err) != 0 && strstr(err.text, "counter says otherwise");

	spool_close(f->spool);
	remove_files(f->dir);
	remove_files(f->root);
	free(f);
	if (miscounted) /* whatever a test did, the counters of rows are right */
		fprintf(stderr, "%s\n", err.text);
	return miscounted;
}

#define OK(call) ok_at((call), &err, __FILE__, __LINE__)
static inline void ok_at(int rc, const struct err *err, const char *file, int line)
{
	if (rc != 0) {
		print_error("%s:%d: %d %s\n", file, line, rc, err->text);
		fail();
	}
}

/* "" where nothing is given. */
struct entry {
	enum record_kind kind;
	const char *session, *message, *key, *link, *body;
	enum record_level level; /* 0: final */
	uint64_t order;
	int64_t time_ms;
};

static inline enum spool_appended append(struct spool *spool, struct entry e)
{
	struct clean_record_view view = {
		.kind = e.kind, .level = e.level ? e.level : RECORD_FINAL, .source = SLICE("opencode"), .session = slice_of(e.session),
		.message = slice_of(e.message), .key = slice_of(e.key), .link = slice_of(e.link), .time_ms = e.time_ms, .order = e.order,
		.body = slice_of(e.body ? e.body : "{}"),
	};
	struct clean_record *record = clean_record_new(&view);
	enum spool_appended how = SPOOL_UNCHANGED;
	struct err err = { 0 };
	int rc = spool_append(spool, record, &how, &err);

	clean_record_free(record);
	if (rc != 0)
		fail_msg("spool_append: %s", err.text);
	return how;
}

/* Gathers "key=body;" of what a reader gives. */
struct text {
	struct buf buf;
	unsigned count;
};

static inline int add_record(void *context, const struct clean_record_view *view, struct err *err)
{
	struct text *text = context;

	(void)err;
	text->count++;
	buf_slice(&text->buf, view->key);
	buf_char(&text->buf, '=');
	buf_slice(&text->buf, view->body);
	return buf_char(&text->buf, ';');
}

/* Of a session; empty: of all. */
static inline unsigned count_records(struct spool *spool, struct slice session)
{
	struct text text = { 0 };
	struct err err = { 0 };

	OK(spool_each_record(spool, session, add_record, &text, &err));
	buf_done(&text.buf);
	return text.count;
}

static inline int add_id(void *context, struct slice source, struct slice id, struct err *err)
{
	struct text *text = context;

	(void)source, (void)err;
	text->count++;
	buf_slice(&text->buf, id);
	return buf_char(&text->buf, ';');
}

static inline void text_is(struct text *text, const char *expected)
{
	assert_string_equal(text->buf.data ? text->buf.data : "", expected);
	buf_done(&text->buf);
	*text = (struct text){ 0 };
}

static inline void dirty_is(struct spool *spool, const char *expected)
{
	struct text text = { 0 };
	struct err err = { 0 };

	OK(spool_each_dirty(spool, 100, add_id, &text, &err));
	text_is(&text, expected);
}

static inline void clean(struct spool *spool, const char *session)
{
	struct err err = { 0 };

	OK(spool_mark_clean(spool, SLICE("opencode"), slice_of(session), &err));
}

static inline struct spool_observation observation(uint8_t span, const char *session, int64_t start_ms, const char *body)
{
	return (struct spool_observation){
		.trace_id = { 1, 2, 3 }, .span_id = { 9, span }, .source = SLICE("opencode"), .session = slice_of(session),
		.turn = SLICE("t"), .start_ms = start_ms, .body = slice_of(body),
	};
}

static inline void put(struct spool *spool, const char *session, const struct spool_observation *rows, size_t count)
{
	struct err err = { 0 };

	OK(spool_begin(spool, &err));
	OK(spool_observations_begin(spool, SLICE("opencode"), slice_of(session), &err));
	for (size_t i = 0; i < count; i++)
		OK(spool_observations_put(spool, &rows[i], &err));
	OK(spool_observations_end(spool, &err));
	OK(spool_commit(spool, &err));
}

/* "body:state[:version];" of each, with a letter for the state: P F(light) ?(doubt) D(elivered) X(dead). */
static inline int add_observation(void *context, const struct spool_observation *o, struct err *err)
{
	struct text *text = context;

	(void)err;
	text->count++;
	buf_slice(&text->buf, o->body);
	buf_format(&text->buf, ":%c", "PF?DX"[o->state]);
	if (o->version > 0)
		buf_format(&text->buf, ":%u", o->version);
	return buf_char(&text->buf, ';');
}

static inline void observations_are(struct spool *spool, const char *expected)
{
	struct text text = { 0 };
	struct err err = { 0 };

	OK(spool_each_observation(spool, SLICE_NONE, add_observation, &text, &err));
	text_is(&text, expected);
}

struct rows {
	int64_t ids[64];
	unsigned count;
};

static inline int add_row(void *context, const struct spool_observation *o, struct err *err)
{
	struct rows *rows = context;

	(void)err;
	rows->ids[rows->count++] = o->rowid;
	return 0;
}

static inline int64_t send_pending(struct spool *spool, bool changed, struct rows *rows)
{
	struct err err = { 0 };
	int64_t id = 0;

	rows->count = 0;
	OK(spool_each_pending(spool, 64, SIZE_MAX, changed, add_row, rows, &err));
	OK(spool_send_put(spool, rows->ids, rows->count, 1000, &id, &err));
	return id;
}

static inline void settle_all(struct spool *spool, int64_t id, const struct rows *rows, enum settle how, const char *reason)
{
	struct err err = { 0 };

	for (unsigned i = 0; i < rows->count; i++)
		OK(spool_settle(spool, id, rows->ids[i], how, reason, &err));
	OK(spool_send_end(spool, id, &err));
}

static inline int add_counter(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	struct text *text = context;

	(void)err;
	return buf_format(&text->buf, "%s/%s=%lld;", name, label, (long long)value);
}

static inline void counters_are(struct spool *spool, const char *name, const char *expected)
{
	struct text text = { 0 };
	struct err err = { 0 };

	OK(spool_each_counter(spool, name, add_counter, &text, &err));
	text_is(&text, expected);
}

static inline struct spool_figures figures(struct spool *spool)
{
	struct spool_figures ret;
	struct err err = { 0 };

	OK(spool_figures(spool, &ret, &err));
	return ret;
}

static inline int count_one(void *context, const struct spool_observation *row, struct err *err)
{
	(void)row, (void)err;
	++*(unsigned *)context;
	return 0;
}

static inline unsigned observations(struct spool *spool)
{
	struct err err = { 0 };
	unsigned count = 0;

	OK(spool_each_observation(spool, SLICE_NONE, count_one, &count, &err));
	return count;
}

/* What a statement gives: a line a row. */
static inline void read_rows(sqlite3 *db, const char *sql, struct buf *out)
{
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++)
			buf_format(out, "%s|", (const char *)sqlite3_column_text(stmt, i));
		buf_char(out, '\n');
	}
	sqlite3_finalize(stmt);
}

#endif
