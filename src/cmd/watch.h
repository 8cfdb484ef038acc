/*
 * Doing something again and again until it is enough, or somebody presses q or Ctrl-C. On a screen in its other half, which is left
 * as it was found; elsewhere one piece of output after the other.
 */
#ifndef LF_CMD_WATCH_H
#define LF_CMD_WATCH_H
#include "base/buf.h"
#include "cmd/term.h"

struct watch_options {
	int64_t interval_ms;
	int64_t count;     /* looks; 0: no limit */
	int64_t for_ms;    /* 0: no limit */
	bool plain;        /* no screen, whatever standard output is */
};
/* Appends what is to be seen now; term has no columns where there is no screen. Returns an exit status. */
typedef int watch_fn(void *context, const struct term *term, struct buf *out);
/* Returns the last look's exit status; a look that fails (EXIT_FAILED, EXIT_USAGE) is the last one. */
int watch_run(const struct watch_options *options, watch_fn *look, void *context);

#endif
