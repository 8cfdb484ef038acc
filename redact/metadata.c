/* metadata_only: the allow-list of spool/FORMAT.md. What stands in no row is removed. */
#include "redactor.h"
#include "base/json.h"
#include <stdio.h>

#define ITEMS_MAX 1000      /* of a list of changed files */
#define STRING_MAX_BYTES 256 /* a longer value is no name, id or state */

/* A field's shape: "name" a scalar, "name:x" an object or an array of objects with the fields of x. */
struct allow_row {
	enum record_kind kind;
	const char *type; /* part and signal: the body's type; NULL: any */
	const char *fields;
};

static const struct allow_row allow_rows[] = {
	{ RECORD_SESSION, NULL, "parent project version agent created archived called" },
	{ RECORD_MESSAGE, NULL, "role parent agent mode model provider variant created completed finish summary cost tokens:t "
	                        "error:e diffs:d" },
	{ RECORD_PART, "text", "synthetic ignored start end" },
	{ RECORD_PART, "reasoning", "start end" },
	{ RECORD_PART, "tool", "tool call status exit start end child commit pull_request" },
	{ RECORD_PART, "step-start", "" },
	{ RECORD_PART, "step-finish", "reason cost tokens:t" },
	{ RECORD_PART, "file", "mime" },
	{ RECORD_PART, "agent", "name" },
	{ RECORD_PART, "subtask", "agent" },
	{ RECORD_PART, "compaction", "auto overflow start" },
	{ RECORD_PART, "patch", "" },
	{ RECORD_PART, "retry", "attempt error:e time" },
	{ RECORD_SIGNAL, "idle", "time" },
	{ RECORD_SIGNAL, "retry", "time attempt next" },
	{ RECORD_SIGNAL, "error", "time error:e" },
	{ RECORD_SIGNAL, "permission", "time request permission call message" },
	{ RECORD_SIGNAL, "permission-reply", "time request reply" },
	{ RECORD_SIGNAL, "question", "time request call message" },
	{ RECORD_SIGNAL, "question-reply", "time request reply" },
	{ RECORD_SIGNAL, "diff", "time files:d" },
	{ RECORD_SIGNAL, "delete", "time" },
	{ RECORD_SIGNAL, "removed", "time message" },
	{ RECORD_SIGNAL, "stale", "time" },
};
static const struct {
	char shape;
	const char *fields;
} shapes[] = {
	{ 't', "input output reasoning cache_read cache_write" },
	{ 'e', "name status retryable" },
	{ 'd', "status additions deletions" },
};
/* Content whose size is kept: "text" leaves "text_bytes". */
static const char *const measured[] = { "text", "input", "output", "title", "error", "message" };

struct metadata {
	const struct json_doc *doc;
	struct json_writer *writer;
	struct buf *text; /* scratch */
};

