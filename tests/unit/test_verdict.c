/* The verdict table row by row, Retry-After, backoff, and which API a version means. */
#include "ship/ship_private.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_MS INT64_C(1795233553000) /* Sat, 21 Nov 2026 03:59:13 GMT */

static void every_status_has_its_verdict(void **state)
{
	static const struct {
		long status;
		enum verdict sensible, absurd;
	} rows[] = {
		{ 200, VERDICT_DELIVERED, VERDICT_IN_DOUBT }, { 201, VERDICT_DELIVERED, VERDICT_IN_DOUBT },
		{ 202, VERDICT_DELIVERED, VERDICT_IN_DOUBT }, { 204, VERDICT_DELIVERED, VERDICT_IN_DOUBT },
		{ 207, VERDICT_PER_EVENT, VERDICT_IN_DOUBT },
		{ 301, VERDICT_HOLD, VERDICT_HOLD }, { 302, VERDICT_HOLD, VERDICT_HOLD }, { 307, VERDICT_HOLD, VERDICT_HOLD },
		{ 308, VERDICT_HOLD, VERDICT_HOLD },
		{ 400, VERDICT_BISECT, VERDICT_BISECT }, { 422, VERDICT_BISECT, VERDICT_BISECT },
		{ 401, VERDICT_PAUSE, VERDICT_PAUSE }, { 403, VERDICT_PAUSE, VERDICT_PAUSE },
		{ 404, VERDICT_HOLD, VERDICT_HOLD }, { 405, VERDICT_HOLD, VERDICT_HOLD }, { 410, VERDICT_HOLD, VERDICT_HOLD },
		{ 415, VERDICT_HOLD, VERDICT_HOLD },
		{ 413, VERDICT_HALVE, VERDICT_HALVE },
		{ 408, VERDICT_RETRY, VERDICT_RETRY }, { 425, VERDICT_RETRY, VERDICT_RETRY }, { 429, VERDICT_RETRY, VERDICT_RETRY },
		{ 500, VERDICT_RETRY, VERDICT_RETRY }, { 502, VERDICT_RETRY, VERDICT_RETRY }, { 503, VERDICT_RETRY, VERDICT_RETRY },
		{ 504, VERDICT_RETRY, VERDICT_RETRY }, { 599, VERDICT_RETRY, VERDICT_RETRY },
		{ 600, VERDICT_IN_DOUBT, VERDICT_IN_DOUBT }, { 999, VERDICT_IN_DOUBT, VERDICT_IN_DOUBT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_answer answer = { .phase = HTTP_ANSWERED, .status = rows[i].status };
		struct http_answer cut = { .phase = HTTP_SENT, .status = rows[i].status, .cut = true };

		if (verdict_of(&answer, true) != rows[i].sensible || verdict_of(&answer, false) != rows[i].absurd ||
		    verdict_of(&cut, true) != rows[i].absurd)
			fail_msg("status %ld", rows[i].status);
	}
}

static void without_an_answer_the_phase_decides(void **state)
{
	struct http_answer not_sent = { .phase = HTTP_NOT_SENT }, sent = { .phase = HTTP_SENT };
	struct http_answer tls = { .phase = HTTP_NOT_SENT, .tls_config_error = true };

	(void)state;
	assert_int_equal(verdict_of(&not_sent, false), VERDICT_RETRY);
	assert_int_equal(verdict_of(&sent, false), VERDICT_IN_DOUBT);
	assert_int_equal(verdict_of(&tls, false), VERDICT_HOLD);
	assert_string_equal(verdict_name(VERDICT_IN_DOUBT), "in-doubt");
}

static void retry_after_takes_seconds_and_dates(void **state)
{
	static const struct {
		const char *value;
		int64_t ms;
	} rows[] = {
		{ "0", 0 }, { "7", 7000 }, { " 7 ", 7000 }, { "1000000000", INT64_C(1000000000000) },
		{ "99999999999999999999999", (INT64_MAX / 1000) * 1000 },
		{ "-1", -1 }, { "1.5", -1 }, { "soon", -1 }, { "", -1 }, { "Soon", -1 }, { "2026", 2026000 }, { "7 seconds", -1 },
		{ "Sat, 21 Nov 2026 03:59:23 GMT", 10000 }, { "Sat, 21 Nov 2026 03:59:03 GMT", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = http_parse_retry_after(slice_of(rows[i].value), NOW_MS);

		if (got != rows[i].ms)
			fail_msg("\"%s\" is %lld", rows[i].value, (long long)got);
	}
}

static void backoff_grows_to_its_limit(void **state)
{
	static const struct {
		unsigned attempt;
		int64_t retry_after_ms;
		double random;
		int64_t ms;
	} rows[] = {
		{ 1, -1, 1.0, 1000 }, { 1, -1, 0.5, 500 }, { 1, -1, 0.0, 0 }, { 2, -1, 1.0, 2000 }, { 5, -1, 1.0, 16000 },
		{ 9, -1, 1.0, 256000 }, { 10, -1, 1.0, 300000 }, { 4000000000U, -1, 1.0, 300000 }, { 0, -1, 1.0, 1000 },
		{ 1, 7000, 0.5, 7000 }, { 5, 7000, 1.0, 16000 }, { 1, 0, 0.5, 500 },
		{ 1, INT64_C(1000000000000), 0.5, 3600000 }, { 1, INT64_MAX, 0.5, 3600000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = backoff_ms(rows[i].attempt, 1000, 300000, rows[i].retry_after_ms, rows[i].random);

		if (got != rows[i].ms)
			fail_msg("row %zu is %lld", i, (long long)got);
	}
}

static void the_version_chooses_the_api(void **state)
{
	static const struct {
		enum ship_api wanted;
		const char *version, *api;
		bool merges;
	} rows[] = {
		{ SHIP_AUTO, "4.16.0", "otlp v4", false }, { SHIP_AUTO, "3.63.0", "otlp v3", true },
		{ SHIP_AUTO, "3.62.9", "ingestion v3", true }, { SHIP_AUTO, "2.95.12", "ingestion v2", true },
		{ SHIP_AUTO, "v3.225.4-rc.1", "otlp v3", true }, { SHIP_AUTO, "10.0", "otlp v10", false },
		{ SHIP_OTLP_JSON, "4.16.0", "otlp-json v4", false }, { SHIP_INGESTION, "4.16.0", "ingestion v4", false },
		{ SHIP_OTLP, NULL, "otlp", true }, { SHIP_OTLP, "latest", "otlp", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ship_server server;
		char api[32];

		probe_choose(rows[i].wanted, rows[i].version, &server);
		probe_api_name(&server, api);
		assert_string_equal(api, rows[i].api);
		assert_int_equal(server.merges, rows[i].merges);
	}
}

/* ---- 207 ---- */

static struct ship_row rows_of_answer[3];
static struct ship_row *const row_pointers[3] = { &rows_of_answer[0], &rows_of_answer[1], &rows_of_answer[2] };

static enum verdict per_event(const char *body)
{
	struct http_answer answer;
	enum verdict verdict;

	memset(rows_of_answer, 0, sizeof(rows_of_answer));
	for (unsigned i = 0; i < 3; i++) {
		rows_of_answer[i].span_id[7] = (uint8_t)(i + 1);
		rows_of_answer[i].trace_id[0] = 0xaa;
	}
	http_answer_init(&answer);
	buf_text(&answer.body, body);
	answer.phase = HTTP_ANSWERED;
	answer.status = 207;
	verdict = answer_per_event(&answer, row_pointers, 3);
	http_answer_done(&answer);
	return verdict;
}

static void assert_outcomes(enum settle a, enum settle b, enum settle c)
{
	assert_int_equal(rows_of_answer[0].outcome, a);
	assert_int_equal(rows_of_answer[1].outcome, b);
	assert_int_equal(rows_of_answer[2].outcome, c);
}

#define ID(n) "\"000000000000000" #n "-0\""
#define TRACE "\"aa000000000000000000000000000000-1234567812345678\""
#define REFUSED ",\"status\":400,\"message\":\"Event type not accepted\",\"error\":\"x\"}"

static void a_207_is_read_event_by_event(void **state)
{
	(void)state;
	assert_int_equal(per_event("{\"successes\":[{\"id\":" TRACE ",\"status\":201},{\"id\":" ID(1) ",\"status\":201}],"
	                           "\"errors\":[{\"id\":" ID(2) ",\"status\":400},{\"id\":" ID(3) ",\"status\":500}]}"), VERDICT_RETRY);
	assert_outcomes(SETTLE_DELIVERED, SETTLE_DEAD, SETTLE_RETRY);
	assert_string_equal(rows_of_answer[1].reason, "rejected");

	assert_int_equal(per_event("{\"successes\":[{\"id\":" ID(1) ",\"status\":201},{\"id\":" ID(2) "},{\"id\":" ID(3) ",\"status\":201}],"
	                           "\"errors\":[{\"id\":" TRACE ",\"status\":400}]}"), VERDICT_PER_EVENT);
	assert_outcomes(SETTLE_DELIVERED, SETTLE_DELIVERED, SETTLE_DELIVERED);

	assert_int_equal(per_event("{\"successes\":[{\"id\":" ID(1) ",\"status\":201}],\"errors\":[{\"id\":" ID(2) ",\"status\":429}]}"),
	                 VERDICT_IN_DOUBT);
	assert_outcomes(SETTLE_DELIVERED, SETTLE_RETRY, SETTLE_IN_DOUBT);
}

static void a_207_that_refuses_all_is_configuration(void **state)
{
	(void)state;
	assert_int_equal(per_event("{\"successes\":[],\"errors\":[{\"id\":" TRACE REFUSED ",{\"id\":" ID(1) REFUSED ",{\"id\":" ID(2) REFUSED
	                           ",{\"id\":" ID(3) REFUSED "]}"), VERDICT_HOLD);
	assert_outcomes(SETTLE_RETRY, SETTLE_RETRY, SETTLE_RETRY);
	assert_int_equal(per_event("{\"successes\":[],\"errors\":[{\"id\":" ID(1) ",\"status\":401,\"error\":\"Access Scope Denied\"}]}"),
	                 VERDICT_PAUSE);
	assert_outcomes(SETTLE_RETRY, SETTLE_RETRY, SETTLE_RETRY);
}

static void a_207_that_names_nobody_is_bisected_or_in_doubt(void **state)
{
	(void)state;
	assert_int_equal(per_event("{\"successes\":[{\"id\":" ID(1) ",\"status\":201}],\"errors\":[{\"id\":\"unknown\",\"status\":400}]}"),
	                 VERDICT_BISECT);
	assert_outcomes(SETTLE_RETRY, SETTLE_RETRY, SETTLE_RETRY);
	assert_int_equal(per_event("{\"successes\":[],\"errors\":[]}"), VERDICT_IN_DOUBT);
	assert_outcomes(SETTLE_IN_DOUBT, SETTLE_IN_DOUBT, SETTLE_IN_DOUBT);
	assert_int_equal(per_event("{\"successes\":"), VERDICT_IN_DOUBT);
	assert_int_equal(per_event("[]"), VERDICT_IN_DOUBT);
}

static void only_what_an_api_answers_is_sensible(void **state)
{
	static const struct {
		enum map_format format;
		bool langfuse;
		const char *type, *body;
		bool sensible;
	} rows[] = {
		{ MAP_OTLP_PROTOBUF, true, "application/json", "{\"name\":\"otel-ingestion-job\"}", true },
		{ MAP_OTLP_PROTOBUF, true, "application/json", "{}", true },
		{ MAP_OTLP_PROTOBUF, true, "application/json", "", false },
		{ MAP_OTLP_PROTOBUF, true, "text/html", "<html>", false },
		{ MAP_OTLP_PROTOBUF, true, "application/json", "[]", false },
		{ MAP_OTLP_PROTOBUF, true, "application/json", "{\"name\":", false },
		{ MAP_OTLP_PROTOBUF, true, "application/x-protobuf", "", false },
		{ MAP_OTLP_PROTOBUF, false, "application/x-protobuf", "", true },
		{ MAP_OTLP_JSON, false, "application/json", "{\"partialSuccess\":{}}", true },
		{ MAP_INGESTION, true, "application/json", "{}", false },
		{ MAP_INGESTION, true, "application/json", "{\"successes\":[],\"errors\":[]}", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_answer answer;

		http_answer_init(&answer);
		answer.phase = HTTP_ANSWERED;
		answer.status = 200;
		memcpy(answer.content_type, rows[i].type, strlen(rows[i].type));
		buf_text(&answer.body, rows[i].body);
		if (answer_is_sensible(rows[i].format, rows[i].langfuse, &answer) != rows[i].sensible)
			fail_msg("row %zu", i);
		answer.cut = true;
		assert_false(answer_is_sensible(rows[i].format, rows[i].langfuse, &answer));
		http_answer_done(&answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_its_verdict),
		cmocka_unit_test(without_an_answer_the_phase_decides),
		cmocka_unit_test(retry_after_takes_seconds_and_dates),
		cmocka_unit_test(backoff_grows_to_its_limit),
		cmocka_unit_test(the_version_chooses_the_api),
		cmocka_unit_test(a_207_is_read_event_by_event),
		cmocka_unit_test(a_207_that_refuses_all_is_configuration),
		cmocka_unit_test(a_207_that_names_nobody_is_bisected_or_in_doubt),
		cmocka_unit_test(only_what_an_api_answers_is_sensible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
