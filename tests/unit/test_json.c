/* JSON: what is accepted and refused, the document, text both ways, numbers, the writer. */
#include "base/json.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Literals with their length, since some hold NUL. */
#define L(text) { text, sizeof(text) - 1 }

/* Token by token: the same is refused at the same place. */
static void expect_tokens(struct slice text, int code, const char *words)
{
	struct json_reader reader;
	struct json_token token;
	struct err err = { 0 };

	json_reader_init(&reader, text, 0);
	while (json_next(&reader, &token) > JSON_BAD)
		;
	assert_int_equal(token.type, code == 0 ? JSON_END : JSON_BAD);
	if (code != 0) {
		err_set(&err, LF_EINVAL, "%s at byte %zu", reader.error, (size_t)(reader.pos - reader.base));
		assert_string_equal(err.text, words);
	}
}

static int parse(struct slice text)
{
	struct err err = { 0 };
	struct json_doc doc;
	/* An exact heap copy: a read beyond the end is seen by the address sanitizer. */
	char *copy = malloc(text.len ? text.len : 1);
	int code;

	assert_non_null(copy);
	memcpy(copy, text.ptr, text.len);
	json_doc_init(&doc);
	code = json_parse(&doc, (struct slice){ copy, text.len }, 0, &err);
	expect_tokens((struct slice){ copy, text.len }, code, err.text);
	json_doc_done(&doc);
	free(copy);
	return code;
}

static void accepts(void **state)
{
	static const struct slice rows[] = {
		L("null"), L(" true "), L("[]"), L("{}"), L("\r\n\t [ 1 , 2 ]"), L("{\"a\":{\"b\":[{}]},\"a\":1}"),
		L("0"), L("-0"), L("-0.0e-0"), L("1E+5"), L("123456789012345678901234567890.5e400"),
		L("\"\\u0000\\ud800\\\"\\/\\b\""), L("\"\x7f\""), L("\"\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(parse(rows[i]), 0);
}

static void refuses(void **state)
{
	static const struct slice rows[] = {
		L(""), L(" "), L("nul"), L("True"), L("[1,]"), L("[,1]"), L("[1 2]"), L("[1}"), L("{\"a\":1,}"), L("{,}"),
		L("{\"a\"}"), L("{\"a\":}"), L("{a:1}"), L("{1:1}"), L("{\"a\" 1}"), L("["), L("{"), L("{\"a\""), L("{\"a\":"),
		L("]"), L("1 2"), L("{}{}"), L("[]]"), L("null\0"), L("//\n1"), L("'a'"), L("NaN"), L("Infinity"),
		L("01"), L("-"), L("-a"), L("+1"), L(".5"), L("1."), L("1.e5"), L("1e"), L("1e+"), L("0x10"), L("-01"),
		L("\""), L("\"a"), L("\"\\\""), L("\"\\x\""), L("\"\\u12\""), L("\"\\u123g\""), L("\"\\\0\""), L("\"\n\""), L("\"\0\""), L("\"\x1f\""),
		L("\"\x80\""), L("\"\xc0\xaf\""), L("\"\xc1\xbf\""), L("\"\xe0\x9f\xbf\""), L("\"\xed\xa0\x80\""), L("\"\xf0\x8f\xbf\xbf\""),
		L("\"\xf4\x90\x80\x80\""), L("\"\xf5\x80\x80\x80\""), L("\"\xff\""), L("\"\xc3\""), L("\"\xe2\x82"), L("\"\xe2\x28\xa1\""), L("\"\xf0\x90\x80\""),
		L("\xef\xbb\xbf{}"), L("\xa0[]"), L("\f1"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (parse(rows[i]) != LF_EINVAL)
			fail_msg("accepted: row %zu, %.*s", i, (int)rows[i].len, rows[i].ptr);
	}
}

static void says_where(void **state)
{
	struct json_doc doc;
	struct err err;

	(void)state;
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, SLICE("{\"a\": [1, x]}"), 0, &err), LF_EINVAL);
	assert_non_null(strstr(err.text, "byte 10"));
	assert_int_equal(json_type_of(&doc, 0), JSON_END);
	json_doc_done(&doc);
}

static int parse_nested(int depth, char open, char close)
{
	struct buf text;
	int code;

	buf_init(&text, 0);
	for (int i = 0; i < depth; i++)
		buf_char(&text, open);
	for (int i = 0; i < depth; i++)
		buf_char(&text, close);
	code = parse(buf_view(&text));
	buf_done(&text);
	return code;
}

static void depth_is_bounded(void **state)
{
	struct json_reader reader;
	struct json_token token;

	(void)state;
	assert_int_equal(parse_nested(JSON_MAX_DEPTH, '[', ']'), 0);
	assert_int_equal(parse_nested(JSON_MAX_DEPTH + 1, '[', ']'), LF_EINVAL);
	assert_int_equal(parse_nested(1000000, '[', ']'), LF_EINVAL);
	json_reader_init(&reader, SLICE("[[]]"), 1);
	assert_int_equal(json_next(&reader, &token), JSON_ARRAY);
	assert_int_equal(json_next(&reader, &token), JSON_BAD);
	assert_int_equal(json_next(&reader, &token), JSON_BAD);
}

/* Objects and arrays at every level: the bit that tells them apart is set and cleared. */
static void levels_keep_their_kind(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	for (int i = 0; i < 250; i++)
		buf_text(&text, "[{\"k\":");
	buf_text(&text, "[[[],{}],{\"x\":[1,2]}]");
	for (int i = 0; i < 250; i++)
		buf_text(&text, "}]");
	assert_int_equal(parse(buf_view(&text)), 0);
	text.data[text.len - 200] ^= '}' ^ ']';
	assert_int_equal(parse(buf_view(&text)), LF_EINVAL);
	buf_done(&text);
}

static void nodes_are_bounded(void **state)
{
	struct json_doc doc;

	(void)state;
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, SLICE("[1,2,3]"), 4, NULL), 0);
	assert_int_equal(json_parse(&doc, SLICE("[1,2,3]"), 3, NULL), LF_ELIMIT);
	json_doc_done(&doc);
}

