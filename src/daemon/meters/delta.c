/* Differences of counters, in counters; see delta.h. */
#include "daemon/meters/delta.h"
#include "base/mem.h"
#include "daemon/meters/counting.h"
#include "daemon/meters/meter.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SENT "otlp.sent/" /* + name: what was taken so far */
#define TRY "otlp.try/"   /* + name: what is on its way */
#define META_TRY "otlp_try"
#define META_SENT "otlp_sent_ms"
#define NAME_BYTES 128

struct row {
	char *name, *label;
	int64_t value;
};
struct rows { /* sorted by name, label */
	struct row *items;
	size_t count, cap;
};
struct counters {
	struct rows now, sent, pending;
};

static void rows_add(struct rows *rows, const char *name, const char *label, int64_t value)
{
	if (rows->count == rows->cap) {
		rows->cap = rows->cap ? rows->cap * 2 : 64;
		rows->items = xrealloc(rows->items, rows->cap * sizeof *rows->items);
	}
	rows->items[rows->count++] = (struct row){ xstrdup(name), xstrdup(label), value };
}

static void rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->items[i].name);
		free(rows->items[i].label);
	}
	free(rows->items);
}

static void counters_done(struct counters *counters)
{
	rows_done(&counters->now);
	rows_done(&counters->sent);
	rows_done(&counters->pending);
}

static int see_counter(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	struct counters *counters = context;

	(void)err;
	if (strncmp(name, SENT, sizeof SENT - 1) == 0)
		rows_add(&counters->sent, name + sizeof SENT - 1, label, value);
	else if (strncmp(name, TRY, sizeof TRY - 1) == 0)
		rows_add(&counters->pending, name + sizeof TRY - 1, label, value);
	else
		rows_add(&counters->now, name, label, value);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->label, y->label);
}

static int64_t value_of(const struct rows *rows, const struct row *key)
{
	const struct row *row = rows->count ? bsearch(key, rows->items, rows->count, sizeof *rows->items, compare) : NULL;

	return row ? row->value : 0;
}

static int add(struct spool *spool, const char *prefix, const struct row *row, int64_t value, struct err *err)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof name, "%s%s", prefix, row->name);
	return spool_count(spool, name, row->label, value, err);
}

/* ---- the window ---- */

static bool read_meta(struct spool *spool, const char *name, int64_t *ret_a, int64_t *ret_b)
{
	struct buf value;
	struct err ignored;
	bool found;

	buf_init(&value, 128);
	found = spool_meta_get(spool, name, &value, &ignored) == 0 && value.data &&
	        sscanf(value.data, "%" SCNd64 " %" SCNd64, ret_a, ret_b) >= 1;
	buf_done(&value);
	return found;
}

static int write_window(struct spool *spool, const struct delta_window *window, struct err *err)
{
	char text[64];

	snprintf(text, sizeof text, "%" PRId64 " %" PRId64, window->start_ms, window->time_ms);
	return spool_meta_set(spool, META_TRY, slice_of(text), err);
}

static int write_differences(struct spool *spool, enum metrics_temporality temporality, struct err *err)
{
	struct counters counters = { 0 };
	int rc = spool_each_counter(spool, NULL, see_counter, &counters, err);

	for (size_t i = 0; rc == 0 && i < counters.now.count; i++) {
		const struct row *row = &counters.now.items[i];
		if (metrics_is_delta(temporality, row->name))
			rc = add(spool, TRY, row, row->value - value_of(&counters.sent, row), err);
	}
	counters_done(&counters);
	return rc;
}

int delta_freeze(struct spool *spool, enum metrics_temporality temporality, int64_t now_ms, struct delta_window *ret, struct err *err)
{
	int64_t unused;
	int rc;

	if (read_meta(spool, META_TRY, &ret->start_ms, &ret->time_ms))
		return 0;
	if (!read_meta(spool, META_SENT, &ret->start_ms, &unused))
		ret->start_ms = meter_start_ms(spool);
	ret->time_ms = now_ms > ret->start_ms ? now_ms : ret->start_ms + 1; /* the clock was set back */
	rc = spool_begin(spool, err);
	if (rc != 0)
		return rc;
	rc = write_differences(spool, temporality, err);
	if (rc == 0)
		rc = write_window(spool, ret, err);
	if (rc == 0)
		rc = spool_commit(spool, err);
	if (rc != 0)
		spool_rollback(spool);
	return rc;
}

int delta_feed(struct spool *spool, enum metrics_temporality temporality, struct metrics *metrics, struct err *err)
{
	struct counters counters = { 0 };
	int rc = spool_each_counter(spool, NULL, see_counter, &counters, err);

	for (size_t i = 0; i < counters.now.count; i++)
		if (!metrics_is_delta(temporality, counters.now.items[i].name))
			metrics_add(metrics, counters.now.items[i].name, counters.now.items[i].label, counters.now.items[i].value);
	for (size_t i = 0; i < counters.pending.count; i++)
		if (counters.pending.items[i].value != 0 && metrics_is_delta(temporality, counters.pending.items[i].name))
			metrics_add(metrics, counters.pending.items[i].name, counters.pending.items[i].label, counters.pending.items[i].value);
	counters_done(&counters);
	return rc;
}

static int settle_rows(struct spool *spool, bool taken, struct err *err)
{
	struct counters counters = { 0 };
	int rc = spool_each_counter(spool, NULL, see_counter, &counters, err);

	for (size_t i = 0; rc == 0 && i < counters.pending.count; i++) {
		const struct row *row = &counters.pending.items[i];
		if (taken)
			rc = add(spool, SENT, row, row->value, err);
		if (rc == 0)
			rc = add(spool, TRY, row, -row->value, err);
	}
	counters_done(&counters);
	return rc;
}

int delta_settle(struct spool *spool, bool taken, struct err *err)
{
	struct delta_window window;
	char text[24];
	int rc;

	if (!read_meta(spool, META_TRY, &window.start_ms, &window.time_ms))
		return 0;
	rc = settle_rows(spool, taken, err);
	snprintf(text, sizeof text, "%" PRId64, window.time_ms);
	if (rc == 0 && taken)
		rc = spool_meta_set(spool, META_SENT, slice_of(text), err);
	return rc != 0 ? rc : spool_meta_set(spool, META_TRY, SLICE_NONE, err);
}
