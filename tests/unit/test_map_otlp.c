/* The conventions of spans other than Langfuse's, and log records: names, attributes, and what is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/mem.h"
#include "map_sample.h"

static struct map_options options_of(enum map_convention convention)
{
	return (struct map_options){ .version = "1.2.3", .convention = convention, .prefix = "opencode." };
}

static struct buf request(const struct map_options *options, const struct observation *observation)
{
	struct err err = { 0 };
	struct buf out;

	buf_init(&out, 0);
	if (map_request(MAP_OTLP_JSON, options, observation, NULL, 1, &out, &err) != 0)
		fail_msg("map_request: %s", err.text);
	return out;
}

/* *texts: each must be there; NULL ends them. */
static void holds(const struct buf *out, const char *const *texts)
{
	for (; *texts; texts++)
		if (!strstr(out->data, *texts))
			fail_msg("lacks %s in %s", *texts, out->data);
}
#define HOLDS(out, ...) holds(out, (const char *const[]){ __VA_ARGS__, NULL })
#define TEXT(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define INT(key, value) "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" value "\"}}"

static void lacks(const struct buf *out, const char *text)
{
	if (strstr(out->data, text))
		fail_msg("has %s in %s", text, out->data);
}

static struct observation answer(void)
{
	struct observation observation = sample_observation();

	observation.metadata = SLICE("{\"agent\":\"build\",\"finish\":\"stop\",\"error_name\":\"APIError\"}");
	observation.output = SLICE("{\"content\":\"hello\",\"reasoning\":\"why\",\"tool_calls\":[{\"id\":\"c1\",\"name\":\"bash\"}]}");
	return observation;
}

static struct observation call(void)
{
	struct observation observation = sample_observation();

	observation.type = OBS_TOOL;
	observation.level = OBS_DEFAULT;
	observation.name = SLICE("tool-web-fetch");
	observation.metadata = SLICE("{\"agent\":\"build\",\"call\":\"c1\",\"status\":\"completed\"}");
	observation.input = SLICE("{\"a\":1}");
	observation.output = SLICE("\"f\\u00fcnf\"");
	return observation;
}

static struct observation turn(void)
{
	struct observation observation = sample_observation();

	observation.type = OBS_AGENT;
	observation.level = OBS_DEFAULT;
	observation.name = SLICE("turn");
	observation.usage = (struct observation_usage){ -1, -1, -1, -1, -1 };
	observation.cost = SLICE_NONE;
	observation.metadata = SLICE("{\"agent\":\"build\"}");
	observation.totals = SLICE("{\"tokens\":332,\"cost\":0.01234,\"messages\":2}");
	observation.input = SLICE("\"do it\"");
	observation.output = SLICE("\"done\"");
	return observation;
}

static void gen_ai_names_what_happened(void **state)
{
	struct map_options options = options_of(MAP_GEN_AI);
	struct observation all[] = { answer(), call(), turn() };
	struct buf out = request(&options, &all[0]);

	(void)state;
	HOLDS(&out, "\"name\":\"chat claude-sonnet-4-5\",\"kind\":3", TEXT("gen_ai.operation.name", "chat"), TEXT("gen_ai.provider.name", "anthropic"),
	      TEXT("gen_ai.request.model", "claude-sonnet-4-5"), TEXT("gen_ai.conversation.id", "ses_root"), TEXT("session.id", "ses_child"),
	      INT("gen_ai.usage.input_tokens", "300"), INT("gen_ai.usage.output_tokens", "32"), INT("gen_ai.usage.cache_read.input_tokens", "300"),
	      INT("gen_ai.usage.reasoning.output_tokens", "7"), "{\"key\":\"gen_ai.usage.cost\",\"value\":{\"doubleValue\":0.01234}}",
	      "{\"key\":\"gen_ai.response.finish_reasons\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"stop\"}]}}}", TEXT("error.type", "APIError"),
	      "[{\\\"role\\\":\\\"user\\\",\\\"parts\\\":[{\\\"type\\\":\\\"text\\\",\\\"content\\\":\\\"hi\\\"}]}]",
	      "{\\\"type\\\":\\\"reasoning\\\",\\\"content\\\":\\\"why\\\"},{\\\"type\\\":\\\"text\\\",\\\"content\\\":\\\"hello\\\"},{\\\"type\\\":\\\"tool_call\\\",\\\"id\\\":\\\"c1\\\",\\\"name\\\":\\\"bash\\\"}",
	      "\"status\":{\"message\":\"it broke\",\"code\":2}", TEXT("service.name", "opencode"));
	lacks(&out, "langfuse");
	buf_done(&out);
	out = request(&options, &all[1]);
	HOLDS(&out, "\"name\":\"execute_tool web-fetch\",\"kind\":1", TEXT("gen_ai.tool.name", "web-fetch"), TEXT("gen_ai.tool.call.id", "c1"),
	      TEXT("gen_ai.tool.call.arguments", "{\\\"a\\\":1}"), TEXT("gen_ai.tool.call.result", "f\xc3\xbcnf"));
	lacks(&out, "\"status\"");
	buf_done(&out);
	out = request(&options, &all[2]);
	HOLDS(&out, "\"name\":\"invoke_agent build\"", TEXT("gen_ai.agent.name", "build"), "gen_ai.input.messages", "do it");
	lacks(&out, "usage"); /* those who add up would count twice */
	buf_done(&out);
}