static void document_is_found(void **state)
{
	const char *text = " {\"a\":1,\"b\":{\"c\":[10,{\"d\":true}],\"\":5},\"a\":2,\"k\\u0065y\":\"v\\n\",\"q\\\\n\":3} ";
	struct json_doc doc;
	int32_t c;

	(void)state;
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_of(text), 0, NULL), 0);
	assert_int_equal(json_int(&doc, json_get(&doc, 0, "a"), -1), 2);
	assert_int_equal(json_get(&doc, 0, "z"), JSON_NONE);
	c = json_path(&doc, 0, "b.c");
	assert_true(slice_is(json_raw(&doc, c), "[10,{\"d\":true}]"));
	assert_int_equal(json_get(&doc, c, "d"), JSON_NONE);
	assert_true(json_bool(&doc, json_get(&doc, doc.nodes[doc.nodes[c].first].next, "d"), false));
	assert_int_equal(json_int(&doc, json_path(&doc, 0, "b."), -1), 5);
	assert_int_equal(json_path(&doc, 0, "a.b"), JSON_NONE);
	assert_true(json_string_is(&doc, json_get(&doc, 0, "key"), "v\n"));
	assert_false(json_string_is(&doc, json_get(&doc, 0, "key"), "v\\n"));
	assert_int_equal(json_int(&doc, json_get(&doc, 0, "q\\n"), -1), 3);
	assert_int_equal(json_get(&doc, 0, "q\n"), JSON_NONE);
	assert_true(json_key_is(&doc, json_get(&doc, 0, "key"), "key"));
	json_doc_done(&doc);
}

/* Keys of all lengths up to one that is longer than what is compared at once, each with its neighbours in the object. */
static void members_of_all_lengths(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEF";
	struct json_doc doc;
	struct buf text;
	char key[64];

	(void)state;
	json_doc_init(&doc);
	buf_init(&text, 0);
	for (unsigned few = 0; few < 2; few++) {
		buf_clear(&text);
		buf_text(&text, "{\"\":-1");
		for (int n = 1; n <= (few ? 4 : 20); n++)
			for (int at = 0; at < n; at++)
				buf_format(&text, ",\"%.*s*%s\":%d", at, letters, letters + sizeof letters - (n - at), n * 100 + at);
		buf_text(&text, "}");
		assert_int_equal(json_parse(&doc, buf_view(&text), 0, NULL), 0);
		assert_int_equal(json_int(&doc, json_get(&doc, 0, ""), 0), -1);
		for (int n = 1; n <= (few ? 4 : 20); n++)
			for (int at = 0; at < n; at++) {
				snprintf(key, sizeof key, "%.*s*%s", at, letters, letters + sizeof letters - (n - at));
				assert_int_equal(json_int(&doc, json_get(&doc, 0, key), 0), n * 100 + at);
				key[at] = '+';
				assert_int_equal(json_get(&doc, 0, key), JSON_NONE);
			}
	}
	buf_done(&text);
	json_doc_done(&doc);
}

static void members_with_escapes(void **state)
{
	struct json_doc doc;

	(void)state;
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, SLICE("{\"time\":1,\"\\u0074ime\":2,\"\\u0069d\":3,\"x\":[{\"id\":4}]}"), 0, NULL), 0);
	assert_int_equal(json_int(&doc, json_get(&doc, 0, "time"), 0), 2);
	assert_int_equal(json_int(&doc, json_get(&doc, 0, "id"), 0), 3);
	assert_int_equal(json_int(&doc, json_get(&doc, doc.nodes[json_get(&doc, 0, "x")].first, "id"), 0), 4);
	assert_int_equal(json_get(&doc, json_get(&doc, 0, "x"), "id"), JSON_NONE);
	json_doc_done(&doc);
}

