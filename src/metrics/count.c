/* Amounts of one record; see count.h. Each kind of record has its own function; slots are fixed so that revisions can be compared. */
#include "metrics/count.h"
#include "metrics/exponential.h"
#include <inttypes.h>
#include <stdio.h>

#define VALUE_MAX_BYTES 100 /* of a label's value: names of models, agents and tools */
#define TEXT_MAX_BYTES 4096
#define KEPT_NODES 4096

enum message_slot { M_INPUT, M_OUTPUT, M_REASONING, M_CACHE_READ, M_CACHE_WRITE, M_COST, M_MESSAGE, M_HIT, M_MISS, M_ERROR, M_CALL, M_CALL_IN, M_CALL_OUT };
enum user_slot { U_ADDED, U_REMOVED, U_ADDED_NOW, U_REMOVED_NOW, U_MESSAGE };
enum tool_slot { T_CALL, T_COMMIT, T_PULL_REQUEST };
enum turn_slot { R_MS, R_TOKENS, R_COST };

struct counting {
	const struct clean_record_view *record;
	const struct count_options *options;
	const char *project;  /* of the session; "" */
	struct count_room *room; /* the body; the text of one value */
	struct label *model;  /* what the labels of a message have in common; ends open */
	struct count_amounts *ret;
};

/* ---- labels ---- */

struct label {
	struct counting *counting;
	struct buf out;
	struct json_writer json;
};

static void label_text(struct label *label, const char *key, struct slice value)
{
	if (value.len == 0)
		return;
	jw_key(&label->json, key);
	jw_string(&label->json, json_utf8_cut(value, VALUE_MAX_BYTES));
}

static struct slice text_of(struct counting *counting, int32_t node)
{
	struct count_room *room = counting->room;

	buf_clear(&room->text);
	(void)json_text(&room->doc, node, &room->text);
	return buf_view(&room->text);
}

static void label_field(struct label *label, const char *key, int32_t node)
{
	struct slice value = text_of(label->counting, node);

	label_text(label, key, value.len ? value : SLICE("unknown"));
}

static void label_begin(struct label *label, struct counting *counting)
{
	label->counting = counting;
	buf_init(&label->out, COUNT_LABEL_BYTES - 1);
	json_writer_init(&label->json, &label->out);
	jw_object(&label->json);
	label_text(label, "source", counting->record->source);
	if (counting->options->session_label)
		label_text(label, "session", counting->record->session);
	if (counting->options->project_label)
		label_text(label, "project", slice_of(counting->project));
}

/* A label that does not fit is left empty: its amounts still count. */
static void label_give(struct label *label, unsigned slot)
{
	struct count_amount *amount = &label->counting->ret->slots[slot];
	struct slice text = SLICE("{}");

	jw_object_close(&label->json);
	if (!label->out.failed && label->out.len < sizeof amount->label)
		text = buf_view(&label->out);
	memcpy(amount->label, text.ptr, text.len);
	amount->label[text.len] = '\0';
}

static void label_end(struct label *label, unsigned slot)
{
	label_give(label, slot);
	buf_done(&label->out);
}

static void amount(struct counting *counting, unsigned slot, enum fact_id fact, int64_t value)
{
	counting->ret->slots[slot].fact = fact;
	counting->ret->slots[slot].value = value;
	counting->ret->slots[slot].present = true;
	counting->ret->any = true;
}

/* ---- kinds of records ---- */

static int64_t number(const struct counting *counting, int32_t node)
{
	int64_t value = json_int(&counting->room->doc, node, 0);

	return value < 0 ? 0 : value;
}

static void model_label(struct label *label, struct counting *counting)
{
	const struct json_doc *doc = &counting->room->doc;

	label_begin(label, counting);
	label_field(label, "model", json_get(doc, 0, "model"));
	label_field(label, "provider", json_get(doc, 0, "provider"));
	label_text(label, "agent", text_of(counting, json_get(doc, 0, "agent"))); /* not every source knows one */
}

/* The model's label and one key more. */
static void model_amount(struct counting *counting, unsigned slot, enum fact_id fact, const char *key, const char *value, int64_t n)
{
	struct label *label = counting->model;
	struct json_writer json = label->json;
	struct buf out = label->out;

	if (n == 0 && fact != FACT_CALL_MS)
		return;
	if (key)
		label_text(label, key, slice_of(value));
	label_give(label, slot);
	amount(counting, slot, fact, n);
	label->json = json;
	label->out.len = out.len;
	label->out.failed = out.failed;
}

