/*
 * The index of a document: one node a value, linked by numbers, built in one pass of the tokenizer.
 * The stack of open levels has the depth that the tokenizer admits.
 */
#include "base/json_private.h"
#include "base/clock.h"
#include <stdlib.h>

#define DEFAULT_MAX_NODES 4000000

void json_doc_init(struct json_doc *doc)
{
	*doc = (struct json_doc){ 0 };
	buf_init(&doc->scratch, 0);
}

void json_doc_done(struct json_doc *doc)
{
	free(doc->nodes);
	buf_done(&doc->scratch);
	json_doc_init(doc);
}

struct builder {
	struct json_doc *doc;
	int32_t max_nodes;
	struct json_token key;              /* of the value that is added */
	unsigned depth;
	int32_t parent[JSON_MAX_DEPTH + 1]; /* by depth; 0 is above the top value */
	int32_t last[JSON_MAX_DEPTH + 1];   /* last child so far */
};

static int make_room(struct json_doc *doc, int32_t max_nodes)
{
	int32_t cap = doc->cap ? doc->cap : 64;
	struct json_node *nodes;

	if (doc->count == max_nodes)
		return LF_ELIMIT;
	if (doc->cap)
		cap = doc->cap > INT32_MAX / 2 ? INT32_MAX : doc->cap * 2;
	nodes = realloc(doc->nodes, (size_t)cap * sizeof(*nodes));
	if (!nodes)
		return LF_ENOMEM;
	doc->nodes = nodes;
	doc->cap = cap;
	return 0;
}

/* Of an object: what is known of its keys. */
static inline void note_key(struct json_node *object, const struct json_token *key)
{
	uint32_t bit = key->escaped ? UINT32_MAX : json_key_bit(key->raw.ptr + 1, key->raw.len - 2);

	object->repeats = object->repeats || (object->keys & bit);
	object->keys |= bit;
}

static inline int add_node(struct builder *b, const struct json_token *token)
{
	struct json_doc *doc = b->doc;
	int32_t index = doc->count, *last = &b->last[b->depth];
	struct json_node *nodes;

	if (index == doc->cap || index == b->max_nodes) {
		int code = make_room(doc, b->max_nodes);

		if (code)
			return code;
	}
	nodes = doc->nodes;
	nodes[index] = (struct json_node){ .raw = token->raw, .key = b->key.raw, .next = JSON_NONE, .first = JSON_NONE,
	                                   .type = (uint8_t)token->type, .escaped = b->key.escaped, .canonical = token->canonical };
	if (*last != JSON_NONE)
		nodes[*last].next = index;
	else if (b->depth)
		nodes[b->parent[b->depth]].first = index;
	if (b->key.raw.len)
		note_key(&nodes[b->parent[b->depth]], &b->key);
	*last = index;
	doc->count++;
	return 0;
}

static inline int add_token(struct builder *b, const struct json_token *token)
{
	int32_t index = b->doc->count;
	int code;

	if (token->type == JSON_OBJECT_CLOSE || token->type == JSON_ARRAY_CLOSE) {
		struct json_node *node = &b->doc->nodes[b->parent[b->depth--]];

		node->raw.len = (size_t)(token->raw.ptr + 1 - node->raw.ptr);
		return 0;
	}
	code = add_node(b, token);
	if (token->type == JSON_OBJECT || token->type == JSON_ARRAY) {
		b->depth++;
		b->parent[b->depth] = index;
		b->last[b->depth] = JSON_NONE;
	}
	return code;
}

static int parse_failed(struct json_doc *doc, int code, const struct json_reader *reader,
                        const char *why, struct err *err)
{
	doc->count = 0;
	return err_set(err, code, "%s at byte %zu", why, (size_t)(reader->pos - reader->base));
}

int json_parse(struct json_doc *doc, struct slice input, int32_t max_nodes, struct err *err)
{
	struct builder b; /* its levels are set as they are entered */
	struct json_reader reader;
	struct json_token token;

	b.doc = doc;
	b.max_nodes = max_nodes > 0 ? max_nodes : DEFAULT_MAX_NODES;
	b.depth = 0;
	b.last[0] = JSON_NONE;
	doc->count = 0;
	json_reader_init(&reader, input, 0);
	while (json_next_value(&reader, &token, &b.key) != JSON_END) {
		int code;

		if (token.type == JSON_BAD)
			return parse_failed(doc, LF_EINVAL, &reader, reader.error, err);
		code = add_token(&b, &token);
		if (code)
			return parse_failed(doc, code, &reader, code == LF_ELIMIT ? "too many JSON values" : "out of memory", err);
	}
	return 0;
}

static const struct json_node *node_at(const struct json_doc *doc, int32_t node)
{
	return node >= 0 && node < doc->count ? &doc->nodes[node] : NULL;
}

