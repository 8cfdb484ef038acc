/* Reads the heads of a session; see view.h. Grouping into turns is in turns.c. */
#include "assemble/view.h"
#include "assemble/fields.h"
#include "assemble/turns.h"
#include <stdlib.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ERROR_FIELDS(type) \
	{ "error.name", FIELD_TEXT, offsetof(type, error.name) }, \
	{ "error.message", FIELD_TEXT, offsetof(type, error.message) }, \
	{ "error.status", FIELD_TIME, offsetof(type, error.status) }, \
	{ "error", FIELD_HAS, offsetof(type, error.present) }

static const struct field session_fields[] = {
	{ "parent", FIELD_TEXT, offsetof(struct view_session, parent) },
	{ "title", FIELD_TEXT, offsetof(struct view_session, title) },
	{ "project", FIELD_TEXT, offsetof(struct view_session, project) },
	{ "directory", FIELD_TEXT, offsetof(struct view_session, directory) },
	{ "version", FIELD_TEXT, offsetof(struct view_session, version) },
	{ "created", FIELD_TIME, offsetof(struct view_session, created_ms) },
	{ "called", FIELD_BOOL, offsetof(struct view_session, called) },
};

#define AT(member) offsetof(struct view_message, member)
static const struct field message_fields[] = {
	{ "parent", FIELD_TEXT, AT(parent) },
	{ "agent", FIELD_TEXT, AT(agent) },
	{ "mode", FIELD_TEXT, AT(mode) },
	{ "model", FIELD_TEXT, AT(model) },
	{ "provider", FIELD_TEXT, AT(provider) },
	{ "variant", FIELD_TEXT, AT(variant) },
	{ "finish", FIELD_TEXT, AT(finish) },
	{ "directory", FIELD_TEXT, AT(directory) },
	{ "cost", FIELD_VALUE, AT(cost_json) },
	{ "diffs", FIELD_VALUE, AT(diffs_json) },
	{ "tokens.input", FIELD_COUNT, AT(tokens.input) },
	{ "tokens.output", FIELD_COUNT, AT(tokens.output) },
	{ "tokens.reasoning", FIELD_COUNT, AT(tokens.reasoning) },
	{ "tokens.cache_read", FIELD_COUNT, AT(tokens.cache_read) },
	{ "tokens.cache_write", FIELD_COUNT, AT(tokens.cache_write) },
	{ "created", FIELD_TIME, AT(created_ms) },
	{ "completed", FIELD_TIME, AT(completed_ms) },
	{ "summary", FIELD_BOOL, AT(summary) },
	ERROR_FIELDS(struct view_message),
};
#undef AT

#define AT(member) offsetof(struct view_signal, member)
static const struct field signal_fields[] = {
	{ "type", FIELD_TEXT, AT(type) },
	{ "request", FIELD_TEXT, AT(request) },
	{ "reply", FIELD_TEXT, AT(reply) },
	{ "permission", FIELD_TEXT, AT(permission) },
	{ "call", FIELD_TEXT, AT(call) },
	{ "message", FIELD_TEXT, AT(message) },
	{ "text", FIELD_TEXT, AT(text) },
	{ "patterns", FIELD_VALUE, AT(patterns_json) },
	{ "metadata", FIELD_VALUE, AT(metadata_json) },
	{ "questions", FIELD_VALUE, AT(questions_json) },
	{ "answers", FIELD_VALUE, AT(answers_json) },
	{ "time", FIELD_TIME, AT(time_ms) },
	{ "next", FIELD_TIME, AT(next_ms) },
	{ "attempt", FIELD_TIME, AT(attempt) },
	ERROR_FIELDS(struct view_signal),
};
#undef AT

void view_init(struct view *view)
{
	*view = (struct view){ 0 };
	pool_init(&view->pool);
	json_doc_init(&view->doc);
	buf_init(&view->scratch, 0);
}

