/*
 * The page for people (ui.html, embedded) and what it asks for: the spans that are new or changed since it asked last, without
 * their content, and one span with everything. Only with `ui` among the options.
 */
#include "sink/server.h"
#include "sink/ui.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define PAGE_SPANS 2000
#define PAGE_BYTES (4u << 20)
#define MAX_RULES 64
#define MAX_RULE_BYTES 64
#define NONCE "@NONCE@"
#define MARKER "[REDACTED:"

static const char page[] = {
#include "src/sink/ui_page.inc"
};

static bool switched_off(const struct sink *sink, struct sink_answer *answer)
{
	if (!sink->options.ui)
		answer_message(answer, 404, "Not Found", NULL);
	return !sink->options.ui;
}

/* The page's own script and style are known by a number that nobody can guess. */
void ui_page(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	const char *at = page, *end = page + sizeof page, *hit;
	uint8_t random[16];

	(void)request;
	if (switched_off(sink, answer))
		return;
	if (getentropy(random, sizeof random) != 0) {
		answer_message(answer, 500, "no random numbers", NULL);
		return;
	}
	hash_hex(random, sizeof random, answer->nonce);
	answer_text(answer, 200, "text/html; charset=utf-8", "");
	while ((hit = memmem(at, (size_t)(end - at), NONCE, sizeof NONCE - 1))) {
		(void)buf_append(&answer->body, at, (size_t)(hit - at));
		(void)buf_text(&answer->body, answer->nonce);
		at = hit + sizeof NONCE - 1;
	}
	(void)buf_append(&answer->body, at, (size_t)(end - at));
}

/* ---- what was redacted ---- */

struct rule_counts {
	struct slice names[MAX_RULES];
	uint64_t counts[MAX_RULES];
	unsigned used;
};

static void count_rule(struct rule_counts *rules, struct slice name)
{
	unsigned i = 0;

	while (i < rules->used && !slice_equal(rules->names[i], name))
		i++;
	if (i == MAX_RULES)
		return;
	if (i == rules->used)
		rules->names[rules->used++] = name;
	rules->counts[i]++;
}

static void count_markers(struct rule_counts *rules, struct slice text)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	while (at && (at = memmem(at, (size_t)(end - at), MARKER, sizeof MARKER - 1))) {
		const char *name = at += sizeof MARKER - 1;
		const char *close = memchr(name, ']', (size_t)(end - name) < MAX_RULE_BYTES ? (size_t)(end - name) : MAX_RULE_BYTES);
		if (close && close > name)
			count_rule(rules, (struct slice){ name, (size_t)(close - name) });
	}
}

static void put_redacted(struct json_writer *out, const struct observation *observation)
{
	const struct slice texts[] = {
		observation->name, observation->title, observation->status, observation->model_parameters, observation->input, observation->output,
		observation->metadata,
	};
	struct rule_counts rules = { .used = 0 };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].len)
			count_markers(&rules, texts[i]);
	jw_key(out, "redacted");
	jw_object(out);
	for (unsigned i = 0; i < rules.used; i++) {
		jw_key_slice(out, rules.names[i]);
		jw_uint(out, rules.counts[i]);
	}
	jw_object_close(out);
}

/* ---- the list ---- */

static void put_text(struct json_writer *out, const char *key, struct slice text)
{
	jw_key(out, key);
	jw_string(out, text);
}

static void put_number(struct json_writer *out, const char *key, int64_t value)
{
	jw_key(out, key);
	jw_int(out, value);
}

static void put_usage(struct json_writer *out, const struct observation_usage *usage)
{
	const struct { const char *key; int64_t value; } rows[] = {
		{ "input", usage->input }, { "output", usage->output }, { "reasoning", usage->reasoning }, { "cache_read", usage->cache_read },
		{ "cache_write", usage->cache_write },
	};

	jw_key(out, "usage");
	jw_object(out);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].value >= 0)
			put_number(out, rows[i].key, rows[i].value);
	jw_object_close(out);
}

