/* One observation at a time: its buffers belong to the assembly and are used again for the next. */
#include "assemble/emit.h"

struct observation emit_begin(struct assembly *assembly, const struct turn *turn, enum observation_type type, const char *name)
{
	struct buf *used[] = { &assembly->input, &assembly->output, &assembly->metadata, &assembly->status, &assembly->name,
	                       &assembly->parameters, &assembly->cost };
	struct slice unit = SLICE_NONE;
	struct observation observation = {
		.type = type, .level = OBS_DEFAULT, .source = assembly->source,
		.session = assembly->place.root, .own_session = assembly->view.session.id, .title = assembly->place.root_title,
		.usage = { -1, -1, -1, -1, -1 },
	};

	for (size_t i = 0; i < sizeof used / sizeof used[0]; i++)
		buf_clear(used[i]);
	buf_text(&assembly->name, name);
	json_writer_init(&assembly->json, &assembly->metadata);
	jw_object(&assembly->json);
	emit_text(&assembly->json, "project", assembly->view.session.project);
	if (assembly->unit == TRACE_UNIT_TURN)
		unit = assembly->view.session.parent.len ? assembly->place.root_turn : turn ? turn->head->id : SLICE_NONE;
	assemble_trace_id(assembly->source, assembly->place.root, unit, observation.trace_id);
	return observation;
}

void emit_ids(struct assembly *assembly, struct observation *observation, const char *kind, struct slice message, struct slice key, const uint8_t *parent)
{
	assemble_span_id(assembly->source, kind, assembly->view.session.id, message, key, observation->span_id);
	observation->message = message;
	observation->part = key;
	if (parent)
		memcpy(observation->parent_id, parent, sizeof observation->parent_id);
}

void emit_text(struct json_writer *json, const char *key, struct slice text)
{
	if (text.len == 0)
		return;
	jw_key(json, key);
	jw_string(json, text);
}

void emit_json(struct json_writer *json, const char *key, struct slice value)
{
	if (value.len == 0)
		return;
	jw_key(json, key);
	jw_raw(json, value);
}

void emit_origin(struct assembly *assembly, const struct view_message *message)
{
	struct json_writer *json = &assembly->json;
	struct slice directory = assembly->view.session.directory;

	if (message) {
		emit_text(json, "agent", message->agent);
		emit_text(json, "mode", message->mode);
		emit_text(json, "provider", message->provider);
		emit_text(json, "finish", message->finish);
		if (message->directory.len)
			directory = message->directory;
	}
	emit_text(json, "directory", directory);
	emit_text(json, "agent_version", assembly->view.session.version);
}

void emit_level(struct assembly *assembly, struct observation *observation, enum observation_level level, const char *status)
{
	observation->level = level;
	buf_clear(&assembly->status);
	buf_text(&assembly->status, status);
}

void emit_error(struct assembly *assembly, struct observation *observation, const struct view_error *error)
{
	observation->level = OBS_ERROR;
	buf_clear(&assembly->status);
	buf_slice(&assembly->status, error->name);
	if (error->name.len && error->message.len)
		buf_text(&assembly->status, ": ");
	buf_slice(&assembly->status, error->message);
	emit_text(&assembly->json, "error_name", error->name);
	if (error->status) {
		jw_key(&assembly->json, "error_status");
		jw_int(&assembly->json, error->status);
	}
}

int emit_send(struct assembly *assembly, const struct turn *turn, struct observation *observation, struct err *err)
{
	struct buf *used[] = { &assembly->input, &assembly->output, &assembly->metadata, &assembly->status, &assembly->name,
	                       &assembly->parameters, &assembly->cost, &assembly->prompt };

	jw_object_close(&assembly->json);
	for (size_t i = 0; i < sizeof used / sizeof used[0]; i++)
		if (used[i]->failed)
			return err_set(err, used[i]->failed, "an observation is too large");
	observation->name = buf_view(&assembly->name);
	observation->status = buf_view(&assembly->status);
	observation->model_parameters = buf_view(&assembly->parameters);
	if (observation->type == OBS_AGENT)
		observation->totals = buf_view(&assembly->cost);
	else
		observation->cost = buf_view(&assembly->cost);
	observation->input = buf_view(&assembly->input);
	observation->output = buf_view(&assembly->output);
	if (assembly->metadata.len > 2)
		observation->metadata = buf_view(&assembly->metadata);
	if (observation->end_ms < observation->start_ms)
		observation->end_ms = observation->start_ms;
	return assembly->emit(assembly->context, observation, turn ? turn->head->id : SLICE_NONE, err);
}

bool part_is(const struct view_part *part, const char *type)
{
	return slice_is(part->type, type);
}

bool tool_ended(const struct view_part *part)
{
	return slice_is(part->status, "completed") || slice_is(part->status, "error");
}

static bool is_chosen(const struct view_part *part, enum text_choice choice)
{
	bool added = part->synthetic || part->ignored;

	return choice == TEXT_ALL || added == (choice == TEXT_ADDED);
}

/* The strings stay escaped as they are: only their quotes go. */
bool parts_text(const struct view_part *parts, size_t count, const char *type, enum text_choice choice, struct buf *out)
{
	bool any = false;

	for (const struct view_part *part = parts; part < parts + count; part++) {
		if (!part_is(part, type) || part->text_json.len <= 2 || !is_chosen(part, choice))
			continue;
		buf_text(out, any ? "\\n\\n" : "\"");
		buf_append(out, part->text_json.ptr + 1, part->text_json.len - 2);
		any = true;
	}
	if (any)
		buf_char(out, '"');
	return any;
}
