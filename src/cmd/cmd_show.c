/* lfspool show: the sessions; or one session's trace as a tree, sub-agents included. Assembles afresh, sends nothing. */
#include "cmd/cmd.h"
#include "base/clock.h"
#include "daemon/tree.h"
#include <inttypes.h>

static int print_session(void *context, const struct spool_session_row *row, struct err *err)
{
	char when[32];
	bool json = *(bool *)context;
	struct buf text;
	struct json_writer out;

	(void)err;
	clock_format_iso(row->created_ms, when);
	if (!json) {
		printf("%s  %-32.*s %6" PRIu64 " records  ", when, (int)row->id.len, row->id.ptr, row->records);
		cmd_print(stdout, row->title);
		if (row->parent.len > 0)
			fputs("  (sub-agent)", stdout);
		putchar('\n');
		return 0;
	}
	buf_init(&text, 0);
	json_writer_init(&out, &text);
	jw_object(&out);
	const struct { const char *key; struct slice value; } texts[] = {
		{ "source", row->source }, { "session", row->id }, { "parent", row->parent }, { "title", row->title },
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		jw_key(&out, texts[i].key);
		jw_string(&out, texts[i].value);
	}
	jw_key(&out, "created");
	jw_int(&out, row->created_ms);
	jw_key(&out, "records");
	jw_uint(&out, row->records);
	jw_object_close(&out);
	puts(text.data);
	buf_done(&text);
	return 0;
}

static int draw(const struct tree *tree)
{
	struct buf out;
	int rc;

	buf_init(&out, 0);
	rc = map_draw(tree->observations, tree->count, 0, &out);
	if (rc == 0)
		cmd_print(stdout, buf_view(&out));
	buf_done(&out);
	return rc;
}

static int show_one(struct cmd_args *args, struct spool *spool, const char *id, struct err *err)
{
	const char *unit = conf_string(args->conf, "trace_unit");
	struct tree *tree = NULL;
	int rc = tree_gather(spool, unit && strcmp(unit, "turn") == 0 ? TRACE_UNIT_TURN : TRACE_UNIT_SESSION, id, &tree, err);

	if (rc == 0 && cmd_flag(args, "json"))
		for (unsigned i = 0; i < tree->count; i++)
			puts(tree->bodies[i].data);
	else if (rc == 0)
		rc = draw(tree);
	tree_free(tree);
	return rc;
}

int cmd_show(struct cmd_args *args)
{
	bool json = cmd_flag(args, "json");
	struct spool *spool = NULL;
	struct err err = { 0 };
	int rc = spool_open_reader(conf_string(args->conf, "spool_dir"), &spool, &err);

	if (rc == 0 && args->rest_count > 0)
		rc = show_one(args, spool, args->rest[0], &err);
	else if (rc == 0)
		rc = spool_each_session(spool, print_session, &json, &err);
	spool_close(spool);
	return rc == 0 ? EXIT_DONE : cmd_fail(&err);
}
