/* The receiver as a client sees it: routes of each generation, keys, OTLP, batches, reading back, faults, files. */
#include "sink_client.h"
#include "base/file.h"
#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_routes_by_profile(void **state)
{
	static const struct {
		const char *method, *path;
		int status[3]; /* v2, v3, v4; an empty body makes a POST fail behind the route */
	} rows[] = {
		{ "GET", "/api/public/health", { 200, 200, 200 } },
		{ "POST", "/api/public/health", { 405, 405, 405 } },
		{ "GET", "/api/public/projects", { 200, 200, 200 } },
		{ "GET", OTLP_PATH, { 404, 405, 405 } },
		{ "POST", OTLP_PATH, { 404, 400, 400 } },
		{ "GET", "/api/public/ingestion", { 405, 405, 405 } },
		{ "POST", "/api/public/ingestion", { 400, 400, 400 } },
		{ "POST", "/api/public/scores", { 400, 400, 400 } },
		{ "GET", "/api/public/v2/observations?traceId=x", { 404, 404, 200 } },
		{ "GET", "/api/public/observations?traceId=x", { 200, 200, 404 } },
		{ "GET", "/api/public/traces/x", { 404, 404, 404 } },
		{ "DELETE", "/api/public/traces/x", { 405, 405, 404 } },
		{ "POST", "/v1/traces", { 415, 415, 415 } },
		{ "GET", "/v1/traces", { 405, 405, 405 } },
		{ "GET", "/sink/figures", { 200, 200, 200 } },
		{ "GET", "/elsewhere", { 404, 404, 404 } },
	};

	(void)state;
	for (enum sink_profile profile = SINK_V2; profile <= SINK_V4; profile++) {
		struct sink *sink = start(profile, NULL);

		for (size_t i = 0; i < COUNT(rows); i++) {
			int status = status_of(sink, rows[i].method, rows[i].path, KEYS, SLICE_NONE);

			if (status != rows[i].status[profile])
				fail_msg("v%d: %s %s: %d instead of %d", profile + 2, rows[i].method, rows[i].path, status, rows[i].status[profile]);
		}
		sink_stop(sink);
	}
}

static void test_health_names_the_version(void **state)
{
	static const char *const versions[] = { "\"version\":\"2.95.12\"", "\"version\":\"3.225.4\"", "\"version\":\"4.16.0\"" };

	(void)state;
	for (enum sink_profile profile = SINK_V2; profile <= SINK_V4; profile++) {
		struct sink *sink = start(profile, NULL);

		expect(sink, "GET", "/api/public/health", "", SLICE_NONE, 200, versions[profile]);
		expect(sink, "GET", "/api/public/health", "", SLICE_NONE, 200, "\"status\":\"OK\"");
		sink_stop(sink);
	}
}

static void test_keys(void **state)
{
	struct sink *sink = start(SINK_V3, NULL);
	struct buf body = simple_request(TRACE_A, "aaaaaaaa", "turn");

	(void)state;
	expect(sink, "GET", "/api/public/projects", "", SLICE_NONE, 401, "{\"message\":");
	expect(sink, "GET", "/api/public/projects", "Authorization: Basic eDp5\r\n", SLICE_NONE, 401, "{\"message\":");
	expect(sink, "GET", "/api/public/projects", KEYS, SLICE_NONE, 200, "\"data\":[{");
	expect(sink, "POST", OTLP_PATH, PROTOBUF, buf_view(&body), 401, "message");
	expect(sink, "POST", OTLP_PATH, "Authorization: Bearer pk\r\n" PROTOBUF, buf_view(&body), 403, "message");
	expect(sink, "POST", "/api/public/ingestion", JSON, SLICE("{\"batch\":[]}"), 401, "UnauthorizedError");
	expect(sink, "POST", "/api/public/ingestion", "Authorization: Bearer pk\r\n" JSON,
	       SLICE("{\"batch\":[{\"id\":\"e\",\"type\":\"span-create\",\"timestamp\":\"2026-11-21T00:00:00Z\",\"body\":{\"id\":\"s\"}}]}"), 207, "Access Scope Denied");
	assert_int_equal(figures(sink).observations, 0);
	buf_done(&body);
	sink_stop(sink);
}

