/*
 * Power cuts. The script runs once on a disk that keeps a journal; then the disk is made anew as it would be found after a cut at
 * each operation, in each mode, and the spool is opened on it: it must be whole and in a state that it had between the last
 * acknowledgement and the cut. Then the script is taken up and must end as if nothing had happened: nothing lost, nothing
 * doubled. Of some cuts the recovery is cut again. CRASH_FULL=1: at every operation.
 */
#include "lab.h"
#include "base/mem.h"
#include <stdio.h>

static unsigned long points[CUT_COUNT], late_points, second_points;

/* The state is looked at on one copy of the disk, the script goes on on another: looking must not help. */
static void cut_once(struct lab *lab, const struct disk *disk, enum cut cut, size_t at, bool late)
{
	const struct point point = { .how = cut_names[cut], .at = at, .seed = at * 31 + cut };
	struct world world;

	world_init(&world, lab->dir);
	lab_know(lab, &world, at, late);
	disk_cut(disk, cut, point.seed, lab->dir);
	lab_open(&world, &point);
	lab_check_state(lab, &world, &point);
	world_close(&world);
	disk_cut(disk, cut, point.seed, lab->dir);
	lab_finish(lab, &world, &point);
	world_done(&world);
	if (late)
		late_points++;
	else
		points[cut]++;
}

/* A request that left just then either arrived or did not. */
static bool posts_at(const struct lab *lab, size_t at)
{
	for (size_t i = 0; i < lab->world.marks_count; i++)
		if (!lab->world.marks[i].acknowledged && lab->world.marks[i].at == at)
			return true;
	return false;
}

static void cut_in_recovery(struct lab *lab, const struct disk *second, size_t at, size_t again, uint64_t seed)
{
	enum cut cut = (enum cut)(seed % CUT_COUNT);
	const struct point point = { .how = cut_names[cut], .at = at, .second = again, .seed = seed };
	struct world world;

	world_init(&world, lab->dir);
	lab_know(lab, &world, at, false);
	disk_cut(second, cut, seed, lab->dir);
	lab_open(&world, &point);
	lab_check_state(lab, &world, &point);
	world_close(&world);
	if (seed % 4 == 0) {
		disk_cut(second, cut, seed, lab->dir);
		lab_finish(lab, &world, &point);
	}
	world_done(&world);
	second_points++;
}

/* Cut at `at`, then at each operation of what the opening does about it. */
static void cut_again(struct lab *lab, const struct disk *first, size_t at)
{
	enum cut cut = (enum cut)(at / 3 % CUT_COUNT);
	const struct point point = { .how = cut_names[cut], .at = at, .seed = at };
	struct journal journal;
	struct disk second;
	struct world world;
	size_t count;

	world_init(&world, lab->dir);
	lab_know(lab, &world, at, false);
	disk_cut(first, cut, at, lab->dir);
	fault_watch(lab->dir, &journal);
	lab_open(&world, &point);
	count = fault_position();
	fault_unwatch();
	world_done(&world);
	disk_init(&second, &journal);
	for (size_t again = 0; again <= count; again += lab->full ? 1 : 4) {
		disk_advance(&second, again);
		cut_in_recovery(lab, &second, at, again, at * 131 + again);
	}
	disk_done(&second);
	journal_done(&journal);
}

int main(void)
{
	double start = lab_seconds();
	unsigned long total = 0;
	static struct lab lab;
	struct disk disk;

	lab_init(&lab);
	disk_init(&disk, &lab.journal);
	for (size_t at = 0; at <= lab.count; at++) {
		disk_advance(&disk, at);
		for (enum cut cut = CUT_KILL; cut < CUT_COUNT; cut++)
			if ((at + 8 * cut) % lab.stride == 0 || (at < lab.world.opened_at && (at + cut) % 5 == 0))
				cut_once(&lab, &disk, cut, at, false);
		if (posts_at(&lab, at))
			cut_once(&lab, &disk, CUT_DROP, at, true);
		if (at % (lab.full ? 29 : 4 * lab.stride) == 3)
			cut_again(&lab, &disk, at);
	}
	for (int i = 0; i < CUT_COUNT; i++) {
		printf("%-10s %lu\n", cut_names[i], points[i]);
		total += points[i];
	}
	printf("request not arrived %lu\ncut again in recovery %lu\n", late_points, second_points);
	total += late_points + second_points;
	printf("%lu cut points (%zu operations), 0 lost, 0 doubled, integrity ok in all; %.1f s\n", total, lab.count, lab_seconds() - start);
	disk_done(&disk);
	lab_done(&lab);
	return 0;
}
