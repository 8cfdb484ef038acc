/* A send in doubt on a server that stores twice what is sent twice: ask which of its spans are there. */
#include "base/clock.h"
#include "base/hash.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <stdlib.h>

#define PAGE_SIZE 1000
#define MAX_PAGES 200
#define MAX_NODES 200000
#define TIME_MARGIN_MS 1000
#define PATH "/api/public/v2/observations"

struct lookup {
	struct ship *ship;
	struct ship_batch *batch;
	const struct ship_row *of;   /* a row of the trace that is asked for */
	bool *found;                 /* by row */
	char *cursor;                /* of the next page, or NULL */
};

static void put_escaped(struct buf *url, const char *text)
{
	for (; *text; text++) {
		char c = *text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.~", c);

		if (plain)
			buf_char(url, c);
		else
			buf_format(url, "%%%02X", (unsigned)(unsigned char)c);
	}
}

static bool in_trace(const struct lookup *lookup, const struct ship_row *row)
{
	return memcmp(row->trace_id, lookup->of->trace_id, sizeof(row->trace_id)) == 0;
}

static void put_time(struct buf *url, const char *name, int64_t ms)
{
	char text[32];

	clock_format_iso(ms < 0 ? 0 : ms, text);
	buf_format(url, "&%s=", name);
	put_escaped(url, text);
}

/* Only the stretch of the trace in which the rows lie: a long session has thousands of spans. */
static void make_url(const struct lookup *lookup, struct buf *url)
{
	int64_t from = lookup->of->observation.start_ms, to = from;
	char hex[33];

	for (unsigned i = 0; i < lookup->batch->count; i++) {
		const struct ship_row *row = &lookup->batch->rows[i];

		if (!in_trace(lookup, row) || row->outcome == SETTLE_DEAD)
			continue;
		from = row->observation.start_ms < from ? row->observation.start_ms : from;
		to = row->observation.start_ms > to ? row->observation.start_ms : to;
	}
	hash_hex(lookup->of->trace_id, sizeof(lookup->of->trace_id), hex);
	buf_clear(url);
	buf_format(url, "%s" PATH "?traceId=%s&fields=core&limit=%d", lookup->ship->options.host, hex, PAGE_SIZE);
	put_time(url, "fromStartTime", from - TIME_MARGIN_MS);
	put_time(url, "toStartTime", to + TIME_MARGIN_MS);
	if (lookup->cursor) {
		buf_text(url, "&cursor=");
		put_escaped(url, lookup->cursor);
	}
}

static void mark_found(struct lookup *lookup, const struct json_doc *doc, int32_t id)
{
	char hex[17];

	for (unsigned i = 0; i < lookup->batch->count; i++) {
		const struct ship_row *row = &lookup->batch->rows[i];

		hash_hex(row->span_id, sizeof(row->span_id), hex);
		if (in_trace(lookup, row) && json_string_is(doc, id, hex))
			lookup->found[i] = true;
	}
}

static bool read_page(struct lookup *lookup, const struct http_answer *answer)
{
	struct json_doc doc;
	int32_t data;
	bool whole = false;

	free(lookup->cursor);
	lookup->cursor = NULL;
	json_doc_init(&doc);
	if (answer->cut || json_parse(&doc, buf_view(&answer->body), MAX_NODES, NULL) != 0)
		goto out;
	data = json_get(&doc, 0, "data");
	if (json_type_of(&doc, data) != JSON_ARRAY)
		goto out;
	for (int32_t i = doc.nodes[data].first; i != JSON_NONE; i = doc.nodes[i].next)
		mark_found(lookup, &doc, json_get(&doc, i, "id"));
	lookup->cursor = json_strdup(&doc, json_path(&doc, 0, "meta.cursor"), 4096);
	whole = true;
out:
	json_doc_done(&doc);
	return whole;
}

/* 0, LF_ENOENT when this server has no such page, or LF_EAGAIN with the batch's result set. */
static int judge_page(struct lookup *lookup, const struct http_answer *answer)
{
	enum verdict verdict = verdict_of(answer, true);

	if (verdict == VERDICT_DELIVERED && read_page(lookup, answer))
		return 0;
	if (answer->status == 404)
		return LF_ENOENT;
	lookup->batch->result = verdict == VERDICT_PAUSE || verdict == VERDICT_HOLD || verdict == VERDICT_BISECT ?
	                        RESULT_PAUSE : RESULT_DOUBT;
	lookup->batch->retry_after_ms = answer->retry_after_ms;
	ship_say(lookup->batch, "looking up a send in doubt", answer);
	return LF_EAGAIN;
}

static int lookup_trace(struct lookup *lookup, struct err *err)
{
	struct buf url;
	int rc = 0;

	buf_init(&url, 0);
	free(lookup->cursor);
	lookup->cursor = NULL;
	for (unsigned page = 0; page < MAX_PAGES && rc == 0; page++) {
		struct http_answer answer;

		http_answer_init(&answer);
		make_url(lookup, &url);
		rc = http_get(lookup->ship->http, url.data, NULL, lookup->ship->auth, &answer, err);
		if (rc == 0)
			rc = judge_page(lookup, &answer);
		http_answer_done(&answer);
		if (!lookup->cursor)
			break;
	}
	if (rc == 0 && lookup->cursor) { /* what was not read could be there: better ask again than send twice */
		lookup->batch->result = RESULT_DOUBT;
		snprintf(lookup->batch->error, sizeof(lookup->batch->error), "looking up a send in doubt: more than %d pages", MAX_PAGES);
		rc = LF_EAGAIN;
	}
	buf_done(&url);
	return rc;
}

static bool asked_before(const struct ship_batch *batch, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (batch->rows[i].outcome != SETTLE_DEAD &&
		    memcmp(batch->rows[i].trace_id, batch->rows[index].trace_id, sizeof(batch->rows[i].trace_id)) == 0)
			return true;
	return false;
}

int lookup_rows(struct ship *ship, struct ship_batch *batch, struct err *err)
{
	struct lookup lookup = { .ship = ship, .batch = batch, .found = calloc(batch->count, sizeof(bool)) };
	int rc = lookup.found ? 0 : err_set(err, LF_ENOMEM, "no memory");

	for (unsigned i = 0; i < batch->count && rc == 0; i++) {
		if (batch->rows[i].outcome == SETTLE_DEAD || asked_before(batch, i))
			continue;
		lookup.of = &batch->rows[i];
		rc = lookup_trace(&lookup, err);
	}
	for (unsigned i = 0; i < batch->count && rc == 0; i++)
		if (batch->rows[i].outcome != SETTLE_DEAD)
			batch->rows[i].outcome = lookup.found[i] ? SETTLE_DELIVERED : SETTLE_RETRY;
	free(lookup.cursor);
	free(lookup.found);
	return rc;
}
