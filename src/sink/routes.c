/*
 * What each request means to each version of Langfuse: a table of routes, and the answers that the real server gives. A route that a
 * version lacks is a 404 there, a wrong method a 405.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "sink/otlp.h"
#include "sink/ingestion.h"
#include "sink/server.h"
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define BATCH_API_MAX_BYTES 4500000
#define DEFAULT_PAGE 50
#define MAX_PAGE 1000

#define V2 (1u << SINK_V2)
#define V3 (1u << SINK_V3)
#define V4 (1u << SINK_V4)
#define ANY (V2 | V3 | V4)

const char *sink_version(enum sink_profile profile)
{
	static const char *const versions[] = { [SINK_V2] = "2.95.12", [SINK_V3] = "3.225.4", [SINK_V4] = "4.16.0" };

	return versions[profile];
}

static void say(struct sink_answer *answer, unsigned status, const char *message)
{
	struct json_writer out;

	answer->status = status;
	buf_clear(&answer->body);
	json_writer_init(&out, &answer->body);
	jw_object(&out);
	jw_key(&out, "message");
	jw_text(&out, message);
	jw_object_close(&out);
}

static void say_text(struct sink_answer *answer, unsigned status, const char *text)
{
	answer->status = status;
	answer->content_type = "text/plain";
	buf_text(&answer->body, text);
}

static void on_health(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	(void)request;
	buf_format(&answer->body, "{\"status\":\"OK\",\"version\":\"%s\"}", sink_version(sink->options.profile));
}

static void on_projects(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	(void)sink, (void)request;
	buf_text(&answer->body, "{\"data\":[{\"id\":\"loopback\",\"name\":\"loopback\",\"organization\":{\"id\":\"loopback\",\"name\":\"loopback\"},\"metadata\":{}}]}");
}

/* ---- bodies ---- */

static int unpack(struct sink_request *request, struct err *err)
{
	z_stream z = { .next_in = (unsigned char *)request->body.data, .avail_in = (unsigned)request->body.len };
	struct buf out;
	int zrc = Z_OK;

	if (!request->content_encoding || strcmp(request->content_encoding, "gzip") != 0)
		return request->content_encoding && strcmp(request->content_encoding, "identity") != 0 ? err_set(err, LF_EINVAL, "unsupported encoding") : 0;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return err_set(err, LF_ENOMEM, "out of memory");
	buf_init(&out, SINK_MAX_BODY_BYTES);
	while (zrc == Z_OK) {
		char *room = buf_reserve(&out, 65536);
		if (!room)
			break;
		z.next_out = (unsigned char *)room;
		z.avail_out = 65536;
		zrc = inflate(&z, Z_NO_FLUSH);
		out.len += 65536 - z.avail_out;
	}
	inflateEnd(&z);
	if (zrc != Z_STREAM_END || out.failed) {
		buf_done(&out);
		return err_set(err, out.failed ? LF_ELIMIT : LF_EINVAL, "invalid gzip");
	}
	buf_done(&request->body);
	request->body = out;
	return 0;
}

static bool too_large(struct sink *sink, const struct sink_request *request)
{
	return sink->fault.max_body > 0 && request->body.len > (size_t)sink->fault.max_body;
}

static bool has_rejected_name(const struct sink *sink, const struct sink_batch *batch)
{
	for (size_t i = 0; sink->fault.reject_name[0] && i < batch->count; i++)
		if (slice_is(batch->spans[i].obs.name, sink->fault.reject_name))
			return true;
	return false;
}

static int store_all(struct sink *sink, const struct sink_batch *batch, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < batch->count; i++)
		rc = store_add(sink->store, &batch->spans[i], clock_wall_ms(), clock_mono_ms(), err);
	return rc;
}

/* ---- OTLP ---- */

static bool is_json(const struct sink_request *request)
{
	return request->content_type && strstr(request->content_type, "application/json");
}

static const char *otlp_refusal(const struct sink_request *request)
{
	const char *v = request->ingestion_version;
	char *end;

	if (!is_json(request) && (!request->content_type || !strstr(request->content_type, "application/x-protobuf")))
		return "Invalid content type";
	if (v && (strtod(v, &end) > 4 || *end || end == v))
		return "Invalid ingestion version";
	return NULL;
}

