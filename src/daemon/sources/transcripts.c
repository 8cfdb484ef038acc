/* See transcripts.h. One look: what changed, oldest first and sub-agents last, so that copies find the originals there. */
#include "daemon/sources/transcripts_private.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/meters/figures.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCAN_EVERY_MS 60000   /* in case a change was not told */
#define ROUND_MS 500          /* one round; others wait for this thread */
#define FIGURES_EVERY_MS 600000 /* they become stale though nothing changes */
#define CURSOR_BATCH 1000

static const struct slice source = SLICE(TRANSCRIPTS_SOURCE);

struct transcripts *transcripts_new(struct work *work, const char *dir)
{
	struct transcripts *t = xcalloc(1, sizeof *t);
	const char *spool = conf_string(work->conf, "spool_dir");

	t->work = work;
	t->dir = xstrdup(dir);
	t->nudge = spool ? file_join(spool, "nudge") : NULL;
	t->watch = watch_new();
	t->tail = tail_new();
	t->status.state = SOURCE_WAITING;
	t->rescan = true;
	transcript_files_init(&t->files);
	pipeline_result_init(&t->result);
	return t;
}

void transcripts_free(struct transcripts *t)
{
	if (!t)
		return;
	pipeline_free(t->pipeline);
	pipeline_result_done(&t->result);
	transcript_files_done(&t->files);
	tail_free(t->tail);
	watch_free(t->watch);
	free(t->nudge);
	free(t->dir);
	free(t);
}

const struct follow_status *transcripts_status(const struct transcripts *t)
{
	return &t->status;
}

const struct claude_stats *transcripts_figures(const struct transcripts *t)
{
	return &t->figures;
}

int transcripts_fd(const struct transcripts *t)
{
	return watch_fd(t->watch);
}

/* The agent's own figures lie there too, and say nothing of files. */
static bool is_json(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".json") == 0;
}

/* A file that changed is looked at alone; anything else may mean new files. */
static void hear(void *context, const char *dir, const char *name)
{
	struct transcripts *t = context;
	const struct transcript *file;
	char *path;

	if (!dir || !*name) {
		t->rescan = true;
		return;
	}
	if (is_json(name))
		return;
	path = file_join(dir, name);
	file = transcript_find(&t->files, path);
	if (file && file->path)
		t->rescan = !transcript_look(&t->files, path) || t->rescan;
	else if (strcmp(dir, t->dir) != 0 || strcmp(name, "projects") == 0) /* what else stands beside the projects is not ours */
		t->rescan = true;
	free(path);
}

bool transcripts_told(struct transcripts *t)
{
	return watch_drain_each(t->watch, hear, t);
}

/* ---- cursors ---- */

static int load_run(struct spool *spool, void *arg, struct err *err)
{
	return transcript_cursors_load(arg, spool, err);
}

static int load(struct transcripts *t, struct err *err)
{
	int rc = t->loaded ? 0 : work_on_spool(t->work, false, load_run, &t->files, err);

	t->loaded = rc == 0;
	return rc;
}

/* Places that move without anything being read: of files that are left out for their age, and of those that are gone. */
struct cursor_job {
	struct transcripts *t;
	struct transcript **left;
	size_t count;
	const struct buf *gone;
	bool first_over;
};

static int cursor_run(struct spool *spool, void *arg, struct err *err)
{
	struct cursor_job *job = arg;
	struct buf value;
	int rc = 0;

	buf_init(&value, 256);
	for (size_t i = 0; rc == 0 && i < job->count; i++) {
		transcript_cursor_value(job->left[i], &value);
		rc = spool_cursor_set(spool, source, slice_of(job->left[i]->cursor), buf_view(&value), err);
	}
	for (size_t at = 0; rc == 0 && job->gone && at < job->gone->len; at += TRANSCRIPT_CURSOR - 1)
		rc = spool_cursor_set(spool, source, (struct slice){ job->gone->data + at, TRANSCRIPT_CURSOR - 1 }, SLICE_NONE, err);
	if (rc == 0 && job->first_over)
		rc = spool_cursor_set(spool, source, SLICE("first"), SLICE("1"), err);
	buf_done(&value);
	return rc;
}

/* ---- one look ---- */

