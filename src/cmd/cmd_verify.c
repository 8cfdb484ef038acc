/* lfspool verify: does Langfuse have what the spool sent, once and as it was? */
#include "cmd/cmd.h"
#include "base/mem.h"
#include "daemon/checks/verify.h"
#include <stdlib.h>

/* The root sessions of the spool. */
struct roots {
	char **ids, **titles;
	unsigned count;
};

struct report {
	bool json;
	struct json_writer *out;
	const char *title;
	bool headed; /* the session's line is out */
	unsigned sessions, unwell;
	unsigned observations, equal, findings[VERIFY_KINDS];
};

static int add_root(void *context, const struct spool_session_row *row, struct err *err)
{
	struct roots *roots = context;

	(void)err;
	if (row->parent.len > 0)
		return 0;
	roots->ids = xrealloc(roots->ids, (roots->count + 1) * sizeof *roots->ids);
	roots->titles = xrealloc(roots->titles, (roots->count + 1) * sizeof *roots->titles);
	roots->ids[roots->count] = xmemdup0(row->id.ptr, row->id.len);
	roots->titles[roots->count++] = xmemdup0(row->title.ptr, row->title.len);
	return 0;
}

static void roots_free(struct roots *roots)
{
	for (unsigned i = 0; i < roots->count; i++) {
		free(roots->ids[i]);
		free(roots->titles[i]);
	}
	free(roots->ids);
	free(roots->titles);
}

static int print_finding(void *context, const struct verify_finding *finding, struct err *err)
{
	struct report *report = context;

	(void)err;
	if (!report->json) {
		printf("  %-9s  %s  ", verify_kind_name(finding->kind), finding->span);
		cmd_print(stdout, slice_of(finding->name));
		printf("%s%s\n", finding->detail[0] ? ": " : "", finding->detail);
		return 0;
	}
	const struct { const char *key, *value; } texts[] = {
		{ "kind", verify_kind_name(finding->kind) }, { "span", finding->span }, { "name", finding->name }, { "detail", finding->detail },
	};
	jw_object(report->out);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		jw_key(report->out, texts[i].key);
		jw_text(report->out, texts[i].value);
	}
	jw_object_close(report->out);
	return 0;
}

static void put_figures(struct json_writer *out, unsigned observations, unsigned equal, const unsigned *findings)
{
	jw_key(out, "observations");
	jw_uint(out, observations);
	jw_key(out, "equal");
	jw_uint(out, equal);
	for (unsigned kind = 0; kind < VERIFY_KINDS; kind++) {
		jw_key(out, verify_kind_name((enum verify_kind)kind));
		jw_uint(out, findings[kind]);
	}
}

static void print_session(struct report *report, const struct verify_session *session)
{
	if (report->json) {
		jw_array_close(report->out);
		put_figures(report->out, session->observations, session->equal, session->findings);
		jw_object_close(report->out);
	} else {
		if (session->agent_records > 0)
			printf("      %u records on the agent's disk, %u of them not here or older here\n", session->agent_records,
			       session->findings[VERIFY_UNSPOOLED] + session->findings[VERIFY_OUTDATED]);
		printf("%s  %u of %u observations are in Langfuse as they are here%s\n", verify_is_well(session) ? "ok  " : "BAD ",
		       session->equal, session->observations, session->findings[VERIFY_WAITING] ? " (some are not sent yet)" : "");
	}
	report->sessions++;
	report->unwell += !verify_is_well(session);
	report->observations += session->observations;
	report->equal += session->equal;
	for (unsigned kind = 0; kind < VERIFY_KINDS; kind++)
		report->findings[kind] += session->findings[kind];
}

static int verify_one(struct report *report, struct work *work, struct spool *spool, struct ship *ship, const char *id,
                      const char *title, struct err *err)
{
	struct verify_session session;
	int rc;

	if (report->json) {
		jw_object(report->out);
		jw_key(report->out, "session");
		jw_text(report->out, id);
		jw_key(report->out, "findings");
		jw_array(report->out);
	} else {
		printf("%s  ", id);
		cmd_print(stdout, slice_of(title));
		putchar('\n');
	}
	rc = verify_session(work, spool, ship, id, &session, print_finding, report, err);
	if (rc == 0)
		print_session(report, &session);
	return rc;
}

static void print_totals(const struct report *report)
{
	if (report->json) {
		jw_array_close(report->out);
		put_figures(report->out, report->observations, report->equal, report->findings);
		jw_object_close(report->out);
		return;
	}
	printf("%u session%s, %u observations: %u equal", report->sessions, report->sessions == 1 ? "" : "s", report->observations,
	       report->equal);
	for (unsigned kind = 0; kind < VERIFY_KINDS; kind++)
		printf(", %u %s", report->findings[kind], verify_kind_name((enum verify_kind)kind));
	putchar('\n');
}

static int verify_all(struct report *report, struct work *work, struct spool *spool, struct ship *ship, const char *only,
                      struct err *err)
{
	struct roots roots = { .count = 0 };
	int rc = 0;

	if (report->json) {
		jw_object(report->out);
		jw_key(report->out, "sessions");
		jw_array(report->out);
	}
	if (only)
		rc = verify_one(report, work, spool, ship, only, "", err);
	else
		rc = spool_each_session(spool, add_root, &roots, err);
	for (unsigned i = 0; rc == 0 && i < roots.count; i++)
		rc = verify_one(report, work, spool, ship, roots.ids[i], roots.titles[i], err);
	if (rc == 0)
		print_totals(report);
	roots_free(&roots);
	return rc;
}

int cmd_verify(struct cmd_args *args)
{
	struct buf text;
	struct json_writer out;
	struct report report = { .json = cmd_flag(args, "json"), .out = &out };
	struct work work;
	struct spool *spool = NULL;
	struct ship *ship = NULL;
	struct err err = { 0 };
	int rc;

	buf_init(&text, 0);
	json_writer_init(&out, &text);
	rc = work_init(&work, args->conf, &err);
	if (rc == 0)
		rc = spool_open_reader(conf_string(args->conf, "spool_dir"), &spool, &err);
	if (rc == 0)
		rc = work_ship_new(&work, SINK_LANGFUSE, NULL, &ship, &err);
	if (rc == 0)
		rc = verify_all(&report, &work, spool, ship, args->rest_count ? args->rest[0] : NULL, &err);
	if (rc == 0 && report.json)
		puts(text.data);
	ship_free(ship);
	spool_close(spool);
	work_done(&work);
	buf_done(&text);
	if (rc != 0)
		return cmd_fail(&err);
	return report.unwell ? EXIT_FAILED : report.sessions ? EXIT_DONE : EXIT_NOTHING;
}
