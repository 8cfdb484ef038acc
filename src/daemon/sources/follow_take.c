/* A follower's hands: its cursors, and the way from a page of the database to what is durable. */
#include "daemon/sources/follow_private.h"
#include "base/clock.h"
#include "base/json.h"
#include <inttypes.h>
#include <stdio.h>

#define CURSOR_BATCH 1000

static const struct slice source = SLICE("opencode");

/* ---- cursors ---- */

static void cursor_name(const struct follow *follow, const struct session_mark *mark, struct buf *out)
{
	buf_clear(out);
	buf_text(out, follow->prefix);
	if (mark)
		buf_slice(out, session_map_id(follow->map, mark));
}

static void cursor_value(const struct session_mark *mark, struct buf *out)
{
	buf_clear(out);
	buf_format(out, "%" PRId64 " %" PRId64 " %" PRId64 " %d", mark->seq, mark->state_ms, mark->from, mark->gap);
}

static int load_cursor(void *context, struct slice name, struct slice value, struct err *err)
{
	struct follow *follow = context;
	size_t n = strlen(follow->prefix);
	struct session_mark *mark;
	char text[96];
	int gap = 0;

	(void)err;
	if (name.len < n || memcmp(name.ptr, follow->prefix, n) != 0 || value.len >= sizeof text)
		return 0;
	memcpy(text, value.ptr, value.len);
	text[value.len] = '\0';
	if (name.len == n) {
		snprintf(follow->stored_identity, sizeof follow->stored_identity, "%.63s", text);
		return 0;
	}
	mark = session_map_get(follow->map, (struct slice){ name.ptr + n, name.len - n });
	if (!mark || sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %d", &mark->seq, &mark->state_ms, &mark->from, &gap) != 4)
		return 0;
	mark->gap = gap != 0;
	mark->known = true;
	mark->newest = mark->seq;
	return 0;
}

static int load_run(struct spool *spool, void *arg, struct err *err)
{
	return spool_each_cursor(spool, source, load_cursor, arg, err);
}

int follow_load(struct follow *follow, struct err *err)
{
	int rc = follow->loaded ? 0 : work_on_spool(follow->work, false, load_run, follow, err);

	follow->loaded = rc == 0;
	return rc;
}

/* Marks are written that are known but take nothing: sessions that are left out for their age. */
struct leave_out {
	struct follow *follow;
	const uint32_t *places;
	size_t count;
	bool last;
};

static int leave_out_run(struct spool *spool, void *arg, struct err *err)
{
	struct leave_out *job = arg;
	struct buf name, value;
	int rc = 0;

	buf_init(&name, 4096);
	buf_init(&value, 128);
	for (size_t i = 0; rc == 0 && i < job->count; i++) {
		const struct session_mark *mark = session_map_at(job->follow->map, job->places[i]);
		cursor_name(job->follow, mark, &name);
		cursor_value(mark, &value);
		rc = spool_cursor_set(spool, source, buf_view(&name), buf_view(&value), err);
	}
	if (rc == 0 && job->last) {
		cursor_name(job->follow, NULL, &name);
		rc = spool_cursor_set(spool, source, buf_view(&name), slice_of(job->follow->identity), err);
	}
	buf_done(&name);
	buf_done(&value);
	return rc;
}

int follow_leave_out(struct follow *follow, const uint32_t *places, size_t count, struct err *err)
{
	int rc = 0;

	for (size_t at = 0; rc == 0 && (at < count || at == 0); at += CURSOR_BATCH) {
		size_t n = count - at < CURSOR_BATCH ? count - at : CURSOR_BATCH;
		struct leave_out job = { follow, places + at, n, at + n == count };
		rc = work_on_spool(follow->work, true, leave_out_run, &job, err);
	}
	if (rc == 0)
		snprintf(follow->stored_identity, sizeof follow->stored_identity, "%s", follow->identity);
	return rc;
}

/* ---- taking ---- */

static int need_pipeline(struct follow *follow, struct err *err)
{
	return follow->pipeline ? 0 : pipeline_new(follow->work, source.ptr, follow->path, &follow->result, &follow->pipeline, err);
}

/* After a failure nothing of what it held counts; what it knew of running sessions is read again. */
static void drop_pipeline(struct follow *follow)
{
	pipeline_free(follow->pipeline);
	follow->pipeline = NULL;
	follow->life++;
}

static int feed_page(struct follow *follow, struct err *err)
{
	const struct page *page = &follow->page;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < page->count; i++) {
		if (page->values[i].oversize_bytes)
			pipeline_oversize(follow->pipeline, page->values[i].oversize_bytes, page->values[i].line);
		else
			rc = pipeline_value(follow->pipeline, page_text(page, i), page->values[i].line, err);
	}
	if (page->count > 0) {
		follow->status.events += page->count;
		follow->status.last_event_ms = clock_wall_ms();
	}
	return rc;
}

