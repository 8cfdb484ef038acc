/* See follow.h. One look: the change index of all sessions, then those that changed, newest first. */
#include "daemon/sources/follow_private.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define RACY_AGAIN_MS 150      /* longer than a file system's tick */
#define UNINDEXED_EVERY_MS 60000

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
		rc = follow_leave_out(follow, left, left_count, err);
	free(left);
	if (follow->todo_count > 1)
		qsort(follow->todo, follow->todo_count, sizeof *follow->todo, newest_first);
	return rc;
}

/* ---- sessions that went ---- */

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
			rc = follow_take_deleted(follow, mark, same_file && mark->known && (mark->from == 0 || mark->seq >= mark->from), err);
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

/* A session that cannot be read does not keep the others; the first failure is told. */
static int go_on(int rc, const struct err *one, int *first, struct err *err)
{
	if (rc != 0 && *first == 0) {
		*first = rc;
		*err = *one;
	}
	return rc == LF_ECORRUPT || rc == LF_ELIMIT ? 0 : rc;
}

static int take_all(struct follow *follow, struct opencode_db *db, struct err *err)
{
	struct err one = { 0 };
	int rc = 0, first = 0;

	for (size_t i = 0; rc == 0 && i < follow->todo_count; i++) {
		rc = follow_take(follow, db, session_map_at(follow->map, follow->todo[i].place), false, &one);
		rc = go_on(rc, &one, &first, err);
	}
	log_problems(follow);
	return rc != 0 ? rc : first;
}

/* What an older copy may hold is known only when the others were looked at. */
static int await_others(const struct follow *follow, struct err *err)
{
	for (unsigned i = 0; i < follow->other_count; i++)
		if (follow->others[i]->generation == 0)
			return err_set(err, LF_EAGAIN, "%s: waits for %s", follow->path, follow->others[i]->path);
	return 0;
}

static int open_in_turn(struct follow *follow, struct opencode_db **ret, struct err *err)
{
	int rc = await_others(follow, err);

	if (rc == 0)
		rc = follow_load(follow, err);
	return rc == 0 ? opencode_db_open(follow->path, ret, err) : rc;
}

static int look(struct follow *follow, struct err *err)
{
	struct opencode_db *db = NULL;
	bool same_file;
	int rc = open_in_turn(follow, &db, err);

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
	if (follow->status.state == SOURCE_ERROR)
		patience_complain(&follow->patience, before == SOURCE_ERROR, rc, err);
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
	if (follow->pending)
		return patience_retry(&follow->patience);
	patience_reset(&follow->patience);
	return racy ? RACY_AGAIN_MS : -1;
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
	rc = follow_take(follow, db, mark, whole, err);
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
		rc = go_on(rc, &one, &first, err);
	}
	log_problems(follow);
	return rc != 0 ? rc : first;
}

int follow_backfill(struct follow *follow, const struct backfill *want, struct backfill_result *ret, struct err *err)
{
	struct opencode_db *db = NULL;
	int rc = open_in_turn(follow, &db, err);

	if (rc != 0)
		return rc;
	ret->databases++;
	rc = scan(follow, db, true, err);
	if (rc == 0)
		rc = backfill_all(follow, db, want, ret, err);
	opencode_db_close(db);
	return rc;
}
