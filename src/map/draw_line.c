/* One line of a drawn trace. Pure. */
#include "map/draw_line.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MIN_COLUMNS 40
#define FIGURE_BYTES 40

enum figure { FIGURE_TOOK, FIGURE_IN, FIGURE_OUT, FIGURE_CACHE, FIGURE_COST, FIGURES };
struct figures {
	char text[FIGURES][FIGURE_BYTES]; /* "": nothing */
};

/* A column is left out on a screen that is narrower. */
static const struct {
	const char *name;
	unsigned columns, least;
} figure_rows[FIGURES] = {
	[FIGURE_TOOK] = { "took", 8, 0 }, [FIGURE_IN] = { "in", 8, 64 }, [FIGURE_OUT] = { "out", 8, 64 },
	[FIGURE_CACHE] = { "cache", 9, 84 }, [FIGURE_COST] = { "cost", 12, 48 },
};

void line_style_init(struct line_style *style, const struct map_look *look)
{
	style->columns = look && look->columns ? look->columns : MAP_DRAW_COLUMNS;
	style->colour = look && look->colour;
	if (style->columns < MIN_COLUMNS)
		style->columns = MIN_COLUMNS;
	style->left_columns = style->columns;
	for (int i = 0; i < FIGURES; i++)
		if (style->columns >= figure_rows[i].least)
			style->left_columns -= figure_rows[i].columns;
}

/* What stands left of the figures. */
static struct text_line left_side(const struct line_style *style, unsigned used, struct buf *out)
{
	return (struct text_line){ .out = out, .columns = style->left_columns, .used = used, .colour = style->colour };
}

/* Ends the line: the figures in their columns, no blanks behind the last one. */
static void put_figures(const struct line_style *style, struct text_line *left, enum text_look look, const struct figures *figures)
{
	bool colour = style->colour && look != LOOK_PLAIN;
	unsigned missing = style->left_columns > left->used ? style->left_columns - left->used : 0;

	buf_text(left->out, text_look(look, colour));
	for (int i = 0; i < FIGURES; i++) {
		unsigned n = (unsigned)strlen(figures->text[i]);
		if (style->columns < figure_rows[i].least)
			continue;
		missing += figure_rows[i].columns;
		if (!n)
			continue;
		for (; missing > n; missing--)
			buf_char(left->out, ' ');
		buf_text(left->out, figures->text[i]);
		missing = 0;
	}
	buf_text(left->out, text_look(LOOK_PLAIN, colour));
	buf_char(left->out, '\n');
}

static void format_count(int64_t count, char out[FIGURE_BYTES])
{
	static const char units[] = "kMGTPE";
	double n = (double)count / 1e3;
	unsigned unit = 0;

	for (; n >= 999.95 && units[unit + 1]; unit++)
		n /= 1e3;
	if (count < 10000000)
		snprintf(out, FIGURE_BYTES, "%" PRId64, count);
	else
		snprintf(out, FIGURE_BYTES, "%.1f%c", n, units[unit]);
}

/* Of counts that are known (not negative); stops at the largest number. */
static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	a = a > 0 ? a : 0;
	b = b > 0 ? b : 0;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void figure_usage(const struct observation_usage *usage, struct figures *figures)
{
	int64_t cache = plus(usage->cache_read, usage->cache_write);

	if (usage->input < 0 && usage->output < 0)
		return;
	format_count(plus(usage->input, 0), figures->text[FIGURE_IN]);
	format_count(plus(usage->output, usage->reasoning), figures->text[FIGURE_OUT]);
	if (cache)
		format_count(cache, figures->text[FIGURE_CACHE]);
}

/* The agent's own digits, unless they are more than the column takes, or no plain number. */
static void figure_cost(struct slice cost, struct figures *figures)
{
	char *digits;

	if (cost.len == 0)
		return;
	digits = xmemdup0(cost.ptr, cost.len);
	if (cost.len + 2 < figure_rows[FIGURE_COST].columns && strspn(digits, "0123456789.") == cost.len)
		snprintf(figures->text[FIGURE_COST], FIGURE_BYTES, "$%.20s", digits);
	else
		snprintf(figures->text[FIGURE_COST], FIGURE_BYTES, "$%.4g", strtod(digits, NULL));
	free(digits);
}

/* The model of a generation, the title of a tool call, what an event is about. */
static void put_subject(struct text_line *left, const struct observation *observation)
{
	struct json_doc doc;
	struct buf title;

	if (observation->model.len) {
		text_line_put(left, LOOK_DIM, "  ", observation->model);
		return;
	}
	json_doc_init(&doc);
	buf_init(&title, 0);
	if (observation->metadata.len && json_parse(&doc, observation->metadata, 0, NULL) == 0 &&
	    json_text(&doc, json_get(&doc, 0, "title"), &title) == 0)
		text_line_put(left, LOOK_DIM, "  ", buf_view(&title));
	buf_done(&title);
	json_doc_done(&doc);
}

