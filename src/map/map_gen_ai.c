/*
 * Spans as OpenTelemetry's conventions for generative AI name them: invoke_agent for a turn, chat for an answer, execute_tool for a
 * call; what else happened keeps its name. Messages are written in the conventions' form: roles and parts.
 */
#include "map/map_otlp.h"

static const char *operation(const struct observation *observation)
{
	switch (observation->type) {
	case OBS_AGENT: return "invoke_agent";
	case OBS_GENERATION: return "chat";
	case OBS_TOOL: return "execute_tool";
	default: return NULL;
	}
}

static struct slice tool_name(const struct observation *observation)
{
	struct slice name = observation->name;

	if (name.len > 5 && memcmp(name.ptr, "tool-", 5) == 0)
		name = (struct slice){ name.ptr + 5, name.len - 5 };
	return name;
}

static struct slice target(struct otlp_span *span)
{
	switch (span->observation->type) {
	case OBS_AGENT: return span_metadata(span, "agent");
	case OBS_GENERATION: return span->observation->model;
	case OBS_TOOL: return tool_name(span->observation);
	default: return SLICE_NONE;
	}
}

static void put_name(struct otlp_span *span)
{
	const char *verb = operation(span->observation);
	struct slice object = target(span);

	if (!verb) {
		buf_slice(&span->value, span->observation->name);
		return;
	}
	buf_text(&span->value, verb);
	if (object.len > 0)
		buf_char(&span->value, ' ');
	buf_slice(&span->value, object);
}

/* ---- messages ---- */

static void write_part(struct json_writer *out, const char *type, const char *key, struct slice json)
{
	if (json.len == 0)
		return;
	jw_object(out);
	jw_key(out, "type");
	jw_text(out, type);
	jw_key(out, key);
	jw_raw(out, json);
	jw_object_close(out);
}

static void open_message(struct json_writer *out, struct slice role_json)
{
	jw_object(out);
	jw_key(out, "role");
	jw_raw(out, role_json);
	jw_key(out, "parts");
	jw_array(out);
}

static void close_message(struct json_writer *out)
{
	jw_array_close(out);
	jw_object_close(out);
}

/* [{"role":…,"content":…},…], or one value that a user said. */
static void write_input(struct otlp_span *span, struct json_writer *out)
{
	const struct json_doc *doc = &span->content;

	jw_array(out);
	if (span->observation->type != OBS_GENERATION || json_type_of(doc, 0) != JSON_ARRAY) {
		open_message(out, SLICE("\"user\""));
		write_part(out, "text", "content", json_raw(doc, 0));
		close_message(out);
		jw_array_close(out);
		return;
	}
	for (int32_t node = doc->nodes[0].first; node != JSON_NONE; node = doc->nodes[node].next) {
		bool tool = json_string_is(doc, json_get(doc, node, "role"), "tool");
		struct slice role = json_raw(doc, json_get(doc, node, "role"));
		open_message(out, role.len > 0 ? role : SLICE("\"user\""));
		write_part(out, tool ? "tool_call_response" : "text", tool ? "response" : "content", json_raw(doc, json_get(doc, node, "content")));
		close_message(out);
	}
	jw_array_close(out);
}

static void write_calls(const struct json_doc *doc, int32_t calls, struct json_writer *out)
{
	for (int32_t node = calls == JSON_NONE ? JSON_NONE : doc->nodes[calls].first; node != JSON_NONE; node = doc->nodes[node].next) {
		jw_object(out);
		jw_key(out, "type");
		jw_text(out, "tool_call");
		for (int32_t member = doc->nodes[node].first; member != JSON_NONE; member = doc->nodes[member].next) {
			struct slice key = doc->nodes[member].key;
			jw_key_slice(out, (struct slice){ key.ptr + 1, key.len - 2 });
			jw_raw(out, doc->nodes[member].raw);
		}
		jw_object_close(out);
	}
}

