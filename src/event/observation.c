/*
 * The neutral JSON form of an observation. One table names every field, its place in the struct and
 * its form; writing and reading both walk it, so the order of the fields is the table's.
 */
#include "event/observation.h"
#include "base/hash.h"
#include <stddef.h>

static const char *const type_names[] = {
	[OBS_SPAN] = "span", [OBS_GENERATION] = "generation", [OBS_EVENT] = "event",
	[OBS_AGENT] = "agent", [OBS_TOOL] = "tool", [OBS_LOG] = "log",
};
static const char *const level_names[] = {
	[OBS_DEFAULT] = "DEFAULT", [OBS_DEBUG] = "DEBUG", [OBS_WARNING] = "WARNING", [OBS_ERROR] = "ERROR",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *observation_type_name(enum observation_type type)
{
	return (size_t)type < COUNT(type_names) ? type_names[type] : "?";
}

const char *observation_level_name(enum observation_level level)
{
	return (size_t)level < COUNT(level_names) ? level_names[level] : "?";
}

enum form {
	TYPE, LEVEL,
	TRACE_ID, SPAN_ID, /* hex of 16 or 8 bytes; zero is left out */
	TEXT,              /* a JSON string; empty is left out */
	VALUE,             /* any JSON as it is; empty is left out */
	TIME,              /* always written */
	TIME_OR_ZERO,      /* zero is left out */
	USAGE              /* an object of what is known */
};

#define QUOTED(name) { "\"" name "\"", sizeof(name) + 1 }
#define FIELD(name, form, member) { QUOTED(name), form, offsetof(struct observation, member) }
static const struct field {
	struct slice name; /* as it stands in JSON */
	enum form form;
	size_t offset;
} fields[] = {
	FIELD("type", TYPE, type),
	FIELD("level", LEVEL, level),
	FIELD("trace", TRACE_ID, trace_id),
	FIELD("span", SPAN_ID, span_id),
	FIELD("parent", SPAN_ID, parent_id),
	FIELD("name", TEXT, name),
	FIELD("source", TEXT, source),
	FIELD("session", TEXT, session),
	FIELD("own_session", TEXT, own_session),
	FIELD("message", TEXT, message),
	FIELD("part", TEXT, part),
	FIELD("title", TEXT, title),
	FIELD("start", TIME, start_ms),
	FIELD("end", TIME, end_ms),
	FIELD("completion_start", TIME_OR_ZERO, completion_start_ms),
	FIELD("status", TEXT, status),
	FIELD("model", TEXT, model),
	FIELD("provider", TEXT, provider),
	FIELD("model_parameters", VALUE, model_parameters),
	FIELD("input", VALUE, input),
	FIELD("output", VALUE, output),
	FIELD("usage", USAGE, usage),
	FIELD("cost", TEXT, cost),
	FIELD("totals", VALUE, totals),
	FIELD("metadata", VALUE, metadata),
};

#define USAGE_FIELD(member) { QUOTED(#member), offsetof(struct observation_usage, member) }
static const struct usage_field {
	struct slice name;
	size_t offset;
} usage_fields[] = {
	USAGE_FIELD(input), USAGE_FIELD(output), USAGE_FIELD(reasoning), USAGE_FIELD(cache_read), USAGE_FIELD(cache_write),
};

static int64_t usage_count(const struct observation_usage *usage, const struct usage_field *field)
{
	int64_t count;

	memcpy(&count, (const char *)usage + field->offset, sizeof(count));
	return count;
}

static void write_usage(struct json_writer *writer, struct slice name, const struct observation_usage *usage)
{
	bool opened = false;

	for (size_t i = 0; i < COUNT(usage_fields); i++) {
		int64_t count = usage_count(usage, &usage_fields[i]);

		if (count < 0)
			continue;
		if (!opened) {
			jw_key_raw(writer, name);
			jw_object(writer);
		}
		opened = true;
		jw_key_raw(writer, usage_fields[i].name);
		jw_int(writer, count);
	}
	if (opened)
		jw_object_close(writer);
}

static void write_name(struct json_writer *writer, struct slice name, const char *value)
{
	jw_key_raw(writer, name);
	jw_text(writer, value);
}

static void write_id(struct json_writer *writer, struct slice name, const void *id, size_t n)
{
	static const uint8_t zero[16];
	char hex[33];

	if (!memcmp(id, zero, n))
		return;
	hash_hex(id, n, hex);
	write_name(writer, name, hex);
}

static void write_slice(struct json_writer *writer, const struct field *field, const struct slice *slice)
{
	if (!slice->len)
		return;
	jw_key_raw(writer, field->name);
	if (field->form == TEXT)
		jw_string(writer, *slice);
	else
		jw_raw(writer, *slice);
}

static void write_time(struct json_writer *writer, const struct field *field, const int64_t *time_ms)
{
	if (field->form == TIME_OR_ZERO && !*time_ms)
		return;
	jw_key_raw(writer, field->name);
	jw_int(writer, *time_ms);
}

static void write_field(struct json_writer *writer, const struct field *field, const struct observation *observation)
{
	const void *at = (const char *)observation + field->offset;

	switch (field->form) {
	case TYPE:
		write_name(writer, field->name, observation_type_name(observation->type));
		break;
	case LEVEL:
		if (observation->level != OBS_DEFAULT)
			write_name(writer, field->name, observation_level_name(observation->level));
		break;
	case TRACE_ID:
		write_id(writer, field->name, at, 16);
		break;
	case SPAN_ID:
		write_id(writer, field->name, at, 8);
		break;
	case TEXT:
	case VALUE:
		write_slice(writer, field, at);
		break;
	case TIME:
	case TIME_OR_ZERO:
		write_time(writer, field, at);
		break;
	case USAGE:
		write_usage(writer, field->name, at);
		break;
	}
}

int observation_json(const struct observation *observation, struct buf *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out);
	jw_object(&writer);
	for (size_t i = 0; i < COUNT(fields); i++)
		write_field(&writer, &fields[i], observation);
	jw_object_close(&writer);
	return out->failed;
}

