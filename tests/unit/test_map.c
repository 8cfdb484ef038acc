/* map/: every field of every request form, the same content in both encodings, deterministic bytes. */
#include "map_sample.h"
#include "map/map_fields.h"
#include "base/protobuf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct buf request(enum map_format format, const struct map_options *options,
                          const struct observation *observations, const unsigned *versions, unsigned count)
{
	struct buf out;
	struct err err;

	buf_init(&out, 0);
	assert_int_equal(map_request(format, options, observations, versions, count, &out, &err), 0);
	return out;
}

static void assert_text(struct slice got, const char *want)
{
	if (!slice_is(got, want))
		fail_msg("got \"%.*s\", want \"%s\"", (int)got.len, got.ptr ? got.ptr : "", want);
}

/* ---- a small protobuf reader, only for this test ---- */

struct field {
	unsigned number;
	uint64_t value;
	struct slice bytes;
};

static uint64_t read_varint(struct slice *in)
{
	uint64_t value = 0;

	for (unsigned shift = 0; in->len > 0; shift += 7) {
		unsigned char c = (unsigned char)*in->ptr++;

		in->len--;
		value |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			break;
	}
	return value;
}

static bool next_field(struct slice *in, struct field *ret)
{
	uint64_t tag;

	if (in->len == 0)
		return false;
	tag = read_varint(in);
	ret->number = (unsigned)(tag >> 3);
	ret->bytes = SLICE_NONE;
	ret->value = 0;
	if ((tag & 7) == 0) {
		ret->value = read_varint(in);
		return true;
	}
	ret->bytes.len = (tag & 7) == 1 ? 8 : (size_t)read_varint(in);
	assert_true(ret->bytes.len <= in->len);
	ret->bytes.ptr = in->ptr;
	in->ptr += ret->bytes.len;
	in->len -= ret->bytes.len;
	return true;
}

/* The index-th field with this number; missing: SLICE_NONE. */
static struct slice child(struct slice message, unsigned number, unsigned index)
{
	struct field field;

	while (next_field(&message, &field))
		if (field.number == number && index-- == 0)
			return field.bytes;
	return SLICE_NONE;
}

static struct slice protobuf_attribute(struct slice owner, unsigned number, const char *key)
{
	struct slice pair;

	for (unsigned i = 0; (pair = child(owner, number, i)).ptr; i++)
		if (slice_is(child(pair, 1, 0), key))
			return child(pair, 2, 0);
	return SLICE_NONE;
}

static struct slice protobuf_span(struct slice body, unsigned index)
{
	return child(child(child(body, 1, 0), 2, 0), 2, index);
}

/* ---- the attribute table ---- */

static const struct {
	const char *key, *value; /* NULL: absent */
} expected[] = {
	{ "langfuse.observation.type", "generation" },
	{ "langfuse.observation.level", "ERROR" },
	{ "langfuse.observation.status_message", "it broke" },
	{ "langfuse.observation.model.name", "claude-sonnet-4-5" },
	{ "langfuse.observation.model.parameters", "{\"temperature\":0.5,\"thinking\":{\"budget\":9},\"none\":null}" },
	{ "langfuse.observation.usage_details",
	  "{\"input\":0,\"output\":25,\"cache_read_input_tokens\":300,\"output_reasoning_tokens\":7}" },
	{ "langfuse.observation.cost_details", "{\"total\":0.0123400}" },
	{ "langfuse.observation.completion_start_time", "2026-11-21T03:59:14.001Z" },
	{ "langfuse.observation.input", "[{\"role\":\"user\",\"content\":\"hi\"}]" },
	{ "langfuse.observation.output", "line\nb\xc3\xa4r" },
	{ "langfuse.observation.metadata",
	  "{\"source\":\"opencode\",\"session\":\"ses_child\",\"part\":\"prt_1\",\"provider\":\"anthropic\",\"agent\":\"build\",\"message\":\"own\",\"n\":[1,2]}" },
	{ "langfuse.session.id", "ses_root" },
	{ "session.id", "ses_root" },
	{ "langfuse.user.id", "ada" },
	{ "langfuse.trace.name", "team: Fix the b\xc3\xbcg" },
	{ "langfuse.environment", "prod-x" },
	{ "langfuse.release", "r1" },
	{ "langfuse.version", "1.2.3" },
	{ "gen_ai.tool.name", NULL },
};

