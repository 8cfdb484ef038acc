/*
 * The batch API of v2 and v3, as far as a sender can tell it from the real one: which events pass, which
 * fields an event may have, and what an event that lacks something gets. Tables say it; nothing is kept here.
 */
#include "sink/ingestion.h"
#include "base/clock.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_ID 800
#define MAX_TRACE_NAME 1000

enum event_kind { EVENT_TRACE, EVENT_SCORE, EVENT_LOG, EVENT_OBSERVATION };
#define ON(profile) (1u << (profile))
#define V2 ON(SINK_V2)
#define V3 ON(SINK_V3)
#define V4 ON(SINK_V4)

static const struct event_type {
	const char *name;
	enum event_kind kind;
	unsigned known;    /* profiles that know the word */
	unsigned accepted; /* profiles that take it */
	int type;          /* -1: an update, which leaves the type as it is */
} event_types[] = {
	{ "trace-create", EVENT_TRACE, V2 | V3 | V4, V2 | V3, 0 },
	{ "score-create", EVENT_SCORE, V2 | V3 | V4, V2 | V3 | V4, 0 },
	{ "sdk-log", EVENT_LOG, V2 | V3 | V4, V2 | V3 | V4, 0 },
	{ "event-create", EVENT_OBSERVATION, V2 | V3 | V4, V2 | V3, OBS_EVENT },
	{ "span-create", EVENT_OBSERVATION, V2 | V3 | V4, V2 | V3, OBS_SPAN },
	{ "span-update", EVENT_OBSERVATION, V2 | V3 | V4, V2 | V3, -1 },
	{ "generation-create", EVENT_OBSERVATION, V2 | V3 | V4, V2 | V3, OBS_GENERATION },
	{ "generation-update", EVENT_OBSERVATION, V2 | V3 | V4, V2 | V3, -1 },
	{ "observation-create", EVENT_OBSERVATION, V2 | V3 | V4, V2 | V3, OBS_SPAN },
	{ "observation-update", EVENT_OBSERVATION, V2 | V3 | V4, V2 | V3, -1 },
	{ "agent-create", EVENT_OBSERVATION, V3 | V4, V3, OBS_AGENT },
	{ "tool-create", EVENT_OBSERVATION, V3 | V4, V3, OBS_TOOL },
	{ "chain-create", EVENT_OBSERVATION, V3 | V4, V3, OBS_SPAN },
	{ "retriever-create", EVENT_OBSERVATION, V3 | V4, V3, OBS_SPAN },
	{ "evaluator-create", EVENT_OBSERVATION, V3 | V4, V3, OBS_SPAN },
	{ "embedding-create", EVENT_OBSERVATION, V3 | V4, V3, OBS_GENERATION },
	{ "guardrail-create", EVENT_OBSERVATION, V3 | V4, V3, OBS_SPAN },
};

/* ---- checks of single fields ---- */

struct reader {
	const struct json_doc *doc;
	struct sink_batch *batch;
	int32_t body;
	int64_t time_ms; /* the envelope's */
};

static struct slice text_of(const struct reader *reader, int32_t node)
{
	struct slice ret = SLICE_NONE;
	struct buf text;

	if (json_type_of(reader->doc, node) != JSON_STRING)
		return ret;
	buf_init(&text, reader->batch->arena.max_bytes);
	(void)json_text(reader->doc, node, &text);
	(void)arena_take(&reader->batch->arena, &text, &ret);
	return ret;
}

static bool is_text(const struct reader *reader, int32_t node)
{
	return json_type_of(reader->doc, node) == JSON_STRING;
}

static bool is_id(const struct reader *reader, int32_t node)
{
	struct slice id = text_of(reader, node);

	return id.len >= 1 && id.len <= MAX_ID && !memchr(id.ptr, '\r', id.len);
}

static bool is_trace_name(const struct reader *reader, int32_t node)
{
	return is_text(reader, node) && text_of(reader, node).len <= MAX_TRACE_NAME;
}