static int decode(const struct sink_request *request, struct sink_batch *batch, struct err *err)
{
	struct slice body = buf_view(&request->body);

	return is_json(request) ? otlp_decode_json(body, false, clock_wall_ms(), batch, err)
	                        : otlp_decode_protobuf(body, false, clock_wall_ms(), batch, err);
}

static void take_otlp(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct sink_batch batch;
	struct err err = { 0 };
	int rc;

	sink_batch_init(&batch, 4 * (size_t)SINK_MAX_BODY_BYTES);
	rc = decode(request, &batch, &err);
	if (rc == 0 && has_rejected_name(sink, &batch))
		rc = err_set(&err, LF_EINVAL, "a span was refused on purpose");
	if (rc == 0)
		rc = store_all(sink, &batch, &err);
	if (rc != 0)
		say(answer, rc == LF_EINVAL ? 400 : 500, err.text);
	else if (batch.count == 0)
		buf_text(&answer->body, "{}");
	else
		buf_format(&answer->body, "{\"name\":\"otel-ingestion-job\",\"data\":{\"count\":%zu},\"opts\":{\"attempts\":6},\"id\":\"%zu\"}", batch.count,
		           store_count(sink->store));
	sink_batch_done(&batch);
}

static void on_otlp(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	const char *refusal = otlp_refusal(request);
	struct err err = { 0 };

	if (refusal)
		say(answer, 400, refusal);
	else if (too_large(sink, request) || unpack(request, &err) == LF_ELIMIT || (err.code == 0 && too_large(sink, request)))
		say_text(answer, 413, "<html><body>413 Request Entity Too Large</body></html>");
	else if (err.code != 0)
		say(answer, 400, err.text);
	else
		take_otlp(sink, request, answer);
}

/* ---- the batch API ---- */

struct batch_answer {
	struct sink *sink;
	struct sink_batch *batch;
	struct buf successes, errors;
	struct json_writer ok, bad;
};

static void judge(struct batch_answer *a, const struct ingestion_event *event, int *status, const char **words)
{
	struct sink *sink = a->sink;

	if (*status != 201)
		return;
	if (sink->options.profile == SINK_V4 && !(event->span >= 0 && a->batch->spans[event->span].kind == SPAN_SCORE)) {
		*status = 400;
		*words = "Event type not accepted";
	} else if (event->span >= 0 && sink->fault.reject_name[0] && slice_is(a->batch->spans[event->span].obs.name, sink->fault.reject_name)) {
		*status = 400;
		*words = "refused on purpose";
	} else if (sink->fault.per_event_500 > 0) {
		sink->fault.per_event_500--;
		*status = 500;
		*words = "failed on purpose";
	}
}

static int answer_event(void *context, const struct ingestion_event *event, struct err *err)
{
	struct batch_answer *a = context;
	const char *words = event->error;
	int status = event->status, rc = 0;
	struct json_writer *out;

	if (status == 0)
		return 0;
	judge(a, event, &status, &words);
	if (status == 201 && event->span >= 0)
		rc = store_add(a->sink->store, &a->batch->spans[event->span], clock_wall_ms(), clock_mono_ms(), err);
	out = status == 201 ? &a->ok : &a->bad;
	jw_object(out);
	jw_key(out, "id");
	jw_string(out, event->id.len ? event->id : SLICE("unknown"));
	jw_key(out, "status");
	jw_int(out, status);
	if (status != 201) {
		jw_key(out, "message");
		jw_text(out, words ? words : "Invalid request data");
		jw_key(out, "error");
		jw_text(out, words ? words : "Invalid request data");
	}
	jw_object_close(out);
	return rc;
}

