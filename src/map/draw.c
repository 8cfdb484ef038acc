/*
 * Draws observations as trees for people. A child hangs under its parent if the parent is among the
 * given ones, else under its trace. The order is start, then the order given. No recursion: a
 * chain of parents that closes in itself is cut where it would begin again.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "map/map.h"
#include <inttypes.h>
#include <stdlib.h>

#define NONE (-1)
#define DEFAULT_WIDTH 100
#define MIN_WIDTH 40
#define MAX_DEPTH 256

struct node {
	const struct observation *observation;
	long parent, first, next; /* indices in drawing order, NONE */
};

struct drawing {
	struct node *nodes;       /* by trace, start, place given */
	long count;
	unsigned width;
	struct buf *out;
};

static int compare_nodes(const void *a, const void *b)
{
	const struct observation *x = ((const struct node *)a)->observation, *y = ((const struct node *)b)->observation;
	int order = memcmp(x->trace_id, y->trace_id, sizeof x->trace_id);

	if (order == 0)
		order = (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
	return order ? order : (x > y) - (x < y);
}

struct span_index {
	const uint8_t *span_id;
	long node;
};

static int compare_spans(const void *a, const void *b)
{
	return memcmp(((const struct span_index *)a)->span_id, ((const struct span_index *)b)->span_id, 8);
}

static bool same_trace(const struct node *a, const struct node *b)
{
	return memcmp(a->observation->trace_id, b->observation->trace_id, sizeof a->observation->trace_id) == 0;
}

/* True if going up from parent comes to child. */
static bool closes_cycle(const struct drawing *drawing, long child, long parent)
{
	int depth = 0;

	for (; parent != NONE && depth < MAX_DEPTH; depth++) {
		if (parent == child)
			return true;
		parent = drawing->nodes[parent].parent;
	}
	return depth == MAX_DEPTH;
}

static void link_nodes(struct drawing *drawing)
{
	struct span_index *spans = xcalloc((size_t)drawing->count + 1, sizeof *spans);

	for (long i = 0; i < drawing->count; i++)
		spans[i] = (struct span_index){ drawing->nodes[i].observation->span_id, i };
	qsort(spans, (size_t)drawing->count, sizeof *spans, compare_spans);
	for (long i = 0; i < drawing->count; i++) {
		struct span_index key = { drawing->nodes[i].observation->parent_id, 0 };
		const struct span_index *found = bsearch(&key, spans, (size_t)drawing->count, sizeof *spans, compare_spans);
		if (found && same_trace(&drawing->nodes[i], &drawing->nodes[found->node]) && !closes_cycle(drawing, i, found->node))
			drawing->nodes[i].parent = found->node;
	}
	free(spans);
	/* From the last to the first, so that each list of children is in drawing order. */
	for (long i = drawing->count; i-- > 0;) {
		struct node *node = &drawing->nodes[i];
		if (node->parent == NONE)
			continue;
		node->next = drawing->nodes[node->parent].first;
		drawing->nodes[node->parent].first = i;
	}
}

/* Control characters and line breaks become blanks; longer text is cut with an ellipsis. */
static void draw_text(struct slice text, size_t max_bytes, struct buf *out)
{
	struct slice cut = json_utf8_cut(text, max_bytes);

	for (size_t i = 0; i < cut.len; i++)
		buf_char(out, (unsigned char)cut.ptr[i] < 0x20 || cut.ptr[i] == 0x7f ? ' ' : cut.ptr[i]);
	if (cut.len < text.len)
		buf_text(out, "…");
}

static void draw_tokens(const struct observation_usage *usage, struct buf *out)
{
	int64_t cache = (usage->cache_read > 0 ? usage->cache_read : 0) + (usage->cache_write > 0 ? usage->cache_write : 0);
	int64_t made = (usage->output > 0 ? usage->output : 0) + (usage->reasoning > 0 ? usage->reasoning : 0);

	if (usage->input < 0 && usage->output < 0)
		return;
	buf_format(out, "  %" PRId64 " in", usage->input > 0 ? usage->input : 0);
	buf_format(out, " / %" PRId64 " out", made);
	if (cache)
		buf_format(out, " (%" PRId64 " cache)", cache);
}

/* The model of a generation, the title of a tool call, what an event is about. */
static void draw_subject(const struct observation *observation, size_t max_bytes, struct buf *out)
{
	struct json_doc doc;
	struct buf title;

	if (observation->model.len) {
		buf_text(out, "  ");
		draw_text(observation->model, max_bytes, out);
		return;
	}
	json_doc_init(&doc);
	buf_init(&title, 0);
	if (observation->metadata.len && json_parse(&doc, observation->metadata, 0, NULL) == 0 &&
	    json_text(&doc, json_get(&doc, 0, "title"), &title) == 0 && title.len) {
		buf_text(out, "  ");
		draw_text(buf_view(&title), max_bytes, out);
	}
	buf_done(&title);
	json_doc_done(&doc);
}

static void draw_line(const struct drawing *drawing, const struct observation *observation)
{
	static const char *const marks[] = { "", "", "  ! ", "  ✗ " };
	size_t room = drawing->width / 3;
	char duration[32];

	buf_slice(drawing->out, observation->name);
	draw_subject(observation, room, drawing->out);
	if (observation->type != OBS_EVENT) {
		clock_format_duration(observation->end_ms - observation->start_ms, duration);
		buf_format(drawing->out, "  %s", duration);
	}
	draw_tokens(&observation->usage, drawing->out);
	if (observation->cost.len) {
		buf_text(drawing->out, "  $");
		buf_slice(drawing->out, observation->cost);
	}
	buf_text(drawing->out, marks[observation->level]);
	if (observation->level >= OBS_WARNING && observation->status.len)
		draw_text(observation->status, room, drawing->out);
	else if (observation->level >= OBS_WARNING)
		buf_text(drawing->out, observation_level_name(observation->level));
	buf_char(drawing->out, '\n');
}

static bool is_last(const struct drawing *drawing, long node)
{
	const struct node *at = &drawing->nodes[node];

	if (at->parent != NONE)
		return at->next == NONE;
	for (long i = node + 1; i < drawing->count && same_trace(at, &drawing->nodes[i]); i++)
		if (drawing->nodes[i].parent == NONE)
			return false;
	return true;
}

static void draw_branches(const struct drawing *drawing, long node)
{
	bool last[MAX_DEPTH];
	int depth = 0;

	for (long at = node; at != NONE && depth < MAX_DEPTH; at = drawing->nodes[at].parent)
		last[depth++] = is_last(drawing, at);
	while (--depth > 0)
		buf_text(drawing->out, last[depth] ? "   " : "│  ");
	buf_text(drawing->out, last[0] ? "└─ " : "├─ ");
}

static void draw_tree(const struct drawing *drawing, long root)
{
	long at = root;

	while (at != NONE) {
		draw_branches(drawing, at);
		draw_line(drawing, drawing->nodes[at].observation);
		if (drawing->nodes[at].first != NONE) {
			at = drawing->nodes[at].first;
			continue;
		}
		while (at != root && drawing->nodes[at].next == NONE)
			at = drawing->nodes[at].parent;
		at = at == root ? NONE : drawing->nodes[at].next;
	}
}

struct totals {
	unsigned turns, generations, tools;
	int64_t input, output, cache;
	double cost;
};

static void add_up(struct totals *totals, const struct observation *observation)
{
	const struct observation_usage *usage = &observation->usage;
	char *digits;

	totals->turns += observation->type == OBS_AGENT;
	totals->generations += observation->type == OBS_GENERATION;
	totals->tools += observation->type == OBS_TOOL;
	totals->input += usage->input > 0 ? usage->input : 0;
	totals->output += (usage->output > 0 ? usage->output : 0) + (usage->reasoning > 0 ? usage->reasoning : 0);
	totals->cache += (usage->cache_read > 0 ? usage->cache_read : 0) + (usage->cache_write > 0 ? usage->cache_write : 0);
	if (observation->cost.len == 0)
		return;
	digits = xmemdup0(observation->cost.ptr, observation->cost.len);
	totals->cost += strtod(digits, NULL);
	free(digits);
}

static void draw_count(struct buf *out, unsigned count, const char *noun)
{
	buf_format(out, "  %u %s%s", count, noun, count == 1 ? "" : "s");
}

static void draw_header(const struct drawing *drawing, long first, long end)
{
	const struct observation *observation = drawing->nodes[first].observation;
	struct totals totals = { 0 };
	char start[32];

	for (long i = first; i < end; i++)
		add_up(&totals, drawing->nodes[i].observation);
	clock_format_iso(observation->start_ms, start);
	if (observation->title.len)
		draw_text(observation->title, drawing->width - 10, drawing->out);
	else
		buf_text(drawing->out, "(no title)");
	buf_text(drawing->out, "  ");
	buf_slice(drawing->out, observation->session);
	buf_format(drawing->out, "  %s", start);
	draw_count(drawing->out, totals.turns, "turn");
	draw_count(drawing->out, totals.generations, "generation");
	draw_count(drawing->out, totals.tools, "tool");
	draw_tokens(&(struct observation_usage){ totals.input, totals.output, -1, totals.cache, -1 }, drawing->out);
	if (totals.cost > 0)
		buf_format(drawing->out, "  $%.6g", totals.cost);
	buf_char(drawing->out, '\n');
}

static void draw_trace(const struct drawing *drawing, long first, long end)
{
	draw_header(drawing, first, end);
	for (long i = first; i < end; i++)
		if (drawing->nodes[i].parent == NONE)
			draw_tree(drawing, i);
}

int map_draw(const struct observation *observations, unsigned count, unsigned width, struct buf *out)
{
	struct drawing drawing = { .count = (long)count, .out = out, .width = width == 0 ? DEFAULT_WIDTH : width < MIN_WIDTH ? MIN_WIDTH : width };
	long end;

	drawing.nodes = xcalloc((size_t)count + 1, sizeof *drawing.nodes);
	for (unsigned i = 0; i < count; i++)
		drawing.nodes[i] = (struct node){ .observation = &observations[i], .parent = NONE, .first = NONE, .next = NONE };
	qsort(drawing.nodes, count, sizeof *drawing.nodes, compare_nodes);
	link_nodes(&drawing);
	for (long first = 0; first < drawing.count; first = end) {
		for (end = first + 1; end < drawing.count && same_trace(&drawing.nodes[first], &drawing.nodes[end]);)
			end++;
		if (first > 0)
			buf_char(out, '\n');
		draw_trace(&drawing, first, end);
	}
	free(drawing.nodes);
	return out->failed;
}
