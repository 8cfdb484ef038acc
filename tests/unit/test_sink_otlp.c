/* The OTLP readers: what Langfuse makes of attributes, both formats alike, and nothing but errors for what is malformed. */
#include "sink_client.h"
#include "sink/otlp.h"

#define NOW_MS 1795000000000
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct attribute {
	const char *key, *text;
};

static struct buf protobuf_of(const struct attribute *attributes, size_t count)
{
	struct buf span, out;

	pb_span(&span, TRACE_A, SLICE("aaaaaaaa"), SLICE("pppppppp"), "name");
	for (size_t i = 0; i < count; i++)
		pb_attribute(&span, 9, attributes[i].key, attributes[i].text);
	pb_request(&out, &span);
	return out;
}

static struct buf json_of(const struct attribute *attributes, size_t count)
{
	struct buf out;

	buf_init(&out, 0);
	(void)buf_text(&out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.version\",\"value\":{\"stringValue\":\"1.2\"}}]},"
		"\"scopeSpans\":[{\"spans\":[{\"traceId\":\"" TRACE_A_HEX "\",\"spanId\":\"6161616161616161\",\"parentSpanId\":\"7070707070707070\","
		"\"name\":\"name\",\"startTimeUnixNano\":\"1795233553671000000\",\"endTimeUnixNano\":1795233554671000000,"
		"\"attributes\":[{\"key\":\"langfuse.session.id\",\"value\":{\"stringValue\":\"ses_1\"}}");
	for (size_t i = 0; i < count; i++) {
		(void)buf_text(&out, ",{\"key\":");
		(void)json_escape(slice_of(attributes[i].key), &out);
		(void)buf_text(&out, ",\"value\":{\"stringValue\":");
		(void)json_escape(slice_of(attributes[i].text), &out);
		(void)buf_text(&out, "}}");
	}
	(void)buf_text(&out, "]}]}]}]}");
	return out;
}

typedef int decode_fn(struct slice body, bool strict_ids, int64_t now_ms, struct sink_batch *batch, struct err *err);

/* The neutral form of the only span of a request. */
static struct buf decoded(decode_fn *decode, struct buf *body)
{
	struct sink_batch batch;
	struct err err = { 0 };
	struct buf line;

