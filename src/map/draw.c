/*
 * Draws observations as trees for people. A child hangs under its parent if the parent is among the
 * given ones, else under its trace. The order is start, then the order given. No recursion: a
 * chain of parents that closes in itself is cut where it would begin again.
 */
#include "base/mem.h"
#include "base/text.h"
#include "map/draw_line.h"
#include <stdlib.h>

#define NONE (-1)
#define MAX_DEPTH 256
#define BRANCH_COLUMNS 3

struct node {
	const struct observation *observation;
	long parent, first, next; /* indices in drawing order, NONE */
};

struct drawing {
	struct node *nodes;       /* by trace, start, place given */
	long count;
	struct line_style style;
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

/* Of a deep place only the last branches are drawn, so that room is left for what stands there. Returns their columns. */
static unsigned draw_branches(const struct drawing *drawing, long node)
{
	int room = (int)(drawing->style.left_columns / 2 / BRANCH_COLUMNS), depth = 0, shown;
	bool last[MAX_DEPTH] = { false };

	for (long at = node; at != NONE && depth < MAX_DEPTH; at = drawing->nodes[at].parent)
		last[depth++] = is_last(drawing, at);
	shown = depth < room ? depth : room;
	buf_text(drawing->out, text_look(LOOK_DIM, drawing->style.colour));
	for (int level = shown; --level > 0;)
		buf_text(drawing->out, level == shown - 1 && shown < depth ? "…  " : last[level] ? "   " : "│  ");
	buf_text(drawing->out, last[0] ? "└─ " : "├─ ");
	buf_text(drawing->out, text_look(LOOK_PLAIN, drawing->style.colour));
	return (unsigned)shown * BRANCH_COLUMNS;
}

static void draw_tree(const struct drawing *drawing, long root)
{
	long at = root;

	while (at != NONE) {
		line_draw(&drawing->style, draw_branches(drawing, at), drawing->nodes[at].observation, drawing->out);
		if (drawing->nodes[at].first != NONE) {
			at = drawing->nodes[at].first;
			continue;
		}
		while (at != root && drawing->nodes[at].next == NONE)
			at = drawing->nodes[at].parent;
		at = at == root ? NONE : drawing->nodes[at].next;
	}
}

static void draw_trace(const struct drawing *drawing, long first, long end)
{
	struct line_totals totals = { .first = drawing->nodes[first].observation };

	for (long i = first; i < end; i++)
		line_totals_add(&totals, drawing->nodes[i].observation);
	line_draw_header(&drawing->style, &totals, drawing->out);
	for (long i = first; i < end; i++)
		if (drawing->nodes[i].parent == NONE)
			draw_tree(drawing, i);
}

int map_draw(const struct observation *observations, unsigned count, const struct map_look *look, struct buf *out)
{
	struct drawing drawing = { .count = (long)count, .out = out };
	long end;

	line_style_init(&drawing.style, look);
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
