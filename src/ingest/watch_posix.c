/* See watch.h: a system that tells nothing, so that the caller looks for itself. */
#include "ingest/watch.h"
#include <stddef.h>

struct watch *watch_new(void)
{
	return NULL;
}

void watch_free(struct watch *watch)
{
	(void)watch;
}

bool watch_add(struct watch *watch, const char *dir)
{
	(void)watch, (void)dir;
	return false;
}

int watch_fd(const struct watch *watch)
{
	(void)watch;
	return -1;
}

bool watch_drain(struct watch *watch)
{
	(void)watch;
	return false;
}

bool watch_drain_each(struct watch *watch, watch_fn *fn, void *context)
{
	(void)watch, (void)fn, (void)context;
	return false;
}

bool watch_works(const struct watch *watch)
{
	(void)watch;
	return false;
}
