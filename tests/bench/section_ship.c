/* From the spool to a server that only counts; and what idling costs. */
#include "world.h"
#include "receiver.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SESSIONS 100u
#define OBSERVATIONS_OF_A_SESSION 200.0
#define IDLE_SECONDS 20

static void write_sessions(struct world *world, unsigned count, size_t text_bytes)
{
	struct buf lines;

	buf_init(&lines, 0);
	load_sessions(&world->load, 1, count, text_bytes, &lines);
	world_file(world, "sessions", &lines);
	buf_done(&lines);
}

static void ship_all(struct world *world, const char *name, unsigned count, const char *compression, double least)
{
	double observations = count * OBSERVATIONS_OF_A_SESSION;
	struct receiver *receiver = receiver_start();
	struct process_figures used;
	uint64_t requests, bytes;
	char url[64], what[80], path[400];
	double wall;

	world_clear(world);
	snprintf(path, sizeof path, "%s/sessions", world->dir);
	(void)world_run(world, NULL, "ingest", path);
	snprintf(url, sizeof url, "http://127.0.0.1:%u", receiver_port(receiver));
	setenv("LFSPOOL_LANGFUSE_HOST", url, 1);
	setenv("LFSPOOL_COMPRESSION", compression, 1);
	used = world_run(world, &wall, "flush", "--timeout=120");
	receiver_counts(receiver, &requests, &bytes);
	receiver_stop(receiver);
	unsetenv("LFSPOOL_COMPRESSION");
	unsetenv("LFSPOOL_LANGFUSE_HOST");
	snprintf(what, sizeof what, "%s: assemble, map, ship, compression %s", name, compression);
	bench_figure(&(struct bench_figure){ "ship", what, "obs/s", NULL, observations / wall, 0, .least = least });
	bench_row("ship", "  CPU an observation", used.cpu_s / observations * 1e6, "us", 0, NULL);
	bench_figure(&(struct bench_figure){ "ship", "  peak memory", "MB", NULL, used.peak_mb, 0, .most = 32 });
	bench_row("ship", "  requests", (double)requests, "", 0, NULL);
	bench_row("ship", "  bytes an observation on the wire", (double)bytes / observations, "B", 0, NULL);
}

void section_ship(struct world *world)
{
	write_sessions(world, SESSIONS, 1000);
	setenv("LFSPOOL_LANGFUSE_PUBLIC_KEY", "bench-public", 1);
	setenv("LFSPOOL_LANGFUSE_SECRET_KEY", "bench-secret", 1);
	ship_all(world, "texts of 1 KB", SESSIONS, "gzip", 20000);
	ship_all(world, "texts of 1 KB", SESSIONS, "none", 40000);
	write_sessions(world, SESSIONS / 4, 8000);
	ship_all(world, "texts of 8 KB", SESSIONS / 4, "gzip", 0);
}

void section_idle(struct world *world)
{
	struct process_figures before, after;
	double ready;
	pid_t pid;

	world_clear(world);
	setenv("LFSPOOL_SOURCES", "opencode,claude", 1);
	pid = world_daemon(world, &ready);
	bench_row("idle", "start to the first answer, empty spool", ready * 1e3, "ms", 0, NULL);
	sleep(8);
	before = process_look(pid);
	sleep(IDLE_SECONDS);
	after = process_look(pid);
	bench_figure(&(struct bench_figure){ "idle", "memory", "MB", NULL, after.rss_mb, 0, .most = 8 });
	bench_figure(&(struct bench_figure){ "idle", "wake-ups", "/s", NULL, (after.wakeups - before.wakeups) / IDLE_SECONDS, 0, .most = 2 });
	bench_figure(&(struct bench_figure){ "idle", "CPU", "%", NULL, (after.cpu_s - before.cpu_s) / IDLE_SECONDS * 100, 0, .most = 0.05 });
	(void)process_stop(pid);
	setenv("LFSPOOL_SOURCES", "none", 1);
}
