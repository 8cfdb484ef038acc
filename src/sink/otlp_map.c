/*
 * What Langfuse makes of a span's attributes. Each field of an observation has a row of attribute names;
 * the first that is there wins, so langfuse.* goes before what other instrumentations send.
 */
#include "sink/otlp.h"
#include "base/clock.h"
#include <stdlib.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_NAMES 8
#define METADATA_PREFIX "langfuse.observation.metadata."

struct otlp_attribute *otlp_attributes_add(struct otlp_attributes *attributes)
{
	if (attributes->count == attributes->cap) {
		size_t cap = attributes->cap ? attributes->cap * 2 : 16;
		struct otlp_attribute *items = reallocarray(attributes->items, cap, sizeof(*items));

		if (!items)
			return NULL;
		attributes->items = items;
		attributes->cap = cap;
	}
	attributes->items[attributes->count] = (struct otlp_attribute){ .key = SLICE_NONE };
	return &attributes->items[attributes->count++];
}

void otlp_attributes_done(struct otlp_attributes *attributes)
{
	free(attributes->items);
	*attributes = (struct otlp_attributes){ .items = NULL };
}

static const struct otlp_attribute *find(const struct otlp_attributes *attributes, const char *key)
{
	for (size_t i = attributes->count; i > 0; i--)
		if (slice_is(attributes->items[i - 1].key, key))
			return &attributes->items[i - 1];
	return NULL;
}

static struct slice find_text(const struct otlp_attributes *attributes, const char *key)
{
	const struct otlp_attribute *attribute = find(attributes, key);

	return attribute && attribute->is_string ? attribute->value : SLICE_NONE;
}

/* ---- plain texts ---- */

static const struct text_row {
	size_t offset;
	bool resource; /* may stand on the resource too */
	const char *names[MAX_NAMES];
} texts[] = {
	{ offsetof(struct sink_span, obs.session), false, { "langfuse.session.id", "session.id", "gen_ai.conversation.id" } },
	{ offsetof(struct sink_span, user), false, { "langfuse.user.id", "user.id" } },
	{ offsetof(struct sink_span, trace_name), false, { "langfuse.trace.name" } },
	{ offsetof(struct sink_span, release), true, { "langfuse.release" } },
	{ offsetof(struct sink_span, version), true, { "langfuse.version", "service.version" } },
	{ offsetof(struct sink_span, environment), true, { "langfuse.environment", "deployment.environment.name", "deployment.environment" } },
	{ offsetof(struct sink_span, obs.model), false, { "langfuse.observation.model.name", "gen_ai.response.model", "gen_ai.request.model" } },
	{ offsetof(struct sink_span, obs.status), false, { "langfuse.observation.status_message" } },
	{ offsetof(struct sink_span, obs.name), false, { "gen_ai.tool.name", "genkit:name", "logfire.msg", "ai.toolCall.name", "ai.operationId" } },
};

static void map_texts(struct otlp_context *context, const struct otlp_span *in, struct sink_span *span)
{
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct slice *ret = (struct slice *)(void *)((char *)span + texts[i].offset);
		struct slice found = SLICE_NONE;

		for (size_t k = 0; k < MAX_NAMES && texts[i].names[k] && found.len == 0; k++) {
			found = find_text(&in->attributes, texts[i].names[k]);
			if (found.len == 0 && texts[i].resource)
				found = find_text(&context->resource, texts[i].names[k]);
		}
		if (found.len > 0)
			*ret = found;
	}
	if (span->obs.status.len == 0)
		span->obs.status = in->status_message;
}

