/* Claude Code: whether its transcripts are there, can be read, and stay long enough. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "daemon/checks/doctor_private.h"
#include "ingest/claude_stats.h"
#include "ingest/watch.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SETTINGS_MAX_BYTES (1u << 20)
#define FEW_DAYS 3 /* a weekend without the daemon loses nothing */
#define DAY_MS INT64_C(86400000)

struct transcripts_seen {
	unsigned projects, closed_projects, files, closed_files;
};

static void see_files(const char *project, struct transcripts_seen *seen)
{
	DIR *stream = opendir(project);
	struct dirent *entry;

	if (!stream) {
		seen->closed_projects += errno == EACCES;
		return;
	}
	seen->projects++;
	while ((entry = readdir(stream))) {
		size_t n = strlen(entry->d_name);
		if (n < 7 || strcmp(entry->d_name + n - 6, ".jsonl") != 0)
			continue;
		seen->files++;
		seen->closed_files += faccessat(dirfd(stream), entry->d_name, R_OK, 0) != 0;
	}
	closedir(stream);
}

static void see_projects(DIR *stream, const char *projects, struct transcripts_seen *seen)
{
	struct dirent *entry;

	while ((entry = readdir(stream))) {
		char *project;
		if (entry->d_name[0] == '.')
			continue;
		project = file_join(projects, entry->d_name);
		see_files(project, seen);
		free(project);
	}
}

static void say_what_was_seen(const struct doctor *doctor, const char *projects, const struct transcripts_seen *seen)
{
	if (seen->closed_projects || seen->closed_files)
		doctor_say(doctor, DOCTOR_BAD, "let the daemon's user read them", "%s: %u directories and %u transcripts cannot be read", projects,
		           seen->closed_projects, seen->closed_files);
	if (seen->files == 0)
		doctor_say(doctor, DOCTOR_NOTE, "", "%s: there is no transcript yet", projects);
	else
		doctor_say(doctor, DOCTOR_OK, "", "%u transcripts in %u projects", seen->files, seen->projects);
}

/* False: there is nothing to go on with. */
static bool check_projects(const struct doctor *doctor, const char *dir, const char *projects)
{
	struct transcripts_seen seen = { 0 };
	DIR *stream = opendir(projects);

	if (!stream && errno != ENOENT)
		doctor_say(doctor, DOCTOR_BAD, "let the daemon's user read it", "%s: %s", projects, strerror(errno));
	else if (!stream && access(dir, F_OK) != 0)
		doctor_say(doctor, DOCTOR_WARN, "set claude_dir to the directory that CLAUDE_CONFIG_DIR names for Claude Code", "%s: there is no such directory", dir);
	else if (!stream)
		doctor_say(doctor, DOCTOR_NOTE, "", "%s: there are no projects yet", dir);
	if (!stream)
		return false;
	see_projects(stream, projects, &seen);
	closedir(stream);
	say_what_was_seen(doctor, projects, &seen);
	return true;
}

/* A hook is needed only where the system does not tell. */
static void check_hook(const struct doctor *doctor, const char *projects, bool has_hook)
{
	struct watch *watch = watch_new();

	(void)watch_add(watch, projects);
	if (has_hook)
		doctor_say(doctor, DOCTOR_OK, "", "the hook lfspool-nudge is set up");
	else if (!watch_works(watch))
		doctor_say(doctor, DOCTOR_NOTE, "set up the hook lfspool-nudge (" LFSPOOL_DATADIR "/claude-code/README.md), or a shorter poll_interval",
		           "%s: changes are not told here, they are looked for every poll_interval", projects);
	watch_free(watch);
}

static void check_days(const struct doctor *doctor, const char *path, const struct json_doc *doc)
{
	int32_t node = json_get(doc, 0, "cleanupPeriodDays");
	int64_t days = json_int(doc, node, 0);

	if (json_type_of(doc, node) == JSON_NUMBER && days < FEW_DAYS)
		doctor_say(doctor, DOCTOR_WARN, "set cleanupPeriodDays to 30 there, or see that the daemon always runs",
		           "%s: cleanupPeriodDays is %lld: transcripts may be deleted before they are read", path, (long long)days);
}

/* Whether it sets up the hook. */
static bool check_settings(const struct doctor *doctor, const char *dir, const char *name)
{
	char *path = file_join(dir, name);
	struct json_doc doc;
	struct buf text;
	bool hook = false;

	buf_init(&text, SETTINGS_MAX_BYTES);
	json_doc_init(&doc);
	if (file_read_all(path, SETTINGS_MAX_BYTES, &text, NULL) == 0 && text.len) {
		hook = memmem(text.data, text.len, "lfspool-nudge", 13) != NULL;
		if (memmem(text.data, text.len, "langfuse_hook", 13) || memmem(text.data, text.len, "TRACE_TO_LANGFUSE", 17))
			doctor_say(doctor, DOCTOR_WARN, "take it out of that file", "%s: a hook sends to Langfuse too: everything arrives twice", path);
		if (json_parse(&doc, buf_view(&text), 0, NULL) == 0)
			check_days(doctor, path, &doc);
		else
			doctor_say(doctor, DOCTOR_NOTE, "", "%s is no JSON", path);
	}
	json_doc_done(&doc);
	buf_done(&text);
	free(path);
	return hook;
}

static void check_figures(const struct doctor *doctor, const char *dir)
{
	struct claude_stats *stats = xcalloc(1, sizeof *stats);
	int64_t now_ms = clock_wall_ms();

	claude_stats_read(dir, now_ms, stats);
	if (stats->state == CLAUDE_STATS_STALE && stats->computed_ms > 0)
		doctor_say(doctor, DOCTOR_NOTE, "", "stats-cache.json is %lld days behind: its figures are shown only where no transcript says anything",
		           (long long)((now_ms - stats->computed_ms) / DAY_MS));
	else if (stats->state == CLAUDE_STATS_STALE || stats->state == CLAUDE_STATS_UNREADABLE)
		doctor_say(doctor, DOCTOR_NOTE, "", "stats-cache.json makes no sense: its figures are not shown");
	if (stats->index_state == CLAUDE_STATS_UNREADABLE)
		doctor_say(doctor, DOCTOR_NOTE, "", "a project's sessions-index.json makes no sense: its sessions are known from the transcripts alone");
	free(stats);
}

void doctor_claude(const struct doctor *doctor)
{
	const char *dir = conf_string(doctor->conf, "claude_dir");
	char *projects = dir ? file_join(dir, "projects") : NULL;
	bool hook;

	if (!dir)
		return;
	if (!list_has(conf_string(doctor->conf, "sources"), "claude")) {
		if (access(projects, F_OK) == 0)
			doctor_say(doctor, DOCTOR_NOTE, "set sources to opencode, claude", "Claude Code is used here, and not followed");
	} else if (check_projects(doctor, dir, projects)) {
		hook = check_settings(doctor, dir, "settings.json");
		hook = check_settings(doctor, dir, "settings.local.json") || hook;
		check_hook(doctor, projects, hook);
		check_figures(doctor, dir);
	}
	free(projects);
}
