/* An index of a parsed document: nodes in document order over the input. */
#include "base/json.h"
#include "base/mem.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#define MAX_NODES 4000000

void json_doc_init(struct json_doc *doc)
{
	memset(doc, 0, sizeof *doc);
	buf_init(&doc->scratch, 0);
}

void json_doc_done(struct json_doc *doc)
{
	free(doc->nodes);
	buf_done(&doc->scratch);
	json_doc_init(doc);
}

struct parse {
	struct json_doc *doc;
	struct json_reader reader;
	int32_t max_nodes;
	int32_t parent[JSON_MAX_DEPTH], last[JSON_MAX_DEPTH]; /* of each open level */
	unsigned depth;
	struct slice key;
};

static int32_t add_node(struct parse *parse, const struct json_token *token)
{
	struct json_doc *doc = parse->doc;
	int32_t index = doc->count;

	if (index == doc->cap) {
		int32_t cap = doc->cap ? doc->cap + doc->cap / 2 : 64;
		struct json_node *nodes = realloc(doc->nodes, (size_t)cap * sizeof *nodes);
		if (!nodes)
			return LF_ENOMEM;
		doc->nodes = nodes;
		doc->cap = cap;
	}
	if (index == parse->max_nodes)
		return LF_ELIMIT;
	doc->nodes[index] = (struct json_node){ token->raw, parse->key, JSON_NONE, JSON_NONE, (uint8_t)token->type };
	doc->count++;
	parse->key = SLICE_NONE;
	if (parse->depth > 0) {
		unsigned level = parse->depth - 1;
		if (parse->last[level] == JSON_NONE)
			doc->nodes[parse->parent[level]].first = index;
		else
			doc->nodes[parse->last[level]].next = index;
		parse->last[level] = index;
	}
	return index;
}

static void close_node(struct parse *parse, const struct json_token *token)
{
	struct json_node *node = &parse->doc->nodes[parse->parent[--parse->depth]];

	node->raw.len = (size_t)(token->raw.ptr + 1 - node->raw.ptr);
}

/* One token; 1 at the end, 0 to go on, else LF_E…. */
static int parse_token(struct parse *parse)
{
	struct json_token token;
	int32_t index;

	switch (json_next(&parse->reader, &token)) {
	case JSON_END:
		return 1;
	case JSON_BAD:
		return LF_EINVAL;
	case JSON_KEY:
		parse->key = token.raw;
		return 0;
	case JSON_OBJECT_CLOSE: case JSON_ARRAY_CLOSE:
		close_node(parse, &token);
		return 0;
	default:
		index = add_node(parse, &token);
		if (index < 0)
			return index;
		if (token.type == JSON_OBJECT || token.type == JSON_ARRAY) {
			parse->parent[parse->depth] = index;
			parse->last[parse->depth++] = JSON_NONE;
		}
		return 0;
	}
}

int json_parse(struct json_doc *doc, struct slice input, int32_t max_nodes, struct err *err)
{
	struct parse parse = { .doc = doc, .max_nodes = max_nodes > 0 ? max_nodes : MAX_NODES };
	int rc;

	doc->count = 0;
	json_reader_init(&parse.reader, input, 0);
	while ((rc = parse_token(&parse)) == 0)
		;
	if (rc == 1)
		return 0;
	doc->count = 0;
	if (rc == LF_EINVAL)
		return err_set(err, rc, "invalid JSON: %s at byte %zu", parse.reader.error, (size_t)(parse.reader.pos - parse.reader.base));
	return err_set(err, rc, rc == LF_ELIMIT ? "JSON of more than %d values" : "out of memory (%d values)", parse.max_nodes);
}

static const struct json_node *node_at(const struct json_doc *doc, int32_t node)
{
	return node >= 0 && node < doc->count ? &doc->nodes[node] : NULL;
}

