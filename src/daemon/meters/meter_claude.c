/* Claude Code's figures; see meter_private.h. A figure is known by its metric, model and type. */
#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "daemon/meters/figures.h"
#include "daemon/meters/meter_private.h"
#include "daemon/sources/sources.h"
#include <stdio.h>
#include <stdlib.h>

#define HOUR_MS INT64_C(3600000)
#define TITLE_MAX_BYTES 100
#define SOURCE "claude"

enum gauge { G_SESSIONS, G_MESSAGES, G_TOOLS, G_TOKENS, G_COST, G_COUNT };
static const struct {
	const char *name, *unit, *help;
	enum fact_id fact;
	const char *only; /* "field=value" of the counter's label */
	bool counter;     /* profile claude_code has a counter whose name is the same in Prometheus */
} rows[G_COUNT] = {
	[G_SESSIONS] = { "session.count", "1", "Sessions of Claude Code.", FACT_SESSIONS, "is_subagent=false", true },
	[G_MESSAGES] = { "message.count", "1", "Messages of Claude Code's sessions.", FACT_MESSAGES, NULL, false },
	[G_TOOLS] = { "tool.usage", "1", "Calls of tools.", FACT_TOOL_MS, NULL, false },
	[G_TOKENS] = { "token.usage", "tokens", "Tokens of Claude Code's answers.", FACT_TOKENS, NULL, true },
	[G_COST] = { "cost.usage", "USD", "Price of Claude Code's answers, where it is known.", FACT_COST, NULL, true },
};

struct figure {
	enum gauge gauge;
	char *model, *type; /* NULL: it has none */
	double value;
};
struct figures {
	struct figure *items;
	size_t count, cap;
	struct json_doc doc;
};

static void figures_done(struct figures *figures)
{
	for (size_t i = 0; i < figures->count; i++) {
		free(figures->items[i].model);
		free(figures->items[i].type);
	}
	free(figures->items);
	json_doc_done(&figures->doc);
}

