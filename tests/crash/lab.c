/* See lab.h. */
#include "lab.h"
#include "base/hash.h"
#include "base/mem.h"
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void lab_fail(const struct point *point, const char *format, ...)
{
	va_list args;

	printf("not ok: %s at operation %zu", point->how, point->at);
	if (point->second > 0)
		printf(", again at %zu", point->second);
	printf(", seed %llu: ", (unsigned long long)point->seed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

double lab_seconds(void)
{
	struct timespec now;

	fault_clock(0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t lab_state(struct world *world, const struct point *point)
{
	struct err err = { 0 };
	struct buf text;
	uint64_t hash;

	buf_init(&text, 0);
	if (state_text(world, &text, &err) != 0)
		lab_fail(point, "%s", err.text);
	hash = hash_64(text.data, text.len);
	buf_done(&text);
	return hash;
}

void lab_empty(const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			(void)unlink(path);
	}
	if (d)
		closedir(d);
}

static struct lab *to_remove;

static void remove_dirs(void)
{
	fault_unwatch();
	lab_empty(to_remove->dir);
	lab_empty(to_remove->other);
	(void)rmdir(to_remove->dir);
	(void)rmdir(to_remove->other);
	(void)rmdir(to_remove->root);
}

void lab_init(struct lab *lab)
{
	static const struct point point = { .how = "undisturbed" };
	struct err err = { 0 };
	const char *wrong;

#ifdef __SANITIZE_THREAD__
	printf("skipped: there is one thread\n");
	exit(77);
#endif
	*lab = (struct lab){ .full = getenv("CRASH_FULL") != NULL, .stride = LAB_STRIDE };
	if (lab->full)
		lab->stride = 1;
	snprintf(lab->root, sizeof lab->root, "%s/lfspool-crash-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(lab->root))
		abort();
	snprintf(lab->dir, sizeof lab->dir, "%s/spool", lab->root);
	snprintf(lab->other, sizeof lab->other, "%s/other", lab->root);
	if (mkdir(lab->dir, 0700) != 0 || mkdir(lab->other, 0700) != 0)
		abort();
	to_remove = lab;
	if (!getenv("CRASH_KEEP"))
		atexit(remove_dirs);
	fault_init();
	world_init(&lab->world, lab->dir);
	fault_watch(lab->dir, &lab->journal);
	if (world_run(&lab->world, &err) != 0)
		lab_fail(&point, "the script stops: %s", err.text);
	lab->count = fault_position();
	fault_unwatch();
	if (world_open(&lab->world, &err) != 0)
		lab_fail(&point, "%s", err.text);
	wrong = state_wrong(&lab->world, true, &err);
	if (wrong)
		lab_fail(&point, "%s %s", wrong, err.text);
	lab->final = lab_state(&lab->world, &point);
	world_close(&lab->world);
	lab->states = xcalloc(lab->count + 1, sizeof *lab->states);
	lab->known = xcalloc(lab->count + 1, sizeof *lab->known);
	disk_init(&lab->killed, &lab->journal);
}

void lab_done(struct lab *lab)
{
	world_done(&lab->world);
	journal_done(&lab->journal);
	free(lab->states);
	free(lab->known);
	disk_done(&lab->killed);
}

void lab_know(const struct lab *lab, struct world *world, size_t at, bool late)
{
	for (size_t i = 0; i < lab->world.marks_count; i++) {
		const struct mark *mark = &lab->world.marks[i];
		for (int entry = 0; entry < ENTRIES && !mark->acknowledged; entry++)
			if (mark->taken[entry] && mark->at + late <= at)
				world->received[entry]++;
	}
}

size_t lab_acknowledged(const struct lab *lab, size_t at)
{
	size_t last = 0;

	for (size_t i = 0; i < lab->world.marks_count; i++)
		if (lab->world.marks[i].acknowledged && lab->world.marks[i].at <= at)
			last = lab->world.marks[i].at;
	return last;
}

void lab_open(struct world *world, const struct point *point)
{
	struct err err = { 0 };
	const char *wrong;

	if (world_open(world, &err) != 0)
		lab_fail(point, "it does not open: %s", err.text);
	wrong = state_wrong(world, false, &err);
	if (wrong)
		lab_fail(point, "%s %s", wrong, err.text);
}

/* What the next process finds when one was killed after this many operations. */
static uint64_t state_at(struct lab *lab, size_t at)
{
	const struct point point = { .how = "killed", .at = at };
	struct world world;

	if (lab->known[at])
		return lab->states[at];
	if (lab->killed.at > lab->journal.start + at) {
		disk_done(&lab->killed);
		disk_init(&lab->killed, &lab->journal);
	}
	world_init(&world, lab->other);
	disk_advance(&lab->killed, at);
	disk_cut(&lab->killed, CUT_KILL, 0, lab->other);
	lab_know(lab, &world, at, false);
	lab_open(&world, &point);
	lab->states[at] = lab_state(&world, &point);
	lab->known[at] = true;
	world_done(&world);
	return lab->states[at];
}

static void check_between(struct lab *lab, struct world *world, size_t first, size_t last, const struct point *point)
{
	uint64_t hash = lab_state(world, point);

	/* Most are as they were acknowledged: those between need not be made. */
	for (size_t i = first; i <= last; i++)
		if (state_at(lab, i) == hash)
			return;
	lab_fail(point, "it is in no state that it had between operation %zu, where it acknowledged, and %zu", first, last);
}

void lab_check_state(struct lab *lab, struct world *world, const struct point *point)
{
	check_between(lab, world, lab_acknowledged(lab, point->at), point->at, point);
}

static size_t count_acknowledged(const struct world *world)
{
	size_t count = 0;

	for (size_t i = 0; i < world->marks_count; i++)
		count += world->marks[i].acknowledged;
	return count;
}

void lab_check_progress(struct lab *lab, struct world *world, const struct point *point)
{
	size_t count = count_acknowledged(world), first = 0, last = lab->count;

	for (size_t i = 0; i < lab->world.marks_count && last == lab->count; i++) {
		if (!lab->world.marks[i].acknowledged)
			continue;
		if (count > 0)
			first = lab->world.marks[i].at;
		else
			last = lab->world.marks[i].at;
		count -= count > 0;
	}
	check_between(lab, world, first, last, point);
}

void lab_finish(const struct lab *lab, struct world *world, const struct point *point)
{
	struct err err = { 0 };
	const char *wrong;

	if (world_run(world, &err) != 0)
		lab_fail(point, "it does not go on: %s", err.text);
	if (world_open(world, &err) != 0)
		lab_fail(point, "it does not open at the end: %s", err.text);
	wrong = state_wrong(world, true, &err);
	if (wrong)
		lab_fail(point, "at the end: %s %s", wrong, err.text);
	if (lab_state(world, point) != lab->final)
		lab_fail(point, "it ends in another state");
	world_close(world);
	if (world->before_cap.len > 0 && !slice_equal(buf_view(&world->before_cap), buf_view(&lab->world.before_cap)))
		lab_fail(point, "the state before the cap is another one");
}