void view_done(struct view *view)
{
	pool_done(&view->pool);
	json_doc_done(&view->doc);
	buf_done(&view->scratch);
	free(view->messages);
	free(view->turns);
	free(view->signals);
}

static void note_time(int64_t *newest_ms, int64_t time_ms)
{
	if (time_ms > *newest_ms)
		*newest_ms = time_ms;
}

int view_session_read(const struct clean_record_view *record, struct json_doc *doc, struct pool *pool, struct buf *scratch,
                      struct view_session *ret, struct err *err)
{
	int rc = json_parse(doc, record->body, 0, err);

	if (rc != 0)
		return rc;
	fields_read(doc, session_fields, COUNT(session_fields), pool, scratch, ret);
	ret->id = pool_copy(pool, record->session);
	return 0;
}

static void add_message(struct view *view, const struct clean_record_view *record)
{
	struct view_message *message;

	if (!pool_grow(&view->pool, (void **)&view->messages, view->message_count, &view->message_cap, sizeof *message))
		return;
	message = &view->messages[view->message_count++];
	*message = (struct view_message){ 0 };
	fields_read(&view->doc, message_fields, COUNT(message_fields), &view->pool, &view->scratch, message);
	message->id = pool_copy(&view->pool, record->key);
	message->assistant = json_string_is(&view->doc, json_get(&view->doc, 0, "role"), "assistant");
	message->turn = !message->assistant ? message->id : message->parent.len ? message->parent : pool_copy(&view->pool, record->session);
	note_time(&view->last_ms, message->created_ms);
	note_time(&view->last_ms, message->completed_ms);
}

/* Signals that only move a clock are not kept. "stale" is ours, not the agent's: it is no newer time. */
static void add_signal(struct view *view, const struct clean_record_view *record)
{
	struct view_signal *signal;

	if (!pool_grow(&view->pool, (void **)&view->signals, view->signal_count, &view->signal_cap, sizeof *signal))
		return;
	signal = &view->signals[view->signal_count];
	*signal = (struct view_signal){ 0 };
	fields_read(&view->doc, signal_fields, COUNT(signal_fields), &view->pool, &view->scratch, signal);
	signal->turn = -1;
	if (slice_is(signal->type, "stale")) {
		note_time(&view->stale_ms, signal->time_ms);
		return;
	}
	note_time(&view->last_ms, signal->time_ms);
	if (slice_is(signal->type, "idle")) {
		note_time(&view->idle_ms, signal->time_ms);
		return;
	}
	signal->key = pool_copy(&view->pool, record->key);
	view->signal_count++;
}

static int take_head(void *context, const struct clean_record_view *record, struct err *err)
{
	struct view *view = context;
	int rc;

	if (record->kind == RECORD_SESSION) {
		rc = view_session_read(record, &view->doc, &view->pool, &view->scratch, &view->session, err);
		note_time(&view->last_ms, view->session.created_ms);
	} else {
		rc = json_parse(&view->doc, record->body, 0, err);
		if (rc == 0 && record->kind == RECORD_MESSAGE)
			add_message(view, record);
		else if (rc == 0 && record->kind == RECORD_SIGNAL)
			add_signal(view, record);
	}
	if (rc == 0 && view->pool.failed)
		rc = err_set(err, LF_ENOMEM, "no memory for a session's messages");
	return rc;
}

int view_load(struct view *view, const struct assemble_store *store, struct slice source, struct slice session, struct err *err)
{
	int rc = store->each_head(store->context, source, session, take_head, view, err);

	if (rc != 0 && rc != LF_ENOENT)
		return rc;
	if (view->session.id.len == 0)
		view->session.id = pool_copy(&view->pool, session);
	return turns_build(view, err);
}

const struct view_message *view_find_message(const struct view *view, struct slice id)
{
	for (size_t i = 0; i < view->message_count; i++)
		if (slice_equal(view->messages[i].id, id))
			return &view->messages[i];
	return NULL;
}
