/* What the other end of a descriptor is: a screen with a size and colours, or a pipe or file that gets plain text. */
#ifndef LF_CMD_TERM_H
#define LF_CMD_TERM_H
#include "map/map.h"

struct term {
	bool screen;            /* a terminal that understands escape sequences */
	bool colour;            /* a screen, and NO_COLOR does not forbid it */
	unsigned columns, rows; /* of a screen; 0: no screen */
};
struct term term_of(int fd);
/* How trees are drawn there. */
struct map_look term_look(const struct term *term);

#endif