static void test_otlp_answers(void **state)
{
	struct sink *sink = start(SINK_V4, NULL);
	struct buf body = simple_request(TRACE_A, "aaaaaaaa", "turn"), packed = gzip(buf_view(&body));

	(void)state;
	expect(sink, "POST", OTLP_PATH, KEYS PROTOBUF "x-langfuse-ingestion-version: 4\r\n", buf_view(&body), 200, "\"name\":\"otel-ingestion-job\"");
	expect(sink, "POST", OTLP_PATH, KEYS PROTOBUF "Content-Encoding: gzip\r\n", buf_view(&packed), 200, "otel-ingestion-job");
	expect(sink, "POST", OTLP_PATH, KEYS PROTOBUF, SLICE_NONE, 200, "{}");
	expect(sink, "POST", OTLP_PATH, KEYS JSON, SLICE("{\"resourceSpans\":[]}"), 200, "{}");
	expect(sink, "POST", OTLP_PATH, KEYS PROTOBUF "Content-Encoding: gzip\r\n", buf_view(&body), 400, "message");
	expect(sink, "POST", OTLP_PATH, KEYS PROTOBUF "Content-Encoding: deflate\r\n", buf_view(&body), 400, "message");
	expect(sink, "POST", OTLP_PATH, KEYS PROTOBUF "x-langfuse-ingestion-version: 5\r\n", buf_view(&body), 400, "message");
	expect(sink, "POST", OTLP_PATH, KEYS PROTOBUF "x-langfuse-ingestion-version: new\r\n", buf_view(&body), 400, "message");
	expect(sink, "POST", OTLP_PATH, KEYS "Content-Type: text/plain\r\n", buf_view(&body), 400, "Invalid content type");
	expect(sink, "POST", "/v1/traces", PROTOBUF, buf_view(&body), 200, "");
	expect(sink, "POST", "/v1/logs", JSON, SLICE("{\"resourceLogs\":[]}"), 200, "{}");
	expect(sink, "POST", "/v1/metrics", PROTOBUF, SLICE("\x0b"), 400, "message");
	assert_int_equal(figures(sink).observations, 1);
	assert_int_equal(figures(sink).duplicates, 2);
	assert_int_equal(figures(sink).rejected, 6);
	buf_done(&body);
	buf_done(&packed);
	sink_stop(sink);
}

static void test_a_bomb_is_refused(void **state)
{
	struct sink *sink = start(SINK_V4, NULL);
	struct slice zeros = { xcalloc(1, 40u << 20), 40u << 20 };
	struct buf packed = gzip(zeros);

	(void)state;
	assert_int_equal(status_of(sink, "POST", OTLP_PATH, KEYS PROTOBUF "Content-Encoding: gzip\r\n", buf_view(&packed)), 413);
	assert_int_equal(status_of(sink, "POST", OTLP_PATH, KEYS PROTOBUF, zeros), 413);
	assert_int_equal(status_of(sink, "GET", "/api/public/health", "", SLICE_NONE), 200);
	buf_done(&packed);
	free((void *)(uintptr_t)zeros.ptr);
	sink_stop(sink);
}

