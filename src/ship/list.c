/* What a server says it has of one trace, page by page. */
#include "base/clock.h"
#include "base/hash.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <stdlib.h>

#define PAGE_SIZE 1000    /* of the API with a cursor, which came with version 4 */
#define OLD_PAGE_SIZE 100
#define MAX_PAGES 2000
#define MAX_NODES 200000
#define CURSOR_MAJOR 4

struct listing {
	const struct ship *ship;
	const struct list_query *query;
	list_fn *fn;
	void *context;
	char *cursor;      /* of the next page, or NULL */
	unsigned page;     /* from 1 */
	bool more;
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

static void put_time(struct buf *url, const char *name, int64_t ms)
{
	char text[32];

	clock_format_iso(ms < 0 ? 0 : ms, text);
	buf_format(url, "&%s=", name);
	put_escaped(url, text);
}

static bool has_cursors(const struct listing *listing)
{
	return listing->ship->server.major >= CURSOR_MAJOR || !listing->ship->server.langfuse;
}

static void make_url(const struct listing *listing, struct buf *url)
{
	const struct list_query *query = listing->query;
	char hex[33];

	hash_hex(query->trace_id, sizeof(query->trace_id), hex);
	buf_clear(url);
	buf_format(url, "%s/api/public/%sobservations?traceId=%s", listing->ship->options.host, has_cursors(listing) ? "v2/" : "", hex);
	if (has_cursors(listing))
		buf_format(url, "&fields=%s&limit=%d", query->fields, PAGE_SIZE);
	else
		buf_format(url, "&page=%u&limit=%d", listing->page, OLD_PAGE_SIZE);
	if (query->to_ms > 0) {
		put_time(url, "fromStartTime", query->from_ms);
		put_time(url, "toStartTime", query->to_ms);
	}
	if (listing->cursor) {
		buf_text(url, "&cursor=");
		put_escaped(url, listing->cursor);
	}
}

/* False: not a whole page. */
static bool read_page(struct listing *listing, const struct http_answer *answer, int *ret_rc, struct err *err)
{
	struct json_doc doc;
	int32_t data;
	bool whole = false;

	free(listing->cursor);
	listing->cursor = NULL;
	json_doc_init(&doc);
	if (answer->cut || json_parse(&doc, buf_view(&answer->body), MAX_NODES, NULL) != 0)
		goto out;
	data = json_get(&doc, 0, "data");
	if (json_type_of(&doc, data) != JSON_ARRAY)
		goto out;
	for (int32_t i = doc.nodes[data].first; i != JSON_NONE && *ret_rc == 0; i = doc.nodes[i].next)
		*ret_rc = listing->fn(listing->context, &doc, i, err);
	listing->cursor = json_strdup(&doc, json_path(&doc, 0, "meta.cursor"), 4096);
	listing->more = listing->cursor || json_int(&doc, json_path(&doc, 0, "meta.totalPages"), 0) > (int64_t)listing->page;
	whole = true;
out:
	json_doc_done(&doc);
	return whole;
}

static int list_page(struct listing *listing, struct http_answer *answer, struct err *err)
{
	struct buf url;
	int rc;

	buf_init(&url, 0);
	listing->more = false;
	make_url(listing, &url);
	rc = http_get(listing->ship->http, url.data, NULL, listing->ship->auth, answer, err);
	buf_done(&url);
	if (rc)
		return rc;
	if (verdict_of(answer, true) == VERDICT_DELIVERED && read_page(listing, answer, &rc, err))
		return rc;
	return err_set(err, answer->status == 404 ? LF_ENOENT : LF_EAGAIN, "the server's list of observations: HTTP %ld %s",
	               answer->status, answer->error);
}

int list_trace(const struct ship *ship, const struct list_query *query, list_fn *fn, void *context, struct http_answer *last,
               struct err *err)
{
	struct listing listing = { .ship = ship, .query = query, .fn = fn, .context = context, .page = 1, .more = true };
	int rc = 0;

	for (; rc == 0 && listing.more && listing.page <= MAX_PAGES; listing.page++) {
		http_answer_done(last);
		http_answer_init(last);
		rc = list_page(&listing, last, err);
	}
	if (rc == 0 && listing.more)
		rc = err_set(err, LF_ELIMIT, "more than %d pages", MAX_PAGES);
	free(listing.cursor);
	return rc;
}

struct seen_context {
	ship_seen_fn *fn;
	void *context;
};

static int32_t either(const struct json_doc *doc, int32_t node, const char *name, const char *other)
{
	int32_t found = json_get(doc, node, name);

	return found != JSON_NONE && json_type_of(doc, found) != JSON_NULL ? found : json_get(doc, node, other);
}

static int give_seen(void *context, const struct json_doc *doc, int32_t node, struct err *err)
{
	static const char *const names[] = { "id", "type", "name", "level" };
	const struct seen_context *seen = context;
	struct ship_seen row = { .start_ms = json_time_ms(doc, json_get(doc, node, "startTime")),
		                 .end_ms = json_time_ms(doc, json_get(doc, node, "endTime")) };
	const char **texts[] = { &row.id, &row.type, &row.name, &row.level, &row.model };
	char *copies[5];
	int rc;

	for (size_t i = 0; i < 4; i++)
		copies[i] = json_strdup(doc, json_get(doc, node, names[i]), 4096);
	copies[4] = json_strdup(doc, either(doc, node, "providedModelName", "model"), 4096);
	for (size_t i = 0; i < 5; i++)
		*texts[i] = copies[i] ? copies[i] : "";
	row.doc = doc;
	row.usage = json_get(doc, node, "usageDetails");
	row.cost = json_double(doc, either(doc, node, "totalCost", "calculatedTotalCost"), -1);
	rc = seen->fn(seen->context, &row, err);
	for (size_t i = 0; i < 5; i++)
		free(copies[i]);
	return rc;
}

int ship_list(struct ship *ship, const uint8_t trace_id[16], ship_seen_fn *fn, void *context, struct err *err)
{
	struct list_query query = { .fields = "core,basic,time,model,usage" };
	struct seen_context seen = { fn, context };
	struct http_answer last;
	int rc = 0;

	if (ship->status.state == SHIP_OFF)
		return err_set(err, LF_EINVAL, "%s", ship->status.reason);
	if (!ship->server.known) {
		struct ship_batch *words = batch_new();

		if (probe_server(ship, words, err) != RESULT_OK)
			rc = err_set(err, LF_EAGAIN, "%s", words->error);
		batch_free(words);
	}
	memcpy(query.trace_id, trace_id, sizeof(query.trace_id));
	http_answer_init(&last);
	if (rc == 0)
		rc = list_trace(ship, &query, give_seen, &seen, &last, err);
	http_answer_done(&last);
	return rc;
}