/* Lower case without a leading "langfuse", at most 40 characters; else "default", without a word. */
static int map_environment(struct otlp_context *context, struct sink_span *span)
{
	struct slice text = arena_slice(&context->batch->arena, span->environment);
	char *at = arena_alloc(&context->batch->arena, text.len + 1);
	size_t n = 0;

	if (!text.ptr || !at)
		return LF_ENOMEM;
	for (size_t i = 0; i < text.len; i++)
		at[n++] = (char)(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? text.ptr[i] + 32 : text.ptr[i]);
	text = (struct slice){ at, n };
	if (text.len >= 8 && memcmp(text.ptr, "langfuse", 8) == 0) {
		size_t skip = text.len > 8 && (text.ptr[8] == '-' || text.ptr[8] == '_') ? 9 : 8;

		text = (struct slice){ text.ptr + skip, text.len - skip };
	}
	if (text.len > 40)
		text.len = 40;
	for (size_t i = 0; i < text.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", text.ptr[i]) || text.ptr[i] == '\0')
			text.len = 0;
	span->environment = text.len > 0 ? text : SLICE("default");
	return 0;
}

/* ---- type and level ---- */

struct word {
	const char *word;
	int value;
};

static bool look_up(const struct word *words, size_t count, struct slice text, int *ret)
{
	for (size_t i = 0; i < count; i++)
		if (text.len == strlen(words[i].word) && strncasecmp(text.ptr, words[i].word, text.len) == 0) {
			*ret = words[i].value;
			return true;
		}
	return false;
}

/* The neutral form has no word for the rarer types; they are spans there. */
static const struct word type_words[] = {
	{ "span", OBS_SPAN }, { "generation", OBS_GENERATION }, { "event", OBS_EVENT }, { "embedding", OBS_GENERATION },
	{ "agent", OBS_AGENT }, { "tool", OBS_TOOL }, { "chain", OBS_SPAN }, { "retriever", OBS_SPAN },
	{ "guardrail", OBS_SPAN }, { "evaluator", OBS_SPAN },
};
static const struct word kind_words[] = {
	{ "llm", OBS_GENERATION }, { "agent", OBS_AGENT }, { "tool", OBS_TOOL }, { "embedding", OBS_GENERATION },
	{ "chain", OBS_SPAN }, { "retriever", OBS_SPAN }, { "guardrail", OBS_SPAN }, { "evaluator", OBS_SPAN },
};
static const struct word operation_words[] = {
	{ "chat", OBS_GENERATION }, { "text_completion", OBS_GENERATION }, { "generate_content", OBS_GENERATION },
	{ "embeddings", OBS_GENERATION }, { "invoke_agent", OBS_AGENT }, { "create_agent", OBS_AGENT }, { "execute_tool", OBS_TOOL },
};
static const struct {
	const char *attribute;
	const struct word *words;
	size_t count;
} type_sources[] = {
	{ "langfuse.observation.type", type_words, COUNT(type_words) },
	{ "openinference.span.kind", kind_words, COUNT(kind_words) },
	{ "gen_ai.operation.name", operation_words, COUNT(operation_words) },
};

static enum observation_type type_of(const struct otlp_span *in, const struct sink_span *span)
{
	int type;

	for (size_t i = 0; i < COUNT(type_sources); i++)
		if (look_up(type_sources[i].words, type_sources[i].count, find_text(&in->attributes, type_sources[i].attribute), &type))
			return (enum observation_type)type;
	if (find(&in->attributes, "gen_ai.tool.name") || find(&in->attributes, "gen_ai.tool.call.id"))
		return OBS_TOOL;
	return span->obs.model.len > 0 ? OBS_GENERATION : OBS_SPAN;
}

static const struct word level_words[] = {
	{ "debug", OBS_DEBUG }, { "default", OBS_DEFAULT }, { "warning", OBS_WARNING }, { "error", OBS_ERROR },
	{ "info", OBS_DEFAULT }, { "warn", OBS_WARNING }, { "fatal", OBS_ERROR }, { "trace", OBS_DEBUG }, { "critical", OBS_ERROR },
};

static enum observation_level level_of(const struct otlp_span *in)
{
	int level;

	if (look_up(level_words, COUNT(level_words), find_text(&in->attributes, "langfuse.observation.level"), &level))
		return (enum observation_level)level;
	return in->status_code == 2 ? OBS_ERROR : OBS_DEFAULT;
}

/* ---- JSON ---- */

static bool is_json(struct slice text, enum json_type type)
{
	struct json_doc doc;
	bool ok;

	json_doc_init(&doc);
	ok = json_parse(&doc, text, 0, NULL) == 0 && (type == JSON_END || json_type_of(&doc, 0) == type);
	json_doc_done(&doc);
	return ok;
}

/* A string that holds JSON counts as that JSON, any other as a string. */
static int as_json(struct otlp_context *context, const struct otlp_attribute *attribute, struct slice *ret)
{
	if (!attribute)
		return 0;
	*ret = attribute->value;
	if (!attribute->is_string || is_json(attribute->value, JSON_END))
		return 0;
	return arena_quote(&context->batch->arena, attribute->value, ret);
}

static const struct {
	size_t offset;
	const char *names[MAX_NAMES];
} values[] = {
	{ offsetof(struct sink_span, obs.input), { "langfuse.observation.input", "gen_ai.input.messages", "gen_ai.tool.call.arguments" } },
	{ offsetof(struct sink_span, obs.output), { "langfuse.observation.output", "gen_ai.output.messages", "gen_ai.tool.call.result" } },
	{ offsetof(struct sink_span, obs.model_parameters), { "langfuse.observation.model.parameters" } },
};

static int map_values(struct otlp_context *context, const struct otlp_span *in, struct sink_span *span)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < COUNT(values); i++) {
		const struct otlp_attribute *found = NULL;

		for (size_t k = 0; k < MAX_NAMES && values[i].names[k] && !found; k++)
			found = find(&in->attributes, values[i].names[k]);
		rc = as_json(context, found, (struct slice *)(void *)((char *)span + values[i].offset));
	}
	return rc;
}

