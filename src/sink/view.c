/*
 * Reading back what was accepted, in the shapes of the public API. One table holds every field of an
 * observation: the group that asks for it on v4, whether the older answers have it, and how it is written.
 */
#include "sink/server.h"
#include "base/clock.h"
#include "base/base64.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEFAULT_LIMIT 50
#define MAX_LIMIT_V2 1000
#define MAX_LIMIT_V1 100
#define METADATA_SHOWN 200

enum group {
	CORE = 1, BASIC = 2, TIME = 4, IO = 8, METADATA = 16, MODEL = 32, USAGE = 64, PROMPT = 128, METRICS = 256, TRACE_CONTEXT = 512
};
static const struct {
	const char *name;
	enum group group;
} groups[] = {
	{ "core", CORE }, { "basic", BASIC }, { "time", TIME }, { "io", IO }, { "metadata", METADATA }, { "model", MODEL },
	{ "usage", USAGE }, { "prompt", PROMPT }, { "metrics", METRICS }, { "trace_context", TRACE_CONTEXT },
};

/* ---- values ---- */

typedef void field_fn(struct json_writer *writer, const struct sink_row *row);

static void put_text(struct json_writer *writer, struct slice text)
{
	if (text.len)
		jw_string(writer, text);
	else
		jw_null(writer);
}

static void put_time(struct json_writer *writer, int64_t ms)
{
	char text[32];

	if (ms <= 0) {
		jw_null(writer);
		return;
	}
	clock_format_iso(ms, text);
	jw_text(writer, text);
}

static void put_json(struct json_writer *writer, struct slice json)
{
	if (json.len)
		jw_raw(writer, json);
	else
		jw_null(writer);
}

static void put_object(struct json_writer *writer, struct slice json)
{
	jw_raw(writer, json.len ? json : SLICE("{}"));
}

#define TEXT_FIELD(name, member) \
	static void name(struct json_writer *writer, const struct sink_row *row) { put_text(writer, row->span.member); }
#define TIME_FIELD(name, member) \
	static void name(struct json_writer *writer, const struct sink_row *row) { put_time(writer, row->member); }
TEXT_FIELD(field_id, span_text)
TEXT_FIELD(field_trace, trace_text)
TEXT_FIELD(field_parent, parent_text)
TEXT_FIELD(field_name, obs.name)
TEXT_FIELD(field_status, obs.status)
TEXT_FIELD(field_version, version)
TEXT_FIELD(field_user, user)
TEXT_FIELD(field_session, obs.session)
TEXT_FIELD(field_model, obs.model)
TEXT_FIELD(field_trace_name, trace_name)
TEXT_FIELD(field_release, release)
TIME_FIELD(field_start, span.obs.start_ms)
TIME_FIELD(field_end, span.obs.end_ms)
TIME_FIELD(field_completion, span.obs.completion_start_ms)
TIME_FIELD(field_created, created_ms)

static void field_type(struct json_writer *writer, const struct sink_row *row)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%s", observation_type_name(row->span.obs.type));
	for (char *at = text; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	jw_text(writer, text);
}

static void field_level(struct json_writer *writer, const struct sink_row *row)
{
	jw_text(writer, observation_level_name(row->span.obs.level));
}

static void field_environment(struct json_writer *writer, const struct sink_row *row)
{
	jw_string(writer, row->span.environment.len ? row->span.environment : SLICE("default"));
}

static void field_project(struct json_writer *writer, const struct sink_row *row)
{
	(void)row;
	jw_text(writer, "sink");
}

static void field_null(struct json_writer *writer, const struct sink_row *row)
{
	(void)row;
	jw_null(writer);
}

static void field_false(struct json_writer *writer, const struct sink_row *row)
{
	(void)row;
	jw_bool(writer, false);
}

static void field_root(struct json_writer *writer, const struct sink_row *row)
{
	jw_bool(writer, row->span.parent_text.len == 0 || row->span.is_app_root);
}

static void field_input(struct json_writer *writer, const struct sink_row *row)
{
	put_json(writer, row->span.obs.input);
}

static void field_output(struct json_writer *writer, const struct sink_row *row)
{
	put_json(writer, row->span.obs.output);
}

