/* lfspool ingest: files or standard input through ingest and redact into the spool. 0 only when all of it is durable. */
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "base/file.h"
#include <inttypes.h>
#include <unistd.h>

struct totals {
	int64_t values, stored, unchanged, skipped, unknown, bad, oversize, dropped;
};

static void add(struct totals *totals, const struct json_doc *doc, int32_t result)
{
	const struct { const char *key; int64_t *sum; } rows[] = {
		{ "values", &totals->values },   { "stored", &totals->stored }, { "unchanged", &totals->unchanged },
		{ "skipped", &totals->skipped }, { "unknown", &totals->unknown }, { "bad", &totals->bad },
		{ "oversize", &totals->oversize }, { "dropped", &totals->dropped },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		*rows[i].sum += json_int(doc, json_get(doc, result, rows[i].key), 0);
}

static void print_problems(const struct json_doc *doc, int32_t result)
{
	struct buf words;

	buf_init(&words, 0);
	if (json_text(doc, json_get(doc, result, "words"), &words) == 0)
		cmd_print(stderr, buf_view(&words));
	buf_done(&words);
}

static int ask(struct cmd_args *args, const char *name, int fd, struct totals *totals, struct err *err)
{
	struct progress progress;
	struct buf request, reply;
	struct json_writer out;
	struct json_doc doc;
	int32_t result;
	int rc;

	buf_init(&request, 0);
	buf_init(&reply, 0);
	json_doc_init(&doc);
	json_writer_init(&out, &request);
	jw_object(&out);
	jw_key(&out, "cmd");
	jw_text(&out, "ingest");
	jw_key(&out, "name");
	jw_text(&out, name);
	if (cmd_flag(args, "source")) {
		jw_key(&out, "source");
		jw_text(&out, cmd_value(args, "source"));
	}
	jw_object_close(&out);
	progress_start(&progress, args, "ingest", fd);
	rc = cmd_request(args, false, buf_view(&request), fd, &reply, err);
	progress_stop(&progress);
	result = cmd_result(&doc, &reply);
	add(totals, &doc, result);
	print_problems(&doc, result);
	json_doc_done(&doc);
	buf_done(&request);
	buf_done(&reply);
	return rc;
}

static int ingest_one(struct cmd_args *args, const char *name, struct totals *totals)
{
	bool standard_input = strcmp(name, "-") == 0;
	struct err err = { 0 };
	int fd = standard_input ? STDIN_FILENO : file_open_read(name, &err), rc;

	if (fd < 0) {
		fprintf(stderr, "lfspool: %s\n", err.text);
		return EXIT_FAILED;
	}
	rc = ask(args, name, fd, totals, &err);
	if (!standard_input)
		close(fd);
	return rc == 0 ? EXIT_DONE : cmd_fail(&err);
}

static void print_totals(const struct totals *t, bool json)
{
	static const char for_people[] = "%" PRId64 " read: %" PRId64 " records stored, %" PRId64 " known already, %" PRId64
	    " carry nothing, %" PRId64 " of unknown type, %" PRId64 " bad, %" PRId64 " too large, %" PRId64 " dropped by mode\n";
	static const char for_programs[] = "{\"values\":%" PRId64 ",\"stored\":%" PRId64 ",\"unchanged\":%" PRId64 ",\"skipped\":%" PRId64
	    ",\"unknown\":%" PRId64 ",\"bad\":%" PRId64 ",\"oversize\":%" PRId64 ",\"dropped\":%" PRId64 "}\n";

	if (json)
		printf(for_programs, t->values, t->stored, t->unchanged, t->skipped, t->unknown, t->bad, t->oversize, t->dropped);
	else
		printf(for_people, t->values, t->stored, t->unchanged, t->skipped, t->unknown, t->bad, t->oversize, t->dropped);
}

int cmd_ingest(struct cmd_args *args)
{
	static char standard_input[] = "-";
	struct totals totals = { 0 };
	int status = EXIT_DONE;

	if (args->rest_count == 0)
		args->rest[args->rest_count++] = standard_input;
	for (int i = 0; i < args->rest_count; i++) {
		int one = ingest_one(args, args->rest[i], &totals);
		if (one != EXIT_DONE)
			status = one;
		if (one == EXIT_LATER)
			break;
	}
	print_totals(&totals, cmd_flag(args, "json"));
	if (status == EXIT_DONE && (totals.bad > 0 || totals.oversize > 0))
		status = EXIT_FAILED;
	return status;
}