/* One bad span and nothing of the batch is stored. */
static void test_a_bad_id_refuses_the_batch(void **state)
{
#define GOOD "{\"traceId\":\"t1\",\"spanId\":\"s1\",\"name\":\"a\",\"startTimeUnixNano\":\"1795233553671000000\"}"
#define SPANS(list) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":" list "}]}]}"
	static const char *const bad[] = {
		SPANS("[" GOOD ",{\"spanId\":\"s2\"}]"), SPANS("[" GOOD ",{\"traceId\":\"t1\"}]"), SPANS("[" GOOD ",{\"traceId\":7,\"spanId\":\"s2\"}]"),
		SPANS("[" GOOD ",{\"traceId\":\"t1\",\"spanId\":\"s2\",\"attributes\":{}}]"), SPANS("{}"),
		SPANS("[" GOOD ",{\"traceId\":\"t1\",\"spanId\":\"s2\",\"events\":1}]"), "{\"resourceSpans\":[{\"scopeSpans\":{}}]}", "[]", "{",
	};
	struct sink *sink = start(SINK_V4, NULL);

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect(sink, "POST", OTLP_PATH, KEYS JSON, slice_of(bad[i]), 400, "message");
	assert_int_equal(figures(sink).observations, 0);
	expect(sink, "POST", "/v1/traces", JSON, SLICE(SPANS("[" GOOD "]")), 400, "traceId");
	expect(sink, "POST", OTLP_PATH, KEYS JSON, SLICE(SPANS("[" GOOD "]")), 200, "otel-ingestion-job");
	expect(sink, "GET", "/api/public/v2/observations?traceId=t1", KEYS, SLICE_NONE, 200, "\"id\":\"s1\"");
	sink_stop(sink);
}

static void test_duplicates_show_on_v4_only(void **state)
{
	(void)state;
	for (enum sink_profile profile = SINK_V3; profile <= SINK_V4; profile++) {
		struct sink *sink = start(profile, NULL);
		struct reply reply;

		post_span(sink, TRACE_A, "aaaaaaaa", "turn", 200);
		post_span(sink, TRACE_A, "aaaaaaaa", "turn", 200);
		assert_int_equal(figures(sink).observations, 1);
		assert_int_equal(figures(sink).duplicates, profile == SINK_V4 ? 1 : 0);
		reply = request(sink, "GET", profile == SINK_V4 ? "/api/public/v2/observations?traceId=" TRACE_A_HEX : "/api/public/traces/" TRACE_A_HEX,
		                KEYS, SLICE_NONE);
		assert_int_equal(reply.status, 200);
		assert_int_equal(strstr(strstr(reply.body, "\"startTime\"") + 1, "\"startTime\"") != NULL, profile == SINK_V4);
		reply_done(&reply);
		sink_stop(sink);
	}
}

/* Ids are unique per project on v3: the second trace is there, its observation is not. */
static void test_an_id_of_another_trace(void **state)
{
	struct sink *sink = start(SINK_V3, NULL);

	(void)state;
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 200);
	post_span(sink, TRACE_B, "aaaaaaaa", "other", 200);
	assert_int_equal(figures(sink).observations, 1);
	assert_int_equal(figures(sink).traces, 2);
	expect(sink, "GET", "/sink/observations", "", SLICE_NONE, 200, "\"name\":\"turn\"");
	expect(sink, "GET", "/api/public/traces/" TRACE_B_HEX, KEYS, SLICE_NONE, 200, "\"observations\":[]");
	expect(sink, "GET", "/api/public/traces/" TRACE_A_HEX, KEYS, SLICE_NONE, 200, "\"observations\":[{\"id\":\"6161616161616161\"");
	sink_stop(sink);
}

/* ---- batches ---- */

#define EVENT(id, type, body) "{\"id\":\"" id "\",\"type\":\"" type "\",\"timestamp\":\"2026-11-21T05:00:00.000Z\",\"body\":" body "}"

static void post_batch(struct sink *sink, const char *events, const char *words)
{
	struct buf body;

	buf_init(&body, 0);
	(void)buf_format(&body, "{\"batch\":[%s]}", events);
	expect(sink, "POST", "/api/public/ingestion", KEYS JSON, buf_view(&body), 207, words);
	buf_done(&body);
}

