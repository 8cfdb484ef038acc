/* From a file to the disk: rates, time on the processor, bytes on the disk. */
#include "world.h"
#include "disk.h"
#include "base/err.h"
#include "base/file.h"
#include "daemon/sources/pipeline.h"
#include "daemon/writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BULK_BYTES 100000000u
#define BULK_ROUNDS 5u
#define SINGLE_ROWS 4000u
#define SESSIONS 100u /* 10,000 messages, 45,200 events */
#define EVENTS_OF_A_SESSION 452

/* In turns with SQLite, each time into an empty spool. */
static void bulk_round(struct world *world, size_t bytes, unsigned rows, double ret[2], struct process_figures *ret_used)
{
	char path[400];
	double wall;

	snprintf(path, sizeof path, "%s/records", world->dir);
	world_clear(world);
	ret[1] = disk_sqlite(world->dir, bytes, rows, 100);
	*ret_used = world_run(world, &wall, "ingest", path);
	ret[0] = rows / wall;
}

static void bulk(struct world *world, const char *name, size_t bytes)
{
	unsigned rows = (unsigned)(BULK_BYTES / bytes);
	double rounds[BULK_ROUNDS][2], append, payload;
	const double *middle;
	struct process_figures used;
	struct buf lines;
	char what[64];

	buf_init(&lines, 0);
	load_records(&world->load, 1, rows, bytes, &lines);
	payload = (double)lines.len;
	world_file(world, "records", &lines);
	buf_done(&lines);
	for (unsigned i = 0; i < BULK_ROUNDS; i++)
		bulk_round(world, bytes, rows, rounds[i], &used);
	append = disk_append(world->dir, bytes, rows, 100);
	middle = bench_middle(rounds, BULK_ROUNDS);
	snprintf(what, sizeof what, "%s records from a file", name);
	bench_figure(&(struct bench_figure){ "ingest", what, "rec/s", "SQLite FULL/100", middle[0], middle[1], .least = 0.6 });
	bench_row("ingest", "  of 5 rounds the lowest", rounds[0][0], "rec/s", rounds[0][1], "SQLite FULL/100");
	bench_row("ingest", "  the highest", rounds[BULK_ROUNDS - 1][0], "rec/s", rounds[BULK_ROUNDS - 1][1], "SQLite FULL/100");
	bench_row("ingest", "  bytes of events", payload * middle[0] / rows / 1e6, "MB/s", 0, NULL);
	bench_row("ingest", "  SQLite, 100 a transaction", middle[1], "row/s", append, "append+fdatasync/100");
	bench_row("ingest", "  CPU a record", used.cpu_s / rows * 1e6, "us", 0, NULL);
	bench_row("ingest", "  peak memory", used.peak_mb, "MB", 0, NULL);
	bench_row("ingest", "  spool bytes a byte of events", world_spool_bytes(world) / payload, "", 0, NULL);
}

static int one_by_one(struct work *work, struct slice lines, struct err *err)
{
	struct pipeline_result result;
	struct pipeline *pipeline;
	int rc;

	pipeline_result_init(&result);
	rc = pipeline_new(work, "opencode", "bench", &result, &pipeline, err);
	while (rc == 0 && lines.len > 0) {
		const char *newline = memchr(lines.ptr, '\n', lines.len);
		size_t n = (size_t)(newline - lines.ptr);

		rc = pipeline_value(pipeline, (struct slice){ lines.ptr, n }, 1, err);
		if (rc == 0)
			rc = pipeline_commit(pipeline, SLICE("bench"), SLICE("1"), 1, err);
		lines = (struct slice){ newline + 1, lines.len - n - 1 };
	}
	pipeline_free(pipeline);
	pipeline_result_done(&result);
	return rc;
}

/* As a source does it that waits for each answer, through the writer's thread. */
static void single(struct world *world)
{
	double sqlite, ours;
	struct conf *conf;
	struct work work;
	struct buf lines;
	struct err err;
	int rc;

	world_clear(world);
	buf_init(&lines, 0);
	load_records(&world->load, 1000000, SINGLE_ROWS, 2000, &lines);
	rc = conf_load(NULL, NULL, &conf, &err);
	if (rc == 0)
		rc = work_init(&work, conf, &err);
	if (rc == 0)
		rc = work_open_spool(&work, &err);
	if (rc == 0)
		rc = writer_start(work.spool, true, NULL, &work.writer, &err);
	sqlite = disk_sqlite(world->dir, 2000, SINGLE_ROWS, 1);
	ours = bench_wall();
	if (rc == 0)
		rc = one_by_one(&work, buf_view(&lines), &err);
	ours = SINGLE_ROWS / (bench_wall() - ours);
	sqlite = (sqlite + disk_sqlite(world->dir, 2000, SINGLE_ROWS, 1)) / 2;
	if (rc != 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
	writer_stop(work.writer);
	work_done(&work);
	conf_free(conf);
	buf_done(&lines);
	bench_figure(&(struct bench_figure){ "ingest", "one record at a time, each acknowledged", "rec/s", "SQLite FULL/1", ours, sqlite, .least = 0.7 });
}

static void messages(struct world *world)
{
	struct process_figures used;
	struct buf lines;
	char path[400];
	double wall;

	buf_init(&lines, 0);
	load_sessions(&world->load, 1, SESSIONS, 500, &lines);
	world_file(world, "sessions", &lines);
	buf_done(&lines);
	snprintf(path, sizeof path, "%s/sessions", world->dir);
	world_clear(world);
	used = world_run(world, &wall, "ingest", path);
	bench_figure(&(struct bench_figure){ "ingest", "10,000 messages (45,200 events), CPU", "s", NULL, used.cpu_s, 0, .most = 0.5 });
	bench_row("ingest", "  events a second", SESSIONS * EVENTS_OF_A_SESSION / wall, "ev/s", 0, NULL);
	bench_row("ingest", "  peak memory", used.peak_mb, "MB", 0, NULL);
}

void section_ingest(struct world *world)
{
	bench_row("machine", "memcpy", disk_memcpy(2u << 30) / 1e9, "GB/s", 0, NULL);
	bench_row("machine", "append+fdatasync, 2 KB each", disk_append(world->dir, 2000, 2000, 1), "row/s", 0, NULL);
	bulk(world, "2 KB", 2000);
	bulk(world, "20 KB", 20000);
	single(world);
	messages(world);
}