/* v4 returns input and output as text, whatever they are. */
static void put_raw_text(struct json_writer *writer, struct slice json)
{
	if (json.len && json.ptr[0] != '"')
		jw_string(writer, json);
	else
		put_json(writer, json);
}

static void field_input_text(struct json_writer *writer, const struct sink_row *row)
{
	put_raw_text(writer, row->span.obs.input);
}

static void field_output_text(struct json_writer *writer, const struct sink_row *row)
{
	put_raw_text(writer, row->span.obs.output);
}

/* With the second copy of the attributes, as the server keeps them. */
static void field_metadata(struct json_writer *writer, const struct sink_row *row)
{
	struct buf merged;

	buf_init(&merged, 0);
	if (row->span.attributes.len &&
	    sink_merge_objects(row->span.obs.metadata.len ? row->span.obs.metadata : SLICE("{}"), row->span.attributes, &merged) == 0)
		jw_raw(writer, buf_view(&merged));
	else
		put_object(writer, row->span.obs.metadata);
	buf_done(&merged);
}

/* First-level strings cut, as v4 does when no key was asked for in full. */
static void field_metadata_cut(struct json_writer *writer, const struct sink_row *row)
{
	struct json_writer inner;
	struct json_doc doc;
	struct buf whole, key;

	buf_init(&whole, 0);
	buf_init(&key, 0);
	json_writer_init(&inner, &whole);
	field_metadata(&inner, row);
	json_doc_init(&doc);
	jw_object(writer);
	if (json_parse(&doc, buf_view(&whole), 0, NULL) == 0 && json_type_of(&doc, 0) == JSON_OBJECT)
		for (int32_t n = doc.nodes[0].first; n != JSON_NONE; n = doc.nodes[n].next) {
			buf_clear(&key);
			(void)json_unescape(doc.nodes[n].key, &key);
			jw_key_slice(writer, buf_view(&key));
			if (doc.nodes[n].raw.len <= METADATA_SHOWN)
				jw_raw(writer, doc.nodes[n].raw);
			else
				jw_string(writer, json_utf8_cut(doc.nodes[n].raw, METADATA_SHOWN));
		}
	jw_object_close(writer);
	json_doc_done(&doc);
	buf_done(&whole);
	buf_done(&key);
}

static void field_parameters(struct json_writer *writer, const struct sink_row *row)
{
	put_json(writer, row->span.obs.model_parameters);
}

static void field_cost(struct json_writer *writer, const struct sink_row *row)
{
	put_json(writer, row->span.obs.cost);
}

/* An object of numbers with its "total", which the server adds when it is not there. */
static void put_totalled(struct json_writer *writer, struct slice json)
{
	struct json_doc doc;
	double total = 0;

	json_doc_init(&doc);
	if (json.len == 0 || json_parse(&doc, json, 0, NULL) != 0 || doc.nodes[0].first == JSON_NONE ||
	    json_get(&doc, 0, "total") != JSON_NONE) {
		put_object(writer, json);
	} else {
		jw_object(writer);
		for (int32_t n = doc.nodes[0].first; n != JSON_NONE; n = doc.nodes[n].next) {
			struct slice key = doc.nodes[n].key;

			jw_key_slice(writer, (struct slice){ key.ptr + 1, key.len - 2 });
			jw_raw(writer, doc.nodes[n].raw);
			total += json_double(&doc, n, 0);
		}
		jw_key(writer, "total");
		jw_double(writer, total);
		jw_object_close(writer);
	}
	json_doc_done(&doc);
}

static void field_usage_details(struct json_writer *writer, const struct sink_row *row)
{
	put_totalled(writer, row->span.usage);
}

static void field_cost_details(struct json_writer *writer, const struct sink_row *row)
{
	put_totalled(writer, row->span.cost);
}

static void field_usage(struct json_writer *writer, const struct sink_row *row)
{
	int64_t input = row->span.obs.usage.input, output = row->span.obs.usage.output;

	jw_object(writer);
	jw_key(writer, "input");
	jw_int(writer, input < 0 ? 0 : input);
	jw_key(writer, "output");
	jw_int(writer, output < 0 ? 0 : output);
	jw_key(writer, "total");
	jw_int(writer, (input < 0 ? 0 : input) + (output < 0 ? 0 : output));
	jw_key(writer, "unit");
	jw_text(writer, "TOKENS");
	jw_object_close(writer);
}

