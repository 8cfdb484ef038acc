#include "world.h"
#include "base/err.h"
#include "base/file.h"
#include "daemon/client.h"
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void die(const char *words)
{
	fprintf(stderr, "bench: %s\n", words);
	exit(1);
}

/* What the user's own configuration says must not be measured. */
static void clear_environment(void)
{
	static const char *const heads[] = { "LFSPOOL_", "LANGFUSE_", "OPENCODE_", "OTEL_" };

	for (char **e = environ; *e;) {
		char name[256];
		size_t n = strcspn(*e, "=");
		bool ours = false;

		for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
			ours = ours || strncmp(*e, heads[i], strlen(heads[i])) == 0;
		snprintf(name, sizeof name, "%.*s", (int)n, *e);
		if (!ours || unsetenv(name) != 0)
			e++;
	}
}

void world_init(struct world *world, const char *lfspool, const char *sources)
{
	const char *base = getenv("TMPDIR");
	char path[400];

	if (!realpath(lfspool, world->lfspool))
		die("no such program");
	snprintf(world->dir, sizeof world->dir, "%s/lfspool-bench-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(world->dir))
		die("no place to work in");
	snprintf(world->log, sizeof world->log, "%s/log", world->dir);
	snprintf(world->spool, sizeof world->spool, "%s/spool", world->dir);
	clear_environment();
	setenv("HOME", world->dir, 1);
	snprintf(path, sizeof path, "%s/config", world->dir);
	setenv("XDG_CONFIG_HOME", path, 1);
	snprintf(path, sizeof path, "%s/data", world->dir);
	setenv("XDG_DATA_HOME", path, 1);
	setenv("LFSPOOL_SPOOL_DIR", world->spool, 1);
	setenv("LFSPOOL_MAX_SPOOL_MB", "100000", 1);
	setenv("LFSPOOL_SOURCES", "none", 1);
	load_init(&world->load, sources);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	(void)info, (void)type, (void)ftw;
	return remove(path);
}

void world_clear(const struct world *world)
{
	nftw(world->spool, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void world_done(struct world *world)
{
	nftw(world->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	load_done(&world->load);
}

void world_file(const struct world *world, const char *name, struct buf *content)
{
	char *path = file_join(world->dir, name);
	struct err err;

	if (file_replace(path, buf_view(content), 0600, &err) != 0)
		die(err.text);
	free(path);
	buf_done(content);
	buf_init(content, 0);
}

void world_enter(const struct world *world)
{
	setenv("LFSPOOL_SPOOL_DIR", world->spool, 1);
}

struct process_figures world_run(const struct world *world, double *ret_wall_s, const char *command, const char *argument)
{
	const char *const words[] = { world->lfspool, command, argument, NULL };

	world_enter(world);
	return process_run(world->log, words, ret_wall_s);
}

static int ask(const struct world *world, const char *request, int fd, struct buf *reply)
{
	struct err err;

	buf_init(reply, 0);
	return client_call(world->spool, slice_of(request), fd, reply, &err);
}

pid_t world_daemon(const struct world *world, double *ret_ready_s)
{
	const char *const words[] = { world->lfspool, "run", NULL };
	double start = bench_wall();
	struct buf reply;
	pid_t pid;

	world_enter(world);
	pid = process_start(world->log, words);
	while (ask(world, "{\"cmd\":\"status\"}\n", -1, &reply) != 0) {
		buf_done(&reply);
		usleep(1000);
		if (bench_wall() - start > 60)
			die("the daemon does not start");
	}
	buf_done(&reply);
	if (ret_ready_s)
		*ret_ready_s = bench_wall() - start;
	return pid;
}

bool world_hand(const struct world *world, struct slice lines)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);
	struct buf reply;
	bool ok;

	if (fd < 0 || file_write_all(fd, lines) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		die("no memory for lines");
	ok = ask(world, "{\"cmd\":\"ingest\",\"name\":\"bench\",\"source\":\"opencode\"}\n", fd, &reply) == 0;
	close(fd);
	buf_done(&reply);
	return ok;
}

static double spool_bytes;

static int add_size(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	(void)path, (void)ftw;
	if (type == FTW_F)
		spool_bytes += (double)info->st_blocks * 512;
	return 0;
}

double world_spool_bytes(const struct world *world)
{
	spool_bytes = 0;
	nftw(world->spool, add_size, 16, FTW_PHYS);
	return spool_bytes;
}