static void openinference_has_the_plugins_names(void **state)
{
	struct map_options options = options_of(MAP_OPENINFERENCE);
	struct observation all[] = { answer(), call(), turn() };
	struct buf out = request(&options, &all[0]);

	(void)state;
	HOLDS(&out, "\"name\":\"opencode.llm\",\"kind\":3", TEXT("openinference.span.kind", "LLM"), TEXT("llm.model_name", "claude-sonnet-4-5"),
	      TEXT("llm.system", "anthropic"), TEXT("llm.provider", "anthropic"), INT("llm.token_count.prompt", "300"), INT("llm.token_count.completion", "32"),
	      INT("llm.token_count.total", "332"), INT("llm.token_count.completion_details.reasoning", "7"), INT("llm.token_count.prompt_details.cache_read", "300"),
	      INT("llm.token_count.prompt_details.cache_write", "0"), TEXT("llm.finish_reason", "stop"), INT("duration_ms", "1329"),
	      "{\"key\":\"llm.cost.total\",\"value\":{\"doubleValue\":0.01234}}", TEXT("llm.input_messages.0.message.content", "hi"),
	      TEXT("llm.output_messages.0.message.content", "hello"), "input.value", "output.value");
	buf_done(&out);
	out = request(&options, &all[1]);
	HOLDS(&out, "\"name\":\"opencode.tool.web-fetch\"", TEXT("tool.name", "web-fetch"), TEXT("tool.id", "c1"), TEXT("tool.parameters", "{\\\"a\\\":1}"),
	      "{\"key\":\"tool.success\",\"value\":{\"boolValue\":true}}", INT("tool.result_size_bytes", "5"));
	buf_done(&out);
	all[1].level = OBS_ERROR;
	all[1].status = SLICE("no such page");
	all[1].metadata = SLICE("{\"status\":\"error\"}");
	out = request(&options, &all[1]);
	HOLDS(&out, "{\"key\":\"tool.success\",\"value\":{\"boolValue\":false}}", TEXT("tool.error", "no such page"));
	buf_done(&out);
	out = request(&options, &all[2]);
	HOLDS(&out, "\"name\":\"opencode.session\"", TEXT("openinference.span.kind", "AGENT"), "{\"key\":\"session.is_subagent\",\"value\":{\"boolValue\":true}}",
	      INT("session.total_tokens", "332"), INT("session.total_messages", "2"), "{\"key\":\"session.total_cost_usd\",\"value\":{\"doubleValue\":0.01234}}");
	buf_done(&out);
}

static void content_stays_at_home_when_asked(void **state)
{
	static const enum map_convention conventions[] = { MAP_GEN_AI, MAP_OPENINFERENCE };
	struct observation all[] = { answer(), call(), turn(), call() };

	(void)state;
	all[3].type = OBS_EVENT;
	all[3].name = SLICE("commit");
	all[3].metadata = SLICE("{\"title\":\"it broke\",\"call\":\"c1\"}");
	for (size_t c = 0; c < 2; c++)
		for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
			static const char *const content[] = { "it broke", "\"hi", "hello", "why", "do it", "done", "f\xc3\xbcnf", "{\\\"a\\\"" };
			struct map_options options = options_of(conventions[c]);
			struct buf out;
			options.no_content = true;
			all[i].level = OBS_ERROR;
			out = request(&options, &all[i]);
			for (size_t k = 0; k < sizeof content / sizeof content[0]; k++)
				lacks(&out, content[k]);
			HOLDS(&out, "\"code\":2");
			buf_done(&out);
		}
}