static void put_status(struct text_line *left, const struct observation *observation)
{
	static const struct { const char *mark; enum text_look look; } rows[] = {
		[OBS_WARNING] = { "  ! ", LOOK_YELLOW }, [OBS_ERROR] = { "  ✗ ", LOOK_RED },
	};
	enum observation_level level = observation->level;

	if (level >= OBS_WARNING)
		text_line_put(left, rows[level].look, rows[level].mark,
		         observation->status.len ? observation->status : slice_of(observation_level_name(level)));
}

void line_draw(const struct line_style *style, unsigned used, const struct observation *observation, struct buf *out)
{
	static const enum text_look looks[] = {
		[OBS_SPAN] = LOOK_PLAIN, [OBS_GENERATION] = LOOK_CYAN, [OBS_EVENT] = LOOK_DIM, [OBS_AGENT] = LOOK_BOLD, [OBS_TOOL] = LOOK_GREEN,
	};
	struct text_line left = left_side(style, used, out);
	struct figures figures = { 0 };

	text_line_put(&left, observation->level == OBS_ERROR ? LOOK_RED : looks[observation->type], "", observation->name);
	put_status(&left, observation);
	put_subject(&left, observation);
	if (observation->type != OBS_EVENT)
		clock_format_duration(observation->end_ms - observation->start_ms, figures.text[FIGURE_TOOK]);
	figure_usage(&observation->usage, &figures);
	figure_cost(observation->cost, &figures);
	put_figures(style, &left, LOOK_PLAIN, &figures);
}

void line_totals_add(struct line_totals *totals, const struct observation *observation)
{
	const struct observation_usage *usage = &observation->usage;
	char *digits;

	if (totals->start_ms == 0 || observation->start_ms < totals->start_ms)
		totals->start_ms = observation->start_ms;
	if (observation->end_ms > totals->end_ms)
		totals->end_ms = observation->end_ms;
	totals->turns += observation->type == OBS_AGENT;
	totals->generations += observation->type == OBS_GENERATION;
	totals->tools += observation->type == OBS_TOOL;
	totals->errors += observation->level == OBS_ERROR;
	totals->input = plus(totals->input, usage->input);
	totals->output = plus(totals->output, plus(usage->output, usage->reasoning));
	totals->cache = plus(totals->cache, plus(usage->cache_read, usage->cache_write));
	if (observation->cost.len == 0)
		return;
	digits = xmemdup0(observation->cost.ptr, observation->cost.len);
	totals->cost += strtod(digits, NULL);
	free(digits);
}

static void put_count(struct text_line *left, enum text_look look, unsigned count, const char *noun)
{
	char text[64];

	snprintf(text, sizeof text, "%u %s%s", count, noun, count == 1 ? "" : "s");
	text_line_put(left, look, left->used ? "  " : "", slice_of(text));
}

static void draw_totals(const struct line_style *style, const struct line_totals *totals, struct buf *out)
{
	struct text_line left = left_side(style, 0, out);
	struct figures figures = { 0 };

	put_count(&left, LOOK_PLAIN, totals->turns, "turn");
	put_count(&left, LOOK_PLAIN, totals->generations, "generation");
	put_count(&left, LOOK_PLAIN, totals->tools, "tool");
	if (totals->errors)
		put_count(&left, LOOK_RED, totals->errors, "error");
	clock_format_duration(totals->end_ms - totals->start_ms, figures.text[FIGURE_TOOK]);
	if (totals->generations)
		figure_usage(&(struct observation_usage){ totals->input, totals->output, -1, totals->cache, -1 }, &figures);
	if (totals->cost > 0)
		snprintf(figures.text[FIGURE_COST], FIGURE_BYTES, "$%.6g", totals->cost);
	put_figures(style, &left, LOOK_BOLD, &figures);
}

void line_draw_header(const struct line_style *style, const struct line_totals *totals, struct buf *out)
{
	struct text_line title = left_side(style, 0, out), where = { .out = out, .columns = style->columns, .colour = style->colour };
	struct figures names;
	char start[32];

	for (int i = 0; i < FIGURES; i++)
		snprintf(names.text[i], FIGURE_BYTES, "%s", figure_rows[i].name);
	text_line_put(&title, LOOK_BOLD, "", totals->first->title.len ? totals->first->title : SLICE("(no title)"));
	put_figures(style, &title, LOOK_DIM, &names);
	draw_totals(style, totals, out);
	clock_format_iso(totals->start_ms, start);
	text_line_put(&where, LOOK_DIM, "", totals->first->session);
	text_line_put(&where, LOOK_DIM, where.used ? "  " : "", slice_of(start));
	text_line_end(&where);
}
