/*
 * A disk that fails. The script runs, and its n-th disk operation fails: the call says so with the documented code, or did
 * without; nothing acknowledged is lost. Then the disk is well again, the spool is opened and goes on, as far as a power cut, which
 * takes what a failed sync left in the page cache; then to the script's end, which is that of the run that nothing
 * disturbed. The same with SQLite's n-th allocation. CRASH_FULL=1: every n.
 */
#include "lab.h"
#include "event/clean_record_make.h"
#include "source.h"
#include "spool_internal.h"
#include <sqlite3.h>
#include <stdio.h>

static const struct fault_row {
	const char *name;
	enum fault_kind kind;
	int code;
	bool sticky;
} rows[] = {
	{ "EIO once", FAULT_EIO, LF_EIO, false },
	{ "EIO for ever", FAULT_EIO_STICKY, LF_EIO, true },
	{ "ENOSPC once", FAULT_ENOSPC, LF_EFULL, false },
	{ "ENOSPC for long", FAULT_ENOSPC_STICKY, LF_EFULL, true },
	{ "short write", FAULT_SHORT, LF_EFULL, false },
	{ "ENOSPC in a sync", FAULT_SYNC_ENOSPC, LF_EIO, false },
};

static void expect(int rc, int code, const struct err *err, const struct point *point)
{
	if (rc != 0 && rc != code)
		lab_fail(point, "code %d instead of %d: %s", rc, code, err->text);
}

/* As long as the disk is full or broken, every start says so. */
static void start_in_vain(struct world *world, const struct fault_row *row, const struct point *point)
{
	struct err err = { 0 };

	for (int i = 0; i < 2; i++) {
		expect(world_open(world, &err), row->code, &err, point);
		world_close(world);
	}
}

/* The next process works for a while; then the power is cut. */
static void go_on_until_a_cut(struct lab *lab, struct world *world, struct journal *journal, struct point *point)
{
	enum cut cut = (enum cut)(CUT_DROP + point->at % (CUT_COUNT - CUT_DROP));
	struct err err = { 0 };
	struct disk disk;

	point->second = fault_position() + 8 + point->at % 90;
	fault_arm(FAULT_EIO_STICKY, point->second);
	expect(world_run(world, &err), LF_EIO, &err, point);
	fault_unwatch();
	disk_init(&disk, journal);
	disk_advance(&disk, journal->count - journal->start);
	disk_cut(&disk, cut, point->at, lab->dir);
	disk_done(&disk);
	lab_open(world, point);
	world_close(world);
}

static void look_at(struct lab *lab, struct world *world, const struct point *point)
{
	lab_open(world, point);
	lab_check_progress(lab, world, point);
	world_close(world);
}

/* False when the script ended before this n. Looking closes the file, which writes back what a failed sync left: without a
 * look the next process meets it. *at becomes the operation that did fail. */
static bool fail_once(struct lab *lab, const struct fault_row *row, size_t *at, bool look)
{
	struct point point = { .how = row->name, .at = *at };
	struct err err = { 0 };
	struct journal journal;
	struct world world;
	bool fired;

	lab_empty(lab->dir);
	world_init(&world, lab->dir);
	fault_watch(lab->dir, &journal);
	fault_arm(row->kind, *at);
	expect(world_run(&world, &err), row->code, &err, &point);
	if (row->sticky)
		start_in_vain(&world, row, &point);
	fired = fault_disarm();
	*at = fault_fired_at();
	if (fired && look)
		look_at(lab, &world, &point);
	if (fired) {
		go_on_until_a_cut(lab, &world, &journal, &point);
		lab_finish(lab, &world, &point);
	}
	fault_unwatch();
	world_done(&world);
	journal_done(&journal);
	return fired;
}

/* ---- memory ---- */

static bool allocate_in_vain(struct lab *lab, size_t at, bool for_ever)
{
	struct point point = { .how = for_ever ? "no memory from allocation" : "no memory once, allocation", .at = at };
	struct err err = { 0 };
	struct world world;
	bool fired;

	lab_empty(lab->dir);
	world_init(&world, lab->dir);
	fault_arm_memory(at, for_ever);
	expect(world_run(&world, &err), LF_ENOMEM, &err, &point);
	fired = fault_disarm_memory();
	if (fired) {
		look_at(lab, &world, &point);
		lab_finish(lab, &world, &point);
	}
	world_done(&world);
	return fired;
}

