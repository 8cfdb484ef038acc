/*
 * Any bytes through the JSON code. Whatever is accepted must come out again: a document that is written
 * anew from its nodes parses to the same values, and a text that is unescaped and escaped twice is stable.
 */
#include "base/json.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_text(const struct json_doc *doc, int32_t node)
{
	struct buf text, raw, again;
	struct json_doc back;

	buf_init(&text, 0);
	buf_init(&raw, 0);
	buf_init(&again, 0);
	json_doc_init(&back);
	require(json_text(doc, node, &text) == 0);
	require(json_utf8_valid(buf_view(&text)) == text.len);
	require(json_escape(buf_view(&text), &raw) == 0);
	require(json_parse(&back, buf_view(&raw), 1, NULL) == 0);
	require(json_text(&back, 0, &again) == 0);
	require(slice_equal(buf_view(&text), buf_view(&again)));
	json_doc_done(&back);
	buf_done(&again);
	buf_done(&raw);
	buf_done(&text);
}

static void check_node(const struct json_doc *doc, int32_t node, const char *start, const char *end)
{
	struct slice raw = json_raw(doc, node);

	require(raw.len > 0 && raw.ptr >= start && raw.ptr + raw.len <= end);
	json_int(doc, node, 0);
	json_double(doc, node, 0);
	json_get(doc, node, "a");
	if (json_type_of(doc, node) == JSON_STRING)
		check_text(doc, node);
}

static void check_escape(struct slice bytes)
{
	struct json_doc doc;
	struct buf raw;

	json_doc_init(&doc);
	buf_init(&raw, 0);
	require(json_escape(bytes, &raw) == 0);
	require(json_parse(&doc, buf_view(&raw), 0, NULL) == 0);
	require(json_type_of(&doc, 0) == JSON_STRING && doc.count == 1);
	buf_done(&raw);
	json_doc_done(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = { (const char *)data, size };
	struct json_doc doc;
	struct err err;

	json_doc_init(&doc);
	if (json_parse(&doc, input, 100000, &err) == 0)
		for (int32_t i = 0; i < doc.count; i++)
			check_node(&doc, i, input.ptr, input.ptr + input.len);
	json_doc_done(&doc);
	check_escape(input);
	json_utf8_cut(input, size / 2);
	return 0;
}
