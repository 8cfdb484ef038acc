/* The lines of a drawn trace: what stands left, and the columns of figures at the right. Private to map/. */
#ifndef LF_MAP_DRAW_LINE_H
#define LF_MAP_DRAW_LINE_H
#include "map/map.h"

struct line_style {
	bool colour;
	unsigned left_columns; /* what the figures leave for names */
	unsigned columns;
};
void line_style_init(struct line_style *style, const struct map_look *look /* NULL: plain */);

struct line_totals {
	const struct observation *first; /* of the trace: the caller sets it */
	unsigned turns, generations, tools, errors;
	int64_t start_ms, end_ms, input, output, cache;
	double cost;
};
void line_totals_add(struct line_totals *totals, const struct observation *observation);
/* The title and the names of the columns, the totals, and which session it is. */
void line_draw_header(const struct line_style *style, const struct line_totals *totals, struct buf *out);
/* The rest of a line on which `used` columns are taken. */
void line_draw(const struct line_style *style, unsigned used, const struct observation *observation, struct buf *out);

#endif
