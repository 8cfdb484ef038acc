/*
 * A damaged file. It is set aside, what can be read is in the new one, and it goes on: whatever page is damaged, wherever file or
 * log end, whichever of the files is missing or another's. What is read is as it was stored or not there. And the salvage
 * itself is cut, and meets a failing disk and a lack of memory, at each step: the same comes out.
 */
#include "lab.h"
#include "source.h"
#include "spool_internal.h"
#include "base/mem.h"
#include "event/clean_record_make.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 16384

struct image { /* the file, whole and healthy, and what it holds */
	uint8_t *bytes;
	size_t len;
	uint64_t records;
};

struct table_of { /* of each page: what it belongs to, and how many rows hang on it */
	char name[40];
	int64_t cells;
	bool leaf;
};

static struct lab lab;
static struct image image;
static struct table_of *pages;
static unsigned long damages;

static void path_of(char out[160], const char *name)
{
	snprintf(out, 160, "%s/%s", lab.dir, name);
}

static void put_file(const char *name, const uint8_t *bytes, size_t len)
{
	char path[160];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd) != 0)
		abort();
}

static uint8_t *get_file(const char *name, size_t *ret_len)
{
	char path[160];
	struct stat st;
	uint8_t *bytes;
	int fd;

	path_of(path, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0)
		abort();
	bytes = xmalloc((size_t)st.st_size + 1);
	if (read(fd, bytes, (size_t)st.st_size) != st.st_size)
		abort();
	close(fd);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

static uint64_t count_records(struct world *world)
{
	struct spool_figures figures;
	struct err err = { 0 };

	return spool_figures(world->spool, &figures, &err) == 0 ? figures.records : 0;
}

/* ---- what must hold of any damaged file ---- */

static int see_intact(void *context, const struct clean_record_view *view, struct err *err)
{
	struct clean_record_view expected;
	int entry = source_find(view->key, view->level);
	uint64_t *count = context;

	if (slice_is(view->key, "fresh"))
		return 0;
	if (entry < 0)
		return err_set(err, LF_ECORRUPT, "a record that was never stored");
	source_entry(entry, &expected);
	++*count;
	return slice_equal(view->body, expected.body) && view->time_ms == expected.time_ms ? 0 : err_set(err, LF_ECORRUPT, "entry %d is another", entry);
}

static void accept_one(struct world *world, const struct point *point)
{
	struct clean_record_view view = {
		.kind = RECORD_SIGNAL, .level = RECORD_FINAL, .source = SLICE("opencode"), .session = SLICE("f"), .key = SLICE("fresh"),
		.message = SLICE(""), .link = SLICE(""), .body = SLICE("{}"), .time_ms = 1,
	};
	struct clean_record *record = clean_record_new(&view);
	struct err err = { 0 };

	if (spool_append(world->spool, record, NULL, &err) != 0)
		lab_fail(point, "it accepts nothing: %s", err.text);
	clean_record_free(record);
}

/* Opens, reads, accepts, is whole when opened again. Returns how many records were read. */
static uint64_t survive(const struct point *point)
{
	struct err err = { 0 };
	struct world world;
	uint64_t count = 0;

	world_init(&world, lab.dir);
	if (world_open(&world, &err) != 0)
		lab_fail(point, "it does not open: %s", err.text);
	if (spool_each_record(world.spool, SLICE_NONE, see_intact, &count, &err) != 0)
		lab_fail(point, "what is read is not what was stored: %s", err.text);
	accept_one(&world, point);
	world_close(&world);
	if (world_open(&world, &err) != 0 || spool_check(world.spool, &err) != 0)
		lab_fail(point, "it is not whole afterwards: %s", err.text);
	if (count_records(&world) != count + 1)
		lab_fail(point, "%llu records were read, %llu and a new one are there", (unsigned long long)count, (unsigned long long)count_records(&world));
	world_done(&world);
	damages++;
	return count;
}

/* ---- a page is damaged ---- */

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

enum harm { HARM_BITS, HARM_BYTES, HARM_ZERO, HARM_ONES, HARM_NOISE, HARM_COUNT };
static const char *const harm_names[HARM_COUNT] = { "bits flipped", "bytes overwritten", "page of zeros", "page of ones", "page of noise" };

static void harm(uint8_t *page, enum harm how, uint64_t seed)
{
	memset(page, how == HARM_ONES ? 0xff : 0, how == HARM_ZERO || how == HARM_ONES ? PAGE : 0);
	for (int i = 0; how == HARM_BITS && i < 8; i++)
		page[next_random(&seed) % PAGE] ^= (uint8_t)(1u << next_random(&seed) % 8);
	for (int i = 0; how == HARM_BYTES && i < 64; i++)
		page[next_random(&seed) % PAGE] = (uint8_t)next_random(&seed);
	for (int i = 0; how == HARM_NOISE && i < PAGE; i++)
		page[i] = (uint8_t)next_random(&seed);
}

/* A page costs the records whose rows hang on it; one that a table hangs on costs those of the table. */
static uint64_t may_cost(const struct table_of *of, size_t page)
{
	bool record = strcmp(of->name, "record") == 0;

	if (page == 0)
		return image.records;
	return !record ? 0 : of->leaf && of->cells > 0 ? (uint64_t)of->cells : of->cells == 0 ? 1 : image.records;
}

static void damage_each_page(void)
{
	uint8_t *copy = xmalloc(image.len);

	for (size_t page = 0; page < image.len / PAGE; page++) {
		for (int how = lab.full ? 0 : (int)page % 3; how < HARM_COUNT; how += lab.full ? 1 : 3) {
			const struct point point = { .how = harm_names[how], .at = page + 1, .seed = page * 7 };
			uint64_t count;
			memcpy(copy, image.bytes, image.len);
			harm(copy + page * PAGE, (enum harm)how, point.seed);
			lab_empty(lab.dir);
			put_file("spool.db", copy, image.len);
			count = survive(&point);
			if (count + may_cost(&pages[page], page) < image.records)
				lab_fail(&point, "%llu of %llu records are left, a page of %s was damaged", (unsigned long long)count, (unsigned long long)image.records, pages[page].name);
		}
	}
	free(copy);
}

/* ---- file and log end too early, are missing, or another's ---- */

static void truncate_file(void)
{
	for (size_t len = 0; len < image.len; len += lab.full ? PAGE / 4 : PAGE) {
		const struct point point = { .how = "file truncated", .at = len };
		lab_empty(lab.dir);
		put_file("spool.db", image.bytes, len);
		(void)survive(&point);
	}
}

static uint8_t *log_at(size_t at, size_t *ret_len)
{
	struct disk disk;

	disk_init(&disk, &lab.journal);
	disk_advance(&disk, at);
	lab_empty(lab.dir);
	disk_cut(&disk, CUT_KILL, 0, lab.dir);
	disk_done(&disk);
	return get_file("spool.db-wal", ret_len);
}

/* After a kill in the middle of the script, there or a little later: a log of many transactions. */
static uint8_t *make_log(size_t at, size_t *ret_len)
{
	uint8_t *log = log_at(at, ret_len);

	while (!log || *ret_len < 8 * PAGE) {
		free(log);
		at += lab.count / 50;
		if (at >= lab.count)
			abort();
		log = log_at(at, ret_len);
	}
	return log;
}

static void truncate_log(size_t at)
{
	size_t len, db_len, step = lab.full ? 4096 + 3 : 3 * 4096 + 3;
	uint8_t *log = make_log(at, &len), *db = get_file("spool.db", &db_len);

	for (size_t end = 0; end < len; end += step) {
		const struct point point = { .how = "log truncated", .at = end };
		lab_empty(lab.dir);
		put_file("spool.db", db, db_len);
		put_file("spool.db-wal", log, end);
		(void)survive(&point);
	}
	free(log);
	free(db);
}

static void lose_or_swap_log(size_t at, size_t other)
{
	const struct point lost = { .how = "log deleted", .at = at }, noise = { .how = "noise in -shm", .at = at }, foreign = { .how = "foreign log", .at = other };
	size_t len, db_len, foreign_len;
	uint8_t *foreign_log = make_log(other, &foreign_len), *log = make_log(at, &len), *db = get_file("spool.db", &db_len), shm[32768];
	uint64_t whole;

	whole = survive(&noise);
	memset(shm, 0xa5, sizeof shm);
	lab_empty(lab.dir);
	put_file("spool.db", db, db_len);
	put_file("spool.db-wal", log, len);
	put_file("spool.db-shm", shm, sizeof shm);
	if (survive(&noise) != whole)
		lab_fail(&noise, "records are lost");
	lab_empty(lab.dir);
	put_file("spool.db", db, db_len);
	(void)survive(&lost);
	lab_empty(lab.dir);
	put_file("spool.db", image.bytes, image.len);
	put_file("spool.db-wal", foreign_log, foreign_len);
	(void)survive(&foreign);
	free(foreign_log);
	free(log);
	free(db);
}

static void fill_with_nothing(void)
{
	const struct point point = { .how = "zeros", .at = 0 };
	uint8_t *zeros = xcalloc(1, image.len);

	for (size_t len = 0; len <= image.len; len = len * 3 + 1) {
		lab_empty(lab.dir);
		put_file("spool.db", zeros, len);
		put_file("lfspool.lock", zeros, len);
		put_file("spool.db-wal", zeros, len);
		(void)survive(&point);
	}
	free(zeros);
}

/* ---- the salvage itself is disturbed ---- */

struct salvage {
	uint8_t *damaged;
	struct journal journal;
	size_t count;
	uint64_t state;
};

static void put_damaged(const struct salvage *salvage)
{
	lab_empty(lab.dir);
	put_file("spool.db", salvage->damaged, image.len);
}

/* The same rows as after the undisturbed one, and the damaged file as it was. */
static void check_salvaged(const struct salvage *salvage, const struct point *point)
{
	struct err err = { 0 };
	struct world world;
	struct buf aside;
	uint8_t *bytes;
	size_t len;

	world_init(&world, lab.dir);
	if (world_open(&world, &err) != 0)
		lab_fail(point, "it does not open: %s", err.text);
	if (lab_state(&world, point) != salvage->state)
		lab_fail(point, "something else was salvaged");
	buf_init(&aside, 0);
	if (spool_meta_get(world.spool, "set_aside", &aside, &err) != 0 || !strrchr(aside.data, '/'))
		lab_fail(point, "nothing was set aside");
	bytes = get_file(strrchr(aside.data, '/') + 1, &len);
	if (!bytes || len != image.len || memcmp(bytes, salvage->damaged, len) != 0)
		lab_fail(point, "the damaged file is not there any more");
	free(bytes);
	buf_done(&aside);
	world_done(&world);
}

static void salvage_once(struct salvage *salvage, size_t page)
{
	static const struct point point = { .how = "salvage" };
	struct err err = { 0 };
	struct world world;

	salvage->damaged = xmalloc(image.len);
	memcpy(salvage->damaged, image.bytes, image.len);
	harm(salvage->damaged + page * PAGE, HARM_NOISE, 3);
	put_damaged(salvage);
	world_init(&world, lab.dir);
	fault_watch(lab.dir, &salvage->journal);
	if (world_open(&world, &err) != 0)
		lab_fail(&point, "%s", err.text);
	salvage->state = lab_state(&world, &point);
	if (count_records(&world) >= image.records)
		lab_fail(&point, "no record was damaged");
	world_done(&world);
	salvage->count = fault_position();
	fault_unwatch();
	check_salvaged(salvage, &point);
}

/* Cut when the new file is all that there is: a start that cannot put it in its place either leaves it where it is. */
static unsigned long finish_in_vain(const struct salvage *salvage, const struct disk *disk, size_t at)
{
	unsigned long count = 0;
	char path[160];

	for (bool fired = true; fired; count++) {
		const struct point point = { .how = "salvage finished with a fault", .at = at, .second = count };
		struct err err = { 0 };
		struct journal journal;
		struct world world;
		lab_empty(lab.dir);
		disk_cut(disk, CUT_KILL, 0, lab.dir);
		path_of(path, "spool.db");
		if (access(path, F_OK) == 0)
			return 0;
		world_init(&world, lab.dir);
		fault_watch(lab.dir, &journal);
		fault_arm(FAULT_EIO, count);
		if (world_open(&world, &err) != 0 && err.code != LF_EIO)
			lab_fail(&point, "%s", err.text);
		fired = fault_disarm();
		world_done(&world);
		fault_unwatch();
		journal_done(&journal);
		check_salvaged(salvage, &point);
	}
	return count;
}

static unsigned long cut_salvage(const struct salvage *salvage)
{
	unsigned long count = 0;
	struct disk disk;

	disk_init(&disk, &salvage->journal);
	for (size_t at = 0; at <= salvage->count; at++) {
		disk_advance(&disk, at);
		for (int cut = lab.full ? CUT_KILL : (int)(at % 2); cut < CUT_COUNT; cut += lab.full ? 1 : 2, count++) {
			const struct point point = { .how = cut_names[cut], .at = at, .seed = at * 3 };
			lab_empty(lab.dir);
			disk_cut(&disk, (enum cut)cut, point.seed, lab.dir);
			check_salvaged(salvage, &point);
		}
		count += finish_in_vain(salvage, &disk, at);
	}
	disk_done(&disk);
	return count;
}

/* When it says that all is well, all is well: what a lack of memory or a failing disk kept from being read is not left out. */
static bool fail_salvage(const struct salvage *salvage, enum fault_kind kind, size_t at, int code)
{
	const struct point point = { .how = "salvage with a fault", .at = at, .seed = kind };
	struct err err = { 0 };
	struct journal journal;
	struct world world;
	bool fired;
	int rc;

	put_damaged(salvage);
	world_init(&world, lab.dir);
	fault_watch(lab.dir, &journal);
	if (kind == FAULT_NONE)
		fault_arm_memory(at, false);
	else
		fault_arm(kind, at);
	rc = world_open(&world, &err);
	fired = kind == FAULT_NONE ? fault_disarm_memory() : fault_disarm();
	if (rc != 0 && rc != code)
		lab_fail(&point, "code %d instead of %d: %s", rc, code, err.text);
	world_done(&world);
	fault_unwatch();
	journal_done(&journal);
	check_salvaged(salvage, &point);
	return fired;
}

static unsigned long fail_everywhere(const struct salvage *salvage)
{
	unsigned long count = 0;

	for (size_t at = 0; fail_salvage(salvage, FAULT_EIO, at, LF_EIO); at += lab.full ? 1 : 2)
		count++;
	for (size_t at = 0; fail_salvage(salvage, FAULT_ENOSPC, at, LF_EFULL); at += lab.full ? 1 : 3)
		count++;
	for (size_t at = 0; fail_salvage(salvage, FAULT_NONE, at, LF_ENOMEM); at += lab.stride)
		count++;
	return count;
}

/* ---- the healthy file ---- */

static void name_pages(struct world *world)
{
	sqlite3_stmt *stmt = NULL;

	pages = xcalloc(image.len / PAGE + 1, sizeof *pages);
	if (sqlite3_prepare_v2(world->spool->db, "SELECT pageno, name, ncell, pagetype='leaf' FROM dbstat", -1, &stmt, NULL) != SQLITE_OK)
		lab_fail(&(struct point){ .how = "dbstat" }, "%s", sqlite3_errmsg(world->spool->db));
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		struct table_of *of = &pages[sqlite3_column_int64(stmt, 0) - 1];
		snprintf(of->name, sizeof of->name, "%s", (const char *)sqlite3_column_text(stmt, 1));
		of->cells = sqlite3_column_int64(stmt, 2);
		of->leaf = sqlite3_column_int(stmt, 3) != 0;
	}
	sqlite3_finalize(stmt);
}

