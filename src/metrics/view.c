/* Gathers counters into families of series; see view.h. A series is found by the bytes of its attributes. */
#include "metrics/view.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "metrics/view_rows.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FURTHEST 10000 /* no double is in a bucket beyond it */

struct metrics {
	struct metrics_options options;
	struct metric_family *families; /* one a row, then the gauges */
	size_t count, cap;
	struct json_doc doc;            /* of the label in hand */
	struct buf text, attributes;    /* scratch */
};

/* ---- attributes: per attribute 's' or 'b', key, NUL, value, NUL ---- */

bool metric_attribute_next(struct slice *rest, struct metric_attribute *ret)
{
	size_t n;

	if (rest->len == 0)
		return false;
	ret->boolean = rest->ptr[0] == 'b';
	ret->key = rest->ptr + 1;
	ret->value = ret->key + strlen(ret->key) + 1;
	n = (size_t)(ret->value - rest->ptr) + strlen(ret->value) + 1;
	*rest = (struct slice){ rest->ptr + n, rest->len - n };
	return true;
}

static bool has(const struct metrics *metrics, const char *key)
{
	struct slice rest = buf_view(&metrics->attributes);
	struct metric_attribute attribute;

	while (metric_attribute_next(&rest, &attribute))
		if (strcmp(attribute.key, key) == 0)
			return true;
	return false;
}

/* The first of a name counts. */
static void put(struct metrics *metrics, bool boolean, struct slice key, struct slice value)
{
	struct buf *out = &metrics->attributes;
	char name[96];

	snprintf(name, sizeof name, "%.*s", (int)key.len, key.ptr);
	if (list_has(metrics->options.excluded, name) || has(metrics, name))
		return;
	buf_char(out, boolean ? 'b' : 's');
	buf_slice(out, key);
	buf_char(out, '\0');
	for (size_t i = 0; i < value.len; i++)
		buf_char(out, value.ptr[i] ? value.ptr[i] : ' '); /* a NUL ends the text */
	buf_char(out, '\0');
}

static bool field(struct metrics *metrics, const char *name, size_t n, struct slice *ret)
{
	char key[32];

	snprintf(key, sizeof key, "%.*s", (int)n, name);
	buf_clear(&metrics->text);
	if (json_text(&metrics->doc, json_get(&metrics->doc, 0, key), &metrics->text) != 0)
		return false;
	*ret = buf_view(&metrics->text);
	return true;
}

/* One word of a row's attributes. */
static void put_word(struct metrics *metrics, const char *word, size_t n)
{
	size_t key = strcspn(word, "=:"), name;
	struct slice value, id = { word, key };
	const char *rest = word + key + 1;

	if (word[key] == ':') {
		put(metrics, false, id, (struct slice){ rest, n - key - 1 });
		return;
	}
	name = strcspn(rest, "? ");
	if (!field(metrics, rest, name, &value))
		return;
	if (rest[name] == '?')
		put(metrics, true, id, slice_equal(value, (struct slice){ rest + name + 1, n - key - name - 2 }) ? SLICE("true") : SLICE("false"));
	else
		put(metrics, false, id, value);
}

static void put_labels(struct metrics *metrics)
{
	static const struct { const char *label, *key; } rows[] = { { "source", "source" }, { "session", "session.id" }, { "project", "project.id" } };
	struct slice value;

	if (field(metrics, "overflow", 8, &value))
		put(metrics, true, SLICE("otel.metric.overflow"), value);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (metrics_has_label(metrics, rows[i].label) && field(metrics, rows[i].label, strlen(rows[i].label), &value))
			put(metrics, false, slice_of(rows[i].key), value);
}

static void put_all(struct metrics *metrics, const char *words)
{
	const char *more = metrics->options.attributes;
	struct slice key, value;

	buf_clear(&metrics->attributes);
	while (list_pair_next(&more, &key, &value))
		put(metrics, false, key, value);
	while (*words) {
		size_t n = strcspn(words, " ");
		put_word(metrics, words, n);
		words += n;
		words += strspn(words, " ");
	}
	put_labels(metrics);
}

/* ---- series ---- */

static size_t *slot_of(const struct metric_family *family, struct slice attributes)
{
	size_t at = hash_64(attributes.ptr, attributes.len) & (family->index_size - 1);

	while (family->index[at] && !slice_equal(family->series[family->index[at] - 1].attributes, attributes))
		at = (at + 1) & (family->index_size - 1);
	return &family->index[at];
}

static void grow(struct metric_family *family)
{
	family->cap = family->cap ? family->cap * 2 : 8;
	family->series = xrealloc(family->series, family->cap * sizeof *family->series);
	free(family->index);
	family->index_size = family->cap * 2;
	family->index = xcalloc(family->index_size, sizeof *family->index);
	for (size_t i = 0; i < family->count; i++)
		*slot_of(family, family->series[i].attributes) = i + 1;
}

