/* See claude_stats.h. */
#include "ingest/claude_stats.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAX_BYTES (4u << 20)
#define DAY_MS INT64_C(86400000)

const char *claude_stats_state_name(enum claude_stats_state state)
{
	static const char *const names[] = { "absent", "ok", "stale", "unreadable" };

	return names[state];
}

/* A parsed file; its text must stay. */
struct file {
	struct json_doc doc;
	struct buf text;
};

static enum claude_stats_state file_open(struct file *file, const char *path)
{
	struct err ignored;
	int rc;

	json_doc_init(&file->doc);
	buf_init(&file->text, MAX_BYTES + 1);
	rc = file_read_all(path, MAX_BYTES, &file->text, &ignored);
	if (rc == 0)
		rc = json_parse(&file->doc, buf_view(&file->text), 0, NULL);
	if (rc == 0 && json_type_of(&file->doc, 0) != JSON_OBJECT)
		rc = LF_EINVAL;
	return rc == 0 ? CLAUDE_STATS_OK : rc == LF_ENOENT ? CLAUDE_STATS_ABSENT : CLAUDE_STATS_UNREADABLE;
}

static void file_close(struct file *file)
{
	json_doc_done(&file->doc);
	buf_done(&file->text);
}

static int64_t count(const struct json_doc *doc, int32_t object, const char *key)
{
	int64_t n = json_int(doc, json_get(doc, object, key), 0);

	return n > 0 ? n : 0;
}

/* "2026-09-02": its end. */
static int64_t day_end(const struct json_doc *doc, int32_t node)
{
	char *text = json_strdup(doc, node, 10), iso[32];
	int64_t ms = 0;

	if (text) {
		snprintf(iso, sizeof iso, "%sT00:00:00Z", text);
		if (clock_parse_iso(slice_of(iso), &ms) == 0)
			ms += DAY_MS;
	}
	free(text);
	return ms;
}

/* ---- stats-cache.json ---- */

static void read_model(const struct json_doc *doc, int32_t node, struct claude_stats *ret)
{
	struct claude_model_stats *model = &ret->models[ret->model_count];
	struct buf name;

	buf_init(&name, sizeof model->model);
	if (json_type_of(doc, node) == JSON_OBJECT && json_unescape(doc->nodes[node].key, &name) == 0 && name.len > 0 && name.len < sizeof model->model) {
		memcpy(model->model, name.data, name.len);
		model->model[name.len] = '\0';
		model->input = count(doc, node, "inputTokens");
		model->output = count(doc, node, "outputTokens");
		model->cache_read = count(doc, node, "cacheReadInputTokens");
		model->cache_write = count(doc, node, "cacheCreationInputTokens");
		model->web_searches = count(doc, node, "webSearchRequests");
		model->cost = json_double(doc, json_get(doc, node, "costUSD"), 0);
		ret->model_count++;
	}
	buf_done(&name);
}

static int32_t first_of(const struct json_doc *doc, int32_t node, enum json_type type)
{
	return json_type_of(doc, node) == type ? doc->nodes[node].first : JSON_NONE;
}

static void read_cache(const char *dir, int64_t now_ms, struct claude_stats *ret)
{
	char *path = file_join(dir, "stats-cache.json");
	struct file file;
	const struct json_doc *doc = &file.doc;

	ret->state = file_open(&file, path);
	free(path);
	if (ret->state == CLAUDE_STATS_OK) {
		ret->computed_ms = day_end(doc, json_get(doc, 0, "lastComputedDate"));
		ret->sessions = count(doc, 0, "totalSessions");
		ret->messages = count(doc, 0, "totalMessages");
		ret->longest_ms = count(doc, json_get(doc, 0, "longestSession"), "duration");
		for (int32_t m = first_of(doc, json_get(doc, 0, "modelUsage"), JSON_OBJECT); m != JSON_NONE && ret->model_count < CLAUDE_STATS_MODELS; m = doc->nodes[m].next)
			read_model(doc, m, ret);
		for (int32_t d = first_of(doc, json_get(doc, 0, "dailyActivity"), JSON_ARRAY); d != JSON_NONE; d = doc->nodes[d].next) {
			ret->day_messages = count(doc, d, "messageCount");
			ret->day_sessions = count(doc, d, "sessionCount");
			ret->day_tool_calls = count(doc, d, "toolCallCount");
			ret->tool_calls += ret->day_tool_calls;
		}
		if (now_ms - ret->computed_ms > DAY_MS)
			ret->state = CLAUDE_STATS_STALE;
	}
	file_close(&file);
}

