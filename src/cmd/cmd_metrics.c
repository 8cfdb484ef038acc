/* lfspool metrics: what /metrics says. */
#include "cmd/cmd.h"

int cmd_metrics(struct cmd_args *args)
{
	struct slice request = cmd_flag(args, "openmetrics") ? SLICE("{\"cmd\":\"metrics\",\"openmetrics\":true}") : SLICE("{\"cmd\":\"metrics\"}");
	struct err err = { 0 };
	struct json_doc doc;
	struct buf reply, text;
	int rc;

	buf_init(&reply, 0);
	buf_init(&text, 0);
	json_doc_init(&doc);
	rc = cmd_request(args, true, request, -1, &reply, &err);
	if (rc == 0 && json_text(&doc, json_get(&doc, cmd_result(&doc, &reply), "text"), &text) == 0)
		fwrite(text.data, 1, text.len, stdout);
	json_doc_done(&doc);
	buf_done(&text);
	buf_done(&reply);
	if (rc == LF_ENOENT)
		fputs("lfspool: there is no spool yet: nothing was ingested, and no daemon has run\n", stderr);
	return rc == 0 ? EXIT_DONE : rc == LF_ENOENT ? EXIT_NOTHING : cmd_fail(&err);
}
