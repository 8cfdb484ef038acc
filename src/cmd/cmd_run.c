/* lfspool run: the daemon, in the foreground. */
#include "cmd/cmd.h"
#include "daemon/daemon.h"

static int reload(void *context, struct conf **ret, struct err *err)
{
	const struct cmd_args *args = context;

	return conf_load(args->config_file, args->overrides, ret, err);
}

int cmd_run(struct cmd_args *args)
{
	struct err err = { 0 };

	if (!conf_bool(args->conf, "enabled")) {
		fputs("lfspool: not started: enabled = false\n", stderr);
		return EXIT_DONE;
	}
	if (daemon_run(&args->conf, reload, args, &err) != 0) {
		int status = cmd_fail(&err);
		return status == EXIT_LATER || status == EXIT_NOTHING ? EXIT_FAILED : status;
	}
	return EXIT_DONE;
}
