/* The tree for people: nesting, headers, marks, orphans and parents that close in a ring. */
#include "base/text.h"
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
	assert_int_equal(map_draw(observations, count, &(struct map_look){ .columns = 84 }, &out), 0);
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
	             "Demo                                       took      in     out    cache        cost\n"
	             "1 turn  1 generation  1 tool  1 error      2.0s      10       7      300     $0.0012\n"
	             "ses_1  1970-01-01T00:00:01.000Z\n"
	             "└─ turn                                    2.0s\n"
	             "   ├─ user-message                          0ms\n"
	             "   ├─ assistant-response  m-1              1.8s      10       7      300    $0.00120\n"
	             "   │  └─ tool-bash  ✗ denied  ls -l       500ms\n"
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
	             "Demo                                       took      in     out    cache        cost\n"
	             "0 turns  0 generations  1 tool             1.0s\n"
	             "ses_1  1970-01-01T00:00:01.000Z\n"
	             "├─ tool-a                                   0ms\n"
	             "└─ b                                        0ms\n"
	             "\n"
	             "(no title)                                 took      in     out    cache        cost\n"
	             "0 turns  0 generations  0 tools             0ms\n"
	             "ses_1  1970-01-01T00:00:03.000Z\n"
	             "└─ other                                    0ms\n");
}

static void test_ring(void **state)
{
	struct observation all[2];

	(void)state;
	all[0] = make(OBS_SPAN, 1, 2, SLICE("a"), 1000, 1000);
	all[1] = make(OBS_SPAN, 2, 1, SLICE("b"), 1000, 1000);
	assert_draws(all, 2,
	             "Demo                                       took      in     out    cache        cost\n"
	             "0 turns  0 generations  0 tools             0ms\n"
	             "ses_1  1970-01-01T00:00:01.000Z\n"
	             "└─ b                                        0ms\n"
	             "   └─ a                                     0ms\n");
}

static void test_nothing(void **state)
{
	(void)state;
	assert_draws(NULL, 0, "");
}

/* The columns of each line, escape sequences of ours not counted; fails on any other control character. */
static void assert_fits(const struct buf *out, unsigned columns)
{
	struct buf line;

	buf_init(&line, 0);
	for (size_t i = 0; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];
		if (c == 0x1b) {
			i += strcspn(out->data + i, "m");
		} else if (c == '\n') {
			assert_true(text_columns(buf_view(&line)) <= columns);
			buf_clear(&line);
		} else {
			assert_true(c >= 0x20 && c != 0x7f);
			buf_char(&line, (char)c);
		}
	}
	buf_done(&line);
}

/* Titles, names, models, status and cost are what others wrote; the screen is of any size; nesting is deep. */
static void test_hostile(void **state)
{
	static const unsigned sizes[] = { 1, 40, 47, 52, 80, 100, 200 };
	struct slice evil = SLICE("\x1b]0;x\a\x1b[2J\n\r日本語\xe2\x80\xae\xc2\x9b" "31m e\xcc\x81 \xff and so on and on and on and on and on and on");
	struct observation all[100];
	struct buf out;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		all[i] = make((enum observation_type)(i % 5), (uint8_t)(i + 1), (uint8_t)i, evil, 1000 + i, 1000000);
		all[i].level = (enum observation_level)(i % 4);
		all[i].status = all[i].model = all[i].title = evil;
		all[i].cost = i % 2 ? SLICE("0.123456789012345678901234567890") : SLICE("1\x1b[31m");
		all[i].usage = (struct observation_usage){ INT64_MAX, 12345678, 0, 99999999, 0 };
	}
	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		unsigned columns = sizes[i] < 40 ? 40 : sizes[i];
		buf_init(&out, 0);
		assert_int_equal(map_draw(all, 100, &(struct map_look){ .columns = sizes[i], .colour = i % 2 }, &out), 0);
		assert_true(i % 2 ? strstr(out.data, "\x1b[0m") != NULL : strchr(out.data, 0x1b) == NULL);
		assert_null(strstr(out.data, "\xe2\x80\xae"));
		assert_null(strstr(out.data, "\x1b]"));
		assert_fits(&out, columns);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree), cmocka_unit_test(test_orphans_and_traces), cmocka_unit_test(test_ring), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
