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

#endif