static void count_tokens(struct counting *counting)
{
	static const struct { unsigned slot; const char *type, *key; } rows[] = {
		{ M_INPUT, "input", "input" }, { M_OUTPUT, "output", "output" }, { M_REASONING, "reasoning", "reasoning" },
		{ M_CACHE_READ, "cacheRead", "cache_read" }, { M_CACHE_WRITE, "cacheCreation", "cache_write" },
	};
	const struct json_doc *doc = &counting->room->doc;
	int32_t tokens = json_get(doc, 0, "tokens");
	int64_t n[sizeof rows / sizeof rows[0]];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		n[i] = number(counting, json_get(doc, tokens, rows[i].key));
		model_amount(counting, rows[i].slot, FACT_TOKENS, "type", rows[i].type, n[i]);
	}
	model_amount(counting, M_HIT, FACT_CACHE, "type", "cacheRead", n[3] > 0);
	model_amount(counting, M_MISS, FACT_CACHE, "type", "cacheCreation", n[4] > 0);
	model_amount(counting, M_CALL_IN, FACT_CALL_TOKENS, "type", "input", n[0] + n[3] + n[4]);
	model_amount(counting, M_CALL_OUT, FACT_CALL_TOKENS, "type", "output", n[1] + n[2]);
}

static void count_assistant(struct counting *counting)
{
	const struct json_doc *doc = &counting->room->doc;
	int64_t created = number(counting, json_get(doc, 0, "created")), completed = number(counting, json_get(doc, 0, "completed"));
	int32_t error = json_get(doc, 0, "error");
	struct label label;

	if (json_type_of(doc, error) == JSON_OBJECT) {
		label_begin(&label, counting);
		label_field(&label, "type", json_get(doc, error, "name"));
		label_end(&label, M_ERROR);
		amount(counting, M_ERROR, FACT_ERRORS, 1);
	}
	if (completed == 0)
		return;
	model_label(&label, counting);
	counting->model = &label;
	count_tokens(counting);
	model_amount(counting, M_COST, FACT_COST, NULL, NULL, fact_pico(json_raw(doc, json_get(doc, 0, "cost"))));
	model_amount(counting, M_MESSAGE, FACT_MESSAGES, "role", "assistant", 1);
	model_amount(counting, M_CALL, FACT_CALL_MS, NULL, NULL, completed > created ? completed - created : 0);
	counting->model = NULL;
	buf_done(&label.out);
}

static int64_t sum_diffs(const struct counting *counting, const char *key)
{
	const struct json_doc *doc = &counting->room->doc;
	int32_t list = json_get(doc, 0, "diffs");
	int64_t sum = 0;

	if (json_type_of(doc, list) != JSON_ARRAY)
		return 0;
	for (int32_t i = doc->nodes[list].first; i != JSON_NONE; i = doc->nodes[i].next) {
		int64_t n = json_int(doc, json_get(doc, i, key), 0);
		if (n > 0 && n < INT32_MAX)
			sum += n;
	}
	return sum;
}

static void count_lines(struct counting *counting, unsigned slot, enum fact_id fact, const char *type, int64_t n)
{
	struct label label;

	if (n == 0)
		return;
	label_begin(&label, counting);
	label_text(&label, "type", slice_of(type));
	label_end(&label, slot);
	amount(counting, slot, fact, n);
}

static void count_user(struct counting *counting)
{
	int64_t added = sum_diffs(counting, "additions"), removed = sum_diffs(counting, "deletions");
	struct label label;

	counting->ret->grows = true;
	count_lines(counting, U_ADDED, FACT_LINES, "added", added);
	count_lines(counting, U_REMOVED, FACT_LINES, "removed", removed);
	count_lines(counting, U_ADDED_NOW, FACT_LINES_NOW, "added", added);
	count_lines(counting, U_REMOVED_NOW, FACT_LINES_NOW, "removed", removed);
	model_label(&label, counting);
	counting->model = &label;
	model_amount(counting, U_MESSAGE, FACT_MESSAGES, "role", "user", 1);
	counting->model = NULL;
	buf_done(&label.out);
}

static void count_message(struct counting *counting, int64_t session_ms)
{
	const struct json_doc *doc = &counting->room->doc;

	int32_t role = json_get(doc, 0, "role");

	if (number(counting, json_get(doc, 0, "created")) < session_ms)
		return;
	if (json_string_is(doc, role, "assistant"))
		count_assistant(counting);
	else if (json_string_is(doc, role, "user"))
		count_user(counting);
}