static void test_events_of_a_batch(void **state)
{
#define OK(id) "{\"successes\":[{\"id\":\"" id "\",\"status\":201}],\"errors\":[]}"
	static const struct {
		const char *event, *answer[3]; /* words for v2, v3, v4 */
	} rows[] = {
		{ EVENT("1", "span-create", "{\"id\":\"s\",\"traceId\":\"t\"}"), { OK("1"), OK("1"), "Event type not accepted" } },
		{ EVENT("2", "trace-create", "{\"id\":\"t\"}"), { OK("2"), OK("2"), "Event type not accepted" } },
		{ EVENT("3", "agent-create", "{\"id\":\"s3\"}"), { "\"errors\":[{\"id\":\"3\",\"status\":400", OK("3"), "Event type not accepted" } },
		{ EVENT("4", "score-create", "{\"name\":\"n\",\"value\":1}"), { OK("4"), OK("4"), OK("4") } },
		{ EVENT("5", "sdk-log", "{}"), { "{\"successes\":[],\"errors\":[]}", "{\"successes\":[],\"errors\":[]}", "{\"successes\":[],\"errors\":[]}" } },
		{ EVENT("6", "trace-create", "{}"), { OK("6"), OK("6"), "not accepted" } },
		{ EVENT("7", "span-create", "{}"), { "id: required", "id: required", "not accepted" } },
		{ EVENT("8", "span-create", "{\"id\":\"s\",\"level\":\"INFO\"}"), { "level", "level", "not accepted" } },
		{ EVENT("9", "span-create", "{\"id\":\"s\",\"startTime\":\"2026-11-21T05:00:00\"}"), { "startTime", "startTime", "not accepted" } },
		{ EVENT("10", "generation-create", "{\"id\":\"g\",\"modelParameters\":{\"a\":{\"b\":1}}}"), { "nested", "nested", "not accepted" } },
		{ EVENT("11", "generation-create", "{\"id\":\"g\",\"promptName\":\"p\"}"), { "promptVersion", "promptVersion", "not accepted" } },
		{ EVENT("12", "unheard-of", "{}"), { "unknown", "unknown", "unknown" } },
		{ "{\"type\":\"span-create\"}", { "\"id\":\"unknown\"", "\"id\":\"unknown\"", "\"id\":\"unknown\"" } },
		{ "{\"id\":\"13\",\"timestamp\":\"today\",\"type\":\"span-create\",\"body\":{}}", { "timestamp", "timestamp", "timestamp" } },
	};

	(void)state;
	for (enum sink_profile profile = SINK_V2; profile <= SINK_V4; profile++) {
		struct sink *sink = start(profile, NULL);

		for (size_t i = 0; i < COUNT(rows); i++)
			post_batch(sink, rows[i].event, rows[i].answer[profile]);
		assert_int_equal(figures(sink).observations, profile == SINK_V2 ? 1 : profile == SINK_V3 ? 2 : 0);
		sink_stop(sink);
	}
}

static void test_a_trace_name_has_a_limit(void **state)
{
	struct sink *sink = start(SINK_V2, NULL);
	char name[1002], event[1300];

	(void)state;
	memset(name, 'n', sizeof name);
	name[1001] = '\0';
	(void)snprintf(event, sizeof event, EVENT("1", "trace-create", "{\"id\":\"t\",\"name\":\"%s\"}"), name);
	post_batch(sink, event, "1000 characters");
	name[1000] = '\0';
	(void)snprintf(event, sizeof event, EVENT("2", "trace-create", "{\"id\":\"t\",\"name\":\"%s\"}"), name);
	post_batch(sink, event, "\"status\":201");
	sink_stop(sink);
}

