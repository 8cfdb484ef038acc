/* lfspool doctor: what is set up wrongly, and how to mend it. */
#include "cmd/cmd.h"
#include "base/text.h"
#include "cmd/term.h"
#include "daemon/checks/doctor.h"
#include <unistd.h>

#define CHECK_COLUMN 3
#define FOUND_COLUMN 15

struct report {
	struct term term;
	bool json;
	struct json_writer out;
	unsigned counts[DOCTOR_LEVELS];
};

/* On a screen: a mark for the level, and lines that are broken where it ends. */
static void draw(const struct report *report, enum doctor_level level, const char *check, const char *found, const char *mend)
{
	static const struct { const char *mark; enum text_look look; } rows[DOCTOR_LEVELS] = {
		[DOCTOR_OK] = { "✓", LOOK_GREEN }, [DOCTOR_NOTE] = { "·", LOOK_CYAN }, [DOCTOR_WARN] = { "!", LOOK_YELLOW }, [DOCTOR_BAD] = { "✗", LOOK_RED },
	};
	struct text_line line = { .columns = report->term.columns, .colour = report->term.colour };
	struct buf out;

	buf_init(&out, 0);
	line.out = &out;
	text_line_put(&line, rows[level].look, " ", slice_of(rows[level].mark));
	text_line_to(&line, CHECK_COLUMN);
	text_line_put(&line, LOOK_BOLD, "", slice_of(check));
	text_line_to(&line, FOUND_COLUMN);
	text_line_wrap(&line, level == DOCTOR_OK || level == DOCTOR_NOTE ? LOOK_PLAIN : rows[level].look, FOUND_COLUMN, slice_of(found));
	text_line_end(&line);
	if (mend[0]) {
		text_line_to(&line, FOUND_COLUMN);
		text_line_put(&line, LOOK_DIM, "", SLICE("→ "));
		text_line_wrap(&line, LOOK_DIM, FOUND_COLUMN + 2, slice_of(mend));
		text_line_end(&line);
	}
	cmd_write(&out);
	buf_done(&out);
}

static void print(void *context, enum doctor_level level, const char *check, const char *found, const char *mend)
{
	struct report *report = context;

	report->counts[level]++;
	if (!report->json && report->term.screen) {
		draw(report, level, check, found, mend);
		return;
	}
	if (!report->json) {
		printf("%-8s %-12s ", doctor_level_name(level), check);
		cmd_print(stdout, slice_of(found));
		putchar('\n');
		if (mend[0])
			printf("%-8s %-12s -> %s\n", "", "", mend);
		return;
	}
	const struct { const char *key, *value; } texts[] = {
		{ "level", doctor_level_name(level) }, { "check", check }, { "found", found }, { "mend", mend },
	};
	jw_object(&report->out);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		jw_key(&report->out, texts[i].key);
		jw_text(&report->out, texts[i].value);
	}
	jw_object_close(&report->out);
}

int cmd_doctor(struct cmd_args *args)
{
	struct report report = { .json = cmd_flag(args, "json"), .term = term_of(STDOUT_FILENO) };
	struct buf text;

	buf_init(&text, 0);
	json_writer_init(&report.out, &text);
	jw_array(&report.out);
	doctor_run(args->conf, print, &report);
	jw_array_close(&report.out);
	if (report.json)
		puts(text.data);
	else
		printf("%s%u bad, %u warning%s\n", report.term.screen ? "\n" : "", report.counts[DOCTOR_BAD], report.counts[DOCTOR_WARN],
		       report.counts[DOCTOR_WARN] == 1 ? "" : "s");
	buf_done(&text);
	return report.counts[DOCTOR_BAD] ? EXIT_FAILED : EXIT_DONE;
}