/* Tags: an array, JSON of one, or words between commas. */
static int map_tags(struct otlp_context *context, const struct otlp_span *in, struct sink_span *span)
{
	const struct otlp_attribute *tags = find(&in->attributes, "langfuse.trace.tags");
	struct json_writer writer;
	struct buf list;

	if (!tags || !tags->is_string || is_json(tags->value, JSON_ARRAY)) {
		span->tags = tags ? tags->value : SLICE_NONE;
		return 0;
	}
	buf_init(&list, context->batch->arena.max_bytes);
	json_writer_init(&writer, &list);
	jw_array(&writer);
	for (struct slice rest = tags->value; rest.len > 0;) {
		const char *comma = memchr(rest.ptr, ',', rest.len);
		size_t n = comma ? (size_t)(comma - rest.ptr) : rest.len;

		jw_string(&writer, (struct slice){ rest.ptr, n });
		rest = comma ? (struct slice){ comma + 1, rest.len - n - 1 } : SLICE_NONE;
	}
	jw_array_close(&writer);
	return arena_take(&context->batch->arena, &list, &span->tags);
}

static bool has_prefix(struct slice text, const char *prefix)
{
	size_t n = strlen(prefix);

	return text.len > n && memcmp(text.ptr, prefix, n) == 0;
}

static void write_attribute(struct json_writer *writer, struct slice key, const struct otlp_attribute *attribute)
{
	jw_key_slice(writer, key);
	if (attribute->is_string)
		jw_string(writer, attribute->value);
	else
		jw_raw(writer, attribute->value);
}

