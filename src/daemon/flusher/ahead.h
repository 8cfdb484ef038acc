/*
 * Sessions that are assembled before the spool's thread comes to them, on another, which reads with a handle of its own. What was made
 * is put later, unless a record has come or gone by then. What this does not do is left to derive_dirty().
 */
#ifndef LF_DAEMON_AHEAD_H
#define LF_DAEMON_AHEAD_H
#include "daemon/flusher/derive.h"

/* Of what is made: where there is more, it is put as it is made. */
#define AHEAD_MAX_BYTES (2u << 20)

struct ahead;
/* The work must outlive it. */
struct ahead *ahead_new(const struct work *work);
void ahead_free(struct ahead *ahead); /* NULL: nothing */
/* Something waits to be put. */
bool ahead_holds(const struct ahead *ahead);
/* Assembling ahead is of use: nothing waits, and nothing was in vain. */
bool ahead_is_of_use(const struct ahead *ahead);
/* Not on the spool's thread: dirty sessions of at most `max`, until there are `enough` observations. changes: spool_record_changes(),
 * when what was put last was committed. */
void ahead_assemble(struct ahead *ahead, uint64_t changes, unsigned max, unsigned enough);
/* On the spool's thread, in one transaction. Puts nothing when it is no longer what the records say, or when that fails; then nothing
 * waits any more either. */
void ahead_put(struct ahead *ahead, struct spool *spool, struct derived *ret);

#endif