static unsigned long fail_memory(struct lab *lab, bool for_ever)
{
	unsigned long count = 0;

	for (size_t at = for_ever; allocate_in_vain(lab, at, for_ever); at += lab->full ? 23 : 20 * lab->stride)
		count++;
	printf("%-16s %lu\n", for_ever ? "no memory" : "no memory once", count);
	return count;
}

/* ---- the log that is written back ---- */

static int ignore(void *context, const struct clean_record_view *record, struct err *err)
{
	(void)context, (void)record, (void)err;
	return 0;
}

static int append(struct spool *spool, int entry, struct err *err)
{
	struct clean_record_view view;
	struct clean_record *record;
	int rc;

	source_entry(entry, &view);
	record = clean_record_new(&view);
	rc = spool_append(spool, record, NULL, err);
	clean_record_free(record);
	return rc != 0 ? rc : spool_commit(spool, err);
}

/* What a commit that waits for nobody left is written back at once, on a thread; nothing is, after the commit that waits. */
static int late_and_plain(struct spool *spool, struct err *err)
{
	int rc;

	spool->log_pages = 1;
	rc = spool_begin_late(spool, err);
	if (rc == 0)
		rc = append(spool, 0, err);
	spool->log_pages = 1000;
	if (rc == 0)
		rc = spool_begin(spool, err);
	return rc != 0 ? rc : append(spool, 1, err);
}

static void cut_here(const struct journal *journal, const char *dir)
{
	struct disk disk;

	disk_init(&disk, journal);
	disk_advance(&disk, journal->count - journal->start);
	disk_cut(&disk, CUT_DROP, 0, dir);
	disk_done(&disk);
}

/* One operation fails in this; then the power is cut. What was acknowledged is there. */
static bool fail_in_write_back(struct lab *lab, size_t at)
{
	struct point point = { .how = "EIO while the log is written back", .at = at };
	struct err err = { 0 };
	struct journal journal;
	struct world world;
	bool fired, acknowledged;
	struct clean_record_view view;
	int rc;

	lab_empty(lab->dir);
	world_init(&world, lab->dir);
	lab_open(&world, &point);
	world_close(&world);
	fault_watch(lab->dir, &journal);
	lab_open(&world, &point);
	fault_arm(FAULT_EIO, fault_position() + at);
	rc = late_and_plain(world.spool, &err);
	expect(rc, LF_EIO, &err, &point);
	acknowledged = rc == 0;
	fired = fault_disarm();
	fault_unwatch();
	world_close(&world);
	cut_here(&journal, lab->dir);
	if (world_open(&world, &err) != 0)
		lab_fail(&point, "%s", err.text);
	for (int entry = 0; entry < 2 && acknowledged; entry++) {
		source_entry(entry, &view);
		if (spool_find_head(world.spool, view.source, view.key, ignore, NULL, &err) != 0)
			lab_fail(&point, "acknowledged, and lost: entry %d", entry);
	}
	world_done(&world);
	journal_done(&journal);
	return fired;
}

int main(void)
{
	double start = lab_seconds();
	unsigned long total = 0;
	static struct lab lab;

	lab_init(&lab);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned long count = 0;
		for (size_t at = i; fail_once(&lab, &rows[i], &at, count % 2); at += lab.full ? 1 : at < 40 ? 3 : 3 * lab.stride)
			count++;
		printf("%-16s %lu\n", rows[i].name, count);
		total += count;
	}
	for (size_t at = 0; fail_in_write_back(&lab, at); at++)
		total++;
	total += fail_memory(&lab, false) + fail_memory(&lab, true);
	printf("%lu failures, 0 lost, 0 doubled, integrity ok in all; %.1f s\n", total, lab_seconds() - start);
	lab_done(&lab);
	return 0;
}