/* The metadata object, and first-level keys given one by one. */
static int map_metadata(struct otlp_context *context, const struct otlp_span *in, struct sink_span *span)
{
	const struct otlp_attribute *whole = find(&in->attributes, "langfuse.observation.metadata");
	struct json_writer writer;
	struct buf single, merged;
	size_t count = 0;
	int rc = 0;

	if (whole && is_json(whole->value, JSON_OBJECT))
		span->obs.metadata = whole->value;
	buf_init(&single, context->batch->arena.max_bytes);
	buf_init(&merged, context->batch->arena.max_bytes);
	json_writer_init(&writer, &single);
	jw_object(&writer);
	for (size_t i = 0; i < in->attributes.count; i++) {
		const struct otlp_attribute *attribute = &in->attributes.items[i];
		const size_t n = sizeof(METADATA_PREFIX) - 1;

		if (!has_prefix(attribute->key, METADATA_PREFIX))
			continue;
		write_attribute(&writer, (struct slice){ attribute->key.ptr + n, attribute->key.len - n }, attribute);
		count++;
	}
	jw_object_close(&writer);
	if (count > 0) {
		rc = sink_merge_objects(span->obs.metadata.len ? span->obs.metadata : SLICE("{}"), buf_view(&single), &merged);
		if (rc == 0)
			rc = arena_take(&context->batch->arena, &merged, &span->obs.metadata);
	}
	buf_done(&single);
	buf_done(&merged);
	return rc;
}

static void write_list(struct json_writer *writer, const char *name, const struct otlp_attributes *attributes)
{
	jw_key(writer, name);
	jw_object(writer);
	for (size_t i = 0; i < attributes->count; i++) {
		const struct otlp_attribute *attribute = &attributes->items[i];

		if (!slice_is(attribute->key, "langfuse.observation.input") && !slice_is(attribute->key, "langfuse.observation.output") &&
		    !has_prefix(attribute->key, "langfuse.observation.metadata"))
			write_attribute(writer, attribute->key, attribute);
	}
	jw_object_close(writer);
}

/* What Langfuse lists in the metadata a second time, unless its own SDK is the sender. */
static int map_copies(struct otlp_context *context, const struct otlp_span *in, struct sink_span *span)
{
	struct json_writer writer;
	struct buf out;

	buf_init(&out, context->batch->arena.max_bytes);
	json_writer_init(&writer, &out);
	jw_object(&writer);
	if (!slice_is(context->scope, "langfuse-sdk") && !has_prefix(context->scope, "langfuse-sdk"))
		write_list(&writer, "attributes", &in->attributes);
	write_list(&writer, "resourceAttributes", &context->resource);
	jw_object_close(&writer);
	return arena_take(&context->batch->arena, &out, &span->attributes);
}

/* ---- numbers ---- */

static void map_generic_usage(const struct otlp_span *in, struct observation_usage *usage)
{
	static const struct {
		const char *name;
		size_t offset, within; /* Langfuse takes this one out of that one */
	} rows[] = {
		{ "gen_ai.usage.input_tokens", offsetof(struct observation_usage, input), SIZE_MAX },
		{ "gen_ai.usage.output_tokens", offsetof(struct observation_usage, output), SIZE_MAX },
		{ "gen_ai.usage.cache_read.input_tokens", offsetof(struct observation_usage, cache_read), offsetof(struct observation_usage, input) },
		{ "gen_ai.usage.cache_creation.input_tokens", offsetof(struct observation_usage, cache_write), offsetof(struct observation_usage, input) },
		{ "gen_ai.usage.reasoning.output_tokens", offsetof(struct observation_usage, reasoning), offsetof(struct observation_usage, output) },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct otlp_attribute *attribute = find(&in->attributes, rows[i].name);
		int64_t *counts = (int64_t *)usage, n;
		struct json_doc doc;

		json_doc_init(&doc);
		n = attribute && json_parse(&doc, attribute->value, 0, NULL) == 0 ? json_int(&doc, 0, -1) : -1;
		json_doc_done(&doc);
		if (n < 0)
			continue;
		counts[rows[i].offset / sizeof(int64_t)] = n;
		if (rows[i].within != SIZE_MAX && counts[rows[i].within / sizeof(int64_t)] >= n)
			counts[rows[i].within / sizeof(int64_t)] -= n;
	}
}

