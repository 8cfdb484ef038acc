/* See follow.h. One look: the change index of all sessions, then those that changed, newest first. */
#include "daemon/follow.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/pipeline.h"
#include "daemon/session_map.h"
#include "ingest/src_opencode_db.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define RACY_AGAIN_MS 150      /* longer than a file system's tick */
#define UNINDEXED_EVERY_MS 60000
#define RETRY_FIRST_MS 250
#define RETRY_LAST_MS 60000
#define PAUSE_STEP_MS 50
#define MAX_OTHERS 16
#define CURSOR_BATCH 1000

static const struct slice source = SLICE("opencode");

struct todo {
	uint32_t place;
	int64_t last_ms;
};

struct follow {
	struct work *work;
	char *path;
	char prefix[20];           /* of its cursors: "<16 hex>/" */
	struct follow_status status;
	struct session_map *map;
	bool loaded;               /* the cursors were read */
	char identity[64], stored_identity[64]; /* of the file; stored "": it was never looked at */
	uint32_t generation, life; /* of scans; of the pipeline */
	struct pipeline *pipeline;
	struct pipeline_result result;
	struct page page;
	uint64_t signature;
	bool racy, pending;
	int64_t retry_ms, unindexed_mono_ms;
	bool unindexed;            /* this scan saw what is not in the change index too */
	struct follow *others[MAX_OTHERS];
	unsigned other_count;
	int64_t pace_mono_ms;      /* no page before this moment */
	int64_t complained_mono_ms;
	uint64_t problems;         /* that were logged */
	struct todo *todo;
	size_t todo_count, todo_cap;
};

const char *source_state_name(enum source_state state)
{
	static const char *const names[] = { "ok", "waiting", "error", "off" };

	return names[state];
}

struct follow *follow_new(struct work *work, const char *path)
{
	struct follow *follow = xcalloc(1, sizeof *follow);

	follow->work = work;
	follow->path = xstrdup(path);
	snprintf(follow->prefix, sizeof follow->prefix, "%016" PRIx64 "/", hash_64(path, strlen(path)));
	follow->map = session_map_new();
	follow->status.state = SOURCE_WAITING;
	follow->pending = true;
	follow->life = 1;
	pipeline_result_init(&follow->result);
	page_init(&follow->page);
	return follow;
}

void follow_free(struct follow *follow)
{
	if (!follow)
		return;
	pipeline_free(follow->pipeline);
	pipeline_result_done(&follow->result);
	page_done(&follow->page);
	session_map_free(follow->map);
	free(follow->todo);
	free(follow->path);
	free(follow);
}

const char *follow_path(const struct follow *follow)
{
	return follow->path;
}

const struct follow_status *follow_status(const struct follow *follow)
{
	return &follow->status;
}

void follow_leave_to(struct follow *follow, struct follow *other)
{
	if (follow->other_count < MAX_OTHERS)
		follow->others[follow->other_count++] = other;
}

static bool is_left_to_another(const struct follow *follow, struct slice id)
{
	for (unsigned i = 0; i < follow->other_count; i++) {
		const struct session_mark *mark = session_map_find(follow->others[i]->map, id);
		if (mark && mark->id_len > 0)
			return true;
	}
	return false;
}

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

static int load(struct follow *follow, struct err *err)
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

static int leave_out(struct follow *follow, const uint32_t *places, size_t count, struct err *err)
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

/* ---- the scan ---- */

static int note_session(void *context, const struct opencode_db_session *session, struct err *err)
{
	struct follow *follow = context;
	struct session_mark *mark = session_map_get(follow->map, session->id);

	if (!mark)
		return err_set(err, LF_ENOMEM, "%s: no memory for its sessions", follow->path);
	mark->seen = follow->generation;
	mark->newest = session->seq;
	mark->updated_ms = session->updated_ms;
	return 0;
}

static int scan(struct follow *follow, struct opencode_db *db, bool everything, struct err *err)
{
	int rc;

	follow->generation++;
	follow->unindexed = everything || follow->unindexed_mono_ms == 0 || clock_mono_ms() - follow->unindexed_mono_ms > UNINDEXED_EVERY_MS;
	rc = opencode_db_each_session(db, note_session, follow, err);
	if (rc == 0 && follow->unindexed)
		rc = opencode_db_each_unindexed(db, note_session, follow, err);
	if (rc == 0 && follow->unindexed)
		follow->unindexed_mono_ms = clock_mono_ms();
	return rc;
}