static bool is_time(const struct reader *reader, int32_t node)
{
	int64_t ms;

	return is_text(reader, node) && clock_parse_iso(text_of(reader, node), &ms) == 0;
}

static bool is_level(const struct reader *reader, int32_t node)
{
	for (int level = OBS_DEFAULT; level <= OBS_ERROR; level++)
		if (json_string_is(reader->doc, node, observation_level_name((enum observation_level)level)))
			return true;
	return false;
}

static bool is_any(const struct reader *reader, int32_t node)
{
	(void)reader;
	(void)node;
	return true;
}

static bool is_object(const struct reader *reader, int32_t node)
{
	return json_type_of(reader->doc, node) == JSON_OBJECT;
}

static bool is_bool(const struct reader *reader, int32_t node)
{
	return json_type_of(reader->doc, node) == JSON_TRUE || json_type_of(reader->doc, node) == JSON_FALSE;
}

static bool all_text(const struct reader *reader, int32_t list)
{
	for (int32_t n = reader->doc->nodes[list].first; n != JSON_NONE; n = reader->doc->nodes[n].next)
		if (!is_text(reader, n))
			return false;
	return true;
}

static bool is_texts(const struct reader *reader, int32_t node)
{
	return json_type_of(reader->doc, node) == JSON_ARRAY && all_text(reader, node);
}

/* Scalars, lists of strings, maps of strings. */
static bool is_parameters(const struct reader *reader, int32_t node)
{
	if (!is_object(reader, node))
		return false;
	for (int32_t n = reader->doc->nodes[node].first; n != JSON_NONE; n = reader->doc->nodes[n].next) {
		enum json_type type = json_type_of(reader->doc, n);

		if ((type == JSON_OBJECT || type == JSON_ARRAY) && !all_text(reader, n))
			return false;
	}
	return true;
}

static bool is_costs(const struct reader *reader, int32_t node)
{
	if (!is_object(reader, node))
		return false;
	for (int32_t n = reader->doc->nodes[node].first; n != JSON_NONE; n = reader->doc->nodes[n].next)
		if (json_type_of(reader->doc, n) != JSON_NUMBER || json_double(reader->doc, n, -1) < 0)
			return false;
	return true;
}

struct rule {
	const char *key;
	bool (*ok)(const struct reader *reader, int32_t node);
	const char *error;
	bool required;
};
static const struct rule trace_rules[] = {
	{ "id", is_id, "id: not a string of 1 to 800 characters", false },
	{ "timestamp", is_time, "timestamp: not ISO 8601 with a zone", false },
	{ "name", is_trace_name, "name: not a string of at most 1000 characters", false },
	{ "sessionId", is_text, "sessionId: not a string", false },
	{ "userId", is_text, "userId: not a string", false },
	{ "environment", is_text, "environment: not a string", false },
	{ "release", is_text, "release: not a string", false },
	{ "version", is_text, "version: not a string", false },
	{ "public", is_bool, "public: not a boolean", false },
	{ "tags", is_texts, "tags: not an array of strings", false },
};
static const struct rule observation_rules[] = {
	{ "id", is_id, "id: required", true },
	{ "traceId", is_text, "traceId: not a string", false },
	{ "name", is_text, "name: not a string", false },
	{ "startTime", is_time, "startTime: not ISO 8601 with a zone", false },
	{ "endTime", is_time, "endTime: not ISO 8601 with a zone", false },
	{ "completionStartTime", is_time, "completionStartTime: not ISO 8601 with a zone", false },
	{ "level", is_level, "level: not DEBUG, DEFAULT, WARNING or ERROR", false },
	{ "statusMessage", is_text, "statusMessage: not a string", false },
	{ "parentObservationId", is_text, "parentObservationId: not a string", false },
	{ "version", is_text, "version: not a string", false },
	{ "environment", is_text, "environment: not a string", false },
	{ "model", is_text, "model: not a string", false },
	{ "modelParameters", is_parameters, "modelParameters: a nested value", false },
	{ "usageDetails", is_object, "usageDetails: not an object", false },
	{ "costDetails", is_costs, "costDetails: not an object of numbers from 0", false },
};
static const struct rule score_rules[] = {
	{ "id", is_id, "id: not a string of 1 to 800 characters", false },
	{ "name", is_text, "name: required", true },
	{ "value", is_any, "value: required", true },
	{ "traceId", is_text, "traceId: not a string", false },
	{ "sessionId", is_text, "sessionId: not a string", false },
	{ "observationId", is_text, "observationId: not a string", false },
	{ "dataType", is_text, "dataType: not a string", false },
	{ "comment", is_text, "comment: not a string", false },
};

