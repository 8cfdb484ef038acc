/*
 * What a large spool costs beside a small one. Two daemons run: one has the large spool, the other begins each round with an empty
 * one. In a round both get the same lines: some that warm them up and make the small spool's 10,000 records, then those that are
 * measured; then both deliver for a second at most. The rounds take turns in who goes first. What is printed is the round in the
 * middle, by its ratio: the two sides of a round are seconds apart, and share what else the machine does.
 */
#include "world.h"
#include "receiver.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 9u
#define FIRST_SESSION 954000u /* newer than those of the large spool */
#define WARM_UP 22u           /* sessions: 10,000 records */
#define PROBE 44u
#define RECORDS_OF_A_SESSION 452.0
#define TEXT_BYTES 200

enum { LARGE, SMALL, SIDES };

struct side {
	struct world *world;
	pid_t daemon;
};

static double cpu_of(const struct side *side)
{
	return process_look(side->daemon).cpu_s;
}

static double take(struct side *side, const struct buf *lines)
{
	double before = cpu_of(side);

	if (!world_hand(side->world, buf_view(lines))) {
		fprintf(stderr, "bench: records were not taken\n");
		exit(1);
	}
	return cpu_of(side) - before;
}

/* So many rows the ledger has: observations that were delivered. */
static double delivered(const struct side *side)
{
	char path[400];
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	double value = 0;

	snprintf(path, sizeof path, "%s/spool.db", side->world->spool);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "SELECT value FROM counter WHERE name='rows' AND label='ledger'", -1, &stmt, NULL) != SQLITE_OK)
		exit(1);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_double(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

static double drain_us(struct side *side)
{
	const char *const words[] = { side->world->lfspool, "flush", "--timeout=1", NULL };
	double before = delivered(side), cpu = cpu_of(side);

	world_enter(side->world);
	process_await(process_start(side->world->log, words));
	return (cpu_of(side) - cpu) / (delivered(side) - before) * 1e6;
}

static void start_again(struct side *small)
{
	if (small->daemon)
		(void)process_stop(small->daemon);
	world_clear(small->world);
	small->daemon = world_daemon(small->world, NULL);
}

/* CPU of taking a record, of delivering an observation. */
static void run_round(struct side sides[SIDES], unsigned i, double ret_in_us[SIDES], double ret_out_us[SIDES])
{
	struct load *load = &sides[LARGE].world->load;
	unsigned first = FIRST_SESSION + i * (WARM_UP + PROBE);
	struct buf warm_up, probe;

	buf_init(&warm_up, 0);
	buf_init(&probe, 0);
	load_sessions(load, first, WARM_UP, TEXT_BYTES, &warm_up);
	load_sessions(load, first + WARM_UP, PROBE, TEXT_BYTES, &probe);
	start_again(&sides[SMALL]);
	for (unsigned n = 0; n < SIDES; n++) {
		unsigned k = (i + n) % SIDES;
		(void)take(&sides[k], &warm_up);
		ret_in_us[k] = take(&sides[k], &probe) / (PROBE * RECORDS_OF_A_SESSION) * 1e6;
	}
	for (unsigned n = 0; n < SIDES; n++) {
		unsigned k = (i + n) % SIDES;
		ret_out_us[k] = drain_us(&sides[k]);
	}
	buf_done(&warm_up);
	buf_done(&probe);
}

static void print_middle(const char *what, double rounds[ROUNDS][SIDES])
{
	static const struct {
		const char *what;
		unsigned at;
	} rows[] = { { "  of 9 rounds the lowest", 0 }, { "  the highest", ROUNDS - 1 } };
	const double *middle = bench_middle(rounds, ROUNDS);

	bench_figure(&(struct bench_figure){ "large", what, "us", "a small spool", middle[LARGE], middle[SMALL], .most = 1.1 });
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		bench_row("large", rows[i].what, rounds[rows[i].at][LARGE], "us", rounds[rows[i].at][SMALL], "a small spool");
}

void large_ratios(struct world *world, pid_t daemon)
{
	struct receiver *receiver = receiver_start(); /* one serves one */
	struct world beside = *world;
	struct side sides[SIDES] = { [SMALL] = { &beside, 0 }, [LARGE] = { world, daemon } };
	double in_us[ROUNDS][SIDES], out_us[ROUNDS][SIDES];
	char *host = getenv("LFSPOOL_LANGFUSE_HOST"), url[64], before[64];

	snprintf(before, sizeof before, "%s", host ? host : "");
	snprintf(url, sizeof url, "http://127.0.0.1:%u", receiver_port(receiver));
	setenv("LFSPOOL_LANGFUSE_HOST", url, 1);
	snprintf(beside.spool, sizeof beside.spool, "%s/beside", world->dir);
	for (unsigned i = 0; i < ROUNDS; i++)
		run_round(sides, i, in_us[i], out_us[i]);
	(void)process_stop(sides[SMALL].daemon);
	world_clear(&beside);
	print_middle("CPU a record of ingest", in_us);
	print_middle("CPU an observation of drain", out_us);
	setenv("LFSPOOL_LANGFUSE_HOST", before, 1);
	receiver_stop(receiver);
	world_enter(world);
}