static bool is_behind(const struct session_mark *mark)
{
	return !mark->known || mark->gap || mark->newest != mark->seq || (mark->newest < 0 && mark->updated_ms > mark->state_ms);
}

static void todo_add(struct follow *follow, uint32_t place, int64_t last_ms)
{
	if (follow->todo_count == follow->todo_cap) {
		follow->todo_cap = follow->todo_cap ? follow->todo_cap * 2 : 64;
		follow->todo = xrealloc(follow->todo, follow->todo_cap * sizeof *follow->todo);
	}
	follow->todo[follow->todo_count++] = (struct todo){ place, last_ms };
}

static int newest_first(const void *a, const void *b)
{
	const struct todo *left = a, *right = b;

	return left->last_ms < right->last_ms ? 1 : left->last_ms > right->last_ms ? -1 : 0;
}

/* A session of before the first look that is too old: what happens from now on is taken. */
static void leave_mark(struct session_mark *mark, int64_t last_ms)
{
	mark->known = true;
	mark->seq = mark->newest;
	mark->state_ms = last_ms;
	mark->from = mark->newest >= 0 ? mark->newest + 1 : 1;
}

/* What is behind, newest first. At the first look old sessions are left out. */
static int choose(struct follow *follow, struct opencode_db *db, struct err *err)
{
	int64_t limit_ms = clock_wall_ms() - conf_int(follow->work->conf, "backfill_since");
	bool first = !follow->stored_identity[0];
	uint32_t n = session_map_count(follow->map), *left = xcalloc(n + 1, sizeof *left);
	size_t left_count = 0;
	int rc = 0;

	follow->todo_count = 0;
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		struct session_mark *mark = session_map_at(follow->map, i);
		struct opencode_activity activity = { 0 };
		if (mark->id_len == 0 || mark->seen != follow->generation || !is_behind(mark) || is_left_to_another(follow, session_map_id(follow->map, mark)))
			continue;
		rc = opencode_db_activity(db, session_map_id(follow->map, mark), &activity, err);
		if (rc == LF_ENOENT) /* events of something that is no session */
			rc = 0;
		if (first && !mark->known && activity.last_ms < limit_ms) {
			leave_mark(mark, activity.last_ms);
			left[left_count++] = i;
		} else {
			todo_add(follow, i, activity.last_ms);
		}
	}
	if (rc == 0 && (left_count > 0 || strcmp(follow->identity, follow->stored_identity) != 0))
		rc = leave_out(follow, left, left_count, err);
	free(left);
	if (follow->todo_count > 1)
		qsort(follow->todo, follow->todo_count, sizeof *follow->todo, newest_first);
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

/* Waits as long as the rate asks for. LF_ECLOSED: the daemon stops. */
static int keep_pace(struct follow *follow, unsigned values, struct err *err)
{
	int64_t now_ms = clock_mono_ms(), rate = conf_int(follow->work->conf, "backfill_rate");

	if (follow->pace_mono_ms < now_ms)
		follow->pace_mono_ms = now_ms;
	follow->pace_mono_ms += (int64_t)values * 1000 / rate;
	while (!atomic_load(&follow->work->stopping) && (now_ms = clock_mono_ms()) < follow->pace_mono_ms) {
		int64_t wait_ms = follow->pace_mono_ms - now_ms < PAUSE_STEP_MS ? follow->pace_mono_ms - now_ms : PAUSE_STEP_MS;
		nanosleep(&(struct timespec){ 0, (long)wait_ms * 1000000L }, NULL);
	}
	return atomic_load(&follow->work->stopping) ? err_set(err, LF_ECLOSED, "the daemon is stopping") : 0;
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

/* Makes durable what was fed, and the place with it; mark NULL: no place. */
static int commit(struct follow *follow, const struct session_mark *mark, struct err *err)
{
	struct buf name, value;
	int rc;

	buf_init(&name, 4096);
	buf_init(&value, 128);
	if (mark) {
		cursor_name(follow, mark, &name);
		cursor_value(mark, &value);
	}
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

/*
 * Takes one session to its end. whole: from its beginning; its place then moves only at the end. LF_ECORRUPT, LF_ELIMIT: this session
 * cannot be read, others may.
 */
static int take(struct follow *follow, struct opencode_db *db, struct session_mark *mark, bool whole, struct err *err)
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
		moved.from = whole ? 0 : mark->from;
		moved.touched = follow->life;
		rc = feed_page(follow, err);
		if (rc == 0)
			rc = commit(follow, whole && more ? NULL : &moved, err);
		if (rc != 0) {
			drop_pipeline(follow);
			break;
		}
		if (!whole || !more)
			*mark = moved;
		rc = keep_pace(follow, follow->page.count, err);
	}
	return rc;
}

