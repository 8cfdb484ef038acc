/* What a record counts, and what a new revision of it adds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "metrics/count.h"
#include <stdio.h>

static const struct count_options plain;

static void price_is_exact(void **state)
{
	static const struct { const char *text; int64_t pico; } rows[] = {
		{ "0.0071556", 7155600000 }, { "0", 0 }, { "", 0 }, { "1", 1000000000000 }, { "7.1e-05", 71000000 }, { "1.5E2", 150000000000000 },
		{ "0.0000000000004", 0 }, { "0.0000000000005", 1 }, { "0.1234567890123456789", 123456789012 }, { "-1", 0 }, { "null", 0 },
		{ "1e300", INT64_MAX }, { "99999999999999999999999", INT64_MAX }, { "0e300", 0 }, { "1e-300", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (fact_pico(slice_of(rows[i].text)) != rows[i].pico)
			fail_msg("%s: %lld", rows[i].text, (long long)fact_pico(slice_of(rows[i].text)));
}

static void buckets_include_their_upper_bound(void **state)
{
	const struct fact *tool = &facts[FACT_TOOL_MS];

	(void)state;
	assert_int_equal(fact_bucket(tool, 0), 0);
	assert_int_equal(fact_bucket(tool, 1), 1);
	assert_int_equal(fact_bucket(tool, 5), 1);
	assert_int_equal(fact_bucket(tool, 6), 2);
	assert_int_equal(fact_bucket(tool, INT64_MAX), tool->bound_count);
	for (int i = 0; i < FACT_COUNT; i++)
		assert_true(facts[i].bound_count <= FACT_MAX_BOUNDS);
}

static int write_move(void *context, const char *name, const char *label, int64_t add, struct err *err)
{
	char *out = context;
	size_t n = strlen(out);

	(void)err;
	snprintf(out + n, 4096 - n, "%s%s%+lld\n", name, label, (long long)add);
	return 0;
}

static struct count_room room; /* zeroed it is empty */

static struct clean_record_view record(enum record_kind kind, const char *body)
{
	return (struct clean_record_view){ .kind = kind, .level = RECORD_FINAL, .source = SLICE("o"), .session = SLICE("s"), .key = SLICE("k"),
		                               .body = slice_of(body) };
}

static void expect_moves(enum record_kind kind, const char *before, const char *body, int64_t session_ms, const char *want)
{
	static struct count_amounts old, now;
	struct count_session session = { .created_ms = session_ms };
	struct clean_record_view view = record(kind, body);
	char out[4096] = "";

	if (before) {
		struct clean_record_view earlier = record(kind, before);
		count_record(&room, &earlier, &session, &plain, &old);
	}
	count_record(&room, &view, &session, &plain, &now);
	assert_int_equal(count_moves(before ? &old : NULL, &now, write_move, out, NULL), 0);
	assert_string_equal(out, want);
}

#define ANSWER "\"role\":\"assistant\",\"model\":\"m\",\"provider\":\"p\",\"agent\":\"a\",\"created\":1000,\"cost\":0.5,\"tokens\":{\"input\":7,\"output\":0,\"reasoning\":0,\"cache_read\":2,\"cache_write\":0}"
#define MODEL "{\"source\":\"o\",\"model\":\"m\",\"provider\":\"p\",\"agent\":\"a\""

static const char answer_moves[] =
	"metric.tokens" MODEL ",\"type\":\"input\"}+7\n"
	"metric.tokens" MODEL ",\"type\":\"cacheRead\"}+2\n"
	"metric.cost" MODEL "}+500000000000\n"
	"metric.messages" MODEL ",\"role\":\"assistant\"}+1\n"
	"metric.cache" MODEL ",\"type\":\"cacheRead\"}+1\n"
	"metric.call_ms/7" MODEL "}+1\n"
	"metric.call_ms/x-1" MODEL "}+1\n"
	"metric.call_ms/sum" MODEL "}+1000\n"
	"metric.call_tokens/2" MODEL ",\"type\":\"input\"}+1\n"
	"metric.call_tokens/x25" MODEL ",\"type\":\"input\"}+1\n"
	"metric.call_tokens/sum" MODEL ",\"type\":\"input\"}+9\n";

static void an_answer_counts_when_it_is_complete(void **state)
{
	(void)state;
	expect_moves(RECORD_MESSAGE, NULL, "{" ANSWER "}", 0, "");
	expect_moves(RECORD_MESSAGE, NULL, "{" ANSWER ",\"completed\":2000}", 0, answer_moves);
	expect_moves(RECORD_MESSAGE, "{" ANSWER "}", "{" ANSWER ",\"completed\":2000}", 0, answer_moves);
	expect_moves(RECORD_MESSAGE, "{" ANSWER ",\"completed\":2000}", "{" ANSWER ",\"completed\":2000,\"finish\":\"stop\"}", 0, "");
	expect_moves(RECORD_MESSAGE, "{" ANSWER ",\"completed\":2000}",
	             "{\"role\":\"assistant\",\"model\":\"m\",\"provider\":\"p\",\"agent\":\"a\",\"created\":1000,\"completed\":2000,\"cost\":0.75,\"tokens\":{\"input\":5,\"cache_read\":2}}", 0,
	             "metric.cost" MODEL "}+250000000000\n");
	expect_moves(RECORD_MESSAGE, NULL, "{" ANSWER ",\"error\":{\"name\":\"APIError\"}}", 0, "metric.errors{\"source\":\"o\",\"type\":\"APIError\"}+1\n");
}

