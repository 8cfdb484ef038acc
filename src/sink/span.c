/* Spans on their way into the store: their memory, ids, usage and cost. */
#include "sink/span.h"
#include "base/hash.h"
#include <stdlib.h>

struct arena_block {
	struct arena_block *next;
	max_align_t data[];
};

void arena_init(struct arena *arena, size_t max_bytes)
{
	*arena = (struct arena){ .max_bytes = max_bytes };
}

void arena_done(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}

void *arena_alloc(struct arena *arena, size_t n)
{
	struct arena_block *block;

	if (n > arena->max_bytes - arena->used_bytes)
		return NULL;
	block = malloc(sizeof(*block) + n);
	if (!block)
		return NULL;
	arena->used_bytes += n;
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

struct slice arena_slice(struct arena *arena, struct slice s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	if (!copy)
		return SLICE_NONE;
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return (struct slice){ copy, s.len };
}

int arena_take(struct arena *arena, struct buf *buf, struct slice *ret)
{
	int rc = buf->failed;

	if (rc == 0) {
		*ret = arena_slice(arena, buf_view(buf));
		rc = ret->ptr ? 0 : LF_ELIMIT;
	}
	buf_done(buf);
	return rc;
}

int arena_quote(struct arena *arena, struct slice text, struct slice *ret)
{
	struct buf quoted;

	buf_init(&quoted, arena->max_bytes);
	(void)json_escape(text, &quoted);
	return arena_take(arena, &quoted, ret);
}

void sink_batch_init(struct sink_batch *batch, size_t max_bytes)
{
	*batch = (struct sink_batch){ .spans = NULL };
	arena_init(&batch->arena, max_bytes);
}

void sink_batch_done(struct sink_batch *batch)
{
	free(batch->spans);
	arena_done(&batch->arena);
}

struct sink_span *sink_batch_add(struct sink_batch *batch)
{
	struct sink_span *span;

	if (batch->count == batch->cap) {
		size_t cap = batch->cap ? batch->cap * 2 : 16;
		struct sink_span *spans = reallocarray(batch->spans, cap, sizeof(*spans));

		if (!spans)
			return NULL;
		batch->spans = spans;
		batch->cap = cap;
	}
	span = &batch->spans[batch->count++];
	*span = (struct sink_span){ .kind = SPAN_OBSERVATION };
	span->obs.usage = (struct observation_usage){ -1, -1, -1, -1, -1 };
	return span;
}

static void id_bytes(struct slice text, uint8_t *out, size_t n)
{
	struct hash128 hash;

	memset(out, 0, n);
	if (text.len == 0 || (text.len == 2 * n && hash_unhex(text, out, n) == 0))
		return;
	hash = hash_128(text.ptr, text.len);
	memcpy(out, hash.bytes, n);
}

void sink_span_ids(struct sink_span *span)
{
	id_bytes(span->trace_text, span->obs.trace_id, sizeof(span->obs.trace_id));
	id_bytes(span->span_text, span->obs.span_id, sizeof(span->obs.span_id));
	id_bytes(span->parent_text, span->obs.parent_id, sizeof(span->obs.parent_id));
}

int sink_span_usage(struct sink_span *span, struct slice json)
{
	static const struct {
		const char *key;
		size_t offset;
	} fields[] = {
		{ "input", offsetof(struct observation_usage, input) },
		{ "output", offsetof(struct observation_usage, output) },
		{ "output_reasoning_tokens", offsetof(struct observation_usage, reasoning) },
		{ "cache_read_input_tokens", offsetof(struct observation_usage, cache_read) },
		{ "cache_creation_input_tokens", offsetof(struct observation_usage, cache_write) },
	};
	struct json_doc doc;
	int rc;

	json_doc_init(&doc);
	rc = json_parse(&doc, json, 0, NULL);
	if (rc == 0 && json_type_of(&doc, 0) != JSON_OBJECT)
		rc = LF_EINVAL;
	for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++) {
		int64_t value = json_int(&doc, json_get(&doc, 0, fields[i].key), -1);

		if (value >= 0)
			memcpy((char *)&span->obs.usage + fields[i].offset, &value, sizeof(value));
	}
	if (rc == 0)
		span->usage = json;
	json_doc_done(&doc);
	return rc;
}

