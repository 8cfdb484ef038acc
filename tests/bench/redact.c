/*
 * How fast the rules run: over text like an agent's and over recorded sessions, against the same rules
 * run one after another (PCRE2 with JIT, unanchored) and against memchr. `bench-redact [FOLDER] [MB]`.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "bench.h"
#include "base/file.h"
#include "base/mem.h"
#include "redactor.h"
#include "rules.h"
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The reference: each pattern of the table, unanchored, through the whole text. */
struct one_by_one {
	pcre2_code **codes;
	pcre2_match_data *data;
};

static void one_by_one_init(struct one_by_one *rules)
{
	rules->codes = xcalloc(rule_table_count, sizeof *rules->codes);
	rules->data = pcre2_match_data_create(16, NULL);
	for (unsigned i = 0; i < rule_table_count; i++) {
		const struct rule_row *row = &rule_table[i];
		int error;
		size_t offset;

		if (!row->pattern || row->tier > 2) /* personal data is off here */
			continue;
		rules->codes[i] = pcre2_compile((PCRE2_SPTR)row->pattern, PCRE2_ZERO_TERMINATED,
		                                PCRE2_UTF | (row->caseless ? PCRE2_CASELESS : 0u), &error, &offset, NULL);
		if (!rules->codes[i] || pcre2_jit_compile(rules->codes[i], PCRE2_JIT_COMPLETE)) {
			fprintf(stderr, "bench: rule %s does not compile\n", row->name);
			exit(1);
		}
	}
}

static void one_by_one_done(struct one_by_one *rules)
{
	for (unsigned i = 0; i < rule_table_count; i++)
		pcre2_code_free(rules->codes[i]);
	free(rules->codes);
	pcre2_match_data_free(rules->data);
}

/* Finds only: nothing is merged or rewritten, which is in the reference's favour. */
static size_t one_by_one_text(const struct one_by_one *rules, struct slice text)
{
	const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer(rules->data);
	size_t hits = 0;

	for (unsigned i = 0; i < rule_table_count; i++) {
		unsigned group = rule_table[i].group;
		size_t at = 0;

		while (rules->codes[i] && at < text.len) {
			int rc = pcre2_match(rules->codes[i], (PCRE2_SPTR)text.ptr, text.len, at, PCRE2_NO_UTF_CHECK, rules->data, NULL);

			if (rc < 0)
				break;
			if (group < (unsigned)rc && pairs[2 * group] != PCRE2_UNSET)
				hits += !check_harmless(rule_table[i].check, (struct slice){ text.ptr + pairs[2 * group],
				                                                              pairs[2 * group + 1] - pairs[2 * group] });
			at = pairs[1] > at ? pairs[1] : at + 1;
		}
	}
	return hits;
}

static struct redactor *make_redactor(struct ruleset **ret)
{
	const struct redact_options options = { .mode = MODE_FULL };
	struct err err;

	if (ruleset_new(&options, ret, &err)) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
	return redactor_new(*ret);
}

static size_t memchr_text(struct slice text)
{
	return memchr(text.ptr, 0x01, text.len) != NULL;
}

enum way { WAY_LFSPOOL, WAY_ONE_BY_ONE, WAY_MEMCHR };

/* MB/s of CPU time over the first `limit` bytes; *ret_hits may be NULL. */
static double run(enum way way, const struct bench_corpus *corpus, size_t limit, size_t *ret_hits)
{
	struct ruleset *ruleset;
	struct redactor *redactor = make_redactor(&ruleset);
	struct one_by_one rules;
	struct buf out;
	size_t bytes = 0, hits = 0;
	double start;

	one_by_one_init(&rules);
	buf_init(&out, 0);
	start = bench_cpu();
	for (size_t i = 0; i < corpus->count && bytes < limit; i++) {
		struct slice text = corpus->strings[i];

		bytes += text.len;
		if (way == WAY_LFSPOOL) {
			buf_clear(&out);
			redact_text(redactor, text, &out, NULL);
		} else {
			hits += way == WAY_ONE_BY_ONE ? one_by_one_text(&rules, text) : memchr_text(text);
		}
	}
	start = bench_cpu() - start;
	for (unsigned i = 0; way == WAY_LFSPOOL && i <= ruleset_count(ruleset); i++)
		hits += redactor_take_count(redactor, i);
	buf_done(&out);
	one_by_one_done(&rules);
	redactor_free(redactor);
	ruleset_free(ruleset);
	if (ret_hits)
		*ret_hits = hits;
	return (double)bytes / 1e6 / start;
}

static void compare(const char *name, const struct bench_corpus *corpus)
{
	size_t found = 0, found_one = 0, slow_limit = corpus->bytes.len / 5;
	double ours, one, scan;
	char text[128];

	ours = run(WAY_LFSPOOL, corpus, corpus->bytes.len, &found);
	one = run(WAY_ONE_BY_ONE, corpus, slow_limit, &found_one);
	scan = run(WAY_MEMCHR, corpus, corpus->bytes.len, NULL);
	snprintf(text, sizeof text, "%s: %zu strings, %.0f MB", name, corpus->count, (double)corpus->bytes.len / 1e6);
	bench_row("redact", text, ours, "MB/s", one, "one by one");
	bench_row("redact", "  the same rules one by one (a fifth of it)", one, "MB/s", 0, NULL);
	bench_row("redact", "  memchr", scan, "MB/s", 0, NULL);
	printf("         %-44s %12zu (planted: %u)\n", "  removed", found, corpus->planted);
	run(WAY_LFSPOOL, corpus, slow_limit, &found);
	printf("         %-44s %12zu, one by one before merging: %zu\n", "  removed in that fifth", found, found_one);
}

/* Every string of the recorded sessions, repeated until there is enough to measure. */
static void recordings(struct bench_corpus *corpus, const char *folder, size_t total)
{
	static const char *const names[] = { "tools", "subagent", "files", "compaction", "unicode", "large", "plain", "fork" };
	struct buf file;
	size_t cap = 0, *ends = NULL;

	memset(corpus, 0, sizeof *corpus);
	buf_init(&file, 0);
	buf_init(&corpus->bytes, 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/tests/fixtures/opencode/%s/sse.jsonl", folder, names[i]);
		file_read_all(path, 64 << 20, &file, NULL);
	}
	while (file.len && corpus->bytes.len < total) {
		for (size_t at = 0; at < file.len;) {
			const char *newline = memchr(file.data + at, '\n', file.len - at);
			size_t end = newline ? (size_t)(newline - file.data) + 1 : file.len;

			if (corpus->count == cap) {
				cap = cap ? 2 * cap : 1024;
				ends = xrealloc(ends, cap * sizeof *ends);
			}
			buf_append(&corpus->bytes, file.data + at, end - at);
			ends[corpus->count++] = corpus->bytes.len;
			at = end;
		}
	}
	corpus->strings = xcalloc(corpus->count + 1, sizeof *corpus->strings);
	for (size_t i = 0, at = 0; i < corpus->count; at = ends[i++])
		corpus->strings[i] = (struct slice){ corpus->bytes.data + at, ends[i] - at };
	free(ends);
	buf_done(&file);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : ".";
	size_t total = (argc > 2 ? strtoul(argv[2], NULL, 10) : 100) * 1000000;
	struct bench_corpus corpus;

	bench_corpus_make(&corpus, folder, total, 20261121);
	compare("agent-like text", &corpus);
	bench_corpus_free(&corpus);
	recordings(&corpus, folder, total / 4);
	if (corpus.count)
		compare("recorded sessions, as events", &corpus);
	bench_corpus_free(&corpus);
	return 0;
}
