/* lfspool dead: lists, shows, retries and drops dead letters. */
#include "cmd/cmd.h"
#include "base/clock.h"
#include "spool.h"
#include <inttypes.h>

struct listing {
	bool json, whole;
	unsigned count;
};

static void print_json(const struct spool_dead *dead, bool whole)
{
	struct buf text;
	struct json_writer out;

	buf_init(&text, 0);
	json_writer_init(&out, &text);
	jw_object(&out);
	jw_key(&out, "id");
	jw_int(&out, dead->id);
	jw_key(&out, "time");
	jw_int(&out, dead->time_ms);
	jw_key(&out, "reason");
	jw_text(&out, dead->reason);
	jw_key(&out, "detail");
	jw_string(&out, dead->detail);
	jw_key(&out, "sink");
	jw_text(&out, spool_sink_name(dead->sink));
	jw_key(&out, "session");
	jw_string(&out, dead->session);
	jw_key(&out, "bytes");
	jw_uint(&out, dead->body.len);
	if (whole && dead->body.len > 0) {
		jw_key(&out, "body");
		jw_raw(&out, dead->body);
	}
	jw_object_close(&out);
	puts(text.data);
	buf_done(&text);
}

static int print_dead(void *context, const struct spool_dead *dead, struct err *err)
{
	struct listing *listing = context;
	char when[32], bytes[32];

	(void)err;
	listing->count++;
	if (listing->json) {
		print_json(dead, listing->whole);
		return 0;
	}
	clock_format_iso(dead->time_ms, when);
	cmd_format_bytes(dead->body.len, bytes);
	printf("%-5" PRId64 " %s %-9s %8s  ", dead->id, when, dead->reason, bytes);
	if (dead->sink != SINK_LANGFUSE)
		printf("%s ", spool_sink_name(dead->sink));
	cmd_print(stdout, dead->detail);
	putchar('\n');
	if (listing->whole) {
		cmd_print(stdout, dead->body);
		putchar('\n');
	}
	return 0;
}

static int list(struct cmd_args *args, int64_t id, bool whole)
{
	struct listing listing = { .json = cmd_flag(args, "json"), .whole = whole };
	struct spool *spool = NULL;
	struct err err = { 0 };
	int rc = spool_open_reader(conf_string(args->conf, "spool_dir"), &spool, &err);

	if (rc == 0)
		rc = spool_each_dead(spool, id, print_dead, &listing, &err);
	spool_close(spool);
	if (rc != 0)
		return cmd_fail(&err);
	if (listing.count == 0 && !listing.json)
		fputs(id ? "lfspool: no such dead letter\n" : "lfspool: no dead letters\n", stderr);
	return listing.count ? EXIT_DONE : EXIT_NOTHING;
}

static int change(struct cmd_args *args, const char *what, int64_t id)
{
	struct err err = { 0 };
	struct json_doc doc;
	struct buf reply;
	char request[96];
	int64_t count;
	int rc;

	snprintf(request, sizeof request, "{\"cmd\":\"dead\",\"do\":\"%s\",\"id\":%" PRId64 "}", what, id);
	buf_init(&reply, 0);
	json_doc_init(&doc);
	rc = cmd_request(args, false, slice_of(request), -1, &reply, &err);
	count = json_int(&doc, json_get(&doc, cmd_result(&doc, &reply), "count"), 0);
	json_doc_done(&doc);
	buf_done(&reply);
	if (rc != 0)
		return cmd_fail(&err);
	printf("%" PRId64 " dead letters: %s\n", count, what);
	return count ? EXIT_DONE : EXIT_NOTHING;
}

int cmd_dead(struct cmd_args *args)
{
	const char *what = args->rest_count > 0 ? args->rest[0] : "list";
	struct err err = { 0 };
	int64_t id = 0;

	if (args->rest_count > 1 && cmd_number("id", args->rest[1], 1, INT64_MAX, &id, &err) != 0)
		return cmd_usage("dead: '%s' is no dead letter's number", args->rest[1]);
	if (strcmp(what, "list") == 0)
		return list(args, id, false);
	if (strcmp(what, "show") == 0)
		return id ? list(args, id, true) : cmd_usage("dead show: which one? give its number");
	if (strcmp(what, "retry") == 0 || strcmp(what, "drop") == 0)
		return change(args, what, id);
	return cmd_usage("dead: '%s' is none of list, show, retry, drop", what);
}
