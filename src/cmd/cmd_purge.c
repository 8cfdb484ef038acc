/* lfspool purge: deletes from the spool and says what. What was not delivered goes only with --yes. */
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "base/clock.h"
#include <inttypes.h>

static int write_request(struct cmd_args *args, bool dry_run, struct buf *request, struct err *err)
{
	static const char *const flags[] = { "dead", "delivered", "all" };
	const char *age = cmd_value(args, "older-than"), *session = cmd_value(args, "session");
	int64_t now_ms = clock_wall_ms(), age_ms = 0;
	struct json_writer out;

	if (age && clock_parse_age(age, now_ms, &age_ms) != 0)
		return err_set(err, LF_EINVAL, "--older-than %s: must be a number with s, m, h, d or w, or a date (2026-11-01)", age);
	json_writer_init(&out, request);
	jw_object(&out);
	jw_key(&out, "cmd");
	jw_text(&out, "purge");
	if (age) {
		jw_key(&out, "older_than_ms");
		jw_int(&out, now_ms - age_ms);
	}
	if (session) {
		jw_key(&out, "session");
		jw_text(&out, session);
	}
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		jw_key(&out, flags[i]);
		jw_bool(&out, cmd_flag(args, flags[i]));
	}
	jw_key(&out, "dry_run");
	jw_bool(&out, dry_run);
	jw_object_close(&out);
	return 0;
}

struct purged {
	int64_t records, observations, undelivered, dead, bytes;
};

static int ask(struct cmd_args *args, bool dry_run, struct purged *ret, struct err *err)
{
	struct progress progress;
	struct buf request, reply;
	struct json_doc doc;
	int32_t result;
	int rc;

	buf_init(&request, 0);
	buf_init(&reply, 0);
	json_doc_init(&doc);
	rc = write_request(args, dry_run, &request, err);
	if (rc == 0) {
		progress_start(&progress, args, "purge", -1);
		rc = cmd_request(args, false, buf_view(&request), -1, &reply, err);
		progress_stop(&progress);
	}
	result = cmd_result(&doc, &reply);
	*ret = (struct purged){
		.records = json_int(&doc, json_get(&doc, result, "records"), 0),
		.observations = json_int(&doc, json_get(&doc, result, "observations"), 0),
		.undelivered = json_int(&doc, json_get(&doc, result, "undelivered"), 0),
		.dead = json_int(&doc, json_get(&doc, result, "dead"), 0),
		.bytes = json_int(&doc, json_get(&doc, result, "bytes"), 0),
	};
	json_doc_done(&doc);
	buf_done(&request);
	buf_done(&reply);
	return rc;
}

static void print(const struct purged *p, bool dry_run, bool json)
{
	char bytes[32];

	if (json) {
		printf("{\"dry_run\":%s,\"records\":%" PRId64 ",\"observations\":%" PRId64 ",\"undelivered\":%" PRId64 ",\"dead\":%" PRId64 ",\"bytes\":%" PRId64 "}\n",
		       dry_run ? "true" : "false", p->records, p->observations, p->undelivered, p->dead, p->bytes);
		return;
	}
	cmd_format_bytes((uint64_t)p->bytes, bytes);
	printf("%s: %" PRId64 " records, %" PRId64 " observations (%" PRId64 " not delivered), %" PRId64 " dead letters, %s\n",
	       dry_run ? "would be deleted" : "deleted", p->records, p->observations, p->undelivered, p->dead, bytes);
}

int cmd_purge(struct cmd_args *args)
{
	bool dry_run = cmd_flag(args, "dry-run"), json = cmd_flag(args, "json");
	struct err err = { 0 };
	struct purged purged;
	int rc;

	if (!cmd_flag(args, "older-than") && !cmd_flag(args, "session") && !cmd_flag(args, "dead") && !cmd_flag(args, "delivered") &&
	    !cmd_flag(args, "all"))
		return cmd_usage("purge: say what: --older-than, --session, --dead, --delivered or --all");
	rc = ask(args, true, &purged, &err);
	if (rc == 0 && !dry_run && purged.undelivered > 0 && !cmd_flag(args, "yes")) {
		fprintf(stderr, "lfspool: %" PRId64 " of these were not delivered and would be lost; say --yes if that is wanted\n", purged.undelivered);
		print(&purged, true, json);
		return EXIT_FAILED;
	}
	if (rc == 0 && !dry_run)
		rc = ask(args, false, &purged, &err);
	if (rc != 0)
		return err.code == LF_EINVAL ? cmd_usage("%s", err.text) : cmd_fail(&err);
	print(&purged, dry_run, json);
	return purged.records + purged.observations + purged.dead > 0 ? EXIT_DONE : EXIT_NOTHING;
}