/* A bad usage or cost document is passed over, as the server does. */
static void map_numbers(struct otlp_context *context, const struct otlp_span *in, struct sink_span *span)
{
	struct slice operation = find_text(&in->attributes, "gen_ai.operation.name");
	struct slice usage = find_text(&in->attributes, "langfuse.observation.usage_details");
	struct slice cost = find_text(&in->attributes, "langfuse.observation.cost_details");

	if (slice_is(operation, "invoke_agent") || slice_is(operation, "agent_step")) {
		span->obs.model = SLICE_NONE;
		return;
	}
	if (usage.len == 0 || sink_span_usage(span, usage) != 0)
		map_generic_usage(in, &span->obs.usage);
	if (cost.len > 0)
		(void)sink_span_cost(context->batch, span, cost);
}

static void map_times(const struct otlp_context *context, const struct otlp_span *in, struct observation *obs)
{
	struct slice first = find_text(&in->attributes, "langfuse.observation.completion_start_time");

	obs->start_ms = (int64_t)(in->start_ns / 1000000);
	obs->end_ms = (int64_t)(in->end_ns / 1000000);
	if (obs->start_ms == 0)
		obs->start_ms = obs->end_ms ? obs->end_ms : context->now_ms;
	if (obs->end_ms == 0)
		obs->end_ms = obs->start_ms;
	if (first.len >= 2 && first.ptr[0] == '"')
		first = (struct slice){ first.ptr + 1, first.len - 2 };
	if (first.len > 0)
		(void)clock_parse_iso(first, &obs->completion_start_ms);
}

/* ---- ids ---- */

static bool is_hex(struct slice text, size_t n)
{
	bool zero = true;

	for (size_t i = 0; i < text.len; i++) {
		if (!strchr("0123456789abcdefABCDEF", text.ptr[i]) || text.ptr[i] == '\0')
			return false;
		zero = zero && text.ptr[i] == '0';
	}
	return text.len == n && !zero;
}

static int check_ids(const struct otlp_context *context, const struct otlp_span *in, struct err *err)
{
	if (in->trace.len == 0 || (context->strict_ids && !is_hex(in->trace, 32)))
		return err_set(err, LF_EINVAL, "a span has a missing or malformed traceId");
	if (in->span.len == 0 || (context->strict_ids && !is_hex(in->span, 16)))
		return err_set(err, LF_EINVAL, "a span has a missing or malformed spanId");
	if (in->parent.len > 0 && context->strict_ids && !is_hex(in->parent, 16))
		return err_set(err, LF_EINVAL, "a span has a malformed parentSpanId");
	return 0;
}

int otlp_map_span(struct otlp_context *context, const struct otlp_span *in, struct err *err)
{
	struct sink_span *span;
	int rc = check_ids(context, in, err);

	if (rc != 0)
		return rc;
	span = sink_batch_add(context->batch);
	if (!span)
		return err_set(err, LF_ENOMEM, "out of memory");
	span->trace_text = in->trace;
	span->span_text = in->span;
	span->parent_text = in->parent;
	sink_span_ids(span);
	span->obs.name = in->name;
	map_texts(context, in, span);
	map_times(context, in, &span->obs);
	map_numbers(context, in, span);
	span->obs.type = type_of(in, span);
	span->obs.level = level_of(in);
	span->has_type = span->has_level = true;
	span->is_app_root = find(&in->attributes, "langfuse.internal.is_app_root") != NULL;
	rc = map_environment(context, span);
	if (rc == 0)
		rc = map_values(context, in, span);
	if (rc == 0)
		rc = map_tags(context, in, span);
	if (rc == 0)
		rc = map_metadata(context, in, span);
	if (rc == 0)
		rc = map_copies(context, in, span);
	span->obs.title = span->trace_name;
	if (rc == 0)
		rc = sink_span_origin(context->batch, span);
	return rc ? err_set(err, rc, "the request is too large") : 0;
}