static void protobuf_has_each_attribute(void **state)
{
	struct observation observation = sample_observation();
	struct buf out = request(MAP_OTLP_PROTOBUF, &sample_options, &observation, NULL, 1);
	struct slice span = protobuf_span(buf_view(&out), 0), tags;

	(void)state;
	for (size_t i = 0; i < COUNT(expected); i++) {
		struct slice value = protobuf_attribute(span, 9, expected[i].key);

		if (!expected[i].value)
			assert_null(value.ptr);
		else
			assert_text(child(value, 1, 0), expected[i].value);
	}
	tags = child(protobuf_attribute(span, 9, "langfuse.trace.tags"), 5, 0);
	assert_text(child(child(tags, 1, 0), 1, 0), "one");
	assert_text(child(child(tags, 1, 1), 1, 0), "two");
	assert_text(child(child(tags, 1, 2), 1, 0), "three");
	assert_null(child(tags, 1, 3).ptr);
	buf_done(&out);
}

static void json_value(const struct json_doc *doc, int32_t attributes_node, const char *key, struct buf *ret)
{
	buf_clear(ret);
	for (int32_t i = doc->nodes[attributes_node].first; i != JSON_NONE; i = doc->nodes[i].next)
		if (json_string_is(doc, json_get(doc, i, "key"), key)) {
			assert_int_equal(json_text(doc, json_path(doc, i, "value.stringValue"), ret), 0);
			return;
		}
	ret->failed = LF_ENOENT;
}

static int32_t json_first(const struct json_doc *doc, int32_t node, const char *path)
{
	int32_t found = json_path(doc, node, path);

	assert_int_equal(json_type_of(doc, found), JSON_ARRAY);
	return doc->nodes[found].first;
}

static void json_has_the_same_attributes(void **state)
{
	struct observation observation = sample_observation();
	struct buf out = request(MAP_OTLP_JSON, &sample_options, &observation, NULL, 1), value;
	struct json_doc doc;
	struct err err;
	int32_t resource, scope, span, attributes;

	(void)state;
	buf_init(&value, 0);
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, buf_view(&out), 0, &err), 0);
	resource = json_first(&doc, 0, "resourceSpans");
	scope = json_first(&doc, resource, "scopeSpans");
	assert_true(json_string_is(&doc, json_path(&doc, scope, "scope.name"), "lfspool"));
	span = json_first(&doc, scope, "spans");
	assert_true(json_string_is(&doc, json_get(&doc, span, "traceId"), "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"));
	assert_true(json_string_is(&doc, json_get(&doc, span, "spanId"), "1011121314151617"));
	assert_true(json_string_is(&doc, json_get(&doc, span, "parentSpanId"), "2021222324252627"));
	assert_true(json_string_is(&doc, json_get(&doc, span, "startTimeUnixNano"), "1795233553671000000"));
	assert_true(json_string_is(&doc, json_get(&doc, span, "endTimeUnixNano"), "1795233555000000000"));
	assert_int_equal(json_int(&doc, json_get(&doc, span, "kind"), 0), 1);
	assert_int_equal(json_int(&doc, json_path(&doc, span, "status.code"), 0), 2);
	attributes = json_get(&doc, span, "attributes");
	for (size_t i = 0; i < COUNT(expected); i++) {
		json_value(&doc, attributes, expected[i].key, &value);
		if (!expected[i].value)
			assert_int_equal(value.failed, LF_ENOENT);
		else
			assert_text(buf_view(&value), expected[i].value);
	}
	json_doc_done(&doc);
	buf_done(&value);
	buf_done(&out);
}

static void span_has_ids_times_and_status(void **state)
{
	struct observation observation = sample_observation();
	struct buf out = request(MAP_OTLP_PROTOBUF, &sample_options, &observation, NULL, 1);
	struct slice resource = child(child(buf_view(&out), 1, 0), 1, 0);
	struct slice span = protobuf_span(buf_view(&out), 0);
	static const char start[] = "\xc0\x0f\x6c\xcf\x67\xf3\xe9\x18"; /* 1795233553671000000 */

	(void)state;
	assert_text(child(protobuf_attribute(resource, 1, "service.name"), 1, 0), "lfspool");
	assert_text(child(protobuf_attribute(resource, 1, "service.version"), 1, 0), "1.2.3");
	assert_text(child(protobuf_attribute(resource, 1, "host.name"), 1, 0), "box");
	assert_int_equal(child(span, 1, 0).len, 16);
	assert_memory_equal(child(span, 2, 0).ptr, observation.span_id, 8);
	assert_memory_equal(child(span, 4, 0).ptr, observation.parent_id, 8);
	assert_text(child(span, 5, 0), "assistant-response");
	assert_int_equal(child(span, 7, 0).len, 8);
	assert_memory_equal(child(span, 7, 0).ptr, start, 8);
	assert_text(child(child(span, 15, 0), 2, 0), "it broke");
	buf_done(&out);

	memset(observation.parent_id, 0, sizeof(observation.parent_id));
	observation.level = OBS_WARNING;
	out = request(MAP_OTLP_PROTOBUF, &sample_options, &observation, NULL, 1);
	span = protobuf_span(buf_view(&out), 0);
	assert_null(child(span, 4, 0).ptr);
	assert_null(child(span, 15, 0).ptr);
	buf_done(&out);
}