static void attributes_are_added_and_left_out(void **state)
{
	struct map_options options = options_of(MAP_GEN_AI);
	struct observation one = answer();
	struct buf out;

	(void)state;
	options.resource = "service.name=mine,team=blue";
	options.span_attributes = "a=1, b = two ";
	options.excluded = "session.id,gen_ai.input.messages";
	out = request(&options, &one);
	HOLDS(&out, TEXT("service.name", "mine"), TEXT("team", "blue"), TEXT("a", "1"), TEXT("b", "two"));
	lacks(&out, "\"session.id\"");
	lacks(&out, "gen_ai.input.messages");
	lacks(&out, TEXT("service.name", "opencode"));
	buf_done(&out);
}

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void a_parent_from_elsewhere(void **state)
{
	static const enum map_convention others[] = { MAP_GEN_AI, MAP_OPENINFERENCE, MAP_LOGS };
	struct observation one = answer(), root = answer();
	struct map_options options;
	struct buf out;

	(void)state;
	memset(root.parent_id, 0, sizeof root.parent_id);
	for (unsigned i = 0; i < 3; i++) {
		options = options_of(others[i]);
		options.traceparent = PARENT;
		options.tracestate = "vendor=1";
		out = request(&options, &root);
		HOLDS(&out, "\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\"");
		if (others[i] != MAP_LOGS)
			HOLDS(&out, "\"parentSpanId\":\"00f067aa0ba902b7\"", "\"traceState\":\"vendor=1\"");
		buf_done(&out);
		out = request(&options, &one);
		lacks(&out, "00f067aa0ba902b7");
		buf_done(&out);
		options.traceparent = "00-0-0-01";
		out = request(&options, &root);
		lacks(&out, "traceState");
		HOLDS(&out, "\"traceId\":\"a0a1");
		buf_done(&out);
	}
	options = options_of(MAP_LANGFUSE);
	options.traceparent = PARENT;
	out = request(&options, &root);
	HOLDS(&out, "\"traceId\":\"a0a1");
	buf_done(&out);
}

static void a_traceparent_is_read(void **state)
{
	static const struct { const char *text; int rc; } rows[] = {
		{ PARENT, 0 }, { "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later", 0 },
		{ PARENT "-more", LF_EINVAL }, { "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", LF_EINVAL },
		{ "", LF_EINVAL }, { "00", LF_EINVAL }, { "00-00000000000000000000000000000000-00f067aa0ba902b7-01", LF_EINVAL },
		{ "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", LF_EINVAL },
		{ "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", LF_EINVAL },
		{ "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", LF_EINVAL },
		{ "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", LF_EINVAL },
		{ "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x", LF_EINVAL },
		{ "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01later", LF_EINVAL },
	};
	struct map_parent parent;

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(map_traceparent(rows[i].text, &parent), rows[i].rc);
	assert_int_equal(map_traceparent(PARENT, &parent), 0);
	assert_int_equal(parent.trace_id[15], 0x36);
	assert_int_equal(parent.span_id[7], 0xb7);
}

static void a_log_is_its_attributes(void **state)
{
	struct map_options options = options_of(MAP_LOGS);
	struct observation log = sample_observation();
	struct buf out;

	(void)state;
	log.type = OBS_LOG;
	log.name = SLICE("api_error");
	log.metadata = SLICE("{\"model\":\"m\",\"n\":5,\"cost_usd\":0.5,\"ok\":true,\"error\":\"it broke\"}");
	out = request(&options, &log);
	HOLDS(&out, "{\"resourceLogs\":[{\"resource\":", "\"logRecords\":[{\"timeUnixNano\":\"1795233553671000000\",\"severityNumber\":17,\"severityText\":\"ERROR\",\"body\":{\"stringValue\":\"api_error\"}",
	      TEXT("event.name", "api_error"), TEXT("model", "m"), INT("n", "5"), "{\"key\":\"cost_usd\",\"value\":{\"doubleValue\":0.5}}",
	      "{\"key\":\"ok\",\"value\":{\"boolValue\":true}}", TEXT("error", "it broke"), "\"traceId\":\"a0a1", "\"spanId\":\"2021222324252627\"");
	buf_done(&out);
	options.no_content = true;
	log.level = OBS_DEFAULT;
	memset(log.parent_id, 0, sizeof log.parent_id);
	out = request(&options, &log);
	HOLDS(&out, "\"severityNumber\":9");
	lacks(&out, "it broke");
	lacks(&out, "spanId");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gen_ai_names_what_happened), cmocka_unit_test(openinference_has_the_plugins_names),
		cmocka_unit_test(content_stays_at_home_when_asked), cmocka_unit_test(attributes_are_added_and_left_out),
		cmocka_unit_test(a_parent_from_elsewhere), cmocka_unit_test(a_traceparent_is_read), cmocka_unit_test(a_log_is_its_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
