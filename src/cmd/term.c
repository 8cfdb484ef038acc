/* Terminals; see term.h. */
#include "cmd/term.h"
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_COLUMNS 80
#define DEFAULT_ROWS 24
#define MAX_SIDE 1000

static unsigned side(unsigned told, unsigned fallback)
{
	return told == 0 ? fallback : told > MAX_SIDE ? MAX_SIDE : told;
}

struct term term_of(int fd)
{
	const char *type = getenv("TERM"), *no_color = getenv("NO_COLOR");
	struct winsize size = { 0 };
	struct term term = { 0 };

	if (!isatty(fd) || !type || !type[0] || strcmp(type, "dumb") == 0)
		return term;
	term.screen = true;
	term.colour = !no_color || !no_color[0];
	if (ioctl(fd, TIOCGWINSZ, &size) != 0)
		size = (struct winsize){ 0 };
	term.columns = side(size.ws_col, DEFAULT_COLUMNS);
	term.rows = side(size.ws_row, DEFAULT_ROWS);
	return term;
}

struct map_look term_look(const struct term *term)
{
	return (struct map_look){ .columns = term->columns, .colour = term->colour };
}
