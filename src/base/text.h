/* Text that others wrote, on a terminal: nothing in it can steer the terminal, and its columns are known. */
#ifndef LF_BASE_TEXT_H
#define LF_BASE_TEXT_H
#include "base/buf.h"

#define TEXT_NO_LIMIT 0

/*
 * Appends text that a terminal may show, cut to at most max_columns (TEXT_NO_LIMIT: all of it) with an ellipsis as its last column.
 * Control characters, line breaks and blanks become blanks; what changes the direction of writing goes; bytes that are no UTF-8,
 * and what has no shape, become U+FFFD; of a heap of combining marks the first few stay. Returns the columns that it takes.
 */
unsigned text_put(struct slice text, unsigned max_columns, struct buf *out);
/* The columns that text_put() would need for all of it. */
unsigned text_columns(struct slice text);
/* As text_put(), then blanks up to exactly `columns`. */
void text_pad(struct slice text, unsigned columns, struct buf *out);

/* How a piece of text looks; the escape sequence, or "" without colour. LOOK_PLAIN ends the others. */
enum text_look { LOOK_PLAIN, LOOK_BOLD, LOOK_DIM, LOOK_RED, LOOK_GREEN, LOOK_YELLOW, LOOK_CYAN, LOOK_COUNT };
const char *text_look(enum text_look look, bool colour);

/* A line that is put together from pieces and never becomes wider than there is room. */
struct text_line {
	struct buf *out;
	unsigned columns, used; /* columns: TEXT_NO_LIMIT for a pipe */
	bool colour;
};
/* Puts `before` (our own text) and the text, cut to what is left. Nothing when there is no text, or no room for more than a column. */
void text_line_put(struct text_line *line, enum text_look look, const char *before, struct slice text);
/* Our own words, by printf(3)'s format. */
void text_line_format(struct text_line *line, enum text_look look, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Blanks up to this column; none when it was passed. */
void text_line_to(struct text_line *line, unsigned column);
/* All of the text, over as many lines as it needs, each from column `indent` on, broken at blanks. On a pipe one line. */
void text_line_wrap(struct text_line *line, enum text_look look, unsigned indent, struct slice text);
/* Ends the line and begins the next one. */
void text_line_end(struct text_line *line);

#endif
