/* The text of /metrics; see prometheus.h. Names follow OpenTelemetry's rules for Prometheus, but times are in seconds. */
#include "metrics/prometheus.h"
#include <inttypes.h>
#include <stdio.h>

#define NAME_BYTES 160

struct text {
	struct buf *out;
	bool open_metrics;
	int64_t start_ms;
	const struct metric_family *family;
	char name[NAME_BYTES];
	const char *suffix;      /* "_seconds", or "" */
	double divisor;          /* to the base unit */
};

static void plain_name(const char *from, char *out, size_t n)
{
	size_t i = 0;

	for (; from[i] && i + 1 < n; i++) {
		char c = from[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9');
		out[i] = letter ? c : '_';
	}
	out[i] = '\0';
}

/* What stands behind the name for a unit. */
static const char *unit_suffix(const char *unit, double *ret_divisor)
{
	static const struct { const char *unit, *suffix; double divisor; } rows[] = {
		{ "ms", "_seconds", 1000 }, { "s", "_seconds", 1 }, { "By", "_bytes", 1 }, { "tokens", "_tokens", 1 }, { "USD", "_USD", 1 },
	};

	*ret_divisor = 1;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i].unit, unit) != 0)
			continue;
		*ret_divisor = rows[i].divisor;
		return rows[i].suffix;
	}
	return "";
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

static void begin_family(struct text *text)
{
	const struct metric_family *family = text->family;
	char *name = text->name;

	text->suffix = unit_suffix(family->unit, &text->divisor);
	plain_name(family->name, name, NAME_BYTES - 32);
	if (family->kind != METRIC_HISTOGRAM && ends_with(name, "_total"))
		name[strlen(name) - 6] = '\0';
	if (!ends_with(name, text->suffix)) {
		size_t n = strlen(name);
		snprintf(name + n, NAME_BYTES - n, "%s", text->suffix);
	}
}

static void number(struct buf *out, double value)
{
	char digits[40];

	if (value >= -9007199254740992.0 && value <= 9007199254740992.0 && value == (double)(int64_t)value) {
		buf_format(out, "%" PRId64, (int64_t)value);
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		double back = 0;
		snprintf(digits, sizeof digits, "%.*g", precision, value);
		if (sscanf(digits, "%lf", &back) == 1 && back == value)
			break;
	}
	buf_text(out, digits);
}

static void value_text(struct buf *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			buf_char(out, '\\');
		if (*value == '\n')
			buf_text(out, "\\n");
		else
			buf_char(out, *value);
	}
}

static void labels(const struct text *text, struct slice attributes, const char *le)
{
	struct metric_attribute attribute;
	const char *before = "{";
	char name[NAME_BYTES];

	while (metric_attribute_next(&attributes, &attribute)) {
		plain_name(attribute.key, name, sizeof name);
		buf_format(text->out, "%s%s=\"", before, name);
		value_text(text->out, attribute.value);
		buf_char(text->out, '"');
		before = ",";
	}
	if (le) {
		buf_format(text->out, "%sle=\"%s\"", before, le);
		before = ",";
	}
	if (*before == ',')
		buf_char(text->out, '}');
	buf_char(text->out, ' ');
}

static void sample(const struct text *text, const char *suffix, const struct metric_series *series, const char *le, double value)
{
	buf_format(text->out, "%s%s", text->name, suffix);
	labels(text, series->attributes, le);
	number(text->out, value);
	buf_char(text->out, '\n');
}

static void created(const struct text *text, const struct metric_series *series)
{
	if (text->open_metrics && text->start_ms > 0 && text->family->kind != METRIC_GAUGE)
		sample(text, "_created", series, NULL, (double)text->start_ms / 1000);
}

static void histogram(const struct text *text, const struct metric_series *series)
{
	const struct fact *fact = text->family->fact;
	uint64_t below = 0;

	for (unsigned i = 0; i < fact->bound_count; i++) {
		struct buf bound;
		buf_init(&bound, 64);
		number(&bound, metric_bound(text->family, i) / text->divisor);
		if (text->open_metrics && !strpbrk(bound.data, ".e"))
			buf_text(&bound, ".0"); /* a float, as OpenMetrics has it */
		below += series->buckets[i];
		sample(text, "_bucket", series, bound.data, (double)below);
		buf_done(&bound);
	}
	sample(text, "_bucket", series, "+Inf", (double)series->count);
	sample(text, "_sum", series, NULL, metric_value(text->family, series->raw) / text->divisor);
	sample(text, "_count", series, NULL, (double)series->count);
}

static void one_series(const struct text *text, const struct metric_series *series)
{
	if (text->family->kind == METRIC_HISTOGRAM)
		histogram(text, series);
	else if (text->family->kind == METRIC_SUM)
		sample(text, "_total", series, NULL, metric_value(text->family, series->raw) / text->divisor);
	else
		sample(text, "", series, NULL, series->gauge / text->divisor);
	created(text, series);
}

int prometheus_write(const struct metrics *metrics, bool open_metrics, int64_t start_ms, struct buf *out)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	struct text text = { .out = out, .open_metrics = open_metrics, .start_ms = start_ms };

	for (size_t i = 0; i < metrics_count(metrics); i++) {
		const struct metric_family *family = text.family = metrics_family(metrics, i);
		const char *total = family->kind == METRIC_SUM && !open_metrics ? "_total" : "";
		if (family->count == 0)
			continue;
		begin_family(&text);
		if (open_metrics && text.suffix[0])
			buf_format(out, "# UNIT %s %s\n", text.name, text.suffix + 1);
		buf_format(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", text.name, total, family->help, text.name, total, types[family->kind]);
		for (size_t k = 0; k < family->count; k++)
			one_series(&text, &family->series[k]);
	}
	if (open_metrics)
		buf_text(out, "# EOF\n");
	return out->failed;
}