static void missing_is_no_trouble(void **state)
{
	struct json_doc doc;
	struct buf text;

	(void)state;
	json_doc_init(&doc);
	buf_init(&text, 0);
	assert_int_equal(json_type_of(&doc, JSON_NONE), JSON_END);
	assert_int_equal(json_raw(&doc, 7).len, 0);
	assert_int_equal(json_path(&doc, JSON_NONE, "a.b"), JSON_NONE);
	assert_false(json_string_is(&doc, JSON_NONE, ""));
	assert_false(json_key_is(&doc, JSON_NONE, ""));
	assert_int_equal(json_text(&doc, JSON_NONE, &text), LF_ENOENT);
	assert_null(json_strdup(&doc, JSON_NONE, 10));
	assert_int_equal(json_int(&doc, JSON_NONE, 7), 7);
	assert_true(json_bool(&doc, JSON_NONE, true));
	buf_done(&text);
	json_doc_done(&doc);
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} rows[] = {
		{ "0", 0 }, { "-0", 0 }, { "1e3", 1000 }, { "5.0", 5 }, { "1.50e1", 15 }, { "120e-1", 12 }, { "0.001e3", 1 },
		{ "9223372036854775807", INT64_MAX }, { "9223372036854775808", INT64_MAX }, { "-9223372036854775808", INT64_MIN },
		{ "-9223372036854775807", -INT64_MAX }, { "-9223372036854775809", INT64_MIN }, { "1e99", INT64_MAX }, { "-1e999999999999", INT64_MIN },
		{ "9007199254740993.0", 9007199254740993 }, { "999999999999999999", 999999999999999999 }, { "1000000000000000001", 1000000000000000001 },
		{ "0e999999999", 0 }, { "0.0e-999999999999", 0 },
		{ "1.5", -77 }, { "1e-1", -77 }, { "1e-99999999999", -77 }, { "\"5\"", -77 }, { "null", -77 }, { "[5]", -77 },
	};
	struct json_doc doc;

	(void)state;
	json_doc_init(&doc);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(json_parse(&doc, slice_of(rows[i].text), 0, NULL), 0);
		assert_true(json_int(&doc, 0, -77) == rows[i].value);
	}
	json_doc_done(&doc);
}

static void strings_on_the_heap(void **state)
{
	struct json_doc doc;
	char *text;

	(void)state;
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, SLICE("[\"\\u00e9\\ud83d\\ude00\",\"a\\u0000b\",\"\",5]"), 0, NULL), 0);
	text = json_strdup(&doc, 1, 6);
	assert_string_equal(text, "\xc3\xa9\xf0\x9f\x98\x80");
	free(text);
	assert_null(json_strdup(&doc, 1, 5));
	assert_null(json_strdup(&doc, 2, 100));
	text = json_strdup(&doc, 3, 100);
	assert_string_equal(text, "");
	free(text);
	assert_null(json_strdup(&doc, 4, 100));
	json_doc_done(&doc);
}

static void check_unescape(const char *raw, struct slice want)
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(json_unescape(slice_of(raw), &out), 0);
	assert_int_equal(out.len, want.len);
	if (want.len)
		assert_memory_equal(out.data, want.ptr, want.len);
	buf_done(&out);
}

static void unescapes(void **state)
{
	(void)state;
	check_unescape("\"\"", SLICE_NONE);
	check_unescape("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", SLICE("a\"\\/\b\f\n\r\tz"));
	check_unescape("\"\\u0000\\u007F\\u07ff\\uFFFF\"", SLICE("\0\x7f\xdf\xbf\xef\xbf\xbf"));
	check_unescape("\"\\ud83d\\ude00\"", SLICE("\xf0\x9f\x98\x80"));
	check_unescape("\"\\ud83dx\"", SLICE("\xef\xbf\xbdx"));
	check_unescape("\"\\ude00\\ud83d\"", SLICE("\xef\xbf\xbd\xef\xbf\xbd"));
	check_unescape("\"\\ud83d\\ud83d\\ude00\"", SLICE("\xef\xbf\xbd\xf0\x9f\x98\x80"));
	check_unescape("\"\\ud83d\\u0041\"", SLICE("\xef\xbf\xbd" "A"));
}

static void check_escape(struct slice text, const char *want)
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(json_escape(text, &out), 0);
	assert_string_equal(out.data, want);
	assert_int_equal(parse(buf_view(&out)), 0);
	buf_done(&out);
}

