/*
 * Tells that something happened in directories. Where the system cannot tell (no inotify, network file systems) the caller looks
 * for itself now and then: watch_works() says how often that is needed.
 */
#ifndef LF_INGEST_WATCH_H
#define LF_INGEST_WATCH_H
#include <stdbool.h>

struct watch;
struct watch *watch_new(void);
void watch_free(struct watch *watch);
/* Watches a directory (its own entries) from now on, if it is there and is not watched yet. True when it is watched. */
bool watch_add(struct watch *watch, const char *dir);
/* To be polled for input; -1: there is none. */
int watch_fd(const struct watch *watch);
/* Takes what was told. True when something was. */
bool watch_drain(struct watch *watch);
/* The same, and names each entry; dir NULL: some were not told. The texts hold during the call. */
typedef void watch_fn(void *context, const char *dir, const char *name);
bool watch_drain_each(struct watch *watch, watch_fn *fn, void *context);
/* Whether all directories that were added are watched, and are file systems that tell of the changes of others. */
bool watch_works(const struct watch *watch);

#endif