/* The raw values of one text, by field; len 0 where it has none. */
struct raw_fields {
	struct slice values[COUNT(fields)];
	struct buf *strings;
	struct json_doc doc; /* for numbers and usage */
};

/* Reads one value, of any depth. False when the text is broken. */
static bool read_value(struct json_reader *reader, struct slice *ret)
{
	unsigned depth = reader->depth;
	struct json_token token;
	const char *start;

	if (json_next(reader, &token) == JSON_BAD)
		return false;
	start = token.raw.ptr;
	while (reader->depth > depth)
		if (json_next(reader, &token) == JSON_BAD)
			return false;
	*ret = (struct slice){ start, (size_t)(reader->pos - start) };
	return true;
}

/* *at: the field that stands there most often, which is the one behind the last. NULL: no field. */
static struct slice *find_value(struct raw_fields *raw, struct slice key, size_t *at)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		size_t index = *at + i < COUNT(fields) ? *at + i : *at + i - COUNT(fields);

		if (slice_equal(key, fields[index].name)) {
			*at = index + 1;
			return &raw->values[index];
		}
	}
	return NULL;
}

static int split(struct slice text, struct raw_fields *raw, struct err *err)
{
	struct json_reader reader;
	struct json_token token;
	struct slice value, *to;
	size_t at = 0;

	json_reader_init(&reader, text, 0);
	if (json_next(&reader, &token) != JSON_OBJECT)
		return err_set(err, LF_EINVAL, "an observation is a JSON object");
	while (json_next(&reader, &token) == JSON_KEY) {
		if (!read_value(&reader, &value))
			break;
		to = find_value(raw, token.raw, &at);
		if (to)
			*to = value;
	}
	if (token.type == JSON_OBJECT_CLOSE && json_next(&reader, &token) == JSON_END)
		return 0;
	return err_set(err, LF_EINVAL, "observation: %s at byte %zu", reader.error ? reader.error : "broken JSON",
	               (size_t)(reader.pos - reader.base));
}

