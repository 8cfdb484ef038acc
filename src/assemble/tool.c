/* Tool calls, and the commit that one of them made. */
#include "assemble/emit.h"

/* A member of the tool's metadata that says again what the output says. */
static bool repeats_output(const struct json_node *node)
{
	return slice_is(node->key, "\"output\"");
}

/* The tool's own metadata without its copy of the output. */
static void write_details(struct assembly *assembly, const struct view_part *part)
{
	struct json_doc *doc = &assembly->parts.doc;

	if (part->metadata_json.len == 0 || json_parse(doc, part->metadata_json, 0, NULL) != 0 || json_type_of(doc, 0) != JSON_OBJECT)
		return;
	jw_key(&assembly->json, "tool");
	jw_object(&assembly->json);
	for (int32_t node = doc->nodes[0].first; node != JSON_NONE; node = doc->nodes[node].next) {
		if (repeats_output(&doc->nodes[node]))
			continue;
		buf_clear(&assembly->parts.scratch);
		json_unescape(doc->nodes[node].key, &assembly->parts.scratch);
		jw_key_slice(&assembly->json, buf_view(&assembly->parts.scratch));
		jw_raw(&assembly->json, doc->nodes[node].raw);
	}
	jw_object_close(&assembly->json);
}

/* What a tool had said when it was interrupted stands only in its metadata. */
static void write_output(struct assembly *assembly, const struct view_part *part)
{
	struct json_doc *doc = &assembly->parts.doc;

	if (part->output_json.len) {
		buf_slice(&assembly->output, part->output_json);
		return;
	}
	if (part->error_json.len)
		buf_slice(&assembly->output, part->error_json);
	else if (part->metadata_json.len && json_parse(doc, part->metadata_json, 0, NULL) == 0)
		buf_slice(&assembly->output, json_raw(doc, json_get(doc, 0, "output")));
}

/* The members are comma-separated already and stand for themselves. */
static void write_sizes(struct assembly *assembly, struct slice sizes)
{
	if (sizes.len == 0)
		return;
	jw_key(&assembly->json, "sizes");
	buf_clear(&assembly->parts.scratch);
	buf_char(&assembly->parts.scratch, '{');
	buf_slice(&assembly->parts.scratch, sizes);
	buf_char(&assembly->parts.scratch, '}');
	jw_raw(&assembly->json, buf_view(&assembly->parts.scratch));
}

static void write_metadata(struct assembly *assembly, const struct step *step, const struct view_part *part)
{
	struct json_writer *json = &assembly->json;

	emit_text(json, "agent", step->message->agent);
	emit_text(json, "call", part->call);
	emit_text(json, "status", tool_ended(part) ? part->status : SLICE("interrupted"));
	emit_json(json, "title", part->title_json);
	emit_json(json, "exit", part->exit_json);
	write_details(assembly, part);
	write_sizes(assembly, part->sizes_json);
}

static void write_level(struct assembly *assembly, struct observation *observation, const struct view_part *part)
{
	struct json_doc *doc = &assembly->parts.doc;

	if (!tool_ended(part)) {
		emit_level(assembly, observation, OBS_WARNING, "interrupted");
	} else if (slice_is(part->status, "error")) {
		emit_level(assembly, observation, OBS_ERROR, "");
		if (part->error_json.len && json_parse(doc, part->error_json, 0, NULL) == 0 && json_text(doc, 0, &assembly->status) != 0)
			buf_slice(&assembly->status, part->error_json);
	}
}

static int commit_emit(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct view_part *part,
                       const struct observation *tool, struct err *err)
{
	uint8_t parent[8];
	int64_t time_ms = tool->end_ms;
	struct observation observation;
	int rc;

	memcpy(parent, tool->span_id, sizeof parent);
	observation = emit_begin(assembly, turn, OBS_EVENT, "commit");
	emit_ids(assembly, &observation, "commit", step->message->id, part->key, parent);
	observation.start_ms = observation.end_ms = time_ms;
	emit_text(&assembly->json, "call", part->call);
	emit_json(&assembly->json, "title", part->title_json);
	rc = emit_send(assembly, turn, &observation, err);
	return rc == 0 ? log_commit(assembly, turn, step, &observation, err) : rc;
}

static bool has_committed(const struct view_part *part)
{
	return part->commit && slice_is(part->status, "completed") &&
	       (part->exit_json.len == 0 || slice_is(part->exit_json, "0"));
}

int tool_emit(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct view_part *part, struct err *err)
{
	struct observation observation;
	int rc;

	if (!tool_ended(part) && !turn->closed)
		return 0;
	observation = emit_begin(assembly, turn, OBS_TOOL, "tool-");
	buf_slice(&assembly->name, part->tool);
	emit_ids(assembly, &observation, "tool", step->message->id, part->key, step->span);
	observation.start_ms = part->start_ms ? part->start_ms : step->message->created_ms;
	observation.end_ms = part->end_ms ? part->end_ms : tool_ended(part) ? observation.start_ms : step->newest_ms;
	if (part->input_json.len)
		buf_slice(&assembly->input, part->input_json);
	write_output(assembly, part);
	write_metadata(assembly, step, part);
	write_level(assembly, &observation, part);
	rc = emit_send(assembly, turn, &observation, err);
	if (rc == 0)
		rc = log_tool(assembly, turn, step, part, &observation, err);
	if (rc == 0 && has_committed(part))
		rc = commit_emit(assembly, turn, step, part, &observation, err);
	return rc;
}
