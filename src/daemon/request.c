/* The table of requests and their handlers; see request.h. */
#include "daemon/request.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/client.h"
#include "daemon/flusher/flush.h"
#include "daemon/meters/meter.h"
#include "daemon/sources/pipeline.h"
#include "daemon/sources/sources.h"
#include "daemon/status.h"
#include "metrics/prometheus.h"
#include <stdlib.h>
#include <time.h>

#define MAX_REPLY_BYTES (64u << 20)
#define LOCK_WAIT_MS 5000

struct call {
	struct request_context *context;
	const struct json_doc *args;
	struct json_writer *result; /* inside "result":{…} */
	struct ship_status ships[SINK_COUNT];
	bool has_ships; /* a daemon is there */
	int rc;
};

static int status_run(struct spool *spool, void *arg, struct err *err)
{
	struct call *call = arg;

	jw_key(call->result, "status");
	return status_write(spool, call->context->work, call->has_ships ? call->ships : NULL, call->result, err);
}

static int handle_status(struct call *call, struct err *err)
{
	struct work *work = call->context->work;

	if (work->flushers[SINK_LANGFUSE]) {
		for (int sink = 0; sink < SINK_COUNT; sink++)
			if (work->flushers[sink])
				flusher_status(work->flushers[sink], &call->ships[sink]);
		call->has_ships = true;
	}
	return work_on_spool(work, false, status_run, call, err);
}

static int metrics_run(struct spool *spool, void *arg, struct err *err)
{
	struct call *call = arg;
	bool open_metrics = json_bool(call->args, json_get(call->args, 0, "openmetrics"), false);
	struct metrics *metrics;
	int64_t start_ms;
	struct buf text;
	int rc = meter_read(spool, call->context->work, &metrics, &start_ms, err);

	if (rc != 0)
		return rc;
	buf_init(&text, MAX_REPLY_BYTES / 2);
	if (prometheus_write(metrics, open_metrics, start_ms, &text) != 0)
		rc = err_set(err, LF_ELIMIT, "too many series");
	jw_key(call->result, "text");
	jw_string(call->result, buf_view(&text));
	buf_done(&text);
	metrics_free(metrics);
	return rc;
}

static int handle_metrics(struct call *call, struct err *err)
{
	return work_on_spool(call->context->work, false, metrics_run, call, err);
}

static void write_uint(struct json_writer *out, const char *key, uint64_t value)
{
	jw_key(out, key);
	jw_uint(out, value);
}

static int purge_run(struct spool *spool, void *arg, struct err *err)
{
	struct call *call = arg;
	const struct json_doc *args = call->args;
	struct buf session;
	struct spool_purged purged = { 0 };
	struct spool_purge purge = {
		.older_than_ms = json_int(args, json_get(args, 0, "older_than_ms"), 0),
		.delivered_only = json_bool(args, json_get(args, 0, "delivered"), false),
		.dead = json_bool(args, json_get(args, 0, "dead"), false),
		.all = json_bool(args, json_get(args, 0, "all"), false),
		.dry_run = json_bool(args, json_get(args, 0, "dry_run"), false),
	};
	int rc;

	buf_init(&session, 4096);
	if (json_text(args, json_get(args, 0, "session"), &session) == 0)
		purge.session = buf_view(&session);
	rc = spool_purge(spool, &purge, &purged, err);
	write_uint(call->result, "records", purged.records);
	write_uint(call->result, "observations", purged.observations);
	write_uint(call->result, "undelivered", purged.undelivered);
	write_uint(call->result, "dead", purged.dead);
	write_uint(call->result, "bytes", purged.bytes);
	buf_done(&session);
	return rc;
}

static int handle_purge(struct call *call, struct err *err)
{
	return work_on_spool(call->context->work, false, purge_run, call, err);
}

static int dead_run(struct spool *spool, void *arg, struct err *err)
{
	struct call *call = arg;
	int64_t id = json_int(call->args, json_get(call->args, 0, "id"), 0);
	bool retry = json_string_is(call->args, json_get(call->args, 0, "do"), "retry");
	uint64_t count = 0;
	int rc = (retry ? spool_dead_retry : spool_dead_drop)(spool, id, &count, err);

	write_uint(call->result, "count", count);
	return rc;
}

static int handle_dead(struct call *call, struct err *err)
{
	return work_on_spool(call->context->work, false, dead_run, call, err);
}

static int flush_sink(struct work *work, enum spool_sink sink, int64_t timeout_ms, struct err *err)
{
	struct ship *ship = NULL;
	int rc;

	if (work->flushers[sink])
		return flusher_flush(work->flushers[sink], timeout_ms, err);
	rc = work_ship_new(work, sink, NULL, &ship, err);
	if (rc == 0)
		rc = flush_all(work, ship, timeout_ms, err);
	ship_free(ship);
	return rc;
}

