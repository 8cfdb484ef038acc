/* Makes objects of the configuration; see work.h. */
#include "daemon/work.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "ship/headers.h"
#include "daemon/meters/counting.h"
#include "daemon/otlp.h"
#include "metrics/view.h"
#include "daemon/writer.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

extern char **environ;

#define SECRET_MIN_BYTES 8 /* a shorter value would tear harmless text apart */

static bool name_is_secret(const char *globs, struct slice name)
{
	char wanted[256], given[256];

	if (name.len >= sizeof given)
		return false;
	memcpy(given, name.ptr, name.len);
	given[name.len] = '\0';
	for (const char *p = globs; p && *p;) {
		size_t n = strcspn(p, ",");
		if (n < sizeof wanted) {
			memcpy(wanted, p, n);
			wanted[n] = '\0';
			if (fnmatch(wanted, given, 0) == 0)
				return true;
		}
		p += n;
		p += *p == ',';
	}
	return false;
}

static void deny_add(struct work *work, size_t *count, const char *value)
{
	if (!value || strlen(value) < SECRET_MIN_BYTES)
		return;
	work->deny_values = xrealloc(work->deny_values, (*count + 2) * sizeof *work->deny_values);
	work->deny_values[(*count)++] = xstrdup(value);
	work->deny_values[*count] = NULL;
}

/* The values of the headers for collectors, with and without a word like "Bearer" before them. */
static void deny_headers(struct work *work, size_t *count)
{
	static const char *const names[] = { "otlp_headers", "otlp_metrics_headers", "otlp_logs_headers", "otlp_traces_headers" };
	struct headers headers;

	headers_init(&headers);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)headers_put_list(&headers, conf_string(work->conf, names[i]), NULL); /* who sends them says what is wrong */
	for (size_t i = 0; i < headers.count; i++) {
		const char *value = strchr(headers.lines[i], ':'), *rest = value ? strchr(value + 2, ' ') : NULL;
		if (value)
			deny_add(work, count, value + 2);
		if (rest)
			deny_add(work, count, rest + 1);
	}
	headers_done(&headers);
}

/* Exact values that must never leave: our own key, and what the environment calls a secret. */
static void deny_collect(struct work *work)
{
	const char *globs = conf_string(work->conf, "redact_env");
	size_t count = 0;

	work->deny_values = xcalloc(1, sizeof *work->deny_values);
	deny_add(work, &count, conf_string(work->conf, "langfuse_secret_key"));
	deny_headers(work, &count);
	for (char **e = environ; e && *e; e++) {
		const char *eq = strchr(*e, '=');
		if (eq && name_is_secret(globs, (struct slice){ *e, (size_t)(eq - *e) }))
			deny_add(work, &count, eq + 1);
	}
}

static int rules_compile(struct work *work, struct err *err)
{
	struct redact_options options = {
		.mode = work->mode,
		.max_field_bytes = (size_t)conf_int(work->conf, "max_field_kb") << 10,
		.max_record_bytes = (size_t)conf_int(work->conf, "max_record_mb") << 20,
		.user_patterns = conf_string(work->conf, "redact_patterns"),
		.pattern_file = conf_string(work->conf, "redact_pattern_file"),
		.allow_file = conf_string(work->conf, "redact_allow"),
		.deny_file = conf_string(work->conf, "redact_deny"),
		.pii = conf_string(work->conf, "redact_pii"),
		.deny_values = (const char *const *)work->deny_values,
	};

	return ruleset_new(&options, &work->rules, err);
}

static const enum collector_signal signals[] = { [SINK_TRACES] = COLLECTOR_TRACES, [SINK_LOGS] = COLLECTOR_LOGS };

unsigned work_sinks(const struct conf *conf)
{
	static const char *const options[] = { [SINK_TRACES] = "otlp_traces", [SINK_LOGS] = "otlp_logs" };
	struct collector_options collector;
	unsigned sinks = 0;

	for (int sink = SINK_TRACES; sink < SINK_COUNT; sink++)
		if (strcmp(conf_string(conf, options[sink]), "otlp") == 0 && otlp_options(conf, signals[sink], &collector))
			sinks |= SPOOL_SINK_BIT(sink);
	if (sinks == 0 || (conf_string(conf, "langfuse_host") && conf_string(conf, "langfuse_public_key") && conf_string(conf, "langfuse_secret_key")))
		sinks |= SPOOL_SINK_BIT(SINK_LANGFUSE);
	return sinks;
}

int work_init(struct work *work, const struct conf *conf, struct err *err)
{
	const char *unit = conf_string(conf, "trace_unit");
	char host[256] = "";

	memset(work, 0, sizeof *work);
	work->conf = conf;
	work->started_mono_ms = clock_mono_ms();
	work->unit = unit && strcmp(unit, "turn") == 0 ? TRACE_UNIT_TURN : TRACE_UNIT_SESSION;
	work->stale_after_ms = conf_int(conf, "stale_after");
	work->sinks = work_sinks(conf);
	work->count.max_series = (unsigned)conf_int(conf, "metrics_max_series");
	work->count.project_label = list_has(conf_string(conf, "metrics_labels"), "project");
	work->count.session_label = list_has(conf_string(conf, "metrics_labels"), "session");
	if (redact_mode_parse(conf_string(conf, "mode"), &work->mode) != 0)
		return err_set(err, LF_EINVAL, "mode: unknown value");
	if (work->mode == MODE_FULL && gethostname(host, sizeof host - 1) == 0 && host[0])
		work->host_name = xstrdup(host);
	deny_collect(work);
	return rules_compile(work, err);
}

