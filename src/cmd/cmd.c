/* The table of commands, their options and help, and what the commands share. */
#include "cmd/cmd.h"
#include "base/mem.h"
#include "base/system.h"
#include "base/text.h"
#include "daemon/request.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#define END { NULL, NULL, NULL }
static const struct cmd_option no_options[] = { END };
static const struct cmd_option status_options[] = {
	{ "json", NULL, "for programs" },
	{ "watch", NULL, "again and again, until q, Ctrl-C, --count or --for; a line each time where there is no terminal" },
	{ "interval", "S", "seconds from one look to the next (2)" },
	{ "count", "N", "end after N looks" },
	{ "for", "S", "end after S seconds" }, END,
};
static const struct cmd_option metrics_options[] = { { "openmetrics", NULL, "as OpenMetrics 1.0" }, END };
static const struct cmd_option purge_options[] = {
	{ "older-than", "AGE", "what is older (90m, 36h, 7d, 2w, 2026-11-01)" },
	{ "session", "ID", "one session" },
	{ "dead", NULL, "dead letters" },
	{ "delivered", NULL, "what was delivered" },
	{ "all", NULL, "everything" },
	{ "dry-run", NULL, "only say what would go" },
	{ "yes", NULL, "also what was not delivered" },
	{ "json", NULL, "for programs" }, END,
};
static const struct cmd_option ingest_options[] = {
	{ "source", "opencode|claude", "otherwise recognised by its shape" }, { "json", NULL, "for programs" }, END,
};
static const struct cmd_option backfill_options[] = {
	{ "source", "opencode|claude", "otherwise all of option sources" },
	{ "since", "AGE", "sessions in which something happened since then (all)" },
	{ "dry-run", NULL, "only say what there is" },
	{ "json", NULL, "for programs" }, END,
};
static const struct cmd_option flush_options[] = { { "timeout", "S", "give up after S seconds (30)" }, END };
static const struct cmd_option show_options[] = { { "json", NULL, "for programs" }, END };
static const struct cmd_option export_options[] = { { "session", "ID", "one session" }, END };
static const struct cmd_option redact_options[] = {
	{ "explain", NULL, "list rule, place and length of each hit, never the secret" }, END,
};
static const struct cmd_option json_options[] = { { "json", NULL, "for programs" }, END };
static const struct cmd_option score_options[] = {
	{ "name", "NAME", "what is scored (user-feedback)" }, { "comment", "TEXT", "in your words" }, { "json", NULL, "for programs" }, END,
};
static const struct cmd_option sink_options[] = {
	{ "listen", "ADDRESS:PORT", "a loopback address; port 0 picks one (127.0.0.1:0)" },
	{ "profile", "v2|v3|v4", "which Langfuse to be (v4)" },
	{ "out", "FILE", "append each observation as a line of JSON" },
	{ "requests", "DIR", "keep the request bodies there" },
	{ "fault", "SWITCHES", "fail on purpose; see lfspool(1)" },
	{ "for", "S", "stop after S seconds" },
	{ "draw", NULL, "draw the traces at the end" },
	{ "ui", NULL, "a page for the browser: traces as they arrive, what was redacted, the spans" },
	{ "name", "HOST", "answer to this name beside those of loopback" }, END,
};

