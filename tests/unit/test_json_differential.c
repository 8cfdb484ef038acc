/*
 * Our tokenizer against json-c: recordings and thousands of damaged copies of them, and what a fuzzer found, must be accepted by
 * both or by none, and mean the same. json-c (strict) is laxer in known ways, each of which is
 * checked to be the reason when only it accepts: UTF-8 that is not valid, control characters in strings,
 * a number that ends with its point or begins with needless zeros, a NUL behind the value.
 */
/* Two of json-c's types have names of ours. */
#define json_type jsonc_type
#define json_bool jsonc_bool
#include <json-c/json.h>
#undef json_type
#undef json_bool

#include "base/file.h"
#include "base/json.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAMAGED_COPIES 3000

static const char *const files[] = { "unicode.json", "badtool.json", "subagent.json" };

static void read_fixture(const char *name, struct buf *out)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	struct err err;

	snprintf(path, sizeof(path), "%s/tests/fixtures/json/%s", srcdir ? srcdir : ".", name);
	if (file_read_all(path, 1 << 20, out, &err))
		fail_msg("%s", err.text);
}

/* What json-c makes of a whole text, or NULL. */
static struct json_object *parse_theirs(struct slice text)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH);
	struct json_object *object;

	char *copy = malloc(text.len + 1);

	/* Without a NUL at its end it waits for more of a number. */
	assert_non_null(copy);
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, copy, (int)text.len + 1);
	free(copy);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) < text.len - 1) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

/* Looks at the byte where we stopped: is it one of the things that json-c lets pass? */
static bool known_difference(struct slice text, struct err *err)
{
	struct json_reader reader;
	struct json_token token;
	const char *at;

	json_reader_init(&reader, text, 0);
	while (json_next(&reader, &token) > JSON_BAD)
		;
	at = reader.pos;
	err_set(err, LF_EINVAL, "%s at byte %zu", reader.error, (size_t)(at - text.ptr));
	if (!strcmp(reader.error, "invalid UTF-8"))
		return json_utf8_valid(text) == (size_t)(at - text.ptr);
	if (!strcmp(reader.error, "a control character in a string"))
		return (unsigned char)*at < 0x20;
	if (!strcmp(reader.error, "something stands after the value")) /* a NUL ends its text */
		return *at == '\0';
	if (!strcmp(reader.error, "a fraction without digits"))
		return at[-1] == '.' && (*at < '0' || *at > '9');
	if (!strcmp(reader.error, "a number with a leading zero"))
		return at[-1] == '0' && *at >= '0' && *at <= '9';
	return false;
}

static void compare_string(const struct json_doc *doc, int32_t node, struct json_object *theirs, struct buf *text)
{
	buf_clear(text);
	assert_int_equal(json_text(doc, node, text), 0);
	assert_int_equal(text->len, json_object_get_string_len(theirs));
	if (text->len)
		assert_memory_equal(text->data, json_object_get_string(theirs), text->len);
}

static void compare_number(const struct json_doc *doc, int32_t node, struct json_object *theirs)
{
	int64_t ours = json_int(doc, node, INT64_MIN);

	/* Beyond 64 bits, json-c and we clamp differently. */
	if (json_object_is_type(theirs, json_type_int) && ours != INT64_MIN && ours != INT64_MAX)
		assert_true(ours == json_object_get_int64(theirs));
	else if (json_object_is_type(theirs, json_type_double))
		assert_true(json_double(doc, node, 0) == json_object_get_double(theirs));
}

static struct json_object *their_member(struct json_object *parent, const struct json_doc *doc, int32_t node, size_t index)
{
	struct slice key = doc->nodes[node].key;
	struct json_object *member = NULL;
	struct buf name;

	if (!key.len)
		return json_object_array_get_idx(parent, index);
	buf_init(&name, 0);
	json_unescape(key, &name);
	buf_char(&name, '\0');
	assert_true(json_object_object_get_ex(parent, name.data, &member));
	buf_done(&name);
	return member;
}

static void compare_value(const struct json_doc *doc, int32_t node, struct json_object *theirs, struct buf *text)
{
	switch (json_type_of(doc, node)) {
	case JSON_STRING:
		assert_true(json_object_is_type(theirs, json_type_string));
		compare_string(doc, node, theirs, text);
		break;
	case JSON_NUMBER:
		compare_number(doc, node, theirs);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		assert_true(json_object_is_type(theirs, json_type_boolean));
		assert_int_equal(json_bool(doc, node, false), json_object_get_boolean(theirs));
		break;
	case JSON_NULL:
		assert_null(theirs);
		break;
	default:
		assert_true(json_object_is_type(theirs, json_type_of(doc, node) == JSON_OBJECT ? json_type_object : json_type_array));
		break;
	}
}

static bool is_overridden(const struct json_doc *doc, int32_t object, int32_t node)
{
	char *key;
	bool overridden = false;
	struct buf name;

	if (!doc->nodes[node].key.len)
		return false;
	buf_init(&name, 0);
	json_unescape(doc->nodes[node].key, &name);
	key = buf_take(&name, NULL);
	if (key)
		overridden = json_get(doc, object, key) != node;
	free(key);
	return overridden;
}