/* Makes durable what was fed, and the place with it. */
static int commit(struct follow *follow, const struct session_mark *mark, struct err *err)
{
	struct buf name, value;
	int rc;

	buf_init(&name, 4096);
	buf_init(&value, 128);
	cursor_name(follow, mark, &name);
	cursor_value(mark, &value);
	rc = pipeline_commit(follow->pipeline, buf_view(&name), buf_view(&value), follow->page.count, err);
	buf_done(&name);
	buf_done(&value);
	return rc;
}

static void place_of(const struct opencode_position *position, struct session_mark *mark)
{
	mark->seq = position->seq;
	mark->state_ms = position->state_ms;
	mark->gap = position->gap;
	mark->known = true;
}

int follow_take(struct follow *follow, struct opencode_db *db, struct session_mark *mark, bool whole, struct err *err)
{
	struct opencode_position position = { .seq = whole ? -1 : mark->seq, .state_ms = whole ? 0 : mark->state_ms, .gap = !whole && mark->gap };
	struct slice id = session_map_id(follow->map, mark);
	bool more = true;
	int rc = need_pipeline(follow, err);

	if (rc == 0 && mark->touched != follow->life)
		rc = opencode_db_rewind(db, id, &position, err);
	if (!whole && mark->from > 0 && position.seq < mark->from - 1)
		position.seq = mark->seq < mark->from - 1 ? mark->seq : mark->from - 1;
	while (rc == 0 && more) {
		struct session_mark moved = *mark;
		rc = opencode_db_read(db, id, &position, &follow->page, &more, err);
		if (rc != 0)
			break;
		place_of(&position, &moved);
		moved.from = whole ? 0 : mark->from; /* whoever goes on after a kill takes the rest */
		moved.touched = follow->life;
		rc = feed_page(follow, err);
		if (rc == 0)
			rc = commit(follow, &moved, err);
		if (rc != 0) {
			drop_pipeline(follow);
			break;
		}
		*mark = moved;
		rc = patience_pace(&follow->patience, follow->work, follow->page.count, err);
	}
	return rc;
}

/* ---- sessions that went ---- */

int follow_take_deleted(struct follow *follow, struct session_mark *mark, bool say, struct err *err)
{
	struct slice id = session_map_id(follow->map, mark);
	struct json_writer json;
	struct buf name, record, key;
	int64_t now_ms = clock_wall_ms();
	int rc = need_pipeline(follow, err);

	buf_init(&name, 4096);
	buf_init(&record, 8192);
	buf_init(&key, 4096);
	buf_text(&key, "delete:");
	buf_slice(&key, id);
	json_writer_init(&json, &record);
	jw_object(&json);
	jw_key(&json, "lf");
	jw_int(&json, 1);
	jw_key(&json, "src");
	jw_string(&json, source);
	jw_key(&json, "session");
	jw_string(&json, id);
	jw_key(&json, "key");
	jw_string(&json, buf_view(&key));
	jw_key(&json, "kind");
	jw_text(&json, "signal");
	jw_key(&json, "level"); /* what the live stream says of the same is the better word */
	jw_int(&json, RECORD_PROGRESS);
	jw_key(&json, "time");
	jw_int(&json, now_ms);
	jw_key(&json, "body");
	jw_object(&json);
	jw_key(&json, "type");
	jw_text(&json, "delete");
	jw_key(&json, "time");
	jw_int(&json, now_ms);
	jw_object_close(&json);
	jw_object_close(&json);
	cursor_name(follow, mark, &name);
	if (rc == 0 && say)
		rc = pipeline_value(follow->pipeline, buf_view(&record), 0, err);
	if (rc == 0)
		rc = pipeline_commit(follow->pipeline, buf_view(&name), SLICE_NONE, say, err);
	if (rc == 0)
		session_map_remove(follow->map, mark);
	else
		drop_pipeline(follow);
	buf_done(&name);
	buf_done(&record);
	buf_done(&key);
	return rc;
}