static bool is_string(struct slice raw)
{
	return raw.len >= 2 && *raw.ptr == '"';
}

/* Texts move when their buffer grows, so that room for all of them is made first. */
static int reserve_strings(const struct raw_fields *raw)
{
	size_t need = 0;

	for (size_t i = 0; i < COUNT(fields); i++)
		if (fields[i].form == TEXT)
			need += raw->values[i].len;
	return buf_reserve(raw->strings, need) ? 0 : raw->strings->failed;
}

static bool parse_text(const struct raw_fields *raw, struct slice value, struct slice *ret)
{
	size_t start = raw->strings->len;

	if (!is_string(value) || json_unescape(value, raw->strings))
		return false;
	*ret = (struct slice){ raw->strings->data + start, raw->strings->len - start };
	return true;
}

static bool parse_name(struct slice value, const char *const names[], size_t count, unsigned *ret)
{
	if (!is_string(value))
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (slice_is((struct slice){ value.ptr + 1, value.len - 2 }, names[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool parse_id(struct slice value, uint8_t *ret, size_t n)
{
	return is_string(value) && !hash_unhex((struct slice){ value.ptr + 1, value.len - 2 }, ret, n);
}

static bool parse_time(struct raw_fields *raw, struct slice value, int64_t *ret)
{
	if (json_parse(&raw->doc, value, 0, NULL) || json_type_of(&raw->doc, 0) != JSON_NUMBER)
		return false;
	*ret = json_int(&raw->doc, 0, 0);
	return true;
}

static bool parse_usage(struct raw_fields *raw, struct slice value, struct observation_usage *ret)
{
	if (json_parse(&raw->doc, value, 0, NULL) || json_type_of(&raw->doc, 0) != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < COUNT(usage_fields); i++) {
		struct slice name = { usage_fields[i].name.ptr + 1, usage_fields[i].name.len - 2 };
		int64_t count = json_int(&raw->doc, json_member(&raw->doc, 0, name), -1);

		memcpy((char *)ret + usage_fields[i].offset, &count, sizeof(count));
	}
	return true;
}

static bool parse_field(struct raw_fields *raw, size_t index, struct observation *ret)
{
	void *at = (char *)ret + fields[index].offset;
	struct slice value = raw->values[index];
	unsigned name;

	switch (fields[index].form) {
	case TYPE:
		if (!parse_name(value, type_names, COUNT(type_names), &name))
			return false;
		ret->type = (enum observation_type)name;
		return true;
	case LEVEL:
		if (!parse_name(value, level_names, COUNT(level_names), &name))
			return false;
		ret->level = (enum observation_level)name;
		return true;
	case TRACE_ID:
		return parse_id(value, at, 16);
	case SPAN_ID:
		return parse_id(value, at, 8);
	case TEXT:
		return parse_text(raw, value, at);
	case VALUE:
		*(struct slice *)at = value;
		return true;
	case TIME:
	case TIME_OR_ZERO:
		return parse_time(raw, value, at);
	case USAGE:
		return parse_usage(raw, value, at);
	}
	return false;
}

int observation_parse(struct slice text, struct buf *strings, struct observation *ret, struct err *err)
{
	struct raw_fields raw = { .strings = strings };
	int code;

	*ret = (struct observation){ .usage = { -1, -1, -1, -1, -1 } };
	json_doc_init(&raw.doc);
	code = split(text, &raw, err);
	if (code)
		goto out;
	code = reserve_strings(&raw);
	if (code) {
		err_set(err, code, "the texts of an observation do not fit in memory");
		goto out;
	}
	for (size_t i = 0; i < COUNT(fields) && !code; i++)
		if (raw.values[i].len && !parse_field(&raw, i, ret))
			code = err_set(err, LF_EINVAL, "observation: bad value of %s", fields[i].name.ptr);
	if (!code && !raw.values[0].len)
		code = err_set(err, LF_EINVAL, "observation: it has no type");
out:
	json_doc_done(&raw.doc);
	return code;
}