/* Compares both documents value by value; their counterparts lie in an array beside our nodes. */
static void compare(const struct json_doc *doc, struct json_object *top)
{
	struct json_object **theirs = calloc((size_t)doc->count, sizeof(struct json_object *));
	bool *skipped = calloc((size_t)doc->count, sizeof(bool));
	struct buf text;

	assert_non_null(theirs);
	assert_non_null(skipped);
	buf_init(&text, 0);
	theirs[0] = top;
	for (int32_t i = 0; i < doc->count; i++) {
		size_t index = 0;

		if (!skipped[i])
			compare_value(doc, i, theirs[i], &text);
		for (int32_t child = doc->nodes[i].first; child != JSON_NONE; child = doc->nodes[child].next) {
			skipped[child] = skipped[i] || is_overridden(doc, i, child);
			if (!skipped[child])
				theirs[child] = their_member(theirs[i], doc, child, index);
			index++;
		}
	}
	buf_done(&text);
	free(skipped);
	free(theirs);
}

/* True when both accepted. */
static bool check(struct slice text)
{
	struct json_object *theirs = parse_theirs(text);
	struct json_doc doc;
	struct err err;
	bool ours;

	json_doc_init(&doc);
	ours = json_parse(&doc, text, 0, NULL) == 0;
	if (ours && !theirs)
		fail_msg("only we accept: %.*s", (int)text.len, text.ptr);
	if (!ours && theirs && !known_difference(text, &err))
		fail_msg("only json-c accepts (%s): %.*s", err.text, (int)text.len, text.ptr);
	if (ours)
		compare(&doc, theirs);
	json_doc_done(&doc);
	json_object_put(theirs);
	return ours;
}

/* Each line of an event stream, each document of a session. nftw() passes no context. */
static unsigned recorded;

static int check_recording(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	const char *dot = strrchr(path, '.');
	bool lines = dot && strcmp(dot, ".jsonl") == 0;
	struct buf text;
	struct err err;

	(void)ftw;
	if (type != FTW_F || !dot || (!lines && strcmp(dot, ".json") != 0))
		return 0;
	buf_init(&text, 0);
	if (file_read_all(path, (size_t)info->st_size + 1, &text, &err))
		fail_msg("%s", err.text);
	for (size_t at = 0; at < text.len;) {
		const char *newline = lines ? memchr(text.data + at, '\n', text.len - at) : NULL;
		size_t end = newline ? (size_t)(newline - text.data) : text.len;
		char *copy = malloc(end - at + 1);

		assert_non_null(copy);
		memcpy(copy, text.data + at, end - at);
		if (end > at && !check((struct slice){ copy, end - at }))
			fail_msg("%s: no valid JSON at byte %zu", path, at);
		free(copy);
		recorded++;
		at = end + 1;
	}
	buf_done(&text);
	return 0;
}

static void recorded_sessions_agree(void **state)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/fixtures/opencode", srcdir ? srcdir : ".");
	assert_int_equal(nftw(path, check_recording, 16, FTW_PHYS), 0);
	assert_in_range(recorded, 1000, 1000000);
}

/* What a coverage-guided fuzzer of our tokenizer kept: one input a line, in hex. */
static void fuzzed_inputs_agree(void **state)
{
	struct buf text;
	unsigned count = 0, accepted = 0;

	(void)state;
	buf_init(&text, 0);
	read_fixture("fuzz.hex", &text);
	for (size_t at = 0; at < text.len; count++) {
		const char *newline = memchr(text.data + at, '\n', text.len - at);
		size_t n = ((newline ? (size_t)(newline - text.data) : text.len) - at) / 2;
		char *input = malloc(n + 1);

		assert_non_null(input);
		input[n] = '\0'; /* is looked at where the text ends too early */
		for (size_t i = 0; i < n; i++) {
			unsigned byte = 0;

			assert_int_equal(sscanf(text.data + at + 2 * i, "%2x", &byte), 1);
			input[i] = (char)byte;
		}
		accepted += n > 0 && check((struct slice){ input, n });
		free(input);
		at += 2 * n + 1;
	}
	assert_in_range(count, 400, 100000);
	assert_in_range(accepted, 10, count - 10);
	buf_done(&text);
}

static void recordings_agree(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		buf_clear(&text);
		read_fixture(files[i], &text);
		assert_true(check(buf_view(&text)));
	}
	buf_done(&text);
}

static uint32_t random_state = 20261121;

static uint32_t next_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

/* Replaces one byte by one that means something in JSON, or a random one. */
static void damage(char *text, size_t len)
{
	static const char bytes[] = "{}[]:,\"\\0123456789.eE+-tfnul \n";
	uint32_t pick = next_random() % (sizeof(bytes) - 1 + 8);

	text[next_random() % len] = pick < sizeof(bytes) - 1 ? bytes[pick] : (char)next_random();
}

static void damaged_copies_agree(void **state)
{
	struct buf text;
	unsigned accepted = 0;

	(void)state;
	buf_init(&text, 0);
	read_fixture(files[0], &text);
	for (unsigned i = 0; i < DAMAGED_COPIES; i++) {
		char *copy = malloc(text.len);

		assert_non_null(copy);
		memcpy(copy, text.data, text.len);
		damage(copy, text.len);
		accepted += check((struct slice){ copy, text.len });
		free(copy);
	}
	/* Both outcomes were really seen. */
	assert_in_range(accepted, DAMAGED_COPIES / 20, DAMAGED_COPIES - DAMAGED_COPIES / 20);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(recordings_agree), cmocka_unit_test(damaged_copies_agree),
		                             cmocka_unit_test(recorded_sessions_agree), cmocka_unit_test(fuzzed_inputs_agree) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
