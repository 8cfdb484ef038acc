/*
 * The exporter's thread; see exporter.h. It reads the counters through the writer, waits for the network, and writes down what came
 * of it. What a request held is never guessed: as long as there is no answer, the same differences go out again (delta.h).
 */
#include "daemon/meters/exporter.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "daemon/meters/delta.h"
#include "daemon/meters/meter.h"
#include "daemon/otlp.h"
#include "metrics/otlp.h"
#include <pthread.h>
#include <stdlib.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#define MAX_REQUEST_BYTES (64u << 20)
#define FIRST_BACKOFF_MS 1000
#define MAX_RETRY_AFTER_MS 3600000
#define COMPLAIN_EVERY_MS 60000

struct exporter {
	struct work *work;
	struct collector *collector;
	struct mailbox *stop;
	pthread_t thread;
	atomic_bool cancel;
	bool json, exponential;
	enum metrics_temporality temporality;
	int64_t interval_ms, backoff_ms, backoff_max_ms, complained_mono_ms;
};

struct export {
	struct exporter *exporter;
	struct metrics *metrics;
	struct otlp_context context;
	uint64_t points;
	struct collector_answer answer;
};

/* ---- what is sent ---- */

static int prepare_run(struct spool *spool, void *arg, struct err *err)
{
	struct export *export = arg;
	struct exporter *exporter = export->exporter;
	struct metrics_options options = meter_options(exporter->work->conf);
	struct delta_window window = { 0 };
	int64_t now_ms = clock_wall_ms();
	int rc = 0;

	if (exporter->temporality != METRICS_CUMULATIVE)
		rc = delta_freeze(spool, exporter->temporality, now_ms, &window, err);
	if (rc != 0)
		return rc;
	options.exponential = exporter->exponential;
	export->metrics = metrics_new(&options);
	export->context = (struct otlp_context){
		.temporality = exporter->temporality, .start_ms = meter_start_ms(spool), .time_ms = now_ms, .delta_start_ms = window.start_ms,
		.delta_time_ms = window.time_ms, .version = PACKAGE_VERSION, .instance = work_instance(exporter->work),
		.resource = conf_string(exporter->work->conf, "resource_attributes"),
	};
	rc = delta_feed(spool, exporter->temporality, export->metrics, err);
	return rc != 0 ? rc : meter_gauges(spool, exporter->work, export->metrics, err);
}

static void complain(struct exporter *exporter, const struct collector_answer *answer)
{
	if (answer->verdict == COLLECTOR_TAKEN && !answer->helper_error[0])
		return;
	if (exporter->complained_mono_ms && clock_mono_ms() - exporter->complained_mono_ms < COMPLAIN_EVERY_MS)
		return;
	exporter->complained_mono_ms = clock_mono_ms();
	log_event(LOG_LEVEL_WARN, "metrics.export", "outcome=%s status=%ld grpc_status=%d rejected=%llu error=\"%s\" helper=\"%s\"",
	          collector_verdict_name(answer->verdict), answer->status, answer->grpc_status, (unsigned long long)answer->rejected, answer->reason,
	          answer->helper_error);
}

static int send_export(struct export *export, struct err *err)
{
	struct exporter *exporter = export->exporter;
	struct buf body;
	int rc;

	buf_init(&body, MAX_REQUEST_BYTES);
	rc = exporter->json ? otlp_write_json(export->metrics, &export->context, &body, &export->points)
	                    : otlp_write_protobuf(export->metrics, &export->context, &body, &export->points);
	if (rc != 0)
		err_set(err, rc, "too many series for one export");
	else
		rc = collector_send(exporter->collector, buf_view(&body), &export->answer, err);
	if (rc == 0)
		complain(exporter, &export->answer);
	buf_done(&body);
	return rc;
}

/* ---- what came of it ---- */

/* What a collector has taken or will never take is done with. What failed goes out with what comes next: that is no second try. */
static int write_outcome(struct spool *spool, const struct export *export, struct err *err)
{
	enum collector_verdict verdict = export->answer.verdict;
	uint64_t rejected = verdict == COLLECTOR_REFUSED ? export->points : export->answer.rejected;
	int rc = 0;

	if (verdict != COLLECTOR_AGAIN)
		rc = delta_settle(spool, verdict != COLLECTOR_HELD && verdict != COLLECTOR_FAILED, err);
	if (rc == 0)
		rc = spool_count(spool, "metrics_exports", collector_verdict_name(verdict), 1, err);
	if (rc == 0)
		rc = spool_count(spool, "metrics_rejected", verdict == COLLECTOR_REFUSED ? "refused" : "partial", (int64_t)rejected, err);
	return rc;
}

