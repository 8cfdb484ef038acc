/*
 * The table of routes: which server generation has them, what they need, who answers. The writing side
 * (OTLP, batches, scores) is here; view.c reads back, own.c has the receiver's own pages.
 */
#include "sink/server.h"
#include "base/clock.h"
#include "sink/ingestion.h"
#include "sink/otlp.h"
#include "sink/ui.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#define PIECE 65536
#define ARENA_BYTES ((size_t)8 * SINK_MAX_BODY_BYTES)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_INGESTION_BODY 4718592 /* Next's "4.5mb" */
#define V2 (1u << SINK_V2)
#define V3 (1u << SINK_V3)
#define V4 (1u << SINK_V4)
#define ALL (V2 | V3 | V4)

/* ---- answers ---- */

void answer_text(struct sink_answer *answer, unsigned status, const char *content_type, const char *text)
{
	answer->status = status;
	answer->content_type = content_type;
	buf_clear(&answer->body);
	(void)buf_text(&answer->body, text);
}

void answer_message(struct sink_answer *answer, unsigned status, const char *message, const char *error)
{
	struct json_writer writer;

	answer_text(answer, status, "application/json", "");
	json_writer_init(&writer, &answer->body);
	jw_object(&writer);
	jw_key(&writer, "message");
	jw_text(&writer, message);
	if (error) {
		jw_key(&writer, "error");
		jw_text(&writer, error);
	}
	jw_object_close(&writer);
}

static int gunzip(struct slice packed, struct buf *out)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)packed.ptr, .avail_in = (uInt)packed.len };
	int state = inflateInit2(&stream, 16 + MAX_WBITS), rc = LF_EINVAL;

	if (state != Z_OK)
		return LF_EINVAL;
	while (state == Z_OK) {
		char *room = buf_reserve(out, PIECE);

		if (!room) {
			rc = LF_ELIMIT;
			break;
		}
		stream.next_out = (Bytef *)room;
		stream.avail_out = PIECE;
		state = inflate(&stream, Z_NO_FLUSH);
		out->len += PIECE - stream.avail_out;
	}
	if (state == Z_STREAM_END && stream.avail_in == 0)
		rc = 0;
	(void)inflateEnd(&stream);
	return rc;
}

void sink_unpack(struct sink_request *request, struct buf *memory)
{
	const char *encoding = request->content_encoding;

	request->unpacked = request->body;
	if (!encoding || strcasecmp(encoding, "identity") == 0)
		return;
	if (strcasecmp(encoding, "gzip") != 0) {
		request->unpack_code = LF_EINVAL;
		return;
	}
	request->unpack_code = gunzip(request->body, memory);
	if (request->unpack_code == 0)
		request->unpacked = buf_view(memory);
}

/* ---- storing ---- */

static bool has_rejected_name(const struct sink *sink, const struct sink_span *span)
{
	return sink->fault.reject_name[0] && span->kind == SPAN_OBSERVATION && slice_is(span->obs.name, sink->fault.reject_name);
}

static int store_batch(struct sink *sink, const struct sink_batch *batch, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < batch->count; i++)
		rc = store_add(sink->store, &batch->spans[i], clock_wall_ms(), clock_mono_ms(), err);
	return rc;
}

/* ---- OTLP ---- */

static bool contains(const char *header, const char *word)
{
	return header && strcasestr(header, word) != NULL;
}

static int decode_otlp(struct sink *sink, const struct sink_request *request, bool strict, struct sink_batch *batch, struct err *err)
{
	int rc;

	if (contains(request->content_type, "application/json"))
		rc = otlp_decode_json(request->unpacked, strict, clock_wall_ms(), batch, err);
	else
		rc = otlp_decode_protobuf(request->unpacked, strict, clock_wall_ms(), batch, err);
	for (size_t i = 0; rc == 0 && i < batch->count; i++)
		if (has_rejected_name(sink, &batch->spans[i]))
			rc = err_set(err, LF_EINVAL, "an observation named %s", sink->fault.reject_name);
	return rc;
}