static void empty_fields_are_left_out(void **state)
{
	struct observation observation = { .type = OBS_SPAN, .name = SLICE("turn"), .source = SLICE("opencode"),
		.usage = { -1, -1, -1, -1, -1 }, .cost = SLICE("0") };
	struct map_options options = { .version = "1" };
	struct buf out = request(MAP_OTLP_PROTOBUF, &options, &observation, NULL, 1);
	struct slice span = protobuf_span(buf_view(&out), 0);
	static const char *const absent[] = { "langfuse.observation.usage_details", "langfuse.observation.cost_details",
		"langfuse.observation.input", "langfuse.user.id", "langfuse.trace.tags", "langfuse.environment",
		"langfuse.observation.completion_start_time", "langfuse.session.id" };

	(void)state;
	for (size_t i = 0; i < COUNT(absent); i++)
		assert_null(protobuf_attribute(span, 9, absent[i]).ptr);
	assert_text(child(protobuf_attribute(span, 9, "langfuse.trace.name"), 1, 0), "opencode session");
	buf_done(&out);
}

static void protobuf_lengths_are_minimal(void **state)
{
	struct protobuf protobuf;
	struct buf out;
	char text[200];

	(void)state;
	memset(text, 'x', sizeof(text));
	buf_init(&out, 0);
	protobuf_init(&protobuf, &out);
	protobuf_varint(&protobuf, 6, 300);
	protobuf_varint(&protobuf, 6, 0);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "\x30\xac\x02", 3);
	buf_clear(&out);
	protobuf_open(&protobuf, 1);
	protobuf_open(&protobuf, 2);
	protobuf_bytes(&protobuf, 15, (struct slice){ text, sizeof(text) });
	protobuf_close(&protobuf);
	protobuf_close(&protobuf);
	assert_int_equal(out.len, 209);
	assert_memory_equal(out.data, "\x0a\xce\x01\x12\xcb\x01\x7a\xc8\x01xx", 11);
	assert_int_equal(out.data[208], 'x');
	buf_done(&out);
}

/* Lengths of one, two and three bytes. */
static void an_entry_is_what_opens_and_closes_write(void **state)
{
	static const size_t sizes[] = { 0, 1, 120, 121, 122, 123, 124, 125, 126, 127, 128, 16370, 16380, 16384 };
	static char text[16384];
	struct protobuf one, two;
	struct buf a, b;

	(void)state;
	memset(text, 'x', sizeof text);
	buf_init(&a, 0);
	buf_init(&b, 0);
	protobuf_init(&one, &a);
	protobuf_init(&two, &b);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] * 200; i++) {
		struct slice key = { text, i % 200 }, value = { text, sizes[i / 200] };

		protobuf_entry(&one, 9 + (unsigned)i % 10, key, value);
		protobuf_open(&two, 9 + (unsigned)i % 10);
		protobuf_bytes(&two, 1, key);
		protobuf_open(&two, 2);
		protobuf_bytes(&two, 1, value);
		protobuf_close(&two);
		protobuf_close(&two);
	}
	assert_true(slice_equal(buf_view(&a), buf_view(&b)));
	assert_false(a.failed);
	buf_done(&a);
	buf_done(&b);
}

static void bytes_are_deterministic(void **state)
{
	struct observation observation = sample_observation();

	(void)state;
	for (int format = MAP_OTLP_PROTOBUF; format <= MAP_INGESTION; format++) {
		struct buf a = request((enum map_format)format, &sample_options, &observation, NULL, 1);
		struct buf b = request((enum map_format)format, &sample_options, &observation, NULL, 1);

		assert_true(slice_equal(buf_view(&a), buf_view(&b)));
		buf_done(&a);
		buf_done(&b);
	}
}