/* The title of a tool call, what an event is about. */
static void put_subject(struct json_writer *out, const struct observation *observation)
{
	struct json_doc doc;
	struct buf title;

	json_doc_init(&doc);
	buf_init(&title, 0);
	if (observation->metadata.len && json_parse(&doc, observation->metadata, 0, NULL) == 0)
		(void)json_text(&doc, json_get(&doc, 0, "title"), &title);
	put_text(out, "subject", buf_view(&title));
	buf_done(&title);
	json_doc_done(&doc);
}

static void put_span(struct json_writer *out, const struct sink_row *row, size_t index)
{
	const struct observation *observation = &row->span.obs;
	const struct { const char *key; struct slice text; } texts[] = {
		{ "trace", row->span.trace_text }, { "span", row->span.span_text }, { "parent", row->span.parent_text }, { "name", observation->name },
		{ "title", observation->title }, { "session", observation->session }, { "own", observation->own_session },
		{ "status", observation->status }, { "model", observation->model }, { "cost", observation->cost },
	};

	jw_object(out);
	put_number(out, "i", (int64_t)index);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		put_text(out, texts[i].key, texts[i].text);
	put_subject(out, observation);
	put_text(out, "type", slice_of(observation_type_name(observation->type)));
	put_text(out, "level", slice_of(observation_level_name(observation->level)));
	put_number(out, "start", observation->start_ms);
	put_number(out, "end", observation->end_ms > observation->start_ms ? observation->end_ms : observation->start_ms);
	put_number(out, "first", observation->completion_start_ms);
	put_usage(out, &observation->usage);
	put_redacted(out, observation);
	jw_object_close(out);
}

static uint64_t read_number(struct sink_request *request, const char *name)
{
	const char *text = request->query(request->context, name);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* One answer holds so many that it stays small; `next` is where the list goes on, 0 at its end. */
void ui_spans(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	uint64_t since = read_number(request, "since"), at = read_number(request, "from");
	size_t count = store_count(sink->store);
	struct json_writer out;
	unsigned put = 0;
	char run[17];

	if (switched_off(sink, answer))
		return;
	answer_text(answer, 200, "application/json", "");
	json_writer_init(&out, &answer->body);
	jw_object(&out);
	snprintf(run, sizeof run, "%016llx", (unsigned long long)sink->run);
	put_text(&out, "run", slice_of(run));
	put_number(&out, "seq", (int64_t)store_changes(sink->store));
	jw_key(&out, "figures");
	own_put_figures(sink, &out);
	jw_key(&out, "spans");
	jw_array(&out);
	for (; at < count && put < PAGE_SPANS && answer->body.len < PAGE_BYTES; at++) {
		const struct sink_row *row = store_row(sink->store, at);
		if (row->changed <= since)
			continue;
		put_span(&out, row, at);
		put++;
	}
	jw_array_close(&out);
	put_number(&out, "next", at < count ? (int64_t)at : 0);
	jw_object_close(&out);
}

static void put_json(struct json_writer *out, const char *key, struct slice json)
{
	if (!json.len)
		return;
	jw_key(out, key);
	jw_raw(out, json);
}

void ui_span(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	uint64_t at = read_number(request, "i");
	const struct sink_row *row = at < store_count(sink->store) ? store_row(sink->store, at) : NULL;
	struct json_writer out;
	struct buf observation;

	if (switched_off(sink, answer))
		return;
	if (!row) {
		answer_message(answer, 404, "there is no such span", NULL);
		return;
	}
	const struct { const char *key; struct slice text; } texts[] = {
		{ "trace_name", row->span.trace_name }, { "user", row->span.user }, { "environment", row->span.environment }, { "release", row->span.release },
		{ "version", row->span.version },
	};
	answer_text(answer, 200, "application/json", "");
	buf_init(&observation, 0);
	json_writer_init(&out, &answer->body);
	jw_object(&out);
	(void)observation_json(&row->span.obs, &observation);
	put_json(&out, "observation", buf_view(&observation));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].text.len)
			put_text(&out, texts[i].key, texts[i].text);
	put_json(&out, "tags", row->span.tags);
	put_json(&out, "usage_details", row->span.usage);
	put_json(&out, "cost_details", row->span.cost);
	put_json(&out, "attributes", row->span.attributes);
	jw_object_close(&out);
	buf_done(&observation);
}
