/* A spool of a million records: what it costs to start, to ask, to go on, to take things out. */
#include "world.h"
#include "receiver.h"
#include "base/mem.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORDS_OF_A_SESSION 452.0
#define STEP 100u       /* sessions of one file */
#define TEXT_BYTES 200
#define LATENCIES 20000u
#define BIG_BYTES 100000000u
#define PURGES 30u      /* of one session each */

static unsigned wanted(void)
{
	const char *text = getenv("LARGE");

	return text && *text ? (unsigned)strtoul(text, NULL, 10) : 1000000u;
}

static struct process_figures take(struct world *world, unsigned first, unsigned sessions)
{
	struct buf lines;
	char path[400];

	buf_init(&lines, 0);
	load_sessions(&world->load, first, sessions, TEXT_BYTES, &lines);
	world_file(world, "sessions", &lines);
	buf_done(&lines);
	snprintf(path, sizeof path, "%s/sessions", world->dir);
	return world_run(world, NULL, "ingest", path);
}

/* ---- what a caller waits for its answer while something else goes on ---- */

struct caller {
	struct world *world;
	atomic_bool stop;
	double *seconds;
	unsigned count;
	unsigned session;
};

static void *call(void *arg)
{
	struct caller *caller = arg;
	struct buf line;

	buf_init(&line, 0);
	while (!atomic_load(&caller->stop) && caller->count < LATENCIES) {
		double start;

		buf_clear(&line);
		load_records(&caller->world->load, caller->session++, 1, 2000, &line);
		start = bench_wall();
		while (!world_hand(caller->world, buf_view(&line)))
			;
		caller->seconds[caller->count++] = bench_wall() - start;
		usleep(1000);
	}
	buf_done(&line);
	return NULL;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_latencies(struct caller *caller)
{
	char what[96];

	qsort(caller->seconds, caller->count, sizeof *caller->seconds, compare_doubles);
	snprintf(what, sizeof what, "  p99 of an acknowledgement, %u of them", caller->count);
	bench_figure(&(struct bench_figure){ "large", what, "ms", NULL, caller->seconds[caller->count * 99 / 100] * 1e3, 0, .most = 50 });
	bench_row("large", "  the longest", caller->seconds[caller->count - 1] * 1e3, "ms", 0, NULL);
}

typedef void task_fn(struct world *world);

/* Does something while a caller hands in records, and prints what the caller saw. */
static void meanwhile(struct world *world, pid_t daemon, const char *what, task_fn *task)
{
	static unsigned session = 3004000; /* the newest */
	struct caller caller = { .world = world, .session = session, .seconds = xcalloc(LATENCIES, sizeof(double)) };
	double start = bench_wall();
	pthread_t thread;

	process_forget_peak(daemon);
	if (pthread_create(&thread, NULL, call, &caller) != 0)
		exit(1);
	task(world);
	start = bench_wall() - start;
	atomic_store(&caller.stop, true);
	pthread_join(thread, NULL);
	session = caller.session;
	bench_row("large", what, start, "s", 0, NULL);
	print_latencies(&caller);
	bench_figure(&(struct bench_figure){ "large", "  peak memory", "MB", NULL, process_look(daemon).peak_mb, 0, .most = 32 });
	free(caller.seconds);
}

static void rest(struct world *world)
{
	(void)world;
	sleep(5);
}

static void flush(struct world *world)
{
	const char *const words[] = { world->lfspool, "flush", "--timeout=20", NULL };

	process_await(process_start(world->log, words));
}

static void purge_sessions(struct world *world)
{
	for (unsigned i = 2; i < 2 + PURGES; i++) {
		char id[LOAD_ID_BYTES], option[64];
		const char *const words[] = { world->lfspool, "purge", option, "--yes", NULL };

		load_session_id(i, id);
		snprintf(option, sizeof option, "--session=%s", id);
		process_await(process_start(world->log, words));
	}
}

static void purge_all(struct world *world)
{
	const char *const words[] = { world->lfspool, "purge", "--all", "--yes", NULL };

	process_await(process_start(world->log, words));
}

/* Until the files are as small as they are to become, or it takes too long. */
static double awaited_bytes;

static void shrink(struct world *world)
{
	double start = bench_wall();

	while (world_spool_bytes(world) > awaited_bytes && bench_wall() - start < 60)
		usleep(100000);
}

/* Half of the sessions are older than they may become. */
static void make_old(struct world *world)
{
	char path[400];
	sqlite3 *db = NULL;

	snprintf(path, sizeof path, "%s/spool.db", world->spool);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "UPDATE session SET stored_ms=stored_ms-8*86400000 WHERE substr(id, -1) IN ('0', '2', '4', '6', '8')", NULL, NULL, NULL) != SQLITE_OK)
		exit(1);
	sqlite3_close(db);
}

