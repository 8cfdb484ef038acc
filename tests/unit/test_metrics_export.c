/* Counters become families and series; the two texts of them; what a collector answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "metrics/otlp.h"
#include "metrics/prometheus.h"
#include <stdio.h>
#include <string.h>

static const struct metrics_options plain = { .prefix = "x.", .profiles = "opencode", .disabled = "message.count,model.usage" };
#define TOKENS(type) "{\"source\":\"o\",\"model\":\"m\\\"\\n\",\"provider\":\"p\",\"agent\":\"a\",\"type\":\"" type "\"}"

static void text_is(const struct metrics *metrics, bool open_metrics, const char *want)
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(prometheus_write(metrics, open_metrics, 1500, &out), 0);
	assert_string_equal(out.data ? out.data : "", want);
	buf_done(&out);
}

static void a_counter_is_a_series(void **state)
{
	struct metrics *metrics = metrics_new(&plain);

	(void)state;
	metrics_add(metrics, "metric.tokens", TOKENS("input"), 7);
	metrics_add(metrics, "metric.tokens", TOKENS("input"), 1);
	metrics_add(metrics, "metric.tokensx", TOKENS("input"), 1);
	metrics_add(metrics, "metric.messages", TOKENS("input"), 1);
	metrics_add(metrics, "metric.tokens", "not JSON", 1);
	metrics_add(metrics, "unknown", "{}", 1);
	text_is(metrics, false, "# HELP x_token_usage_tokens_total Tokens of finished answers.\n# TYPE x_token_usage_tokens_total counter\n"
	                        "x_token_usage_tokens_total{model=\"m\\\"\\n\",agent=\"a\",type=\"input\"} 8\n");
	text_is(metrics, true, "# UNIT x_token_usage_tokens tokens\n# HELP x_token_usage_tokens Tokens of finished answers.\n# TYPE x_token_usage_tokens counter\n"
	                       "x_token_usage_tokens_total{model=\"m\\\"\\n\",agent=\"a\",type=\"input\"} 8\n"
	                       "x_token_usage_tokens_created{model=\"m\\\"\\n\",agent=\"a\",type=\"input\"} 1.5\n# EOF\n");
	metrics_free(metrics);
}

static void series_that_become_the_same_add_up(void **state)
{
	struct metrics_options options = plain;
	struct metrics *metrics;

	(void)state;
	options.excluded = "model, type";
	options.attributes = "agent=all,team = blue";
	metrics = metrics_new(&options);
	metrics_add(metrics, "metric.tokens", TOKENS("input"), 7);
	metrics_add(metrics, "metric.tokens", TOKENS("output"), 5);
	text_is(metrics, false, "# HELP x_token_usage_tokens_total Tokens of finished answers.\n# TYPE x_token_usage_tokens_total counter\n"
	                        "x_token_usage_tokens_total{agent=\"all\",team=\"blue\"} 12\n");
	metrics_free(metrics);
}

static void many_series_are_found_again(void **state)
{
	struct metrics_options options = plain;
	struct metrics *metrics;
	char label[64];
	const struct metric_family *family;

	(void)state;
	options.labels = "session";
	metrics = metrics_new(&options);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 1000; i++) {
			snprintf(label, sizeof label, "{\"source\":\"o\",\"session\":\"s%d\"}", i);
			metrics_add(metrics, "metric.commits", label, i);
		}
	for (size_t i = 0; i < metrics_count(metrics); i++) {
		family = metrics_family(metrics, i);
		if (strcmp(family->name, "x.commit.count") != 0)
			continue;
		assert_int_equal(family->count, 1000);
		assert_int_equal(family->series[999].raw, 1998);
	}
	metrics_free(metrics);
}

static void a_histogram_is_cumulative_in_seconds(void **state)
{
	struct metrics *metrics = metrics_new(&plain);
	struct buf out;

	(void)state;
	metrics_add(metrics, "metric.tool_ms/1", "{\"tool\":\"bash\",\"status\":\"completed\"}", 2);
	metrics_add(metrics, "metric.tool_ms/3", "{\"tool\":\"bash\",\"status\":\"completed\"}", 1);
	metrics_add(metrics, "metric.tool_ms/sum", "{\"tool\":\"bash\",\"status\":\"completed\"}", 30);
	metrics_add(metrics, "metric.tool_ms/99", "{\"tool\":\"bash\",\"status\":\"completed\"}", 1);
	buf_init(&out, 0);
	assert_int_equal(prometheus_write(metrics, false, 0, &out), 0);
	assert_non_null(strstr(out.data, "x_tool_duration_seconds_bucket{tool_name=\"bash\",success=\"true\",le=\"0\"} 0\n"));
	assert_non_null(strstr(out.data, "le=\"0.005\"} 2\n"));
	assert_non_null(strstr(out.data, "le=\"0.025\"} 3\n"));
	assert_non_null(strstr(out.data, "le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(out.data, "x_tool_duration_seconds_sum{tool_name=\"bash\",success=\"true\"} 0.03\n"));
	buf_done(&out);
	metrics_free(metrics);
}

static void differences_are_asked_for(void **state)
{
	static const struct { enum metrics_temporality temporality; const char *counter; bool delta; } rows[] = {
		{ METRICS_CUMULATIVE, "metric.tokens", false }, { METRICS_DELTA, "metric.tokens", true }, { METRICS_LOW_MEMORY, "metric.tokens", true },
		{ METRICS_DELTA, "records", true }, { METRICS_LOW_MEMORY, "records", false }, { METRICS_DELTA, "metric.lines_now", false },
		{ METRICS_LOW_MEMORY, "metric.flush_ms/3", false }, { METRICS_DELTA, "metric.flush_ms/3", true },
		{ METRICS_LOW_MEMORY, "metric.ingest_ms/x3", false }, { METRICS_LOW_MEMORY, "metric.tool_ms/x3", true },
		{ METRICS_DELTA, "series", false }, { METRICS_DELTA, "series.metric.tokens", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(metrics_is_delta(rows[i].temporality, rows[i].counter), rows[i].delta);
}

static void json_is_as_the_protocol_says(void **state)
{
	struct otlp_context context = { .temporality = METRICS_DELTA, .start_ms = 1, .time_ms = 2, .delta_start_ms = 3, .delta_time_ms = 4, .version = "9",
		                            .resource = "service.name=s,os.type=o,host.arch=h,app.version=a" };
	struct metrics *metrics = metrics_new(&plain);
	struct buf out;
	uint64_t points;

	(void)state;
	metrics_add(metrics, "metric.sessions", "{\"is_subagent\":\"false\"}", 2);
	metrics_gauge(metrics, "g", "1", "h", NULL, 0.5);
	buf_init(&out, 0);
	assert_int_equal(otlp_write_json(metrics, &context, &out, &points), 0);
	assert_int_equal(points, 2);
	assert_string_equal(out.data,
	                    "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service.version\",\"value\":{\"stringValue\":\"9\"}},"
	                    "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s\"}},{\"key\":\"os.type\",\"value\":{\"stringValue\":\"o\"}},"
	                    "{\"key\":\"host.arch\",\"value\":{\"stringValue\":\"h\"}},{\"key\":\"app.version\",\"value\":{\"stringValue\":\"a\"}}]},\"scopeMetrics\":[{\"scope\":{\"name\":\"lfspool\",\"version\":\"9\"},"
	                    "\"metrics\":[{\"name\":\"x.session.count\",\"description\":\"Sessions that were begun.\",\"unit\":\"{session}\",\"sum\":{\"dataPoints\":["
	                    "{\"attributes\":[{\"key\":\"is_subagent\",\"value\":{\"boolValue\":false}}],\"startTimeUnixNano\":\"3000000\",\"timeUnixNano\":\"4000000\","
	                    "\"asDouble\":2}],\"aggregationTemporality\":1,\"isMonotonic\":true}},{\"name\":\"g\",\"description\":\"h\",\"unit\":\"1\",\"gauge\":"
	                    "{\"dataPoints\":[{\"attributes\":[],\"timeUnixNano\":\"2000000\",\"asDouble\":0.5}]}}]}]}]}");
	buf_done(&out);
	metrics_free(metrics);
}

static void an_exponential_histogram_in_json(void **state)
{
	struct otlp_context context = { .temporality = METRICS_CUMULATIVE, .start_ms = 1, .time_ms = 2, .version = "9" };
	struct metrics_options options = plain;
	struct metrics *metrics;
	struct buf out;
	uint64_t points;

	(void)state;
	options.exponential = true;
	options.profiles = "opencode,gen_ai";
	metrics = metrics_new(&options);
	metrics_add(metrics, "metric.tool_ms/3", "{\"tool\":\"t\"}", 3);
	metrics_add(metrics, "metric.tool_ms/x-2", "{\"tool\":\"t\"}", 2);
	metrics_add(metrics, "metric.tool_ms/x1", "{\"tool\":\"t\"}", 1);
	metrics_add(metrics, "metric.tool_ms/z", "{\"tool\":\"t\"}", 4);
	metrics_add(metrics, "metric.tool_ms/sum", "{\"tool\":\"t\"}", 30);
	buf_init(&out, 0);
	assert_int_equal(otlp_write_json(metrics, &context, &out, &points), 0);
	assert_non_null(strstr(out.data, "\"exponentialHistogram\":{\"dataPoints\":[{\"attributes\":[{\"key\":\"tool_name\",\"value\":{\"stringValue\":\"t\"}}],"
	                                 "\"startTimeUnixNano\":\"1000000\",\"timeUnixNano\":\"2000000\",\"count\":\"7\",\"sum\":30,\"scale\":3,\"zeroCount\":\"4\","
	                                 "\"positive\":{\"offset\":-2,\"bucketCounts\":[\"2\",\"0\",\"0\",\"1\"]}}],\"aggregationTemporality\":2}"));
	/* in another unit than its fact: its bounds, in that unit */
	assert_non_null(strstr(out.data, "\"gen_ai.execute_tool.duration\""));
	assert_non_null(strstr(out.data, "\"sum\":0.03,\"bucketCounts\":[\"0\",\"0\",\"0\",\"3\""));
	assert_non_null(strstr(out.data, "\"explicitBounds\":[0,0.005,0.01,"));
	buf_done(&out);
	metrics_free(metrics);
}