static void field_latency(struct json_writer *writer, const struct sink_row *row)
{
	jw_double(writer, (double)(row->span.obs.end_ms - row->span.obs.start_ms) / 1000);
}

static void field_first_token(struct json_writer *writer, const struct sink_row *row)
{
	if (row->span.obs.completion_start_ms > 0)
		jw_double(writer, (double)(row->span.obs.completion_start_ms - row->span.obs.start_ms) / 1000);
	else
		jw_null(writer);
}

static void field_tags(struct json_writer *writer, const struct sink_row *row)
{
	jw_raw(writer, row->span.tags.len ? row->span.tags : SLICE("[]"));
}

static const struct {
	const char *name;
	unsigned groups;  /* on v4 */
	bool v1;
	field_fn *write;  /* NULL: not on that side */
	field_fn *write_v1;
} fields[] = {
	{ "id", CORE, true, field_id, NULL },
	{ "traceId", CORE, true, field_trace, NULL },
	{ "startTime", CORE, true, field_start, NULL },
	{ "endTime", CORE, true, field_end, NULL },
	{ "projectId", CORE, false, field_project, NULL },
	{ "parentObservationId", CORE, true, field_parent, NULL },
	{ "type", CORE, true, field_type, NULL },
	{ "modelId", CORE, true, field_null, NULL },
	{ "inputPrice", CORE, true, field_null, NULL },
	{ "outputPrice", CORE, true, field_null, NULL },
	{ "totalPrice", CORE, true, field_null, NULL },
	{ "name", BASIC, true, field_name, NULL },
	{ "level", BASIC, true, field_level, NULL },
	{ "statusMessage", BASIC, true, field_status, NULL },
	{ "version", BASIC, true, field_version, NULL },
	{ "environment", BASIC, true, field_environment, NULL },
	{ "bookmarked", BASIC, false, field_false, NULL },
	{ "public", BASIC, false, field_false, NULL },
	{ "userId", BASIC, false, field_user, NULL },
	{ "sessionId", BASIC, false, field_session, NULL },
	{ "isRootObservation", BASIC, false, field_root, NULL },
	{ "completionStartTime", TIME, true, field_completion, NULL },
	{ "createdAt", TIME, false, field_created, NULL },
	{ "updatedAt", TIME, false, field_created, NULL },
	{ "input", IO, true, field_input_text, field_input },
	{ "output", IO, true, field_output_text, field_output },
	{ "metadata", METADATA, true, field_metadata_cut, field_metadata },
	{ "providedModelName", MODEL, false, field_model, NULL },
	{ "internalModelId", MODEL, false, field_null, NULL },
	{ "model", 0, true, field_model, NULL },
	{ "modelParameters", MODEL, true, field_parameters, NULL },
	{ "usageDetails", USAGE, true, field_usage_details, NULL },
	{ "costDetails", USAGE, true, field_cost_details, NULL },
	{ "totalCost", USAGE, false, field_cost, NULL },
	{ "usagePricingTierName", USAGE, false, field_null, NULL },
	{ "usage", 0, true, field_usage, NULL },
	{ "promptId", PROMPT, true, field_null, NULL },
	{ "promptName", PROMPT, true, field_null, NULL },
	{ "promptVersion", PROMPT, true, field_null, NULL },
	{ "calculatedInputCost", 0, true, field_null, NULL },
	{ "calculatedOutputCost", 0, true, field_null, NULL },
	{ "calculatedTotalCost", 0, true, field_cost, NULL },
	{ "latency", METRICS, true, field_latency, NULL },
	{ "timeToFirstToken", METRICS, true, field_first_token, NULL },
	{ "tags", TRACE_CONTEXT, false, field_tags, NULL },
	{ "release", TRACE_CONTEXT, false, field_release, NULL },
	{ "traceName", TRACE_CONTEXT, false, field_trace_name, NULL },
};

