/* The table of metrics. Private to src/metrics. */
#ifndef LF_METRICS_VIEW_ROWS_H
#define LF_METRICS_VIEW_ROWS_H
#include "metrics/view.h"

struct view_row {
	const char *profile;    /* NULL: lfspool's own */
	const char *prefix;     /* NULL: the option */
	const char *name, *unit, *help;
	enum metric_kind kind;
	int fact;               /* enum fact_id, or -1: the counter named below */
	const char *counter;    /* own: a counter whose label is a plain text */
	const char *attributes; /* "name=field", "name=field?value" (a bool), "name:constant"; of an own counter: what its label is */
	const char *only;       /* "field=value": other amounts do not count; NULL: all */
	double scale;           /* of the exported unit; 0: the fact's. A SUM of a histogram takes its sum, with scale 0 its count */
	const char *unless;     /* a profile that has this name already; NULL: none has */
};
extern const struct view_row view_rows[];
extern const unsigned view_row_count;

#endif