/* Finds a key in a field list: '\0' absent, ' ' scalar, else its shape. */
static char field_shape(const char *fields, struct slice key)
{
	for (const char *at = fields; *at;) {
		size_t n = strcspn(at, " :");

		if (slice_equal((struct slice){ at, n }, key))
			return at[n] == ':' ? at[n + 1] : ' ';
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return 0;
}

static bool is_measure_name(struct slice key)
{
	for (size_t i = 0; i < sizeof measured / sizeof *measured; i++) {
		size_t n = strlen(measured[i]);

		if (key.len == n + 6 && key.ptr && memcmp(key.ptr, measured[i], n) == 0 && memcmp(key.ptr + n, "_bytes", 6) == 0)
			return true;
	}
	return false;
}

static struct slice node_key(const struct metadata *m, int32_t node)
{
	struct slice key = m->doc->nodes[node].key;

	/* Escaped spellings of a name are not on the list. */
	return key.len >= 2 ? (struct slice){ key.ptr + 1, key.len - 2 } : SLICE_NONE;
}

static bool is_scalar(const struct metadata *m, int32_t node)
{
	enum json_type type = json_type_of(m->doc, node);

	if (type == JSON_STRING)
		return json_raw(m->doc, node).len <= STRING_MAX_BYTES + 2;
	return type == JSON_NUMBER || type == JSON_TRUE || type == JSON_FALSE || type == JSON_NULL;
}

static void copy_scalar(struct metadata *m, int32_t node)
{
	jw_key_slice(m->writer, node_key(m, node));
	jw_raw(m->writer, json_raw(m->doc, node));
}

static void measure(struct metadata *m, int32_t node)
{
	struct slice key = node_key(m, node);
	char name[32];
	size_t bytes = json_raw(m->doc, node).len;

	for (size_t i = 0; i < sizeof measured / sizeof *measured; i++) {
		if (!slice_is(key, measured[i]))
			continue;
		if (json_type_of(m->doc, node) == JSON_STRING) {
			buf_clear(m->text);
			json_text(m->doc, node, m->text);
			bytes = m->text->len;
		}
		snprintf(name, sizeof name, "%s_bytes", measured[i]);
		jw_key(m->writer, name);
		jw_uint(m->writer, bytes);
	}
}

static const char *shape_fields(char shape)
{
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		if (shapes[i].shape == shape)
			return shapes[i].fields;
	return "";
}

/* A nested object of scalars. */
static void copy_inner(struct metadata *m, int32_t object, const char *fields)
{
	jw_object(m->writer);
	for (int32_t node = m->doc->nodes[object].first; node != JSON_NONE; node = m->doc->nodes[node].next) {
		bool known = field_shape(fields, node_key(m, node)) || is_measure_name(node_key(m, node));

		if (known && is_scalar(m, node))
			copy_scalar(m, node);
		else if (!known)
			measure(m, node);
	}
	jw_object_close(m->writer);
}

static void copy_shape(struct metadata *m, int32_t node, char shape)
{
	enum json_type type = json_type_of(m->doc, node);
	unsigned items = 0;

	if (type != JSON_OBJECT && type != JSON_ARRAY) {
		measure(m, node);
		return;
	}
	jw_key_slice(m->writer, node_key(m, node));
	if (type == JSON_OBJECT) {
		copy_inner(m, node, shape_fields(shape));
		return;
	}
	jw_array(m->writer);
	for (int32_t item = m->doc->nodes[node].first; item != JSON_NONE; item = m->doc->nodes[item].next)
		if (json_type_of(m->doc, item) == JSON_OBJECT && items++ < ITEMS_MAX)
			copy_inner(m, item, shape_fields(shape));
	jw_array_close(m->writer);
}

static const char *allowed_fields(enum record_kind kind, const struct json_doc *doc)
{
	for (size_t i = 0; i < sizeof allow_rows / sizeof *allow_rows; i++) {
		const struct allow_row *row = &allow_rows[i];

		if (row->kind == kind && (!row->type || json_string_is(doc, json_get(doc, 0, "type"), row->type)))
			return row->fields;
	}
	return kind == RECORD_SIGNAL ? "time" : "";
}

static bool is_typed(enum record_kind kind)
{
	return kind == RECORD_PART || kind == RECORD_SIGNAL;
}

static void copy_body(struct metadata *m, enum record_kind kind, bool oversize)
{
	const char *fields = allowed_fields(kind, m->doc);

	jw_object(m->writer);
	for (int32_t node = m->doc->nodes[0].first; node != JSON_NONE; node = m->doc->nodes[node].next) {
		struct slice key = node_key(m, node);
		char shape = field_shape(fields, key);

		if (slice_is(key, "type") && is_typed(kind))
			shape = ' ';
		if (is_measure_name(key) || (slice_is(key, "oversize") && !oversize))
			shape = ' ';
		if (shape == ' ' && is_scalar(m, node))
			copy_scalar(m, node);
		else if (shape && shape != ' ')
			copy_shape(m, node, shape);
		else if (!shape)
			measure(m, node);
	}
	if (oversize) {
		jw_key(m->writer, "oversize");
		jw_bool(m->writer, true);
	}
	jw_object_close(m->writer);
}

int metadata_body(enum record_kind kind, struct slice body, bool oversize, struct buf *out, struct err *err)
{
	struct json_doc doc;
	struct json_writer writer;
	struct buf text;
	struct metadata m = { &doc, &writer, &text };
	int rc;

	buf_init(&text, 0);
	json_doc_init(&doc);
	rc = json_parse(&doc, body, 0, err);
	if (!rc && json_type_of(&doc, 0) != JSON_OBJECT)
		rc = err_set(err, LF_EINVAL, "a record body is a JSON object");
	if (!rc) {
		json_writer_init(&writer, out);
		copy_body(&m, kind, oversize);
		rc = out->failed;
	}
	json_doc_done(&doc);
	buf_done(&text);
	return rc;
}
