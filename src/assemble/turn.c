/* A turn with its parts: whether it is closed, and the observations turn, user-message, compaction and diff. */
#include "assemble/emit.h"
#include <stdlib.h>

static void note_time(int64_t *newest_ms, int64_t time_ms)
{
	if (time_ms > *newest_ms)
		*newest_ms = time_ms;
}

static int load_step(struct assembly *assembly, struct step *step, struct err *err)
{
	struct view_parts *parts = &assembly->parts;
	int rc;

	step->first = parts->count;
	rc = view_parts_load(parts, assembly->store, assembly->source, assembly->view.session.id, step->message->id, err);
	step->count = parts->count - step->first;
	return rc;
}

static void finish_step(struct step *step, const struct view_part *items)
{
	const struct view_message *message = step->message;

	step->parts = items + step->first;
	step->ended = message->completed_ms > 0 || message->error.present;
	step->generation = message->error.present;
	step->newest_ms = message->created_ms;
	note_time(&step->newest_ms, message->completed_ms);
	for (size_t i = 0; i < step->count; i++) {
		step->generation = step->generation || part_is(&step->parts[i], "step-start");
		note_time(&step->newest_ms, step->parts[i].start_ms);
		note_time(&step->newest_ms, step->parts[i].end_ms);
	}
}

static bool all_ended(const struct turn *turn)
{
	for (const struct step *step = turn->steps; step < turn->steps + turn->count; step++) {
		if (!step->ended)
			return false;
		for (size_t i = 0; i < step->count; i++)
			if (part_is(&step->parts[i], "tool") && !tool_ended(&step->parts[i]))
				return false;
	}
	return true;
}

/* The agent said its last word: it neither waits for tools nor left the reason open. */
static bool has_last_word(const struct turn *turn)
{
	const struct step *last = turn->count ? &turn->steps[turn->count - 1] : NULL;

	if (!last || !last->ended)
		return false;
	if (last->message->error.present)
		return true;
	return last->message->finish.len > 0 && !slice_is(last->message->finish, "tool-calls");
}

/* An abort tells of idle first and ends its message and tools up to a second later: idle closes only what has ended. */
static void judge(const struct assembly *assembly, struct turn *turn)
{
	const struct view *view = &assembly->view;
	bool ended = all_ended(turn);

	turn->closed = turn->head->overtaken || has_last_word(turn) || (view->stale_ms > 0 && view->stale_ms >= turn->newest_ms) ||
	               (ended && view->idle_ms > 0 && view->idle_ms >= turn->newest_ms);
	turn->interrupted = turn->closed && !ended;
}

static void make_spans(const struct assembly *assembly, struct turn *turn)
{
	struct slice session = assembly->view.session.id;

	assemble_span_id(assembly->source, "turn", session, turn->head->id, SLICE_NONE, turn->span);
	for (struct step *step = turn->steps; step < turn->steps + turn->count; step++) {
		memcpy(step->span, turn->span, sizeof step->span);
		if (step->generation)
			assemble_span_id(assembly->source, "generation", session, step->message->id, SLICE_NONE, step->span);
	}
}

/* The parts' array moves while it grows: pointers into it are set when all are there. */
static int load_turn(struct assembly *assembly, struct turn *turn, struct err *err)
{
	struct step user = { .message = turn->head->user };
	int rc = 0;

	view_parts_clear(&assembly->parts);
	if (user.message)
		rc = load_step(assembly, &user, err);
	for (size_t i = 0; rc == 0 && i < turn->count; i++) {
		turn->steps[i].message = &turn->head->answers[i];
		rc = load_step(assembly, &turn->steps[i], err);
	}
	if (rc != 0)
		return rc;
	turn->newest_ms = turn->head->created_ms;
	for (size_t i = 0; i < turn->count; i++) {
		finish_step(&turn->steps[i], assembly->parts.items);
		note_time(&turn->newest_ms, turn->steps[i].newest_ms);
	}
	turn->user_parts = assembly->parts.items;
	turn->user_count = user.count;
	buf_clear(&assembly->prompt);
	if (!parts_text(turn->user_parts, turn->user_count, "text", TEXT_OWN, &assembly->prompt))
		parts_text(turn->user_parts, turn->user_count, "text", TEXT_ADDED, &assembly->prompt);
	return 0;
}

