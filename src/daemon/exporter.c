/*
 * The exporter's thread; see exporter.h. It reads the counters through the writer, waits for the network, and writes down what came
 * of it. What a request held is never guessed: as long as there is no answer, the same differences go out again (delta.h).
 */
#include "daemon/exporter.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "daemon/delta.h"
#include "daemon/meter.h"
#include "metrics/otlp.h"
#include "ship/http.h"
#include <pthread.h>
#include <stdlib.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#define MAX_HEADERS 32
#define MAX_REQUEST_BYTES (64u << 20)
#define MAX_ANSWER_BYTES (4u << 20)
#define FIRST_BACKOFF_MS 1000
#define MAX_RETRY_AFTER_MS 3600000
#define COMPLAIN_EVERY_MS 60000

enum outcome { TAKEN, AGAIN, HELD, REFUSED }; /* HELD: goes out with the next one; REFUSED: nobody will take it */
static const char *const outcome_names[] = { "taken", "again", "held", "refused" };

struct exporter {
	struct work *work;
	struct http *http;
	struct mailbox *stop;
	pthread_t thread;
	atomic_bool cancel;
	char *url;
	char *headers[MAX_HEADERS + 2]; /* NULL-terminated */
	bool json, gzip, exponential;
	enum metrics_temporality temporality;
	int64_t interval_ms, backoff_ms, backoff_max_ms, complained_mono_ms;
};

struct export {
	struct exporter *exporter;
	struct metrics *metrics;
	struct otlp_context context;
	uint64_t points, rejected;
	enum outcome outcome;
	int64_t retry_after_ms;
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
		.delta_time_ms = window.time_ms, .version = PACKAGE_VERSION, .resource = conf_string(exporter->work->conf, "resource_attributes"),
	};
	rc = delta_feed(spool, exporter->temporality, export->metrics, err);
	return rc != 0 ? rc : meter_gauges(spool, exporter->work, export->metrics, err);
}

static enum outcome judge(const struct http_answer *answer)
{
	static const struct { long from, to; enum outcome outcome; } rows[] = {
		{ 200, 299, TAKEN }, { 400, 400, REFUSED }, { 413, 413, REFUSED }, { 429, 429, AGAIN }, { 502, 504, AGAIN },
	};

	if (answer->phase != HTTP_ANSWERED)
		return answer->tls_config_error ? HELD : AGAIN;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (answer->status >= rows[i].from && answer->status <= rows[i].to)
			return rows[i].outcome;
	return HELD;
}

static void complain(struct export *export, const struct http_answer *answer)
{
	struct exporter *exporter = export->exporter;

	if (export->outcome == TAKEN && export->rejected == 0)
		return;
	if (exporter->complained_mono_ms && clock_mono_ms() - exporter->complained_mono_ms < COMPLAIN_EVERY_MS)
		return;
	exporter->complained_mono_ms = clock_mono_ms();
	log_event(LOG_LEVEL_WARN, "metrics.export", "outcome=%s status=%ld rejected=%llu error=\"%s\"", outcome_names[export->outcome], answer->status,
	          (unsigned long long)export->rejected, answer->phase == HTTP_ANSWERED ? "" : answer->error);
}

static int post(struct export *export, struct slice body, struct err *err)
{
	struct exporter *exporter = export->exporter;
	struct http_answer answer;
	int rc;

	http_answer_init(&answer);
	rc = http_post(exporter->http, exporter->url, (const char *const *)exporter->headers, NULL, body, exporter->gzip, &answer, err);
	if (rc == 0) {
		export->outcome = judge(&answer);
		export->retry_after_ms = answer.retry_after_ms;
		if (export->outcome == TAKEN)
			export->rejected = otlp_rejected(buf_view(&answer.body), exporter->json);
		else if (export->outcome == REFUSED)
			export->rejected = export->points;
		complain(export, &answer);
	}
	http_answer_done(&answer);
	return rc;
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
		rc = post(export, buf_view(&body), err);
	buf_done(&body);
	return rc;
}

/* ---- what came of it ---- */

