/* Time, numbers, text and rows for the benchmarks. */
#include "bench.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POOL_MAX_BYTES (8u * 1024 * 1024)
#define SECRET_EVERY_BYTES (20u * 1024)

double bench_cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_wall(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t bench_next(struct bench_random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * UINT64_C(2685821657736338717);
}

unsigned bench_below(struct bench_random *random, unsigned limit)
{
	return (unsigned)((bench_next(random) >> 32) * limit >> 32);
}

/* nftw() passes no context. */
static struct buf *pool;

static int add_file(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	static const char *const endings[] = { ".c", ".h", ".md", ".sh", ".1", ".5", ".mk", ".ac" };
	const char *dot = strrchr(path, '.');

	(void)info;
	if (type == FTW_D && ftw->level > 0 && path[ftw->base] == '.')
		return FTW_SKIP_SUBTREE;
	for (size_t i = 0; dot && type == FTW_F && i < sizeof endings / sizeof *endings; i++)
		if (strcmp(dot, endings[i]) == 0 && pool->len < POOL_MAX_BYTES)
			file_read_all(path, 1 << 20, pool, NULL);
	return FTW_CONTINUE;
}

static void add_run(struct buf *out, struct bench_random *random, const char *letters, size_t n)
{
	size_t count = strlen(letters);

	while (n--)
		buf_char(out, letters[bench_below(random, (unsigned)count)]);
}

static void add_secret(struct buf *out, struct bench_random *random)
{
	static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	/* In two halves: no string of this file looks like a key. */
	static const struct {
		const char *head, *tail;
		unsigned length;
	} kinds[] = {
		{ "gh", "p_", 36 }, { "sk-", "ant-api03-", 60 }, { "AI", "za", 35 }, { "DB_PASS", "WORD=", 14 },
		{ "Authorization: ", "Bearer ", 40 }, { "api_", "key: \"", 32 }, { "xox", "b-", 40 }, { "postgres://app:", "", 12 },
	};
	unsigned kind = bench_below(random, sizeof kinds / sizeof *kinds);

	buf_char(out, '\n');
	buf_text(out, kinds[kind].head);
	buf_text(out, kinds[kind].tail);
	add_run(out, random, alnum, kinds[kind].length);
	buf_text(out, kind == 7 ? "@db.local/app\n" : "\"\n");
}

static void add_piece(struct buf *out, struct bench_random *random, struct slice source, size_t n)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t from = bench_below(random, (unsigned)(source.len - n));

	switch (bench_below(random, 20)) {
	case 0:
		add_run(out, random, base64, n);
		break;
	case 1:
		for (size_t end = out->len + n; out->len < end;) {
			add_run(out, random, "0123456789abcdef", 40);
			buf_format(out, " 2026-11-%02u INFO request id=%u path=/api/v1/items status=200 ms=%u\n",
			           1 + bench_below(random, 28), bench_below(random, 100000), bench_below(random, 900));
		}
		break;
	case 2:
		for (size_t end = out->len + n; out->len < end;)
			buf_format(out, "{\"id\":%u,\"name\":\"item-%u\",\"tokens\":{\"input\":%u,\"output\":%u},\"ok\":true},",
			           bench_below(random, 100000), bench_below(random, 999), bench_below(random, 9999),
			           bench_below(random, 9999));
		break;
	default:
		buf_append(out, source.ptr + from, n);
	}
}