static void make_image(size_t at)
{
	static const struct point point = { .how = "healthy" };
	struct err err = { 0 };
	struct world world;
	size_t len;

	free(make_log(at, &len));
	world_init(&world, lab.dir);
	lab_know(&lab, &world, at, false);
	lab_open(&world, &point);
	image.records = count_records(&world);
	world_close(&world);
	image.bytes = get_file("spool.db", &image.len);
	if (world_open(&world, &err) != 0)
		lab_fail(&point, "%s", err.text);
	name_pages(&world);
	world_done(&world);
}

static size_t leaf_of_records(void)
{
	for (size_t page = image.len / PAGE; page-- > 1;)
		if (strcmp(pages[page].name, "record") == 0 && pages[page].leaf && pages[page].cells > 1)
			return page;
	abort();
}

int main(void)
{
	double start = lab_seconds();
	unsigned long cuts, faults;
	struct salvage salvage = { 0 };

	lab_init(&lab);
	fault_clock(INT64_C(1795300000000));
	make_image(lab.count / 2);
	damage_each_page();
	truncate_file();
	truncate_log(lab.count / 2);
	lose_or_swap_log(lab.count / 2, lab.count / 3);
	fill_with_nothing();
	salvage_once(&salvage, leaf_of_records());
	cuts = cut_salvage(&salvage);
	faults = fail_everywhere(&salvage);
	printf("%lu damaged files, %lu cuts and %lu faults of a salvage: all that could be read is there; %.1f s\n", damages, cuts, faults, lab_seconds() - start);
	free(salvage.damaged);
	journal_done(&salvage.journal);
	free(image.bytes);
	free(pages);
	lab_done(&lab);
	return 0;
}