/* ---- sessions-index.json ---- */

/* The newest transcript of a project. */
static int64_t newest_transcript(const char *project)
{
	DIR *stream = opendir(project);
	struct dirent *entry;
	int64_t newest_ms = 0;

	while (stream && (entry = readdir(stream))) {
		size_t n = strlen(entry->d_name);
		struct stat st;
		if (n < 7 || strcmp(entry->d_name + n - 6, ".jsonl") != 0 || fstatat(dirfd(stream), entry->d_name, &st, 0) != 0)
			continue;
		if ((int64_t)st.st_mtim.tv_sec * 1000 > newest_ms)
			newest_ms = (int64_t)st.st_mtim.tv_sec * 1000;
	}
	if (stream)
		closedir(stream);
	return newest_ms;
}

static void worse(struct claude_stats *stats, enum claude_stats_state state)
{
	if (state > stats->index_state)
		stats->index_state = state;
}

/* Keeps it in place of the oldest of those that are kept. */
static void keep_recent(struct claude_stats *stats, const struct json_doc *doc, int32_t entry, int64_t modified_ms)
{
	char *id = json_strdup(doc, json_get(doc, entry, "sessionId"), sizeof stats->recent[0].id - 1);
	struct claude_stats_session *to = &stats->recent[0];

	if (!id || !*id || modified_ms <= 0) {
		free(id);
		return;
	}
	for (unsigned i = 1; stats->recent_count == CLAUDE_STATS_SESSIONS && i < CLAUDE_STATS_SESSIONS; i++)
		if (stats->recent[i].modified_ms < to->modified_ms)
			to = &stats->recent[i];
	if (stats->recent_count < CLAUDE_STATS_SESSIONS)
		to = &stats->recent[stats->recent_count++];
	if (modified_ms > to->modified_ms) {
		snprintf(to->id, sizeof to->id, "%s", id);
		to->modified_ms = modified_ms;
	}
	free(id);
}

static void read_index(const char *project, void *context)
{
	struct claude_stats *ret = context;
	char *path = file_join(project, "sessions-index.json");
	struct file file;
	const struct json_doc *doc = &file.doc;
	enum claude_stats_state state = file_open(&file, path);
	int64_t newest_ms = 0;

	free(path);
	if (state == CLAUDE_STATS_OK) {
		ret->indexes++;
		for (int32_t e = first_of(doc, json_get(doc, 0, "entries"), JSON_ARRAY); e != JSON_NONE; e = doc->nodes[e].next) {
			int64_t modified_ms = json_time_ms(doc, json_get(doc, e, "modified"));
			ret->indexed_sessions++;
			ret->indexed_messages += count(doc, e, "messageCount");
			newest_ms = modified_ms > newest_ms ? modified_ms : newest_ms;
			if (!json_bool(doc, json_get(doc, e, "isSidechain"), false))
				keep_recent(ret, doc, e, modified_ms);
		}
		if (newest_transcript(project) - newest_ms > DAY_MS)
			state = CLAUDE_STATS_STALE;
	}
	if (newest_ms > ret->indexed_ms)
		ret->indexed_ms = newest_ms;
	worse(ret, state);
	file_close(&file);
}

typedef void project_fn(const char *project, void *context);

static void each_project(const char *dir, project_fn *fn, void *context)
{
	char *projects = file_join(dir, "projects");
	DIR *stream = opendir(projects);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		char *project;
		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue;
		project = file_join(projects, entry->d_name);
		fn(project, context);
		free(project);
	}
	if (stream)
		closedir(stream);
	free(projects);
}

/* ---- whether something changed ---- */

/* Added up, so that the order of a directory does not count. */
static void sign(const char *dir, const char *name, uint64_t *signature)
{
	char *path = file_join(dir, name);
	struct stat st;

	if (stat(path, &st) == 0) {
		const uint64_t parts[] = { hash_64(path, strlen(path)), (uint64_t)st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec, (uint64_t)st.st_mtim.tv_nsec };
		*signature += hash_64(parts, sizeof parts);
	}
	free(path);
}

static void sign_index(const char *project, void *context)
{
	sign(project, "sessions-index.json", context);
}

uint64_t claude_stats_signature(const char *dir)
{
	uint64_t signature = 0;

	sign(dir, "stats-cache.json", &signature);
	each_project(dir, sign_index, &signature);
	return signature;
}

void claude_stats_read(const char *dir, int64_t now_ms, struct claude_stats *ret)
{
	*ret = (struct claude_stats){ 0 };
	read_cache(dir, now_ms, ret);
	each_project(dir, read_index, ret);
}
