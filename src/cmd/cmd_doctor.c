/* lfspool doctor: what is set up wrongly, and how to mend it. */
#include "cmd/cmd.h"
#include "daemon/doctor.h"

struct report {
	bool json;
	struct json_writer out;
	unsigned counts[DOCTOR_LEVELS];
};

static void print(void *context, enum doctor_level level, const char *check, const char *found, const char *mend)
{
	struct report *report = context;

	report->counts[level]++;
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
	struct report report = { .json = cmd_flag(args, "json") };
	struct buf text;

	buf_init(&text, 0);
	json_writer_init(&report.out, &text);
	jw_array(&report.out);
	doctor_run(args->conf, print, &report);
	jw_array_close(&report.out);
	if (report.json)
		puts(text.data);
	else
		printf("%u bad, %u warnings\n", report.counts[DOCTOR_BAD], report.counts[DOCTOR_WARN]);
	buf_done(&text);
	return report.counts[DOCTOR_BAD] ? EXIT_FAILED : EXIT_DONE;
}