/* NULL, or what is wrong. Null counts as missing. */
static const char *check(const struct reader *reader, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int32_t node = json_get(reader->doc, reader->body, rules[i].key);
		enum json_type type = json_type_of(reader->doc, node);
		bool missing = type == JSON_END || type == JSON_NULL;

		if (missing ? rules[i].required : !rules[i].ok(reader, node))
			return rules[i].error;
	}
	return NULL;
}

/* ---- bodies to spans ---- */

static const struct {
	const char *key;
	size_t offset;
} text_fields[] = {
	{ "sessionId", offsetof(struct sink_span, obs.session) },
	{ "userId", offsetof(struct sink_span, user) },
	{ "environment", offsetof(struct sink_span, environment) },
	{ "release", offsetof(struct sink_span, release) },
	{ "version", offsetof(struct sink_span, version) },
	{ "statusMessage", offsetof(struct sink_span, obs.status) },
	{ "model", offsetof(struct sink_span, obs.model) },
	{ "parentObservationId", offsetof(struct sink_span, parent_text) },
	{ "traceId", offsetof(struct sink_span, trace_text) },
	{ "id", offsetof(struct sink_span, span_text) },
	{ "name", offsetof(struct sink_span, obs.name) },
}, value_fields[] = {
	{ "input", offsetof(struct sink_span, obs.input) },
	{ "output", offsetof(struct sink_span, obs.output) },
	{ "metadata", offsetof(struct sink_span, obs.metadata) },
	{ "modelParameters", offsetof(struct sink_span, obs.model_parameters) },
	{ "tags", offsetof(struct sink_span, tags) },
}, time_fields[] = {
	{ "startTime", offsetof(struct sink_span, obs.start_ms) },
	{ "timestamp", offsetof(struct sink_span, obs.start_ms) },
	{ "endTime", offsetof(struct sink_span, obs.end_ms) },
	{ "completionStartTime", offsetof(struct sink_span, obs.completion_start_ms) },
};

static void fill(const struct reader *reader, struct sink_span *span)
{
	for (size_t i = 0; i < COUNT(text_fields); i++) {
		struct slice text = text_of(reader, json_get(reader->doc, reader->body, text_fields[i].key));

		memcpy((char *)span + text_fields[i].offset, &text, sizeof(text));
	}
	for (size_t i = 0; i < COUNT(value_fields); i++) {
		int32_t node = json_get(reader->doc, reader->body, value_fields[i].key);
		struct slice value = json_type_of(reader->doc, node) == JSON_NULL ? SLICE_NONE : json_raw(reader->doc, node);

		memcpy((char *)span + value_fields[i].offset, &value, sizeof(value));
	}
	for (size_t i = 0; i < COUNT(time_fields); i++) {
		int64_t ms;

		if (clock_parse_iso(text_of(reader, json_get(reader->doc, reader->body, time_fields[i].key)), &ms) == 0)
			memcpy((char *)span + time_fields[i].offset, &ms, sizeof(ms));
	}
}

static bool is_count(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	return text.len > 0 && text.len <= 18;
}

