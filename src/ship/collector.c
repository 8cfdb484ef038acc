/* See collector.h: addresses, headers, and one request; what the answer means stands in collector_answer.c. */
#include "ship/collector.h"
#include "base/mem.h"
#include "base/program.h"
#include "ship/collector_private.h"
#include "ship/grpc.h"
#include "ship/headers.h"
#include "ship/http.h"
#include <stdio.h>
#include <stdlib.h>

#define MAX_ANSWER_BYTES (4u << 20)
#define MAX_FRAME_BYTES ((256u << 20) + 5)
#define HELPER_TIMEOUT_MS 5000
#define HELPER_MAX_BYTES (1u << 20)

static const struct {
	const char *path, *service;
} signals[] = {
	[COLLECTOR_METRICS] = { "v1/metrics", "opentelemetry.proto.collector.metrics.v1.MetricsService" },
	[COLLECTOR_LOGS] = { "v1/logs", "opentelemetry.proto.collector.logs.v1.LogsService" },
	[COLLECTOR_TRACES] = { "v1/traces", "opentelemetry.proto.collector.trace.v1.TraceService" },
};

static const char *const content_types[] = {
	[COLLECTOR_PROTOBUF] = "application/x-protobuf", [COLLECTOR_JSON] = "application/json", [COLLECTOR_GRPC] = "application/grpc",
};

struct collector {
	enum collector_signal signal;
	enum collector_protocol protocol;
	bool gzip, helper_ran;
	const atomic_bool *cancel;
	struct http *http;
	char *url, *helper;
	struct headers fixed;   /* of the protocol and the options */
	struct headers sent;    /* those, and what the helper printed last */
};

/* ---- making one ---- */

static char *make_url(const struct collector_options *options)
{
	const char *endpoint = options->endpoint, *host = strstr(endpoint, "://");
	size_t n = strlen(endpoint);
	struct buf url;

	buf_init(&url, 0);
	if (options->protocol == COLLECTOR_GRPC) {
		n = host ? (size_t)(host + 3 - endpoint) + strcspn(host + 3, "/?#") : n;
		buf_format(&url, "%.*s/%s/Export", (int)n, endpoint, signals[options->signal].service);
		return buf_take(&url, NULL);
	}
	if (!options->endpoint_is_base)
		return xstrdup(endpoint);
	while (n > 0 && endpoint[n - 1] == '/')
		n--;
	buf_format(&url, "%.*s/%s", (int)n, endpoint, signals[options->signal].path);
	return buf_take(&url, NULL);
}

static int put(struct headers *headers, const char *name, const char *value, struct err *err)
{
	return headers_put(headers, slice_of(name), slice_of(value), err);
}

static int make_headers(struct collector *collector, const struct collector_options *options, struct err *err)
{
	struct headers *headers = &collector->fixed;
	char timeout[24];
	int rc = headers_put_list(headers, options->headers, err);

	if (rc == 0)
		rc = put(headers, "Content-Type", content_types[options->protocol], err);
	if (rc != 0 || options->protocol != COLLECTOR_GRPC)
		return rc;
	snprintf(timeout, sizeof timeout, "%ldm", options->timeout_ms < 99999999 ? options->timeout_ms : 99999999); /* m: milliseconds */
	rc = put(headers, "TE", "trailers", err);
	if (rc == 0)
		rc = put(headers, "grpc-timeout", timeout, err);
	if (rc == 0)
		rc = put(headers, "grpc-accept-encoding", "identity", err);
	return rc == 0 && options->gzip ? put(headers, "grpc-encoding", "gzip", err) : rc;
}