/* Later values win, the start stays, bad counts are dropped, the trace's session shows on its observations. */
static void test_batches_merge(void **state)
{
	struct sink *sink = start(SINK_V2, NULL);
	struct reply reply;

	(void)state;
	post_batch(sink, EVENT("1", "generation-create", "{\"id\":\"g\",\"traceId\":\"t\",\"name\":\"a\",\"startTime\":\"2026-11-21T05:00:01Z\","
	           "\"metadata\":{\"k\":1,\"l\":2},\"usageDetails\":{\"input\":1.5,\"output\":\"7\",\"output_reasoning_tokens\":-1}}"), "201");
	post_batch(sink, EVENT("2", "generation-update", "{\"id\":\"g\",\"traceId\":\"other\",\"startTime\":\"2026-11-21T06:00:01Z\",\"name\":null,"
	           "\"endTime\":\"2026-11-21T05:00:03Z\",\"level\":\"ERROR\",\"metadata\":{\"l\":3}}"), "201");
	post_batch(sink, EVENT("3", "generation-update", "{\"id\":\"g\",\"traceId\":\"t\",\"startTime\":\"2026-11-21T06:00:01Z\",\"name\":null,"
	           "\"endTime\":\"2026-11-21T05:00:03Z\",\"level\":\"ERROR\",\"metadata\":{\"l\":3}}") "," EVENT("4", "trace-create", "{\"id\":\"t\",\"sessionId\":\"ses_9\"}"), "201");
	reply = request(sink, "GET", "/sink/observations", "", SLICE_NONE);
	assert_non_null(strstr(reply.body, "\"start\":1795237201000,\"end\":1795237203000"));
	assert_non_null(strstr(reply.body, "\"name\":\"a\""));
	assert_non_null(strstr(reply.body, "\"type\":\"generation\",\"level\":\"ERROR\""));
	assert_non_null(strstr(reply.body, "\"usage\":{\"output\":7}"));
	assert_non_null(strstr(reply.body, "\"metadata\":{\"k\":1,\"l\":3}"));
	assert_non_null(strstr(reply.body, "\"session\":\"ses_9\""));
	reply_done(&reply);
	sink_stop(sink);
}

static void test_limits_of_a_batch(void **state)
{
	struct sink *sink = start(SINK_V3, NULL);
	struct slice plain = SLICE("{\"batch\":[]}");
	struct buf packed = gzip(plain), large;

	(void)state;
	buf_init(&large, 0);
	memset(buf_reserve(&large, 4718593), ' ', 4718593);
	large.len = 4718593;
	memcpy(large.data, plain.ptr, plain.len);
	expect(sink, "POST", "/api/public/ingestion", KEYS JSON, buf_view(&large), 413, "Body exceeded 4.5mb limit");
	large.len--;
	expect(sink, "POST", "/api/public/ingestion", KEYS JSON, buf_view(&large), 207, "successes");
	expect(sink, "POST", "/api/public/ingestion", KEYS JSON "Content-Encoding: gzip\r\n", buf_view(&packed), 400, "Invalid JSON");
	expect(sink, "POST", "/api/public/ingestion", KEYS JSON, SLICE("{\"batch\":1}"), 400, "message");
	expect(sink, "POST", "/api/public/scores", KEYS JSON, SLICE("{\"id\":\"sc\",\"name\":\"n\",\"value\":1}"), 200, "{\"id\":\"sc\"}");
	expect(sink, "GET", "/sink/scores", "", SLICE_NONE, 200, "\"value\":1}\n");
	buf_done(&packed);
	buf_done(&large);
	sink_stop(sink);
}

/* ---- reading back ---- */

static void test_pages(void **state)
{
	static const char *const bad[] = { "limit=0", "limit=1001", "limit=x", "cursor=%21", "fields=secret", "parseIoAsJson=true", "fromStartTime=now" };
	struct sink *sink = start(SINK_V4, NULL);
	char id[9], target[300] = "/api/public/v2/observations?traceId=" TRACE_A_HEX "&limit=2";
	const char *const start_of_query = "/api/public/v2/observations?";
	size_t pages = 0, rows = 0;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		(void)snprintf(id, sizeof id, "id-%05u", i);
		post_span(sink, TRACE_A, id, "turn", 200);
	}
	post_span(sink, TRACE_B, "elsewher", "turn", 200);
	while (*target) {
		struct reply reply = request(sink, "GET", target, KEYS, SLICE_NONE);
		const char *cursor = strstr(reply.body, "\"cursor\":\""), *at = reply.body;

		pages++;
		while ((at = strstr(at, "\"traceId\":\"" TRACE_A_HEX))) {
			at++;
			rows++;
		}
		if (cursor)
			(void)snprintf(target, sizeof target, "%straceId=%s&limit=2&cursor=%.*s", start_of_query, TRACE_A_HEX, (int)strcspn(cursor + 10, "\""), cursor + 10);
		else
			*target = '\0';
		reply_done(&reply);
	}
	assert_int_equal(pages, 3);
	assert_int_equal(rows, 5);
	for (size_t i = 0; i < COUNT(bad); i++) {
		(void)snprintf(target, sizeof target, "%s%s", start_of_query, bad[i]);
		assert_int_equal(status_of(sink, "GET", target, KEYS, SLICE_NONE), 400);
	}
	sink_stop(sink);
}

