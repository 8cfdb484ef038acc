/*
 * /api/public/ingestion: a batch of *-create events, which servers that know no OTLP merge by body id.
 * A trace-create for each trace comes first. Event ids and timestamps are derived from what is sent, so
 * sending again changes nothing: the server takes a trace's or an observation's latest event by timestamp.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "map/map_fields.h"
#include "map/map_forms.h"

struct ingestion {
	const struct map_options *options;
	struct json_writer writer;
	struct buf scratch;
};

/* The oldest supported server knows three kinds of observation; the real one then stands in the metadata. */
static const struct {
	enum observation_type type;
	const char *event;
	const char *metadata_type;
} event_types[] = {
	{ OBS_SPAN, "span-create", NULL },
	{ OBS_GENERATION, "generation-create", NULL },
	{ OBS_EVENT, "event-create", NULL },
	{ OBS_AGENT, "span-create", "agent" },
	{ OBS_TOOL, "span-create", "tool" },
};

static unsigned event_type_of(const struct observation *observation)
{
	for (unsigned i = 0; i < sizeof(event_types) / sizeof(event_types[0]); i++)
		if (event_types[i].type == observation->type)
			return i;
	return 0;
}

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
	if (text.len == 0)
		return;
	jw_key(writer, key);
	jw_string(writer, text);
}

static void put_json(struct json_writer *writer, const char *key, struct slice json)
{
	if (json.len == 0)
		return;
	jw_key(writer, key);
	jw_raw(writer, json);
}

static void put_hex(struct json_writer *writer, const char *key, const uint8_t *bytes, size_t n)
{
	char hex[2 * 16 + 1];

	hash_hex(bytes, n, hex);
	put_text(writer, key, slice_of(hex));
}

static void put_time(struct json_writer *writer, const char *key, int64_t ms)
{
	char text[32];

	clock_format_iso(ms, text);
	put_text(writer, key, slice_of(text));
}

static void put_environment(struct ingestion *ingestion, struct json_writer *writer)
{
	buf_clear(&ingestion->scratch);
	fields_environment(ingestion->options->environment, &ingestion->scratch);
	put_text(writer, "environment", buf_view(&ingestion->scratch));
}

static bool same_trace(const struct observation *a, const struct observation *b)
{
	return memcmp(a->trace_id, b->trace_id, sizeof(a->trace_id)) == 0;
}

/* What the batch says of one trace. */
struct trace_facts {
	const struct observation *first;  /* the earliest */
	const struct observation *titled; /* the latest that has a title, else the earliest */
	int64_t changed_ms;
};

static void collect_trace(const struct observation *observations, const unsigned *versions, unsigned from,
                          unsigned count, struct trace_facts *ret)
{
	ret->first = ret->titled = &observations[from];
	ret->changed_ms = INT64_MIN;
	for (unsigned i = from; i < count; i++) {
		const struct observation *one = &observations[i];
		int64_t changed = one->end_ms + (versions ? (int64_t)versions[i] : 0);

		if (!same_trace(one, &observations[from]))
			continue;
		if (one->start_ms < ret->first->start_ms)
			ret->first = one;
		if (one->title.len > 0 && (ret->titled->title.len == 0 || one->end_ms > ret->titled->end_ms))
			ret->titled = one;
		if (changed > ret->changed_ms)
			ret->changed_ms = changed;
	}
}

static void write_tags(struct json_writer *writer, const char *tags)
{
	struct slice items[FIELDS_MAX_TAGS];
	unsigned count = fields_tags(tags, items);

	if (count == 0)
		return;
	jw_key(writer, "tags");
	jw_array(writer);
	for (unsigned i = 0; i < count; i++)
		jw_string(writer, items[i]);
	jw_array_close(writer);
}

static void write_trace_body(struct ingestion *ingestion, const struct trace_facts *facts, struct buf *body)
{
	const struct map_options *options = ingestion->options;
	struct json_writer writer;

	json_writer_init(&writer, body);
	jw_object(&writer);
	put_hex(&writer, "id", facts->first->trace_id, sizeof(facts->first->trace_id));
	put_time(&writer, "timestamp", facts->first->start_ms);
	buf_clear(&ingestion->scratch);
	fields_trace_name(options, facts->titled, &ingestion->scratch);
	put_text(&writer, "name", buf_view(&ingestion->scratch));
	buf_clear(&ingestion->scratch);
	fields_session(facts->first->session, &ingestion->scratch);
	put_text(&writer, "sessionId", buf_view(&ingestion->scratch));
	put_text(&writer, "userId", slice_of(options->user_id));
	put_environment(ingestion, &writer);
	put_text(&writer, "release", slice_of(options->release));
	put_text(&writer, "version", slice_of(options->version));
	write_tags(&writer, options->tags);
	jw_key(&writer, "metadata");
	jw_object(&writer);
	put_text(&writer, "source", facts->first->source);
	put_text(&writer, "session", facts->first->session);
	jw_object_close(&writer);
	jw_object_close(&writer);
}

