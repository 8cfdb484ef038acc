/* A generator of Claude Code's transcripts: random, the same for the same seed. */
#ifndef TEST_CLAUDE_TRANSCRIPTS_H
#define TEST_CLAUDE_TRANSCRIPTS_H
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct dice {
	uint64_t state;
};
uint64_t dice_next(struct dice *dice);
unsigned dice_below(struct dice *dice, unsigned n); /* 0 … n - 1 */
bool dice_percent(struct dice *dice, unsigned percent);

enum { TOKENS_INPUT, TOKENS_OUTPUT, TOKENS_WRITE, TOKENS_READ, TOKENS_COUNT };
#define TRUTH_TOOLS 6
#define TRUTH_MODELS 3
extern const char *const truth_tools[TRUTH_TOOLS];
extern const char *const truth_models[TRUTH_MODELS];

/* What one file must count; copies of another file's lines are not in it. */
struct truth {
	unsigned prompts, generations, api_errors, compactions;
	uint64_t tokens[TOKENS_COUNT];
	unsigned by_model[TRUTH_MODELS];
	unsigned ok[TRUTH_TOOLS], failed[TRUTH_TOOLS], unanswered[TRUTH_TOOLS];
	uint64_t cost; /* 10^-4 dollars */
};

/* Where truth is written: the form of tests/fixtures/claude/truth.json. */
struct truth_file {
	FILE *out;
	bool first;
	struct truth total;
};
void truth_add(struct truth_file *file, const char *path, const char *session, const char *agent, const struct truth *truth);

/* Makes dir/projects and dir/truth.json: so many sessions of about so many bytes, with what was resumed and forked of them in projects/derived. */
int transcripts_make(const char *dir, uint64_t seed, unsigned sessions, uint64_t bytes);
/*
 * Lets the files below from appear below to, piece by piece, as an agent writes them and as they are treated: cut anywhere, truncated and
 * written again, moved, replaced, removed. only: "derived" or the "first" ones; NULL: all. step_ms: the longest pause.
 */
int transcripts_play(const char *from, const char *to, uint64_t seed, unsigned step_ms, const char *only);

#endif
