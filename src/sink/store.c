/* Rows in order of arrival, and two hash tables: newest row of an observation id, trace by its id. */
#include "sink/store.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>
#include <unistd.h>

#define MAX_ROWS 1000000
#define MAX_ROW_BYTES (64u << 20)
#define MAX_BYTES ((size_t)2 << 30)

/* Open addressing over indexes + 1; 0 is empty. The ids are looked at in the rows themselves. */
struct index {
	uint32_t *slots;
	size_t cap, used;
};

struct store {
	enum sink_profile profile;
	int out_fd;
	struct sink_row **rows;
	struct sink_trace **traces;
	struct sink_row **scores;
	size_t row_count, trace_count, score_count, row_cap, trace_cap, score_cap;
	struct index by_span, by_trace;
	uint64_t distinct, duplicates, changes;
	size_t bytes;
};

typedef struct slice index_key_fn(const struct store *store, uint32_t at);

static struct slice span_key(const struct store *store, uint32_t at)
{
	return store->rows[at]->span.span_text;
}

static struct slice trace_key(const struct store *store, uint32_t at)
{
	return store->traces[at]->span.trace_text;
}

/* The slot of a key, or the empty one where it would go. */
static uint32_t *index_slot(const struct store *store, const struct index *index, index_key_fn *key_of, struct slice key)
{
	size_t at = hash_64(key.ptr, key.len) & (index->cap - 1);

	while (index->slots[at] && !slice_equal(key_of(store, index->slots[at] - 1), key))
		at = (at + 1) & (index->cap - 1);
	return &index->slots[at];
}

static void index_grow(const struct store *store, struct index *index, index_key_fn *key_of)
{
	struct index bigger = { .cap = index->cap ? index->cap * 2 : 1024, .used = index->used };

	bigger.slots = xcalloc(bigger.cap, sizeof(*bigger.slots));
	for (size_t i = 0; i < index->cap; i++)
		if (index->slots[i])
			*index_slot(store, &bigger, key_of, key_of(store, index->slots[i] - 1)) = index->slots[i];
	free(index->slots);
	*index = bigger;
}

/* Points the key at a row or trace, which is in its table already. */
static void index_set(const struct store *store, struct index *index, index_key_fn *key_of, struct slice key, size_t at)
{
	uint32_t *slot;

	if (index->used * 2 >= index->cap)
		index_grow(store, index, key_of);
	slot = index_slot(store, index, key_of, key);
	if (*slot == 0)
		index->used++;
	*slot = (uint32_t)at + 1;
}

static size_t index_get(const struct store *store, const struct index *index, index_key_fn *key_of, struct slice key)
{
	uint32_t *slot = index->cap ? index_slot(store, index, key_of, key) : NULL;

	return slot && *slot ? *slot - 1 : SIZE_MAX;
}

struct store *store_new(enum sink_profile profile, int out_fd)
{
	struct store *store = xcalloc(1, sizeof(*store));

	store->profile = profile;
	store->out_fd = out_fd;
	return store;
}

static void free_rows(struct sink_row **rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		arena_done(&rows[i]->memory);
		free(rows[i]);
	}
	free(rows);
}

void store_free(struct store *store)
{
	if (!store)
		return;
	free_rows(store->rows, store->row_count);
	free_rows(store->scores, store->score_count);
	for (size_t i = 0; i < store->trace_count; i++) {
		arena_done(&store->traces[i]->memory);
		free(store->traces[i]);
	}
	free(store->traces);
	free(store->by_span.slots);
	free(store->by_trace.slots);
	if (store->out_fd >= 0)
		close(store->out_fd);
	free(store);
}

/* ---- copies and merges ---- */

/* Every slice of a span: copied, and merged as "the last one that is there". */
static const size_t slice_fields[] = {
	offsetof(struct sink_span, trace_text), offsetof(struct sink_span, span_text), offsetof(struct sink_span, parent_text),
	offsetof(struct sink_span, trace_name), offsetof(struct sink_span, user), offsetof(struct sink_span, environment),
	offsetof(struct sink_span, release), offsetof(struct sink_span, version), offsetof(struct sink_span, tags),
	offsetof(struct sink_span, usage), offsetof(struct sink_span, cost), offsetof(struct sink_span, attributes),
	offsetof(struct sink_span, raw), offsetof(struct sink_span, obs.name), offsetof(struct sink_span, obs.source),
	offsetof(struct sink_span, obs.session), offsetof(struct sink_span, obs.own_session), offsetof(struct sink_span, obs.message),
	offsetof(struct sink_span, obs.part), offsetof(struct sink_span, obs.title), offsetof(struct sink_span, obs.status),
	offsetof(struct sink_span, obs.model), offsetof(struct sink_span, obs.provider), offsetof(struct sink_span, obs.model_parameters),
	offsetof(struct sink_span, obs.input), offsetof(struct sink_span, obs.output), offsetof(struct sink_span, obs.cost),
	offsetof(struct sink_span, obs.metadata),
};

static struct slice *slice_at(struct sink_span *span, size_t field)
{
	return (struct slice *)(void *)((char *)span + slice_fields[field]);
}

