/* The values of Langfuse's fields, made of observations and options; shared by OTLP and ingestion. */
#include "map/map_fields.h"
#include <ctype.h>
#include <strings.h>

static const char *skip_reserved(const char *text)
{
	static const char reserved[] = "langfuse";

	while (strncasecmp(text, reserved, sizeof(reserved) - 1) == 0) {
		text += sizeof(reserved) - 1;
		if (*text == '-' || *text == '_')
			text++;
	}
	return text;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct slice trim(struct slice text)
{
	while (text.len > 0 && is_blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

void fields_environment(const char *environment, struct buf *out)
{
	struct slice text = trim(slice_of(environment));

	if (text.len == 0)
		return;
	text.ptr = skip_reserved(text.ptr);
	text.len = trim(slice_of(text.ptr)).len;
	for (size_t i = 0; i < text.len && i < FIELDS_MAX_ENVIRONMENT; i++) {
		char c = text.ptr[i];
		bool upper = c >= 'A' && c <= 'Z';
		bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';

		buf_char(out, upper ? (char)(c - 'A' + 'a') : fine ? c : '-');
	}
}

void fields_session(struct slice session, struct buf *out)
{
	size_t n = session.len < FIELDS_MAX_SESSION ? session.len : FIELDS_MAX_SESSION;
	char text[FIELDS_MAX_SESSION];

	for (size_t i = 0; i < n; i++)
		text[i] = session.ptr[i] > ' ' && session.ptr[i] < 0x7f ? session.ptr[i] : '_';
	buf_append(out, text, n);
}

void fields_trace_name(const struct map_options *options, const struct observation *observation, struct buf *out)
{
	struct buf name;

	buf_init(&name, 0);
	if (options->trace_prefix)
		buf_text(&name, options->trace_prefix);
	if (observation->title.len > 0) {
		buf_slice(&name, observation->title);
	} else {
		buf_slice(&name, observation->source);
		buf_text(&name, " session");
	}
	if (name.failed)
		out->failed = name.failed;
	else
		buf_slice(out, json_utf8_cut(buf_view(&name), FIELDS_MAX_NAME));
	buf_done(&name);
}

unsigned fields_tags(const char *tags, struct slice ret[FIELDS_MAX_TAGS])
{
	unsigned count = 0;

	while (tags && *tags && count < FIELDS_MAX_TAGS) {
		size_t n = strcspn(tags, ",");
		struct slice tag = trim((struct slice){ tags, n });

		if (tag.len > 0)
			ret[count++] = tag;
		tags += n + (tags[n] == ',');
	}
	return count;
}

void fields_usage(const struct observation_usage *usage, struct buf *out)
{
	const struct {
		const char *key;
		int64_t count;
		bool also_zero; /* 0 is worth saying */
	} rows[] = {
		{ "input", usage->input, true },
		{ "output", usage->output, true },
		{ "cache_read_input_tokens", usage->cache_read, false },
		{ "cache_creation_input_tokens", usage->cache_write, false },
		{ "output_reasoning_tokens", usage->reasoning, false },
	};
	bool any = false;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].count < 0 || (rows[i].count == 0 && !rows[i].also_zero))
			continue;
		buf_format(out, "%c\"%s\":%lld", any ? ',' : '{', rows[i].key, (long long)rows[i].count);
		any = true;
	}
	if (any)
		buf_char(out, '}');
}

/* A JSON number with a digit other than 0 before any exponent, and no minus. */
static bool is_positive_number(struct slice text)
{
	struct json_reader reader;
	struct json_token token;
	bool positive = false;

	json_reader_init(&reader, text, 1);
	if (json_next(&reader, &token) != JSON_NUMBER || token.raw.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < token.raw.len && token.raw.ptr[i] != 'e' && token.raw.ptr[i] != 'E'; i++)
		positive = positive || (token.raw.ptr[i] >= '1' && token.raw.ptr[i] <= '9');
	return positive && json_next(&reader, &token) == JSON_END;
}