static void invalid_text_is_mended(void **state)
{
	struct observation observation = sample_observation();
	struct map_options options = { .version = "1", .user_id = "a\xff" "b" };
	struct buf out = request(MAP_OTLP_PROTOBUF, &options, &observation, NULL, 1);

	(void)state;
	assert_text(child(protobuf_attribute(protobuf_span(buf_view(&out), 0), 9, "langfuse.user.id"), 1, 0),
	            "a\xef\xbf\xbd" "b");
	buf_done(&out);
}

static void a_cap_is_an_error(void **state)
{
	struct observation observation = sample_observation();

	(void)state;
	for (int format = MAP_OTLP_PROTOBUF; format <= MAP_INGESTION; format++) {
		struct buf out;
		struct err err;

		buf_init(&out, 600);
		assert_int_equal(map_request((enum map_format)format, &sample_options, &observation, NULL, 1, &out, &err),
		                 LF_ELIMIT);
		buf_done(&out);
	}
	observation.metadata = SLICE("[1]");
	for (int format = MAP_OTLP_PROTOBUF; format <= MAP_INGESTION; format++) {
		struct buf out;
		struct err err;

		buf_init(&out, 0);
		assert_int_equal(map_request((enum map_format)format, &sample_options, &observation, NULL, 1, &out, &err),
		                 LF_EINVAL);
		buf_done(&out);
	}
}

/* ---- values ---- */

static void environments_are_what_the_server_takes(void **state)
{
	static const char *const rows[][2] = {
		{ "production", "production" }, { "Prod.X", "prod-x" }, { " dev ", "dev" }, { "a_b-9", "a_b-9" },
		{ "langfuse-eval", "eval" }, { "Langfuse_x", "x" }, { "langfuselangfuse", "" }, { "", "" }, { "  ", "" },
		{ "0123456789012345678901234567890123456789abc", "0123456789012345678901234567890123456789" },
		{ "b\xc3\xbc", "b--" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		fields_environment(rows[i][0], &out);
		assert_text(buf_view(&out), rows[i][1]);
	}
	buf_clear(&out);
	fields_environment(NULL, &out);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void costs_are_numbers_above_zero(void **state)
{
	static const char *const rows[][2] = {
		{ "0.5", "{\"total\":0.5}" }, { "1e-7", "{\"total\":1e-7}" }, { "0", "" }, { "0.000", "" }, { "0e5", "" },
		{ "-1", "" }, { "", "" }, { "null", "" }, { "1,2", "" }, { "\"1\"", "" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		fields_cost(slice_of(rows[i][0]), &out);
		assert_text(buf_view(&out), rows[i][1]);
	}
	buf_done(&out);
}

static void session_ids_are_clamped(void **state)
{
	char text[300];
	struct buf out;

	(void)state;
	memset(text, 'a', sizeof(text));
	buf_init(&out, 0);
	fields_session((struct slice){ text, sizeof(text) }, &out);
	assert_int_equal(out.len, 200);
	buf_clear(&out);
	fields_session(SLICE("s\xc3\xa9s 1"), &out);
	assert_text(buf_view(&out), "s__s_1");
	buf_done(&out);
}

/* ---- ingestion ---- */

static void ingestion_has_traces_and_events(void **state)
{
	static const char *const types[] = { "span-create", "generation-create", "event-create", "span-create", "span-create" };
	struct observation observations[5];
	unsigned versions[5] = { 0, 2, 0, 0, 0 };
	struct json_doc doc;
	struct buf out;
	struct err err;
	int32_t event;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		observations[i] = sample_observation();
		observations[i].type = (enum observation_type)i;
		observations[i].span_id[7] = (uint8_t)i;
		observations[i].start_ms -= 1000 * i;
	}
	observations[2].trace_id[0] = 0x01;
	out = request(MAP_INGESTION, &sample_options, observations, versions, 5);
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, buf_view(&out), 0, &err), 0);
	event = json_first(&doc, 0, "batch");
	assert_true(json_string_is(&doc, json_get(&doc, event, "type"), "trace-create"));
	assert_true(json_string_is(&doc, json_path(&doc, event, "body.id"), "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"));
	assert_true(json_string_is(&doc, json_path(&doc, event, "body.timestamp"), "2026-11-21T03:59:09.671Z"));
	assert_true(json_string_is(&doc, json_path(&doc, event, "body.name"), "team: Fix the b\xc3\xbcg"));
	assert_true(json_string_is(&doc, json_path(&doc, event, "body.sessionId"), "ses_root"));
	assert_true(json_string_is(&doc, json_path(&doc, event, "body.environment"), "prod-x"));
	assert_true(json_string_is(&doc, json_path(&doc, event, "timestamp"), "2026-11-21T03:59:15.002Z"));
	assert_true(slice_is(json_raw(&doc, json_path(&doc, event, "body.tags")), "[\"one\",\"two\",\"three\"]"));
	event = doc.nodes[event].next;
	assert_true(json_string_is(&doc, json_get(&doc, event, "type"), "trace-create"));
	assert_true(json_string_is(&doc, json_path(&doc, event, "body.id"), "01a1a2a3a4a5a6a7a8a9aaabacadaeaf"));
	for (unsigned i = 0; i < 5; i++) {
		event = doc.nodes[event].next;
		assert_true(json_string_is(&doc, json_get(&doc, event, "type"), types[i]));
		assert_int_equal(json_path(&doc, event, "body.endTime") == JSON_NONE, i == OBS_EVENT);
		assert_int_equal(json_path(&doc, event, "body.usageDetails") == JSON_NONE, i != OBS_GENERATION);
		assert_true(json_string_is(&doc, json_path(&doc, event, "body.level"), "ERROR"));
	}
	assert_true(json_string_is(&doc, json_path(&doc, event, "body.metadata.type"), "tool"));
	assert_int_equal(doc.nodes[event].next, JSON_NONE);
	json_doc_done(&doc);
	buf_done(&out);
}