/* ---- sessions that went ---- */

static int take_deleted(struct follow *follow, struct session_mark *mark, bool say, struct err *err)
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

/* Sessions that this scan should have seen and did not. In another file than before they were not deleted, they are elsewhere. */
static int find_deleted(struct follow *follow, struct opencode_db *db, bool same_file, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < session_map_count(follow->map); i++) {
		struct session_mark *mark = session_map_at(follow->map, i);
		struct opencode_activity activity;
		if (mark->id_len == 0 || mark->seen == follow->generation || (mark->newest < 0 && !follow->unindexed))
			continue;
		rc = opencode_db_activity(db, session_map_id(follow->map, mark), &activity, err);
		mark->newest = -1; /* from now on only the longer scan sees it */
		if (rc == LF_ENOENT)
			rc = take_deleted(follow, mark, same_file && mark->known && (mark->from == 0 || mark->seq >= mark->from), err);
	}
	return rc;
}

/* ---- one look ---- */

static void identify(struct follow *follow)
{
	struct stat st;

	if (stat(follow->path, &st) == 0)
		snprintf(follow->identity, sizeof follow->identity, "%" PRIu64 ":%" PRIu64, (uint64_t)st.st_dev, (uint64_t)st.st_ino);
}

static void log_problems(struct follow *follow)
{
	if (follow->result.problems > follow->problems)
		log_event(LOG_LEVEL_WARN, "source.problems", "path=\"%s\" new=%" PRIu64, follow->path, follow->result.problems - follow->problems);
	follow->problems = follow->result.problems;
}

static bool only_this_session(int rc)
{
	return rc == LF_ECORRUPT || rc == LF_ELIMIT;
}

static int take_all(struct follow *follow, struct opencode_db *db, struct err *err)
{
	struct err one = { 0 };
	int rc = 0, first = 0;

	for (size_t i = 0; rc == 0 && i < follow->todo_count; i++) {
		rc = take(follow, db, session_map_at(follow->map, follow->todo[i].place), false, &one);
		if (rc != 0 && first == 0) {
			first = rc;
			*err = one;
		}
		if (only_this_session(rc))
			rc = 0;
	}
	log_problems(follow);
	return rc != 0 ? rc : first;
}

static int look(struct follow *follow, struct err *err)
{
	struct opencode_db *db = NULL;
	bool same_file;
	int rc = load(follow, err);

	if (rc == 0)
		rc = opencode_db_open(follow->path, &db, err);
	if (rc != 0)
		return rc;
	identify(follow);
	same_file = strcmp(follow->identity, follow->stored_identity) == 0;
	rc = scan(follow, db, false, err);
	if (rc == 0)
		rc = find_deleted(follow, db, same_file, err);
	if (rc == 0)
		rc = choose(follow, db, err);
	if (rc == 0)
		rc = take_all(follow, db, err);
	opencode_db_close(db);
	follow->status.sessions = session_map_count(follow->map);
	return rc;
}

/* How the state of the source follows from how a look ended, and when it is worth another one. */
static const struct {
	int code;
	enum source_state state;
	bool retry; /* also when nothing changed there */
} outcomes[] = {
	{ 0, SOURCE_OK, false },
	{ LF_ENOENT, SOURCE_WAITING, false },
	{ LF_EAGAIN, SOURCE_WAITING, true },
	{ LF_ECORRUPT, SOURCE_ERROR, false },
	{ LF_EVERSION, SOURCE_ERROR, false },
	{ LF_ECLOSED, SOURCE_OK, true },
};