static void count_tool(struct counting *counting)
{
	static const struct { const char *key; unsigned slot; enum fact_id fact; } made[] = {
		{ "commit", T_COMMIT, FACT_COMMITS }, { "pull_request", T_PULL_REQUEST, FACT_PULL_REQUESTS },
	};
	const struct json_doc *doc = &counting->room->doc;
	int64_t start = number(counting, json_get(doc, 0, "start")), end = number(counting, json_get(doc, 0, "end"));
	int32_t status = json_get(doc, 0, "status");
	bool done = json_string_is(doc, status, "completed");
	struct label label;

	if (!done && !json_string_is(doc, status, "error"))
		return;
	label_begin(&label, counting);
	label_field(&label, "tool", json_get(doc, 0, "tool"));
	label_text(&label, "status", done ? SLICE("completed") : SLICE("error"));
	label_end(&label, T_CALL);
	amount(counting, T_CALL, FACT_TOOL_MS, start && end > start ? end - start : 0);
	for (size_t i = 0; done && i < sizeof made / sizeof made[0]; i++) {
		if (!json_bool(doc, json_get(doc, 0, made[i].key), false))
			continue;
		label_begin(&label, counting);
		label_end(&label, made[i].slot);
		amount(counting, made[i].slot, made[i].fact, 1);
	}
}

static void count_part(struct counting *counting, int64_t session_ms)
{
	const struct json_doc *doc = &counting->room->doc;
	int32_t type = json_get(doc, 0, "type");
	int64_t start = number(counting, json_get(doc, 0, "start"));
	struct label label;

	if ((start ? start : counting->record->time_ms) < session_ms)
		return;
	if (json_string_is(doc, type, "tool"))
		count_tool(counting);
	if (!json_string_is(doc, type, "subtask"))
		return;
	label_begin(&label, counting);
	label_field(&label, "agent", json_get(doc, 0, "agent"));
	label_end(&label, 0);
	amount(counting, 0, FACT_SUBTASKS, 1);
}

static void one(struct counting *counting, enum fact_id fact, const char *key, const char *value)
{
	struct label label;

	label_begin(&label, counting);
	if (key)
		label_text(&label, key, slice_of(value));
	label_end(&label, 0);
	amount(counting, 0, fact, 1);
}

static void count_decision(struct counting *counting, const char *permission)
{
	static const struct { const char *reply, *decision, *origin; } rows[] = {
		{ "once", "accept", "user_temporary" }, { "always", "accept", "user_permanent" }, { "reject", "reject", "user_reject" },
	};
	const struct json_doc *doc = &counting->room->doc;
	int32_t reply = json_get(doc, 0, "reply");
	struct label label;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!json_string_is(doc, reply, rows[i].reply))
			continue;
		label_begin(&label, counting);
		label_text(&label, "tool", slice_of(permission[0] ? permission : "unknown"));
		label_text(&label, "decision", slice_of(rows[i].decision));
		label_text(&label, "origin", slice_of(rows[i].origin));
		label_end(&label, 0);
		amount(counting, 0, FACT_DECISIONS, 1);
	}
}

static void count_signal(struct counting *counting, const char *permission)
{
	const struct json_doc *doc = &counting->room->doc;
	int32_t type = json_get(doc, 0, "type");

	if (json_string_is(doc, type, "retry"))
		one(counting, FACT_RETRIES, NULL, NULL);
	else if (json_string_is(doc, type, "permission-reply"))
		count_decision(counting, permission);
}

/* ---- entry points ---- */

/* Not the whole labels: they are large. */
void count_amounts_init(struct count_amounts *amounts)
{
	for (unsigned i = 0; i < COUNT_SLOTS; i++) {
		amounts->slots[i].fact = (enum fact_id)0;
		amounts->slots[i].present = false;
		amounts->slots[i].value = 0;
		amounts->slots[i].label[0] = '\0';
	}
	amounts->any = amounts->grows = false;
}

void count_room_init(struct count_room *room)
{
	json_doc_init(&room->doc);
	buf_init(&room->text, TEXT_MAX_BYTES);
}

/* What one huge record needed is not kept for ever. */
static bool read_body(struct count_room *room, struct slice body)
{
	if (room->doc.cap > KEPT_NODES)
		json_doc_done(&room->doc);
	return json_parse(&room->doc, body, 0, NULL) == 0;
}

void count_room_done(struct count_room *room)
{
	json_doc_done(&room->doc);
	buf_done(&room->text);
}

static void session_of(struct count_room *room, struct count_session *ret)
{
	struct buf *text = &room->text;

	*ret = (struct count_session){ .created_ms = json_int(&room->doc, json_get(&room->doc, 0, "created"), 0) };
	buf_clear(text);
	if (json_text(&room->doc, json_get(&room->doc, 0, "project"), text) == 0)
		snprintf(ret->project, sizeof ret->project, "%.*s", (int)json_utf8_cut(buf_view(text), VALUE_MAX_BYTES).len, text->data);
}

