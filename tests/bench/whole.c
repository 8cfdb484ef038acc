/*
 * The whole program, measured from outside, each figure beside what the machine can do at that moment.
 * `whole LFSPOOL SOURCES [SECTION...]`; sections are ingest, ship, idle, large. LARGE is the number of records of the
 * last one.
 */
#include "world.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	void (*run)(struct world *world);
} sections[] = {
	{ "ingest", section_ingest }, { "ship", section_ship }, { "idle", section_idle }, { "large", section_large },
};

int main(int argc, char **argv)
{
	struct world world;

	if (argc < 3) {
		fprintf(stderr, "usage: whole LFSPOOL SOURCES [SECTION...]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* a daemon may close a connection that is written to */
	world_init(&world, argv[1], argv[2]);
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
		bool wanted = argc == 3;
		for (int a = 3; a < argc; a++)
			wanted = wanted || strcmp(argv[a], sections[i].name) == 0;
		if (wanted)
			sections[i].run(&world);
	}
	world_done(&world);
	return 0;
}