/* True when the whole request was taken; else the answer is filled. */
static bool take_otlp(struct sink *sink, const struct sink_request *request, bool strict, size_t *ret_count, struct sink_answer *answer)
{
	struct sink_batch batch;
	struct err err = { 0 };
	int rc;

	sink_batch_init(&batch, ARENA_BYTES);
	rc = decode_otlp(sink, request, strict, &batch, &err);
	if (rc != 0)
		answer_message(answer, 400, "Invalid request data", err.text);
	else if (store_batch(sink, &batch, &err) != 0)
		answer_message(answer, 500, "Internal Server Error", err.text);
	*ret_count = batch.count;
	sink_batch_done(&batch);
	return answer->status == 0;
}

static bool bad_ingestion_version(const char *version)
{
	char *end;
	double n;

	if (!version)
		return false;
	n = strtod(version, &end);
	return end == version || *end != '\0' || !(n <= 4);
}

static bool otlp_content_type(const struct sink_request *request)
{
	return contains(request->content_type, "application/json") || contains(request->content_type, "application/x-protobuf");
}

static void post_langfuse_otlp(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	char id[32];
	size_t count;

	if (contains(request->authorization, "bearer "))
		answer_message(answer, 403, "Access denied: Bearer authorization is not enough for this route", NULL);
	else if (!otlp_content_type(request))
		answer_message(answer, 400, "Invalid content type", NULL);
	else if (bad_ingestion_version(request->ingestion_version))
		answer_message(answer, 400, "Invalid x-langfuse-ingestion-version", NULL);
	else if (!take_otlp(sink, request, false, &count, answer))
		return;
	else if (count == 0)
		answer_text(answer, 200, "application/json", "{}");
	else {
		(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)++sink->jobs);
		answer_text(answer, 200, "application/json", "{\"name\":\"otel-ingestion-job\",\"data\":{},\"opts\":{\"attempts\":6},\"id\":\"");
		(void)buf_format(&answer->body, "%s\",\"progress\":0,\"returnvalue\":null,\"timestamp\":%lld}", id, (long long)clock_wall_ms());
	}
}

/* A collector's own answer: an empty message in the format of the request. */
static void answer_export(const struct sink_request *request, struct sink_answer *answer)
{
	bool json = contains(request->content_type, "application/json");

	answer_text(answer, 200, json ? "application/json" : "application/x-protobuf", json ? "{}" : "");
}

static void post_otlp_traces(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	size_t count;

	if (!otlp_content_type(request))
		answer_message(answer, 415, "Unsupported content type", NULL);
	else if (take_otlp(sink, request, true, &count, answer))
		answer_export(request, answer);
}

/* Logs and metrics are counted and, with a directory, kept; only their form is looked at. */
static void post_otlp_other(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct json_doc doc;
	bool ok;

	(void)sink;
	json_doc_init(&doc);
	if (contains(request->content_type, "application/json"))
		ok = json_parse(&doc, request->unpacked, 0, NULL) == 0;
	else
		ok = otlp_is_protobuf(request->unpacked);
	json_doc_done(&doc);
	if (!otlp_content_type(request))
		answer_message(answer, 415, "Unsupported content type", NULL);
	else if (!ok)
		answer_message(answer, 400, "Invalid request data", NULL);
	else
		answer_export(request, answer);
}

/* ---- the batch API ---- */

struct batch_answer {
	struct sink *sink;
	struct sink_batch *batch;
	bool bearer;
	struct json_writer successes, errors;
};

static void list_event(struct json_writer *writer, const struct ingestion_event *event)
{
	jw_object(writer);
	jw_key(writer, "id");
	jw_string(writer, event->id.len ? event->id : SLICE("unknown"));
	jw_key(writer, "status");
	jw_int(writer, event->status);
	if (event->status != 201) {
		jw_key(writer, "message");
		jw_text(writer, event->error);
		jw_key(writer, "error");
		jw_text(writer, event->error);
	}
	jw_object_close(writer);
}

static void refuse(struct ingestion_event *event, int status, const char *error)
{
	event->status = status;
	event->error = error;
}

