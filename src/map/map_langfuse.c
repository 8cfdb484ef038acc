/*
 * Spans in Langfuse's spelling: a table of attributes, all of them texts.
 *
 * Trace-wide facts stand on every span: the current server keeps no trace row to look them up in. The scope
 * name is our own: the server then also lists the attributes in the metadata, which are redacted like all else.
 */
#include "base/clock.h"
#include "map/map_fields.h"
#include "map/map_otlp.h"

typedef int value_fn(const struct map_options *options, const struct observation *observation, struct buf *out,
                     struct err *err);
#define VALUE(name) static int value_##name(const struct map_options *options __attribute__((unused)), \
	const struct observation *observation __attribute__((unused)), struct buf *out, struct err *err __attribute__((unused)))

VALUE(type) { return buf_text(out, observation_type_name(observation->type)); }
VALUE(level) { return buf_text(out, observation_level_name(observation->level)); }
VALUE(status) { return buf_slice(out, observation->status); }
VALUE(model) { return buf_slice(out, observation->model); }
VALUE(parameters) { return buf_slice(out, observation->model_parameters); }
VALUE(usage) { fields_usage(&observation->usage, out); return out->failed; }
VALUE(cost) { fields_cost(observation->cost, out); return out->failed; }
VALUE(input) { fields_content(observation->input, out); return out->failed; }
VALUE(output) { fields_content(observation->output, out); return out->failed; }
VALUE(metadata) { return fields_metadata(observation, NULL, out, err); }
VALUE(session) { fields_session(observation->session, out); return out->failed; }
VALUE(user) { return buf_slice(out, slice_of(options->user_id)); }
VALUE(trace_name) { fields_trace_name(options, observation, out); return out->failed; }
VALUE(environment) { fields_environment(options->environment, out); return out->failed; }
VALUE(release) { return buf_slice(out, slice_of(options->release)); }
VALUE(version) { return buf_slice(out, slice_of(options->version)); }
VALUE(completion_start)
{
	char text[32];

	if (observation->completion_start_ms <= 0)
		return 0;
	clock_format_iso(observation->completion_start_ms, text);
	return buf_text(out, text);
}

/* An attribute whose value is empty is left out. */
static const struct {
	const char *key;
	value_fn *value;
} attributes[] = {
	{ "langfuse.observation.type", value_type },
	{ "langfuse.observation.level", value_level },
	{ "langfuse.observation.status_message", value_status },
	{ "langfuse.observation.model.name", value_model },
	{ "langfuse.observation.model.parameters", value_parameters },
	{ "langfuse.observation.usage_details", value_usage },
	{ "langfuse.observation.cost_details", value_cost },
	{ "langfuse.observation.completion_start_time", value_completion_start },
	{ "langfuse.observation.input", value_input },
	{ "langfuse.observation.output", value_output },
	{ "langfuse.observation.metadata", value_metadata },
	{ "langfuse.session.id", value_session },
	{ "session.id", value_session },
	{ "langfuse.user.id", value_user },
	{ "langfuse.trace.name", value_trace_name },
	{ "langfuse.environment", value_environment },
	{ "langfuse.release", value_release },
	{ "langfuse.version", value_version },
};

static int put_attributes(struct otlp_span *span, struct err *err)
{
	struct slice tags[FIELDS_MAX_TAGS];
	unsigned tag_count = fields_tags(span->options->tags, tags);

	for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		int rc;

		buf_clear(&span->value);
		rc = attributes[i].value(span->options, span->observation, &span->value, err);
		if (span->value.failed)
			return err_set(err, span->value.failed, "%s: too large", attributes[i].key);
		if (rc != 0)
			return rc;
		if (span->value.len > 0)
			span_put(span, attributes[i].key, buf_view(&span->value));
	}
	if (tag_count > 0)
		otlp_attribute_texts(span->otlp, SPAN_ATTRIBUTES, SLICE("langfuse.trace.tags"), tags, tag_count);
	return 0;
}

static void put_name(struct otlp_span *span)
{
	buf_slice(&span->value, span->observation->name);
}

const struct otlp_convention convention_langfuse = { put_name, put_attributes };
