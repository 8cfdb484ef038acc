/* Figures for people and programs; see status.h. */
#include "daemon/status.h"
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/otlp.h"
#include "daemon/sources/server.h"
#include "daemon/sources/sources.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

static void write_spool(struct spool *spool, const struct work *work, const struct spool_figures *f, struct json_writer *out)
{
	int64_t now_ms = clock_wall_ms();

	jw_key(out, "spool");
	jw_object(out);
	jw_key(out, "path");
	jw_text(out, spool_path(spool));
	const struct { const char *key; uint64_t value; } rows[] = {
		{ "bytes", f->bytes }, { "max_bytes", (uint64_t)conf_int(work->conf, "max_spool_mb") << 20 }, { "records", f->records }, { "sessions", f->sessions },
		{ "pending", f->pending }, { "in_flight", f->in_flight }, { "in_doubt", f->in_doubt }, { "dead", f->dead },
		{ "delivered", f->delivered },
		{ "oldest_pending_s", f->oldest_pending_ms > 0 && now_ms > f->oldest_pending_ms ? (uint64_t)(now_ms - f->oldest_pending_ms) / 1000 : 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		jw_key(out, rows[i].key);
		jw_uint(out, rows[i].value);
	}
	jw_object_close(out);
}

static void meta_text(struct spool *spool, const char *name, struct buf *value)
{
	struct err ignored;

	buf_clear(value);
	(void)spool_meta_get(spool, name, value, &ignored);
}

static int add_counter(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	(void)name, (void)label, (void)err;
	*(int64_t *)context += value;
	return 0;
}

static int64_t counter_sum(struct spool *spool, const char *name)
{
	struct err ignored;
	int64_t sum = 0;

	(void)spool_each_counter(spool, name, add_counter, &sum, &ignored);
	return sum;
}

struct label_value {
	const char *label;
	int64_t value;
};

static int find_label(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	struct label_value *wanted = context;

	(void)name, (void)err;
	if (strcmp(label, wanted->label) == 0)
		wanted->value = value;
	return 0;
}

static int64_t counter_of(struct spool *spool, const char *name, const char *label)
{
	struct label_value wanted = { label, 0 };
	struct err ignored;

	(void)spool_each_counter(spool, name, find_label, &wanted, &ignored);
	return wanted.value;
}

static bool has_keys(const struct work *work)
{
	return conf_string(work->conf, "langfuse_secret_key") && conf_string(work->conf, "langfuse_public_key");
}

/* Facts of another sink than Langfuse have its name before theirs. */
static void sink_fact(struct spool *spool, enum spool_sink sink, const char *name, struct buf *value)
{
	char full[64];

	buf_init(value, 1024);
	snprintf(full, sizeof full, "%s%s%s", sink ? spool_sink_name(sink) : "", sink ? "." : "", name);
	meta_text(spool, full, value);
}

static const char *sink_state(const struct work *work, enum spool_sink sink, const struct ship_status *ship, bool paused)
{
	if (ship)
		return ship_state_name(ship->state);
	if (sink == SINK_LANGFUSE && !has_keys(work))
		return "off";
	return paused ? "paused" : "ok";
}

static const char *sink_endpoint(const struct work *work, enum spool_sink sink)
{
	static const enum collector_signal signals[] = { [SINK_TRACES] = COLLECTOR_TRACES, [SINK_LOGS] = COLLECTOR_LOGS };

	return sink == SINK_LANGFUSE ? conf_string(work->conf, "langfuse_host") : otlp_string(work->conf, signals[sink], "endpoint");
}

static void put_text(struct json_writer *out, const char *key, struct slice text)
{
	jw_key(out, key);
	jw_string(out, text);
}

static void put_number(struct json_writer *out, const char *key, int64_t number)
{
	jw_key(out, key);
	jw_int(out, number);
}

/* With the daemon down, what the spool remembers of its last run stands in for the sender's own words. */
static void write_sink(struct spool *spool, const struct work *work, enum spool_sink sink, const struct ship_status *ship,
                       const struct spool_figures *figures, struct json_writer *out)
{
	const char *label = sink == SINK_LANGFUSE ? "" : spool_sink_name(sink);
	struct buf paused, error, api, last;

	sink_fact(spool, sink, "paused", &paused);
	sink_fact(spool, sink, "last_error", &error);
	sink_fact(spool, sink, "api", &api);
	sink_fact(spool, sink, "last_success_ms", &last);
	jw_object(out);
	put_text(out, "name", slice_of(spool_sink_name(sink)));
	jw_key(out, "endpoint");
	jw_text(out, sink_endpoint(work, sink));
	put_text(out, "api", ship ? slice_of(ship->api) : buf_view(&api));
	put_text(out, "state", slice_of(sink_state(work, sink, ship, paused.len > 0)));
	if (sink == SINK_LANGFUSE && !ship && !has_keys(work))
		put_text(out, "reason", work->sinks == SPOOL_SINK_BIT(SINK_LANGFUSE) ? SLICE("no Langfuse keys: spooling only") : SLICE("no Langfuse keys"));
	else
		put_text(out, "reason", ship ? slice_of(ship->reason) : buf_view(&paused));
	put_number(out, "pending", (int64_t)figures->sinks[sink].pending);
	put_number(out, "delivered", counter_of(spool, "delivered", label));
	put_number(out, "dead", (int64_t)figures->sinks[sink].dead);
	put_number(out, "retries", counter_of(spool, "retries", label));
	put_number(out, "last_success_ms", last.data ? strtoll(last.data, NULL, 10) : 0);
	put_text(out, "last_error", ship ? slice_of(ship->last_error) : buf_view(&error));
	jw_object_close(out);
	buf_done(&paused);
	buf_done(&error);
	buf_done(&api);
	buf_done(&last);
}

/* Langfuse, and those that are fed. */
static void write_sinks(struct spool *spool, const struct work *work, const struct ship_status *ships, const struct spool_figures *figures,
                        struct json_writer *out)
{
	jw_key(out, "sinks");
	jw_array(out);
	for (int sink = 0; sink < SINK_COUNT; sink++)
		if (sink == SINK_LANGFUSE || (work->sinks & SPOOL_SINK_BIT(sink)))
			write_sink(spool, work, (enum spool_sink)sink, ships ? &ships[sink] : NULL, figures, out);
	jw_array_close(out);
}

static int write_label(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	(void)name, (void)err;
	jw_key(context, label);
	jw_int(context, value);
	return 0;
}

struct source_lines {
	struct json_writer *out;
	struct spool *spool;
	const struct sources_status *live; /* NULL: none are followed */
	const struct servers_status *servers; /* that are listened to */
	bool opencode, claude;             /* its line was written */
};

static void write_state(struct json_writer *out, const struct follow_status *status)
{
	jw_key(out, "state");
	jw_text(out, source_state_name(status->state));
	jw_key(out, "last_event_ms");
	jw_int(out, status->last_event_ms);
	jw_key(out, "error");
	jw_text(out, status->error);
}

static void write_databases(struct json_writer *out, const struct sources_status *live)
{
	jw_key(out, "databases");
	jw_array(out);
	for (unsigned i = 0; i < live->count; i++) {
		jw_object(out);
		jw_key(out, "path");
		jw_text(out, live->databases[i].path);
		write_state(out, &live->databases[i].status);
		jw_key(out, "sessions");
		jw_uint(out, live->databases[i].status.sessions);
		jw_object_close(out);
	}
	jw_array_close(out);
}

static void write_servers(struct json_writer *out, const struct servers_status *servers)
{
	jw_key(out, "servers");
	jw_array(out);
	for (unsigned i = 0; i < servers->count; i++) {
		jw_object(out);
		jw_key(out, "url");
		jw_text(out, servers->servers[i].url);
		write_state(out, &servers->servers[i].status);
		jw_key(out, "events");
		jw_uint(out, servers->servers[i].status.events);
		jw_object_close(out);
	}
	jw_array_close(out);
}

static void write_transcripts(struct json_writer *out, const struct sources_status *live)
{
	jw_key(out, "files");
	jw_uint(out, live->transcripts.sessions);
	jw_key(out, "figures"); /* that the agent keeps itself */
	jw_object(out);
	jw_key(out, "stats_cache");
	jw_text(out, claude_stats_state_name(live->figures.state));
	jw_key(out, "computed_ms");
	jw_int(out, live->figures.computed_ms);
	jw_key(out, "sessions_index");
	jw_text(out, claude_stats_state_name(live->figures.index_state));
	jw_object_close(out);
}

/* One source. OpenCode's databases and Claude Code's transcripts are followed, OpenCode's servers listened to; what else there are records of came through `ingest`. */
static int write_source(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	static const struct follow_status off = { .state = SOURCE_OFF };
	struct source_lines *lines = context;
	struct json_writer *out = lines->out;
	bool opencode = strcmp(label, "opencode") == 0, followed = lines->live && lines->live->opencode && opencode;
	bool claude = lines->live && lines->live->claude && strcmp(label, "claude") == 0;
	bool listened = lines->servers->count > 0 && opencode;

	(void)name, (void)err;
	jw_object(out);
	jw_key(out, "name");
	jw_text(out, label);
	jw_key(out, "events");
	jw_int(out, counter_of(lines->spool, "events", label));
	jw_key(out, "records");
	jw_int(out, value);
	write_state(out, claude ? &lines->live->transcripts : followed ? &lines->live->all : listened ? &lines->servers->servers[0].status : &off);
	if (claude)
		write_transcripts(out, lines->live);
	if (followed)
		write_databases(out, lines->live);
	if (listened)
		write_servers(out, lines->servers);
	jw_object_close(out);
	lines->opencode = lines->opencode || opencode;
	lines->claude = lines->claude || claude;
	return 0;
}

static int write_sources(struct spool *spool, const struct work *work, struct json_writer *out, struct err *err)
{
	struct sources_status *live = work->sources ? xcalloc(1, sizeof *live) : NULL;
	struct servers_status *servers = xcalloc(1, sizeof *servers);
	struct source_lines lines = { .out = out, .spool = spool, .live = live, .servers = servers };
	int rc;

	if (live)
		sources_status(work->sources, live);
	if (work->servers)
		servers_status(work->servers, servers);
	jw_key(out, "sources");
	jw_array(out);
	rc = spool_each_counter(spool, "records", write_source, &lines, err);
	if (rc == 0 && ((live && live->opencode) || servers->count > 0) && !lines.opencode)
		rc = write_source(&lines, "", "opencode", 0, err);
	if (rc == 0 && live && live->claude && !lines.claude)
		rc = write_source(&lines, "", "claude", 0, err);
	jw_array_close(out);
	free(live);
	free(servers);
	return rc;
}

static int write_counters(struct spool *spool, struct json_writer *out, struct err *err)
{
	int rc;

	jw_key(out, "dropped");
	jw_object(out);
	rc = spool_each_counter(spool, "dropped", write_label, out, err);
	jw_object_close(out);
	jw_key(out, "redacted");
	jw_object(out);
	jw_key(out, "total");
	jw_int(out, counter_sum(spool, "redacted"));
	jw_key(out, "by_rule");
	jw_object(out);
	if (rc == 0)
		rc = spool_each_counter(spool, "redacted", write_label, out, err);
	jw_object_close(out);
	jw_object_close(out);
	return rc;
}

int status_write(struct spool *spool, const struct work *work, const struct ship_status *ships, struct json_writer *out, struct err *err)
{
	struct spool_figures figures;
	int rc;

	jw_object(out);
	jw_key(out, "version");
	jw_text(out, PACKAGE_VERSION);
	jw_key(out, "pid");
	if (ships)
		jw_int(out, getpid());
	else
		jw_null(out);
	jw_key(out, "uptime_s");
	jw_int(out, ships ? (clock_mono_ms() - work->started_mono_ms) / 1000 : 0);
	jw_key(out, "mode");
	jw_text(out, redact_mode_name(work->mode));
	rc = spool_figures(spool, &figures, err);
	if (rc == 0) {
		write_spool(spool, work, &figures, out);
		write_sinks(spool, work, ships, &figures, out);
		rc = write_sources(spool, work, out, err);
	}
	if (rc == 0)
		rc = write_counters(spool, out, err);
	jw_object_close(out);
	return rc;
}