static int by_age(const void *a, const void *b)
{
	const struct transcript *x = *(struct transcript *const *)a, *y = *(struct transcript *const *)b;

	if (x->agent != y->agent)
		return x->agent ? 1 : -1;
	if (x->mtime_ns != y->mtime_ns)
		return x->mtime_ns < y->mtime_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

static bool is_to_be_left(const struct transcripts *t, const struct transcript *file)
{
	int64_t limit_ms = clock_wall_ms() - conf_int(t->work->conf, "backfill_since");

	return !t->files.first_over && !file->known && file->mtime_ns / 1000000 < limit_ms;
}

/* Leaves out what was written so far. Only whole lines: what is added to a half one is new. */
static void leave(struct transcripts *t, struct transcript *file)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char c;

	if (fd < 0)
		return;
	file->offset = file->size;
	while (file->offset > 0 && pread(fd, &c, 1, (off_t)file->offset - 1) == 1 && c != '\n')
		file->offset--;
	file->from = file->offset;
	file->marker = tail_marker(t->tail, fd, file->offset);
	file->known = true;
	file->dirty = file->offset != file->size;
	close(fd);
}

/* Those to be looked at, in order. At the first look old ones are left out. */
static int choose(struct transcripts *t, const struct buf *gone, struct transcript ***ret, size_t *ret_count, struct err *err)
{
	struct transcript **todo = xcalloc(t->files.count + 1, sizeof *todo), **left = xcalloc(t->files.count + 1, sizeof *left);
	size_t count = 0, left_count = 0;
	int rc = 0;

	for (size_t i = 0; i < t->files.count; i++) {
		struct transcript *file = t->files.items[i];
		if (!file->dirty || !file->path)
			continue;
		if (!is_to_be_left(t, file)) {
			todo[count++] = file;
			continue;
		}
		leave(t, file);
		left[left_count++] = file;
	}
	for (size_t at = 0; rc == 0 && (at < left_count || (at == 0 && (gone->len > 0 || !t->files.first_over))); at += CURSOR_BATCH) {
		size_t n = left_count - at < CURSOR_BATCH ? left_count - at : CURSOR_BATCH;
		struct cursor_job job = { t, left + at, n, at == 0 ? gone : NULL, at + n >= left_count };
		rc = work_on_spool(t->work, true, cursor_run, &job, err);
	}
	t->files.first_over = t->files.first_over || rc == 0;
	free(left);
	if (count > 1)
		qsort(todo, count, sizeof *todo, by_age);
	*ret = todo;
	*ret_count = count;
	return rc;
}

static void log_problems(struct transcripts *t)
{
	if (t->result.problems > t->problems)
		log_event(LOG_LEVEL_WARN, "source.problems", "path=\"%s\" new=%" PRIu64, t->dir, t->result.problems - t->problems);
	t->problems = t->result.problems;
}

static void scan_when_due(struct transcripts *t, struct buf *gone)
{
	int64_t now_ms = clock_mono_ms(), every_ms = SCAN_EVERY_MS, poll_ms = conf_int(t->work->conf, "poll_interval");

	struct err ignored;

	if (!watch_works(t->watch) && poll_ms < every_ms)
		every_ms = poll_ms;
	if (!t->rescan && t->scan_mono_ms && now_ms - t->scan_mono_ms < every_ms)
		return;
	t->rescan = false;
	t->scan_mono_ms = now_ms;
	if (t->nudge && file_private_dir(t->nudge, &ignored) == 0)
		(void)watch_add(t->watch, t->nudge);
	transcript_scan(&t->files, t->dir, t->watch, gone);
	t->status.sessions = t->files.count;
}

/* Looks every poll_interval, and reads them when they have changed. Returns after how many ms to look again. */
static int64_t look_at_figures(struct transcripts *t)
{
	int64_t now_ms = clock_mono_ms(), poll_ms = conf_int(t->work->conf, "poll_interval");
	uint64_t signature;

	if (t->signed_mono_ms && now_ms - t->signed_mono_ms < poll_ms)
		return poll_ms - (now_ms - t->signed_mono_ms);
	signature = claude_stats_signature(t->dir);
	t->signed_mono_ms = now_ms;
	if (t->figures_mono_ms && signature == t->signature && now_ms - t->figures_mono_ms < FIGURES_EVERY_MS)
		return poll_ms;
	t->signature = signature;
	t->figures_mono_ms = now_ms;
	figures_read(t->work, t->dir, clock_wall_ms(), &t->figures);
	return poll_ms;
}

static bool no_directory(const struct transcripts *t)
{
	char *projects = file_join(t->dir, "projects");
	bool missing = access(projects, F_OK) != 0;

	free(projects);
	return missing;
}

