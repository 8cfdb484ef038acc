/*
 * Any bytes as what a command asks of the daemon over the control socket, against a real spool: no crash, and the reply is one JSON object with
 * a code, its words and a result. Several lines are several requests to the same spool.
 */
#include "base/json.h"
#include "daemon/request.h"
#include "scratch.h"
#include <string.h>

#define ROUNDS 200 /* then the spool is made anew */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf *conf;
static struct work work;
static char spool_dir[300];

static void open_work(void)
{
	char setting[320];
	const char *overrides[] = { setting, "sources=none", "langfuse_host=http://127.0.0.1:1", "opencode_db=/nonexistent/opencode.db", NULL };
	struct err err;

	snprintf(spool_dir, sizeof spool_dir, "%s/spool", scratch());
	snprintf(setting, sizeof setting, "spool_dir=%s", spool_dir);
	if (conf_load("/dev/null", overrides, &conf, &err) != 0 || work_init(&work, conf, &err) != 0 || work_open_spool(&work, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

static void close_work(void)
{
	work_done(&work);
	conf_free(conf);
	nftw(spool_dir, scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void ask(struct slice request)
{
	struct request_context context = { .work = &work, .input_fd = -1, .peer_fd = -1 };
	struct json_doc doc;
	struct buf reply;

	buf_init(&reply, 0);
	json_doc_init(&doc);
	request_handle(&context, request, &reply);
	if (json_parse(&doc, buf_view(&reply), 0, NULL) != 0 || json_type_of(&doc, json_get(&doc, 0, "rc")) != JSON_NUMBER ||
	    json_type_of(&doc, json_get(&doc, 0, "error")) != JSON_STRING || json_type_of(&doc, json_get(&doc, 0, "result")) != JSON_OBJECT ||
	    (json_int(&doc, json_get(&doc, 0, "rc"), 0) != 0) != (json_raw(&doc, json_get(&doc, 0, "error")).len > 2))
		abort();
	json_doc_done(&doc);
	buf_done(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned rounds;
	const char *text = (const char *)data, *end = text + size;

	if (rounds == 0)
		open_work();
	for (const char *p = text, *newline; p < end; p = newline + 1) {
		newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			newline = end;
		ask((struct slice){ p, (size_t)(newline - p) });
		if (newline == end)
			break;
	}
	if (++rounds == ROUNDS) {
		close_work();
		rounds = 0;
	}
	return 0;
}
