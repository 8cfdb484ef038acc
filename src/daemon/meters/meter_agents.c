/*
 * Figures of this moment that the exporters have of the agents: sessions, errors, sources. What names a session or holds an error's
 * words is there on request alone (metrics_labels), and never more of it than a bound: it is read from the records, redacted as they are.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "daemon/meters/meter_private.h"
#include "daemon/sources/server.h"
#include "daemon/sources/sources.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TITLE_MAX_BYTES 100
#define MESSAGE_MAX_BYTES 200
#define ERRORS_MAX 100
#define ERRORS_MAX_AGE_MS (24 * 3600 * INT64_C(1000))

struct recent { /* a session of which something was heard lately */
	char *source, *id;
};
struct error {
	int64_t time_ms;
	char source[64], type[104], message[MESSAGE_MAX_BYTES + 1];
};
struct agents {
	struct spool *spool;
	struct metrics *metrics;
	int64_t active_since_ms, errors_since_ms;
	unsigned active, infos, infos_max;
	struct recent *recent;
	size_t recent_count, recent_cap;
	struct error errors[ERRORS_MAX]; /* the newest; a heap is not worth it */
	size_t error_count;
	struct buf text;
};

static void cut(char *out, size_t size, struct slice text)
{
	struct slice own = json_utf8_cut(text, size - 1);

	snprintf(out, size, "%.*s", (int)own.len, own.ptr ? own.ptr : "");
}

/* ---- sessions ---- */

static void session_info(struct agents *agents, const struct spool_session_row *row)
{
	char id[128], source[64], title[TITLE_MAX_BYTES + 1] = "";
	const char *pairs[] = { "session_id", id, "source", source, "title", title, NULL };

	if (agents->infos++ >= agents->infos_max)
		return;
	cut(id, sizeof id, row->id);
	cut(source, sizeof source, row->source);
	if (metrics_has_label(agents->metrics, "title"))
		cut(title, sizeof title, row->title);
	else
		pairs[4] = NULL;
	metrics_gauge(agents->metrics, "opencode.session.info", "1", "Sessions in the spool.", pairs, 1);
}

static void remember(struct agents *agents, const struct spool_session_row *row)
{
	if (agents->recent_count == agents->recent_cap) {
		agents->recent_cap = agents->recent_cap ? agents->recent_cap * 2 : 16;
		agents->recent = xrealloc(agents->recent, agents->recent_cap * sizeof *agents->recent);
	}
	agents->recent[agents->recent_count++] =
		(struct recent){ xmemdup0(row->source.ptr, row->source.len), xmemdup0(row->id.ptr, row->id.len) };
}

static int see_session(void *context, const struct spool_session_row *row, struct err *err)
{
	struct agents *agents = context;

	(void)err;
	agents->active += row->last_ms >= agents->active_since_ms;
	if (metrics_has_label(agents->metrics, "session"))
		session_info(agents, row);
	if (metrics_has_label(agents->metrics, "error") && row->last_ms >= agents->errors_since_ms)
		remember(agents, row);
	return 0;
}

/* ---- errors ---- */

/* Where the next one goes: at the end, or in the place of the oldest; NULL when it is older than all. */
static struct error *place(struct agents *agents, int64_t time_ms)
{
	struct error *oldest = &agents->errors[0];

	if (agents->error_count < ERRORS_MAX)
		return &agents->errors[agents->error_count++];
	for (size_t i = 1; i < agents->error_count; i++)
		if (agents->errors[i].time_ms < oldest->time_ms)
			oldest = &agents->errors[i];
	return oldest->time_ms < time_ms ? oldest : NULL;
}

static struct slice text_at(struct agents *agents, const struct json_doc *doc, const char *path)
{
	buf_clear(&agents->text);
	(void)json_text(doc, json_path(doc, 0, path), &agents->text);
	return buf_view(&agents->text);
}

