/* Records and observations: their JSON is fixed, and an observation reads back exactly. */
#include "base/json.h"
#include "event/clean_record.h"
#include "event/clean_record_make.h"
#include "event/observation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct observation full_observation(void)
{
	return (struct observation){
		.type = OBS_GENERATION, .level = OBS_WARNING, .trace_id = { 0xab, [15] = 1 }, .span_id = { 0, 2 }, .parent_id = { [7] = 3 },
		.name = SLICE("assistant-response"), .source = SLICE("opencode"), .session = SLICE("ses_1"), .own_session = SLICE("ses_2"),
		.message = SLICE("msg_1"), .part = SLICE("prt_1"), .title = SLICE("a \"title\"\n\xc3\xa9"), .start_ms = 1795233553671,
		.end_ms = 1795233553999, .completion_start_ms = 1795233553700, .status = SLICE("interrupted"), .model = SLICE("m"),
		.provider = SLICE("p"), .model_parameters = SLICE("{\"t\":0.10}"), .input = SLICE("[ 1, {\"type\":\"span\"} ]"), .output = SLICE("\"x\\u0000\""),
		.usage = { 1, 2, 0, -1, 5 }, .cost = SLICE("0.00376500"), .metadata = SLICE("{\"a\":null}"),
	};
}

static const char full_json[] =
	"{\"type\":\"generation\",\"level\":\"WARNING\",\"trace\":\"ab000000000000000000000000000001\",\"span\":\"0002000000000000\","
	"\"parent\":\"0000000000000003\",\"name\":\"assistant-response\",\"source\":\"opencode\",\"session\":\"ses_1\",\"own_session\":\"ses_2\","
	"\"message\":\"msg_1\",\"part\":\"prt_1\",\"title\":\"a \\\"title\\\"\\n\xc3\xa9\",\"start\":1795233553671,\"end\":1795233553999,"
	"\"completion_start\":1795233553700,\"status\":\"interrupted\",\"model\":\"m\",\"provider\":\"p\",\"model_parameters\":{\"t\":0.10},"
	"\"input\":[ 1, {\"type\":\"span\"} ],\"output\":\"x\\u0000\",\"usage\":{\"input\":1,\"output\":2,\"reasoning\":0,\"cache_write\":5},"
	"\"cost\":\"0.00376500\",\"metadata\":{\"a\":null}}";

static void observation_form_is_fixed(void **state)
{
	struct observation observation = full_observation();
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(observation_json(&observation, &out), 0);
	assert_string_equal(out.data, full_json);
	buf_done(&out);
}

static void observation_reads_back(void **state)
{
	const struct observation want = full_observation();
	struct observation got;
	struct buf strings;
	struct err err;

	(void)state;
	buf_init(&strings, 0);
	assert_int_equal(observation_parse(slice_of(full_json), &strings, &got, &err), 0);
	assert_int_equal(got.type, want.type);
	assert_int_equal(got.level, want.level);
	assert_memory_equal(got.trace_id, want.trace_id, 16);
	assert_memory_equal(got.span_id, want.span_id, 8);
	assert_memory_equal(got.parent_id, want.parent_id, 8);
	assert_true(slice_equal(got.name, want.name) && slice_equal(got.source, want.source));
	assert_true(slice_equal(got.session, want.session) && slice_equal(got.own_session, want.own_session));
	assert_true(slice_equal(got.message, want.message) && slice_equal(got.part, want.part));
	assert_true(slice_equal(got.title, want.title) && slice_equal(got.status, want.status));
	assert_true(got.start_ms == want.start_ms && got.end_ms == want.end_ms);
	assert_true(got.completion_start_ms == want.completion_start_ms);
	assert_true(slice_equal(got.model, want.model) && slice_equal(got.provider, want.provider));
	assert_true(slice_equal(got.model_parameters, want.model_parameters));
	assert_true(slice_equal(got.input, want.input) && slice_equal(got.output, want.output));
	assert_memory_equal(&got.usage, &want.usage, sizeof(want.usage));
	assert_true(slice_equal(got.cost, want.cost) && slice_equal(got.metadata, want.metadata));
	buf_done(&strings);
}