static void count_session(struct counting *counting)
{
	struct count_session own;

	session_of(counting->room, &own);
	counting->project = own.project;
	one(counting, FACT_SESSIONS, "is_subagent", counting->record->link.len > 0 ? "true" : "false");
	counting->project = "";
}

void count_record(struct count_room *room, const struct clean_record_view *record, const struct count_session *session,
                  const struct count_options *options, struct count_amounts *ret)
{
	struct counting counting = { .room = room, .record = record, .options = options, .project = session->project, .ret = ret };

	count_amounts_init(ret);
	if (!read_body(room, record->body))
		return;
	if (record->kind == RECORD_SESSION)
		count_session(&counting);
	else if (record->kind == RECORD_MESSAGE)
		count_message(&counting, session->created_ms);
	else if (record->kind == RECORD_PART)
		count_part(&counting, session->created_ms);
	else
		count_signal(&counting, session->permission);
}

void count_bare_session(const struct clean_record_view *record, const struct count_options *options, struct count_amounts *ret)
{
	struct counting counting = { .record = record, .options = options, .project = "", .ret = ret };

	count_amounts_init(ret);
	one(&counting, FACT_SESSIONS, "is_subagent", "false");
}

void count_turn(const struct count_turn *turn, const struct count_options *options, struct count_amounts *ret)
{
	struct clean_record_view record = { .source = turn->source, .session = turn->session };
	struct counting counting = { .record = &record, .options = options, .project = turn->project, .ret = ret };
	const struct { unsigned slot; enum fact_id fact; int64_t value; } rows[] = {
		{ R_MS, FACT_TURN_MS, turn->duration_ms }, { R_TOKENS, FACT_TURN_TOKENS, turn->tokens }, { R_COST, FACT_TURN_COST, turn->cost_pico },
	};

	count_amounts_init(ret);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct label label;
		label_begin(&label, &counting);
		label_end(&label, rows[i].slot);
		amount(&counting, rows[i].slot, rows[i].fact, rows[i].value);
	}
}

int count_observe(const struct fact *fact, int64_t value, const char *label, count_move_fn *fn, void *context, struct err *err)
{
	char room[64];
	struct buf name = { .data = room, .cap_bytes = sizeof room, .max_bytes = sizeof room - 1 }; /* never grows */
	size_t n;
	int rc;

	buf_text(&name, fact->name);
	buf_char(&name, '/');
	n = name.len;
	buf_int(&name, (int64_t)fact_bucket(fact, value));
	rc = fn(context, room, label, 1, err);
	name.len = n;
	buf_char(&name, value > 0 ? 'x' : 'z');
	if (value > 0)
		buf_int(&name, exponential_index(fact_value(fact, value)));
	if (rc == 0)
		rc = fn(context, room, label, 1, err);
	if (rc != 0 || value == 0)
		return rc;
	name.len = n;
	buf_text(&name, "sum");
	return fn(context, room, label, value, err);
}

int count_moves(const struct count_amounts *old, const struct count_amounts *now, count_move_fn *fn, void *context, struct err *err)
{
	static const struct count_amounts nothing;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < COUNT_SLOTS; i++) {
		const struct count_amount *a = old ? &old->slots[i] : &nothing.slots[i], *b = &now->slots[i];
		const struct fact *fact = &facts[(b->present ? b : a)->fact];
		int64_t add = b->value - a->value;
		if (fact->kind == FACT_HISTOGRAM && b->present && !a->present)
			rc = count_observe(fact, b->value, b->label, fn, context, err);
		else if (fact->kind != FACT_HISTOGRAM && (add > 0 || (add < 0 && fact->kind == FACT_UP_DOWN)))
			rc = fn(context, fact->name, b->present ? b->label : a->label, add, err);
	}
	return rc;
}

void count_session_read(struct count_room *room, struct slice body, struct count_session *ret)
{
	*ret = (struct count_session){ 0 };
	if (read_body(room, body))
		session_of(room, ret);
}

void count_asked_read(struct count_room *room, struct slice body, struct count_session *ret)
{
	struct buf *text = &room->text;

	buf_clear(text);
	if (read_body(room, body) && json_text(&room->doc, json_get(&room->doc, 0, "permission"), text) == 0)
		snprintf(ret->permission, sizeof ret->permission, "%.*s", (int)json_utf8_cut(buf_view(text), sizeof ret->permission - 1).len, text->data);
}