/* One sink after the other, each with the whole time: what one cannot send does not keep the others from theirs. */
static int handle_flush(struct call *call, struct err *err)
{
	struct work *work = call->context->work;
	int64_t timeout_ms = json_int(call->args, json_get(call->args, 0, "timeout_ms"), 30000);
	int first = 0;

	for (int sink = 0; sink < SINK_COUNT; sink++) {
		struct err own = { 0 };
		int rc = work->sinks & SPOOL_SINK_BIT(sink) ? flush_sink(work, (enum spool_sink)sink, timeout_ms, &own) : 0;
		if (rc != 0 && first == 0)
			first = err_set(err, rc, "%s", own.text);
	}
	return first;
}

static void write_ingest(struct json_writer *out, const struct pipeline_result *result)
{
	write_uint(out, "bytes", result->counts.bytes);
	write_uint(out, "values", result->counts.values);
	write_uint(out, "events", result->counts.events);
	write_uint(out, "stored", result->stored);
	write_uint(out, "unchanged", result->unchanged);
	write_uint(out, "skipped", result->counts.skipped);
	write_uint(out, "unknown", result->counts.unknown);
	write_uint(out, "bad", result->counts.bad);
	write_uint(out, "oversize", result->counts.oversize);
	write_uint(out, "dropped", result->dropped);
	write_uint(out, "problems", result->problems);
	jw_key(out, "words");
	jw_string(out, buf_view(&result->words));
}

static int handle_ingest(struct call *call, struct err *err)
{
	struct work *work = call->context->work;
	char *source = json_strdup(call->args, json_get(call->args, 0, "source"), 64);
	char *name = json_strdup(call->args, json_get(call->args, 0, "name"), 4096);
	struct pipeline_result result;
	struct err ignored;
	int rc;

	pipeline_result_init(&result);
	if (call->context->input_lost)
		rc = err_set(err, LF_EAGAIN, "ingest: the daemon has too many files open");
	else if (call->context->input_fd < 0)
		rc = err_set(err, LF_EINVAL, "ingest: no input was handed over");
	else
		rc = pipeline_run(work, source, name ? name : "-", call->context->input_fd, call->context->peer_fd, &result, err);
	if (rc == 0) /* whoever asked may read the file next; durable it is in any case */
		(void)work_on_spool(work, true, NULL, NULL, &ignored);
	write_ingest(call->result, &result);
	pipeline_result_done(&result);
	free(source);
	free(name);
	return rc;
}

/*
 * The rest of what comes over this connection is events, until the other side ends it. The answer goes out first: it says that
 * sending may begin. What is read is durable sooner or later; the sender does not hear of it.
 */
static int handle_events(struct call *call, struct err *err)
{
	struct work *work = call->context->work;
	char *source = json_strdup(call->args, json_get(call->args, 0, "source"), 64);
	char *name = json_strdup(call->args, json_get(call->args, 0, "name"), 64);
	struct pipeline_result result;
	int rc;

	pipeline_result_init(&result);
	if (call->context->peer_fd < 0 || !work->writer)
		rc = err_set(err, LF_EINVAL, "events: only a running daemon listens");
	else if (atomic_fetch_add(&work->streams, 1) >= WORK_MAX_STREAMS)
		rc = err_set(err, LF_EBUSY, "events: %d agents are connected already", WORK_MAX_STREAMS);
	else if (file_write_all(call->context->peer_fd, SLICE("{\"rc\":0}\n")) != 0)
		rc = err_set(err, LF_ECLOSED, "events: the sender is gone");
	else
		rc = pipeline_run(work, source, name ? name : "events", call->context->peer_fd, -1, &result, err);
	if (call->context->peer_fd >= 0 && work->writer)
		atomic_fetch_sub(&work->streams, 1);
	log_event(rc == 0 || rc == LF_ECLOSED ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "events.end",
	          "rc=%d events=%llu stored=%llu bad=%llu", rc, (unsigned long long)result.counts.events,
	          (unsigned long long)result.stored, (unsigned long long)result.counts.bad);
	pipeline_result_done(&result);
	free(source);
	free(name);
	return rc;
}

