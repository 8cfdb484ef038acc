/* lfspool show: the sessions; or one session's trace as a tree, sub-agents included. Assembles afresh, sends nothing. */
#include "cmd/cmd.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/term.h"
#include "daemon/tree.h"
#include <inttypes.h>
#include <unistd.h>

#define ID_COLUMNS 30
#define ROW_COLUMNS 71 /* all but the title */

struct list {
	struct term term;
	unsigned rows;
};

static int list_json(void *context, const struct spool_session_row *row, struct err *err)
{
	const struct { const char *key; struct slice value; } texts[] = {
		{ "source", row->source }, { "session", row->id }, { "parent", row->parent }, { "title", row->title },
	};
	struct json_writer out;
	struct buf text;

	(void)context, (void)err;
	buf_init(&text, 0);
	json_writer_init(&out, &text);
	jw_object(&out);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		jw_key(&out, texts[i].key);
		jw_string(&out, texts[i].value);
	}
	jw_key(&out, "created");
	jw_int(&out, row->created_ms);
	jw_key(&out, "records");
	jw_uint(&out, row->records);
	jw_key(&out, "observations");
	jw_uint(&out, row->observations);
	jw_key(&out, "delivered");
	jw_uint(&out, row->delivered);
	jw_object_close(&out);
	puts(text.data);
	buf_done(&text);
	return 0;
}

static void list_heading(const struct list *list, struct buf *out)
{
	buf_text(out, text_look(LOOK_DIM, list->term.colour));
	buf_format(out, "%-16s  %-*s %8s  %11s  %s", "started", ID_COLUMNS, "session", "records", "sent", "title");
	buf_text(out, text_look(LOOK_PLAIN, list->term.colour));
	buf_char(out, '\n');
}

/* On a screen each session has one line; a pipe gets everything. */
static void list_title(const struct list *list, const struct spool_session_row *row, struct buf *out)
{
	static const char agent[] = "  (sub-agent)";
	unsigned room = TEXT_NO_LIMIT;

	if (list->term.columns)
		room = list->term.columns > ROW_COLUMNS + sizeof agent + 10 ? list->term.columns - ROW_COLUMNS : 20;
	if (list->term.columns && row->parent.len)
		room -= room > sizeof agent ? (unsigned)sizeof agent - 1 : 0;
	text_put(row->title, room, out);
	if (row->parent.len)
		buf_format(out, "%s%s%s", text_look(LOOK_DIM, list->term.colour), agent, text_look(LOOK_PLAIN, list->term.colour));
}

static int list_line(void *context, const struct spool_session_row *row, struct err *err)
{
	struct list *list = context;
	char when[32], sent[48];
	struct buf out;

	(void)err;
	buf_init(&out, 0);
	if (list->rows++ == 0 && list->term.screen)
		list_heading(list, &out);
	clock_format_iso(row->created_ms, when);
	if (list->term.screen) {
		when[10] = ' ';
		when[16] = '\0'; /* to the minute */
	}
	buf_format(&out, "%s%s%s  ", text_look(LOOK_DIM, list->term.colour), when, text_look(LOOK_PLAIN, list->term.colour));
	if (list->term.screen) {
		text_pad(row->id, ID_COLUMNS, &out);
		snprintf(sent, sizeof sent, "%" PRIu64 "/%" PRIu64, row->delivered, row->observations);
		buf_format(&out, " %8" PRIu64 "  %11s  ", row->records, sent);
	} else {
		for (unsigned n = text_put(row->id, TEXT_NO_LIMIT, &out); n < 32; n++)
			buf_char(&out, ' ');
		buf_format(&out, " %6" PRIu64 " records  ", row->records);
	}
	list_title(list, row, &out);
	buf_char(&out, '\n');
	cmd_write(&out);
	buf_done(&out);
	return 0;
}

static int list_sessions(const struct cmd_args *args, struct spool *spool, struct err *err)
{
	struct list list = { .term = term_of(STDOUT_FILENO) };

	return spool_each_session(spool, cmd_flag(args, "json") ? list_json : list_line, &list, err);
}

static int draw(const struct tree *tree)
{
	struct term term = term_of(STDOUT_FILENO);
	struct map_look look = term_look(&term);
	struct buf out;
	int rc;

	buf_init(&out, 0);
	rc = map_draw(tree->observations, tree->count, &look, &out);
	if (rc == 0)
		cmd_write(&out);
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
	struct spool *spool = NULL;
	struct err err = { 0 };
	int rc = spool_open_reader(conf_string(args->conf, "spool_dir"), &spool, &err);

	if (rc == 0 && args->rest_count > 0)
		rc = show_one(args, spool, args->rest[0], &err);
	else if (rc == 0)
		rc = list_sessions(args, spool, &err);
	spool_close(spool);
	return rc == 0 ? EXIT_DONE : cmd_fail(&err);
}
