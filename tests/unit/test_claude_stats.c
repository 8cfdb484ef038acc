/* The figures that Claude Code keeps itself: read, stale, absent, damaged. */
#include "base/file.h"
#include "ingest/claude_stats.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define SEPTEMBER_3 INT64_C(1788393600000) /* 2026-09-03T00:00:00Z */
#define HOUR INT64_C(3600000)

static char *sample(void)
{
	const char *srcdir = getenv("srcdir");

	return file_join(srcdir ? srcdir : ".", "tests/fixtures/claude/home/.claude");
}

static void test_sample(void **state)
{
	struct claude_stats stats;
	char *dir = sample();

	(void)state;
	claude_stats_read(dir, SEPTEMBER_3 + 23 * HOUR, &stats);
	assert_int_equal(stats.state, CLAUDE_STATS_OK);
	assert_int_equal(stats.computed_ms, SEPTEMBER_3);
	assert_int_equal(stats.sessions, 12);
	assert_int_equal(stats.messages, 840);
	assert_int_equal(stats.day_messages, 120);
	assert_int_equal(stats.day_sessions, 3);
	assert_int_equal(stats.day_tool_calls, 44);
	assert_int_equal(stats.tool_calls, 64);
	assert_int_equal(stats.longest_ms, 5400000);
	assert_int_equal(stats.model_count, 1);
	assert_string_equal(stats.models[0].model, "claude-sonnet-4-6");
	assert_int_equal(stats.models[0].input, 10234);
	assert_int_equal(stats.models[0].output, 45120);
	assert_int_equal(stats.models[0].cache_read, 3400123);
	assert_int_equal(stats.models[0].cache_write, 210011);
	assert_int_equal(stats.indexes, 1);
	assert_int_equal(stats.indexed_sessions, 4);
	assert_int_equal(stats.indexed_messages, 77);
	assert_int_equal(stats.indexed_ms, SEPTEMBER_3 + 13 * HOUR + 5200);
	assert_int_equal(stats.recent_count, 4);
	assert_string_equal(stats.recent[3].id, "0b6f3c1e-4444-4aaa-8bbb-000000000004");
	assert_int_equal(stats.recent[3].modified_ms, stats.indexed_ms);
	claude_stats_read(dir, SEPTEMBER_3 + 25 * HOUR, &stats);
	assert_int_equal(stats.state, CLAUDE_STATS_STALE);
	assert_int_equal(stats.sessions, 12);
	free(dir);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char *path = file_join(dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static void make_dir(const char *dir, const char *name)
{
	char *path = file_join(dir, name);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

/* Of many sessions those that changed last are kept; a file that changed is told by its signature. */
static void test_many_sessions(void **state)
{
	char dir[] = "/tmp/lfspool-stats-XXXXXX", *path;
	struct claude_stats stats;
	uint64_t before;
	struct buf text;
	int64_t oldest_ms = INT64_MAX;

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_dir(dir, "projects");
	make_dir(dir, "projects/p");
	before = claude_stats_signature(dir);
	assert_true(before == claude_stats_signature(dir));
	buf_init(&text, 0);
	buf_text(&text, "{\"entries\":[{\"sessionId\":\"side\",\"isSidechain\":true,\"modified\":\"2026-09-03T23:00:00Z\"}");
	for (int i = 0; i < 300; i++)
		buf_format(&text, ",{\"sessionId\":\"s%d\",\"modified\":\"2026-09-03T%02d:%02d:00Z\"}", i, i * 7 % 300 / 60, i * 7 % 60);
	buf_text(&text, "]}");
	buf_char(&text, '\0');
	write_file(dir, "projects/p/sessions-index.json", text.data);
	assert_false(before == claude_stats_signature(dir));
	claude_stats_read(dir, SEPTEMBER_3, &stats);
	assert_int_equal(stats.indexed_sessions, 301);
	assert_int_equal(stats.recent_count, CLAUDE_STATS_SESSIONS);
	for (unsigned i = 0; i < stats.recent_count; i++) {
		assert_string_not_equal(stats.recent[i].id, "side");
		oldest_ms = stats.recent[i].modified_ms < oldest_ms ? stats.recent[i].modified_ms : oldest_ms;
	}
	assert_int_equal(oldest_ms, SEPTEMBER_3 + (300 - CLAUDE_STATS_SESSIONS) * HOUR / 60);
	buf_done(&text);
	path = file_join(dir, "projects/p/sessions-index.json");
	unlink(path);
	free(path);
	for (size_t i = 0; i < 2; i++) {
		path = file_join(dir, i == 0 ? "projects/p" : "projects");
		rmdir(path);
		free(path);
	}
	rmdir(dir);
}

static void test_absent_and_damaged(void **state)
{
	static const char *const files[] = { "projects/p/a.jsonl", "projects/p/sessions-index.json", "stats-cache.json" };
	char dir[] = "/tmp/lfspool-stats-XXXXXX";
	struct claude_stats stats;

	(void)state;
	assert_non_null(mkdtemp(dir));
	claude_stats_read(dir, SEPTEMBER_3, &stats);
	assert_int_equal(stats.state, CLAUDE_STATS_ABSENT);
	assert_int_equal(stats.index_state, CLAUDE_STATS_ABSENT);
	make_dir(dir, "projects");
	make_dir(dir, "projects/p");
	write_file(dir, files[0], "");
	write_file(dir, files[1], "{\"version\":1,\"entries\":[{\"sessionId\":\"x\",\"messageCount\":-3,\"modified\":\"2026-01-01T00:00:00Z\"},7]}");
	write_file(dir, files[2], "{\"lastComputedDate\":7,\"totalSessions\":\"many\",\"modelUsage\":[],\"dailyActivity\":{}}");
	claude_stats_read(dir, SEPTEMBER_3, &stats);
	assert_int_equal(stats.state, CLAUDE_STATS_STALE);
	assert_int_equal(stats.sessions, 0);
	assert_int_equal(stats.index_state, CLAUDE_STATS_STALE);
	assert_int_equal(stats.indexed_messages, 0);
	write_file(dir, files[1], "{");
	write_file(dir, files[2], "[]");
	claude_stats_read(dir, SEPTEMBER_3, &stats);
	assert_int_equal(stats.state, CLAUDE_STATS_UNREADABLE);
	assert_int_equal(stats.index_state, CLAUDE_STATS_UNREADABLE);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char *path = file_join(dir, files[i]);
		unlink(path);
		free(path);
	}
	for (size_t i = 0; i < 2; i++) {
		char *path = file_join(dir, i == 0 ? "projects/p" : "projects");
		rmdir(path);
		free(path);
	}
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sample), cmocka_unit_test(test_many_sessions), cmocka_unit_test(test_absent_and_damaged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