static void test_field_groups(void **state)
{
	struct sink *sink = start(SINK_V4, NULL);
	const char *const target = "/api/public/v2/observations?traceId=" TRACE_A_HEX;

	(void)state;
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 200);
	expect(sink, "GET", target, KEYS, SLICE_NONE, 200, "\"sessionId\":\"ses_1\",\"isRootObservation\":true}");
	expect(sink, "GET", "/api/public/v2/observations?fields=core,metadata", KEYS, SLICE_NONE, 200, "\"attributes\":{\"langfuse.session.id\":\"ses_1\"}");
	expect(sink, "GET", "/api/public/v2/observations?fields=time", KEYS, SLICE_NONE, 200, "\"createdAt\":\"20");
	sink_stop(sink);
}

static void test_figures_and_drawing(void **state)
{
	struct sink *sink = start(SINK_V4, NULL);
	struct buf text;

	(void)state;
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 200);
	expect(sink, "GET", "/sink/figures", "", SLICE_NONE, 200, "{\"requests\":1,\"observations\":1,\"duplicates\":0,\"rejected\":0,\"traces\":1,\"scores\":0}");
	expect(sink, "GET", "/sink/draw", "", SLICE_NONE, 200, "turn");
	buf_init(&text, 0);
	assert_int_equal(sink_draw(sink, NULL, &text), 0);
	assert_non_null(strstr(text.data, "turn"));
	buf_done(&text);
	sink_stop(sink);
}

/* ---- faults ---- */

static void test_faults(void **state)
{
	static const struct {
		const char *fault;
		int status;     /* of the first request; 0: cut */
		bool whole, stored;
	} rows[] = {
		{ "status=500:1", 500, true, false }, { "status=429;retry-after=2:1", 429, true, false }, { "garbage:1", 200, true, false },
		{ "reset-before:1", 0, false, false }, { "reset-after:1", 0, false, false }, { "accept-and-die:1", 0, false, true },
		{ "cut-answer:1", 200, false, true }, { "slow=40:1", 200, true, true }, { "reject-name=turn", 400, true, false },
		{ "max-body=10", 413, true, false },
	};
	struct buf body = simple_request(TRACE_A, "aaaaaaaa", "turn");

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sink *sink = start(SINK_V4, rows[i].fault);
		struct reply reply = request(sink, "POST", OTLP_PATH, KEYS PROTOBUF, buf_view(&body));

		if (reply.status != rows[i].status || reply.whole != rows[i].whole || (figures(sink).observations == 1) != rows[i].stored)
			fail_msg("%s: status %d, %s, %s", rows[i].fault, reply.status, reply.whole ? "whole" : "cut",
			         figures(sink).observations ? "stored" : "not stored");
		if (strstr(rows[i].fault, "retry-after"))
			assert_non_null(strstr(reply.text.data, "Retry-After: 2\r\n"));
		if (rows[i].status == 200 && !rows[i].stored)
			assert_null(strstr(reply.body, "otel-ingestion-job"));
		reply_done(&reply);
		if (strstr(rows[i].fault, ":1"))
			post_span(sink, TRACE_A, "bbbbbbbb", "turn", 200);
		sink_stop(sink);
	}
	buf_done(&body);
}

