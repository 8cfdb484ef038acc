/* What answers of a collector mean: the tables of OTLP over HTTP and gRPC, partial success, RetryInfo; frames; headers. */
#include "base/base64.h"
#include "base/protobuf.h"
#include "ship/collector_private.h"
#include "ship/grpc.h"
#include "ship/headers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct collector_answer judged(enum collector_protocol protocol, const struct http_answer *answer)
{
	struct collector_answer ret = { .rejected = 77, .reason = "old", .message = "old" };

	collector_judge(COLLECTOR_METRICS, protocol, answer, &ret);
	return ret;
}

static void statuses_of_http(void **state)
{
	static const struct { long status; enum collector_verdict verdict; } rows[] = {
		{ 200, COLLECTOR_TAKEN }, { 202, COLLECTOR_TAKEN }, { 302, COLLECTOR_HELD }, { 400, COLLECTOR_REFUSED }, { 401, COLLECTOR_HELD },
		{ 403, COLLECTOR_HELD }, { 404, COLLECTOR_HELD }, { 405, COLLECTOR_HELD }, { 408, COLLECTOR_FAILED }, { 413, COLLECTOR_REFUSED },
		{ 415, COLLECTOR_HELD }, { 422, COLLECTOR_FAILED }, { 429, COLLECTOR_AGAIN }, { 500, COLLECTOR_FAILED }, { 501, COLLECTOR_HELD },
		{ 502, COLLECTOR_AGAIN }, { 503, COLLECTOR_AGAIN }, { 504, COLLECTOR_AGAIN }, { 505, COLLECTOR_FAILED }, { 599, COLLECTOR_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_answer answer = { .phase = HTTP_ANSWERED, .status = rows[i].status, .retry_after_ms = 5000 };
		struct collector_answer ret = judged(COLLECTOR_PROTOBUF, &answer);
		bool again = rows[i].verdict == COLLECTOR_AGAIN;
		if (ret.verdict != rows[i].verdict || ret.rejected != 0 || ret.retry_after_ms != (again ? 5000 : -1) ||
		    (ret.reason[0] == '\0') != (ret.verdict == COLLECTOR_TAKEN))
			fail_msg("%ld: %s, %lld, \"%s\"", rows[i].status, collector_verdict_name(ret.verdict), (long long)ret.retry_after_ms, ret.reason);
	}
}

static void no_answer_is_tried_again_unless_a_certificate_is_wrong(void **state)
{
	struct http_answer answer = { .phase = HTTP_SENT, .retry_after_ms = -1, .error = "timed out" };

	(void)state;
	for (enum collector_protocol protocol = COLLECTOR_PROTOBUF; protocol <= COLLECTOR_GRPC; protocol++) {
		answer.tls_config_error = false;
		assert_int_equal(judged(protocol, &answer).verdict, COLLECTOR_AGAIN);
		assert_string_equal(judged(protocol, &answer).reason, "timed out");
		answer.tls_config_error = true;
		assert_int_equal(judged(protocol, &answer).verdict, COLLECTOR_HELD);
	}
	answer = (struct http_answer){ .phase = HTTP_SENT, .status = 200, .cut = true };
	assert_int_equal(judged(COLLECTOR_JSON, &answer).verdict, COLLECTOR_AGAIN);
}

static void a_page_is_no_collector(void **state)
{
	struct http_answer answer = { .phase = HTTP_ANSWERED, .status = 200, .content_type = "text/html; charset=utf-8" };

	(void)state;
	assert_int_equal(judged(COLLECTOR_PROTOBUF, &answer).verdict, COLLECTOR_HELD);
	assert_int_equal(judged(COLLECTOR_GRPC, &answer).verdict, COLLECTOR_HELD);
}

static void an_answer_tells_what_was_rejected(void **state)
{
	static const struct { const char *bytes; size_t len; bool json; uint64_t rejected; const char *message; } rows[] = {
		{ "", 0, false, 0, "" }, { "\x0a\x00", 2, false, 0, "" }, { "\x0a\x02\x08\x05", 4, false, 5, "" },
		{ "\x0a\x07\x12\x03""bad\x08\x07", 9, false, 7, "bad" }, { "\x0a\x06\x12\x04""a\nb\x7f", 8, false, 0, "a b " },
		{ "\x0a\x7f\x08\x05", 4, false, 0, "" }, { "\x0a\x02\x08", 3, false, 0, "" }, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11, false, 0, "" },
		{ "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, false, 0, "" }, { "<html>", 6, false, 0, "" }, { "<html>", 0, true, 0, "" },
		{ "{}", 0, true, 0, "" }, { "{\"partialSuccess\":{\"rejectedDataPoints\":\"12\",\"errorMessage\":\"\\u0007bad\"}}", 0, true, 12, " bad" },
		{ "{\"partialSuccess\":{\"rejectedDataPoints\":3}}", 0, true, 3, "" }, { "{\"partialSuccess\":{\"rejectedDataPoints\":\"-3\"}}", 0, true, 0, "" },
		{ "{\"partialSuccess\":{\"rejectedSpans\":3}}", 0, true, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_answer answer = { .phase = HTTP_ANSWERED, .status = 200 };
		struct collector_answer ret;
		buf_init(&answer.body, 0);
		(void)buf_append(&answer.body, rows[i].bytes, rows[i].json ? strlen(rows[i].bytes) : rows[i].len);
		ret = judged(rows[i].json ? COLLECTOR_JSON : COLLECTOR_PROTOBUF, &answer);
		buf_done(&answer.body);
		if (ret.rejected != rows[i].rejected || strcmp(ret.message, rows[i].message) != 0 ||
		    ret.verdict != (rows[i].rejected ? COLLECTOR_PARTIAL : COLLECTOR_TAKEN))
			fail_msg("row %zu: %s %llu \"%s\"", i, collector_verdict_name(ret.verdict), (unsigned long long)ret.rejected, ret.message);
	}
}

/* ---- gRPC ---- */

/* google.rpc.Status with the details given, in base64 without padding, as headers have it. */
static void set_details(struct http_answer *answer, const char *type, int64_t seconds, int64_t nanos)
{
	struct protobuf protobuf;
	struct buf bytes, text;

	buf_init(&bytes, 0);
	buf_init(&text, 0);
	protobuf_init(&protobuf, &bytes);
	protobuf_varint(&protobuf, 1, 8);
	protobuf_bytes(&protobuf, 2, SLICE("slower"));
	protobuf_open(&protobuf, 3);
	protobuf_bytes(&protobuf, 1, SLICE("type.googleapis.com/google.rpc.DebugInfo"));
	protobuf_close(&protobuf);
	protobuf_open(&protobuf, 3);
	protobuf_bytes(&protobuf, 1, slice_of(type));
	protobuf_open(&protobuf, 2);
	protobuf_open(&protobuf, 1);
	protobuf_varint(&protobuf, 1, (uint64_t)seconds);
	protobuf_varint(&protobuf, 2, (uint64_t)nanos);
	protobuf_close(&protobuf);
	protobuf_close(&protobuf);
	protobuf_close(&protobuf);
	assert_int_equal(base64_encode(buf_view(&bytes), &text), 0);
	while (text.len > 0 && text.data[text.len - 1] == '=')
		text.data[--text.len] = '\0';
	snprintf(answer->grpc_details, sizeof answer->grpc_details, "%s", text.data);
	buf_done(&bytes);
	buf_done(&text);
}

static void statuses_of_grpc(void **state)
{
	static const struct { int status; bool info; enum collector_verdict verdict; } rows[] = {
		{ 0, false, COLLECTOR_TAKEN }, { 1, false, COLLECTOR_AGAIN }, { 2, false, COLLECTOR_FAILED }, { 3, false, COLLECTOR_REFUSED },
		{ 4, false, COLLECTOR_AGAIN }, { 5, false, COLLECTOR_HELD }, { 6, false, COLLECTOR_FAILED }, { 7, false, COLLECTOR_HELD },
		{ 8, false, COLLECTOR_FAILED }, { 8, true, COLLECTOR_AGAIN }, { 9, false, COLLECTOR_FAILED }, { 10, false, COLLECTOR_AGAIN },
		{ 11, false, COLLECTOR_AGAIN }, { 12, false, COLLECTOR_HELD }, { 13, false, COLLECTOR_FAILED }, { 13, true, COLLECTOR_FAILED },
		{ 14, false, COLLECTOR_AGAIN }, { 14, true, COLLECTOR_AGAIN }, { 15, false, COLLECTOR_AGAIN }, { 16, false, COLLECTOR_HELD },
		{ 17, false, COLLECTOR_FAILED }, { 4711, false, COLLECTOR_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_answer answer = { .phase = HTTP_ANSWERED, .status = 200, .retry_after_ms = -1, .grpc_message = "n%C3%B6%0A%zz%F6n" };
		struct collector_answer ret;
		snprintf(answer.grpc_status, sizeof answer.grpc_status, "%d", rows[i].status);
		if (rows[i].info)
			set_details(&answer, "type.googleapis.com/google.rpc.RetryInfo", 2, 250000000);
		ret = judged(COLLECTOR_GRPC, &answer);
		if (ret.verdict != rows[i].verdict || ret.retry_after_ms != (rows[i].info && ret.verdict == COLLECTOR_AGAIN ? 2250 : -1))
			fail_msg("%d: %s, %lld", rows[i].status, collector_verdict_name(ret.verdict), (long long)ret.retry_after_ms);
		if (rows[i].status != 0)
			assert_string_equal(ret.message, "n\xc3\xb6 %zz");
	}
}

static void http_statuses_stand_in_for_those_of_grpc(void **state)
{
	static const struct { long http; int status; enum collector_verdict verdict; } rows[] = {
		{ 400, 13, COLLECTOR_FAILED }, { 401, 16, COLLECTOR_HELD }, { 403, 7, COLLECTOR_HELD }, { 404, 12, COLLECTOR_HELD },
		{ 429, 14, COLLECTOR_AGAIN }, { 502, 14, COLLECTOR_AGAIN }, { 503, 14, COLLECTOR_AGAIN }, { 504, 14, COLLECTOR_AGAIN },
		{ 302, 2, COLLECTOR_HELD }, { 200, 2, COLLECTOR_HELD }, { 500, 2, COLLECTOR_HELD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_answer answer = { .phase = HTTP_ANSWERED, .status = rows[i].http, .retry_after_ms = 3000 };
		struct collector_answer ret = judged(COLLECTOR_GRPC, &answer);
		if (ret.verdict != rows[i].verdict || ret.grpc_status != rows[i].status || ret.retry_after_ms != (ret.verdict == COLLECTOR_AGAIN ? 3000 : -1))
			fail_msg("%ld: %s %d", rows[i].http, collector_verdict_name(ret.verdict), ret.grpc_status);
	}
}

static void a_status_counts_even_when_the_connection_broke_after_it(void **state)
{
	struct http_answer answer = { .phase = HTTP_SENT, .status = 200, .grpc_status = "3", .error = "stream closed" };

	(void)state;
	assert_int_equal(judged(COLLECTOR_GRPC, &answer).verdict, COLLECTOR_REFUSED);
}

static void retry_info_is_read_with_care(void **state)
{
	static const struct { const char *type; int64_t seconds, nanos, ms; } rows[] = {
		{ "type.googleapis.com/google.rpc.RetryInfo", 0, 1500000, 1 }, { "x/google.rpc.RetryInfo", 3600, 0, 3600000 },
		{ "type.googleapis.com/google.rpc.RetryInfo", 0, 0, 0 }, { "type.googleapis.com/google.rpc.RetryInfo", -5, 0, 0 },
		{ "type.googleapis.com/google.rpc.RetryInfo", 1, -5, 0 }, { "type.googleapis.com/google.rpc.RetryInfo", INT64_MAX, 0, 0 },
		{ "type.googleapis.com/google.rpc.QuotaFailure", 1, 0, -1 }, { "RetryInfo", 1, 0, -1 },
	};
	static const char *const bad[] = { "", "====", "!", "AAAA", "CAgSBg", "Gv8=" };
	struct http_answer answer = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		set_details(&answer, rows[i].type, rows[i].seconds, rows[i].nanos);
		assert_int_equal(grpc_retry_ms(&answer), rows[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(answer.grpc_details, sizeof answer.grpc_details, "%s", bad[i]);
		assert_int_equal(grpc_retry_ms(&answer), -1);
	}
}

static void frames(void **state)
{
	struct slice message;
	struct err err;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(grpc_frame(SLICE("hello"), false, &out, &err), 0);
	assert_true(slice_equal(buf_view(&out), SLICE("\0\0\0\0\5hello")));
	assert_true(grpc_unframe(buf_view(&out), &message) && slice_is(message, "hello"));
	assert_false(grpc_unframe((struct slice){ out.data, out.len - 1 }, &message));
	assert_false(grpc_unframe((struct slice){ out.data, 4 }, &message));
	out.data[0] = 1;
	assert_false(grpc_unframe(buf_view(&out), &message));
	buf_clear(&out);
	assert_int_equal(grpc_frame(SLICE("hello"), true, &out, &err), 0);
	assert_int_equal(out.data[0], 1);
	assert_int_equal((uint8_t)out.data[4], out.len - 5);
	assert_int_equal((uint8_t)out.data[5], 0x1f); /* gzip */
	buf_done(&out);
	buf_init(&out, 4);
	assert_int_not_equal(grpc_frame(SLICE("hello"), false, &out, &err), 0);
	buf_done(&out);
}

/* ---- headers ---- */

static void headers_of_lists_and_objects(void **state)
{
	struct headers headers;
	struct err err;

	(void)state;
	headers_init(&headers);
	assert_int_equal(headers_put_list(&headers, "a=1, b = two%20words%2C%zz ,c=,x", &err), 0);
	assert_int_equal(headers_put_json(&headers, SLICE("{\"B\":\"3\",\"d\":\"\\u00e4\"}"), &err), 0);
	assert_int_equal(headers.count, 4);
	assert_string_equal(headers.lines[0], "a: 1");
	assert_string_equal(headers.lines[1], "B: 3"); /* the later wins, whatever its case */
	assert_string_equal(headers.lines[2], "c;");
	assert_string_equal(headers.lines[3], "d: \xc3\xa4");
	assert_null(headers.lines[4]);
	headers_done(&headers);
}

static void headers_that_cannot_be_sent_are_refused_without_being_named(void **state)
{
	static const char *const bad[] = {
		"[]", "\"x\"", "{\"a\":1}", "{\"a\":null}", "{\"a\":\"hush\\r\\nb: 2\"}", "{\"a b\":\"hush\"}", "{\"\":\"hush\"}", "{\"a:\":\"hush\"}", "hush", "",
	};
	struct headers headers;
	struct err err;

	(void)state;
	headers_init(&headers);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_not_equal(headers_put_json(&headers, slice_of(bad[i]), &err), 0);
		assert_null(strstr(err.text, "hush"));
	}
	assert_int_not_equal(headers_put_list(&headers, "a=hush%0d%0ab:2", &err), 0);
	assert_null(strstr(err.text, "hush"));
	for (int i = 0; i < HEADERS_MAX; i++) {
		char name[16];
		snprintf(name, sizeof name, "h%d", i);
		assert_int_equal(headers_put(&headers, slice_of(name), SLICE("x"), &err), 0);
	}
	assert_int_not_equal(headers_put(&headers, SLICE("more"), SLICE("x"), &err), 0);
	assert_int_equal(headers_put(&headers, SLICE("h3"), SLICE("y"), &err), 0);
	headers_done(&headers);
}

static void addresses(void **state)
{
	static const struct { enum collector_signal signal; enum collector_protocol protocol; const char *endpoint; bool base; const char *url; } rows[] = {
		{ COLLECTOR_METRICS, COLLECTOR_PROTOBUF, "http://h:4318", true, "http://h:4318/v1/metrics" },
		{ COLLECTOR_LOGS, COLLECTOR_JSON, "http://h:4318/", true, "http://h:4318/v1/logs" },
		{ COLLECTOR_TRACES, COLLECTOR_PROTOBUF, "https://h/a/b/", true, "https://h/a/b/v1/traces" },
		{ COLLECTOR_TRACES, COLLECTOR_PROTOBUF, "https://h/a/b/", false, "https://h/a/b/" },
		{ COLLECTOR_METRICS, COLLECTOR_JSON, "https://h", false, "https://h" },
		{ COLLECTOR_METRICS, COLLECTOR_GRPC, "http://h:4317", true, "http://h:4317/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" },
		{ COLLECTOR_LOGS, COLLECTOR_GRPC, "http://h:4317/x/", false, "http://h:4317/opentelemetry.proto.collector.logs.v1.LogsService/Export" },
		{ COLLECTOR_TRACES, COLLECTOR_GRPC, "https://h?x", true, "https://h/opentelemetry.proto.collector.trace.v1.TraceService/Export" },
	};
	struct collector *collector;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct collector_options options = { .signal = rows[i].signal, .protocol = rows[i].protocol, .endpoint = rows[i].endpoint,
			                             .endpoint_is_base = rows[i].base, .timeout_ms = 100 };
		assert_int_equal(collector_new(&options, &collector, &err), 0);
		assert_string_equal(collector_url(collector), rows[i].url);
		collector_free(collector);
	}
	assert_int_equal(collector_new(&(struct collector_options){ .endpoint = "http://h", .headers = "a=%0a" }, &collector, &err), LF_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_of_http), cmocka_unit_test(no_answer_is_tried_again_unless_a_certificate_is_wrong),
		cmocka_unit_test(a_page_is_no_collector), cmocka_unit_test(an_answer_tells_what_was_rejected), cmocka_unit_test(statuses_of_grpc),
		cmocka_unit_test(http_statuses_stand_in_for_those_of_grpc), cmocka_unit_test(a_status_counts_even_when_the_connection_broke_after_it),
		cmocka_unit_test(retry_info_is_read_with_care), cmocka_unit_test(frames), cmocka_unit_test(headers_of_lists_and_objects),
		cmocka_unit_test(headers_that_cannot_be_sent_are_refused_without_being_named), cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
