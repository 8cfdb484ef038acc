/*
 * The log is the truth: what is derived from it can be thrown away and made again, and is the same whether it was made
 * once at the end or again and again while the session went on.
 */
#include "base/clock.h"
#include "daemon/flusher/ahead.h"
#include "daemon/writer.h"
#include "daemon/sources/pipeline.h"
#include <fcntl.h>
#include <limits.h>
#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const scenarios[] = {
	"abort", "autocompact", "badtool", "compaction", "crashcontinue", "err401", "err500", "errctx", "fork", "lifecycle",
	"midstream", "permission", "plain", "queued", "revert", "subagent", "tools", "v2session",
};
#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

static char dir[] = "/tmp/lfspool-derive-XXXXXX";

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static void fixture_path(const char *scenario, char *out, size_t n)
{
	const char *src = getenv("srcdir");

	snprintf(out, n, "%s/tests/fixtures/opencode/%s/sse.jsonl", src ? src : ".", scenario);
}

struct world {
	struct conf *conf;
	struct work work;
	char spool_dir[128];
};

static void world_open(struct world *world, const char *name)
{
	char setting[256];
	const char *overrides[] = { setting, NULL };
	struct err err = { 0 };

	memset(world, 0, sizeof *world);
	snprintf(world->spool_dir, sizeof world->spool_dir, "%s/%s", dir, name);
	snprintf(setting, sizeof setting, "spool_dir=%s", world->spool_dir);
	assert_int_equal(conf_load(NULL, overrides, &world->conf, &err), 0);
	assert_int_equal(work_init(&world->work, world->conf, &err), 0);
	if (work_open_spool(&world->work, &err) != 0)
		fail_msg("%s", err.text);
}

