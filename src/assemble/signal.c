/* Signals: what only a live stream tells. Each type has its maker in a table; other types make nothing. */
#include "assemble/emit.h"

struct signal_context {
	struct assembly *assembly;
	const struct turn *turn;  /* NULL: before the first */
	const struct view_signal *signal;
};

static const uint8_t *turn_span(const struct signal_context *at)
{
	return at->turn ? at->turn->span : NULL;
}

static int emit_retry(const struct signal_context *at, struct err *err)
{
	struct observation observation = emit_begin(at->assembly, at->turn, OBS_EVENT, "retry");
	struct json_writer *json = &at->assembly->json;

	emit_ids(at->assembly, &observation, "retry", SLICE_NONE, at->signal->key, turn_span(at));
	observation.start_ms = observation.end_ms = at->signal->time_ms;
	observation.level = OBS_WARNING;
	buf_slice(&at->assembly->status, at->signal->message);
	jw_key(json, "attempt");
	jw_int(json, at->signal->attempt);
	if (at->signal->next_ms) {
		jw_key(json, "next");
		jw_int(json, at->signal->next_ms);
	}
	return emit_send(at->assembly, at->turn, &observation, err);
}

static bool turn_has_error(const struct turn *turn, struct slice name)
{
	for (size_t i = 0; i < turn->count; i++)
		if (turn->steps[i].message->error.present && slice_equal(turn->steps[i].message->error.name, name))
			return true;
	return false;
}

/* The stream tells an error before the message does: only a closed turn shows whether a message has it. */
static int emit_session_error(const struct signal_context *at, struct err *err)
{
	struct observation observation;
	int rc;

	if (at->turn && (!at->turn->closed || turn_has_error(at->turn, at->signal->error.name)))
		return 0;
	observation = emit_begin(at->assembly, at->turn, OBS_EVENT, "error");
	emit_ids(at->assembly, &observation, "error", SLICE_NONE, at->signal->key, turn_span(at));
	observation.start_ms = observation.end_ms = at->signal->time_ms;
	emit_error(at->assembly, &observation, &at->signal->error);
	rc = emit_send(at->assembly, at->turn, &observation, err);
	return rc == 0 ? log_error(at->assembly, at->turn, &observation, err) : rc;
}

static const struct view_signal *find_reply(const struct view *view, const struct view_signal *asked, const char *type)
{
	for (size_t i = 0; i < view->signal_count; i++)
		if (slice_is(view->signals[i].type, type) && slice_equal(view->signals[i].request, asked->request))
			return &view->signals[i];
	return NULL;
}

static const uint8_t *asker_span(const struct signal_context *at)
{
	for (size_t i = 0; at->turn && i < at->turn->count; i++)
		if (slice_equal(at->turn->steps[i].message->id, at->signal->message))
			return at->turn->steps[i].span;
	return turn_span(at);
}

static bool is_removed(const struct view *view, struct slice message)
{
	for (size_t i = 0; message.len && i < view->signal_count; i++)
		if (slice_is(view->signals[i].type, "removed") && slice_equal(view->signals[i].message, message))
			return true;
	return false;
}

static void write_outcome(const struct signal_context *at, struct observation *observation, const struct view_signal *reply)
{
	struct assembly *assembly = at->assembly;

	if (!reply) {
		emit_level(assembly, observation, OBS_WARNING, "no answer");
		return;
	}
	emit_text(&assembly->json, "reply", reply->reply);
	if (!slice_is(reply->reply, "reject") && !slice_is(reply->reply, "rejected"))
		return;
	emit_level(assembly, observation, OBS_WARNING, "rejected");
	if (reply->text.len)
		buf_text(&assembly->status, ": ");
	buf_slice(&assembly->status, reply->text);
}

static void write_request(const struct signal_context *at, const struct view_signal *reply)
{
	struct assembly *assembly = at->assembly;
	struct json_writer input;

	if (at->signal->questions_json.len) {
		buf_slice(&assembly->input, at->signal->questions_json);
	} else if (at->signal->patterns_json.len || at->signal->metadata_json.len) {
		json_writer_init(&input, &assembly->input);
		jw_object(&input);
		emit_json(&input, "patterns", at->signal->patterns_json);
		emit_json(&input, "metadata", at->signal->metadata_json);
		jw_object_close(&input);
	}
	if (reply && reply->answers_json.len)
		buf_slice(&assembly->output, reply->answers_json);
	else if (reply && reply->text.len)
		json_escape(reply->text, &assembly->output);
}

/* A pair of asked and replied, as one span. */
static int emit_request(const struct signal_context *at, const char *name, const char *reply_type, struct err *err)
{
	const struct view *view = &at->assembly->view;
	const struct view_signal *reply = find_reply(view, at->signal, reply_type);
	struct observation observation;
	int rc;

	if ((!reply && at->turn && !at->turn->closed) || is_removed(view, at->signal->message))
		return 0;
	observation = emit_begin(at->assembly, at->turn, OBS_SPAN, name);
	emit_ids(at->assembly, &observation, name, at->signal->message, at->signal->key, asker_span(at));
	observation.start_ms = at->signal->time_ms;
	observation.end_ms = reply ? reply->time_ms : at->signal->time_ms;
	emit_text(&at->assembly->json, "permission", at->signal->permission);
	emit_text(&at->assembly->json, "call", at->signal->call);
	emit_text(&at->assembly->json, "request", at->signal->request);
	write_outcome(at, &observation, reply);
	write_request(at, reply);
	rc = emit_send(at->assembly, at->turn, &observation, err);
	return rc == 0 && reply ? log_decision(at->assembly, at->turn, at->signal, reply, &observation, err) : rc;
}

static int emit_permission(const struct signal_context *at, struct err *err)
{
	return emit_request(at, "permission", "permission-reply", err);
}

static int emit_question(const struct signal_context *at, struct err *err)
{
	return emit_request(at, "question", "question-reply", err);
}

static const struct {
	const char *type;
	int (*emit)(const struct signal_context *at, struct err *err);
} makers[] = {
	{ "retry", emit_retry },
	{ "error", emit_session_error },
	{ "permission", emit_permission },
	{ "question", emit_question },
};

int signals_emit(struct assembly *assembly, const struct turn *turn, ptrdiff_t index, struct err *err)
{
	const struct view *view = &assembly->view;
	int rc = 0;

	while (rc == 0 && assembly->next_signal < view->signal_count && view->signals[assembly->next_signal].turn == index) {
		struct signal_context at = { assembly, turn, &view->signals[assembly->next_signal++] };
		for (size_t i = 0; rc == 0 && i < sizeof makers / sizeof makers[0]; i++)
			if (slice_is(at.signal->type, makers[i].type))
				rc = makers[i].emit(&at, err);
	}
	return rc;
}