static void write_answer(const struct turn *turn, struct buf *out)
{
	for (size_t i = turn->count; i-- > 0;)
		if (parts_text(turn->steps[i].parts, turn->steps[i].count, "text", TEXT_ALL, out))
			return;
}

/* What the turn took, and with it the session so far. */
static void write_totals(struct assembly *assembly, const struct turn *turn, struct buf *out)
{
	struct amounts total = { 0 };
	struct json_writer json;

	for (size_t i = 0; i < turn->count; i++)
		if (turn->steps[i].generation)
			generation_amounts(assembly, &turn->steps[i], &total);
	assembly->totals.tokens += total.tokens;
	assembly->totals.cost += total.cost;
	assembly->totals.messages += total.messages;
	if (total.messages == 0)
		return;
	json_writer_init(&json, out);
	jw_object(&json);
	jw_key(&json, "tokens");
	jw_int(&json, total.tokens);
	jw_key(&json, "cost");
	jw_double(&json, total.cost);
	jw_key(&json, "messages");
	jw_int(&json, total.messages);
	jw_object_close(&json);
}

static int emit_turn(struct assembly *assembly, const struct turn *turn, struct err *err)
{
	static const uint8_t none[8];
	struct observation observation = emit_begin(assembly, turn, OBS_AGENT, "turn");
	const uint8_t *parent = assembly->place.parent_span;
	int rc;

	emit_ids(assembly, &observation, "turn", turn->head->id, SLICE_NONE, memcmp(parent, none, sizeof none) ? parent : NULL);
	observation.start_ms = turn->head->created_ms;
	observation.end_ms = turn->newest_ms;
	buf_slice(&assembly->input, buf_view(&assembly->prompt));
	write_answer(turn, &assembly->output);
	emit_origin(assembly, turn->head->user);
	if (turn->interrupted)
		emit_level(assembly, &observation, OBS_WARNING, "interrupted");
	write_totals(assembly, turn, &assembly->cost);
	rc = emit_send(assembly, turn, &observation, err);
	return rc == 0 ? log_idle(assembly, turn, &observation, err) : rc;
}

static void write_part(struct json_writer *json, const struct view_part *part)
{
	jw_object(json);
	emit_text(json, "type", part->type);
	emit_json(json, "text", part->text_json);
	if (part->synthetic) {
		jw_key(json, "synthetic");
		jw_bool(json, true);
	}
	emit_text(json, "mime", part->mime);
	emit_json(json, "filename", part->filename_json);
	emit_text(json, "name", part->name);
	emit_text(json, "agent", part->agent);
	emit_json(json, "description", part->description_json);
	emit_json(json, "prompt", part->prompt_json);
	jw_object_close(json);
}

/* A prompt of text alone is its text; with files, agents or sub-tasks it is the list of its parts. */
static void write_user_input(struct assembly *assembly, const struct turn *turn)
{
	struct json_writer json;
	bool plain = true;

	for (size_t i = 0; i < turn->user_count; i++)
		plain = plain && (part_is(&turn->user_parts[i], "text") || part_is(&turn->user_parts[i], "compaction"));
	if (plain) {
		buf_slice(&assembly->input, buf_view(&assembly->prompt));
		return;
	}
	json_writer_init(&json, &assembly->input);
	jw_array(&json);
	for (size_t i = 0; i < turn->user_count; i++)
		write_part(&json, &turn->user_parts[i]);
	jw_array_close(&json);
}

static int emit_compaction(struct assembly *assembly, const struct turn *turn, const struct view_part *part, struct err *err)
{
	struct observation observation = emit_begin(assembly, turn, OBS_EVENT, "compaction");

	emit_ids(assembly, &observation, "compaction", turn->head->id, part->key, turn->span);
	observation.start_ms = observation.end_ms = part->start_ms ? part->start_ms : turn->head->created_ms;
	buf_slice(&assembly->output, part->text_json);
	jw_key(&assembly->json, "auto");
	jw_bool(&assembly->json, part->automatic);
	jw_key(&assembly->json, "overflow");
	jw_bool(&assembly->json, part->overflow);
	return emit_send(assembly, turn, &observation, err);
}