static bool same(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static struct figure *find(const struct figures *figures, enum gauge gauge, const char *model, const char *type)
{
	for (size_t i = 0; i < figures->count; i++) {
		struct figure *figure = &figures->items[i];
		if (figure->gauge == gauge && same(figure->model, model) && same(figure->type, type))
			return figure;
	}
	return NULL;
}

static void add(struct figures *figures, enum gauge gauge, const char *model, const char *type, double value)
{
	if (figures->count == figures->cap) {
		figures->cap = figures->cap ? figures->cap * 2 : 16;
		figures->items = xrealloc(figures->items, figures->cap * sizeof *figures->items);
	}
	figures->items[figures->count++] = (struct figure){ gauge, model ? xstrdup(model) : NULL, type ? xstrdup(type) : NULL, value };
}

/* ---- what the transcripts said ---- */

/* "metric.tool_ms/3" counts for a histogram, but its sum does not. */
static bool counts_for(const char *name, const struct fact *fact)
{
	size_t n = strlen(fact->name);

	if (strncmp(name, fact->name, n) != 0)
		return false;
	return fact->kind == FACT_HISTOGRAM ? name[n] == '/' && strcmp(name + n, "/sum") != 0 : name[n] == '\0';
}

static bool passes(const struct json_doc *doc, const char *only)
{
	char field[32];

	if (!only)
		return true;
	snprintf(field, sizeof field, "%.*s", (int)strcspn(only, "="), only);
	return json_string_is(doc, json_get(doc, 0, field), strchr(only, '=') + 1);
}

static int see_counter(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	struct figures *figures = context;
	const struct json_doc *doc = &figures->doc;
	struct figure *figure;
	char *model, *type;
	int gauge = 0;

	(void)err;
	while (gauge < G_COUNT && !counts_for(name, &facts[rows[gauge].fact]))
		gauge++;
	if (gauge == G_COUNT || json_parse(&figures->doc, slice_of(label), 64, NULL) != 0 || !json_string_is(doc, json_get(doc, 0, "source"), SOURCE) ||
	    !passes(doc, rows[gauge].only))
		return 0;
	model = gauge == G_TOKENS || gauge == G_COST ? json_strdup(doc, json_get(doc, 0, "model"), 128) : NULL;
	type = gauge == G_TOKENS ? json_strdup(doc, json_get(doc, 0, "type"), 64) : NULL;
	figure = find(figures, (enum gauge)gauge, model, type);
	if (!figure) {
		add(figures, (enum gauge)gauge, model, type, 0);
		figure = &figures->items[figures->count - 1];
	}
	figure->value += gauge == G_COST ? (double)value / PICO_PER_DOLLAR : (double)value;
	free(model);
	free(type);
	return 0;
}

/* ---- what the files say ---- */

static void offer(struct figures *figures, enum gauge gauge, const char *model, const char *type, double value)
{
	if (value > 0 && !find(figures, gauge, model, type))
		add(figures, gauge, model, type, value);
}

static void offer_model(struct figures *figures, const struct claude_model_stats *model)
{
	const struct { const char *type; int64_t value; } types[] = {
		{ "input", model->input }, { "output", model->output }, { "cacheRead", model->cache_read }, { "cacheCreation", model->cache_write },
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		offer(figures, G_TOKENS, model->model, types[i].type, (double)types[i].value);
	offer(figures, G_COST, model->model, NULL, model->cost);
}

static void take_files(struct figures *figures, const struct claude_stats *stats)
{
	offer(figures, G_SESSIONS, NULL, NULL, (double)stats->sessions);
	offer(figures, G_MESSAGES, NULL, NULL, (double)stats->messages);
	offer(figures, G_TOOLS, NULL, NULL, (double)stats->tool_calls);
	for (unsigned i = 0; i < stats->model_count; i++)
		offer_model(figures, &stats->models[i]);
}

static void say(struct metrics *metrics, const char *name, const char *unit, const char *help, const char *const *pairs, double value)
{
	char full[64];

	snprintf(full, sizeof full, "claude.code.%s", name);
	if (!metrics_is_disabled(metrics, name) && !metrics_is_disabled(metrics, full))
		metrics_gauge(metrics, full, unit, help, pairs, value);
}

static void write_figures(const struct figures *figures, struct metrics *metrics)
{
	bool counters = metrics_has_profile(metrics, "claude_code");

	for (size_t i = 0; i < figures->count; i++) {
		const struct figure *figure = &figures->items[i];
		const char *pairs[8] = { NULL };
		unsigned n = 0;
		if (figure->type) {
			pairs[n++] = "type";
			pairs[n++] = figure->type;
		}
		if (figure->model) {
			pairs[n++] = "model";
			pairs[n++] = figure->model;
		}
		pairs[n++] = "source";
		pairs[n++] = SOURCE;
		if (!(counters && rows[figure->gauge].counter))
			say(metrics, rows[figure->gauge].name, rows[figure->gauge].unit, rows[figure->gauge].help, pairs, figure->value);
	}
}

/* ---- sessions ---- */

struct sessions {
	const struct claude_stats *stats;
	struct metrics *metrics;
	int64_t since_ms;
	unsigned active, infos, infos_max;
	bool known[CLAUDE_STATS_SESSIONS]; /* of the files' sessions: the spool has it */
};

static void session_info(struct sessions *sessions, const char *id, struct slice title)
{
	struct metrics *metrics = sessions->metrics;
	char text[TITLE_MAX_BYTES + 1] = "";
	const char *pairs[] = { "session_id", id, "source", SOURCE, "title", text, NULL };
	struct slice cut = json_utf8_cut(title, TITLE_MAX_BYTES);

	if (!metrics_has_label(metrics, "session") || sessions->infos++ >= sessions->infos_max)
		return;
	if (metrics_has_label(metrics, "title") && cut.len)
		snprintf(text, sizeof text, "%.*s", (int)cut.len, cut.ptr);
	else
		pairs[4] = NULL;
	say(metrics, "session.info", "1", "Sessions of Claude Code.", pairs, 1);
}

static int see_session(void *context, const struct spool_session_row *row, struct err *err)
{
	struct sessions *sessions = context;
	char id[128];

	(void)err;
	if (!slice_is(row->source, SOURCE) || row->parent.len > 0)
		return 0;
	snprintf(id, sizeof id, "%.*s", (int)row->id.len, row->id.ptr);
	sessions->active += row->last_ms >= sessions->since_ms;
	for (unsigned i = 0; i < sessions->stats->recent_count; i++)
		if (strcmp(sessions->stats->recent[i].id, id) == 0)
			sessions->known[i] = true;
	session_info(sessions, id, row->title);
	return 0;
}

/* Titles of the files are prompts that nobody has redacted: they stay where they are. */
static int write_sessions(struct spool *spool, const struct work *work, const struct claude_stats *stats, struct metrics *metrics, struct err *err)
{
	struct sessions sessions = {
		.stats = stats, .metrics = metrics, .since_ms = clock_wall_ms() - conf_int(work->conf, "active_session_hours") * HOUR_MS,
		.infos_max = work->count.max_series,
	};
	const char *pairs[] = { "source", SOURCE, NULL };
	int rc = spool_each_session(spool, see_session, &sessions, err);

	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < stats->recent_count; i++) {
		if (sessions.known[i])
			continue;
		sessions.active += stats->recent[i].modified_ms >= sessions.since_ms;
		session_info(&sessions, stats->recent[i].id, SLICE_NONE);
	}
	say(metrics, "session.active", "1", "Sessions of Claude Code in which something happened within active_session_hours.", pairs, sessions.active);
	return 0;
}

/* ---- together ---- */

static void read_files(const struct work *work, struct claude_stats *ret)
{
	struct sources_status *live = work->sources ? xcalloc(1, sizeof *live) : NULL;

	if (live) {
		sources_status(work->sources, live);
		*ret = live->figures;
	} else if (conf_string(work->conf, "claude_dir")) {
		figures_read(work, conf_string(work->conf, "claude_dir"), clock_wall_ms(), ret);
	}
	free(live);
}

int meter_claude(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err)
{
	struct figures figures = { 0 };
	struct claude_stats *stats;
	int rc;

	if (work->mode == MODE_OFF || !list_has(conf_string(work->conf, "sources"), SOURCE))
		return 0;
	json_doc_init(&figures.doc);
	stats = xcalloc(1, sizeof *stats);
	read_files(work, stats);
	rc = spool_each_counter(spool, NULL, see_counter, &figures, err);
	if (rc == 0) {
		take_files(&figures, stats);
		write_figures(&figures, metrics);
		rc = write_sessions(spool, work, stats, metrics, err);
	}
	figures_done(&figures);
	free(stats);
	return rc;
}
