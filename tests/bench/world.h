/* A private place for one run: folders, environment, the program under test, loads on the disk. */
#ifndef LF_TESTS_BENCH_WORLD_H
#define LF_TESTS_BENCH_WORLD_H
#include "load.h"
#include "process.h"
#include <stdbool.h>

struct world {
	char dir[256], lfspool[4096], log[300], spool[300];
	struct load load;
};
void world_init(struct world *world, const char *lfspool, const char *sources);
void world_done(struct world *world);
/* An empty spool. */
void world_clear(const struct world *world);
/* Writes a file of the world and empties the buffer. */
void world_file(const struct world *world, const char *name, struct buf *content);
/* Programs that are started from here on have its spool; world_run() and world_daemon() see to it. */
void world_enter(const struct world *world);
/* lfspool with these words, to its end. */
struct process_figures world_run(const struct world *world, double *ret_wall_s, const char *command, const char *argument);
/* The daemon, up to its first answer; *ret_ready_s: how long that took. */
pid_t world_daemon(const struct world *world, double *ret_ready_s);
/* Hands lines to the daemon and waits until they are durable; false when it said that they are not. */
bool world_hand(const struct world *world, struct slice lines);
/* Bytes of the spool's files. */
double world_spool_bytes(const struct world *world);

void section_ingest(struct world *world);
void section_ship(struct world *world);
void section_idle(struct world *world);
void section_large(struct world *world);
/* Of the large one: what the daemon, which has a large spool, needs beside one with a small spool. */
void large_ratios(struct world *world, pid_t daemon);

#endif