static int emit_user(struct assembly *assembly, const struct turn *turn, struct err *err)
{
	struct observation observation = emit_begin(assembly, turn, OBS_SPAN, "user-message");
	int rc;

	emit_ids(assembly, &observation, "user-message", turn->head->id, SLICE_NONE, turn->span);
	observation.start_ms = observation.end_ms = turn->head->created_ms;
	write_user_input(assembly, turn);
	emit_origin(assembly, turn->head->user);
	rc = emit_send(assembly, turn, &observation, err);
	if (rc == 0)
		rc = log_prompt(assembly, turn, &observation, err);
	for (size_t i = 0; rc == 0 && i < turn->user_count; i++)
		if (part_is(&turn->user_parts[i], "compaction"))
			rc = emit_compaction(assembly, turn, &turn->user_parts[i], err);
	return rc;
}

static int emit_diff(struct assembly *assembly, const struct turn *turn, struct err *err)
{
	struct slice diffs = turn->head->user->diffs_json;
	struct json_doc *doc = &assembly->parts.doc;
	struct observation observation;
	int64_t files = 0, added = 0, deleted = 0;

	if (diffs.len == 0 || json_parse(doc, diffs, 0, NULL) != 0 || json_type_of(doc, 0) != JSON_ARRAY)
		return 0;
	for (int32_t node = doc->nodes[0].first; node != JSON_NONE; node = doc->nodes[node].next) {
		files++;
		added += json_int(doc, json_get(doc, node, "additions"), 0);
		deleted += json_int(doc, json_get(doc, node, "deletions"), 0);
	}
	if (files == 0)
		return 0;
	observation = emit_begin(assembly, turn, OBS_EVENT, "diff");
	emit_ids(assembly, &observation, "diff", turn->head->id, SLICE_NONE, turn->span);
	observation.start_ms = observation.end_ms = turn->newest_ms;
	buf_slice(&assembly->output, diffs);
	jw_key(&assembly->json, "files");
	jw_int(&assembly->json, files);
	jw_key(&assembly->json, "additions");
	jw_int(&assembly->json, added);
	jw_key(&assembly->json, "deletions");
	jw_int(&assembly->json, deleted);
	return emit_send(assembly, turn, &observation, err);
}

static int emit_step(struct assembly *assembly, const struct turn *turn, size_t index, struct err *err)
{
	const struct step *step = &turn->steps[index];
	int rc = 0;

	if (step->generation && (step->ended || turn->closed))
		rc = generation_emit(assembly, turn, index, err);
	for (size_t i = 0; rc == 0 && i < step->count; i++)
		if (part_is(&step->parts[i], "tool"))
			rc = tool_emit(assembly, turn, step, &step->parts[i], err);
	return rc;
}

static int emit_all(struct assembly *assembly, const struct turn *turn, size_t index, struct err *err)
{
	int rc = turn->closed ? emit_turn(assembly, turn, err) : 0;

	if (rc == 0 && turn->head->user && (turn->count || turn->closed))
		rc = emit_user(assembly, turn, err);
	for (size_t i = 0; rc == 0 && i < turn->count; i++)
		rc = emit_step(assembly, turn, i, err);
	if (rc == 0 && turn->closed && turn->head->user)
		rc = emit_diff(assembly, turn, err);
	if (rc == 0)
		rc = signals_emit(assembly, turn, (ptrdiff_t)index, err);
	return rc;
}

int turn_emit(struct assembly *assembly, size_t index, bool *ret_open, int64_t *ret_newest_ms, struct err *err)
{
	struct turn turn = { .head = &assembly->view.turns[index], .count = assembly->view.turns[index].count };
	int rc;

	turn.steps = calloc(turn.count + 1, sizeof *turn.steps);
	if (!turn.steps)
		return err_set(err, LF_ENOMEM, "no memory for a turn's messages");
	rc = load_turn(assembly, &turn, err);
	if (rc == 0) {
		judge(assembly, &turn);
		make_spans(assembly, &turn);
		rc = emit_all(assembly, &turn, index, err);
	}
	*ret_open = !turn.closed;
	*ret_newest_ms = turn.newest_ms;
	free(turn.steps);
	return rc;
}