static struct metric_series *series_of(struct metrics *metrics, struct metric_family *family)
{
	struct slice attributes = buf_view(&metrics->attributes);
	struct metric_series *series;
	size_t *slot;

	if (family->count == family->cap)
		grow(family);
	slot = slot_of(family, attributes);
	if (*slot)
		return &family->series[*slot - 1];
	series = &family->series[family->count++];
	*slot = family->count;
	*series = (struct metric_series){ .attributes = { xmemdup0(attributes.ptr ? attributes.ptr : "", attributes.len), attributes.len } };
	return series;
}

/* ---- families ---- */

static struct metric_family *family_add(struct metrics *metrics)
{
	if (metrics->count == metrics->cap) {
		metrics->cap = metrics->cap ? metrics->cap * 2 : 64;
		metrics->families = xrealloc(metrics->families, metrics->cap * sizeof *metrics->families);
	}
	metrics->families[metrics->count] = (struct metric_family){ .scale = 1 };
	return &metrics->families[metrics->count++];
}

static void family_of_row(struct metrics *metrics, const struct view_row *row)
{
	struct metric_family *family = family_add(metrics);
	const char *prefix = row->prefix ? row->prefix : metrics->options.prefix;
	double cost = metrics->options.cost_scale;

	snprintf(family->name, sizeof family->name, "%s%s", prefix ? prefix : "", row->name);
	snprintf(family->unit, sizeof family->unit, "%s", row->unit);
	family->help = row->help;
	family->kind = row->kind;
	family->own = !row->profile;
	if (row->kind == METRIC_HISTOGRAM && metrics->options.exponential && row->scale == 0)
		family->kind = METRIC_EXPONENTIAL;
	family->fact = row->fact >= 0 ? &facts[row->fact] : NULL;
	if (row->scale > 0)
		family->scale = row->scale;
	else if (family->fact && !(row->kind == METRIC_SUM && family->fact->kind == FACT_HISTOGRAM))
		family->scale = family->fact->scale;
	if (row->fact != FACT_COST || !(cost > 0) || cost == 1)
		return;
	family->scale *= cost;
	snprintf(family->unit, sizeof family->unit, "USD/%.15g", cost);
}

struct metrics *metrics_new(const struct metrics_options *options)
{
	struct metrics *metrics = xcalloc(1, sizeof *metrics);

	metrics->options = *options;
	json_doc_init(&metrics->doc);
	buf_init(&metrics->text, 0);
	buf_init(&metrics->attributes, 0);
	for (unsigned i = 0; i < view_row_count; i++)
		family_of_row(metrics, &view_rows[i]);
	return metrics;
}

static void series_done(struct metric_series *series)
{
	free((void *)(uintptr_t)series->attributes.ptr);
	exponential_done(&series->exponential);
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < metrics->count; i++) {
		struct metric_family *family = &metrics->families[i];
		for (size_t k = 0; k < family->count; k++)
			series_done(&family->series[k]);
		free(family->series);
		free(family->index);
	}
	free(metrics->families);
	json_doc_done(&metrics->doc);
	buf_done(&metrics->text);
	buf_done(&metrics->attributes);
	free(metrics);
}

size_t metrics_count(const struct metrics *metrics)
{
	return metrics->count;
}

const struct metric_family *metrics_family(const struct metrics *metrics, size_t i)
{
	return &metrics->families[i];
}

bool metrics_has_profile(const struct metrics *metrics, const char *profile)
{
	return list_has(metrics->options.profiles, profile);
}

bool metrics_has_label(const struct metrics *metrics, const char *label)
{
	return list_has(metrics->options.labels, label) || (metrics->options.source_label && strcmp(label, "source") == 0);
}

bool metrics_is_disabled(const struct metrics *metrics, const char *name)
{
	return list_has(metrics->options.disabled, name);
}

/* A scale below 1 is the inverse of a whole number, by which the division is exact where the product is not. */
double metric_value(const struct metric_family *family, int64_t raw)
{
	return family->scale < 1 ? (double)raw / (1 / family->scale) : (double)raw * family->scale;
}

double metric_bound(const struct metric_family *family, unsigned i)
{
	double ratio = family->scale / family->fact->scale;

	return ratio < 1 ? family->fact->bounds[i] / (1 / ratio) : family->fact->bounds[i] * ratio;
}

/* ---- counters in ---- */

static bool wanted(const struct metrics *metrics, const struct view_row *row)
{
	if (row->profile && !metrics_has_profile(metrics, row->profile))
		return false;
	return !(row->unless && metrics_has_profile(metrics, row->unless)) && !metrics_is_disabled(metrics, row->name);
}

static bool passes(struct metrics *metrics, const char *only)
{
	size_t n;
	struct slice value;

	if (!only)
		return true;
	n = strcspn(only, "=");
	return field(metrics, only, n, &value) && slice_is(value, only + n + 1);
}