/* A text, or {"content":…,"reasoning":…,"tool_calls":[…]}. */
static void write_output(struct otlp_span *span, struct json_writer *out)
{
	const struct json_doc *doc = &span->content;
	bool parts = span->observation->type == OBS_GENERATION && json_type_of(doc, 0) == JSON_OBJECT;
	int32_t finish = json_get(&span->metadata, 0, "finish");

	jw_array(out);
	open_message(out, SLICE("\"assistant\""));
	if (parts) {
		write_part(out, "reasoning", "content", json_raw(doc, json_get(doc, 0, "reasoning")));
		write_part(out, "text", "content", json_raw(doc, json_get(doc, 0, "content")));
		write_calls(doc, json_get(doc, 0, "tool_calls"), out);
	} else {
		write_part(out, "text", "content", json_raw(doc, 0));
	}
	jw_array_close(out);
	if (finish != JSON_NONE) {
		jw_key(out, "finish_reason");
		jw_raw(out, json_raw(&span->metadata, finish));
	}
	jw_object_close(out);
	jw_array_close(out);
}

static void put_messages(struct otlp_span *span, const char *key, struct slice json, void (*write)(struct otlp_span *, struct json_writer *))
{
	struct json_writer out;

	if (json.len == 0 || span->options->no_content || json_parse(&span->content, json, 0, NULL) != 0)
		return;
	buf_clear(&span->text);
	json_writer_init(&out, &span->text);
	write(span, &out);
	span_put(span, key, buf_view(&span->text));
}

static void put_both_messages(struct otlp_span *span)
{
	put_messages(span, "gen_ai.input.messages", span->observation->input, write_input);
	put_messages(span, "gen_ai.output.messages", span->observation->output, write_output);
}

/* ---- attributes ---- */

static void put_usage(struct otlp_span *span)
{
	const struct observation_usage *usage = &span->observation->usage;
	const struct { const char *key; int64_t count; } rows[] = {
		{ "gen_ai.usage.input_tokens", span_tokens_in(usage) },
		{ "gen_ai.usage.output_tokens", span_tokens_out(usage) },
		{ "gen_ai.usage.cache_read.input_tokens", usage->cache_read },
		{ "gen_ai.usage.cache_creation.input_tokens", usage->cache_write },
		{ "gen_ai.usage.reasoning.output_tokens", usage->reasoning },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].count >= 0)
			span_put_int(span, rows[i].key, rows[i].count);
	if (span->observation->cost.len > 0 && json_parse(&span->content, span->observation->cost, 0, NULL) == 0)
		otlp_attribute_double(span->otlp, SPAN_ATTRIBUTES, SLICE("gen_ai.usage.cost"), json_double(&span->content, 0, 0));
}

static void put_agent(struct otlp_span *span)
{
	span_put_metadata(span, "gen_ai.agent.name", "agent");
	put_both_messages(span);
}

static void put_answer(struct otlp_span *span)
{
	const struct observation *observation = span->observation;
	struct slice finish = span_metadata(span, "finish");

	span_put(span, "gen_ai.provider.name", observation->provider);
	span_put(span, "gen_ai.request.model", observation->model);
	span_put(span, "gen_ai.response.model", observation->model);
	if (finish.len > 0)
		otlp_attribute_texts(span->otlp, SPAN_ATTRIBUTES, SLICE("gen_ai.response.finish_reasons"), &finish, 1);
	span_put_metadata(span, "gen_ai.agent.name", "agent");
	put_usage(span);
	put_both_messages(span);
}

static void put_call(struct otlp_span *span)
{
	span_put(span, "gen_ai.tool.name", tool_name(span->observation));
	span_put(span, "gen_ai.tool.type", SLICE("function"));
	span_put_metadata(span, "gen_ai.tool.call.id", "call");
	span_put_metadata(span, "gen_ai.agent.name", "agent");
	span_put_content(span, "gen_ai.tool.call.arguments", span->observation->input);
	span_put_content(span, "gen_ai.tool.call.result", span->observation->output);
}

static int put_attributes(struct otlp_span *span, struct err *err)
{
	static const struct otlp_parts parts = { put_agent, put_answer, put_call };
	const struct observation *observation = span->observation;

	(void)err;
	if (operation(observation))
		span_put(span, "gen_ai.operation.name", slice_of(operation(observation)));
	span_put(span, "gen_ai.conversation.id", observation->session);
	span_put(span, "lfspool.source", observation->source);
	span_put_by_type(span, &parts);
	return 0;
}

const struct otlp_convention convention_gen_ai = { put_name, put_attributes };