static void big_event(struct world *world, pid_t daemon)
{
	struct buf line;

	buf_init(&line, 0);
	load_records(&world->load, 2000000, 1, 1000, &line);
	line.len -= 80; /* inside of its text */
	for (size_t i = 0; i < BIG_BYTES; i += 64)
		buf_text(&line, "an event that is far too large, sixty-four letters at a time ...");
	buf_text(&line, "\"}}}\n");
	process_forget_peak(daemon);
	(void)world_hand(world, buf_view(&line));
	bench_figure(&(struct bench_figure){ "large", "peak memory with one event of 100 MB", "MB", NULL, process_look(daemon).peak_mb, 0, .most = 32 });
	buf_done(&line);
}

/* The quickest of so many: how long it takes when nobody else has the processor. */
static double quickest_ms(struct world *world, int times, const char *command, const char *argument)
{
	double best = 1e9, wall;

	for (int i = 0; i < times; i++) {
		(void)world_run(world, &wall, command, argument);
		best = wall < best ? wall : best;
	}
	return best * 1e3;
}

static void print_status(struct world *world, const char *when, int times)
{
	char what[64];

	snprintf(what, sizeof what, "status, %s", when);
	bench_figure(&(struct bench_figure){ "large", what, "ms", NULL, quickest_ms(world, times, "status", "--json"), 0, .most = 20 });
}

/* A spool with all the records. */
static void grow(struct world *world, unsigned count)
{
	struct process_figures used;
	double peak = 0, ready;
	pid_t daemon;

	world_clear(world);
	for (unsigned i = 0; i * RECORDS_OF_A_SESSION < count; i += STEP) {
		used = take(world, 1 + i, STEP);
		peak = used.peak_mb > peak ? used.peak_mb : peak;
	}
	bench_figure(&(struct bench_figure){ "large", "peak memory of ingest", "MB", NULL, peak, 0, .most = 32 });
	bench_row("large", "spool", world_spool_bytes(world) / 1e6, "MB", 0, NULL);
	bench_row("large", "a command that asks nothing (--version)", quickest_ms(world, 5, "--version", NULL), "ms", 0, NULL);
	print_status(world, "daemon down", 5);
	daemon = world_daemon(world, &ready);
	print_status(world, "right after start", 1);
	bench_figure(&(struct bench_figure){ "large", "start to the first answer", "s", NULL, ready, 0, .most = 0.3 });
	bench_figure(&(struct bench_figure){ "large", "memory with a backlog", "MB", NULL, process_look(daemon).rss_mb, 0, .most = 32 });
	print_status(world, "daemon up", 5);
	large_ratios(world, daemon);
	meanwhile(world, daemon, "draining, at most 20 s", flush);
	big_event(world, daemon);
	(void)process_stop(daemon);
}

/* Cleanup comes with the first round of a daemon, which ships too. */
static void clean(struct world *world, const char *what, double share)
{
	pid_t daemon;

	awaited_bytes = world_spool_bytes(world) * share;
	setenv("LFSPOOL_FLUSH_INTERVAL", "1s", 1);
	daemon = world_daemon(world, NULL);
	meanwhile(world, daemon, what, shrink);
	(void)process_stop(daemon);
	setenv("LFSPOOL_FLUSH_INTERVAL", "1h", 1);
}

static void take_away(struct world *world)
{
	char cap[32];
	pid_t daemon = world_daemon(world, NULL);

	meanwhile(world, daemon, "nothing else", rest);
	meanwhile(world, daemon, "purge of 30 sessions, one by one", purge_sessions);
	(void)process_stop(daemon);
	make_old(world);
	clean(world, "retention of half of it", 0.75);
	snprintf(cap, sizeof cap, "%.0f", world_spool_bytes(world) / (1 << 20) * 0.9);
	setenv("LFSPOOL_MAX_SPOOL_MB", cap, 1);
	clean(world, "a cap of nine tenths", 0.9);
	setenv("LFSPOOL_MAX_SPOOL_MB", "100000", 1);
	daemon = world_daemon(world, NULL);
	meanwhile(world, daemon, "purge of all that is left", purge_all);
	(void)process_stop(daemon);
}

void section_large(struct world *world)
{
	struct receiver *receiver = receiver_start();
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%u", receiver_port(receiver));
	setenv("LFSPOOL_LANGFUSE_HOST", url, 1);
	setenv("LFSPOOL_LANGFUSE_PUBLIC_KEY", "bench-public", 1);
	setenv("LFSPOOL_LANGFUSE_SECRET_KEY", "bench-secret", 1);
	setenv("LFSPOOL_FLUSH_INTERVAL", "1h", 1);
	grow(world, wanted());
	take_away(world);
	unsetenv("LFSPOOL_LANGFUSE_HOST");
	unsetenv("LFSPOOL_FLUSH_INTERVAL");
	receiver_stop(receiver);
}