static void take_batch(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct sink_batch batch;
	struct batch_answer a = { .sink = sink, .batch = &batch };
	struct err err = { 0 };
	int rc;

	sink_batch_init(&batch, 4 * (size_t)SINK_MAX_BODY_BYTES);
	buf_init(&a.successes, 0);
	buf_init(&a.errors, 0);
	json_writer_init(&a.ok, &a.successes);
	json_writer_init(&a.bad, &a.errors);
	jw_array(&a.ok);
	jw_array(&a.bad);
	rc = ingestion_read(buf_view(&request->body), sink->options.profile, &batch, answer_event, &a, &err);
	jw_array_close(&a.ok);
	jw_array_close(&a.bad);
	if (rc != 0) {
		say(answer, rc == LF_EINVAL ? 400 : 500, rc == LF_EINVAL ? "Invalid request data" : "Internal Server Error");
	} else {
		answer->status = 207;
		buf_format(&answer->body, "{\"successes\":%s,\"errors\":%s}", a.successes.data, a.errors.data);
	}
	buf_done(&a.successes);
	buf_done(&a.errors);
	sink_batch_done(&batch);
}

static void on_ingestion(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	if (request->content_encoding && strcmp(request->content_encoding, "identity") != 0)
		say_text(answer, 400, "Invalid JSON");
	else if (request->body.len > BATCH_API_MAX_BYTES || too_large(sink, request))
		say_text(answer, 413, "Body exceeded 4.5mb limit");
	else
		take_batch(sink, request, answer);
}

static void on_score(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct sink_batch batch;
	struct slice id;
	struct err err = { 0 };
	struct json_writer out;

	sink_batch_init(&batch, SINK_MAX_BODY_BYTES);
	if (ingestion_read_score(buf_view(&request->body), &batch, &id, &err) != 0 || store_all(sink, &batch, &err) != 0) {
		say(answer, 400, err.text);
	} else {
		json_writer_init(&out, &answer->body);
		jw_object(&out);
		jw_key(&out, "id");
		jw_string(&out, id);
		jw_object_close(&out);
	}
	sink_batch_done(&batch);
}

/* ---- reading back ---- */

static void write_id(struct json_writer *out, const char *key, const uint8_t *id, size_t n)
{
	char hex[33];

	hash_hex(id, n, hex);
	jw_key(out, key);
	jw_text(out, hex);
}

static void write_row(struct json_writer *out, const struct sink_row *row)
{
	static const uint8_t none[8];
	const struct observation *o = &row->span.obs;
	char when[32];

	jw_object(out);
	write_id(out, "id", o->span_id, sizeof o->span_id);
	write_id(out, "traceId", o->trace_id, sizeof o->trace_id);
	clock_format_iso(o->start_ms, when);
	jw_key(out, "startTime");
	jw_text(out, when);
	clock_format_iso(o->end_ms, when);
	jw_key(out, "endTime");
	jw_text(out, when);
	jw_key(out, "projectId");
	jw_text(out, "loopback");
	jw_key(out, "type");
	jw_text(out, observation_type_name(o->type));
	jw_key(out, "name");
	jw_string(out, o->name);
	if (memcmp(o->parent_id, none, sizeof none) != 0)
		write_id(out, "parentObservationId", o->parent_id, sizeof o->parent_id);
	jw_object_close(out);
}

static bool row_fits(const struct sink *sink, const struct sink_row *row, const uint8_t *trace, int64_t now_ms)
{
	return memcmp(row->span.obs.trace_id, trace, 16) == 0 && row->stored_ms + sink->fault.lag_ms <= now_ms;
}

/* The cursor is the index of the next row. */
static void write_page(struct sink *sink, const uint8_t *trace, size_t from, size_t limit, struct buf *body)
{
	struct json_writer out;
	size_t i, given = 0;

	json_writer_init(&out, body);
	jw_object(&out);
	jw_key(&out, "data");
	jw_array(&out);
	for (i = from; i < store_count(sink->store) && given < limit; i++)
		if (row_fits(sink, store_row(sink->store, i), trace, clock_mono_ms())) {
			write_row(&out, store_row(sink->store, i));
			given++;
		}
	jw_array_close(&out);
	jw_key(&out, "meta");
	jw_object(&out);
	if (i < store_count(sink->store)) {
		char next[24];
		snprintf(next, sizeof next, "%zu", i);
		jw_key(&out, "cursor");
		jw_text(&out, next);
	}
	jw_object_close(&out);
	jw_object_close(&out);
}

