/* lfspool status: one screen. */
#include "cmd/cmd.h"
#include "base/clock.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct screen {
	const struct json_doc *doc;
	int32_t status;
};

static int64_t number(const struct screen *screen, const char *path)
{
	return json_int(screen->doc, json_path(screen->doc, screen->status, path), 0);
}

static void print_text(const struct json_doc *doc, int32_t node)
{
	struct buf text;

	buf_init(&text, 0);
	if (json_text(doc, node, &text) == 0)
		cmd_print(stdout, buf_view(&text));
	buf_done(&text);
}

static void print_daemon(const struct screen *screen)
{
	int64_t pid = number(screen, "pid");
	char up[32];

	fputs("lfspool ", stdout);
	print_text(screen->doc, json_path(screen->doc, screen->status, "version"));
	if (pid > 0) {
		clock_format_duration(number(screen, "uptime_s") * 1000, up);
		printf(", daemon pid %" PRId64 ", up %s", pid, up);
	} else {
		fputs(", no daemon running", stdout);
	}
	fputs(", mode ", stdout);
	print_text(screen->doc, json_path(screen->doc, screen->status, "mode"));
	putchar('\n');
}

static void print_spool(const struct screen *screen)
{
	char bytes[32], cap[32], oldest[32];

	cmd_format_bytes((uint64_t)number(screen, "spool.bytes"), bytes);
	cmd_format_bytes((uint64_t)number(screen, "spool.max_bytes"), cap);
	fputs("\nSpool    ", stdout);
	print_text(screen->doc, json_path(screen->doc, screen->status, "spool.path"));
	printf("\n         %s of %s, %" PRId64 " records, %" PRId64 " sessions\n", bytes, cap, number(screen, "spool.records"),
	       number(screen, "spool.sessions"));
	printf("         %" PRId64 " delivered, %" PRId64 " pending, %" PRId64 " in flight, %" PRId64 " in doubt, %" PRId64 " dead letters\n",
	       number(screen, "spool.delivered"), number(screen, "spool.pending"), number(screen, "spool.in_flight"),
	       number(screen, "spool.in_doubt"), number(screen, "spool.dead"));
	if (number(screen, "spool.pending") > 0) {
		clock_format_duration(number(screen, "spool.oldest_pending_s") * 1000, oldest);
		printf("         oldest pending: %s\n", oldest);
	}
}

static void print_sinks(const struct screen *screen)
{
	const struct json_doc *doc = screen->doc;
	int32_t sinks = json_get(doc, screen->status, "sinks");

	for (int32_t s = sinks == JSON_NONE ? JSON_NONE : doc->nodes[sinks].first; s != JSON_NONE; s = doc->nodes[s].next) {
		int64_t last_ms = json_int(doc, json_get(doc, s, "last_success_ms"), 0);
		char ago[32];
		fputs("\nSink     ", stdout);
		print_text(doc, json_get(doc, s, "name"));
		fputs(" ", stdout);
		print_text(doc, json_get(doc, s, "endpoint"));
		fputs(" ", stdout);
		print_text(doc, json_get(doc, s, "api"));
		fputs(": ", stdout);
		print_text(doc, json_get(doc, s, "state"));
		if (json_raw(doc, json_get(doc, s, "reason")).len > 2) {
			fputs(" (", stdout);
			print_text(doc, json_get(doc, s, "reason"));
			fputs(")", stdout);
		}
		printf("\n         %" PRId64 " delivered, %" PRId64 " retries", json_int(doc, json_get(doc, s, "delivered"), 0),
		       json_int(doc, json_get(doc, s, "retries"), 0));
		if (last_ms > 0) {
			clock_format_duration(clock_wall_ms() - last_ms, ago);
			printf(", last success %s ago", ago);
		}
		putchar('\n');
	}
}

static void print_sources(const struct screen *screen)
{
	const struct json_doc *doc = screen->doc;
	int32_t sources = json_get(doc, screen->status, "sources");

	fputs("\nSources  ", stdout);
	if (sources == JSON_NONE || doc->nodes[sources].first == JSON_NONE)
		fputs("nothing was read yet", stdout);
	for (int32_t s = sources == JSON_NONE ? JSON_NONE : doc->nodes[sources].first; s != JSON_NONE; s = doc->nodes[s].next) {
		print_text(doc, json_get(doc, s, "name"));
		fputs(": ", stdout);
		print_text(doc, json_get(doc, s, "state"));
		if (json_raw(doc, json_get(doc, s, "error")).len > 2) {
			fputs(" (", stdout);
			print_text(doc, json_get(doc, s, "error"));
			fputs(")", stdout);
		}
		printf(", %" PRId64 " records%s", json_int(doc, json_get(doc, s, "records"), 0), doc->nodes[s].next == JSON_NONE ? "" : "\n         ");
	}
	putchar('\n');
}

static void print_map(const struct screen *screen, const char *title, const char *path)
{
	const struct json_doc *doc = screen->doc;
	int32_t map = json_path(doc, screen->status, path);
	int32_t row = map == JSON_NONE ? JSON_NONE : doc->nodes[map].first;

	printf("\n%-9s", title);
	if (row == JSON_NONE)
		fputs("nothing", stdout);
	for (; row != JSON_NONE; row = doc->nodes[row].next) {
		struct slice key = doc->nodes[row].key;
		printf("%.*s %" PRId64 "%s", (int)key.len - 2, key.ptr + 1, json_int(doc, row, 0), doc->nodes[row].next == JSON_NONE ? "" : ", ");
	}
	putchar('\n');
}

static int print_once(struct cmd_args *args)
{
	struct err err = { 0 };
	struct json_doc doc;
	struct buf reply;
	int32_t result;
	int rc;

	buf_init(&reply, 0);
	json_doc_init(&doc);
	rc = cmd_request(args, true, SLICE("{\"cmd\":\"status\"}"), -1, &reply, &err);
	result = cmd_result(&doc, &reply);
	if (rc == 0 && cmd_flag(args, "json")) {
		struct slice raw = json_raw(&doc, json_get(&doc, result, "status"));
		printf("%.*s\n", (int)raw.len, raw.ptr);
	} else if (rc == 0) {
		struct screen screen = { &doc, json_get(&doc, result, "status") };
		print_daemon(&screen);
		print_spool(&screen);
		print_sinks(&screen);
		print_sources(&screen);
		print_map(&screen, "Dropped", "dropped");
		print_map(&screen, "Redacted", "redacted.by_rule");
	}
	json_doc_done(&doc);
	buf_done(&reply);
	if (rc == LF_ENOENT)
		fputs("lfspool: there is no spool yet: nothing was ingested, and no daemon has run\n", stderr);
	return rc == 0 ? EXIT_DONE : rc == LF_ENOENT ? EXIT_NOTHING : cmd_fail(&err);
}

int cmd_status(struct cmd_args *args)
{
	int status = print_once(args);

	while (cmd_flag(args, "watch") && (status == EXIT_DONE || status == EXIT_NOTHING)) {
		fflush(stdout);
		sleep(2);
		if (isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		status = print_once(args);
	}
	return status;
}