/* It hangs for the client, stops with the receiver, and holds up no other. */
static void test_hang(void **state)
{
	struct sink *sink = start(SINK_V4, "posts-only,hang:2");
	struct buf body = simple_request(TRACE_A, "aaaaaaaa", "turn");
	struct reply reply = request_within(sink, 100, "POST", OTLP_PATH, KEYS PROTOBUF, buf_view(&body));
	int fd = dial(sink_port(sink), 20000);

	(void)state;
	assert_int_equal(reply.status, 0);
	assert_true(reply.timed_out);
	reply_done(&reply);
	send_all(fd, "POST /api/public/otel/v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 81);
	while (figures(sink).requests < 2)
		usleep(1000);
	assert_int_equal(status_of(sink, "GET", "/api/public/health", "", SLICE_NONE), 200);
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 200);
	sink_stop(sink);
	read_reply(fd, &reply);
	assert_int_equal(reply.status, 0);
	reply_done(&reply);
	close(fd);
	buf_done(&body);
}

static void test_fault_counts_and_order(void **state)
{
	struct sink *sink = start(SINK_V4, "skip-health,status=500:2,status=503:1");

	(void)state;
	assert_int_equal(status_of(sink, "GET", "/api/public/health", "", SLICE_NONE), 200);
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 500);
	assert_int_equal(status_of(sink, "GET", "/api/public/health", "", SLICE_NONE), 200);
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 500);
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 503);
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 200);
	expect(sink, "POST", "/sink/fault", "", SLICE("status=502"), 200, "{}");
	assert_int_equal(status_of(sink, "GET", "/api/public/health", "", SLICE_NONE), 502);
	expect(sink, "POST", "/sink/fault", "", SLICE("status=99"), 400, "status=99");
	assert_int_equal(status_of(sink, "GET", "/api/public/health", "", SLICE_NONE), 502);
	expect(sink, "POST", "/sink/fault", "", SLICE_NONE, 200, "{}");
	assert_int_equal(status_of(sink, "GET", "/api/public/health", "", SLICE_NONE), 200);
	sink_stop(sink);
}

static void test_lag_and_single_events(void **state)
{
	struct sink *sink = start(SINK_V4, "lag=3600000");

	(void)state;
	post_span(sink, TRACE_A, "aaaaaaaa", "turn", 200);
	expect(sink, "GET", "/api/public/v2/observations?traceId=" TRACE_A_HEX, KEYS, SLICE_NONE, 200, "{\"data\":[],\"meta\":{}}");
	expect(sink, "POST", "/sink/fault", "", SLICE("lag=0"), 200, "{}");
	expect(sink, "GET", "/api/public/v2/observations?traceId=" TRACE_A_HEX, KEYS, SLICE_NONE, 200, "{\"data\":[{\"id\":\"6161616161616161\"");
	sink_stop(sink);
	sink = start(SINK_V3, "per-event-500=1,reject-name=c");
	post_batch(sink, EVENT("1", "span-create", "{\"id\":\"a\"}") "," EVENT("2", "span-create", "{\"id\":\"b\"}") "," EVENT("3", "span-create", "{\"id\":\"c\",\"name\":\"c\"}"),
	           "{\"successes\":[{\"id\":\"2\",\"status\":201}],\"errors\":[{\"id\":\"1\",\"status\":500");
	assert_int_equal(figures(sink).observations, 1);
	assert_int_equal(figures(sink).rejected, 2);
	sink_stop(sink);
}

static void test_bad_switches(void **state)
{
	static const char *const bad[] = { "nonsense", "status", "status=", "status=600", "status=5x", "hang=1", "hang:0", "status=500;after=1", "slow=x", "max-body=0",
		"reject-name=", "lag=1:2", "skip-health=1" };
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct sink_options options = { .listen = "127.0.0.1:0", .profile = SINK_V4, .fault = bad[i] };
		struct sink *sink = NULL;

		if (sink_start(&options, &sink, &err) != LF_EINVAL)
			fail_msg("%s was taken", bad[i]);
	}
}

/* ---- files, addresses ---- */