static void put_row(struct json_writer *writer, const struct sink_row *row, unsigned wanted /* 0: the older form */)
{
	jw_object(writer);
	for (size_t i = 0; i < COUNT(fields); i++) {
		field_fn *write = wanted == 0 && fields[i].write_v1 ? fields[i].write_v1 : fields[i].write;

		if (wanted ? !(fields[i].groups & wanted) : !fields[i].v1)
			continue;
		jw_key(writer, fields[i].name);
		write(writer, row);
	}
	jw_object_close(writer);
}

/* ---- which rows ---- */

struct selection {
	struct slice trace, name, session;
	int64_t from_ms, to_ms; /* 0: open */
	int64_t newest_ms;      /* monotonic: rows stored later do not show yet */
};

static bool select_time(struct sink_request *request, const char *name, int64_t *ret)
{
	const char *text = request->query(request->context, name);

	*ret = 0;
	return !text || clock_parse_iso(slice_of(text), ret) == 0;
}

static bool selection_read(const struct sink *sink, struct sink_request *request, struct selection *ret)
{
	ret->trace = slice_of(request->query(request->context, "traceId"));
	ret->name = slice_of(request->query(request->context, "name"));
	ret->session = slice_of(request->query(request->context, "sessionId"));
	ret->newest_ms = clock_mono_ms() - sink->fault.lag_ms;
	return select_time(request, "fromStartTime", &ret->from_ms) && select_time(request, "toStartTime", &ret->to_ms);
}

static bool selected(const struct selection *selection, const struct sink_row *row)
{
	const struct sink_span *span = &row->span;

	return row->stored_ms <= selection->newest_ms &&
		(selection->trace.len == 0 || slice_equal(selection->trace, span->trace_text)) &&
		(selection->name.len == 0 || slice_equal(selection->name, span->obs.name)) &&
		(selection->session.len == 0 || slice_equal(selection->session, span->obs.session)) &&
		(selection->from_ms == 0 || span->obs.start_ms >= selection->from_ms) &&
		(selection->to_ms == 0 || span->obs.start_ms < selection->to_ms);
}

static bool read_number(struct sink_request *request, const char *name, long low, long high, long *value)
{
	const char *text = request->query(request->context, name);
	char *end;

	if (!text)
		return true;
	*value = strtol(text, &end, 10);
	return end != text && *end == '\0' && *value >= low && *value <= high;
}

/* The cursor: base64 of the place in the store to go on at. */
static bool read_cursor(struct sink_request *request, size_t *ret)
{
	const char *text = request->query(request->context, "cursor");
	struct buf plain;
	char *end = NULL;

	*ret = 0;
	if (!text)
		return true;
	buf_init(&plain, 64);
	if (base64_decode(slice_of(text), &plain) == 0 && plain.len > 0)
		*ret = strtoul(plain.data, &end, 10);
	if (end == plain.data || (end && *end != '\0'))
		end = NULL;
	buf_done(&plain);
	return end != NULL;
}

static void put_cursor(struct json_writer *writer, size_t next)
{
	struct buf text;
	char plain[32];

	(void)snprintf(plain, sizeof(plain), "%zu", next);
	buf_init(&text, 0);
	(void)base64_encode(slice_of(plain), &text);
	jw_key(writer, "cursor");
	jw_string(writer, buf_view(&text));
	buf_done(&text);
}

static bool read_groups(struct sink_request *request, unsigned *ret)
{
	const char *text = request->query(request->context, "fields");

	*ret = text ? CORE : CORE | BASIC;
	while (text && *text) {
		size_t n = strcspn(text, ","), i = 0;

		while (i < COUNT(groups) && (strlen(groups[i].name) != n || strncmp(groups[i].name, text, n) != 0))
			i++;
		if (i == COUNT(groups))
			return false;
		*ret |= groups[i].group;
		text += n + (text[n] == ',');
	}
	return true;
}