	sink_batch_init(&batch, 1u << 20);
	if (decode(buf_view(body), true, NOW_MS, &batch, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(batch.count, 1);
	buf_init(&line, 0);
	assert_int_equal(observation_json(&batch.spans[0].obs, &line), 0);
	sink_batch_done(&batch);
	buf_done(body);
	return line;
}

static void test_attributes(void **state)
{
	static const struct {
		struct attribute attributes[3];
		const char *words;
	} rows[] = {
		{ { { "langfuse.observation.type", "generation" } }, "{\"type\":\"generation\"," },
		{ { { "langfuse.observation.type", "AGENT" } }, "{\"type\":\"agent\"," },
		{ { { "langfuse.observation.type", "llm" }, { "gen_ai.operation.name", "execute_tool" } }, "{\"type\":\"tool\"," },
		{ { { "gen_ai.tool.name", "bash" } }, "{\"type\":\"tool\"," },
		{ { { "gen_ai.tool.name", "bash" } }, "\"name\":\"bash\"" },
		{ { { "gen_ai.request.model", "m" } }, "{\"type\":\"generation\"," },
		{ { { "langfuse.observation.level", "warn" } }, "\"level\":\"WARNING\"" },
		{ { { "langfuse.observation.status_message", "interrupted" } }, "\"status\":\"interrupted\"" },
		{ { { "langfuse.observation.model.name", "a" }, { "gen_ai.request.model", "b" } }, "\"model\":\"a\"" },
		{ { { "langfuse.observation.usage_details", "{\"input\":3,\"cache_read_input_tokens\":2,\"output_reasoning_tokens\":1}" } },
		  "\"usage\":{\"input\":3,\"reasoning\":1,\"cache_read\":2}" },
		{ { { "langfuse.observation.cost_details", "{\"total\":0.10}" } }, "\"cost\":\"0.10\"" },
		{ { { "langfuse.observation.cost_details", "{\"input\":0.25,\"output\":0.5}" } }, "\"cost\":\"0.75\"" },
		{ { { "langfuse.observation.completion_start_time", "2026-11-21T05:13:25.133Z" } }, "\"completion_start\":1795238005133" },
		{ { { "langfuse.observation.input", "words" } }, "\"input\":\"words\"" },
		{ { { "langfuse.observation.input", "{\"a\":[1]}" } }, "\"input\":{\"a\":[1]}" },
		{ { { "langfuse.observation.output", "o" } }, "\"output\":\"o\"" },
		{ { { "langfuse.observation.metadata", "{\"session\":\"ses_2\",\"message\":\"msg_1\"}" } }, "\"own_session\":\"ses_2\",\"message\":\"msg_1\"" },
		{ { { "langfuse.observation.metadata", "{\"a\":1}" }, { "langfuse.observation.metadata.b", "2" } }, "\"metadata\":{\"a\":1,\"b\":\"2\"}" },
		{ { { "langfuse.trace.name", "title" } }, "\"title\":\"title\"" },
		{ { { "langfuse.session.id", "" } }, "\"parent\":\"7070707070707070\"" },
		{ { { "gen_ai.operation.name", "invoke_agent" }, { "langfuse.observation.usage_details", "{\"input\":3}" } }, "\"end\":1795233554671}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = 0;
		struct buf body, first, second;

		while (n < 3 && rows[i].attributes[n].key)
			n++;
		body = protobuf_of(rows[i].attributes, n);
		first = decoded(otlp_decode_protobuf, &body);
		body = json_of(rows[i].attributes, n);
		second = decoded(otlp_decode_json, &body);
		if (!strstr(first.data, rows[i].words))
			fail_msg("no %s in %s", rows[i].words, first.data);
		assert_string_equal(first.data, second.data);
		buf_done(&first);
		buf_done(&second);
	}
}

static void test_environments(void **state)
{
	static const struct attribute rows[][2] = { /* given, kept */
		{ { "langfuse.environment", "Prod" }, { "", "prod" } }, { { "deployment.environment.name", "langfuse-x" }, { "", "x" } },
		{ { "langfuse.environment", "Prod.X" }, { "", "default" } }, { { "other", "x" }, { "", "default" } },
		{ { "langfuse.environment", "0123456789012345678901234567890123456789more" }, { "", "0123456789012345678901234567890123456789" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf body = protobuf_of(rows[i], 1);
		struct sink_batch batch;
		struct err err = { 0 };

		sink_batch_init(&batch, 1u << 20);
		assert_int_equal(otlp_decode_protobuf(buf_view(&body), false, NOW_MS, &batch, &err), 0);
		assert_true(slice_is(batch.spans[0].environment, rows[i][1].text));
		assert_true(slice_is(batch.spans[0].version, "1.2"));
		sink_batch_done(&batch);
		buf_done(&body);
	}
}

/* A span with one attribute whose value is the message given; the JSON that it becomes, or NULL when it is refused. */
static char *value_json(struct buf *value)
{
	struct buf span, pair, body;
	struct sink_batch batch;
	struct err err = { 0 };
	char *ret = NULL;

	pb_span(&span, TRACE_A, SLICE("aaaaaaaa"), SLICE_NONE, "name");
	buf_init(&pair, 0);
	pb_bytes(&pair, 1, SLICE("langfuse.observation.input"));
	pb_message(&pair, 2, value);
	pb_message(&span, 9, &pair);
	pb_request(&body, &span);
	sink_batch_init(&batch, 1u << 20);
	if (otlp_decode_protobuf(buf_view(&body), false, NOW_MS, &batch, &err) == 0) {
		ret = calloc(1, batch.spans[0].obs.input.len + 1);
		assert_non_null(ret);
		memcpy(ret, batch.spans[0].obs.input.ptr, batch.spans[0].obs.input.len);
	}
	sink_batch_done(&batch);
	buf_done(&body);
	return ret;
}

static void reads_as(struct buf *value, const char *json)
{
	char *got = value_json(value);

	if (json)
		assert_string_equal(got, json);
	else
		assert_null(got);
	free(got);
}

static void test_values(void **state)
{
	struct buf value, list, item;

	(void)state;
	buf_init(&value, 0);
	pb_number(&value, 3, (uint64_t)-5);
	reads_as(&value, "-5");
	pb_number(&value, 2, 1);
	reads_as(&value, "true");
	pb_fixed64(&value, 4, UINT64_C(0x3fe0000000000000));
	reads_as(&value, "0.5");
	pb_bytes(&value, 7, SLICE("\xff\xfe"));
	reads_as(&value, "\"//4=\"");
	pb_bytes(&value, 1, SLICE("\xff"));
	reads_as(&value, NULL);
	pb_number(&value, 1, 3);
	reads_as(&value, NULL);
	buf_init(&list, 0);
	buf_init(&item, 0);
	pb_bytes(&item, 1, SLICE("a"));
	pb_message(&list, 1, &item);
	pb_number(&item, 3, 2);
	pb_message(&list, 1, &item);
	pb_message(&value, 5, &list);
	reads_as(&value, "[\"a\",2]");
	pb_bytes(&item, 1, SLICE("k"));
	pb_bytes(&item, 2, SLICE("\x10\x01"));
	pb_message(&list, 1, &item);
	pb_message(&value, 6, &list);
	reads_as(&value, "{\"k\":true}");
}

static void test_nesting_has_a_limit(void **state)
{
	struct buf value, list;

	(void)state;
	for (unsigned depth = 32; depth <= 33; depth++) {
		buf_init(&value, 0);
		pb_number(&value, 3, 1);
		for (unsigned i = 0; i < depth; i++) {
			buf_init(&list, 0);
			pb_message(&list, 1, &value);
			pb_message(&value, 5, &list);
		}
		if (depth == 33)
			reads_as(&value, NULL);
		else
			reads_as(&value, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	}
}

static void test_times(void **state)
{
	static const struct {
		uint64_t start_ns, end_ns;
		int64_t start_ms, end_ms;
	} rows[] = {
		{ 5000000, 7999999, 5, 7 }, { 5000000, 0, 5, 5 }, { 0, 7000000, 7, 7 }, { 0, 0, NOW_MS, NOW_MS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf span, body;
		struct sink_batch batch;
		struct err err = { 0 };

		buf_init(&span, 0);
		pb_bytes(&span, 1, TRACE_A);
		pb_bytes(&span, 2, SLICE("aaaaaaaa"));
		pb_fixed64(&span, 7, rows[i].start_ns);
		pb_fixed64(&span, 8, rows[i].end_ns);
		pb_request(&body, &span);
		sink_batch_init(&batch, 1u << 20);
		assert_int_equal(otlp_decode_protobuf(buf_view(&body), true, NOW_MS, &batch, &err), 0);
		assert_int_equal(batch.spans[0].obs.start_ms, rows[i].start_ms);
		assert_int_equal(batch.spans[0].obs.end_ms, rows[i].end_ms);
		sink_batch_done(&batch);
		buf_done(&body);
	}
}

static void test_strict_ids(void **state)
{
	static const struct {
		struct slice trace, span, parent;
		int loose, strict;
	} rows[] = {
		{ { "AAAAAAAAAAAAAAAA", 16 }, { "aaaaaaaa", 8 }, { NULL, 0 }, 0, 0 },
		{ { "AAAAAAAAAAAAAAA", 15 }, { "aaaaaaaa", 8 }, { NULL, 0 }, 0, LF_EINVAL },
		{ { "AAAAAAAAAAAAAAAA", 16 }, { "aaaaaaa", 7 }, { NULL, 0 }, 0, LF_EINVAL },
		{ { "AAAAAAAAAAAAAAAA", 16 }, { "\0\0\0\0\0\0\0\0", 8 }, { NULL, 0 }, 0, LF_EINVAL },
		{ { "AAAAAAAAAAAAAAAA", 16 }, { "aaaaaaaa", 8 }, { "p", 1 }, 0, LF_EINVAL },
		{ { "", 0 }, { "aaaaaaaa", 8 }, { NULL, 0 }, LF_EINVAL, LF_EINVAL },
		{ { "AAAAAAAAAAAAAAAA", 16 }, { "", 0 }, { NULL, 0 }, LF_EINVAL, LF_EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int strict = 0; strict < 2; strict++) {
			struct buf span, body;
			struct sink_batch batch;
			struct err err = { 0 };

			pb_span(&span, rows[i].trace, rows[i].span, rows[i].parent, "name");
			pb_request(&body, &span);
			sink_batch_init(&batch, 1u << 20);
			assert_int_equal(otlp_decode_protobuf(buf_view(&body), strict == 1, NOW_MS, &batch, &err), strict ? rows[i].strict : rows[i].loose);
			sink_batch_done(&batch);
			buf_done(&body);
		}
}

static int try_both(struct slice body)
{
	struct sink_batch batch;
	struct err err = { 0 };
	int rc;

	sink_batch_init(&batch, 1u << 20);
	rc = otlp_decode_protobuf(body, false, NOW_MS, &batch, &err);
	sink_batch_done(&batch);
	sink_batch_init(&batch, 1u << 20);
	(void)otlp_decode_json(body, false, NOW_MS, &batch, &err);
	sink_batch_done(&batch);
	return rc;
}

/* Every truncation and every changed byte: refused or read, never worse. A copy of the exact size lets the sanitizer see. */
static void test_damage(void **state)
{
	static const struct attribute some[] = { { "langfuse.observation.metadata", "{\"a\":1}" }, { "langfuse.trace.tags", "a,b" } };
	struct buf forms[2] = { protobuf_of(some, 2), json_of(some, 2) };
	size_t refused = 0;

	(void)state;
	for (size_t f = 0; f < 2; f++)
		for (size_t n = 0; n < forms[f].len; n++) {
			char *copy = malloc(n ? n : 1);

			assert_non_null(copy);
			memcpy(copy, forms[f].data, n);
			refused += try_both((struct slice){ copy, n }) != 0 ? 1 : 0;
			free(copy);
			for (int bit = 0; bit < 8; bit++) {
				forms[f].data[n] = (char)(forms[f].data[n] ^ 1 << bit);
				(void)try_both(buf_view(&forms[f]));
				forms[f].data[n] = (char)(forms[f].data[n] ^ 1 << bit);
			}
		}
	assert_true(refused > forms[0].len / 2);
	buf_done(&forms[0]);
	buf_done(&forms[1]);
}

static void test_wire_errors(void **state)
{
	static const struct slice bad[] = {
		{ "\x0a", 1 },                                             /* no length */
		{ "\x0a\x01", 2 },                                         /* length beyond the end, by one and by more */
		{ "\x0a\x05", 2 },
		{ "\x08\x01", 2 },                                         /* a known field of another wire type */
		{ "\x0b", 1 },                                             /* a group */
		{ "\x00", 1 },                                             /* field 0 */
		{ "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11 },    /* more than 64 bits */
		{ "\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12 }, /* more than ten bytes */
		{ "\x11\x01", 2 },                                         /* half a fixed64 */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(try_both(bad[i]), LF_EINVAL);
	assert_int_equal(try_both(SLICE("\x10\x01\x1d\x01\x02\x03\x04")), 0); /* unknown fields */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_environments), cmocka_unit_test(test_values),
		cmocka_unit_test(test_nesting_has_a_limit), cmocka_unit_test(test_times), cmocka_unit_test(test_strict_ids),
		cmocka_unit_test(test_damage), cmocka_unit_test(test_wire_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
