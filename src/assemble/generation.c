/*
 * Generations: one for each assistant message that stands for a model call.
 * Input: [{"role":"user","content":…}] for the first of a turn, for later ones the results of the tools that
 * the message before called: [{"role":"tool","name":…,"content":…},…].
 * Output: the text as a JSON string; with reasoning or tool calls an object
 * {"content":…,"reasoning":…,"tool_calls":[{"id":…,"name":…},…]} of what there is.
 */
#include "assemble/emit.h"

static void write_results(const struct step *before, struct buf *out)
{
	struct json_writer json;
	bool any = false;

	json_writer_init(&json, out);
	for (const struct view_part *part = before->parts; part < before->parts + before->count; part++) {
		struct slice content = part->output_json.len ? part->output_json : part->error_json;
		if (!part_is(part, "tool") || content.len == 0)
			continue;
		if (!any)
			jw_array(&json);
		any = true;
		jw_object(&json);
		jw_key(&json, "role");
		jw_text(&json, "tool");
		emit_text(&json, "name", part->tool);
		emit_json(&json, "content", content);
		jw_object_close(&json);
	}
	if (any)
		jw_array_close(&json);
}

static void write_input(struct assembly *assembly, const struct turn *turn, size_t index)
{
	if (index > 0) {
		write_results(&turn->steps[index - 1], &assembly->input);
		return;
	}
	if (assembly->prompt.len == 0)
		return;
	buf_text(&assembly->input, "[{\"role\":\"user\",\"content\":");
	buf_slice(&assembly->input, buf_view(&assembly->prompt));
	buf_text(&assembly->input, "}]");
}

static size_t count_type(const struct step *step, const char *type)
{
	size_t count = 0;

	for (size_t i = 0; i < step->count; i++)
		count += part_is(&step->parts[i], type);
	return count;
}

static void write_calls(const struct step *step, struct json_writer *json)
{
	jw_key(json, "tool_calls");
	jw_array(json);
	for (const struct view_part *part = step->parts; part < step->parts + step->count; part++) {
		if (!part_is(part, "tool"))
			continue;
		jw_object(json);
		emit_text(json, "id", part->call);
		emit_text(json, "name", part->tool);
		jw_object_close(json);
	}
	jw_array_close(json);
}

/* A member whose value is the joined text of one type of part; nothing when there is none. */
static void write_joined(const struct step *step, const char *type, const char *key, struct json_writer *json, struct buf *scratch)
{
	buf_clear(scratch);
	if (parts_text(step->parts, step->count, type, TEXT_ALL, scratch))
		emit_json(json, key, buf_view(scratch));
}

static void write_output(struct assembly *assembly, const struct step *step)
{
	struct json_writer json;
	bool tools = count_type(step, "tool") > 0;
	bool thoughts = parts_text(step->parts, step->count, "reasoning", TEXT_ALL, &assembly->output);

	buf_clear(&assembly->output);
	if (!tools && !thoughts) {
		parts_text(step->parts, step->count, "text", TEXT_ALL, &assembly->output);
		return;
	}
	json_writer_init(&json, &assembly->output);
	jw_object(&json);
	write_joined(step, "text", "content", &json, &assembly->parts.scratch);
	write_joined(step, "reasoning", "reasoning", &json, &assembly->parts.scratch);
	if (tools)
		write_calls(step, &json);
	jw_object_close(&json);
}

static void add_count(int64_t *total, int64_t count)
{
	if (count > 0 || (count == 0 && *total < 0))
		*total = *total < 0 ? count : *total + count;
}

static void add_usage(struct observation_usage *total, const struct observation_usage *usage)
{
	add_count(&total->input, usage->input);
	add_count(&total->output, usage->output);
	add_count(&total->reasoning, usage->reasoning);
	add_count(&total->cache_read, usage->cache_read);
	add_count(&total->cache_write, usage->cache_write);
}

static bool has_usage(const struct observation_usage *usage)
{
	return usage->input > 0 || usage->output > 0 || usage->reasoning > 0 || usage->cache_read > 0 || usage->cache_write > 0;
}

/* A message that was killed before its end has its sums only in its step-finish parts. */
static struct observation_usage step_usage(const struct step *step)
{
	struct observation_usage total = { -1, -1, -1, -1, -1 };