static void escapes(void **state)
{
	(void)state;
	check_escape(SLICE_NONE, "\"\"");
	check_escape(SLICE("a\"\\\b\f\n\r\t\x01\x1f/\x7f"), "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/\x7f\"");
	check_escape(SLICE("\0x"), "\"\\u0000x\"");
	check_escape(SLICE("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
	/* One replacement for each maximal part of a broken sequence. */
	check_escape(SLICE("a\xf0\x9f\x98z\xff\xff"), "\"a\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\"");
	check_escape(SLICE("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void utf8_is_cut_at_characters(void **state)
{
	const struct slice text = SLICE("a\xc3\xa9\xf0\x9f\x98\x80");
	static const size_t want[] = { 0, 1, 1, 3, 3, 3, 3, 7, 7 };

	(void)state;
	for (size_t i = 0; i < COUNT(want); i++)
		assert_int_equal(json_utf8_cut(text, i).len, want[i]);
	assert_int_equal(json_utf8_valid(text), 7);
	assert_int_equal(json_utf8_valid((struct slice){ text.ptr, 6 }), 3);
	assert_int_equal(json_utf8_valid(SLICE_NONE), 0);
}

static void writer_places_commas(void **state)
{
	struct json_writer writer;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	json_writer_init(&writer, &out);
	jw_object(&writer);
	jw_key(&writer, "a");
	jw_array(&writer);
	jw_int(&writer, INT64_MIN);
	jw_uint(&writer, UINT64_MAX);
	jw_array(&writer);
	jw_array_close(&writer);
	jw_object(&writer);
	jw_object_close(&writer);
	jw_bool(&writer, true);
	jw_array_close(&writer);
	jw_key(&writer, "b\n");
	jw_text(&writer, NULL);
	jw_key(&writer, "c");
	jw_raw(&writer, SLICE("[1]"));
	jw_object_close(&writer);
	assert_string_equal(out.data, "{\"a\":[-9223372036854775808,18446744073709551615,[],{},true],\"b\\n\":null,\"c\":[1]}");
	buf_done(&out);
}

static void writer_stops_at_depth(void **state)
{
	struct json_writer writer;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	json_writer_init(&writer, &out);
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		jw_array(&writer);
	assert_int_equal(out.failed, 0);
	jw_array(&writer);
	assert_int_equal(out.failed, LF_ELIMIT);
	buf_done(&out);
}

static void doubles_are_short_and_exact(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0.1, "0.1" }, { 0.003765, "0.003765" }, { 1.0 / 3, "0.3333333333333333" }, { 0.1 + 0.2, "0.30000000000000004" },
		{ 100, "100" }, { -0.0, "-0" }, { 1e21, "1e+21" }, { 5e-324, "4.94065645841247e-324" },
	};
	struct json_writer writer;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		json_writer_init(&writer, &out);
		jw_double(&writer, rows[i].value);
		assert_string_equal(out.data, rows[i].text);
		assert_int_equal(parse(buf_view(&out)), 0);
	}
	buf_clear(&out);
	json_writer_init(&writer, &out);
	jw_double(&writer, (double)INFINITY);
	assert_string_equal(out.data, "null");
	buf_done(&out);
}

static void doubles_are_read(void **state)
{
	struct json_doc doc;
	struct buf text;

	(void)state;
	json_doc_init(&doc);
	buf_init(&text, 0);
	assert_int_equal(json_parse(&doc, SLICE("0.003765"), 0, NULL), 0);
	assert_true(json_double(&doc, 0, -1) == 0.003765);
	/* Longer than any number that one would keep on the stack. */
	buf_text(&text, "1.");
	for (int i = 0; i < 500; i++)
		buf_char(&text, '5');
	assert_int_equal(json_parse(&doc, buf_view(&text), 0, NULL), 0);
	assert_true(fabs(json_double(&doc, 0, -1) - 14.0 / 9) < 1e-15);
	buf_done(&text);
	json_doc_done(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts), cmocka_unit_test(refuses), cmocka_unit_test(says_where),
		cmocka_unit_test(depth_is_bounded), cmocka_unit_test(levels_keep_their_kind), cmocka_unit_test(nodes_are_bounded),
		cmocka_unit_test(document_is_found), cmocka_unit_test(members_of_all_lengths),
		cmocka_unit_test(members_with_escapes), cmocka_unit_test(missing_is_no_trouble), cmocka_unit_test(integers),
		cmocka_unit_test(strings_on_the_heap), cmocka_unit_test(unescapes), cmocka_unit_test(escapes),
		cmocka_unit_test(utf8_is_cut_at_characters), cmocka_unit_test(writer_places_commas),
		cmocka_unit_test(writer_stops_at_depth), cmocka_unit_test(doubles_are_short_and_exact),
		cmocka_unit_test(doubles_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