/* The first failure; a file that cannot be read holds up no other one. */
static int take_for_a_while(struct transcripts *t, struct transcript **todo, size_t count, struct err *err)
{
	struct err one = { 0 };
	int rc = 0, first = 0;

	t->until_mono_ms = clock_mono_ms() + ROUND_MS;
	for (size_t i = 0; i < count && (rc == 0 || rc == LF_EIO); i++) {
		rc = clock_mono_ms() < t->until_mono_ms ? transcripts_take(t, todo[i], false, &one) : LF_EAGAIN;
		if (rc != 0 && rc != LF_EAGAIN && first == 0) {
			first = rc;
			*err = one;
		}
	}
	t->more = rc == LF_EAGAIN;
	transcripts_let_go(t);
	log_problems(t);
	return first ? first : rc;
}

static int look(struct transcripts *t, struct err *err)
{
	struct transcript **todo = NULL;
	struct buf gone;
	size_t count = 0;
	int rc = load(t, err);

	if (rc != 0)
		return rc;
	buf_init(&gone, 0);
	scan_when_due(t, &gone);
	rc = choose(t, &gone, &todo, &count, err);
	if (rc == 0)
		rc = take_for_a_while(t, todo, count, err);
	free(todo);
	buf_done(&gone);
	return rc;
}

static void note_outcome(struct transcripts *t, int rc, const struct err *err)
{
	enum source_state before = t->status.state;
	bool failed = rc != 0 && rc != LF_EAGAIN && rc != LF_ECLOSED;

	t->status.state = failed ? SOURCE_ERROR : no_directory(t) ? SOURCE_WAITING : SOURCE_OK;
	if (failed)
		snprintf(t->status.error, sizeof t->status.error, "%.399s", err->text);
	else
		snprintf(t->status.error, sizeof t->status.error, "%.300s%s", t->status.state == SOURCE_WAITING ? t->dir : "",
		         t->status.state == SOURCE_WAITING ? ": there are no projects" : "");
	if (failed)
		patience_complain(&t->patience, before == SOURCE_ERROR, rc, err);
}

int64_t transcripts_round(struct transcripts *t)
{
	struct err err = { 0 };
	int64_t figures_ms = look_at_figures(t);
	int64_t retry_ms;
	int rc;

	t->more = false;
	rc = look(t, &err);
	note_outcome(t, rc, &err);
	if (t->more)
		return 0;
	if (rc == 0) {
		patience_reset(&t->patience);
		return figures_ms;
	}
	retry_ms = patience_retry(&t->patience);
	return retry_ms < figures_ms ? retry_ms : figures_ms;
}

/* ---- backfill ---- */

static int backfill_file(struct transcripts *t, struct transcript *file, const struct backfill *want, struct backfill_result *ret, struct err *err)
{
	uint64_t stored = t->result.stored, unchanged = t->result.unchanged, events = t->status.events;
	int rc = 0;

	if (!want->dry_run && clock_mono_ms() >= want->deadline_mono_ms) {
		ret->left++;
		return 0;
	}
	ret->sessions++;
	if (want->dry_run)
		return 0;
	t->until_mono_ms = want->deadline_mono_ms;
	rc = transcripts_take(t, file, file->from > 0, err);
	ret->events += t->status.events - events;
	ret->stored += t->result.stored - stored;
	ret->unchanged += t->result.unchanged - unchanged;
	if (rc == LF_EAGAIN)
		ret->left++;
	return rc == LF_EAGAIN ? 0 : rc;
}

int transcripts_backfill(struct transcripts *t, const struct backfill *want, struct backfill_result *ret, struct err *err)
{
	struct transcript **all;
	struct buf gone;
	size_t count = 0;
	int rc = load(t, err);

	if (rc != 0 || no_directory(t))
		return rc;
	ret->databases++;
	buf_init(&gone, 0);
	transcript_scan(&t->files, t->dir, t->watch, &gone);
	if (gone.len > 0) {
		struct cursor_job job = { .t = t, .gone = &gone };
		rc = want->dry_run ? 0 : work_on_spool(t->work, true, cursor_run, &job, err);
	}
	buf_done(&gone);
	all = xcalloc(t->files.count + 1, sizeof *all);
	for (size_t i = 0; i < t->files.count; i++) {
		struct transcript *file = t->files.items[i];
		if (file->path && (!file->known || file->from > 0 || file->dirty) && file->mtime_ns / 1000000 >= want->since_ms)
			all[count++] = file;
	}
	if (count > 1)
		qsort(all, count, sizeof *all, by_age);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = backfill_file(t, all[i], want, ret, err);
	transcripts_let_go(t);
	log_problems(t);
	free(all);
	return rc;
}