void bench_corpus_make(struct bench_corpus *corpus, const char *folder, size_t total, uint64_t seed)
{
	struct bench_random random = { seed };
	struct buf source;
	size_t cap = 0, *ends = NULL, since_secret = 0;

	memset(corpus, 0, sizeof *corpus);
	buf_init(&source, 0);
	buf_init(&corpus->bytes, 0);
	pool = &source;
	nftw(folder, add_file, 16, FTW_PHYS | FTW_ACTIONRETVAL);
	if (source.len < 64 * 1024) {
		fprintf(stderr, "bench: no sources below %s\n", folder);
		exit(1);
	}
	while (corpus->bytes.len < total) {
		size_t before = corpus->bytes.len, n = 100u + bench_below(&random, 1u << (7 + bench_below(&random, 8)));

		add_piece(&corpus->bytes, &random, buf_view(&source), n);
		since_secret += n;
		if (since_secret > SECRET_EVERY_BYTES) {
			add_secret(&corpus->bytes, &random);
			corpus->planted++;
			since_secret = 0;
		}
		/* Pieces are cut anywhere: what is left of a character goes. */
		for (size_t i = before; i < corpus->bytes.len; i++)
			if (corpus->bytes.data[i] & 0x80)
				corpus->bytes.data[i] = '?';
		if (corpus->count == cap) {
			cap = cap ? 2 * cap : 1024;
			ends = xrealloc(ends, cap * sizeof *ends);
		}
		ends[corpus->count++] = corpus->bytes.len;
	}
	corpus->strings = xcalloc(corpus->count, sizeof *corpus->strings);
	for (size_t i = 0, at = 0; i < corpus->count; at = ends[i++])
		corpus->strings[i] = (struct slice){ corpus->bytes.data + at, ends[i] - at };
	free(ends);
	buf_done(&source);
}

void bench_corpus_free(struct bench_corpus *corpus)
{
	free(corpus->strings);
	buf_done(&corpus->bytes);
}

static int by_ratio(const void *a, const void *b)
{
	const double *x = a, *y = b;
	double left = x[0] * y[1], right = y[0] * x[1];

	return left < right ? -1 : left > right;
}

const double *bench_middle(double pairs[][2], size_t count)
{
	qsort(pairs, count, sizeof pairs[0], by_ratio);
	return pairs[count / 2];
}

static void print_figure(const struct bench_figure *figure, double judged)
{
	bool has_goal = figure->least > 0 || figure->most > 0;
	bool met = (figure->least <= 0 || judged >= figure->least) && (figure->most <= 0 || judged <= figure->most);

	printf("%-8s %-50s %12.3f %-6s", figure->bench, figure->what, figure->value, figure->unit);
	if (figure->reference > 0)
		printf(" %8.3f x %s", judged, figure->reference_name);
	if (has_goal)
		printf("  goal %s %g: %s", figure->least > 0 ? ">=" : "<=", figure->least > 0 ? figure->least : figure->most, met ? "met" : "NOT MET");
	putchar('\n');
	fflush(stdout);
}

static void write_figure(FILE *json, const struct bench_figure *figure, double judged)
{
	fprintf(json, "{\"bench\":\"%s\",\"what\":\"%s\",\"value\":%.6f,\"unit\":\"%s\"", figure->bench, figure->what, figure->value, figure->unit);
	if (figure->reference > 0)
		fprintf(json, ",\"reference\":\"%s\",\"reference_value\":%.6f,\"ratio\":%.6f", figure->reference_name, figure->reference, judged);
	if (figure->least > 0)
		fprintf(json, ",\"least\":%g", figure->least);
	if (figure->most > 0)
		fprintf(json, ",\"most\":%g", figure->most);
	fputs("}\n", json);
}

void bench_figure(const struct bench_figure *figure)
{
	const char *path = getenv("BENCH_JSON");
	double judged = figure->reference > 0 ? figure->value / figure->reference : figure->value;
	FILE *json = path && *path ? fopen(path, "ae") : NULL;

	print_figure(figure, judged);
	if (!json)
		return;
	write_figure(json, figure, judged);
	fclose(json);
}

void bench_row(const char *bench, const char *what, double value, const char *unit, double reference,
               const char *reference_name)
{
	bench_figure(&(struct bench_figure){ .bench = bench, .what = what, .value = value, .unit = unit, .reference = reference,
	                                     .reference_name = reference_name });
}
