/*
 * Log records: what happened, event by event, with the names and attributes of the OpenTelemetry plugin of OpenCode. Each belongs to
 * the span of the same thing. Nothing is made when nobody asks for logs.
 */
#include "assemble/emit.h"
#include <stdio.h>

/* ---- one record ---- */

static void put(struct assembly *assembly, const char *key, struct slice text)
{
	emit_text(&assembly->log_json, key, text);
}

static void put_int(struct assembly *assembly, const char *key, int64_t value)
{
	jw_key(&assembly->log_json, key);
	jw_int(&assembly->log_json, value);
}

static void put_bool(struct assembly *assembly, const char *key, bool value)
{
	jw_key(&assembly->log_json, key);
	jw_bool(&assembly->log_json, value);
}

static void put_json(struct assembly *assembly, const char *key, struct slice json)
{
	emit_json(&assembly->log_json, key, json);
}

static bool is_child(const struct assembly *assembly)
{
	return assembly->view.session.parent.len > 0;
}

/* What every record says. False when there are to be none. */
static bool begin(struct assembly *assembly, struct slice agent)
{
	if (!assembly->log)
		return false;
	buf_clear(&assembly->log_text);
	json_writer_init(&assembly->log_json, &assembly->log_text);
	jw_object(&assembly->log_json);
	put(assembly, "session.id", assembly->view.session.id);
	put(assembly, "project.id", assembly->view.session.project);
	put(assembly, "agent", agent);
	put(assembly, "agent.name", agent);
	put(assembly, "agent.type", is_child(assembly) ? SLICE("subagent") : SLICE("primary"));
	return true;
}

/* about: the span that it belongs to. The record's own key is made of its name and of what it is about. */
static int end(struct assembly *assembly, const struct turn *turn, const char *event, const struct observation *about, int64_t time_ms, struct slice key, struct err *err)
{
	struct observation log;
	char kind[48];

	jw_object_close(&assembly->log_json);
	if (assembly->log_text.failed)
		return err_set(err, assembly->log_text.failed, "a log record is too large");
	snprintf(kind, sizeof kind, "log:%s", event);
	log = (struct observation){
		.type = OBS_LOG, .level = strstr(event, "error") ? OBS_ERROR : OBS_DEFAULT, .name = slice_of(event), .source = assembly->source,
		.session = assembly->place.root, .own_session = assembly->view.session.id, .message = about->message, .part = key,
		.start_ms = time_ms, .end_ms = time_ms, .usage = { -1, -1, -1, -1, -1 }, .metadata = buf_view(&assembly->log_text),
	};
	memcpy(log.trace_id, about->trace_id, sizeof log.trace_id);
	memcpy(log.parent_id, about->span_id, sizeof log.parent_id);
	assemble_span_id(assembly->source, kind, assembly->view.session.id, about->message, key, log.span_id);
	return assembly->log(assembly->context, &log, turn ? turn->head->id : SLICE_NONE, err);
}

/* As the agent counts: UTF-16 units. Without its text, what is known of its size. */
static int64_t text_length(struct assembly *assembly, struct slice json)
{
	struct buf *text = &assembly->parts.scratch;
	int64_t n = 0;

	buf_clear(text);
	if (json.len < 2 || json_unescape(json, text) != 0)
		return 0;
	for (size_t i = 0; i < text->len; i++)
		n += ((unsigned char)text->data[i] & 0xc0) != 0x80 ? 1 + ((unsigned char)text->data[i] >= 0xf0) : 0;
	return n;
}

static int64_t known_size(struct assembly *assembly, const struct view_part *part, const char *key)
{
	struct json_doc *doc = &assembly->parts.doc;
	struct buf *text = &assembly->parts.scratch;

	buf_clear(text);
	buf_char(text, '{');
	buf_slice(text, part->sizes_json);
	buf_char(text, '}');
	return json_parse(doc, buf_view(text), 0, NULL) == 0 ? json_int(doc, json_get(doc, 0, key), 0) : 0;
}