static void world_close(struct world *world)
{
	work_done(&world->work);
	conf_free(world->conf);
	nftw(world->spool_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void ingest_bytes(struct world *world, const char *bytes, size_t n)
{
	struct pipeline_result result;
	struct err err = { 0 };
	char path[160];
	int fd;

	snprintf(path, sizeof path, "%s/piece", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	lseek(fd, 0, SEEK_SET);
	pipeline_result_init(&result);
	if (pipeline_run(&world->work, "opencode", "piece", fd, -1, &result, &err) != 0)
		fail_msg("%s", err.text);
	pipeline_result_done(&result);
	close(fd);
}

static void derive_all(struct world *world)
{
	struct derive_options options = derive_options(&world->work);
	struct err err = { 0 };
	struct derived derived = { .more = true };

	while (derived.more)
		if (derive_dirty(world->work.spool, &options, 4, UINT_MAX, &derived, &err) != 0)
			fail_msg("%s", err.text);
}

static int add_body(void *context, const struct spool_observation *observation, struct err *err)
{
	(void)err;
	buf_slice(context, observation->body);
	return buf_char(context, '\n');
}

static void dump(struct world *world, struct buf *out)
{
	struct err err = { 0 };

	buf_clear(out);
	assert_int_equal(spool_each_observation(world->work.spool, SLICE_NONE, add_body, out, &err), 0);
}

static void read_fixture(const char *scenario, struct buf *out)
{
	char path[512], chunk[65536];
	size_t n;
	FILE *f;

	fixture_path(scenario, path, sizeof path);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s is not there", path);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_append(out, chunk, n);
	fclose(f);
}

static void same(const char *scenario, const char *what, const struct buf *a, const struct buf *b)
{
	if (a->len != b->len || memcmp(a->data, b->data, a->len) != 0)
		fail_msg("%s: %s gives other bytes", scenario, what);
}

static void check_forgetting(const char *scenario, const struct buf *input, struct buf *whole)
{
	struct err err = { 0 };
	struct world world;
	struct buf again;

	buf_init(&again, 0);
	world_open(&world, "whole");
	ingest_bytes(&world, input->data, input->len);
	derive_all(&world);
	dump(&world, whole);
	assert_true(whole->len > 0);
	assert_int_equal(spool_begin(world.work.spool, &err), 0);
	assert_int_equal(spool_forget_derived(world.work.spool, &err), 0);
	assert_int_equal(spool_commit(world.work.spool, &err), 0);
	dump(&world, &again);
	assert_int_equal(again.len, 0);
	derive_all(&world);
	dump(&world, &again);
	same(scenario, "assembling again", whole, &again);
	world_close(&world);
	buf_done(&again);
}

static void check_growing(const char *scenario, const struct buf *input, const struct buf *whole)
{
	struct world world;
	struct buf grown;

	buf_init(&grown, 0);
	world_open(&world, "grown");
	for (size_t at = 0; at < input->len;) {
		size_t end = at;
		for (int lines = 0; lines < 9 && end < input->len; end++)
			lines += input->data[end] == '\n';
		ingest_bytes(&world, input->data + at, end - at);
		derive_all(&world);
		at = end;
	}
	dump(&world, &grown);
	same(scenario, "assembling while it grows", whole, &grown);
	world_close(&world);
	buf_done(&grown);
}

static void test_derived_is_derived(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENARIOS; i++) {
		struct buf input, whole;
		buf_init(&input, 0);
		buf_init(&whole, 0);
		read_fixture(scenarios[i], &input);
		check_forgetting(scenarios[i], &input, &whole);
		/* an input of session.next.* events that is cut into several has lost what its steps began with */
		if (strcmp(scenarios[i], "v2session") != 0)
			check_growing(scenarios[i], &input, &whole);
		buf_done(&input);
		buf_done(&whole);
	}
}

/* ---- ahead ---- */

static int add_counter(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	(void)err;
	if (strncmp(name, "metric.ingest_ms", 16) == 0) /* how long it took this time */
		return 0;
	return buf_format(context, "%s %s %lld\n", name, label, (long long)value);
}

/* What is derived, and the counters that moved with it. */
static void dump_all(struct world *world, struct buf *out)
{
	struct err err = { 0 };

	dump(world, out);
	assert_int_equal(spool_each_counter(world->work.spool, NULL, add_counter, out, &err), 0);
}

static unsigned put_ahead(struct world *world, struct ahead *ahead)
{
	struct derived derived = { 0 };

	ahead_put(ahead, world->work.spool, &derived);
	assert_false(ahead_holds(ahead));
	return derived.observations;
}

static void assemble_ahead(struct world *world, struct ahead *ahead)
{
	ahead_assemble(ahead, spool_record_changes(world->work.spool), 100, UINT_MAX);
}

static void check_ahead(const char *scenario, const struct buf *input)
{
	struct buf made, expected;
	struct ahead *ahead;
	struct world world;

	buf_init(&made, 0);
	buf_init(&expected, 0);
	world_open(&world, "ahead");
	ingest_bytes(&world, input->data, input->len);
	ahead = ahead_new(&world.work);
	assemble_ahead(&world, ahead);
	assert_true(put_ahead(&world, ahead) > 0);
	assert_true(ahead_is_of_use(ahead));
	assemble_ahead(&world, ahead);
	assert_false(ahead_holds(ahead)); /* all are clean */
	dump_all(&world, &made);
	ahead_free(ahead);
	world_close(&world);
	world_open(&world, "not-ahead");
	ingest_bytes(&world, input->data, input->len);
	derive_all(&world);
	dump_all(&world, &expected);
	same(scenario, "assembling ahead", &expected, &made);
	world_close(&world);
	buf_done(&made);
	buf_done(&expected);
}

static void test_ahead(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENARIOS; i++) {
		struct buf input;
		buf_init(&input, 0);
		read_fixture(scenarios[i], &input);
		check_ahead(scenarios[i], &input);
		buf_done(&input);
	}
}

struct held {
	struct world *world;
	struct ahead *ahead;
	bool folded;
	struct derived derived;
};

/* On the writer's thread, so that nothing is folded meanwhile. */
static int assemble_and_put(struct spool *spool, void *arg, struct err *err)
{
	struct held *held = arg;
	int rc;

	held->folded = spool_is_folded(spool);
	rc = derive_stale(spool, held->world->work.rules, 1000000000, clock_wall_ms(), err); /* it writes what is late */
	ahead_assemble(held->ahead, spool_record_changes(spool), 16, 1000);
	ahead_put(held->ahead, spool, &held->derived);
	return rc;
}

/* A record that is acknowledged, and that a reader does not see yet. */
static void test_ahead_of_a_held_record(void **state)
{
	struct buf input, whole, made;
	struct world world;
	struct held held = { .world = &world };
	struct err err = { 0 };
	size_t most;

	(void)state;
	buf_init(&input, 0);
	buf_init(&whole, 0);
	buf_init(&made, 0);
	read_fixture("tools", &input);
	check_forgetting("tools", &input, &whole);
	most = input.len;
	for (int i = 0; i < 7; i++)
		most = (size_t)((char *)memrchr(input.data, '\n', most - 2) + 1 - input.data);
	world_open(&world, "held");
	ingest_bytes(&world, input.data, most);
	held.ahead = ahead_new(&world.work);
	assert_int_equal(writer_start(world.work.spool, true, NULL, &world.work.writer, &err), 0);
	ingest_bytes(&world, input.data + most, input.len - most);
	assert_int_equal(work_on_spool(&world.work, false, assemble_and_put, &held, &err), 0);
	assert_false(held.folded);
	assert_int_equal(held.derived.observations, 0);
	writer_stop(world.work.writer);
	world.work.writer = NULL;
	derive_all(&world);
	dump(&world, &made);
	same("tools", "a held record", &whole, &made);
	ahead_free(held.ahead);
	world_close(&world);
	buf_done(&input);
	buf_done(&whole);
	buf_done(&made);
}

/* A record that comes between the assembling and the putting: what was assembled is not what there is. */
static void test_ahead_of_a_record(void **state)
{
	struct buf input, whole, made;
	struct ahead *ahead;
	struct world world;
	size_t half;

	(void)state;
	buf_init(&input, 0);
	buf_init(&whole, 0);
	buf_init(&made, 0);
	read_fixture("tools", &input);
	check_forgetting("tools", &input, &whole);
	half = (size_t)((char *)memrchr(input.data, '\n', input.len / 2) + 1 - input.data);
	world_open(&world, "between");
	ingest_bytes(&world, input.data, half);
	ahead = ahead_new(&world.work);
	assemble_ahead(&world, ahead);
	assert_true(ahead_holds(ahead));
	ingest_bytes(&world, input.data + half, input.len - half);
	assert_int_equal(put_ahead(&world, ahead), 0);
	assert_false(ahead_is_of_use(ahead));
	derive_all(&world);
	dump(&world, &made);
	same("tools", "a record in between", &whole, &made);
	ahead_free(ahead);
	world_close(&world);
	buf_done(&input);
	buf_done(&whole);
	buf_done(&made);
}

static void damage_a_record(struct world *world)
{
	char path[160];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/spool.db", world->spool_dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE record SET hash=hash+1 WHERE seq=(SELECT max(seq) FROM record WHERE kind=2)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Only the writer can move it to the dead letters. */
static void test_ahead_of_damage(void **state)
{
	struct spool_figures figures;
	struct err err = { 0 };
	struct ahead *ahead;
	struct world world;
	struct buf input;

	(void)state;
	buf_init(&input, 0);
	read_fixture("plain", &input);
	world_open(&world, "damage");
	ingest_bytes(&world, input.data, input.len);
	damage_a_record(&world);
	ahead = ahead_new(&world.work);
	assemble_ahead(&world, ahead);
	assert_false(ahead_holds(ahead));
	assert_false(ahead_is_of_use(ahead));
	derive_all(&world);
	assert_int_equal(spool_figures(world.work.spool, &figures, &err), 0);
	assert_int_equal(figures.dead, 1);
	ahead_free(ahead);
	world_close(&world);
	buf_done(&input);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derived_is_derived), cmocka_unit_test(test_ahead), cmocka_unit_test(test_ahead_of_a_record), cmocka_unit_test(test_ahead_of_a_held_record),
		cmocka_unit_test(test_ahead_of_damage),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}