/* Integers from 0 stay, strings of digits count as such, all else is dropped without a word. */
static int clean_usage(const struct reader *reader, int32_t usage, struct slice *ret)
{
	struct json_writer writer;
	struct buf out, key;

	buf_init(&out, reader->batch->arena.max_bytes);
	buf_init(&key, reader->batch->arena.max_bytes);
	json_writer_init(&writer, &out);
	jw_object(&writer);
	for (int32_t n = reader->doc->nodes[usage].first; n != JSON_NONE; n = reader->doc->nodes[n].next) {
		const struct json_node *node = &reader->doc->nodes[n];
		struct slice digits = node->raw;

		if (node->type == JSON_STRING)
			digits = (struct slice){ digits.ptr + 1, digits.len - 2 };
		if (!is_count(digits))
			continue;
		buf_clear(&key);
		(void)json_unescape(node->key, &key);
		jw_key_slice(&writer, buf_view(&key));
		jw_raw(&writer, digits);
	}
	jw_object_close(&writer);
	buf_done(&key);
	return arena_take(&reader->batch->arena, &out, ret);
}

static int fill_numbers(const struct reader *reader, struct sink_span *span)
{
	int32_t usage = json_get(reader->doc, reader->body, "usageDetails");
	int32_t cost = json_get(reader->doc, reader->body, "costDetails");
	struct slice clean = SLICE_NONE;
	int rc = 0;

	if (is_object(reader, usage))
		rc = clean_usage(reader, usage, &clean);
	if (rc == 0 && clean.len > 0)
		rc = sink_span_usage(span, clean);
	if (rc == 0 && is_object(reader, cost))
		rc = sink_span_cost(reader->batch, span, json_raw(reader->doc, cost));
	return rc;
}

static const char *read_observation(const struct reader *reader, const struct event_type *type, struct sink_span *span)
{
	const struct json_doc *doc = reader->doc;
	int32_t level = json_get(doc, reader->body, "level");
	enum json_type name = json_type_of(doc, json_get(doc, reader->body, "promptName"));
	enum json_type version = json_type_of(doc, json_get(doc, reader->body, "promptVersion"));

	if ((name == JSON_STRING) != (version == JSON_NUMBER))
		return "promptName and promptVersion go together";
	fill(reader, span);
	for (int i = OBS_DEFAULT; i <= OBS_ERROR; i++)
		if (json_string_is(doc, level, observation_level_name((enum observation_level)i))) {
			span->obs.level = (enum observation_level)i;
			span->has_level = true;
		}
	span->has_type = type->type >= 0;
	span->obs.type = type->type >= 0 ? (enum observation_type)type->type : OBS_SPAN;
	/* The server invents a trace and takes the event's time: visible mistakes of the sender. */
	if (span->trace_text.len == 0)
		span->trace_text = span->span_text;
	if (span->obs.start_ms == 0)
		span->obs.start_ms = reader->time_ms;
	if (fill_numbers(reader, span) != 0 || sink_span_origin(reader->batch, span) != 0)
		return "cannot be read";
	return NULL;
}

static const char *read_trace(const struct reader *reader, struct sink_span *span)
{
	fill(reader, span);
	span->kind = SPAN_TRACE;
	span->trace_text = span->span_text;
	span->span_text = SLICE_NONE;
	span->trace_name = span->obs.name;
	if (span->obs.start_ms == 0)
		span->obs.start_ms = reader->time_ms;
	return NULL;
}

static const struct {
	const struct rule *rules;
	size_t count;
} rules_of[] = {
	[EVENT_TRACE] = { trace_rules, COUNT(trace_rules) },
	[EVENT_SCORE] = { score_rules, COUNT(score_rules) },
	[EVENT_LOG] = { NULL, 0 },
	[EVENT_OBSERVATION] = { observation_rules, COUNT(observation_rules) },
};

static const char *read_body(const struct reader *reader, const struct event_type *type, struct ingestion_event *event)
{
	const char *error = check(reader, rules_of[type->kind].rules, rules_of[type->kind].count);
	struct sink_span *span;

	if (error || type->kind == EVENT_LOG)
		return error;
	/* A trace without an id gets its 201 and is dropped all the same. */
	if (type->kind == EVENT_TRACE && !is_text(reader, json_get(reader->doc, reader->body, "id")))
		return NULL;
	span = sink_batch_add(reader->batch);
	if (!span)
		return "out of memory";
	event->span = (int)(reader->batch->count - 1);
	if (type->kind == EVENT_OBSERVATION)
		error = read_observation(reader, type, span);
	else if (type->kind == EVENT_TRACE)
		error = read_trace(reader, span);
	else {
		span->kind = SPAN_SCORE;
		span->raw = json_raw(reader->doc, reader->body);
	}
	sink_span_ids(span);
	if (error) {
		event->span = -1;
		reader->batch->count--;
	}
	return error;
}

