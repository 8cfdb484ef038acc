/*
 * Spans in OpenInference's words, with the names of the OpenTelemetry plugin of OpenCode: <prefix>session for a turn, <prefix>llm for
 * an answer, <prefix>tool.<name> for a call; what else happened is <prefix><its name>.
 */
#include "map/map_otlp.h"
#include <stdio.h>

static void put_name(struct otlp_span *span)
{
	const struct observation *observation = span->observation;
	struct slice name = observation->name;

	if (span->options->prefix)
		buf_text(&span->value, span->options->prefix);
	if (observation->type == OBS_AGENT)
		name = SLICE("session");
	else if (observation->type == OBS_GENERATION)
		name = SLICE("llm");
	for (size_t i = 0; i < name.len; i++) /* "tool-bash" is tool.bash */
		buf_char(&span->value, observation->type == OBS_TOOL && i == 4 && name.ptr[i] == '-' ? '.' : name.ptr[i]);
}

static const char *kind(const struct observation *observation)
{
	switch (observation->type) {
	case OBS_AGENT: return "AGENT";
	case OBS_GENERATION: return "LLM";
	case OBS_TOOL: return "TOOL";
	default: return "CHAIN";
	}
}

static void put_double(struct otlp_span *span, const char *key, struct slice digits)
{
	if (digits.len > 0 && json_parse(&span->content, digits, 0, NULL) == 0)
		otlp_attribute_double(span->otlp, SPAN_ATTRIBUTES, slice_of(key), json_double(&span->content, 0, 0));
}

static void put_values(struct otlp_span *span)
{
	span_put_content(span, "input.value", span->observation->input);
	span_put_content(span, "output.value", span->observation->output);
}

/* ---- a turn ---- */

static void put_session(struct otlp_span *span)
{
	const struct observation *observation = span->observation;
	static const char *const rows[][2] = {
		{ "session.total_tokens", "tokens" }, { "session.total_cost_usd", "cost" }, { "session.total_messages", "messages" },
	};
	bool child = observation->own_session.len > 0 && !slice_equal(observation->own_session, observation->session);

	otlp_attribute_bool(span->otlp, SPAN_ATTRIBUTES, SLICE("session.is_subagent"), child);
	span_put_metadata(span, "agent.name", "agent");
	if (observation->totals.len > 0 && json_parse(&span->content, observation->totals, 0, NULL) == 0)
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
			otlp_attribute_json(span->otlp, SPAN_ATTRIBUTES, slice_of(rows[i][0]), &span->content, json_get(&span->content, 0, rows[i][1]));
	put_values(span);
}

/* ---- an answer ---- */

static void put_message(struct otlp_span *span, const char *list, unsigned i, struct slice role, struct slice content)
{
	char key[64];

	snprintf(key, sizeof key, "%s.%u.message.role", list, i);
	span_put(span, key, role);
	snprintf(key, sizeof key, "%s.%u.message.content", list, i);
	span_put_content(span, key, content);
}

static void put_input_messages(struct otlp_span *span)
{
	const struct json_doc *doc = &span->content;
	unsigned i = 0;

	if (span->options->no_content || span->observation->input.len == 0 || json_parse(&span->content, span->observation->input, 0, NULL) != 0 ||
	    json_type_of(doc, 0) != JSON_ARRAY)
		return;
	for (int32_t node = doc->nodes[0].first; node != JSON_NONE; node = doc->nodes[node].next) {
		bool tool = json_string_is(doc, json_get(doc, node, "role"), "tool");
		put_message(span, "llm.input_messages", i++, tool ? SLICE("tool") : SLICE("user"), json_raw(doc, json_get(doc, node, "content")));
	}
}

static void put_output_message(struct otlp_span *span)
{
	const struct json_doc *doc = &span->content;
	struct slice text = span->observation->output;

	if (span->options->no_content || text.len == 0 || json_parse(&span->content, text, 0, NULL) != 0)
		return;
	if (json_type_of(doc, 0) == JSON_OBJECT)
		text = json_raw(doc, json_get(doc, 0, "content"));
	put_message(span, "llm.output_messages", 0, SLICE("assistant"), text);
}

static void put_usage(struct otlp_span *span)
{
	const struct observation_usage *usage = &span->observation->usage;
	int64_t in = span_tokens_in(usage), out = span_tokens_out(usage);
	const struct { const char *key; int64_t count; } rows[] = {
		{ "llm.token_count.prompt", in },
		{ "llm.token_count.completion", out },
		{ "llm.token_count.total", in < 0 && out < 0 ? -1 : (in < 0 ? 0 : in) + (out < 0 ? 0 : out) },
		{ "llm.token_count.completion_details.reasoning", usage->reasoning },
		{ "llm.token_count.prompt_details.cache_read", usage->cache_read },
		{ "llm.token_count.prompt_details.cache_write", usage->cache_write },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].count >= 0)
			span_put_int(span, rows[i].key, rows[i].count);
	put_double(span, "llm.cost.total", span->observation->cost);
	put_double(span, "cost_usd", span->observation->cost);
}

static void put_answer(struct otlp_span *span)
{
	const struct observation *observation = span->observation;

	span_put(span, "llm.system", observation->provider);
	span_put(span, "llm.provider", observation->provider);
	span_put(span, "llm.model_name", observation->model);
	span_put_metadata(span, "agent.name", "agent");
	span_put_metadata(span, "llm.finish_reason", "finish");
	put_usage(span);
	put_input_messages(span);
	put_output_message(span);
	put_values(span);
}

/* ---- a call ---- */

static void put_outcome(struct otlp_span *span)
{
	const struct observation *observation = span->observation;
	struct slice status = span_metadata(span, "status");
	bool success = slice_is(status, "completed");
	int32_t size = json_path(&span->metadata, 0, "sizes.output_bytes");

	otlp_attribute_bool(span->otlp, SPAN_ATTRIBUTES, SLICE("tool.success"), success);
	if (!success && span->options->no_content)
		span_put(span, "tool.error", span_metadata(span, "status"));
	else if (!success)
		span_put(span, "tool.error", observation->status);
	else if (size != JSON_NONE)
		span_put_int(span, "tool.result_size_bytes", json_int(&span->metadata, size, 0));
	else if (json_parse(&span->content, observation->output.len ? observation->output : SLICE("\"\""), 0, NULL) == 0) {
		buf_clear(&span->text);
		if (json_text(&span->content, 0, &span->text) != 0)
			buf_slice(&span->text, observation->output);
		span_put_int(span, "tool.result_size_bytes", (int64_t)span->text.len);
	}
}

static void put_call(struct otlp_span *span)
{
	struct slice name = span->observation->name;

	span_put_metadata(span, "tool.id", "call");
	span_put(span, "tool.name", name.len > 5 ? (struct slice){ name.ptr + 5, name.len - 5 } : name);
	span_put_metadata(span, "agent.name", "agent");
	span_put_content(span, "tool.parameters", span->observation->input);
	put_values(span);
	put_outcome(span);
}

static int put_attributes(struct otlp_span *span, struct err *err)
{
	static const struct otlp_parts parts = { put_session, put_answer, put_call };
	const struct observation *observation = span->observation;

	(void)err;
	span_put(span, "openinference.span.kind", slice_of(kind(observation)));
	span_put_int(span, "duration_ms", observation->end_ms - observation->start_ms);
	span_put_by_type(span, &parts);
	return 0;
}

const struct otlp_convention convention_openinference = { put_name, put_attributes };
