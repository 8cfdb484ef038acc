/* Lets transcripts appear piece by piece, and maltreats them; see transcripts.h. What stands at the end is what was to stand there. */
#include "transcripts.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOGETHER 4 /* files that grow at a time */

struct actor {
	char *from, *to;
	char *text;
	size_t size, at;
};

static char **paths;
static size_t path_count;

static int see(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	if (type == FTW_F && strlen(path) > 6 && strcmp(path + strlen(path) - 6, ".jsonl") == 0) {
		char **more = realloc(paths, (path_count + 1) * sizeof *paths);

		if (!more)
			return 1;
		paths = more;
		paths[path_count++] = strdup(path);
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool load(struct actor *actor)
{
	int fd = open(actor->from, O_RDONLY);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0)
		return false;
	actor->text = malloc((size_t)st.st_size + 1);
	n = read(fd, actor->text, (size_t)st.st_size);
	actor->size = n > 0 ? (size_t)n : 0;
	close(fd);
	return true;
}

static void make_dirs(const char *path)
{
	char *copy = strdup(path);

	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(copy, 0755);
		*p = '/';
	}
	free(copy);
}

static void write_at(const char *path, int flags, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);

	while (fd >= 0 && n > 0) {
		ssize_t one = write(fd, text, n);
		if (one <= 0)
			break;
		text += one;
		n -= (size_t)one;
	}
	close(fd);
}

/* ---- what happens to a file; at: how much of it stands there ---- */

static void grow(struct actor *actor, struct dice *dice)
{
	size_t n = 1 + dice_below(dice, (unsigned)(actor->size / 8 + 400));

	if (n > actor->size - actor->at)
		n = actor->size - actor->at;
	write_at(actor->to, O_APPEND, actor->text + actor->at, n);
	actor->at += n;
}

static void cut(struct actor *actor, struct dice *dice)
{
	size_t at = dice_below(dice, (unsigned)actor->at + 1);

	if (truncate(actor->to, (off_t)at) == 0)
		actor->at = at;
}

static void again(struct actor *actor, struct dice *dice)
{
	(void)dice;
	write_at(actor->to, O_TRUNC, actor->text, actor->at);
}

static void rotate(struct actor *actor, struct dice *dice)
{
	char name[4096];

	(void)dice;
	snprintf(name, sizeof name, "%s.new", actor->to);
	write_at(name, O_TRUNC, actor->text, actor->at);
	(void)!rename(name, actor->to);
}

static void take_away(struct actor *actor, struct dice *dice)
{
	(void)dice;
	unlink(actor->to);
	actor->at = 0;
}

/* All of it at once, each line a little longer: as a later version would write it again. */
static void rewrite(struct actor *actor, struct dice *dice)
{
	static const char word[] = "\"version\":\"2.1.0";
	FILE *out = fopen(actor->to, "w");
	const char *p = actor->text, *next;

	(void)dice;
	if (!out)
		return;
	while ((next = memmem(p, actor->size - (size_t)(p - actor->text), word, sizeof word - 1))) {
		fwrite(p, 1, (size_t)(next - p), out);
		fputs("\"version\":\"2.1.0-rewritten", out);
		p = next + sizeof word - 1;
	}
	fwrite(p, 1, actor->size - (size_t)(p - actor->text), out);
	fclose(out);
	actor->at = actor->size;
}

static void step(struct actor *actor, struct dice *dice)
{
	static const struct {
		unsigned below;
		void (*act)(struct actor *actor, struct dice *dice);
	} rows[] = { { 82, grow }, { 86, cut }, { 90, again }, { 94, rotate }, { 97, take_away }, { 100, rewrite } };
	unsigned chance = dice_below(dice, 100), i = 0;

	while (chance >= rows[i].below)
		i++;
	rows[i].act(actor, dice);
}

static void rest(struct dice *dice, unsigned step_ms)
{
	unsigned us = step_ms ? dice_below(dice, step_ms * 1000) : 0;

	if (us)
		nanosleep(&(struct timespec){ us / 1000000, (long)(us % 1000000) * 1000 }, NULL);
}

static void play_all(struct actor *actors, size_t count, struct dice *dice, unsigned step_ms)
{
	for (size_t first = 0; first < count;) {
		struct actor *actor = &actors[first + dice_below(dice, (unsigned)(count - first < TOGETHER ? count - first : TOGETHER))];
		if (!actor->text) {
			make_dirs(actor->to);
			if (!load(actor))
				exit(1);
		}
		if (actor->at < actor->size)
			step(actor, dice);
		rest(dice, step_ms);
		while (first < count && actors[first].text && actors[first].at >= actors[first].size)
			free(actors[first++].text);
	}
}

int transcripts_play(const char *from, const char *to, uint64_t seed, unsigned step_ms, const char *only)
{
	struct dice dice = { seed };
	struct actor *actors;
	size_t count = 0;

	if (nftw(from, see, 16, FTW_PHYS) != 0)
		return 1;
	qsort(paths, path_count, sizeof *paths, by_name);
	actors = calloc(path_count + 1, sizeof *actors);
	for (size_t i = 0; i < path_count; i++) {
		const char *rest_of = paths[i] + strlen(from);
		if (only && (strstr(rest_of, "/derived/") != NULL) != (strcmp(only, "derived") == 0))
			continue;
		actors[count].from = paths[i];
		actors[count].to = malloc(strlen(to) + strlen(rest_of) + 1);
		strcpy(actors[count].to, to);
		strcat(actors[count++].to, rest_of);
	}
	play_all(actors, count, &dice, step_ms);
	for (size_t i = 0; i < count; i++)
		free(actors[i].to);
	for (size_t i = 0; i < path_count; i++)
		free(paths[i]);
	free(paths);
	free(actors);
	return 0;
}