static char *read_file(const char *dir, const char *name)
{
	char *path = file_join(dir, name);
	struct buf text;
	struct err err = { 0 };

	buf_init(&text, 0);
	if (file_read_all(path, 1u << 20, &text, &err) != 0)
		fail_msg("%s: %s", path, err.text);
	(void)unlink(path);
	free(path);
	(void)buf_char(&text, '\0');
	return buf_take(&text, NULL);
}

static void test_files(void **state)
{
	char dir[] = "/tmp/lfspool-test-XXXXXX";
	struct buf body = simple_request(TRACE_A, "aaaaaaaa", "turn"), packed = gzip(buf_view(&body));
	char *out, *requests, *text;
	struct sink *sink;

	(void)state;
	assert_non_null(mkdtemp(dir));
	out = file_join(dir, "out.jsonl");
	requests = file_join(dir, "requests");
	sink = start_with((struct sink_options){ .profile = SINK_V4, .out = out, .requests = requests, .fault = "status=500:1" });
	assert_int_equal(status_of(sink, "POST", OTLP_PATH, KEYS PROTOBUF "Content-Encoding: gzip\r\n", buf_view(&packed)), 500);
	assert_int_equal(status_of(sink, "POST", OTLP_PATH, KEYS PROTOBUF "Content-Encoding: gzip\r\n", buf_view(&packed)), 200);
	assert_int_equal(status_of(sink, "POST", "/api/public/ingestion", KEYS JSON, SLICE("{\"batch\":[]}")), 207);
	sink_stop(sink);
	text = read_file(dir, "out.jsonl");
	assert_non_null(strstr(text, "\"span\":\"6161616161616161\""));
	assert_true(strchr(text, '\n') == text + strlen(text) - 1);
	free(text);
	text = read_file(requests, "000001.pb");
	assert_memory_equal(text, body.data, body.len);
	free(text);
	text = read_file(requests, "000002.headers");
	assert_non_null(strstr(text, "POST /api/public/otel/v1/traces\n"));
	assert_non_null(strstr(text, "Authorization: (removed)\n"));
	assert_null(strstr(text, "cGs6c2s="));
	free(text);
	text = read_file(requests, "000003.json");
	assert_string_equal(text, "{\"batch\":[]}");
	free(text);
	free(read_file(requests, "000001.headers"));
	free(read_file(requests, "000002.pb"));
	free(read_file(requests, "000003.headers"));
	assert_int_equal(rmdir(requests), 0);
	assert_int_equal(rmdir(dir), 0);
	free(out);
	free(requests);
	buf_done(&body);
	buf_done(&packed);
}

static void test_loopback_only(void **state)
{
	static const char *const bad[] = { "0.0.0.0:0", "192.0.2.1:4318", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "example.org:80", ":80" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct sink_options options = { .listen = bad[i], .profile = SINK_V4 };
		struct sink *sink = NULL;
		struct err err = { 0 };

		if (sink_start(&options, &sink, &err) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_non_null(strstr(err.text, bad[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes_by_profile), cmocka_unit_test(test_health_names_the_version), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_otlp_answers), cmocka_unit_test(test_a_bomb_is_refused), cmocka_unit_test(test_a_bad_id_refuses_the_batch),
		cmocka_unit_test(test_duplicates_show_on_v4_only), cmocka_unit_test(test_an_id_of_another_trace),
		cmocka_unit_test(test_events_of_a_batch), cmocka_unit_test(test_a_trace_name_has_a_limit), cmocka_unit_test(test_batches_merge),
		cmocka_unit_test(test_limits_of_a_batch), cmocka_unit_test(test_pages), cmocka_unit_test(test_field_groups),
		cmocka_unit_test(test_figures_and_drawing), cmocka_unit_test(test_faults), cmocka_unit_test(test_hang),
		cmocka_unit_test(test_fault_counts_and_order), cmocka_unit_test(test_lag_and_single_events), cmocka_unit_test(test_bad_switches),
		cmocka_unit_test(test_files), cmocka_unit_test(test_loopback_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
