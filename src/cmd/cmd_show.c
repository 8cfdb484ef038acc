/* lfspool show: the sessions; or one session's trace as a tree, sub-agents included. Assembles afresh, sends nothing. */
#include "cmd/cmd.h"
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/derive.h"
#include <inttypes.h>
#include <stdlib.h>

#define MAX_SESSIONS 10000 /* of one tree */

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

struct tree {
	char *sessions[MAX_SESSIONS];
	unsigned count;
	char *source;
	char **bodies;   /* observation_json() of each */
	size_t *lengths;
	unsigned observations;
};

static int add_session(void *context, struct slice source, struct slice id, struct err *err)
{
	struct tree *tree = context;

	(void)source;
	for (unsigned i = 0; i < tree->count; i++)
		if (slice_is(id, tree->sessions[i]))
			return 0;
	if (tree->count == MAX_SESSIONS)
		return err_set(err, LF_ELIMIT, "more than %d sub-agents", MAX_SESSIONS);
	tree->sessions[tree->count++] = xmemdup0(id.ptr, id.len);
	return 0;
}

static int keep_observation(void *context, const struct observation *observation, struct slice turn, struct err *err)
{
	struct tree *tree = context;
	struct buf body;

	(void)turn;
	buf_init(&body, 0);
	if (observation_json(observation, &body) != 0)
		return err_set(err, body.failed, "an observation is too large");
	tree->bodies = xrealloc(tree->bodies, (tree->observations + 1) * sizeof *tree->bodies);
	tree->lengths = xrealloc(tree->lengths, (tree->observations + 1) * sizeof *tree->lengths);
	tree->bodies[tree->observations] = buf_take(&body, &tree->lengths[tree->observations]);
	tree->observations++;
	return 0;
}

static int find_source(void *context, const struct spool_session_row *row, struct err *err)
{
	struct tree *tree = context;

	(void)err;
	if (!tree->source && slice_is(row->id, tree->sessions[0]))
		tree->source = xmemdup0(row->source.ptr, row->source.len);
	return 0;
}

static int gather(struct spool *spool, enum trace_unit unit, struct tree *tree, struct err *err)
{
	int rc = spool_each_session(spool, find_source, tree, err);

	if (rc == 0 && !tree->source)
		return err_set(err, LF_ENOENT, "%s: there is no such session in the spool", tree->sessions[0]);
	for (unsigned i = 0; rc == 0 && i < tree->count; i++) {
		struct assemble_result result;
		rc = derive_session(spool, unit, slice_of(tree->source), slice_of(tree->sessions[i]), keep_observation, tree, &result, err);
		if (rc == 0)
			rc = spool_each_child(spool, slice_of(tree->source), slice_of(tree->sessions[i]), add_session, tree, err);
	}
	return rc;
}

static int draw(const struct tree *tree, struct err *err)
{
	struct observation *list = xcalloc(tree->observations + 1, sizeof *list);
	struct buf *strings = xcalloc(tree->observations + 1, sizeof *strings), out;
	int rc = 0;

	buf_init(&out, 0);
	for (unsigned i = 0; rc == 0 && i < tree->observations; i++) {
		buf_init(&strings[i], 0);
		rc = observation_parse((struct slice){ tree->bodies[i], tree->lengths[i] }, &strings[i], &list[i], err);
	}
	if (rc == 0)
		rc = map_draw(list, tree->observations, 0, &out);
	if (rc == 0)
		cmd_print(stdout, buf_view(&out));
	for (unsigned i = 0; i < tree->observations; i++)
		buf_done(&strings[i]);
	free(strings);
	free(list);
	buf_done(&out);
	return rc;
}

static void tree_free(struct tree *tree)
{
	for (unsigned i = 0; i < tree->count; i++)
		free(tree->sessions[i]);
	for (unsigned i = 0; i < tree->observations; i++)
		free(tree->bodies[i]);
	free(tree->bodies);
	free(tree->lengths);
	free(tree->source);
	free(tree);
}

static int show_one(struct cmd_args *args, struct spool *spool, const char *id, struct err *err)
{
	const char *unit = conf_string(args->conf, "trace_unit");
	struct tree *tree = xcalloc(1, sizeof *tree);
	int rc = add_session(tree, SLICE_NONE, slice_of(id), err);

	if (rc == 0)
		rc = gather(spool, unit && strcmp(unit, "turn") == 0 ? TRACE_UNIT_TURN : TRACE_UNIT_SESSION, tree, err);
	if (rc == 0 && cmd_flag(args, "json"))
		for (unsigned i = 0; i < tree->observations; i++)
			puts(tree->bodies[i]);
	else if (rc == 0)
		rc = draw(tree, err);
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
