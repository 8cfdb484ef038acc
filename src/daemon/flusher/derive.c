/* Records -> observations, between spool and assembler; see derive.h. */
#include "daemon/flusher/derive_private.h"
#include "base/log.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define QUIET_MS 10000 /* between two pieces of a session that is being read */
#define GROUP_OBSERVATIONS 300 /* of a transaction, about: who wants to append waits for it */
#define ENOUGH_BYTES (4u << 20) /* of bodies: they are written to the log and to the file */

int session_list_add(void *context, struct slice source, struct slice id, struct err *err)
{
	struct session_list *list = context;

	(void)err;
	for (size_t i = 0; i < list->count; i++)
		if (slice_is(id, list->items[i].id) && slice_is(source, list->items[i].source))
			return 0;
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 16;
		list->items = xrealloc(list->items, list->cap * sizeof *list->items);
	}
	list->items[list->count].source = xmemdup0(source.ptr, source.len);
	list->items[list->count++].id = xmemdup0(id.ptr, id.len);
	return 0;
}

void session_list_done(struct session_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].source);
		free(list->items[i].id);
	}
	free(list->items);
}

int session_list_dirty(struct session_list *list, struct spool *spool, unsigned max, bool *ret_all, struct err *err)
{
	size_t newest;
	int rc = spool_each_dirty_newest(spool, max / 4, session_list_add, list, err);

	newest = list->count;
	if (rc == 0)
		rc = spool_each_dirty(spool, max, session_list_add, list, err);
	*ret_all = list->count - newest < max;
	return rc;
}

static int derive_in_transaction(struct spool *spool, const struct derive_options *options, const struct session_id *session, struct derived *derived, struct err *err)
{
	struct made made = { 0 };
	int rc = spool_observations_begin(spool, slice_of(session->source), slice_of(session->id), err);

	if (rc == 0)
		rc = make_session(spool, options, session, made_put, spool, &made, err);
	if (rc == 0)
		rc = made_end(spool, options, session, &made, err);
	derived->observations += made.observations;
	derived->bytes += made.bytes;
	made_done(&made);
	return rc;
}

/* As many of them as make a transaction, one at least. */
static int derive_group(struct spool *spool, const struct derive_options *options, const struct session_id *sessions, size_t count,
                        size_t *ret_count, struct derived *derived, struct err *err)
{
	struct derived made = { 0 };
	size_t i = 0;
	int rc = spool_begin_derived(spool, err);

	if (rc != 0)
		return rc;
	do
		rc = derive_in_transaction(spool, options, &sessions[i++], &made, err);
	while (rc == 0 && i < count && made.observations < GROUP_OBSERVATIONS && made.bytes < ENOUGH_BYTES);
	if (rc == 0)
		rc = spool_commit(spool, err);
	if (rc != 0) {
		spool_rollback(spool);
		return rc;
	}
	derived->observations += made.observations;
	derived->bytes += made.bytes;
	*ret_count = i;
	return 0;
}

static int derive_list(struct spool *spool, const struct derive_options *options, const struct session_list *list, unsigned enough,
                       struct derived *derived, struct err *err)
{
	size_t i = 0, done = 0;
	int rc = 0;

	while (rc == 0 && i < list->count && derived->observations < enough && derived->bytes < ENOUGH_BYTES) {
		rc = derive_group(spool, options, list->items + i, list->count - i, &done, derived, err);
		if (rc != 0) /* one that fails must not cost those before it */
			rc = derive_group(spool, options, list->items + i, 1, &done, derived, err);
		i += done;
		spool_pause(spool);
	}
	derived->more = derived->more || i < list->count;
	return rc;
}

int derive_dirty(struct spool *spool, const struct derive_options *options, unsigned max, unsigned enough, struct derived *ret, struct err *err)
{
	struct session_list list = { 0 };
	bool all = true;
	int rc = session_list_dirty(&list, spool, max, &all, err);

	*ret = (struct derived){ .more = !all };
	if (rc == 0)
		rc = derive_list(spool, options, &list, enough, ret, err);
	session_list_done(&list);
	return rc;
}

static int append_stale(struct spool *spool, struct redactor *redactor, const struct session_id *session, int64_t time_ms, struct err *err)
{
	char key[512], body[96];
	struct raw_event event = {
		.kind = RECORD_SIGNAL, .level = RECORD_FINAL, .time_ms = time_ms,
		.source = slice_of(session->source), .session = slice_of(session->id),
	};
	struct clean_record *record = NULL;
	int rc;

	snprintf(key, sizeof key, "stale:%s:%" PRId64, session->id, time_ms);
	snprintf(body, sizeof body, "{\"type\":\"stale\",\"time\":%" PRId64 "}", time_ms);
	event.key = slice_of(key);
	event.body = slice_of(body);
	rc = redact_event(redactor, &event, &record, err);
	if (rc == 0 && record)
		rc = spool_append(spool, record, NULL, err);
	clean_record_free(record);
	return rc;
}

static int append_all_stale(struct spool *spool, struct redactor *redactor, const struct session_list *list, int64_t limit_ms, struct err *err)
{
	int rc = spool_begin(spool, err);

	for (size_t i = 0; rc == 0 && i < list->count; i++)
		rc = append_stale(spool, redactor, &list->items[i], limit_ms, err);
	if (rc == 0)
		rc = spool_commit(spool, err);
	if (rc != 0)
		spool_rollback(spool);
	return rc;
}

int derive_stale(struct spool *spool, const struct ruleset *rules, int64_t stale_after_ms, int64_t wall_ms, struct err *err)
{
	struct session_list list = { 0 };
	struct redactor *redactor;
	int64_t limit_ms = wall_ms - stale_after_ms, quiet_ms = stale_after_ms < QUIET_MS ? stale_after_ms : QUIET_MS;
	int rc = spool_each_stale(spool, limit_ms, wall_ms - quiet_ms, wall_ms, session_list_add, &list, err);

	if (rc == 0 && list.count > 0) {
		redactor = redactor_new(rules);
		rc = append_all_stale(spool, redactor, &list, limit_ms, err);
		redactor_free(redactor);
		if (rc == 0)
			log_event(LOG_LEVEL_INFO, "session.stale", "sessions=%zu", list.count);
	}
	session_list_done(&list);
	return rc;
}