static void on_observations(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	uint8_t trace[16];
	size_t limit = request->limit ? strtoul(request->limit, NULL, 10) : DEFAULT_PAGE;

	if (!request->trace_id || hash_unhex(slice_of(request->trace_id), trace, sizeof trace) != 0)
		say(answer, 400, "traceId is missing");
	else if (limit < 1 || limit > MAX_PAGE)
		say(answer, 400, "limit must be 1 to 1000");
	else
		write_page(sink, trace, request->cursor ? strtoul(request->cursor, NULL, 10) : 0, limit, &answer->body);
}

static void on_trace(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	const char *id = request->path + strlen("/api/public/traces/");
	uint8_t trace[16];
	struct buf page;

	if (hash_unhex(slice_of(id), trace, sizeof trace) != 0) {
		say(answer, 404, "Trace not found");
		return;
	}
	buf_init(&page, 0);
	write_page(sink, trace, 0, SIZE_MAX, &page);
	buf_format(&answer->body, "{\"id\":\"%s\",\"observations\":%s}", id, page.data);
	buf_done(&page);
}

/* ---- for the tests and `lfspool sink` ---- */

static void on_set_fault(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct fault fault;
	struct err err = { 0 };

	if (fault_parse(request->body.data ? request->body.data : "", &fault, &err) != 0) {
		say(answer, 400, err.text);
		return;
	}
	sink->fault = fault;
	buf_text(&answer->body, "{}");
}

static void on_figures(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct sink_figures figures = { 0 };

	(void)request;
	store_figures(sink->store, &figures);
	buf_format(&answer->body, "{\"requests\":%llu,\"observations\":%llu,\"duplicates\":%llu,\"rejected\":%llu,\"traces\":%llu}",
	           (unsigned long long)sink->requests, (unsigned long long)figures.observations, (unsigned long long)figures.duplicates,
	           (unsigned long long)sink->rejected, (unsigned long long)figures.traces);
}

static void on_lines(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	(void)request;
	answer->content_type = "application/x-ndjson";
	(void)store_lines(sink->store, &answer->body);
}

static const struct route {
	const char *method, *path; /* a path that ends in '/' stands for all below it */
	unsigned profiles;
	bool keys;
	void (*handle)(struct sink *sink, struct sink_request *request, struct sink_answer *answer);
} routes[] = {
	{ "GET", "/api/public/health", ANY, false, on_health },
	{ "GET", "/api/public/projects", ANY, true, on_projects },
	{ "POST", "/api/public/otel/v1/traces", V3 | V4, true, on_otlp },
	{ "POST", "/v1/traces", ANY, false, on_otlp },
	{ "POST", "/api/public/ingestion", ANY, true, on_ingestion },
	{ "POST", "/api/public/scores", ANY, true, on_score },
	{ "GET", "/api/public/v2/observations", V4, true, on_observations },
	{ "GET", "/api/public/observations", V2 | V3, true, on_observations },
	{ "GET", "/api/public/traces/", V2 | V3, true, on_trace },
	{ "POST", "/sink/fault", ANY, false, on_set_fault },
	{ "GET", "/sink/figures", ANY, false, on_figures },
	{ "GET", "/sink/observations", ANY, false, on_lines },
};

static bool path_fits(const char *row, const char *path)
{
	size_t n = strlen(row);

	return row[n - 1] == '/' ? strncmp(row, path, n) == 0 && path[n] : strcmp(row, path) == 0;
}

static void no_route(bool known, struct sink_answer *answer)
{
	if (known)
		say(answer, 405, "Method not allowed");
	else
		say_text(answer, 404, "<!DOCTYPE html><html><body>404: This page could not be found.</body></html>");
}

void sink_route(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	bool known = false;

	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		const struct route *route = &routes[i];
		if (!(route->profiles & 1u << sink->options.profile) || !path_fits(route->path, request->path))
			continue;
		known = true;
		if (strcmp(route->method, request->method) != 0)
			continue;
		if (route->keys && sink->auth && (!request->authorization || strcmp(request->authorization, sink->auth) != 0)) {
			say(answer, 401, "Invalid credentials. Confirm that you've configured the correct host.");
			return;
		}
		pthread_mutex_lock(&sink->lock);
		route->handle(sink, request, answer);
		pthread_mutex_unlock(&sink->lock);
		return;
	}
	no_route(known, answer);
}
