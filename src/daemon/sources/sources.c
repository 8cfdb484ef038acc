/*
 * See sources.h. The thread sleeps on inotify and on a pipe; what others ask of it comes through a mailbox, and the pipe wakes it. After
 * something was told it waits a moment: OpenCode writes many times a second while an answer streams.
 */
#include "daemon/sources/sources.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/system.h"
#include "daemon/sources/transcripts.h"
#include "ingest/watch.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_MS 200        /* between a change and the look at it, and between looks */
#define SURE_EVERY_MS 60000  /* where changes are told, in case one was not */

struct wish { /* what another thread asks for */
	const struct backfill *want;
	struct backfill_result *result;
	struct err *err;
	int rc;
	struct mailbox *answer;
};

struct sources {
	struct work *work;
	const char *path;       /* NULL: no databases */
	struct transcripts *transcripts; /* NULL: none */
	struct watch *watch;
	struct follow *follows[SOURCES_MAX];
	unsigned count;
	struct follow *older;   /* the one of files, of before there were databases */
	int pipe[2];
	struct mailbox *wishes; /* NULL: there is no thread */
	pthread_t thread;
	pthread_mutex_t lock;         /* of published only; held for a copy */
	struct sources_status published;
};

/* ---- which databases there are ---- */

bool sources_is_database(const char *name)
{
	size_t n = strlen(name);

	return strcmp(name, "opencode.db") == 0 || (n > 12 && strncmp(name, "opencode-", 9) == 0 && strcmp(name + n - 3, ".db") == 0);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void add(struct sources *sources, const char *path, bool older)
{
	struct follow *follow;

	for (unsigned i = 0; i < sources->count; i++)
		if (strcmp(follow_path(sources->follows[i]), path) == 0)
			return;
	if (sources->count == SOURCES_MAX)
		return;
	follow = follow_new(sources->work, path);
	if (sources->wishes)
		log_event(LOG_LEVEL_INFO, "source.found", "path=\"%s\"", path);
	if (older)
		sources->older = follow;
	for (unsigned i = 0; older && i < sources->count; i++)
		follow_leave_to(follow, sources->follows[i]);
	if (!older && sources->older)
		follow_leave_to(sources->older, follow);
	sources->follows[sources->count++] = follow;
}

static void add_older(struct sources *sources, const char *dir)
{
	char *storage = file_join(dir, "storage"), *sessions = file_join(storage, "session");

	if (is_directory(sessions))
		add(sources, storage, true);
	free(sessions);
	free(storage);
}

static void add_from(struct sources *sources, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	char *path;

	for (int i = 0; i < n; i++) {
		if (sources_is_database(names[i]->d_name)) {
			path = file_join(dir, names[i]->d_name);
			add(sources, path, false);
			free(path);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/* Looks what there is, and watches where it is. */
static void discover(struct sources *sources)
{
	char *dir, *slash;

	if (!sources->path)
		return;
	if (is_directory(sources->path)) {
		add_from(sources, sources->path);
		add_older(sources, sources->path);
		(void)watch_add(sources->watch, sources->path);
		return;
	}
	if (access(sources->path, F_OK) == 0)
		add(sources, sources->path, false);
	dir = xstrdup(sources->path);
	slash = strrchr(dir, '/');
	if (slash && slash > dir)
		*slash = '\0';
	(void)watch_add(sources->watch, dir);
	free(dir);
}

/* ---- status ---- */

static void add_up(struct sources_status *status, const struct follow_status *one)
{
	struct follow_status *all = &status->all;

	all->events += one->events;
	all->sessions += one->sessions;
	if (one->last_event_ms > all->last_event_ms)
		all->last_event_ms = one->last_event_ms;
	if (status->count == 1 || one->state > all->state) {
		all->state = one->state;
		memcpy(all->error, one->error, sizeof all->error);
	}
}

static void publish(struct sources *sources)
{
	struct sources_status *status = xcalloc(1, sizeof *status);

	for (unsigned i = 0; i < sources->count; i++) {
		snprintf(status->databases[i].path, sizeof status->databases[i].path, "%s", follow_path(sources->follows[i]));
		status->databases[i].status = *follow_status(sources->follows[i]);
		status->count++;
		add_up(status, &status->databases[i].status);
	}
	status->opencode = sources->path != NULL;
	status->claude = sources->transcripts != NULL;
	if (sources->transcripts) {
		status->transcripts = *transcripts_status(sources->transcripts);
		status->figures = *transcripts_figures(sources->transcripts);
	}
	if (sources->count == 0 && sources->path) {
		status->all.state = SOURCE_WAITING;
		snprintf(status->all.error, sizeof status->all.error, "%.300s: there is no database", sources->path);
	}
	pthread_mutex_lock(&sources->lock);
	sources->published = *status;
	pthread_mutex_unlock(&sources->lock);
	free(status);
}

void sources_status(struct sources *sources, struct sources_status *ret)
{
	pthread_mutex_lock(&sources->lock);
	*ret = sources->published;
	pthread_mutex_unlock(&sources->lock);
}

/* ---- the thread ---- */

static int backfill_all(struct sources *sources, const struct backfill *want, struct backfill_result *ret, struct err *err)
{
	struct err one = { 0 };
	int first = 0;

	discover(sources);
	if (sources->transcripts && (!want->source || strcmp(want->source, "claude") == 0))
		first = transcripts_backfill(sources->transcripts, want, ret, err);
	for (unsigned i = 0; i < sources->count && (!want->source || strcmp(want->source, "opencode") == 0); i++) {
		int rc = follow_backfill(sources->follows[i], want, ret, &one);
		if (rc != 0 && rc != LF_ENOENT && first == 0) {
			first = rc;
			*err = one;
		}
	}
	return first;
}

static void fulfil_wishes(struct sources *sources)
{
	void *item;

	while (mailbox_take(sources->wishes, &item, 1, 0) == 1) {
		struct wish *wish = item;
		wish->rc = backfill_all(sources, wish->want, wish->result, wish->err);
		(void)mailbox_put(wish->answer, wish, -1);
	}
}

/* One look at everything. Returns after how many ms another one is due. */
static int64_t look_at_all(struct sources *sources)
{
	int64_t due_ms = conf_int(sources->work->conf, "poll_interval");

	discover(sources);
	if ((!sources->path || watch_works(sources->watch)) && due_ms < SURE_EVERY_MS)
		due_ms = SURE_EVERY_MS;
	for (unsigned i = 0; i < sources->count && !atomic_load(&sources->work->stopping); i++) {
		int64_t one_ms = follow_round(sources->follows[i]);
		if (one_ms >= 0 && one_ms < due_ms)
			due_ms = one_ms;
	}
	if (sources->transcripts && !atomic_load(&sources->work->stopping)) {
		int64_t one_ms = transcripts_round(sources->transcripts);
		if (one_ms < due_ms)
			due_ms = one_ms;
	}
	publish(sources);
	return due_ms;
}

/* Sleeps until something is told or asked, or the time is up. True: the daemon goes on. */
static bool sleep_until(struct sources *sources, int64_t mono_ms, bool told_too, bool *ret_told)
{
	struct pollfd polls[3] = {
		{ .fd = sources->pipe[0], .events = POLLIN },
		{ .fd = told_too ? watch_fd(sources->watch) : -1, .events = POLLIN },
		{ .fd = told_too && sources->transcripts ? transcripts_fd(sources->transcripts) : -1, .events = POLLIN },
	};
	int64_t left_ms = mono_ms - clock_mono_ms();
	char bytes[64];

	*ret_told = false;
	if (left_ms > 0 && poll(polls, 3, (int)left_ms) < 0 && errno != EINTR)
		return false;
	if (polls[0].revents)
		while (read(sources->pipe[0], bytes, sizeof bytes) > 0)
			;
	*ret_told = polls[1].revents != 0 || polls[2].revents != 0;
	return !atomic_load(&sources->work->stopping);
}

/* Nobody may wait for an answer when the thread has ended: the control socket is stopped before this is joined. */
static void refuse_wishes(struct sources *sources)
{
	void *item;

	mailbox_close(sources->wishes);
	while (mailbox_take(sources->wishes, &item, 1, 0) == 1) {
		struct wish *wish = item;
		wish->rc = err_set(wish->err, LF_ECLOSED, "the daemon is stopping");
		(void)mailbox_put(wish->answer, wish, -1);
	}
}

static void *sources_main(void *arg)
{
	struct sources *sources = arg;
	int64_t due_mono_ms = 0;
	bool told;

	while (!atomic_load(&sources->work->stopping)) {
		int64_t now_ms = clock_mono_ms();
		if (now_ms >= due_mono_ms) {
			(void)watch_drain(sources->watch);
			if (sources->transcripts)
				(void)transcripts_told(sources->transcripts);
			due_mono_ms = look_at_all(sources);
			due_mono_ms += clock_mono_ms();
			/* never without a pause: a look at a busy database would follow a look */
			if (!sleep_until(sources, clock_mono_ms() + SETTLE_MS, false, &told))
				break;
		}
		fulfil_wishes(sources); /* what was asked while it did not look at the pipe */
		if (!sleep_until(sources, due_mono_ms, true, &told))
			break;
		if (told && due_mono_ms > clock_mono_ms() + SETTLE_MS)
			due_mono_ms = clock_mono_ms();
	}
	refuse_wishes(sources);
	return NULL;
}

/* ---- life ---- */

static bool has_source(const struct work *work, const char *name)
{
	return list_has(conf_string(work->conf, "sources"), name);
}

static struct sources *sources_new(struct work *work)
{
	struct sources *sources = xcalloc(1, sizeof *sources);

	sources->work = work;
	sources->path = has_source(work, "opencode") ? conf_string(work->conf, "opencode_db") : NULL;
	if (has_source(work, "claude") && conf_string(work->conf, "claude_dir"))
		sources->transcripts = transcripts_new(work, conf_string(work->conf, "claude_dir"));
	sources->watch = watch_new();
	sources->pipe[0] = sources->pipe[1] = -1;
	pthread_mutex_init(&sources->lock, NULL);
	return sources;
}

static void sources_free(struct sources *sources)
{
	for (unsigned i = 0; i < sources->count; i++)
		follow_free(sources->follows[i]);
	transcripts_free(sources->transcripts);
	watch_free(sources->watch);
	mailbox_free(sources->wishes);
	for (int i = 0; i < 2; i++)
		if (sources->pipe[i] >= 0)
			close(sources->pipe[i]);
	pthread_mutex_destroy(&sources->lock);
	free(sources);
}

static bool is_wanted(const struct work *work)
{
	return work->mode != MODE_OFF && ((has_source(work, "opencode") && conf_string(work->conf, "opencode_db")) ||
	                                  (has_source(work, "claude") && conf_string(work->conf, "claude_dir")));
}

int sources_start(struct work *work, struct sources **ret, struct err *err)
{
	struct sources *sources;

	*ret = NULL;
	if (!is_wanted(work))
		return 0;
	sources = sources_new(work);
	sources->wishes = mailbox_new(16);
	sources->published.all.state = SOURCE_WAITING;
	if (system_pipe(sources->pipe) != 0 || fcntl(sources->pipe[0], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(sources->pipe[1], F_SETFL, O_NONBLOCK) != 0 || pthread_create(&sources->thread, NULL, sources_main, sources) != 0) {
		sources_free(sources);
		return err_set(err, LF_ENOMEM, "cannot start the thread that follows the sources");
	}
	*ret = sources;
	return 0;
}

static void wake(struct sources *sources)
{
	(void)!write(sources->pipe[1], "", 1);
}

/* work->stopping is set. */
void sources_stop(struct sources *sources)
{
	wake(sources);
	pthread_join(sources->thread, NULL);
	sources_free(sources);
}

int sources_backfill(struct sources *sources, const struct backfill *want, struct backfill_result *ret, struct err *err)
{
	struct wish wish = { .want = want, .result = ret, .err = err, .answer = mailbox_new(1) };
	void *back;
	int rc = mailbox_put(sources->wishes, &wish, -1);

	if (rc == 0) {
		wake(sources);
		(void)mailbox_take(wish.answer, &back, 1, -1);
		rc = wish.rc;
	} else {
		rc = err_set(err, LF_ECLOSED, "the daemon is stopping");
	}
	mailbox_free(wish.answer);
	return rc;
}

int sources_backfill_here(struct work *work, const struct backfill *want, struct backfill_result *ret, struct err *err)
{
	struct sources *sources = sources_new(work);
	int rc = backfill_all(sources, want, ret, err);

	sources_free(sources);
	return rc;
}