/* "total" in its own digits, or the sum of the parts when the sender gave none. */
static int cost_digits(struct sink_batch *batch, const struct json_doc *doc, struct slice *ret)
{
	struct slice total = json_raw(doc, json_get(doc, 0, "total"));
	struct json_writer writer;
	struct buf digits;
	double sum = 0;

	if (total.len > 0) {
		*ret = total;
		return 0;
	}
	for (int32_t n = doc->nodes[0].first; n != JSON_NONE; n = doc->nodes[n].next)
		sum += json_double(doc, n, 0);
	buf_init(&digits, 64);
	json_writer_init(&writer, &digits);
	jw_double(&writer, sum);
	return arena_take(&batch->arena, &digits, ret);
}

int sink_span_cost(struct sink_batch *batch, struct sink_span *span, struct slice json)
{
	struct json_doc doc;
	int rc;

	json_doc_init(&doc);
	rc = json_parse(&doc, json, 0, NULL);
	if (rc == 0 && json_type_of(&doc, 0) != JSON_OBJECT)
		rc = LF_EINVAL;
	for (int32_t n = rc ? JSON_NONE : doc.nodes[0].first; n != JSON_NONE; n = doc.nodes[n].next)
		if (json_type_of(&doc, n) != JSON_NUMBER || json_double(&doc, n, -1) < 0)
			rc = LF_EINVAL;
	if (rc == 0 && doc.nodes[0].first != JSON_NONE)
		rc = cost_digits(batch, &doc, &span->obs.cost);
	if (rc == 0)
		span->cost = json;
	json_doc_done(&doc);
	return rc;
}

static int copy_text(struct sink_batch *batch, const struct json_doc *doc, int32_t node, struct slice *ret)
{
	struct buf text;

	if (ret->len > 0 || json_type_of(doc, node) != JSON_STRING)
		return 0;
	buf_init(&text, batch->arena.max_bytes);
	(void)json_text(doc, node, &text);
	return arena_take(&batch->arena, &text, ret);
}

int sink_span_origin(struct sink_batch *batch, struct sink_span *span)
{
	struct observation *obs = &span->obs;
	struct { const char *key; struct slice *ret; } fields[] = {
		{ "source", &obs->source }, { "session", &obs->own_session }, { "message", &obs->message },
		{ "part", &obs->part }, { "provider", &obs->provider },
	};
	struct json_doc doc;
	int rc = 0;

	json_doc_init(&doc);
	if (obs->metadata.len > 0 && json_parse(&doc, obs->metadata, 0, NULL) == 0)
		for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
			rc = copy_text(batch, &doc, json_get(&doc, 0, fields[i].key), fields[i].ret);
	json_doc_done(&doc);
	if (obs->own_session.len == 0)
		obs->own_session = obs->session;
	return rc;
}

static void write_members(struct json_writer *writer, const struct json_doc *doc, const struct json_doc *unless)
{
	struct buf key;

	if (json_type_of(doc, doc->count ? 0 : JSON_NONE) != JSON_OBJECT)
		return;
	buf_init(&key, 0);
	for (int32_t n = doc->nodes[0].first; n != JSON_NONE; n = doc->nodes[n].next) {
		buf_clear(&key);
		(void)json_unescape(doc->nodes[n].key, &key);
		(void)buf_char(&key, '\0');
		if (!unless || json_get(unless, 0, key.data) == JSON_NONE) {
			jw_key_slice(writer, (struct slice){ key.data, key.len - 1 });
			jw_raw(writer, doc->nodes[n].raw);
		}
	}
	buf_done(&key);
}

int sink_merge_objects(struct slice older, struct slice newer, struct buf *out)
{
	struct json_writer writer;
	struct json_doc a, b;
	int rc;

	json_doc_init(&a);
	json_doc_init(&b);
	rc = json_parse(&a, older, 0, NULL);
	if (rc == 0)
		rc = json_parse(&b, newer, 0, NULL);
	if (rc == 0) {
		bool mixed = json_type_of(&a, 0) == JSON_OBJECT && json_type_of(&b, 0) == JSON_OBJECT;

		json_writer_init(&writer, out);
		if (mixed) {
			jw_object(&writer);
			write_members(&writer, &a, &b);
			write_members(&writer, &b, NULL);
			jw_object_close(&writer);
		} else {
			jw_raw(&writer, newer);
		}
		rc = out->failed;
	}
	json_doc_done(&a);
	json_doc_done(&b);
	return rc;
}