/* Moves all texts of a span into the arena. False when the arena is full. */
static bool own_slices(struct sink_span *span, struct arena *memory)
{
	for (size_t i = 0; i < sizeof(slice_fields) / sizeof(slice_fields[0]); i++) {
		struct slice *slice = slice_at(span, i);

		if (slice->len == 0) {
			*slice = SLICE_NONE;
			continue;
		}
		*slice = arena_slice(memory, *slice);
		if (!slice->ptr)
			return false;
	}
	return true;
}

static void merge_usage(struct observation_usage *into, const struct observation_usage *from)
{
	int64_t *older = (int64_t *)into;
	const int64_t *newer = (const int64_t *)from;

	for (size_t i = 0; i < sizeof(*into) / sizeof(int64_t); i++)
		if (newer[i] >= 0)
			older[i] = newer[i];
}

static int merge_metadata(struct sink_span *span, struct slice older, struct arena *memory)
{
	struct buf merged;

	if (older.len == 0 || span->obs.metadata.len == 0)
		return 0;
	buf_init(&merged, MAX_ROW_BYTES);
	if (sink_merge_objects(older, span->obs.metadata, &merged) != 0) {
		buf_done(&merged);
		return 0;
	}
	return arena_take(memory, &merged, &span->obs.metadata);
}

/* The last value that is there wins; start, trace and environment stay what they were first. */
static int merge(struct sink_span *into, const struct sink_span *from, struct arena *memory)
{
	const struct sink_span older = *into;
	struct sink_span newer = *from;

	if (!own_slices(&newer, memory))
		return LF_EFULL;
	for (size_t i = 0; i < sizeof(slice_fields) / sizeof(slice_fields[0]); i++)
		if (slice_at(&newer, i)->len > 0)
			*slice_at(into, i) = *slice_at(&newer, i);
	into->trace_text = older.trace_text;
	if (older.environment.len > 0)
		into->environment = older.environment;
	if (newer.has_level)
		into->obs.level = newer.obs.level;
	if (newer.has_type)
		into->obs.type = newer.obs.type;
	if (newer.obs.end_ms > 0)
		into->obs.end_ms = newer.obs.end_ms;
	if (newer.obs.completion_start_ms > 0)
		into->obs.completion_start_ms = newer.obs.completion_start_ms;
	merge_usage(&into->obs.usage, &newer.obs.usage);
	return merge_metadata(into, older.obs.metadata, memory);
}

/* ---- adding ---- */

