/* lfspool show: the sessions; or one session's trace as a tree, sub-agents included. Assembles afresh, sends nothing. */
#include "cmd/cmd.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/term.h"
#include "daemon/flusher/tree.h"
#include <inttypes.h>
#include <unistd.h>

#define ID_COLUMN 18
#define RECORDS_COLUMN 50
#define TITLE_COLUMN 72
#define NARROW_COLUMNS 96 /* below, the figures make room for the title */

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

static bool is_narrow(const struct text_line *line)
{
	return line->columns < NARROW_COLUMNS;
}

static void list_heading(struct text_line *line)
{
	text_line_put(line, LOOK_DIM, "", SLICE("started"));
	text_line_to(line, ID_COLUMN);
	text_line_put(line, LOOK_DIM, "", SLICE("session"));
	text_line_to(line, RECORDS_COLUMN);
	if (!is_narrow(line)) {
		text_line_put(line, LOOK_DIM, "", SLICE("records       sent"));
		text_line_to(line, TITLE_COLUMN);
	}
	text_line_put(line, LOOK_DIM, "", SLICE("title"));
	text_line_end(line);
}

/* On a screen each session has one line. */
static void list_row(struct text_line *line, const struct spool_session_row *row)
{
	enum text_look sent = row->observations && row->delivered == row->observations ? LOOK_GREEN : LOOK_PLAIN;
	char when[32], share[48];

	clock_format_iso(row->created_ms, when);
	when[10] = ' ';
	text_line_put(line, LOOK_DIM, "", (struct slice){ when, 16 }); /* to the minute */
	text_line_to(line, ID_COLUMN);
	text_line_put(line, LOOK_PLAIN, "", row->id);
	text_line_to(line, RECORDS_COLUMN);
	if (!is_narrow(line)) {
		snprintf(share, sizeof share, "%" PRIu64 "/%" PRIu64, row->delivered, row->observations);
		text_line_format(line, LOOK_PLAIN, "%7" PRIu64, row->records);
		text_line_format(line, sent, "%11s", share);
		text_line_to(line, TITLE_COLUMN);
	}
	text_line_put(line, LOOK_DIM, "", row->parent.len ? SLICE("↳ ") : SLICE_NONE);
	text_line_put(line, row->parent.len || !row->title.len ? LOOK_DIM : LOOK_PLAIN, "", row->title.len ? row->title : SLICE("(no title)"));
	text_line_end(line);
}

/* A pipe gets everything. */
static void list_plain(struct text_line *line, const struct spool_session_row *row)
{
	char when[32];

	clock_format_iso(row->created_ms, when);
	text_line_format(line, LOOK_PLAIN, "%s  ", when);
	text_line_put(line, LOOK_PLAIN, "", row->id);
	text_line_to(line, 58);
	text_line_format(line, LOOK_PLAIN, " %6" PRIu64 " records  ", row->records);
	text_line_put(line, LOOK_PLAIN, "", row->title);
	text_line_put(line, LOOK_PLAIN, "", row->parent.len ? SLICE("  (sub-agent)") : SLICE_NONE);
	text_line_end(line);
}

static int list_line(void *context, const struct spool_session_row *row, struct err *err)
{
	struct list *list = context;
	struct text_line line = { .columns = list->term.columns, .colour = list->term.colour };
	struct buf out;

	(void)err;
	buf_init(&out, 0);
	line.out = &out;
	if (list->rows++ == 0 && list->term.screen)
		list_heading(&line);
	(list->term.screen ? list_row : list_plain)(&line, row);
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
