/*
 * The JSON walk against json-c: parse, visit every string, serialise. Both read the same documents and write
 * whole ones; the walk also replaces a member of each tool result. Once with nothing to look for in the
 * strings, which is the same work, and once with all rules. `bench-walk [FOLDER] [MB]`.
 */
/* Two of json-c's types have names of ours. */
#define json_type jsonc_type
#define json_bool jsonc_bool
#include <json-c/json.h>
#include <json-c/json_visit.h>
#undef json_type
#undef json_bool

#include "bench.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "ruleset.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct documents {
	struct buf bytes;
	struct slice *items;
	size_t count, cap;
};

static void add_document(struct documents *documents, size_t from)
{
	if (documents->count == documents->cap) {
		documents->cap = documents->cap ? 2 * documents->cap : 1024;
		documents->items = xrealloc(documents->items, documents->cap * sizeof *documents->items);
	}
	/* The buffer may move: places until it is full. */
	documents->items[documents->count++] = (struct slice){ (const char *)from, documents->bytes.len - from };
}

static void place_documents(struct documents *documents)
{
	for (size_t i = 0; i < documents->count; i++)
		documents->items[i].ptr = documents->bytes.data + (size_t)documents->items[i].ptr;
}

/* Tool results of the given text pieces, as an agent writes them. */
static void make_documents(struct documents *documents, const struct bench_corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		size_t from = documents->bytes.len;

		buf_format(&documents->bytes, "{\"type\":\"tool\",\"id\":\"prt_%08zx\",\"tool\":\"bash\",\"state\":{\"status\":\"completed\","
		           "\"token\":\"%016zx\",\"time\":{\"start\":%zu,\"end\":%zu},\"input\":{\"command\":\"cat file-%zu\"},\"output\":", i, i, i, i + 9, i);
		json_escape(corpus->strings[i], &documents->bytes);
		buf_text(&documents->bytes, "}}");
		add_document(documents, from);
	}
	place_documents(documents);
}

static void read_recordings(struct documents *documents, const char *folder, size_t total)
{
	static const char *const names[] = { "tools", "subagent", "files", "compaction", "unicode", "plain", "fork", "errctx" };
	struct buf file;

	buf_init(&file, 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/tests/fixtures/opencode/%s/sse.jsonl", folder, names[i]);
		file_read_all(path, 64 << 20, &file, NULL);
	}
	while (file.len && documents->bytes.len < total) {
		for (size_t at = 0; at < file.len;) {
			const char *newline = memchr(file.data + at, '\n', file.len - at);
			size_t end = newline ? (size_t)(newline - file.data) : file.len, from = documents->bytes.len;

			buf_append(&documents->bytes, file.data + at, end - at);
			if (end > at)
				add_document(documents, from);
			at = end + 1;
		}
	}
	place_documents(documents);
	buf_done(&file);
}

static int visit(struct json_object *object, int flags, struct json_object *parent, const char *key, size_t *index, void *context)
{
	size_t *strings = context;

	(void)flags, (void)parent, (void)key, (void)index;
	if (json_object_is_type(object, json_type_string))
		*strings += (size_t)json_object_get_string_len(object);
	return JSON_C_VISIT_RETURN_CONTINUE;
}

static double theirs(const struct documents *documents, size_t *ret_bytes)
{
	struct json_tokener *tokener = json_tokener_new();
	double start = bench_cpu();
	size_t bytes = 0, strings = 0;

	for (size_t i = 0; i < documents->count; i++) {
		struct json_object *object;
		size_t length;

		json_tokener_reset(tokener);
		object = json_tokener_parse_ex(tokener, documents->items[i].ptr, (int)documents->items[i].len);
		json_c_visit(object, 0, visit, &strings);
		json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
		bytes += length;
		json_object_put(object);
	}
	json_tokener_free(tokener);
	*ret_bytes = bytes;
	return (double)documents->bytes.len / 1e6 / (bench_cpu() - start);
}

static double ours(const struct documents *documents, bool with_rules, size_t *ret_bytes)
{
	const struct redact_options options = { .mode = MODE_FULL };
	struct ruleset *rules;
	struct redactor *redactor;
	struct buf out;
	struct err err;
	double start;
	size_t bytes = 0;

	if (ruleset_new(&options, &rules, &err)) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
	if (!with_rules) {
		prefilter_free(rules->prefilter);
		rules->prefilter = prefilter_new();
	}
	redactor = redactor_new(rules);
	buf_init(&out, 0);
	start = bench_cpu();
	for (size_t i = 0; i < documents->count; i++) {
		buf_clear(&out);
		redact_json(redactor, documents->items[i], &out, NULL);
		bytes += out.len;
	}
	start = bench_cpu() - start;
	buf_done(&out);
	redactor_free(redactor);
	ruleset_free(rules);
	*ret_bytes = bytes;
	return (double)documents->bytes.len / 1e6 / start;
}

static void compare(const char *name, struct documents *documents)
{
	size_t our_bytes, their_bytes;
	double with_rules = ours(documents, true, &our_bytes), we = ours(documents, false, &our_bytes);
	double they = theirs(documents, &their_bytes);
	char text[128];

	snprintf(text, sizeof text, "%s: %zu documents, %.0f MB", name, documents->count, (double)documents->bytes.len / 1e6);
	bench_row("walk", text, we, "MB/s", they, "json-c");
	bench_row("walk", "  with all rules", with_rules, "MB/s", they, "json-c");
	bench_row("walk", "  json-c: parse, visit, serialise", they, "MB/s", 0, NULL);
	printf("         %-44s %12zu, json-c: %zu\n", "  bytes written", our_bytes, their_bytes);
	buf_done(&documents->bytes);
	free(documents->items);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : ".";
	size_t total = (argc > 2 ? strtoul(argv[2], NULL, 10) : 50) * 1000000;
	struct documents documents = { .count = 0 };
	struct bench_corpus corpus;

	buf_init(&documents.bytes, 0);
	bench_corpus_make(&corpus, folder, total, 20261121);
	make_documents(&documents, &corpus);
	bench_corpus_free(&corpus);
	compare("tool results", &documents);
	memset(&documents, 0, sizeof documents);
	buf_init(&documents.bytes, 0);
	read_recordings(&documents, folder, total / 2);
	compare("recorded events", &documents);
	return 0;
}