/* Faults of single events, then the store. */
static int settle_event(void *context, const struct ingestion_event *event, struct err *err)
{
	struct batch_answer *answer = context;
	struct ingestion_event one = *event;
	const struct sink_span *span = one.span >= 0 ? &answer->batch->spans[one.span] : NULL;
	struct fault *fault = &answer->sink->fault;

	(void)err;
	if (answer->bearer)
		refuse(&one, 401, "Access Scope Denied");
	else if (one.status == 201 && fault->per_event_500 > 0) {
		fault->per_event_500--;
		refuse(&one, 500, "made to fail");
	} else if (span && has_rejected_name(answer->sink, span))
		refuse(&one, 400, "made to fail");
	else if (span && store_add(answer->sink->store, span, clock_wall_ms(), clock_mono_ms(), NULL) != 0)
		refuse(&one, 500, "the receiver is full");
	if (one.status == 201)
		list_event(&answer->successes, &one);
	else if (one.status != 0) {
		answer->sink->rejected++;
		list_event(&answer->errors, &one);
	}
	return 0;
}

static void post_ingestion(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct batch_answer events = { .sink = sink, .bearer = contains(request->authorization, "bearer ") };
	struct buf successes, errors;
	struct sink_batch batch;
	struct err err = { 0 };

	if (request->body.len > MAX_INGESTION_BODY) {
		answer_text(answer, 413, "text/plain", "Body exceeded 4.5mb limit");
		return;
	}
	sink_batch_init(&batch, ARENA_BYTES);
	buf_init(&successes, 0);
	buf_init(&errors, 0);
	events.batch = &batch;
	json_writer_init(&events.successes, &successes);
	json_writer_init(&events.errors, &errors);
	jw_array(&events.successes);
	jw_array(&events.errors);
	/* This route does not unpack: what is no JSON as sent is refused in plain text. */
	if (ingestion_read(request->body, sink->options.profile, &batch, settle_event, &events, &err) != 0) {
		if (request->content_encoding || !contains(err.text, "batch"))
			answer_text(answer, 400, "text/plain", "Invalid JSON");
		else
			answer_message(answer, 400, "Invalid request data", err.text);
	} else {
		jw_array_close(&events.successes);
		jw_array_close(&events.errors);
		answer_text(answer, 207, "application/json", "{\"successes\":");
		(void)buf_slice(&answer->body, buf_view(&successes));
		(void)buf_text(&answer->body, ",\"errors\":");
		(void)buf_slice(&answer->body, buf_view(&errors));
		(void)buf_char(&answer->body, '}');
	}
	buf_done(&successes);
	buf_done(&errors);
	sink_batch_done(&batch);
}

static void post_score(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct slice id = SLICE_NONE;
	struct sink_batch batch;
	struct json_writer writer;
	struct err err = { 0 };
	char made[32];

	sink_batch_init(&batch, ARENA_BYTES);
	if (ingestion_read_score(request->body, &batch, &id, &err) != 0) {
		answer_message(answer, 400, "Invalid request data", err.text);
	} else if (store_batch(sink, &batch, &err) != 0) {
		answer_message(answer, 500, "Internal Server Error", err.text);
	} else {
		(void)snprintf(made, sizeof(made), "score-%llu", (unsigned long long)++sink->jobs);
		answer_text(answer, 200, "application/json", "");
		json_writer_init(&writer, &answer->body);
		jw_object(&writer);
		jw_key(&writer, "id");
		jw_string(&writer, id.len ? id : slice_of(made));
		jw_object_close(&writer);
	}
	sink_batch_done(&batch);
}

/* ---- small pages ---- */

static void get_health(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	static const char *const versions[] = { [SINK_V2] = "2.95.12", [SINK_V3] = "3.225.4", [SINK_V4] = "4.16.0" };

	(void)request;
	answer_text(answer, 200, "application/json", "");
	(void)buf_format(&answer->body, "{\"status\":\"OK\",\"version\":\"%s\"}", versions[sink->options.profile]);
}

static void get_projects(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	(void)sink;
	if (contains(request->authorization, "bearer "))
		answer_message(answer, 403, "Access denied", NULL);
	else
		answer_text(answer, 200, "application/json",
		            "{\"data\":[{\"id\":\"sink\",\"name\":\"sink\",\"organization\":{\"id\":\"sink\",\"name\":\"sink\"},\"metadata\":{}}]}");
}

/* ---- the table ---- */

