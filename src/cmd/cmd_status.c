/* lfspool status: one screen, once or again and again. */
#include "cmd/cmd.h"
#include "base/clock.h"
#include "cmd/status_screen.h"
#include "cmd/watch.h"
#include <unistd.h>

struct status {
	const struct cmd_args *args;
	struct status_rates rates;
	struct err err;
};

/* With reply and doc filled; both are the caller's to end. */
static int ask(struct status *status, struct buf *reply, struct json_doc *doc, int32_t *ret_node)
{
	int rc = cmd_request(status->args, true, SLICE("{\"cmd\":\"status\"}"), -1, reply, &status->err);

	if (rc == 0)
		*ret_node = json_get(doc, cmd_result(doc, reply), "status");
	return rc;
}

static int fail(const struct status *status, int rc)
{
	if (rc != LF_ENOENT)
		return cmd_fail(&status->err);
	fputs("lfspool: there is no spool yet: nothing was ingested, and no daemon has run\n", stderr);
	return EXIT_NOTHING;
}

/* As JSON on one line, as a screen (rates: NULL when there is only this one), or as a line for a log. */
static void show(struct status *status, const struct json_doc *doc, int32_t node, const struct term *term, bool watched, struct buf *out)
{
	if (cmd_flag(status->args, "json")) {
		buf_slice(out, json_raw(doc, node));
		buf_char(out, '\n');
	} else if (watched && !term->screen) {
		status_log_line(doc, node, &status->rates, clock_wall_ms(), out);
	} else {
		status_screen(doc, node, term, watched ? &status->rates : NULL, clock_wall_ms(), out);
	}
}

static int look(void *context, const struct term *term, struct buf *out)
{
	struct status *status = context;
	struct json_doc doc;
	struct buf reply;
	int32_t node = JSON_NONE;
	int rc;

	buf_init(&reply, 0);
	json_doc_init(&doc);
	rc = ask(status, &reply, &doc, &node);
	if (rc == 0) {
		status_rates_add(&status->rates, &doc, node, clock_mono_ms());
		show(status, &doc, node, term, true, out);
	} else if (term->screen) {
		buf_format(out, "lfspool: %s\n", rc == LF_ENOENT ? "there is no spool yet" : status->err.text);
	}
	json_doc_done(&doc);
	buf_done(&reply);
	if (rc == 0)
		return EXIT_DONE;
	return term->screen ? EXIT_LATER : fail(status, rc) == EXIT_NOTHING ? EXIT_NOTHING : EXIT_LATER;
}

static int show_once(struct status *status)
{
	struct term term = term_of(STDOUT_FILENO);
	struct json_doc doc;
	struct buf reply, out;
	int32_t node = JSON_NONE;
	int rc;

	buf_init(&reply, 0);
	buf_init(&out, 0);
	json_doc_init(&doc);
	rc = ask(status, &reply, &doc, &node);
	if (rc == 0) {
		show(status, &doc, node, &term, false, &out);
		cmd_write(&out);
	}
	json_doc_done(&doc);
	buf_done(&reply);
	buf_done(&out);
	return rc == 0 ? EXIT_DONE : fail(status, rc);
}

int cmd_status(struct cmd_args *args)
{
	struct { const char *option; int64_t max, value; } numbers[] = { { "interval", 86400, 2 }, { "count", INT64_MAX, 0 }, { "for", 1000000, 0 } };
	struct status status = { .args = args };
	struct watch_options options = { .plain = cmd_flag(args, "json") };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		const char *text = cmd_value(args, numbers[i].option);
		if (!text)
			continue;
		if (!cmd_flag(args, "watch"))
			return cmd_usage("status: --%s goes with --watch", numbers[i].option);
		if (cmd_number(numbers[i].option, text, 1, numbers[i].max, &numbers[i].value, &status.err) != 0)
			return cmd_usage("status: %s", status.err.text);
	}
	if (!cmd_flag(args, "watch"))
		return show_once(&status);
	options.interval_ms = numbers[0].value * 1000;
	options.count = numbers[1].value;
	options.for_ms = numbers[2].value * 1000;
	return watch_run(&options, look, &status);
}