static void note_outcome(struct follow *follow, int rc, const struct err *err)
{
	enum source_state before = follow->status.state;
	size_t i = 0;

	while (i < sizeof outcomes / sizeof outcomes[0] && outcomes[i].code != rc)
		i++;
	follow->status.state = i < sizeof outcomes / sizeof outcomes[0] ? outcomes[i].state : SOURCE_ERROR;
	follow->pending = i < sizeof outcomes / sizeof outcomes[0] ? outcomes[i].retry : true;
	snprintf(follow->status.error, sizeof follow->status.error, "%.399s", rc != 0 && rc != LF_ECLOSED ? err->text : "");
	if (follow->status.state == SOURCE_ERROR &&
	    (before != SOURCE_ERROR || clock_mono_ms() - follow->complained_mono_ms > 60000)) {
		follow->complained_mono_ms = clock_mono_ms();
		log_event(LOG_LEVEL_ERROR, "source.failed", "code=%d error=\"%s\"", rc, err->text);
	}
}

int64_t follow_round(struct follow *follow)
{
	struct err err = { 0 };
	bool racy;
	uint64_t signature = opencode_db_signature(follow->path, &racy);
	int rc;

	if (!follow->pending && !follow->racy && signature == follow->signature)
		return -1;
	follow->signature = signature;
	follow->racy = racy;
	rc = look(follow, &err);
	note_outcome(follow, rc, &err);
	if (!follow->pending) {
		follow->retry_ms = 0;
		return racy ? RACY_AGAIN_MS : -1;
	}
	follow->retry_ms = follow->retry_ms ? follow->retry_ms * 2 : RETRY_FIRST_MS;
	if (follow->retry_ms > RETRY_LAST_MS)
		follow->retry_ms = RETRY_LAST_MS;
	return follow->retry_ms;
}

/* ---- backfill ---- */

static uint64_t events_ahead(const struct session_mark *mark, bool whole)
{
	int64_t from = whole ? -1 : mark->seq;

	return mark->newest > from ? (uint64_t)(mark->newest - from) : 0;
}

static int backfill_session(struct follow *follow, struct opencode_db *db, struct session_mark *mark, const struct backfill *want,
                            struct backfill_result *ret, struct err *err)
{
	bool whole = mark->from > 0 || !mark->known;
	uint64_t stored = follow->result.stored, unchanged = follow->result.unchanged, events = follow->status.events;
	int rc = 0;

	if (!want->dry_run && clock_mono_ms() >= want->deadline_mono_ms) {
		ret->left++;
		return 0;
	}
	ret->sessions++;
	if (want->dry_run) {
		ret->events += events_ahead(mark, whole);
		return 0;
	}
	rc = take(follow, db, mark, whole, err);
	ret->events += follow->status.events - events;
	ret->stored += follow->result.stored - stored;
	ret->unchanged += follow->result.unchanged - unchanged;
	return rc;
}

static int backfill_all(struct follow *follow, struct opencode_db *db, const struct backfill *want, struct backfill_result *ret, struct err *err)
{
	struct err one = { 0 };
	int rc = 0, first = 0;

	for (uint32_t i = 0; rc == 0 && i < session_map_count(follow->map); i++) {
		struct session_mark *mark = session_map_at(follow->map, i);
		struct opencode_activity activity = { 0 };
		if (mark->id_len == 0 || mark->seen != follow->generation || (mark->from == 0 && !is_behind(mark)) ||
		    is_left_to_another(follow, session_map_id(follow->map, mark)))
			continue;
		rc = opencode_db_activity(db, session_map_id(follow->map, mark), &activity, &one);
		if (rc == LF_ENOENT)
			rc = 0;
		if (rc == 0 && activity.last_ms >= want->since_ms)
			rc = backfill_session(follow, db, mark, want, ret, &one);
		if (rc != 0 && first == 0) {
			first = rc;
			*err = one;
		}
		if (only_this_session(rc))
			rc = 0;
	}
	log_problems(follow);
	return rc != 0 ? rc : first;
}

int follow_backfill(struct follow *follow, const struct backfill *want, struct backfill_result *ret, struct err *err)
{
	struct opencode_db *db = NULL;
	int rc = load(follow, err);

	if (rc == 0)
		rc = opencode_db_open(follow->path, &db, err);
	if (rc != 0)
		return rc;
	ret->databases++;
	rc = scan(follow, db, true, err);
	if (rc == 0)
		rc = backfill_all(follow, db, want, ret, err);
	opencode_db_close(db);
	return rc;
}