static void see_error(struct agents *agents, const struct clean_record_view *record, const struct json_doc *doc)
{
	int64_t time_ms = json_int(doc, json_get(doc, 0, "completed"), record->time_ms);
	struct error *error;

	if (json_type_of(doc, json_get(doc, 0, "error")) != JSON_OBJECT || time_ms < agents->errors_since_ms)
		return;
	error = place(agents, time_ms);
	if (!error)
		return;
	error->time_ms = time_ms;
	cut(error->source, sizeof error->source, record->source);
	cut(error->type, sizeof error->type, text_at(agents, doc, "error.name"));
	cut(error->message, sizeof error->message, text_at(agents, doc, "error.message"));
}

static int see_head(void *context, const struct clean_record_view *record, struct err *err)
{
	struct json_doc doc;

	(void)err;
	if (record->kind != RECORD_MESSAGE || !memmem(record->body.ptr, record->body.len, "\"error\"", 7))
		return 0;
	json_doc_init(&doc);
	if (json_parse(&doc, record->body, 0, NULL) == 0)
		see_error(context, record, &doc);
	json_doc_done(&doc);
	return 0;
}

static void error_info(struct agents *agents, const struct error *error)
{
	char time[24];
	const char *pairs[] = { "timestamp", time, "type", error->type[0] ? error->type : "unknown", "source", error->source, "message", error->message, NULL };

	snprintf(time, sizeof time, "%" PRId64, error->time_ms);
	if (!metrics_has_label(agents->metrics, "message"))
		pairs[6] = NULL;
	metrics_gauge(agents->metrics, "opencode.error.info", "1", "Errors of the last day, the newest hundred.", pairs, 1);
}

static int errors(struct agents *agents, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < agents->recent_count; i++)
		rc = spool_each_head(agents->spool, slice_of(agents->recent[i].source), slice_of(agents->recent[i].id), see_head, agents, err);
	for (size_t i = 0; rc == 0 && i < agents->error_count; i++)
		error_info(agents, &agents->errors[i]);
	return rc;
}

/* ---- sources ---- */

static void running(struct metrics *metrics, const char *source, enum source_state state)
{
	const char *pairs[] = { "source", source, NULL };

	metrics_gauge(metrics, "opencode.service.running", "1", "Whether the source is listened to and answers.", pairs, state == SOURCE_OK);
}

static void followed(const struct work *work, struct metrics *metrics)
{
	struct sources_status *status = xcalloc(1, sizeof *status);

	sources_status(work->sources, status);
	if (status->opencode && !work->servers)
		running(metrics, "opencode", status->all.state);
	if (status->claude)
		running(metrics, "claude", status->transcripts.state);
	free(status);
}

/* All of them. Where a server is to be listened to, it is what runs or does not. */
static void listened(const struct work *work, struct metrics *metrics)
{
	struct servers_status *status = xcalloc(1, sizeof *status);
	enum source_state state = SOURCE_OK;

	servers_status(work->servers, status);
	for (unsigned i = 0; i < status->count; i++)
		if (status->servers[i].status.state != SOURCE_OK)
			state = status->servers[i].status.state;
	running(metrics, "opencode", state);
	free(status);
}

int meter_agents(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err)
{
	struct agents *agents = xcalloc(1, sizeof *agents);
	int rc;

	agents->spool = spool;
	agents->metrics = metrics;
	agents->active_since_ms = clock_wall_ms() - work->stale_after_ms;
	agents->errors_since_ms = clock_wall_ms() - ERRORS_MAX_AGE_MS;
	agents->infos_max = work->count.max_series;
	buf_init(&agents->text, 0);
	rc = spool_each_session(spool, see_session, agents, err);
	if (rc == 0)
		rc = errors(agents, err);
	metrics_gauge(metrics, "opencode.session.active", "1", "Sessions in which something happened within stale_after.", NULL, agents->active);
	if (work->sources)
		followed(work, metrics);
	if (work->servers)
		listened(work, metrics);
	for (size_t i = 0; i < agents->recent_count; i++) {
		free(agents->recent[i].source);
		free(agents->recent[i].id);
	}
	free(agents->recent);
	buf_done(&agents->text);
	free(agents);
	return rc;
}
