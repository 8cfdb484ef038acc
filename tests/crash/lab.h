/* What the crash tests share: the run of the script that nothing disturbed, and how others are held against it. */
#ifndef LF_TESTS_CRASH_LAB_H
#define LF_TESTS_CRASH_LAB_H
#include "disk.h"
#include "script.h"

#ifdef __SANITIZE_ADDRESS__
#define LAB_STRIDE 307
#else
#define LAB_STRIDE 97
#endif

struct lab {
	char root[64];        /* on a memory file system where there is one */
	char dir[96];         /* of the spool */
	char other[96];       /* where other states are made, to compare with */
	bool full;            /* CRASH_FULL: every point */
	size_t stride;        /* else every so manyth; no divisor of the script's rhythm. Sanitizers are slow */
	struct journal journal;
	struct world world;   /* of the undisturbed run: its marks */
	size_t count;         /* its operations */
	uint64_t *states;     /* hash of the state after each, when a killed process is followed by another; made when asked for */
	bool *known;
	struct disk killed;   /* of which they are made */
	uint64_t final;
};

struct point { /* where and how; is said when something is wrong */
	const char *how;
	size_t at, second;
	uint64_t seed;
};

void lab_empty(const char *dir);
/* Runs the script once, recorded. The directories go when the program ends, but for CRASH_KEEP; *lab must live as long. Ends the
 * program with 77 (skipped) under the thread sanitizer. */
void lab_init(struct lab *lab);
void lab_done(struct lab *lab);
double lab_seconds(void);
/* Says what is wrong and ends the program. */
void lab_fail(const struct point *point, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
/* What the server of the undisturbed run has after so many operations; what arrived just then counts unless late. */
void lab_know(const struct lab *lab, struct world *world, size_t at, bool late);
/* Operations when something was acknowledged last. */
size_t lab_acknowledged(const struct lab *lab, size_t at);
uint64_t lab_state(struct world *world, const struct point *point);
/* Opens; what must hold in any state does. */
void lab_open(struct world *world, const struct point *point);
/* The open world is in a state of the undisturbed run between its last acknowledgement and operation `at`. */
void lab_check_state(struct lab *lab, struct world *world, const struct point *point);
/* The same, of a world that was itself stopped: after the acknowledgement that it saw last. */
void lab_check_progress(struct lab *lab, struct world *world, const struct point *point);
/* Goes on with the script to its end, which must be that of the undisturbed run. */
void lab_finish(const struct lab *lab, struct world *world, const struct point *point);

#endif