void fields_cost(struct slice cost, struct buf *out)
{
	cost = trim(cost);
	if (cost.len == 0 || !is_positive_number(cost))
		return;
	buf_text(out, "{\"total\":");
	buf_slice(out, cost);
	buf_char(out, '}');
}

void fields_content(struct slice json, struct buf *out)
{
	json = trim(json);
	if (json.len >= 2 && json.ptr[0] == '"')
		json_unescape(json, out);
	else
		buf_slice(out, json);
}

static void write_key(struct json_writer *writer, const struct json_node *node, struct buf *scratch)
{
	if (!node->escaped) {
		jw_key_raw(writer, node->key);
		return;
	}
	buf_clear(scratch);
	json_unescape(node->key, scratch);
	jw_key_slice(writer, buf_view(scratch));
}

static void write_members(struct json_writer *writer, const struct json_doc *doc)
{
	struct buf key;

	if (json_type_of(doc, 0) != JSON_OBJECT)
		return;
	buf_init(&key, 0);
	for (int32_t node = doc->nodes[0].first; node != JSON_NONE; node = doc->nodes[node].next) {
		write_key(writer, &doc->nodes[node], &key);
		jw_raw(writer, doc->nodes[node].raw);
	}
	buf_done(&key);
}

static int parse_object(struct json_doc *doc, struct slice text, struct err *err)
{
	int rc = json_parse(doc, text.len > 0 ? text : SLICE("{}"), 0, err);

	if (rc == 0 && json_type_of(doc, 0) != JSON_OBJECT)
		rc = err_set(err, LF_EINVAL, "not a JSON object");
	return rc;
}

int fields_metadata(const struct observation *observation, const char *type, struct buf *out, struct err *err)
{
	const struct {
		const char *key;
		struct slice value;
	} origin[] = {
		{ "type", slice_of(type) },
		{ "source", observation->source },
		{ "session", observation->own_session.len > 0 ? observation->own_session : observation->session },
		{ "message", observation->message },
		{ "part", observation->part },
		{ "provider", observation->provider },
	};
	struct json_writer writer;
	struct json_doc doc;
	int rc;

	json_doc_init(&doc);
	rc = parse_object(&doc, observation->metadata, err);
	if (rc != 0) {
		err_prefix(err, "metadata");
		goto out;
	}
	json_writer_init(&writer, out);
	jw_object(&writer);
	for (unsigned i = 0; i < sizeof(origin) / sizeof(origin[0]); i++) {
		if (origin[i].value.len == 0 || json_get(&doc, 0, origin[i].key) != JSON_NONE)
			continue;
		jw_key(&writer, origin[i].key);
		jw_string(&writer, origin[i].value);
	}
	write_members(&writer, &doc);
	jw_object_close(&writer);
out:
	json_doc_done(&doc);
	return rc;
}

static void write_scalar(struct json_writer *writer, const struct json_node *node)
{
	if (node->type == JSON_OBJECT || node->type == JSON_ARRAY)
		jw_string(writer, node->raw);
	else
		jw_raw(writer, node->raw);
}

int fields_scalar_object(struct slice object, struct buf *out, struct err *err)
{
	struct json_writer writer;
	struct json_doc doc;
	struct buf key;
	int rc;

	buf_init(&key, 0);
	json_doc_init(&doc);
	rc = parse_object(&doc, object, err);
	if (rc != 0) {
		err_prefix(err, "model parameters");
		goto out;
	}
	json_writer_init(&writer, out);
	jw_object(&writer);
	for (int32_t i = doc.nodes[0].first; i != JSON_NONE; i = doc.nodes[i].next) {
		if (doc.nodes[i].type == JSON_NULL)
			continue;
		write_key(&writer, &doc.nodes[i], &key);
		write_scalar(&writer, &doc.nodes[i]);
	}
	jw_object_close(&writer);
out:
	json_doc_done(&doc);
	buf_done(&key);
	return rc;
}