static const struct event_type *type_of(const struct reader *reader, int32_t node, enum sink_profile profile)
{
	for (size_t i = 0; i < COUNT(event_types); i++)
		if ((event_types[i].known & ON(profile)) && json_string_is(reader->doc, node, event_types[i].name))
			return &event_types[i];
	return NULL;
}

static void read_event(struct reader *reader, int32_t node, enum sink_profile profile, struct ingestion_event *event)
{
	const struct json_doc *doc = reader->doc;
	bool object = json_type_of(doc, node) == JSON_OBJECT;
	int32_t id = object ? json_get(doc, node, "id") : JSON_NONE;
	int32_t time = object ? json_get(doc, node, "timestamp") : JSON_NONE;
	const struct event_type *type = object ? type_of(reader, json_get(doc, node, "type"), profile) : NULL;

	*event = (struct ingestion_event){ .status = 400, .span = -1, .id = text_of(reader, id) };
	reader->body = object ? json_get(doc, node, "body") : JSON_NONE;
	if (!is_id(reader, id)) {
		event->error = "id: not a string of 1 to 800 characters";
	} else if (clock_parse_iso(text_of(reader, time), &reader->time_ms) != 0) {
		event->error = "timestamp: not ISO 8601 with a zone";
	} else if (!type) {
		event->error = "type: unknown";
	} else if (!(type->accepted & ON(profile))) {
		event->error = "Event type not accepted";
	} else if (!is_object(reader, reader->body)) {
		event->error = "body: not an object";
	} else {
		event->error = read_body(reader, type, event);
		event->status = event->error ? 400 : type->kind == EVENT_LOG ? 0 : 201;
	}
}

int ingestion_read(struct slice body, enum sink_profile profile, struct sink_batch *batch, ingestion_event_fn *fn, void *context, struct err *err)
{
	struct ingestion_event event;
	struct json_doc doc;
	struct reader reader = { .doc = &doc, .batch = batch };
	int32_t list = JSON_NONE;
	int rc;

	json_doc_init(&doc);
	rc = json_parse(&doc, body, 0, err);
	if (rc == 0 && json_type_of(&doc, 0) == JSON_OBJECT)
		list = json_get(&doc, 0, "batch");
	if (rc == 0 && json_type_of(&doc, list) != JSON_ARRAY)
		rc = err_set(err, LF_EINVAL, "batch is not an array");
	for (int32_t n = rc ? JSON_NONE : doc.nodes[list].first; rc == 0 && n != JSON_NONE; n = doc.nodes[n].next) {
		read_event(&reader, n, profile, &event);
		rc = fn(context, &event, err);
	}
	json_doc_done(&doc);
	return rc;
}

int ingestion_read_score(struct slice body, struct sink_batch *batch, struct slice *ret_id, struct err *err)
{
	struct json_doc doc;
	struct reader reader = { .doc = &doc, .batch = batch };
	struct sink_span *span;
	const char *error;
	int rc;

	json_doc_init(&doc);
	rc = json_parse(&doc, body, 0, err);
	if (rc == 0 && !is_object(&reader, 0))
		rc = err_set(err, LF_EINVAL, "a score is an object");
	error = rc == 0 ? check(&reader, score_rules, COUNT(score_rules)) : NULL;
	if (error)
		rc = err_set(err, LF_EINVAL, "%s", error);
	span = rc == 0 ? sink_batch_add(batch) : NULL;
	if (span) {
		span->kind = SPAN_SCORE;
		span->raw = body;
		*ret_id = text_of(&reader, json_get(&doc, 0, "id"));
	}
	json_doc_done(&doc);
	return rc ? rc : span ? 0 : LF_ENOMEM;
}