const struct command commands[] = {
	{ "run", "", "the daemon, in the foreground", no_options, cmd_run, 0 },
	{ "status", "", "one screen: spool, sinks, sources, drops, redactions", status_options, cmd_status, 0 },
	{ "metrics", "", "the metrics as text for Prometheus", metrics_options, cmd_metrics, 0 },
	{ "purge", "", "delete from the spool, and say what", purge_options, cmd_purge, 0 },
	{ "ingest", "[FILE...|-]", "read events or exports, redact, spool", ingest_options, cmd_ingest, 1 << 20 },
	{ "backfill", "", "what the agents have on disk and the spool has not", backfill_options, cmd_backfill, 0 },
	{ "flush", "", "assemble and ship all that is ready, now", flush_options, cmd_flush, 0 },
	{ "show", "[SESSION]", "the sessions, or one session's trace as a tree", show_options, cmd_show, 1 },
	{ "export", "", "the records as JSON lines", export_options, cmd_export, 0 },
	{ "redact", "[FILE|-]", "pass text or JSON through the rules", redact_options, cmd_redact, 1 },
	{ "verify", "[SESSION]", "compare the spool with Langfuse, and name what differs", json_options, cmd_verify, 1 },
	{ "doctor", "", "check configuration, keys, server, spool and rights; how to mend each", json_options, cmd_doctor, 0 },
	{ "score", "TRACE|SESSION VALUE", "say what you think of it, in Langfuse", score_options, cmd_score, 2 },
	{ "dead", "[list|show ID|retry [ID]|drop [ID]]", "dead letters", json_options, cmd_dead, 2 },
	{ "config", "", "every option, its value and where it came from", json_options, cmd_config, 0 },
	{ "sink", "", "a loopback receiver: see what would leave the machine", sink_options, cmd_sink, 0 },
	{ "demo", "", "sink, daemon and a recorded session, with a kill -9 in the middle", no_options, cmd_demo, 0 },
	{ "complete", "-- WORD...", "what may stand where the last word is, for shells", no_options, cmd_complete, 1 << 20 },
};
const unsigned command_count = sizeof commands / sizeof commands[0];

const struct cmd_option cmd_common_options[] = {
	{ "config", "FILE", "another configuration file" },
	{ "set", "NAME=VALUE", "set an option (see lfspool.conf(5))" },
	{ "help", NULL, "this text" }, END,
};

int cmd_usage(const char *format, ...)
{
	va_list ap;

	fputs("lfspool: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputs("\nTry 'lfspool --help'.\n", stderr);
	return EXIT_USAGE;
}

int cmd_fail(const struct err *err)
{
	fprintf(stderr, "lfspool: %s\n", err->text);
	switch (err->code) {
	case LF_EAGAIN: case LF_EFULL: case LF_EBUSY: case LF_ECLOSED:
		return EXIT_LATER;
	case LF_ENOENT:
		return EXIT_NOTHING;
	default:
		return EXIT_FAILED;
	}
}

static int option_row(const struct cmd_option *table, const char *name, size_t n)
{
	for (int i = 0; table[i].name; i++)
		if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
			return i;
	return -1;
}

const char *cmd_value(const struct cmd_args *args, const char *name)
{
	int row = option_row(args->command->options, name, strlen(name));

	return row < 0 ? NULL : args->values[row];
}

bool cmd_flag(const struct cmd_args *args, const char *name)
{
	return cmd_value(args, name) != NULL;
}

int cmd_number(const char *option, const char *text, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (errno || end == text || *end || *ret < min || *ret > max)
		return err_set(err, LF_EINVAL, "--%s %s: must be %" PRId64 " to %" PRId64, option, text, min, max);
	return 0;
}

void cmd_print(FILE *out, struct slice text)
{
	const char *end = text.ptr + text.len;
	struct buf safe;

	buf_init(&safe, 0);
	for (const char *at = text.ptr; text.len && at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		text_put((struct slice){ at, (size_t)((stop ? stop : end) - at) }, TEXT_NO_LIMIT, &safe);
		if (stop)
			buf_char(&safe, '\n');
		at = stop ? stop + 1 : end;
	}
	fwrite(safe.data ? safe.data : "", 1, safe.len, out);
	buf_done(&safe);
}

void cmd_write(const struct buf *out)
{
	fwrite(out->data ? out->data : "", 1, out->len, stdout);
}

void cmd_format_bytes(uint64_t bytes, char out[32])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double n = (double)bytes;
	unsigned u = 0;

	for (; n >= 1000 && u < 4; u++)
		n /= 1000;
	snprintf(out, 32, u ? "%.1f %s" : "%.0f %s", n, units[u]);
}

static void print_options(const struct cmd_option *table)
{
	for (; table->name; table++) {
		char left[64];
		snprintf(left, sizeof left, "--%s%s%s", table->name, table->value ? " " : "", table->value ? table->value : "");
		printf("  %-24s %s\n", left, table->help);
	}
}

static int print_command_help(const struct command *command)
{
	printf("lfspool %s %s\n%s\n\n", command->name, command->operands, command->summary);
	print_options(command->options);
	print_options(cmd_common_options);
	return EXIT_DONE;
}