/* A slice of it: the caller asks again while something is left. */
static int handle_backfill(struct call *call, struct err *err)
{
	struct work *work = call->context->work;
	struct backfill want = {
		.since_ms = json_int(call->args, json_get(call->args, 0, "since_ms"), 0),
		.dry_run = json_bool(call->args, json_get(call->args, 0, "dry_run"), false),
		.deadline_mono_ms = clock_mono_ms() + json_int(call->args, json_get(call->args, 0, "slice_ms"), 2000),
	};
	struct backfill_result result = { 0 };
	char *source = json_strdup(call->args, json_get(call->args, 0, "source"), 64);
	int rc;

	want.source = source;
	if (work->writer && !work->sources) {
		free(source);
		return err_set(err, LF_EINVAL, "backfill: the daemon follows no sources (option sources, mode)");
	}
	rc = work->sources ? sources_backfill(work->sources, &want, &result, err) : sources_backfill_here(work, &want, &result, err);
	free(source);
	write_uint(call->result, "databases", result.databases);
	write_uint(call->result, "sessions", result.sessions);
	write_uint(call->result, "events", result.events);
	write_uint(call->result, "stored", result.stored);
	write_uint(call->result, "unchanged", result.unchanged);
	write_uint(call->result, "left", result.left);
	return rc;
}

static int handle_ping(struct call *call, struct err *err)
{
	(void)call, (void)err;
	return 0;
}

static const struct {
	const char *cmd;
	int (*handle)(struct call *call, struct err *err);
} requests[] = {
	{ "ping", handle_ping },     { "status", handle_status }, { "purge", handle_purge },   { "dead", handle_dead },
	{ "metrics", handle_metrics },
	{ "flush", handle_flush },   { "ingest", handle_ingest }, { "events", handle_events }, { "backfill", handle_backfill },
};

static int dispatch(struct call *call, struct err *err)
{
	int32_t cmd = json_get(call->args, 0, "cmd");

	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
		if (json_string_is(call->args, cmd, requests[i].cmd))
			return requests[i].handle(call, err);
	return err_set(err, LF_EINVAL, "the daemon does not know this request; are both of the same version?");
}

void request_handle(struct request_context *context, struct slice request, struct buf *reply)
{
	struct buf result;
	struct json_writer inner, outer;
	struct json_doc args;
	struct err err = { 0 };
	struct call call = { .context = context, .args = &args, .result = &inner };
	int rc;

	buf_init(&result, MAX_REPLY_BYTES);
	json_writer_init(&inner, &result);
	json_doc_init(&args);
	jw_object(&inner);
	rc = json_parse(&args, request, 1000, &err);
	if (rc == 0)
		rc = dispatch(&call, &err);
	jw_object_close(&inner);
	json_writer_init(&outer, reply);
	jw_object(&outer);
	jw_key(&outer, "rc");
	jw_int(&outer, rc);
	jw_key(&outer, "error");
	jw_text(&outer, rc != 0 ? err.text : "");
	jw_key(&outer, "result");
	jw_raw(&outer, buf_view(&result));
	jw_object_close(&outer);
	json_doc_done(&args);
	buf_done(&result);
}

static int open_here(struct work *work, bool read_only, struct err *err)
{
	int64_t deadline_ms = clock_mono_ms() + LOCK_WAIT_MS;
	struct timespec step = { 0, 50000000 };
	int rc;

	if (read_only)
		return spool_open_reader(conf_string(work->conf, "spool_dir"), &work->spool, err);
	while ((rc = work_open_spool(work, err)) == LF_EBUSY && clock_mono_ms() < deadline_ms)
		nanosleep(&step, NULL);
	/* no daemon is there to make room on a disk that is nearly full */
	if (rc == 0 && work_disk_low(work, WORK_RESERVE_INPUT))
		(void)spool_relieve(work->spool, err);
	return rc;
}

static int perform_here(const struct conf *conf, bool read_only, struct slice request, int input_fd, struct buf *reply, struct err *err)
{
	struct work work;
	struct request_context context = { .work = &work, .input_fd = input_fd, .peer_fd = -1 };
	int rc = work_init(&work, conf, err);

	if (rc == 0)
		rc = open_here(&work, read_only, err);
	if (rc == 0)
		request_handle(&context, request, reply);
	work_done(&work);
	return rc;
}

int request_perform(const struct conf *conf, bool read_only, struct slice request, int input_fd, struct buf *reply, struct err *err)
{
	struct json_doc doc;
	int rc = client_call(conf_string(conf, "spool_dir"), request, input_fd, reply, err);

	if (rc == LF_ENOENT)
		rc = perform_here(conf, read_only, request, input_fd, reply, err);
	if (rc != 0)
		return rc;
	json_doc_init(&doc);
	rc = json_parse(&doc, buf_view(reply), 0, err);
	if (rc == 0) {
		rc = (int)json_int(&doc, json_get(&doc, 0, "rc"), 0);
		if (rc != 0) {
			char *words = json_strdup(&doc, json_get(&doc, 0, "error"), sizeof err->text);
			err_set(err, rc, "%s", words ? words : "failed");
			free(words);
		}
	}
	json_doc_done(&doc);
	return rc;
}