int collector_new(const struct collector_options *options, struct collector **ret, struct err *err)
{
	struct collector *collector = xcalloc(1, sizeof *collector);
	struct http_options http = {
		.ca_file = options->ca_file, .client_cert_file = options->client_cert_file, .client_key_file = options->client_key_file,
		.user_agent = options->user_agent, .connect_timeout_ms = options->connect_timeout_ms, .total_timeout_ms = options->timeout_ms,
		.max_answer_bytes = MAX_ANSWER_BYTES, .http2 = options->protocol == COLLECTOR_GRPC, .reuse = true, .cancel = options->cancel,
	};
	int rc;

	collector->signal = options->signal;
	collector->protocol = options->protocol;
	collector->gzip = options->gzip;
	collector->cancel = options->cancel;
	collector->url = make_url(options);
	collector->helper = options->headers_helper ? xstrdup(options->headers_helper) : NULL;
	collector->http = http_new(&http);
	rc = make_headers(collector, options, err);
	if (rc == 0)
		rc = headers_put_all(&collector->sent, &collector->fixed, err);
	if (rc != 0) {
		collector_free(collector);
		return rc;
	}
	*ret = collector;
	return 0;
}

void collector_free(struct collector *collector)
{
	if (!collector)
		return;
	http_free(collector->http);
	headers_done(&collector->fixed);
	headers_done(&collector->sent);
	free(collector->url);
	free(collector->helper);
	free(collector);
}

const char *collector_url(const struct collector *collector)
{
	return collector->url;
}

/* ---- the helper ---- */

static int take_headers(struct collector *collector, struct slice json, struct err *err)
{
	struct headers sent;
	int rc;

	headers_init(&sent);
	rc = headers_put_all(&sent, &collector->fixed, err);
	if (rc == 0)
		rc = headers_put_json(&sent, json, err);
	if (rc != 0) {
		headers_done(&sent);
		return rc;
	}
	headers_done(&collector->sent);
	collector->sent = sent;
	return 0;
}

/* True when there are fresh headers. What there was before stays else. */
static bool ask_helper(struct collector *collector, struct collector_answer *ret)
{
	struct err err;
	struct buf out;
	int rc;

	buf_init(&out, HELPER_MAX_BYTES);
	collector->helper_ran = true;
	rc = program_run(collector->helper, HELPER_TIMEOUT_MS, collector->cancel, &out, &err);
	if (rc == 0)
		rc = take_headers(collector, buf_view(&out), &err);
	if (out.data)
		explicit_bzero(out.data, out.cap_bytes);
	buf_done(&out);
	snprintf(ret->helper_error, sizeof ret->helper_error, "%.127s", rc == 0 ? "" : err.text);
	return rc == 0;
}

/* ---- one request ---- */

static int post(struct collector *collector, struct slice body, struct collector_answer *ret, struct err *err)
{
	bool grpc = collector->protocol == COLLECTOR_GRPC;
	struct http_answer answer;
	int rc;

	http_answer_init(&answer);
	rc = http_post(collector->http, collector->url, (const char *const *)collector->sent.lines, NULL, body, collector->gzip && !grpc, &answer, err);
	if (rc == 0)
		collector_judge(collector->signal, collector->protocol, &answer, ret);
	http_answer_done(&answer);
	return rc;
}

int collector_send(struct collector *collector, struct slice body, struct collector_answer *ret, struct err *err)
{
	bool first = collector->helper && !collector->helper_ran;
	struct buf framed;
	int rc = 0;

	*ret = (struct collector_answer){ .verdict = COLLECTOR_AGAIN, .retry_after_ms = -1, .grpc_status = -1 };
	buf_init(&framed, MAX_FRAME_BYTES);
	if (collector->protocol == COLLECTOR_GRPC) {
		rc = grpc_frame(body, collector->gzip, &framed, err);
		body = buf_view(&framed);
	}
	if (rc == 0 && first)
		ask_helper(collector, ret);
	if (rc == 0)
		rc = post(collector, body, ret, err);
	if (rc == 0 && collector->helper && !first && collector_keys_refused(collector->protocol, ret) && ask_helper(collector, ret))
		rc = post(collector, body, ret, err);
	buf_done(&framed);
	return rc;
}