static bool raw_is(struct slice raw, struct slice text)
{
	struct buf plain;
	bool same;

	if (raw.len < 2)
		return false;
	if (!memchr(raw.ptr, '\\', raw.len))
		return slice_equal((struct slice){ raw.ptr + 1, raw.len - 2 }, text);
	buf_init(&plain, 0);
	same = json_unescape(raw, &plain) == 0 && slice_equal(buf_view(&plain), text);
	buf_done(&plain);
	return same;
}

static int32_t get_slice(const struct json_doc *doc, int32_t object, struct slice key)
{
	const struct json_node *node = node_at(doc, object);
	int32_t found = JSON_NONE;

	if (!node || node->type != JSON_OBJECT)
		return JSON_NONE;
	for (int32_t i = node->first; i != JSON_NONE; i = doc->nodes[i].next)
		if (raw_is(doc->nodes[i].key, key))
			found = i;
	return found;
}

int32_t json_get(const struct json_doc *doc, int32_t object, const char *key)
{
	return get_slice(doc, object, slice_of(key));
}

int32_t json_path(const struct json_doc *doc, int32_t object, const char *dotted)
{
	while (*dotted && object != JSON_NONE) {
		size_t n = strcspn(dotted, ".");
		object = get_slice(doc, object, (struct slice){ dotted, n });
		dotted += n + (dotted[n] == '.');
	}
	return object;
}

enum json_type json_type_of(const struct json_doc *doc, int32_t node)
{
	const struct json_node *n = node_at(doc, node);

	return n ? (enum json_type)n->type : JSON_END;
}

struct slice json_raw(const struct json_doc *doc, int32_t node)
{
	const struct json_node *n = node_at(doc, node);

	return n ? n->raw : SLICE_NONE;
}

bool json_string_is(const struct json_doc *doc, int32_t node, const char *text)
{
	return json_type_of(doc, node) == JSON_STRING && raw_is(doc->nodes[node].raw, slice_of(text));
}

bool json_key_is(const struct json_doc *doc, int32_t node, const char *text)
{
	const struct json_node *n = node_at(doc, node);

	return n && raw_is(n->key, slice_of(text));
}

int json_text(const struct json_doc *doc, int32_t node, struct buf *out)
{
	return json_type_of(doc, node) == JSON_STRING ? json_unescape(doc->nodes[node].raw, out) : LF_ENOENT;
}

char *json_strdup(const struct json_doc *doc, int32_t node, size_t max_bytes)
{
	struct buf text;
	char *copy = NULL;

	buf_init(&text, max_bytes);
	if (json_text(doc, node, &text) == 0 && (text.len == 0 || !memchr(text.data, '\0', text.len)))
		copy = xmemdup0(text.data, text.len);
	buf_done(&text);
	return copy;
}

/* The number's text, NUL-terminated; empty when it is none or absurdly long. */
static void number_text(const struct json_doc *doc, int32_t node, char out[64])
{
	struct slice raw = json_raw(doc, node);

	out[0] = '\0';
	if (json_type_of(doc, node) != JSON_NUMBER || raw.len >= 64)
		return;
	memcpy(out, raw.ptr, raw.len);
	out[raw.len] = '\0';
}

int64_t json_int(const struct json_doc *doc, int32_t node, int64_t fallback)
{
	char text[64];
	double value;

	number_text(doc, node, text);
	if (!text[0])
		return fallback;
	if (!strpbrk(text, ".eE"))
		return strtoll(text, NULL, 10);
	value = strtod(text, NULL);
	if (value >= 9223372036854775807.0)
		return INT64_MAX;
	return value <= -9223372036854775808.0 ? INT64_MIN : (int64_t)value;
}

double json_double(const struct json_doc *doc, int32_t node, double fallback)
{
	char text[64];

	number_text(doc, node, text);
	return text[0] ? strtod(text, NULL) : fallback;
}

bool json_bool(const struct json_doc *doc, int32_t node, bool fallback)
{
	enum json_type type = json_type_of(doc, node);

	return type == JSON_TRUE ? true : type == JSON_FALSE ? false : fallback;
}
