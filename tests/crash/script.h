/*
 * A life of a spool, as a script: what a daemon does with it from an empty directory on, with a source that can be read again
 * from any place, and a server that remembers. Stopped anywhere, it is taken up again at the step that the spool knows
 * (meta "step"), and ends in the same state.
 */
#ifndef LF_TESTS_CRASH_SCRIPT_H
#define LF_TESTS_CRASH_SCRIPT_H
#include "base/buf.h"
#include "base/err.h"
#include "spool.h"

#define ENTRIES 60 /* of the source */

struct mark { /* what the world saw after so many operations of the disk */
	size_t at;
	bool acknowledged;        /* spool_commit() returned 0 */
	bool taken[ENTRIES];      /* else: these spans arrived at the server */
};

struct world {
	char dir[128];
	struct spool *spool;
	unsigned received[ENTRIES]; /* how often the server took the span of each entry */
	int safe_cursor, safe_step; /* what was acknowledged */
	int page_limit;             /* pages of log before a checkpoint */
	struct mark *marks;
	size_t marks_count, marks_cap;
	struct buf before_cap;      /* the state when the cap came, if this run was there */
	size_t opened_at;           /* operations until the first opening was done */
};

void world_init(struct world *world, const char *dir);
void world_done(struct world *world);
/* Opens the spool and runs the script from the step where it stands to its end, or to the first error; closes it. */
int world_run(struct world *world, struct err *err);
/* Opens the spool as the step where it stands wants it. */
int world_open(struct world *world, struct err *err);
void world_close(struct world *world);

/* What is stored, as text that does not depend on when and in how many tries it came about. */
int state_text(struct world *world, struct buf *ret, struct err *err);
/* What must hold in any state; NULL, or what does not hold. final: the script came to its end. */
const char *state_wrong(struct world *world, bool final, struct err *err);

#endif