void work_done(struct work *work)
{
	work_close_spool(work);
	ruleset_free(work->rules);
	for (char **v = work->deny_values; v && *v; v++) {
		explicit_bzero(*v, strlen(*v));
		free(*v);
	}
	free(work->deny_values);
	free(work->host_name);
	memset(work, 0, sizeof *work);
}

int work_open_spool(struct work *work, struct err *err)
{
	struct spool_options options = {
		.dir = conf_string(work->conf, "spool_dir"),
		.max_bytes = (uint64_t)conf_int(work->conf, "max_spool_mb") << 20,
		.retention_ms = conf_int(work->conf, "retention_days") * INT64_C(86400000),
		.sinks = work->sinks,
	};

	int rc = spool_open(&options, &work->spool, err);

	return rc != 0 ? rc : counting_open(work->spool, err);
}

void work_close_spool(struct work *work)
{
	if (work->spool)
		spool_close(work->spool);
	work->spool = NULL;
}

bool work_disk_low(const struct work *work, uint64_t reserve_bytes)
{
	struct statvfs fs;

	if (statvfs(conf_string(work->conf, "spool_dir"), &fs) != 0)
		return false;
	return (uint64_t)fs.f_bavail * fs.f_frsize < reserve_bytes;
}

void work_post(struct work *work, struct work_job *job)
{
	job->err = (struct err){ 0 };
	job->answer = NULL;
	if (work->writer)
		writer_post(work->writer, job);
	else
		writer_run(work->spool, job);
}

void work_do(struct work *work, struct work_job *job)
{
	job->err = (struct err){ 0 };
	job->answer = NULL;
	if (!work->writer)
		writer_run(work->spool, job);
	else if (!job->grouped || !writer_try(work->writer, job))
		writer_post(work->writer, job);
}

int work_await(struct work_job *job)
{
	void *back;

	if (job->answer) {
		(void)mailbox_take(job->answer, &back, 1, -1);
		mailbox_free(job->answer);
		job->answer = NULL;
	}
	return job->rc;
}

int work_on_spool(struct work *work, bool grouped, spool_work_fn *fn, void *arg, struct err *err)
{
	struct work_job job = { .grouped = grouped, .fn = fn, .arg = arg };

	work_do(work, &job);
	if (work_await(&job) != 0)
		*err = job.err;
	return job.rc;
}

bool work_plain_text(const char *host)
{
	static const char *const loopback[] = { "127.", "localhost", "[::1]" };

	if (strncmp(host, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++)
		if (strncmp(host + 7, loopback[i], strlen(loopback[i])) == 0)
			return false;
	return true;
}

static enum ship_api api_of(const char *name)
{
	static const struct { const char *name; enum ship_api api; } table[] = {
		{ "otlp", SHIP_OTLP }, { "otlp_json", SHIP_OTLP_JSON }, { "ingestion", SHIP_INGESTION },
	};

	for (size_t i = 0; name && i < sizeof table / sizeof table[0]; i++)
		if (strcmp(name, table[i].name) == 0)
			return table[i].api;
	return SHIP_AUTO;
}

static enum map_convention convention_of(const struct conf *conf, enum spool_sink sink)
{
	if (sink == SINK_LANGFUSE)
		return MAP_LANGFUSE;
	if (sink == SINK_LOGS)
		return MAP_LOGS;
	return strcmp(conf_string(conf, "otlp_convention"), "openinference") == 0 ? MAP_OPENINFERENCE : MAP_GEN_AI;
}

const char *work_instance(const struct work *work)
{
	const char *instance = conf_string(work->conf, "instance_id");

	return instance ? instance : work->host_name;
}

int work_ship_new(struct work *work, enum spool_sink sink, const atomic_bool *cancel, struct ship **ret, struct err *err)
{
	const struct conf *conf = work->conf;
	struct ship_options options = {
		.sink = sink,
		.host = conf_string(conf, "langfuse_host"),
		.public_key = conf_string(conf, "langfuse_public_key"),
		.secret_key = conf_string(conf, "langfuse_secret_key"),
		.api = api_of(conf_string(conf, "api")),
		.no_gzip = strcmp(conf_string(conf, "compression"), "none") == 0,
		.batch_max_bytes = (size_t)conf_int(conf, "batch_max_kb") * 1000,
		.map = {
			.trace_prefix = conf_string(conf, "trace_prefix"),
			.environment = conf_string(conf, "environment"),
			.release = conf_string(conf, "release"),
			.user_id = conf_string(conf, "user_id"),
			.tags = conf_string(conf, "tags"),
			.version = PACKAGE_VERSION,
			.host_name = work->host_name,
			.convention = convention_of(conf, sink),
			.instance = work_instance(work),
			.resource = conf_string(conf, "resource_attributes"),
			.span_attributes = conf_string(conf, "span_attributes"),
			.excluded = conf_string(conf, "otlp_excluded_attributes"),
			.prefix = conf_string(conf, "metrics_prefix"),
			.traceparent = conf_string(conf, "traceparent"),
			.tracestate = conf_string(conf, "tracestate"),
			.no_content = !conf_bool(conf, "otlp_content"),
		},
		.http = {
			.ca_file = conf_string(conf, "ca_file"),
			.user_agent = "lfspool/" PACKAGE_VERSION,
			.connect_timeout_ms = (long)conf_int(conf, "connect_timeout"),
			.total_timeout_ms = (long)conf_int(conf, "request_timeout"),
			.cancel = cancel,
		},
		.backoff_max_ms = conf_int(conf, "backoff_max"),
		.pause_retry_ms = conf_int(conf, "pause_retry"),
		.lookup_delay_ms = conf_int(conf, "lookup_delay"),
	};

	if (sink != SINK_LANGFUSE)
		(void)otlp_options(conf, signals[sink], &options.collector);
	options.collector.cancel = cancel;
	return ship_new(&options, ret, err);
}
