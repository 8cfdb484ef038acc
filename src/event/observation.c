/* The neutral JSON form of an observation: written with fields in one fixed order, read back exactly. */
#include "event/observation.h"
#include "base/hash.h"
#include <stddef.h>

static const char *const type_names[] = { "span", "generation", "event", "agent", "tool" };
static const char *const level_names[] = { "DEFAULT", "DEBUG", "WARNING", "ERROR" };

const char *observation_type_name(enum observation_type type)
{
	return type_names[type];
}

const char *observation_level_name(enum observation_level level)
{
	return level_names[level];
}

enum field_kind { TEXT, JSON, TIME, COUNT };
struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;
};
#define AT(member) offsetof(struct observation, member)
static const struct field fields[] = {
	{ "name", TEXT, AT(name) },
	{ "source", TEXT, AT(source) },
	{ "session", TEXT, AT(session) },
	{ "own_session", TEXT, AT(own_session) },
	{ "message", TEXT, AT(message) },
	{ "part", TEXT, AT(part) },
	{ "title", TEXT, AT(title) },
	{ "start_ms", TIME, AT(start_ms) },
	{ "end_ms", TIME, AT(end_ms) },
	{ "completion_start_ms", TIME, AT(completion_start_ms) },
	{ "status", TEXT, AT(status) },
	{ "model", TEXT, AT(model) },
	{ "provider", TEXT, AT(provider) },
	{ "model_parameters", JSON, AT(model_parameters) },
	{ "input", JSON, AT(input) },
	{ "output", JSON, AT(output) },
	{ "usage_input", COUNT, AT(usage.input) },
	{ "usage_output", COUNT, AT(usage.output) },
	{ "usage_reasoning", COUNT, AT(usage.reasoning) },
	{ "usage_cache_read", COUNT, AT(usage.cache_read) },
	{ "usage_cache_write", COUNT, AT(usage.cache_write) },
	{ "cost", TEXT, AT(cost) },
	{ "metadata", JSON, AT(metadata) },
};
#define FIELDS (sizeof fields / sizeof fields[0])

static void write_id(struct json_writer *out, const char *key, const uint8_t *id, size_t n)
{
	char hex[33];

	hash_hex(id, n, hex);
	jw_key(out, key);
	jw_text(out, hex);
}

static void write_field(struct json_writer *out, const struct field *field, const char *base)
{
	struct slice text;
	int64_t number;

	if (field->kind == TEXT || field->kind == JSON) {
		memcpy(&text, base + field->offset, sizeof text);
		if (text.len == 0)
			return;
		jw_key(out, field->name);
		if (field->kind == TEXT)
			jw_string(out, text);
		else
			jw_raw(out, text);
		return;
	}
	memcpy(&number, base + field->offset, sizeof number);
	if (number < (field->kind == COUNT ? 0 : 1))
		return;
	jw_key(out, field->name);
	jw_int(out, number);
}

int observation_json(const struct observation *observation, struct buf *out)
{
	static const uint8_t none[8];
	struct json_writer json;

	json_writer_init(&json, out);
	jw_object(&json);
	jw_key(&json, "type");
	jw_text(&json, observation_type_name(observation->type));
	jw_key(&json, "level");
	jw_text(&json, observation_level_name(observation->level));
	write_id(&json, "trace_id", observation->trace_id, sizeof observation->trace_id);
	write_id(&json, "span_id", observation->span_id, sizeof observation->span_id);
	if (memcmp(observation->parent_id, none, sizeof none) != 0)
		write_id(&json, "parent_id", observation->parent_id, sizeof observation->parent_id);
	for (size_t i = 0; i < FIELDS; i++)
		write_field(&json, &fields[i], (const char *)observation);
	jw_object_close(&json);
	return out->failed;
}

static int find_name(const struct json_doc *doc, const char *key, const char *const *names, int count)
{
	int32_t node = json_get(doc, 0, key);

	for (int i = 0; i < count; i++)
		if (json_string_is(doc, node, names[i]))
			return i;
	return -1;
}

static int read_id(const struct json_doc *doc, const char *key, uint8_t *id, size_t n, bool needed)
{
	struct slice raw = json_raw(doc, json_get(doc, 0, key));

	memset(id, 0, n);
	if (raw.len == 0)
		return needed ? LF_EINVAL : 0;
	return raw.len < 2 ? LF_EINVAL : hash_unhex((struct slice){ raw.ptr + 1, raw.len - 2 }, id, n);
}

/* Texts go to *strings, whose memory may move: their places are noted first and made pointers at the end. */
static int read_field(const struct json_doc *doc, const struct field *field, struct buf *strings, struct observation *ret, size_t *ret_place)
{
	int32_t node = json_get(doc, 0, field->name);
	char *base = (char *)ret;
	struct slice text = SLICE_NONE;
	int64_t number;

	if (field->kind == TIME || field->kind == COUNT) {
		number = json_int(doc, node, field->kind == COUNT ? -1 : 0);
		memcpy(base + field->offset, &number, sizeof number);
		return 0;
	}
	*ret_place = strings->len;
	if (field->kind == JSON)
		text = json_raw(doc, node);
	else if (json_text(doc, node, strings) == 0)
		text.len = strings->len - *ret_place;
	memcpy(base + field->offset, &text, sizeof text);
	return strings->failed;
}

static void point_at_texts(struct observation *ret, const struct buf *strings, const size_t *places)
{
	for (size_t i = 0; i < FIELDS; i++) {
		struct slice text;
		if (fields[i].kind != TEXT)
			continue;
		memcpy(&text, (char *)ret + fields[i].offset, sizeof text);
		text.ptr = text.len ? strings->data + places[i] : NULL;
		memcpy((char *)ret + fields[i].offset, &text, sizeof text);
	}
}

static int read_all(const struct json_doc *doc, struct buf *strings, struct observation *ret)
{
	size_t places[FIELDS] = { 0 };
	int type = find_name(doc, "type", type_names, 5), level = find_name(doc, "level", level_names, 4);

	memset(ret, 0, sizeof *ret);
	if (type < 0 || level < 0 || read_id(doc, "trace_id", ret->trace_id, 16, true) != 0 ||
	    read_id(doc, "span_id", ret->span_id, 8, true) != 0 || read_id(doc, "parent_id", ret->parent_id, 8, false) != 0)
		return LF_EINVAL;
	ret->type = (enum observation_type)type;
	ret->level = (enum observation_level)level;
	for (size_t i = 0; i < FIELDS; i++)
		if (read_field(doc, &fields[i], strings, ret, &places[i]) != 0)
			return LF_EINVAL;
	point_at_texts(ret, strings, places);
	return 0;
}

int observation_parse(struct slice text, struct buf *strings, struct observation *ret, struct err *err)
{
	struct json_doc doc;
	int rc;

	json_doc_init(&doc);
	rc = json_parse(&doc, text, 0, err);
	if (rc == 0 && read_all(&doc, strings, ret) != 0)
		rc = err_set(err, LF_EINVAL, "not an observation");
	json_doc_done(&doc);
	return rc;
}