static int settle_run(struct spool *spool, void *arg, struct err *err)
{
	return write_outcome(spool, arg, err);
}

static int64_t jitter(int64_t ms)
{
	return ms / 2 + (int64_t)((double)ms / 2 * ((double)rand() / (double)RAND_MAX));
}

/* When to go on. */
static int64_t wait_ms(struct export *export)
{
	struct exporter *exporter = export->exporter;
	int64_t given_ms = export->answer.retry_after_ms, after_ms = given_ms < MAX_RETRY_AFTER_MS ? given_ms : MAX_RETRY_AFTER_MS, ms;

	if (export->answer.verdict != COLLECTOR_AGAIN) {
		exporter->backoff_ms = 0;
		return exporter->interval_ms;
	}
	exporter->backoff_ms = exporter->backoff_ms ? exporter->backoff_ms * 2 : FIRST_BACKOFF_MS;
	if (exporter->backoff_ms > exporter->backoff_max_ms)
		exporter->backoff_ms = exporter->backoff_max_ms;
	ms = jitter(exporter->backoff_ms);
	return after_ms > ms ? after_ms : ms;
}

static int64_t export_once(struct exporter *exporter)
{
	struct export export = { .exporter = exporter, .answer = { .verdict = COLLECTOR_AGAIN, .retry_after_ms = -1 } };
	struct err err = { 0 };
	int rc = work_on_spool(exporter->work, false, prepare_run, &export, &err);

	if (rc == 0)
		rc = send_export(&export, &err);
	if (rc == 0)
		rc = work_on_spool(exporter->work, true, settle_run, &export, &err);
	if (rc != 0 && rc != LF_ECLOSED)
		log_event(LOG_LEVEL_WARN, "metrics.export", "error=\"%s\"", err.text);
	metrics_free(export.metrics);
	return wait_ms(&export);
}

static void *exporter_main(void *arg)
{
	struct exporter *exporter = arg;
	int64_t ms = exporter->interval_ms < FIRST_BACKOFF_MS ? exporter->interval_ms : FIRST_BACKOFF_MS;
	void *nothing;

	while (mailbox_take(exporter->stop, &nothing, 1, ms) != LF_ECLOSED)
		ms = export_once(exporter);
	return NULL;
}

/* ---- life ---- */

static void exporter_free(struct exporter *exporter)
{
	collector_free(exporter->collector);
	mailbox_free(exporter->stop);
	free(exporter);
}

static struct exporter *exporter_new(struct work *work)
{
	const struct conf *conf = work->conf;
	struct exporter *exporter = xcalloc(1, sizeof *exporter);

	exporter->work = work;
	exporter->exponential = conf_string(conf, "otlp_histograms")[0] == 'b';
	exporter->temporality = (enum metrics_temporality)conf_int(conf, "otlp_temporality");
	exporter->interval_ms = conf_int(conf, "otlp_interval");
	exporter->backoff_max_ms = conf_int(conf, "backoff_max");
	exporter->stop = mailbox_new(1);
	return exporter;
}

int exporter_start(struct work *work, struct exporter **ret, struct err *err)
{
	struct collector_options options;
	struct exporter *exporter;
	int rc;

	if (!otlp_options(work->conf, COLLECTOR_METRICS, &options))
		return 0;
	exporter = exporter_new(work);
	exporter->json = options.protocol == COLLECTOR_JSON;
	options.cancel = &exporter->cancel;
	rc = collector_new(&options, &exporter->collector, err);
	if (rc != 0)
		err_prefix(err, "otlp_headers");
	else if (pthread_create(&exporter->thread, NULL, exporter_main, exporter) != 0)
		rc = err_set(err, LF_ENOMEM, "cannot start the exporter's thread");
	if (rc != 0) {
		exporter_free(exporter);
		return rc;
	}
	if (work_plain_text(options.endpoint))
		log_event(LOG_LEVEL_WARN, "metrics.plaintext", "note=\"http:// to a host that is not this machine: metrics can be read on the way\"");
	*ret = exporter;
	return 0;
}

void exporter_cancel(struct exporter *exporter)
{
	if (exporter)
		atomic_store(&exporter->cancel, true);
}

void exporter_stop(struct exporter *exporter)
{
	if (!exporter)
		return;
	exporter_cancel(exporter);
	mailbox_close(exporter->stop);
	pthread_join(exporter->thread, NULL);
	exporter_free(exporter);
}