static void empty_fields_are_left_out(void **state)
{
	const struct observation observation = { .span_id = { 1 }, .usage = { -1, -1, -1, -1, -1 } };
	struct observation back;
	struct buf out, strings;

	(void)state;
	buf_init(&out, 0);
	buf_init(&strings, 0);
	observation_json(&observation, &out);
	assert_string_equal(out.data, "{\"type\":\"span\",\"span\":\"0100000000000000\",\"start\":0,\"end\":0}");
	assert_int_equal(observation_parse(buf_view(&out), &strings, &back, NULL), 0);
	assert_memory_equal(&back.usage, &observation.usage, sizeof(back.usage));
	assert_int_equal(back.name.len, 0);
	buf_done(&strings);
	buf_done(&out);
}

static void observation_refuses(void **state)
{
	static const char *const rows[] = {
		"", "[]", "{}", "{\"type\":\"span\"", "{\"type\":\"nothing\"}", "{\"type\":5}", "{\"type\":\"span\",\"span\":\"01\"}",
		"{\"type\":\"span\",\"start\":\"5\"}", "{\"type\":\"span\",\"name\":5}", "{\"type\":\"span\",\"usage\":[]}", "{\"type\":\"span\"} x",
		"{\"type\":\"span\",\"input\":[}",
	};
	struct observation back;
	struct buf strings;

	(void)state;
	buf_init(&strings, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(observation_parse(slice_of(rows[i]), &strings, &back, NULL), LF_EINVAL);
	buf_done(&strings);
}

/* Every cut of a good text is refused; none is read beyond its end. */
static void observation_refuses_cuts(void **state)
{
	struct observation back;
	struct buf strings;

	(void)state;
	buf_init(&strings, 0);
	for (size_t n = 0; n < sizeof(full_json) - 1; n++) {
		char *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy, full_json, n);
		buf_clear(&strings);
		assert_int_equal(observation_parse((struct slice){ copy, n }, &strings, &back, NULL), LF_EINVAL);
		free(copy);
	}
	buf_done(&strings);
}

static void record_form_is_fixed(void **state)
{
	char body[] = "{\"type\":\"text\"}";
	struct clean_record_view view = {
		.seq = 42, .kind = RECORD_PART, .level = RECORD_FINAL, .source = SLICE("opencode"), .session = SLICE("ses_1"),
		.message = SLICE("msg_1"), .key = SLICE("prt_1"), .time_ms = 1795233553671, .body = slice_of(body),
	};
	struct clean_record *record = clean_record_new(&view);
	struct buf out;

	(void)state;
	memset(body, 'x', sizeof(body) - 1); /* the record has its own copy */
	buf_init(&out, 0);
	assert_int_equal(clean_record_json(clean_record_view(record), &out), 0);
	assert_string_equal(out.data,
		"{\"lf\":1,\"seq\":42,\"src\":\"opencode\",\"session\":\"ses_1\",\"message\":\"msg_1\",\"key\":\"prt_1\",\"kind\":\"part\","
		"\"final\":true,\"level\":3,\"time\":1795233553671,\"body\":{\"type\":\"text\"}}");
	clean_record_free(record);
	view.level = RECORD_PROGRESS;
	view.link = SLICE("ses_2");
	view.order = UINT64_MAX;
	view.body = SLICE_NONE;
	buf_clear(&out);
	assert_int_equal(clean_record_json(&view, &out), 0);
	assert_non_null(strstr(out.data, "\"final\":false,\"level\":2,\"link\":\"ses_2\",\"time\":1795233553671,"
	                                 "\"order\":\"18446744073709551615\",\"body\":{}}"));
	buf_done(&out);
}

static void kinds_have_names(void **state)
{
	(void)state;
	for (enum record_kind kind = RECORD_SESSION; kind <= RECORD_SIGNAL; kind++) {
		enum record_kind back;

		assert_int_equal(record_kind_parse(slice_of(record_kind_name(kind)), &back), 0);
		assert_int_equal(back, kind);
	}
	assert_int_equal(record_kind_parse(SLICE("Part"), &(enum record_kind){ 0 }), LF_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observation_form_is_fixed), cmocka_unit_test(observation_reads_back),
		cmocka_unit_test(empty_fields_are_left_out), cmocka_unit_test(observation_refuses),
		cmocka_unit_test(observation_refuses_cuts), cmocka_unit_test(record_form_is_fixed),
		cmocka_unit_test(kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
