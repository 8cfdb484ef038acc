/* lfspool sink: a loopback receiver, to see what would leave the machine before it does. */
#include "cmd/cmd.h"
#include "base/system.h"
#include "cmd/term.h"
#include <signal.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef HAVE_MICROHTTPD
#include "sink/sink.h"

static int parse_profile(const char *text, enum sink_profile *ret)
{
	static const char *const names[] = { "v2", "v3", "v4" };

	*ret = SINK_V4;
	for (unsigned i = 0; text && i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum sink_profile)i;
			return 0;
		}
	return text ? LF_EINVAL : 0;
}

static void wait_for_end(int64_t seconds)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	(void)system_wait_signal(&signals, seconds > 0 ? seconds * 1000 : -1);
}

static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

static void say_goodbye(struct cmd_args *args, struct sink *sink)
{
	struct term term = term_of(STDOUT_FILENO);
	struct map_look look = term_look(&term);
	struct sink_figures figures;
	struct buf out;

	if (cmd_flag(args, "draw")) {
		buf_init(&out, 0);
		if (sink_draw(sink, &look, &out) == 0)
			cmd_write(&out);
		buf_done(&out);
	}
	sink_figures(sink, &figures);
	printf("%llu requests, %llu observations in %llu traces, %llu duplicates, %llu rejected\n", (unsigned long long)figures.requests,
	       (unsigned long long)figures.observations, (unsigned long long)figures.traces, (unsigned long long)figures.duplicates,
	       (unsigned long long)figures.rejected);
}

int cmd_sink(struct cmd_args *args)
{
	struct sink_options options = {
		.listen = cmd_flag(args, "listen") ? cmd_value(args, "listen") : "127.0.0.1:0",
		.public_key = conf_string(args->conf, "langfuse_public_key"),
		.secret_key = conf_string(args->conf, "langfuse_secret_key"),
		.out = cmd_value(args, "out"), .requests = cmd_value(args, "requests"), .fault = cmd_value(args, "fault"),
		.name = cmd_value(args, "name"), .ui = cmd_flag(args, "ui"),
	};
	struct sink *sink = NULL;
	struct err err = { 0 };
	int64_t seconds = 0;

	if (parse_profile(cmd_value(args, "profile"), &options.profile) != 0)
		return cmd_usage("sink: --profile %s: must be v2, v3 or v4", cmd_value(args, "profile"));
	if (cmd_flag(args, "for") && cmd_number("for", cmd_value(args, "for"), 1, 1000000, &seconds, &err) != 0)
		return cmd_usage("sink: %s", err.text);
	block_signals();
	if (sink_start(&options, &sink, &err) != 0)
		return cmd_fail(&err);
	printf("listening on http://127.0.0.1:%u\n", (unsigned)sink_port(sink));
	if (options.ui)
		printf("look at it: http://127.0.0.1:%u/\n", (unsigned)sink_port(sink));
	fflush(stdout);
	wait_for_end(seconds);
	say_goodbye(args, sink);
	sink_stop(sink);
	return EXIT_DONE;
}
#else
int cmd_sink(struct cmd_args *args)
{
	(void)args;
	fputs("lfspool: this build has no receiver (configured --without-microhttpd)\n", stderr);
	return EXIT_FAILED;
}
#endif
