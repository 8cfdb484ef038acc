/* lfspool flush: assembles and ships all that is ready, now. */
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "daemon/work.h"
#include <inttypes.h>

int cmd_flush(struct cmd_args *args)
{
	const char *timeout = cmd_value(args, "timeout");
	struct err err = { 0 };
	struct progress progress;
	struct buf reply;
	char request[96];
	int64_t seconds = 30;
	int rc;

	if (timeout && cmd_number("timeout", timeout, 1, 86400, &seconds, &err) != 0)
		return cmd_usage("%s", err.text);
	if (work_sinks(args->conf) == SPOOL_SINK_BIT(SINK_LANGFUSE) && (!conf_string(args->conf, "langfuse_public_key") || !conf_string(args->conf, "langfuse_secret_key"))) {
		fputs("lfspool: no Langfuse keys: nothing is sent, everything stays in the spool\n"
		      "(set langfuse_public_key and langfuse_secret_key, see lfspool.conf(5))\n", stderr);
		return EXIT_NOTHING;
	}
	snprintf(request, sizeof request, "{\"cmd\":\"flush\",\"timeout_ms\":%" PRId64 "}", seconds * 1000);
	buf_init(&reply, 0);
	progress_start(&progress, args, "flush", -1);
	rc = cmd_request(args, false, slice_of(request), -1, &reply, &err);
	progress_stop(&progress);
	buf_done(&reply);
	return rc == 0 ? EXIT_DONE : cmd_fail(&err);
}