/* Compares while it decodes: the text of raw (with quotes) with plain bytes. */
static bool escaped_equal(struct slice raw, struct slice text)
{
	const char *p = raw.ptr + 1, *end = raw.ptr + raw.len - 1;

	while (p < end) {
		char bytes[4] = { *p };
		size_t n = 1;

		if (*p == '\\')
			n = json_decode_escape(&p, end, bytes);
		else
			p++;
		if (text.len < n || memcmp(text.ptr, bytes, n) != 0)
			return false;
		text.ptr += n;
		text.len -= n;
	}
	return text.len == 0;
}

static bool raw_equal(struct slice raw, struct slice text)
{
	/* No escape is as short as what it stands for. */
	if (raw.len < text.len + 2 || (text.len && raw.ptr[1] != text.ptr[0] && raw.ptr[1] != '\\'))
		return false;
	if (raw.len == text.len + 2)
		return (!text.len || !memcmp(raw.ptr + 1, text.ptr, text.len)) && !memchr(raw.ptr, '\\', raw.len);
	return memchr(raw.ptr, '\\', raw.len) && escaped_equal(raw, text);
}

static bool key_equal(const struct json_node *node, struct slice key)
{
	if (node->escaped)
		return escaped_equal(node->key, key);
	return node->key.len == key.len + 2 && (!key.len || !memcmp(node->key.ptr + 1, key.ptr, key.len));
}

#define SHORT_KEY 16

static inline uint64_t load(const char *p, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, p, n);
	return word;
}

/* n: 1 to SHORT_KEY bytes; two loads that may overlap. */
static inline bool short_equal(const char *a, const char *b, size_t n)
{
	if (n >= 8)
		return load(a, 8) == load(b, 8) && load(a + n - 8, 8) == load(b + n - 8, 8);
	if (n >= 4)
		return load(a, 4) == load(b, 4) && load(a + n - 4, 4) == load(b + n - 4, 4);
	return a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1];
}

static int32_t any_member(const struct json_doc *doc, const struct json_node *object, struct slice key)
{
	int32_t found = JSON_NONE;

	for (int32_t i = object->first; i != JSON_NONE; i = doc->nodes[i].next)
		if (key_equal(&doc->nodes[i], key))
			found = i;
	return found;
}

/* Of an object with keys of all kinds, an escaped one perhaps, each is looked at in full. */
int32_t json_member(const struct json_doc *doc, int32_t object, struct slice key)
{
	const struct json_node *nodes = doc->nodes, *node = node_at(doc, object);
	int32_t found = JSON_NONE;

	if (!node || !(node->keys & json_key_bit(key.ptr, key.len)))
		return JSON_NONE;
	if (node->keys == UINT32_MAX || key.len - 1 >= SHORT_KEY)
		return any_member(doc, node, key);
	for (int32_t i = node->first; i != JSON_NONE; i = nodes[i].next)
		if (nodes[i].key.len == key.len + 2 && short_equal(nodes[i].key.ptr + 1, key.ptr, key.len)) {
			found = i;
			if (!node->repeats)
				break;
		}
	return found;
}

int32_t json_path(const struct json_doc *doc, int32_t object, const char *dotted)
{
	for (;;) {
		const char *dot = strchr(dotted, '.');
		size_t n = dot ? (size_t)(dot - dotted) : strlen(dotted);

		object = json_member(doc, object, (struct slice){ dotted, n });
		if (object == JSON_NONE || !dotted[n])
			return object;
		dotted += n + 1;
	}
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
	const struct json_node *n = node_at(doc, node);

	return n && n->type == JSON_STRING && raw_equal(n->raw, slice_of(text));
}

bool json_key_is(const struct json_doc *doc, int32_t node, const char *text)
{
	const struct json_node *n = node_at(doc, node);

	return n && n->key.len && key_equal(n, slice_of(text));
}

int json_text(const struct json_doc *doc, int32_t node, struct buf *out)
{
	const struct json_node *n = node_at(doc, node);

	if (!n || n->type != JSON_STRING)
		return LF_ENOENT;
	return json_unescape(n->raw, out);
}

char *json_strdup(const struct json_doc *doc, int32_t node, size_t max_bytes)
{
	struct buf text;

	buf_init(&text, 0);
	if (json_text(doc, node, &text) || buf_append(&text, "", 0) ||
	    text.len > max_bytes || memchr(text.data, '\0', text.len)) {
		buf_done(&text);
		return NULL;
	}
	return buf_take(&text, NULL);
}

int64_t json_time_ms(const struct json_doc *doc, int32_t node)
{
	char *text = json_strdup(doc, node, 64);
	int64_t ms = 0;

	if (text)
		(void)clock_parse_iso(slice_of(text), &ms);
	free(text);
	return ms;
}
