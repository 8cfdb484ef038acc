/*
 * The channels: every recorded session gives the same records through the event stream, the global stream, a plugin's log,
 * an export and the REST lists; and every recording gives the same events in any chunks.
 */
#include "heads.h"
#include <glob.h>

static void feed(const struct ingest_options *options, const char *path, size_t chunk, struct ingest_counts *ret)
{
	struct ingest *ingest = NULL;
	struct err err = { 0 };
	struct buf bytes;

	buf_init(&bytes, 0);
	read_file(path, &bytes);
	assert_int_equal(ingest_new(options, &ingest, &err), 0);
	for (size_t at = 0; at < bytes.len; at += chunk)
		assert_int_equal(ingest_feed(ingest, (struct slice){ bytes.data + at, bytes.len - at < chunk ? bytes.len - at : chunk }, &err), 0);
	assert_int_equal(ingest_finish(ingest, &err), 0);
	*ret = *ingest_counts(ingest);
	ingest_free(ingest);
	buf_done(&bytes);
}

/* All files of a scenario that a pattern names, as one input each; false when there is none. */
static bool gather(struct heads *heads, const char *scenario, const char *pattern)
{
	struct ingest_options options = { .name = pattern, .emit = take, .problem = say, .context = heads };
	struct ingest_counts counts;
	char path[700];
	glob_t found;

	snprintf(path, sizeof path, "%s/%s/%s", fixtures(), scenario, pattern);
	if (glob(path, GLOB_BRACE, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		feed(&options, found.gl_pathv[i], 65536, &counts);
		heads->bad += counts.bad + counts.oversize;
		heads->unknown += counts.unknown;
	}
	globfree(&found);
	return true;
}

/*
 * Scenarios whose channels do not show the same: an export of before (delete, revert's other one), a stream that was cut
 * (crash*, dispose), one directory of two, and the newer runtime, which has neither exports nor lists.
 */
static const char *const stream_only[] = { "bigout", "crashcontinue", "dispose", "heartbeat", "runjson", "tui", "v2session" };

static bool is_stream_only(const char *scenario)
{
	for (size_t i = 0; i < sizeof stream_only / sizeof stream_only[0]; i++)
		if (strcmp(scenario, stream_only[i]) == 0)
			return true;
	return false;
}

static void compare_channel(const struct heads *stream, const char *scenario, const char *pattern, bool both_ways)
{
	struct heads other = { 0 };

	if (gather(&other, scenario, pattern)) {
		if (other.words)
			fail_msg("%s/%s: %s", scenario, pattern, other.words);
		assert_int_equal(other.unknown, 0);
		assert_true(compare(&other, stream, scenario, pattern) > 0);
		if (both_ways)
			assert_true(compare(stream, &other, scenario, pattern) > 0);
	}
	heads_done(&other);
}

static void test_channels(void **state)
{
	char path[600];
	size_t compared = 0;
	glob_t found;

	(void)state;
	snprintf(path, sizeof path, "%s/*", fixtures());
	assert_int_equal(glob(path, GLOB_ONLYDIR, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *scenario = strrchr(found.gl_pathv[i], '/') + 1;
		struct heads stream = { 0 };
		bool deleted = strcmp(scenario, "delete") == 0;

		if (is_stream_only(scenario))
			continue;
		assert_true(gather(&stream, scenario, "{sse,sse.other}.jsonl*"));
		if (stream.words)
			fail_msg("%s: %s", scenario, stream.words);
		assert_int_equal(stream.unknown, 0);
		compare_channel(&stream, scenario, "{export,export.[0-9]}.json*", !deleted);
		if (strcmp(scenario, "structured") != 0) /* its list is an error of the recorded version */
			compare_channel(&stream, scenario, "{session,messages}{,.[0-9]}.json*", !deleted);
		compare_channel(&stream, scenario, "global.jsonl", true);
		compare_channel(&stream, scenario, "plugin.jsonl", true);
		heads_done(&stream);
		compared++;
	}
	globfree(&found);
	assert_true(compared > 35);
}

/* The parts of `run --format json` are those of the export; its messages are made up and lack what it does not tell. */
static void test_run(void **state)
{
	struct heads run = { 0 }, export = { 0 };
	size_t parts = 0;

	(void)state;
	assert_true(gather(&run, "runjson", "run.jsonl") && gather(&export, "runjson", "export.json"));
	assert_int_equal(run.bad + run.unknown, 0);
	for (size_t i = 0; i < run.count; i++) {
		const struct head *other = find(&export, run.items[i].key);
		if (run.items[i].kind == RECORD_PART) {
			assert_non_null(other);
			assert_string_equal(run.items[i].body, other->body);
			parts++;
		} else {
			assert_int_equal(run.items[i].kind, RECORD_MESSAGE);
			assert_int_equal(run.items[i].level, RECORD_PROGRESS); /* never in place of the agent's own */
			assert_non_null(strstr(run.items[i].body, "\"tokens\":{\"input\":"));
		}
	}
	assert_int_equal(parts, 33);
	heads_done(&run);
	heads_done(&export);
}

static size_t count_where(const struct heads *heads, enum record_kind kind, const char *text)
{
	size_t count = 0;

	for (size_t i = 0; i < heads->count; i++)
		count += heads->items[i].kind == kind && strstr(heads->items[i].body, text) != NULL;
	return count;
}

/* The newer runtime: its two streams agree, and hold what truth.json notes. */
static void test_next(void **state)
{
	struct heads sse = { 0 }, api = { 0 };

	(void)state;
	assert_true(gather(&sse, "v2session", "sse.jsonl") && gather(&api, "v2session", "apievent.jsonl"));
	assert_int_equal(sse.bad + sse.unknown + api.bad + api.unknown, 0);
	assert_true(compare(&sse, &api, "v2session", "apievent") > 40);
	assert_true(compare(&api, &sse, "v2session", "apievent") > 40);
	assert_int_equal(count_where(&sse, RECORD_MESSAGE, "\"role\":\"user\""), 2);
	assert_int_equal(count_where(&sse, RECORD_MESSAGE, "\"role\":\"assistant\""), 11);
	assert_int_equal(count_where(&sse, RECORD_MESSAGE, "\"completed\":"), 11);
	assert_int_equal(count_where(&sse, RECORD_MESSAGE, "\"parent\":\"msg_1fc8ea7aa0015L09QSIG4sPnET\""), 1);
	assert_int_equal(count_where(&sse, RECORD_PART, "\"type\":\"tool\""), 11);
	assert_int_equal(count_where(&sse, RECORD_PART, "\"status\":\"completed\",\"input\":{"), 6);
	assert_int_equal(count_where(&sse, RECORD_PART, "\"status\":\"error\",\"input\":{"), 5);
	assert_int_equal(count_where(&sse, RECORD_PART, "\"type\":\"step-start\""), 11);
	assert_int_equal(count_where(&sse, RECORD_PART, "\"type\":\"step-finish\""), 11);
	heads_done(&sse);
	heads_done(&api);
}

/* A tool that ran when its agent was killed is kept with its input, not as it was announced. */
static void test_crash(void **state)
{
	struct heads stream = { 0 };

	(void)state;
	assert_true(gather(&stream, "crash", "sse.jsonl"));
	assert_int_equal(count_where(&stream, RECORD_PART, "\"status\":\"pending\""), 0);
	assert_int_equal(count_where(&stream, RECORD_PART, "\"status\":\"running\",\"input\":{\"command\":"), 1);
	heads_done(&stream);
}

static int concatenate(void *context, const struct raw_event *e, struct err *err)
{
	struct buf *out = context;

	(void)err;
	buf_format(out, "%d %d %lld %llu ", (int)e->kind, (int)e->level, (long long)e->time_ms, (unsigned long long)e->order);
	buf_slice(out, e->key);
	buf_slice(out, e->body);
	return buf_char(out, '\n');
}

static void test_chunks(void **state)
{
	static const size_t chunks[] = { 1, 7, 4096 };
	char path[600];
	glob_t found;

	(void)state;
	snprintf(path, sizeof path, "%s/*/{sse,export,messages,session,plugin,global,run,apievent}*.json*", fixtures());
	assert_int_equal(glob(path, GLOB_BRACE, NULL, &found), 0);
	assert_true(found.gl_pathc > 180);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct ingest_counts whole_counts, counts;
		struct buf whole, pieces;
		struct ingest_options options = { .name = "in", .emit = concatenate, .context = &whole };

		buf_init(&whole, 0);
		buf_init(&pieces, 0);
		feed(&options, found.gl_pathv[i], SIZE_MAX / 4, &whole_counts);
		options.context = &pieces;
		for (size_t c = 0; c < 3; c++) {
			buf_clear(&pieces);
			feed(&options, found.gl_pathv[i], chunks[c], &counts);
			if (!slice_equal(buf_view(&whole), buf_view(&pieces)) || memcmp(&whole_counts, &counts, sizeof counts) != 0)
				fail_msg("%s in chunks of %zu gives other events", found.gl_pathv[i], chunks[c]);
		}
		buf_done(&whole);
		buf_done(&pieces);
	}
	globfree(&found);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_channels), cmocka_unit_test(test_run), cmocka_unit_test(test_next),
		cmocka_unit_test(test_crash), cmocka_unit_test(test_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