static void add_bucket(struct metric_family *family, struct metric_series *series, const char *part, uint64_t value)
{
	unsigned long bucket = strtoul(part, NULL, 10);

	if (bucket > family->fact->bound_count)
		return;
	series->buckets[bucket] += value;
	series->count += value;
}

/* A part of a histogram: its sum, or a bucket in one of two forms. */
static void add_part(struct metric_family *family, struct metric_series *series, const char *part, int64_t value)
{
	bool exponential = part[0] == 'x' || part[0] == 'z';

	if (strcmp(part, "sum") == 0)
		series->raw += value;
	else if (value < 0 || exponential != (family->kind == METRIC_EXPONENTIAL))
		return;
	else if (!exponential)
		add_bucket(family, series, part, (uint64_t)value);
	else if (part[0] == 'z')
		series->exponential.zero += (uint64_t)value;
	else if (strtol(part + 1, NULL, 10) > -FURTHEST && strtol(part + 1, NULL, 10) < FURTHEST)
		exponential_add(&series->exponential, (int32_t)strtol(part + 1, NULL, 10), (uint64_t)value);
}

/* Which parts of a histogram a sum takes: its sum, or else the number of its observations. */
static bool sum_takes(const struct view_row *row, const char *part)
{
	return row->scale > 0 ? strcmp(part, "sum") == 0 : part[0] >= '0' && part[0] <= '9';
}

static void add_fact(struct metrics *metrics, size_t i, const char *part, int64_t value)
{
	const struct view_row *row = &view_rows[i];
	struct metric_family *family = &metrics->families[i];
	struct metric_series *series;

	if (family->fact->kind == FACT_HISTOGRAM && row->kind == METRIC_SUM && !sum_takes(row, part))
		return;
	put_all(metrics, row->attributes);
	series = series_of(metrics, family);
	if (row->kind == METRIC_HISTOGRAM)
		add_part(family, series, part, value);
	else
		series->raw += value;
	series->gauge = metric_value(family, series->raw);
}

static const char *part_of(const char *name, const char *fact)
{
	size_t n = strlen(fact);

	if (strncmp(name, fact, n) != 0)
		return NULL;
	return name[n] == '/' ? name + n + 1 : name[n] == '\0' ? name + n : NULL;
}

static void add_own(struct metrics *metrics, size_t i, const char *label, int64_t value)
{
	struct metric_family *family = &metrics->families[i];
	struct metric_series *series;

	buf_clear(&metrics->attributes);
	if (label[0])
		put(metrics, false, slice_of(view_rows[i].attributes), slice_of(label));
	series = series_of(metrics, family);
	series->raw += value;
	series->gauge = metric_value(family, series->raw);
}

void metrics_add(struct metrics *metrics, const char *name, const char *label, int64_t value)
{
	bool parsed = false;

	for (unsigned i = 0; i < view_row_count; i++) {
		const struct view_row *row = &view_rows[i];
		const char *part = row->fact >= 0 ? part_of(name, facts[row->fact].name) : NULL;
		if (!wanted(metrics, row))
			continue;
		if (row->fact < 0 && strcmp(row->counter, name) == 0)
			add_own(metrics, i, label, value);
		if (!part)
			continue;
		if (!parsed && json_parse(&metrics->doc, slice_of(label), 64, NULL) != 0)
			return;
		parsed = true;
		if (passes(metrics, row->only))
			add_fact(metrics, i, part, value);
	}
}

void metrics_gauge(struct metrics *metrics, const char *name, const char *unit, const char *help, const char *const *pairs, double value)
{
	struct metric_family *family = NULL;
	const char *dot = strchr(name, '.');

	if (dot && list_has(metrics->options.disabled, dot + 1))
		return;
	for (size_t i = view_row_count; i < metrics->count; i++)
		if (strcmp(metrics->families[i].name, name) == 0)
			family = &metrics->families[i];
	if (!family) {
		family = family_add(metrics);
		snprintf(family->name, sizeof family->name, "%s", name);
		snprintf(family->unit, sizeof family->unit, "%s", unit);
		family->help = help;
		family->kind = METRIC_GAUGE;
		family->own = strncmp(name, "lfspool.", 8) == 0;
	}
	buf_clear(&metrics->attributes);
	for (; pairs && pairs[0]; pairs += 2)
		put(metrics, false, slice_of(pairs[0]), slice_of(pairs[1]));
	series_of(metrics, family)->gauge = value;
}

bool metrics_is_delta(enum metrics_temporality temporality, const char *counter)
{
	bool agent = strncmp(counter, "metric.", 7) == 0;

	if (strncmp(counter, "series", 6) == 0) /* the register of series: a figure */
		return false;

	for (unsigned i = 0; agent && i < FACT_COUNT; i++)
		agent = !(facts[i].own && part_of(counter, facts[i].name));
	if (temporality == METRICS_CUMULATIVE || part_of(counter, facts[FACT_LINES_NOW].name))
		return false;
	return temporality == METRICS_DELTA || agent;
}