static int write_outcome(struct spool *spool, const struct export *export, struct err *err)
{
	int rc = 0;

	if (export->outcome != AGAIN)
		rc = delta_settle(spool, export->outcome != HELD, err);
	if (rc == 0)
		rc = spool_count(spool, "metrics_exports", outcome_names[export->outcome], 1, err);
	if (rc == 0)
		rc = spool_count(spool, "metrics_rejected", export->outcome == TAKEN ? "partial" : "refused", (int64_t)export->rejected, err);
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
	int64_t after_ms = export->retry_after_ms < MAX_RETRY_AFTER_MS ? export->retry_after_ms : MAX_RETRY_AFTER_MS, ms;

	if (export->outcome != AGAIN) {
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
	struct export export = { .exporter = exporter, .outcome = AGAIN, .retry_after_ms = -1 };
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

static int unhex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "Name: value", the value percent-decoded; NULL when it is none or holds control characters. */
static char *header_line(struct slice key, struct slice value)
{
	struct buf line;

	buf_init(&line, 0);
	buf_slice(&line, key);
	buf_text(&line, ": ");
	for (size_t i = 0; i < value.len; i++) {
		bool escape = value.ptr[i] == '%' && i + 2 < value.len && unhex(value.ptr[i + 1]) >= 0 && unhex(value.ptr[i + 2]) >= 0;
		buf_char(&line, escape ? (char)(unhex(value.ptr[i + 1]) * 16 + unhex(value.ptr[i + 2])) : value.ptr[i]);
		i += escape ? 2 : 0;
	}
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.data[i] < 0x20 || line.data[i] == 0x7f) {
			buf_done(&line);
			return NULL;
		}
	return buf_take(&line, NULL);
}

static int make_headers(struct exporter *exporter, const char *pairs, struct err *err)
{
	struct slice key, value;
	size_t n = 0;

	exporter->headers[n++] = xstrdup(exporter->json ? "Content-Type: application/json" : "Content-Type: application/x-protobuf");
	while (list_pair_next(&pairs, &key, &value)) {
		char *line = n <= MAX_HEADERS ? header_line(key, value) : NULL;
		if (!line)
			return err_set(err, LF_EINVAL, "otlp_headers: more than %d, or a control character", MAX_HEADERS);
		exporter->headers[n++] = line;
	}
	return 0;
}

static char *make_url(const struct conf *conf)
{
	const char *own = conf_string(conf, "otlp_metrics_endpoint"), *base = conf_string(conf, "otlp_endpoint");
	size_t n = base ? strlen(base) : 0;
	struct buf url;

	if (own)
		return xstrdup(own);
	while (n > 0 && base[n - 1] == '/')
		n--;
	buf_init(&url, 0);
	buf_format(&url, "%.*s/v1/metrics", (int)n, base);
	return buf_take(&url, NULL);
}

static void exporter_free(struct exporter *exporter)
{
	if (exporter->http)
		http_free(exporter->http);
	for (size_t i = 0; exporter->headers[i]; i++) {
		explicit_bzero(exporter->headers[i], strlen(exporter->headers[i]));
		free(exporter->headers[i]);
	}
	if (exporter->stop)
		mailbox_free(exporter->stop);
	free(exporter->url);
	free(exporter);
}

static struct exporter *exporter_new(struct work *work)
{
	const struct conf *conf = work->conf;
	const char *ca_file = conf_string(conf, "otlp_ca_file");
	struct exporter *exporter = xcalloc(1, sizeof *exporter);
	struct http_options http = {
		.ca_file = ca_file ? ca_file : conf_string(conf, "ca_file"), .user_agent = "lfspool/" PACKAGE_VERSION,
		.connect_timeout_ms = (long)conf_int(conf, "connect_timeout"), .total_timeout_ms = (long)conf_int(conf, "otlp_timeout"),
		.max_answer_bytes = MAX_ANSWER_BYTES, .cancel = &exporter->cancel,
	};

	exporter->work = work;
	exporter->url = make_url(conf);
	exporter->json = strcmp(conf_string(conf, "otlp_protocol"), "http/json") == 0;
	exporter->exponential = conf_string(conf, "otlp_histograms")[0] == 'b';
	exporter->gzip = strcmp(conf_string(conf, "otlp_compression"), "gzip") == 0;
	exporter->temporality = (enum metrics_temporality)conf_int(conf, "otlp_temporality");
	exporter->interval_ms = conf_int(conf, "otlp_interval");
	exporter->backoff_max_ms = conf_int(conf, "backoff_max");
	exporter->stop = mailbox_new(1);
	exporter->http = http_new(&http);
	return exporter;
}

int exporter_start(struct work *work, struct exporter **ret, struct err *err)
{
	const struct conf *conf = work->conf;
	struct exporter *exporter;
	int rc;

	if (!conf_string(conf, "otlp_endpoint") && !conf_string(conf, "otlp_metrics_endpoint"))
		return 0;
	if (strcmp(conf_string(conf, "otlp_protocol"), "grpc") == 0) {
		log_event(LOG_LEVEL_WARN, "metrics.export", "note=\"otlp_protocol grpc is not supported: no metrics are sent\"");
		return 0;
	}
	exporter = exporter_new(work);
	rc = make_headers(exporter, conf_string(conf, "otlp_headers"), err);
	if (rc == 0 && pthread_create(&exporter->thread, NULL, exporter_main, exporter) != 0)
		rc = err_set(err, LF_ENOMEM, "cannot start the exporter's thread");
	if (rc != 0) {
		exporter_free(exporter);
		return rc;
	}
	if (work_plain_text(exporter->url))
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