/* ---- the events ---- */

int log_session(struct assembly *assembly, struct err *err)
{
	const struct view *view = &assembly->view;
	const struct view_turn *first = view->turn_count ? &view->turns[0] : NULL;
	struct turn turn = { .head = first };
	int64_t time_ms = view->session.created_ms ? view->session.created_ms : first ? first->created_ms : 0;
	struct observation about;

	if (!assembly->log || time_ms == 0)
		return 0;
	about = emit_begin(assembly, first ? &turn : NULL, OBS_AGENT, "session");
	if (first)
		assemble_span_id(assembly->source, "turn", view->session.id, first->id, SLICE_NONE, about.span_id);
	begin(assembly, SLICE_NONE);
	put_bool(assembly, "is_subagent", is_child(assembly));
	return end(assembly, NULL, "session.created", &about, time_ms, SLICE_NONE, err);
}

int log_idle(struct assembly *assembly, const struct turn *turn, const struct observation *about, struct err *err)
{
	if (!begin(assembly, turn->head->user ? turn->head->user->agent : SLICE_NONE))
		return 0;
	put_int(assembly, "total_tokens", assembly->totals.tokens);
	jw_key(&assembly->log_json, "total_cost_usd");
	jw_double(&assembly->log_json, assembly->totals.cost);
	put_int(assembly, "total_messages", assembly->totals.messages);
	return end(assembly, turn, "session.idle", about, about->end_ms, SLICE_NONE, err);
}

static int log_subtask(struct assembly *assembly, const struct turn *turn, const struct view_part *part, const struct observation *about, struct err *err)
{
	if (!begin(assembly, part->agent))
		return 0;
	put_json(assembly, "description", part->description_json);
	put_int(assembly, "prompt_length", part->prompt_json.len ? text_length(assembly, part->prompt_json) : known_size(assembly, part, "prompt_bytes"));
	return end(assembly, turn, "subtask_invoked", about, about->start_ms, part->key, err);
}

int log_prompt(struct assembly *assembly, const struct turn *turn, const struct observation *about, struct err *err)
{
	const struct view_message *user = turn->head->user;
	int64_t length;
	int rc;

	if (!assembly->log)
		return 0;
	length = text_length(assembly, buf_view(&assembly->prompt));
	for (size_t i = 0; assembly->prompt.len == 0 && i < turn->user_count; i++)
		if (part_is(&turn->user_parts[i], "text"))
			length += known_size(assembly, &turn->user_parts[i], "text_bytes");
	begin(assembly, user->agent);
	put_int(assembly, "prompt_length", length);
	buf_clear(&assembly->parts.scratch);
	buf_format(&assembly->parts.scratch, "%.*s%s%.*s", (int)user->provider.len, user->provider.len ? user->provider.ptr : "",
	           user->provider.len && user->model.len ? "/" : "", (int)user->model.len, user->model.len ? user->model.ptr : "");
	put(assembly, "model", buf_view(&assembly->parts.scratch));
	put_json(assembly, "prompt", buf_view(&assembly->prompt));
	rc = end(assembly, turn, "user_prompt", about, about->start_ms, SLICE_NONE, err);
	for (size_t i = 0; rc == 0 && i < turn->user_count; i++)
		if (part_is(&turn->user_parts[i], "subtask"))
			rc = log_subtask(assembly, turn, &turn->user_parts[i], about, err);
	return rc;
}

int log_error(struct assembly *assembly, const struct turn *turn, const struct observation *about, struct err *err)
{
	if (!begin(assembly, SLICE_NONE))
		return 0;
	put(assembly, "error", about->status);
	return end(assembly, turn, "session.error", about, about->end_ms, about->part, err);
}