static void *grow(void *items, size_t count, size_t *cap)
{
	if (count < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 256;
	return xrealloc(items, *cap * sizeof(void *));
}

static struct sink_row *row_new(const struct sink_span *span, int64_t wall_ms, int64_t mono_ms)
{
	struct sink_row *row = xcalloc(1, sizeof(*row));

	row->span = *span;
	row->stored_ms = mono_ms;
	row->created_ms = wall_ms;
	arena_init(&row->memory, MAX_ROW_BYTES);
	if (!own_slices(&row->span, &row->memory)) {
		arena_done(&row->memory);
		free(row);
		return NULL;
	}
	return row;
}

static struct sink_trace *find_trace(const struct store *store, struct slice id)
{
	size_t at = index_get(store, &store->by_trace, trace_key, id);

	return at == SIZE_MAX ? NULL : store->traces[at];
}

/* Every span repeats its trace's facts: what is there already must not be copied a thousand times. */
static void forget_same(struct sink_span *facts, const struct sink_span *known)
{
	for (size_t i = 0; i < sizeof(slice_fields) / sizeof(slice_fields[0]); i++) {
		struct slice *slice = slice_at(facts, i);
		const char *at = (const char *)known + slice_fields[i];

		if (slice_equal(*slice, *(const struct slice *)(const void *)at))
			*slice = SLICE_NONE;
	}
}

/* The trace's row, made or enriched by what any of its spans says of it. */
static int upsert_trace(struct store *store, const struct sink_span *from)
{
	struct sink_span facts = { .trace_text = from->trace_text, .trace_name = from->trace_name, .user = from->user,
		.environment = from->environment, .release = from->release, .version = from->version, .tags = from->tags,
		.obs = { .session = from->obs.session, .start_ms = from->obs.start_ms,
			.usage = { -1, -1, -1, -1, -1 } } };
	struct sink_trace *trace = find_trace(store, from->trace_text);

	if (trace) {
		forget_same(&facts, &trace->span);
		return merge(&trace->span, &facts, &trace->memory);
	}
	trace = xcalloc(1, sizeof(*trace));
	trace->span = facts;
	arena_init(&trace->memory, MAX_ROW_BYTES);
	if (!own_slices(&trace->span, &trace->memory)) {
		arena_done(&trace->memory);
		free(trace);
		return LF_EFULL;
	}
	store->traces = grow(store->traces, store->trace_count, &store->trace_cap);
	store->traces[store->trace_count++] = trace;
	index_set(store, &store->by_trace, trace_key, trace->span.trace_text, store->trace_count - 1);
	return 0;
}

/* The batch API says session and title once, on the trace: the neutral form has them on each observation. */
static void inherit(struct sink_row *row, const struct sink_trace *trace)
{
	const struct sink_span *from = &trace->span;

	if (row->span.obs.session.len == 0)
		row->span.obs.session = arena_slice(&row->memory, from->obs.session);
	if (row->span.obs.own_session.len == 0)
		row->span.obs.own_session = row->span.obs.session;
	if (row->span.obs.title.len == 0)
		row->span.obs.title = arena_slice(&row->memory, from->trace_name);
}

static void inherit_later(struct store *store, const struct sink_trace *trace)
{
	for (size_t i = 0; i < store->row_count; i++)
		if (store->rows[i]->span.obs.session.len == 0 && slice_equal(store->rows[i]->span.trace_text, trace->span.trace_text)) {
			inherit(store->rows[i], trace);
			store->rows[i]->changed = ++store->changes;
		}
}

/* One line: what came as JSON may have line breaks between its tokens. */
static int put_line(const struct observation *observation, struct buf *out)
{
	size_t from = out->len;

	(void)observation_json(observation, out);
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
	return buf_char(out, '\n');
}

static int write_line(struct store *store, const struct observation *observation, struct err *err)
{
	struct buf line;
	int rc;

	if (store->out_fd < 0)
		return 0;
	buf_init(&line, 0);
	rc = put_line(observation, &line);
	if (rc == 0)
		rc = file_write_all(store->out_fd, buf_view(&line));
	buf_done(&line);
	return rc ? err_set(err, LF_EIO, "cannot write the observations file") : 0;
}

/* A new row, or the merge into the one that has the id. *ret stays NULL when the id belongs to another trace. */
static int put_row(struct store *store, const struct sink_span *span, int64_t wall_ms, int64_t mono_ms, struct sink_row **ret)
{
	size_t known = index_get(store, &store->by_span, span_key, span->span_text);

	*ret = NULL;
	if (known != SIZE_MAX && store->profile != SINK_V4) {
		struct sink_row *row = store->rows[known];

		if (!slice_equal(row->span.trace_text, span->trace_text))
			return 0;
		*ret = row;
		return merge(&row->span, span, &row->memory);
	}
	if (store->row_count >= MAX_ROWS || store->bytes > MAX_BYTES)
		return LF_EFULL;
	*ret = row_new(span, wall_ms, mono_ms);
	if (!*ret)
		return LF_EFULL;
	store->bytes += (*ret)->memory.used_bytes;
	store->rows = grow(store->rows, store->row_count, &store->row_cap);
	store->rows[store->row_count++] = *ret;
	index_set(store, &store->by_span, span_key, (*ret)->span.span_text, store->row_count - 1);
	if (known == SIZE_MAX)
		store->distinct++;
	else
		store->duplicates++;
	return 0;
}

static int add_score(struct store *store, const struct sink_span *span, int64_t wall_ms, int64_t mono_ms)
{
	struct sink_row *row = store->score_count < MAX_ROWS ? row_new(span, wall_ms, mono_ms) : NULL;

	if (!row)
		return LF_EFULL;
	store->scores = grow(store->scores, store->score_count, &store->score_cap);
	store->scores[store->score_count++] = row;
	return 0;
}

int store_add(struct store *store, const struct sink_span *span, int64_t wall_ms, int64_t mono_ms, struct err *err)
{
	struct sink_row *row = NULL;
	struct sink_trace *trace;
	int rc;

	if (span->kind == SPAN_SCORE)
		rc = add_score(store, span, wall_ms, mono_ms);
	else
		rc = upsert_trace(store, span);
	if (rc == 0 && span->kind == SPAN_OBSERVATION)
		rc = put_row(store, span, wall_ms, mono_ms, &row);
	if (rc != 0)
		return err_set(err, LF_EFULL, "the receiver is full");
	trace = span->kind == SPAN_SCORE ? NULL : find_trace(store, span->trace_text);
	if (row)
		row->changed = ++store->changes;
	if (row && trace)
		inherit(row, trace);
	else if (trace && span->kind == SPAN_TRACE)
		inherit_later(store, trace);
	return row ? write_line(store, &row->span.obs, err) : 0;
}

/* ---- reading ---- */

uint64_t store_changes(const struct store *store)
{
	return store->changes;
}

size_t store_count(const struct store *store)
{
	return store->row_count;
}

const struct sink_row *store_row(const struct store *store, size_t index)
{
	return store->rows[index];
}

const struct sink_trace *store_trace(const struct store *store, struct slice id)
{
	return find_trace(store, id);
}

size_t store_score_count(const struct store *store)
{
	return store->score_count;
}

struct slice store_score(const struct store *store, size_t index)
{
	return store->scores[index]->span.raw;
}

void store_figures(const struct store *store, struct sink_figures *ret)
{
	ret->observations = store->distinct;
	ret->duplicates = store->duplicates;
	ret->traces = store->trace_count;
}

int store_lines(const struct store *store, struct buf *out)
{
	for (size_t i = 0; i < store->row_count && !out->failed; i++) {
		(void)put_line(&store->rows[i]->span.obs, out);
	}
	return out->failed;
}