static void write_trace(struct ingestion *ingestion, const struct trace_facts *facts)
{
	struct json_writer *writer = &ingestion->writer;
	char trace[33], hash[33];
	struct buf body, id;

	buf_init(&body, 0);
	buf_init(&id, 0);
	write_trace_body(ingestion, facts, &body);
	hash_hex(facts->first->trace_id, sizeof(facts->first->trace_id), trace);
	hash_hex(hash_128(body.data, body.len).bytes, 8, hash);
	buf_format(&id, "%s-%s", trace, hash);
	jw_object(writer);
	put_text(writer, "id", buf_view(&id));
	put_text(writer, "type", SLICE("trace-create"));
	put_time(writer, "timestamp", facts->changed_ms);
	put_json(writer, "body", buf_view(&body));
	jw_object_close(writer);
	if (body.failed)
		writer->out->failed = body.failed;
	buf_done(&body);
	buf_done(&id);
}

static int write_generation(struct ingestion *ingestion, const struct observation *observation, struct err *err)
{
	struct json_writer *writer = &ingestion->writer;
	struct buf *scratch = &ingestion->scratch;
	int rc = 0;

	if (observation->completion_start_ms > 0)
		put_time(writer, "completionStartTime", observation->completion_start_ms);
	put_text(writer, "model", observation->model);
	if (observation->model_parameters.len > 0) {
		buf_clear(scratch);
		rc = fields_scalar_object(observation->model_parameters, scratch, err);
		if (rc != 0)
			return rc;
		put_json(writer, "modelParameters", buf_view(scratch));
	}
	buf_clear(scratch);
	fields_usage(&observation->usage, scratch);
	put_json(writer, "usageDetails", buf_view(scratch));
	buf_clear(scratch);
	fields_cost(observation->cost, scratch);
	put_json(writer, "costDetails", buf_view(scratch));
	return rc;
}

static int write_observation_body(struct ingestion *ingestion, const struct observation *observation, struct err *err)
{
	static const uint8_t none[8];
	struct json_writer *writer = &ingestion->writer;
	int rc = 0;

	jw_object(writer);
	put_hex(writer, "id", observation->span_id, sizeof(observation->span_id));
	put_hex(writer, "traceId", observation->trace_id, sizeof(observation->trace_id));
	if (memcmp(observation->parent_id, none, sizeof(none)) != 0)
		put_hex(writer, "parentObservationId", observation->parent_id, sizeof(observation->parent_id));
	put_text(writer, "name", observation->name);
	put_time(writer, "startTime", observation->start_ms);
	if (observation->type != OBS_EVENT)
		put_time(writer, "endTime", observation->end_ms);
	put_text(writer, "level", slice_of(observation_level_name(observation->level)));
	put_text(writer, "statusMessage", observation->status);
	put_environment(ingestion, writer);
	put_text(writer, "version", slice_of(ingestion->options->version));
	put_json(writer, "input", observation->input);
	put_json(writer, "output", observation->output);
	if (observation->type == OBS_GENERATION)
		rc = write_generation(ingestion, observation, err);
	if (rc == 0) {
		buf_clear(&ingestion->scratch);
		rc = fields_metadata(observation, event_types[event_type_of(observation)].metadata_type,
		                     &ingestion->scratch, err);
		put_json(writer, "metadata", buf_view(&ingestion->scratch));
	}
	jw_object_close(writer);
	return rc;
}

static int write_observation(struct ingestion *ingestion, const struct observation *observation, unsigned version,
                             struct err *err)
{
	struct json_writer *writer = &ingestion->writer;
	char hex[17];
	int rc;

	hash_hex(observation->span_id, sizeof(observation->span_id), hex);
	buf_clear(&ingestion->scratch);
	buf_format(&ingestion->scratch, "%s-%u", hex, version);
	jw_object(writer);
	put_text(writer, "id", buf_view(&ingestion->scratch));
	put_text(writer, "type", slice_of(event_types[event_type_of(observation)].event));
	/* A later version of the same observation must sort behind the earlier one. */
	put_time(writer, "timestamp", observation->end_ms + (int64_t)version);
	jw_key(writer, "body");
	rc = write_observation_body(ingestion, observation, err);
	jw_object_close(writer);
	return rc;
}

static bool seen_before(const struct observation *observations, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (same_trace(&observations[i], &observations[index]))
			return true;
	return false;
}

static void write_traces(struct ingestion *ingestion, const struct observation *observations,
                         const unsigned *versions, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct trace_facts facts;

		if (seen_before(observations, i))
			continue;
		collect_trace(observations, versions, i, count, &facts);
		write_trace(ingestion, &facts);
	}
}

int ingestion_request(const struct map_options *options, const struct observation *observations,
                      const unsigned *versions, unsigned count, struct buf *out, struct err *err)
{
	struct ingestion ingestion = { .options = options };
	int rc = 0;

	buf_init(&ingestion.scratch, 0);
	json_writer_init(&ingestion.writer, out);
	jw_object(&ingestion.writer);
	jw_key(&ingestion.writer, "batch");
	jw_array(&ingestion.writer);
	write_traces(&ingestion, observations, versions, count);
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = write_observation(&ingestion, &observations[i], versions ? versions[i] : 0, err);
	jw_array_close(&ingestion.writer);
	jw_object_close(&ingestion.writer);
	if (rc == 0 && ingestion.scratch.failed)
		rc = err_set(err, ingestion.scratch.failed, "text too large");
	if (rc == 0 && out->failed)
		rc = err_set(err, out->failed, "request larger than %zu bytes", out->max_bytes);
	buf_done(&ingestion.scratch);
	return rc;
}