static void overflow_and_the_exporters_own_names(void **state)
{
	struct metrics_options options = plain;
	struct metrics *metrics;

	(void)state;
	options.profiles = "exporter";
	options.disabled = "a.b";
	metrics = metrics_new(&options);
	metrics_add(metrics, "metric.tokens", "{\"source\":\"o\",\"type\":\"input\",\"overflow\":\"true\"}", 7);
	metrics_gauge(metrics, "lfspool.a.b", "1", "h", NULL, 1);
	text_is(metrics, false, "# HELP opencode_token_usage_tokens_total Tokens of finished answers.\n# TYPE opencode_token_usage_tokens_total counter\n"
	                        "opencode_token_usage_tokens_total{type=\"input\",otel_metric_overflow=\"true\"} 7\n");
	metrics_free(metrics);
	options.profiles = "opencode,exporter";
	options.disabled = "model.usage";
	metrics = metrics_new(&options);
	metrics_add(metrics, "metric.messages", "{\"role\":\"assistant\",\"model\":\"m\",\"provider\":\"p\"}", 7); /* once, not under both */
	text_is(metrics, false, "# HELP x_message_count_total Finished answers.\n# TYPE x_message_count_total counter\nx_message_count_total{model=\"m\"} 7\n");
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_is_a_series),
		cmocka_unit_test(series_that_become_the_same_add_up),
		cmocka_unit_test(many_series_are_found_again),
		cmocka_unit_test(a_histogram_is_cumulative_in_seconds),
		cmocka_unit_test(differences_are_asked_for),
		cmocka_unit_test(json_is_as_the_protocol_says),
		cmocka_unit_test(an_exponential_histogram_in_json),
		cmocka_unit_test(overflow_and_the_exporters_own_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