static const struct route {
	const char *path;   /* a last '*' stands for one segment */
	const char *method;
	unsigned profiles;
	bool keys;          /* needs the right keys */
	bool unpacks;       /* takes Content-Encoding: gzip */
	sink_route_fn *answer;
} routes[] = {
	{ "/api/public/health", "GET", ALL, false, false, get_health },
	{ "/api/public/projects", "GET", ALL, true, false, get_projects },
	{ "/api/public/otel/v1/traces", "POST", V3 | V4, true, true, post_langfuse_otlp },
	{ "/api/public/ingestion", "POST", ALL, true, false, post_ingestion },
	{ "/api/public/scores", "POST", ALL, true, false, post_score },
	{ "/api/public/v2/observations", "GET", V4, true, false, view_observations_v2 },
	{ "/api/public/traces/*", "GET", V2 | V3, true, false, view_trace },
	{ "/api/public/observations", "GET", V2 | V3, true, false, view_observations_v1 },
	{ "/v1/traces", "POST", ALL, false, true, post_otlp_traces },
	{ "/v1/logs", "POST", ALL, false, true, post_otlp_other },
	{ "/v1/metrics", "POST", ALL, false, true, post_otlp_other },
	{ "/sink/fault", "POST", ALL, false, false, own_fault },
	{ "/sink/figures", "GET", ALL, false, false, own_figures },
	{ "/sink/observations", "GET", ALL, false, false, own_observations },
	{ "/sink/scores", "GET", ALL, false, false, own_scores },
	{ "/sink/draw", "GET", ALL, false, false, own_draw },
	{ "/", "GET", ALL, false, false, ui_page },
	{ "/sink/ui/spans", "GET", ALL, false, false, ui_spans },
	{ "/sink/ui/span", "GET", ALL, false, false, ui_span },
};

bool sink_is_own(const char *path)
{
	return strncmp(path, "/sink/", 6) == 0 || strcmp(path, "/") == 0;
}

static bool path_matches(const char *pattern, const char *path)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] != '*')
		return strcmp(pattern, path) == 0;
	return strncmp(pattern, path, n - 1) == 0 && path[n - 1] != '\0' && !strchr(path + n - 1, '/');
}

/* The route, or NULL with the answer filled: 404 for an unknown path, 405 for another method. */
static const struct route *find_route(const struct sink *sink, const struct sink_request *request, struct sink_answer *answer)
{
	bool known = false;

	for (size_t i = 0; i < COUNT(routes); i++) {
		if (!(routes[i].profiles & 1u << sink->options.profile) || !path_matches(routes[i].path, request->path))
			continue;
		if (strcmp(routes[i].method, request->method) == 0)
			return &routes[i];
		known = true;
	}
	answer_message(answer, known ? 405 : 404, known ? "Method not allowed" : "Not Found", NULL);
	return NULL;
}

static bool keys_match(const struct sink *sink, const struct sink_request *request, struct sink_answer *answer)
{
	bool batch = strcmp(request->path, "/api/public/ingestion") == 0;

	if (!sink->auth || (request->authorization &&
	    (strcmp(request->authorization, sink->auth) == 0 || strcmp(request->authorization, sink->bearer) == 0)))
		return true;
	answer_message(answer, 401, request->authorization ? "Invalid credentials. Confirm that you've configured the correct host."
		: "No authorization header", batch ? "UnauthorizedError" : NULL);
	return false;
}

/* What goes before the route itself. False: the answer is filled. */
static bool body_fits(const struct sink *sink, const struct route *route, const struct sink_request *request, struct sink_answer *answer)
{
	size_t size = route->unpacks && request->unpacked.len > request->body.len ? request->unpacked.len : request->body.len;

	if ((route->unpacks && request->unpack_code == LF_ELIMIT) ||
	    (sink->fault.max_body > 0 && size > (size_t)sink->fault.max_body && !sink_is_own(request->path))) {
		answer_text(answer, 413, "text/html", "<html><head><title>413 Request Entity Too Large</title></head></html>");
		return false;
	}
	if (route->unpacks && request->unpack_code != 0)
		answer_message(answer, 400, "Failed to decompress the body", NULL);
	return !route->unpacks || request->unpack_code == 0;
}

void sink_route(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	const struct route *route;

	answer->status = 0;
	pthread_mutex_lock(&sink->lock);
	route = find_route(sink, request, answer);
	if (route && (!route->keys || keys_match(sink, request, answer)) && body_fits(sink, route, request, answer))
		route->answer(sink, request, answer);
	pthread_mutex_unlock(&sink->lock);
	if (answer->body.failed)
		answer_message(answer, 500, "Internal Server Error", "the answer is too large");
}
