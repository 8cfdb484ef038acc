/* How far long work has come: one line on standard error where that is a terminal, and nothing elsewhere. */
#ifndef LF_CMD_PROGRESS_H
#define LF_CMD_PROGRESS_H
#include "cmd/cmd.h"

/* Draws the line: a bar where whole > 0, then words (our own). */
void progress_draw(const char *title, int64_t part, int64_t whole, const char *words);
/* Takes it away again. */
void progress_clear(void);

/*
 * For work that is one request: another process looks from outside until progress_stop(), at how much of the file at fd was read
 * (a daemon that reads it shares its position), or, with fd -1, at what the spool says of its queue. Work that is quick shows nothing.
 */
struct progress {
	int pid; /* 0: none */
};
void progress_start(struct progress *progress, const struct cmd_args *args, const char *title, int fd);
void progress_stop(struct progress *progress);

#endif
