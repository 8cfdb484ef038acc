/* Reads the heads of a session; see view.h. Grouping into turns is in turns.c. */
#include "assemble/view.h"
#include "assemble/fields.h"
#include "assemble/turns.h"
#include <stdlib.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ERROR_MEMBERS(type) \
	{ \
		FIELD("name", FIELD_TEXT, offsetof(type, error.name)), \
		FIELD("message", FIELD_TEXT, offsetof(type, error.message)), \
		FIELD("status", FIELD_TIME, offsetof(type, error.status)), \
	}

#define AT(member) offsetof(struct view_session, member)
static const struct field session_fields[] = {
	FIELD("title", FIELD_TEXT, AT(title)),
	FIELD("parent", FIELD_TEXT, AT(parent)),
	FIELD("project", FIELD_TEXT, AT(project)),
	FIELD("directory", FIELD_TEXT, AT(directory)),
	FIELD("version", FIELD_TEXT, AT(version)),
	FIELD("created", FIELD_TIME, AT(created_ms)),
	FIELD("called", FIELD_BOOL, AT(called)),
};
#undef AT

#define AT(member) offsetof(struct view_message, member)
static const struct field message_errors[] = ERROR_MEMBERS(struct view_message);
static const struct field message_tokens[] = {
	FIELD("input", FIELD_COUNT, AT(tokens.input)),
	FIELD("output", FIELD_COUNT, AT(tokens.output)),
	FIELD("reasoning", FIELD_COUNT, AT(tokens.reasoning)),
	FIELD("cache_read", FIELD_COUNT, AT(tokens.cache_read)),
	FIELD("cache_write", FIELD_COUNT, AT(tokens.cache_write)),
};
static const struct field message_fields[] = {
	FIELD("parent", FIELD_TEXT, AT(parent)),
	FIELD("agent", FIELD_TEXT, AT(agent)),
	FIELD("mode", FIELD_TEXT, AT(mode)),
	FIELD("model", FIELD_TEXT, AT(model)),
	FIELD("provider", FIELD_TEXT, AT(provider)),
	FIELD("variant", FIELD_TEXT, AT(variant)),
	FIELD("created", FIELD_TIME, AT(created_ms)),
	FIELD("completed", FIELD_TIME, AT(completed_ms)),
	FIELD("finish", FIELD_TEXT, AT(finish)),
	FIELD("directory", FIELD_TEXT, AT(directory)),
	FIELD("cost", FIELD_VALUE, AT(cost_json)),
	FIELD_WITH("tokens", FIELD_MEMBERS, 0, message_tokens),
	FIELD("diffs", FIELD_VALUE, AT(diffs_json)),
	FIELD("summary", FIELD_BOOL, AT(summary)),
	FIELD_WITH("error", FIELD_OBJECT, AT(error.present), message_errors),
};
#undef AT

#define AT(member) offsetof(struct view_signal, member)
static const struct field signal_errors[] = ERROR_MEMBERS(struct view_signal);
static const struct field signal_fields[] = {
	FIELD("type", FIELD_TEXT, AT(type)),
	FIELD("request", FIELD_TEXT, AT(request)),
	FIELD("reply", FIELD_TEXT, AT(reply)),
	FIELD("permission", FIELD_TEXT, AT(permission)),
	FIELD("call", FIELD_TEXT, AT(call)),
	FIELD("message", FIELD_TEXT, AT(message)),
	FIELD("text", FIELD_TEXT, AT(text)),
	FIELD("patterns", FIELD_VALUE, AT(patterns_json)),
	FIELD("metadata", FIELD_VALUE, AT(metadata_json)),
	FIELD("questions", FIELD_VALUE, AT(questions_json)),
	FIELD("answers", FIELD_VALUE, AT(answers_json)),
	FIELD("time", FIELD_TIME, AT(time_ms)),
	FIELD("next", FIELD_TIME, AT(next_ms)),
	FIELD("attempt", FIELD_TIME, AT(attempt)),
	FIELD_WITH("error", FIELD_OBJECT, AT(error.present), signal_errors),
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
	*ret = (struct view_session){ 0 };
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
