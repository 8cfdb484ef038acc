/* lfspool backfill: what the agents have on disk and the spool has not, in slices, so that a daemon is not held up. */
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "base/clock.h"
#include <inttypes.h>

struct totals {
	int64_t databases, sessions, events, stored, unchanged, left;
};

static void write_request(const struct cmd_args *args, int64_t since_ms, struct buf *request)
{
	struct json_writer out;

	json_writer_init(&out, request);
	jw_object(&out);
	jw_key(&out, "cmd");
	jw_text(&out, "backfill");
	jw_key(&out, "since_ms");
	jw_int(&out, since_ms);
	if (cmd_flag(args, "source")) {
		jw_key(&out, "source");
		jw_text(&out, cmd_value(args, "source"));
	}
	jw_key(&out, "dry_run");
	jw_bool(&out, cmd_flag(args, "dry-run"));
	jw_object_close(&out);
}

static void take(struct totals *totals, const struct buf *reply)
{
	struct json_doc doc;
	int32_t result;

	json_doc_init(&doc);
	result = cmd_result(&doc, reply);
	totals->databases = json_int(&doc, json_get(&doc, result, "databases"), 0);
	totals->left = json_int(&doc, json_get(&doc, result, "left"), 0);
	totals->sessions += json_int(&doc, json_get(&doc, result, "sessions"), 0);
	totals->events += json_int(&doc, json_get(&doc, result, "events"), 0);
	totals->stored += json_int(&doc, json_get(&doc, result, "stored"), 0);
	totals->unchanged += json_int(&doc, json_get(&doc, result, "unchanged"), 0);
	json_doc_done(&doc);
}

static void show_progress(const struct totals *t)
{
	char words[160];

	snprintf(words, sizeof words, "%" PRId64 " sessions, %" PRId64 " events, %" PRId64 " records; %" PRId64 " sessions left", t->sessions,
	         t->events, t->stored, t->left);
	progress_draw("backfill", t->sessions, t->sessions + t->left, words);
}

static int run(struct cmd_args *args, int64_t since_ms, struct totals *totals, struct err *err)
{
	struct buf request, reply;
	int64_t before;
	int rc;

	buf_init(&request, 0);
	buf_init(&reply, 0);
	write_request(args, since_ms, &request);
	do {
		before = totals->sessions;
		buf_clear(&reply);
		rc = cmd_request(args, false, buf_view(&request), -1, &reply, err);
		take(totals, &reply);
		show_progress(totals);
	} while (rc == 0 && totals->left > 0 && totals->sessions > before);
	progress_clear();
	buf_done(&request);
	buf_done(&reply);
	return rc;
}

static void print_totals(const struct totals *t, bool json, bool dry_run)
{
	static const char for_programs[] = "{\"databases\":%" PRId64 ",\"sessions\":%" PRId64 ",\"events\":%" PRId64 ",\"stored\":%" PRId64
	    ",\"unchanged\":%" PRId64 "}\n";

	if (json)
		printf(for_programs, t->databases, t->sessions, t->events, t->stored, t->unchanged);
	else if (dry_run)
		printf("would read %" PRId64 " sessions, about %" PRId64 " events\n", t->sessions, t->events);
	else
		printf("%" PRId64 " sessions, %" PRId64 " events read: %" PRId64 " records stored, %" PRId64 " known already\n", t->sessions, t->events, t->stored,
		       t->unchanged);
}

int cmd_backfill(struct cmd_args *args)
{
	const char *source = cmd_value(args, "source"), *since = cmd_value(args, "since");
	struct totals totals = { 0 };
	struct err err = { 0 };
	int64_t now_ms = clock_wall_ms(), age_ms = 0;
	int rc;

	if (source && strcmp(source, "opencode") != 0 && strcmp(source, "claude") != 0)
		return cmd_usage("backfill: --source %s: must be opencode or claude", source);
	if (since && clock_parse_age(since, now_ms, &age_ms) != 0)
		return cmd_usage("backfill: --since %s: must be an age (90m, 36h, 7d, 2w) or a date", since);
	rc = run(args, since ? now_ms - age_ms : 0, &totals, &err);
	if (rc != 0 && totals.sessions == 0)
		return cmd_fail(&err);
	if (totals.databases == 0) {
		fputs("lfspool: there is no database and no transcript (options sources, opencode_db, claude_dir)\n", stderr);
		return EXIT_NOTHING;
	}
	print_totals(&totals, cmd_flag(args, "json"), cmd_flag(args, "dry-run"));
	if (rc != 0)
		return cmd_fail(&err);
	return totals.sessions == 0 ? EXIT_NOTHING : EXIT_DONE;
}
