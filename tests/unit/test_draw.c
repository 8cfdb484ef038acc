/* The tree for people: nesting, headers, marks, orphans and parents that close in a ring. */
#include "map/map.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct observation make(enum observation_type type, uint8_t span, uint8_t parent, struct slice name, int64_t start_ms, int64_t end_ms)
{
	struct observation observation = {
		.type = type, .name = name, .session = SLICE("ses_1"), .title = SLICE("Demo"), .start_ms = start_ms, .end_ms = end_ms,
		.trace_id = { 1 }, .span_id = { span }, .parent_id = { parent }, .usage = { -1, -1, -1, -1, -1 },
	};

	return observation;
}

static void assert_draws(const struct observation *observations, unsigned count, const char *wanted)
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(map_draw(observations, count, 0, &out), 0);
	assert_string_equal(out.data ? out.data : "", wanted);
	buf_done(&out);
}

static void test_tree(void **state)
{
	struct observation all[5];

	(void)state;
	all[0] = make(OBS_TOOL, 4, 3, SLICE("tool-bash"), 1400, 1900);
	all[0].metadata = SLICE("{\"title\":\"ls\\n-l\"}");
	all[0].level = OBS_ERROR;
	all[0].status = SLICE("denied");
	all[1] = make(OBS_AGENT, 1, 0, SLICE("turn"), 1000, 3000);
	all[2] = make(OBS_SPAN, 2, 1, SLICE("user-message"), 1000, 1000);
	all[3] = make(OBS_GENERATION, 3, 1, SLICE("assistant-response"), 1100, 2900);
	all[3].model = SLICE("m-1");
	all[3].usage = (struct observation_usage){ 10, 5, 2, 300, 0 };
	all[3].cost = SLICE("0.00120");
	all[4] = make(OBS_EVENT, 5, 1, SLICE("retry"), 2950, 2950);
	all[4].level = OBS_WARNING;
	assert_draws(all, 5,
	             "Demo  ses_1  1970-01-01T00:00:01.000Z  1 turn  1 generation  1 tool  10 in / 7 out (300 cache)  $0.0012\n"
	             "└─ turn  2.0s\n"
	             "   ├─ user-message  0ms\n"
	             "   ├─ assistant-response  m-1  1.8s  10 in / 7 out (300 cache)  $0.00120\n"
	             "   │  └─ tool-bash  ls -l  500ms  ✗ denied\n"
	             "   └─ retry  ! WARNING\n");
}

static void test_orphans_and_traces(void **state)
{
	struct observation all[3];

	(void)state;
	all[0] = make(OBS_TOOL, 4, 9, SLICE("tool-a"), 1000, 1000);
	all[1] = make(OBS_SPAN, 5, 0, SLICE("b"), 2000, 2000);
	all[2] = make(OBS_SPAN, 6, 4, SLICE("other"), 3000, 3000);
	all[2].trace_id[0] = 2;
	all[2].title = SLICE_NONE;
	assert_draws(all, 3,
	             "Demo  ses_1  1970-01-01T00:00:01.000Z  0 turns  0 generations  1 tool  0 in / 0 out\n"
	             "├─ tool-a  0ms\n"
	             "└─ b  0ms\n"
	             "\n"
	             "(no title)  ses_1  1970-01-01T00:00:03.000Z  0 turns  0 generations  0 tools  0 in / 0 out\n"
	             "└─ other  0ms\n");
}

static void test_ring(void **state)
{
	struct observation all[2];

	(void)state;
	all[0] = make(OBS_SPAN, 1, 2, SLICE("a"), 1000, 1000);
	all[1] = make(OBS_SPAN, 2, 1, SLICE("b"), 1000, 1000);
	assert_draws(all, 2,
	             "Demo  ses_1  1970-01-01T00:00:01.000Z  0 turns  0 generations  0 tools  0 in / 0 out\n"
	             "└─ b  0ms\n"
	             "   └─ a  0ms\n");
}

static void test_nothing(void **state)
{
	(void)state;
	assert_draws(NULL, 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree), cmocka_unit_test(test_orphans_and_traces), cmocka_unit_test(test_ring), cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
