/* Reads the parts of a message; see view.h. */
#include "assemble/fields.h"
#include "assemble/view.h"
#include <stdlib.h>

#define AT(member) offsetof(struct view_part, member)
static const struct field part_tokens[] = {
	FIELD("input", FIELD_COUNT, AT(tokens.input)),
	FIELD("output", FIELD_COUNT, AT(tokens.output)),
	FIELD("reasoning", FIELD_COUNT, AT(tokens.reasoning)),
	FIELD("cache_read", FIELD_COUNT, AT(tokens.cache_read)),
	FIELD("cache_write", FIELD_COUNT, AT(tokens.cache_write)),
};
static const struct field part_fields[] = {
	FIELD("type", FIELD_TEXT, AT(type)),
	FIELD("tool", FIELD_TEXT, AT(tool)),
	FIELD("call", FIELD_TEXT, AT(call)),
	FIELD("status", FIELD_TEXT, AT(status)),
	FIELD("text", FIELD_STRING, AT(text_json)),
	FIELD("input", FIELD_VALUE, AT(input_json)),
	FIELD("output", FIELD_VALUE, AT(output_json)),
	FIELD("error", FIELD_VALUE, AT(error_json)),
	FIELD("title", FIELD_STRING, AT(title_json)),
	FIELD("metadata", FIELD_VALUE, AT(metadata_json)),
	FIELD("exit", FIELD_ANY, AT(exit_json)),
	FIELD("start", FIELD_TIME, AT(start_ms)),
	FIELD("end", FIELD_TIME, AT(end_ms)),
	FIELD("cost", FIELD_VALUE, AT(cost_json)),
	FIELD_WITH("tokens", FIELD_MEMBERS, 0, part_tokens),
	FIELD("mime", FIELD_TEXT, AT(mime)),
	FIELD("filename", FIELD_STRING, AT(filename_json)),
	FIELD("name", FIELD_TEXT, AT(name)),
	FIELD("agent", FIELD_TEXT, AT(agent)),
	FIELD("description", FIELD_STRING, AT(description_json)),
	FIELD("prompt", FIELD_STRING, AT(prompt_json)),
	FIELD("synthetic", FIELD_BOOL, AT(synthetic)),
	FIELD("ignored", FIELD_BOOL, AT(ignored)),
	FIELD("commit", FIELD_BOOL, AT(commit)),
	FIELD("auto", FIELD_BOOL, AT(automatic)),
	FIELD("overflow", FIELD_BOOL, AT(overflow)),
};
#undef AT

void view_parts_init(struct view_parts *parts)
{
	*parts = (struct view_parts){ 0 };
	pool_init(&parts->pool);
	json_doc_init(&parts->doc);
	buf_init(&parts->scratch, 0);
}

void view_parts_done(struct view_parts *parts)
{
	pool_done(&parts->pool);
	json_doc_done(&parts->doc);
	buf_done(&parts->scratch);
	free(parts->items);
}

void view_parts_clear(struct view_parts *parts)
{
	pool_done(&parts->pool);
	parts->count = 0;
}

static bool is_size(const struct json_node *node)
{
	static const char suffix[] = "_bytes\"";
	size_t n = sizeof suffix - 1;

	return node->type == JSON_NUMBER && node->key.len > n && memcmp(node->key.ptr + node->key.len - n, suffix, n) == 0;
}

/* The sizes that a record without content has in its place. */
static void read_sizes(struct view_parts *parts, struct view_part *part)
{
	const struct json_doc *doc = &parts->doc;

	buf_clear(&parts->scratch);
	for (int32_t node = doc->nodes[0].first; node != JSON_NONE; node = doc->nodes[node].next) {
		if (!is_size(&doc->nodes[node]))
			continue;
		if (parts->scratch.len)
			buf_char(&parts->scratch, ',');
		buf_slice(&parts->scratch, doc->nodes[node].key);
		buf_char(&parts->scratch, ':');
		buf_slice(&parts->scratch, doc->nodes[node].raw);
	}
	part->sizes_json = pool_copy(&parts->pool, buf_view(&parts->scratch));
}

static int take_part(void *context, const struct clean_record_view *record, struct err *err)
{
	struct view_parts *parts = context;
	struct view_part *part;
	int rc = json_parse(&parts->doc, record->body, 0, err);

	if (rc != 0)
		return rc;
	if (pool_grow(&parts->pool, (void **)&parts->items, parts->count, &parts->cap, sizeof *part)) {
		part = &parts->items[parts->count++];
		*part = (struct view_part){ 0 };
		fields_read(&parts->doc, part_fields, sizeof part_fields / sizeof part_fields[0], &parts->pool, &parts->scratch, part);
		part->key = pool_copy(&parts->pool, record->key);
		read_sizes(parts, part);
		if (part->start_ms > parts->last_ms)
			parts->last_ms = part->start_ms;
		if (part->end_ms > parts->last_ms)
			parts->last_ms = part->end_ms;
	}
	return parts->pool.failed ? err_set(err, LF_ENOMEM, "no memory for a message's parts") : 0;
}

static int compare_parts(const void *a, const void *b)
{
	const struct view_part *x = a, *y = b;
	int order = (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);

	return order ? order : slice_compare(x->key, y->key);
}

int view_parts_load(struct view_parts *parts, const struct assemble_store *store, struct slice source, struct slice session,
                    struct slice message, struct err *err)
{
	size_t first = parts->count;
	int rc = store->each_part(store->context, source, session, message, take_part, parts, err);

	if (rc != 0 && rc != LF_ENOENT)
		return rc;
	if (parts->count > first)
		qsort(parts->items + first, parts->count - first, sizeof *parts->items, compare_parts);
	return 0;
}