static int print_help(FILE *out, int status)
{
	fputs("lfspool COMMAND [OPTION...]\nships what coding agents did on this machine to a self-hosted Langfuse\n\n", out);
	for (unsigned i = 0; i < command_count; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nEach command has --help. Manual: lfspool(1), lfspool.conf(5).\n"
	      "Exit: 0 done, 1 failed, 2 usage, 3 nothing to do or not found, 75 try again later.\n", out);
	return status;
}

static int take_common(struct cmd_args *args, int row, const char *value)
{
	if (row == 0)
		args->config_file = value;
	for (size_t i = 0; row == 1; i++) {
		if (i == sizeof args->overrides / sizeof args->overrides[0] - 1)
			return cmd_usage("too many --set");
		if (!args->overrides[i]) {
			args->overrides[i] = value;
			break;
		}
	}
	return EXIT_DONE;
}

/* One "--name[=value]" at argv[*i]; -1: go on, else an exit status. */
static int take_option(struct cmd_args *args, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '='), *value = eq ? eq + 1 : NULL;
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	const struct cmd_option *table = args->command->options;
	int row = option_row(table, name, n);

	if (row < 0) {
		table = cmd_common_options;
		row = option_row(table, name, n);
	}
	if (row < 0)
		return cmd_usage("%s: unknown option --%.*s", args->command->name, (int)n, name);
	if (!table[row].value && value)
		return cmd_usage("%s: --%s takes no value", args->command->name, table[row].name);
	if (table[row].value && !value) {
		if (*i + 1 >= argc)
			return cmd_usage("%s: --%s needs a value (%s)", args->command->name, table[row].name, table[row].value);
		value = argv[++*i];
	}
	if (table != cmd_common_options) {
		args->values[row] = value ? value : "";
		return -1;
	}
	if (row == 2)
		return print_command_help(args->command);
	return take_common(args, row, value) == EXIT_DONE ? -1 : EXIT_USAGE;
}

static int parse(struct cmd_args *args, int argc, char **argv)
{
	bool options = true;

	args->rest = xcalloc((size_t)argc + 1, sizeof *args->rest);
	for (int i = 0; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && strncmp(argv[i], "--", 2) == 0) {
			int status = take_option(args, argc, argv, &i);
			if (status >= 0)
				return status;
		} else if (options && argv[i][0] == '-' && argv[i][1] && !strchr("0123456789.", argv[i][1])) {
			return cmd_usage("%s: unknown option %s", args->command->name, argv[i]);
		} else {
			args->rest[args->rest_count++] = argv[i];
		}
	}
	if (args->rest_count > args->command->max_rest)
		return cmd_usage("%s: what is '%s' for?", args->command->name, args->rest[args->command->max_rest]);
	return -1;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct cmd_args args = { .command = command };
	struct err err = { 0 };
	int status = parse(&args, argc, argv);

	if (status < 0) {
		/* Completion helps with a bad configuration too. */
		if (command->run != cmd_complete && conf_load(args.config_file, args.overrides, &args.conf, &err) != 0) {
			fprintf(stderr, "lfspool: %s\n", err.text);
			status = EXIT_USAGE;
		} else {
			status = command->run(&args);
		}
	}
	conf_free(args.conf);
	free(args.rest);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "lfspool: standard output: %s\n", strerror(errno));
		status = status == EXIT_DONE ? EXIT_FAILED : status;
	}
	return status;
}

const char *cmd_program = "lfspool";

int cmd_main(int argc, char **argv)
{
	cmd_program = argc > 0 ? argv[0] : cmd_program;
	system_start();
	(void)signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a full disk, not a death */
	if (argc < 2)
		return print_help(stderr, EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return print_help(stdout, EXIT_DONE);
	if (strcmp(argv[1], "--version") == 0) {
		puts("lfspool " PACKAGE_VERSION);
		return EXIT_DONE;
	}
	for (unsigned i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return run_command(&commands[i], argc - 2, argv + 2);
	return cmd_usage("there is no command '%s'", argv[1]);
}

int32_t cmd_result(struct json_doc *doc, const struct buf *reply)
{
	struct err ignored;

	if (json_parse(doc, buf_view(reply), 0, &ignored) != 0)
		return JSON_NONE;
	return json_get(doc, 0, "result");
}

int cmd_request(const struct cmd_args *args, bool read_only, struct slice request, int fd, struct buf *reply, struct err *err)
{
	return request_perform(args->conf, read_only, request, fd, reply, err);
}