void view_observations_v2(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	const char *parse_io = request->query(request->context, "parseIoAsJson");
	long limit = DEFAULT_LIMIT, count = 0;
	struct selection selection;
	struct json_writer writer;
	unsigned wanted;
	size_t at, next = 0;

	if (!selection_read(sink, request, &selection) || !read_number(request, "limit", 1, MAX_LIMIT_V2, &limit) ||
	    !read_cursor(request, &at) || !read_groups(request, &wanted) || (parse_io && strcmp(parse_io, "true") == 0)) {
		answer_message(answer, 400, "Invalid request data", NULL);
		return;
	}
	answer_text(answer, 200, "application/json", "");
	json_writer_init(&writer, &answer->body);
	jw_object(&writer);
	jw_key(&writer, "data");
	jw_array(&writer);
	for (; at < store_count(sink->store) && next == 0; at++) {
		if (!selected(&selection, store_row(sink->store, at)))
			continue;
		if (count++ == limit)
			next = at;
		else
			put_row(&writer, store_row(sink->store, at), wanted);
	}
	jw_array_close(&writer);
	jw_key(&writer, "meta");
	jw_object(&writer);
	if (next > 0)
		put_cursor(&writer, next);
	jw_object_close(&writer);
	jw_object_close(&writer);
}

static void put_page_meta(struct json_writer *writer, long page, long limit, long total)
{
	const struct { const char *key; long value; } rows[] = {
		{ "page", page }, { "limit", limit }, { "totalItems", total }, { "totalPages", (total + limit - 1) / limit },
	};

	jw_key(writer, "meta");
	jw_object(writer);
	for (size_t i = 0; i < COUNT(rows); i++) {
		jw_key(writer, rows[i].key);
		jw_int(writer, rows[i].value);
	}
	jw_object_close(writer);
}

void view_observations_v1(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	long limit = DEFAULT_LIMIT, page = 1, total = 0;
	struct selection selection;
	struct json_writer writer;

	if (!selection_read(sink, request, &selection) || !read_number(request, "limit", 1, MAX_LIMIT_V1, &limit) ||
	    !read_number(request, "page", 1, 1000000, &page)) {
		answer_message(answer, 400, "Invalid request data", NULL);
		return;
	}
	answer_text(answer, 200, "application/json", "");
	json_writer_init(&writer, &answer->body);
	jw_object(&writer);
	jw_key(&writer, "data");
	jw_array(&writer);
	for (size_t i = 0; i < store_count(sink->store); i++) {
		if (!selected(&selection, store_row(sink->store, i)))
			continue;
		if (total >= (page - 1) * limit && total < page * limit)
			put_row(&writer, store_row(sink->store, i), 0);
		total++;
	}
	jw_array_close(&writer);
	put_page_meta(&writer, page, limit, total);
	jw_object_close(&writer);
}

static void put_trace_facts(struct json_writer *writer, const struct sink_span *trace)
{
	const struct { const char *key; struct slice value; } rows[] = {
		{ "id", trace->trace_text }, { "name", trace->trace_name }, { "sessionId", trace->obs.session },
		{ "userId", trace->user }, { "release", trace->release }, { "version", trace->version },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		jw_key(writer, rows[i].key);
		put_text(writer, rows[i].value);
	}
	jw_key(writer, "timestamp");
	put_time(writer, trace->obs.start_ms);
	jw_key(writer, "environment");
	jw_string(writer, trace->environment.len ? trace->environment : SLICE("default"));
	jw_key(writer, "tags");
	jw_raw(writer, trace->tags.len ? trace->tags : SLICE("[]"));
	jw_key(writer, "public");
	jw_bool(writer, false);
	jw_key(writer, "htmlPath");
	jw_text(writer, "/sink/draw");
}

void view_trace(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	const struct slice id = slice_of(strrchr(request->path, '/') + 1);
	const struct sink_trace *trace = store_trace(sink->store, id);
	struct selection selection = { .trace = id, .newest_ms = clock_mono_ms() - sink->fault.lag_ms };
	struct json_writer writer;

	if (!trace) {
		answer_message(answer, 404, "Trace not found within authorized project", "LangfuseNotFoundError");
		return;
	}
	answer_text(answer, 200, "application/json", "");
	json_writer_init(&writer, &answer->body);
	jw_object(&writer);
	put_trace_facts(&writer, &trace->span);
	jw_key(&writer, "observations");
	jw_array(&writer);
	for (size_t i = 0; i < store_count(sink->store); i++)
		if (selected(&selection, store_row(sink->store, i)))
			put_row(&writer, store_row(sink->store, i), 0);
	jw_array_close(&writer);
	jw_key(&writer, "scores");
	jw_array(&writer);
	jw_array_close(&writer);
	jw_object_close(&writer);
}