static void put_usage(struct assembly *assembly, const struct observation *about)
{
	const struct observation_usage *usage = &about->usage;
	const struct { const char *key; int64_t count; } rows[] = {
		{ "input_tokens", usage->input }, { "output_tokens", usage->output }, { "reasoning_tokens", usage->reasoning },
		{ "cache_read_tokens", usage->cache_read }, { "cache_creation_tokens", usage->cache_write },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		put_int(assembly, rows[i].key, rows[i].count > 0 ? rows[i].count : 0);
}

/* An answer that was broken off is an error too: every answer is one of the two. */
int log_answer(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct observation *about, struct err *err)
{
	const struct view_message *message = step->message;
	bool failed = message->error.present || !message->completed_ms;
	int rc;

	if (!begin(assembly, message->agent))
		return 0;
	put(assembly, "model", message->model);
	put(assembly, "provider", message->provider);
	put_int(assembly, "duration_ms", about->end_ms - about->start_ms);
	if (failed) {
		put(assembly, "error", about->status);
		put(assembly, "error.type", message->error.present ? message->error.name : SLICE("interrupted"));
	} else {
		put_json(assembly, "cost_usd", about->cost.len ? about->cost : SLICE("0"));
		put_usage(assembly, about);
	}
	rc = end(assembly, turn, failed ? "api_error" : "api_request", about, about->start_ms, SLICE_NONE, err);
	return rc == 0 && message->error.present ? log_error(assembly, turn, about, err) : rc;
}

int log_tool(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct view_part *part, const struct observation *about, struct err *err)
{
	bool success = slice_is(part->status, "completed");
	int64_t size;

	if (!assembly->log)
		return 0;
	size = part->output_json.len ? 0 : known_size(assembly, part, "output_bytes");
	if (part->output_json.len) {
		buf_clear(&assembly->parts.scratch);
		size = json_unescape(part->output_json, &assembly->parts.scratch) == 0 ? (int64_t)assembly->parts.scratch.len : (int64_t)part->output_json.len;
	}
	begin(assembly, step->message->agent);
	put(assembly, "tool_name", part->tool);
	put_bool(assembly, "success", success);
	put_int(assembly, "duration_ms", about->end_ms - about->start_ms);
	if (success)
		put_int(assembly, "tool_result_size_bytes", size);
	else
		put(assembly, "error", about->status);
	return end(assembly, turn, "tool_result", about, about->end_ms, part->key, err);
}

int log_commit(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct observation *about, struct err *err)
{
	if (!begin(assembly, step->message->agent))
		return 0;
	return end(assembly, turn, "commit", about, about->end_ms, about->part, err);
}

static struct slice asking_tool(const struct turn *turn, struct slice call)
{
	for (size_t i = 0; turn && call.len && i < turn->count; i++)
		for (size_t k = 0; k < turn->steps[i].count; k++)
			if (part_is(&turn->steps[i].parts[k], "tool") && slice_equal(turn->steps[i].parts[k].call, call))
				return turn->steps[i].parts[k].tool;
	return SLICE_NONE;
}

int log_decision(struct assembly *assembly, const struct turn *turn, const struct view_signal *asked, const struct view_signal *reply, const struct observation *about, struct err *err)
{
	static const struct { const char *reply, *decision, *source; } rows[] = {
		{ "once", "accept", "user_temporary" }, { "always", "accept", "user_permanent" }, { "reject", "reject", "user_reject" },
	};
	struct slice tool = asking_tool(turn, asked->call);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!slice_is(reply->reply, rows[i].reply) || !begin(assembly, SLICE_NONE))
			continue;
		put(assembly, "tool_name", tool.len ? tool : asked->permission);
		put(assembly, "tool_type", asked->permission);
		put(assembly, "decision", slice_of(rows[i].decision));
		put(assembly, "source", slice_of(rows[i].source));
		return end(assembly, turn, "tool_decision", about, reply->time_ms, asked->key, err);
	}
	return 0;
}