static void a_forks_copy_counts_nothing(void **state)
{
	(void)state;
	expect_moves(RECORD_MESSAGE, NULL, "{" ANSWER ",\"completed\":2000}", 1001, "");
	expect_moves(RECORD_MESSAGE, NULL, "{" ANSWER ",\"completed\":2000}", 1000, answer_moves);
	expect_moves(RECORD_PART, NULL, "{\"type\":\"tool\",\"tool\":\"bash\",\"status\":\"completed\",\"start\":10,\"end\":20}", 11, "");
}

static void calls_count_once_with_their_time(void **state)
{
	(void)state;
	expect_moves(RECORD_PART, NULL, "{\"type\":\"tool\",\"tool\":\"bash\",\"status\":\"running\",\"start\":10}", 0, "");
	expect_moves(RECORD_PART, "{\"type\":\"tool\",\"tool\":\"bash\",\"status\":\"running\",\"start\":10}",
	             "{\"type\":\"tool\",\"tool\":\"bash\",\"status\":\"completed\",\"start\":10,\"end\":21,\"commit\":true,\"pull_request\":true}", 0,
	             "metric.tool_ms/3{\"source\":\"o\",\"tool\":\"bash\",\"status\":\"completed\"}+1\n"
	             "metric.tool_ms/x27{\"source\":\"o\",\"tool\":\"bash\",\"status\":\"completed\"}+1\n"
	             "metric.tool_ms/sum{\"source\":\"o\",\"tool\":\"bash\",\"status\":\"completed\"}+11\n"
	             "metric.commits{\"source\":\"o\"}+1\n"
	             "metric.pull_requests{\"source\":\"o\"}+1\n");
	expect_moves(RECORD_PART, NULL, "{\"type\":\"tool\",\"tool\":\"read\",\"status\":\"error\",\"start\":10,\"end\":10}", 0,
	             "metric.tool_ms/0{\"source\":\"o\",\"tool\":\"read\",\"status\":\"error\"}+1\n"
	             "metric.tool_ms/z{\"source\":\"o\",\"tool\":\"read\",\"status\":\"error\"}+1\n");
	expect_moves(RECORD_PART, NULL, "{\"type\":\"subtask\",\"agent\":\"general\"}", 0, "metric.subtasks{\"source\":\"o\",\"agent\":\"general\"}+1\n");
	expect_moves(RECORD_PART, NULL, "{\"type\":\"text\",\"text\":\"x\"}", 0, "");
}

static void an_answer_to_a_permission_counts_with_what_was_asked(void **state)
{
	static struct count_amounts now;
	struct count_session session = { 0 };
	struct clean_record_view view = record(RECORD_SIGNAL, "{\"type\":\"permission-reply\",\"request\":\"r\",\"reply\":\"always\"}");
	char asked[32];

	(void)state;
	assert_false(count_asked(&view, asked, sizeof asked));
	view.key = SLICE("r:replied");
	assert_true(count_can(&view));
	assert_true(count_asked(&view, asked, sizeof asked));
	assert_string_equal(asked, "r:asked");
	assert_false(count_asked(&view, asked, 5));
	count_asked_read(&room, SLICE("{\"permission\":\"edit\"}"), &session);
	count_record(&room, &view, &session, &plain, &now);
	assert_int_equal(now.slots[0].fact, FACT_DECISIONS);
	assert_string_equal(now.slots[0].label, "{\"source\":\"o\",\"tool\":\"edit\",\"decision\":\"accept\",\"origin\":\"user_permanent\"}");
	view.body = SLICE("{\"type\":\"permission-reply\",\"reply\":\"maybe\"}");
	count_record(&room, &view, &session, &plain, &now);
	assert_false(now.any);
}

#define DIFFS(added, removed) "{\"role\":\"user\",\"created\":1,\"diffs\":[{\"additions\":" added ",\"deletions\":" removed "},{\"additions\":1}]}"

static void lines_grow_and_their_total_follows(void **state)
{
	(void)state;
	expect_moves(RECORD_MESSAGE, DIFFS("2", "5"), DIFFS("4", "3"), 0,
	             "metric.lines{\"source\":\"o\",\"type\":\"added\"}+2\n"
	             "metric.lines_now{\"source\":\"o\",\"type\":\"added\"}+2\n"
	             "metric.lines_now{\"source\":\"o\",\"type\":\"removed\"}-2\n");
}

