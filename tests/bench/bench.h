/*
 * What the benchmarks share: CPU time, a table on standard output with an optional JSON file, and text
 * like that of an agent's session. Absolute figures drift with the machine: every figure is printed
 * beside a reference of the same run.
 */
#ifndef LF_TESTS_BENCH_H
#define LF_TESTS_BENCH_H
#include "base/buf.h"
#include "base/slice.h"
#include <stdint.h>

/* CPU seconds of this thread. */
double bench_cpu(void);
/* Seconds since some fixed point. */
double bench_wall(void);

/* xorshift64*: the same numbers on every machine. */
struct bench_random {
	uint64_t state;
};
uint64_t bench_next(struct bench_random *random);
unsigned bench_below(struct bench_random *random, unsigned limit);

/* Strings as they stand in an agent's records. */
struct bench_corpus {
	struct buf bytes;
	struct slice *strings; /* into bytes */
	size_t count;
	unsigned planted;      /* secrets in it */
};
/*
 * total bytes of source text, documents, logs, JSON, base64 and diffs in pieces of 100 bytes to 16 KiB,
 * with a made-up secret in every 20 KiB or so. The text comes from the sources below folder.
 */
void bench_corpus_make(struct bench_corpus *corpus, const char *folder, size_t total, uint64_t seed);
void bench_corpus_free(struct bench_corpus *corpus);

/* One row: what, its figure, and against which reference; reference 0: none. Also a line of JSON to
 * the file that BENCH_JSON names. */
void bench_row(const char *bench, const char *what, double value, const char *unit, double reference,
               const char *reference_name);

/*
 * What was measured in turns: pairs of a figure and its reference. Sorts them by their ratio; the pair in the middle stands for all,
 * since its two sides saw the same machine.
 */
const double *bench_middle(double pairs[][2], size_t count);
/* One row with its goal: of the ratio where there is a reference, else of the figure. 0: no limit on that side. */
struct bench_figure {
	const char *bench, *what, *unit, *reference_name;
	double value, reference;
	double least, most;
};
void bench_figure(const struct bench_figure *figure);

#endif