static void ingestion_generation_is_whole(void **state)
{
	static const char *const rows[][2] = {
		{ "id", "\"1011121314151617-3\"" }, { "timestamp", "\"2026-11-21T03:59:15.003Z\"" },
		{ "body.id", "\"1011121314151617\"" }, { "body.traceId", "\"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\"" },
		{ "body.parentObservationId", "\"2021222324252627\"" }, { "body.name", "\"assistant-response\"" },
		{ "body.startTime", "\"2026-11-21T03:59:13.671Z\"" }, { "body.endTime", "\"2026-11-21T03:59:15.000Z\"" },
		{ "body.completionStartTime", "\"2026-11-21T03:59:14.001Z\"" }, { "body.statusMessage", "\"it broke\"" },
		{ "body.model", "\"claude-sonnet-4-5\"" }, { "body.version", "\"1.2.3\"" },
		{ "body.modelParameters", "{\"temperature\":0.5,\"thinking\":\"{\\\"budget\\\":9}\"}" },
		{ "body.usageDetails", "{\"input\":0,\"output\":25,\"cache_read_input_tokens\":300,\"output_reasoning_tokens\":7}" },
		{ "body.costDetails", "{\"total\":0.0123400}" }, { "body.output", "\"line\\nb\\u00e4r\"" },
		{ "body.metadata.agent", "\"build\"" }, { "body.metadata.session", "\"ses_child\"" },
	};
	struct observation observation = sample_observation();
	unsigned version = 3;
	struct buf out = request(MAP_INGESTION, &sample_options, &observation, &version, 1);
	struct json_doc doc;
	struct err err;
	int32_t event;

	(void)state;
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, buf_view(&out), 0, &err), 0);
	event = doc.nodes[json_first(&doc, 0, "batch")].next;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_text(json_raw(&doc, json_path(&doc, event, rows[i][0])), rows[i][1]);
	json_doc_done(&doc);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protobuf_has_each_attribute),
		cmocka_unit_test(json_has_the_same_attributes),
		cmocka_unit_test(span_has_ids_times_and_status),
		cmocka_unit_test(empty_fields_are_left_out),
		cmocka_unit_test(protobuf_lengths_are_minimal),
		cmocka_unit_test(an_entry_is_what_opens_and_closes_write),
		cmocka_unit_test(bytes_are_deterministic),
		cmocka_unit_test(invalid_text_is_mended),
		cmocka_unit_test(a_cap_is_an_error),
		cmocka_unit_test(environments_are_what_the_server_takes),
		cmocka_unit_test(costs_are_numbers_above_zero),
		cmocka_unit_test(session_ids_are_clamped),
		cmocka_unit_test(ingestion_has_traces_and_events),
		cmocka_unit_test(ingestion_generation_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