static void labels_are_short_valid_and_asked_for(void **state)
{
	static struct count_amounts now;
	struct count_options with = { .session_label = true };
	struct count_session session = { 0 };
	struct clean_record_view view = record(RECORD_SIGNAL, "{\"type\":\"retry\"}");
	char body[2048], long_name[1100];

	(void)state;
	count_record(&room, &view, &session, &with, &now);
	assert_string_equal(now.slots[0].label, "{\"source\":\"o\",\"session\":\"s\"}");
	with = (struct count_options){ .project_label = true };
	count_record(&room, &view, &session, &with, &now);
	assert_string_equal(now.slots[0].label, "{\"source\":\"o\"}");
	count_session_read(&room, SLICE("{\"created\":7,\"project\":\"p\"}"), &session);
	assert_int_equal(session.created_ms, 7);
	session.created_ms = 0;
	count_record(&room, &view, &session, &with, &now);
	assert_string_equal(now.slots[0].label, "{\"source\":\"o\",\"project\":\"p\"}");
	for (int i = 0; i < 1092; i += 6)
		memcpy(long_name + i, "\\u00e9", 6);
	memcpy(long_name + 1092, "z", 2);
	snprintf(body, sizeof body, "{\"type\":\"tool\",\"status\":\"error\",\"tool\":\"%s\"}", long_name);
	view = record(RECORD_PART, body);
	count_record(&room, &view, &session, &plain, &now);
	assert_true(now.any);
	assert_true(strlen(now.slots[0].label) < 200);
	view = record(RECORD_PART, "{\"type\":\"tool\" not JSON");
	count_record(&room, &view, &session, &plain, &now);
	assert_false(now.any);
}

/* What cannot count is not looked at: nothing may be in it. */
static void only_some_records_can_count(void **state)
{
	static const struct { enum record_kind kind; const char *body; bool can; } rows[] = {
		{ RECORD_PART, "{\"type\":\"tool\",\"status\":\"completed\"}", true }, { RECORD_PART, "{\"type\":\"tool\",\"status\":\"error\"}", true },
		{ RECORD_PART, "{\"type\":\"tool\",\"status\":\"\\u0065rror\"}", true }, { RECORD_PART, "{\"type\":\"subtask\"}", true },
		{ RECORD_PART, "{\"text\":\"x\",\"status\":\"error\",\"type\":\"tool\"}", true },
		{ RECORD_PART, "{\"type\":\"tool\",\"tool\":\"bash\",\"status\":\"running\",\"start\":5}", false },
		{ RECORD_PART, "{\"type\":\"text\",\"text\":\"a longer one, see \"}", false },
		{ RECORD_PART, "{\"type\":\"text\",\"text\":[\"far behind it a \",\"tool\"]}", false },
		{ RECORD_PART, "{\"type\":\"", false }, { RECORD_PART, "{}", false },
		{ RECORD_MESSAGE, "{\"role\":\"user\",\"created\":5}", true }, { RECORD_MESSAGE, "{\"role\":\"assistant\",\"created\":5,\"completed\":6}", true },
		{ RECORD_MESSAGE, "{\"role\":\"assistant\",\"created\":5,\"error\":{\"name\":\"x\"}}", true },
		{ RECORD_MESSAGE, "{\"role\":\"assistant\",\"created\":5,\"\\u0063ompleted\":6}", true },
		{ RECORD_MESSAGE, "{\"role\":\"assistant\",\"model\":\"m\",\"created\":5,\"cost\":0,\"tokens\":{\"input\":3}}", false },
		{ RECORD_MESSAGE, "{ \"role\" : \"assistant\" , \"created\" : 5 , \"completed\" : 6 }", true },
		{ RECORD_MESSAGE, "{\"role\":\"assistant\",\"created\":5,\"completed\"\n:6}", true },
		{ RECORD_PART, "{\"type\":\"tool\",\"status\":\t\"error\"}", true },
		{ RECORD_PART, "{\"type\": \"tool\",\"status\":\"error\"}", true },
		{ RECORD_SESSION, "{}", true }, { RECORD_SIGNAL, "{\"type\":\"retry\"}", true }, { RECORD_SIGNAL, "{\"type\":\"idle\"}", false },
	};
	static struct count_amounts now;
	struct count_session session = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct clean_record_view view = record(rows[i].kind, rows[i].body);

		count_record(&room, &view, &session, &plain, &now);
		if (count_can(&view) != rows[i].can || now.any != rows[i].can)
			fail_msg("%s", rows[i].body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(price_is_exact),
		cmocka_unit_test(buckets_include_their_upper_bound),
		cmocka_unit_test(an_answer_counts_when_it_is_complete),
		cmocka_unit_test(a_forks_copy_counts_nothing),
		cmocka_unit_test(calls_count_once_with_their_time),
		cmocka_unit_test(an_answer_to_a_permission_counts_with_what_was_asked),
		cmocka_unit_test(lines_grow_and_their_total_follows),
		cmocka_unit_test(labels_are_short_valid_and_asked_for),
		cmocka_unit_test(only_some_records_can_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