	if (has_usage(&step->message->tokens))
		return step->message->tokens;
	for (size_t i = 0; i < step->count; i++)
		if (part_is(&step->parts[i], "step-finish"))
			add_usage(&total, &step->parts[i].tokens);
	return has_usage(&total) ? total : step->message->tokens;
}

static double cost_of(struct assembly *assembly, struct slice json)
{
	struct json_doc *doc = &assembly->parts.doc;

	if (json.len == 0 || json_parse(doc, json, 0, NULL) != 0)
		return 0;
	return json_double(doc, 0, 0);
}

/* Sums the step-finish parts; *ret_only is the last one's digits. Returns how many cost something. */
static unsigned sum_costs(struct assembly *assembly, const struct step *step, double *ret_total, struct slice *ret_only)
{
	unsigned terms = 0;

	for (const struct view_part *part = step->parts; part < step->parts + step->count; part++) {
		double cost = part_is(part, "step-finish") ? cost_of(assembly, part->cost_json) : 0;
		if (cost <= 0)
			continue;
		*ret_total += cost;
		*ret_only = part->cost_json;
		terms++;
	}
	return terms;
}

/* The agent's own digits wherever there is one number; only a sum of several is written anew. */
static void write_cost(struct assembly *assembly, const struct step *step)
{
	struct slice only = step->message->cost_json;
	struct json_writer json;
	double total = cost_of(assembly, only);
	unsigned terms = 1;

	if (total <= 0) {
		total = 0;
		terms = sum_costs(assembly, step, &total, &only);
	}
	if (terms == 1)
		buf_slice(&assembly->cost, only);
	if (terms < 2)
		return;
	json_writer_init(&json, &assembly->cost);
	jw_double(&json, total);
}

void generation_amounts(struct assembly *assembly, const struct step *step, struct amounts *total)
{
	struct observation_usage usage = step_usage(step);
	const int64_t counts[] = { usage.input, usage.output, usage.reasoning, usage.cache_read, usage.cache_write };
	struct slice only;
	double cost = cost_of(assembly, step->message->cost_json);

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		total->tokens += counts[i] > 0 ? counts[i] : 0;
	if (cost > 0)
		total->cost += cost;
	else
		(void)sum_costs(assembly, step, &total->cost, &only);
	total->messages++;
}

static int64_t first_token_ms(const struct step *step)
{
	int64_t first = 0;

	for (const struct view_part *part = step->parts; part < step->parts + step->count; part++)
		if ((part_is(part, "text") || part_is(part, "reasoning")) && part->start_ms > 0 && (first == 0 || part->start_ms < first))
			first = part->start_ms;
	return first;
}

static void write_parameters(struct assembly *assembly, const struct view_message *message)
{
	struct json_writer json;

	if (message->variant.len == 0)
		return;
	json_writer_init(&json, &assembly->parameters);
	jw_object(&json);
	emit_text(&json, "variant", message->variant);
	jw_object_close(&json);
}

static void write_metadata(struct assembly *assembly, struct observation *observation, const struct step *step)
{
	const struct view_message *message = step->message;

	emit_origin(assembly, message);
	if (message->summary) {
		jw_key(&assembly->json, "summary");
		jw_bool(&assembly->json, true);
	}
	if (message->error.present)
		emit_error(assembly, observation, &message->error);
	else if (!message->completed_ms)
		emit_level(assembly, observation, OBS_WARNING, "interrupted");
}

int generation_emit(struct assembly *assembly, const struct turn *turn, size_t index, struct err *err)
{
	const struct step *step = &turn->steps[index];
	const struct view_message *message = step->message;
	struct observation observation = emit_begin(assembly, turn, OBS_GENERATION, "assistant-response");
	int rc;

	emit_ids(assembly, &observation, "generation", message->id, SLICE_NONE, turn->span);
	observation.start_ms = message->created_ms;
	observation.end_ms = message->completed_ms ? message->completed_ms : step->newest_ms;
	observation.completion_start_ms = first_token_ms(step);
	if (observation.completion_start_ms && observation.completion_start_ms < observation.start_ms)
		observation.completion_start_ms = observation.start_ms;
	observation.model = message->model;
	observation.provider = message->provider;
	observation.usage = step_usage(step);
	write_input(assembly, turn, index);
	write_output(assembly, step);
	write_cost(assembly, step);
	write_parameters(assembly, message);
	write_metadata(assembly, &observation, step);
	rc = emit_send(assembly, turn, &observation, err);
	return rc == 0 ? log_answer(assembly, turn, step, &observation, err) : rc;
}
