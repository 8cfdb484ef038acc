/* Reading what the server answers: whether it makes sense, and a 207 event by event. */
#include "base/hash.h"
#include "ship/ship_private.h"
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 200000
#define HEX_BYTES 16 /* of a span id */

static bool has_event_lists(const struct json_doc *doc)
{
	return json_type_of(doc, json_get(doc, 0, "successes")) == JSON_ARRAY &&
	       json_type_of(doc, json_get(doc, 0, "errors")) == JSON_ARRAY;
}

bool answer_is_sensible(enum map_format format, bool langfuse, const struct http_answer *answer)
{
	struct json_doc doc;
	bool sensible;

	if (answer->cut || answer->phase != HTTP_ANSWERED)
		return false;
	/* A collector answers in the request's own encoding; an empty message is its "all taken". */
	if (!langfuse && format == MAP_OTLP_PROTOBUF && strncmp(answer->content_type, "application/x-protobuf", 22) == 0)
		return true;
	json_doc_init(&doc);
	sensible = json_parse(&doc, buf_view(&answer->body), MAX_NODES, NULL) == 0 && json_type_of(&doc, 0) == JSON_OBJECT;
	if (sensible && format == MAP_INGESTION)
		sensible = has_event_lists(&doc);
	json_doc_done(&doc);
	return sensible;
}

/* ---- 207 ---- */

struct tally {
	struct ship_row *const *rows;
	unsigned count;
	bool *named;            /* the answer speaks of this row */
	unsigned refused;       /* events refused as a kind, whatever they carry */
	unsigned accepted;
	bool scope_denied, unknown_refused, retry;
};

/* Event ids are "<span hex>-<version>"; -1 for those of traces and for unknown ones. */
static int find_row(const struct tally *tally, const char *id)
{
	char hex[HEX_BYTES + 1];

	for (unsigned i = 0; id && i < tally->count; i++) {
		hash_hex(tally->rows[i]->span_id, sizeof(tally->rows[i]->span_id), hex);
		if (strncmp(id, hex, HEX_BYTES) == 0 && id[HEX_BYTES] == '-')
			return (int)i;
	}
	return -1;
}

static bool is_trace_event(const struct tally *tally, const char *id)
{
	char hex[2 * 16 + 1];

	for (unsigned i = 0; id && i < tally->count; i++) {
		hash_hex(tally->rows[i]->trace_id, sizeof(tally->rows[i]->trace_id), hex);
		if (strncmp(id, hex, 32) == 0 && id[32] == '-')
			return true;
	}
	return false;
}

static enum settle settle_of(int64_t status)
{
	if (status >= 200 && status < 300)
		return SETTLE_DELIVERED;
	if (status == 429 || status == 408 || status >= 500)
		return SETTLE_RETRY;
	return status >= 400 ? SETTLE_DEAD : SETTLE_IN_DOUBT;
}

static bool speaks_of_kind(const struct json_doc *doc, int32_t event)
{
	static const char *const keys[] = { "message", "error" };
	bool found = false;

	for (unsigned i = 0; i < 2 && !found; i++) {
		char *text = json_strdup(doc, json_get(doc, event, keys[i]), 4096);

		found = text && strstr(text, "Event type not accepted");
		free(text);
	}
	return found;
}

static void tally_event(struct tally *tally, const struct json_doc *doc, int32_t event, int64_t fallback_status)
{
	int64_t status = json_int(doc, json_get(doc, event, "status"), fallback_status);
	char *id = json_strdup(doc, json_get(doc, event, "id"), 1000);
	enum settle settle = settle_of(status);
	int index = find_row(tally, id);

	if (status == 401 || status == 403)
		tally->scope_denied = true;
	else if (status >= 400 && speaks_of_kind(doc, event))
		tally->refused++;
	else if (settle == SETTLE_DELIVERED)
		tally->accepted++;
	if (settle == SETTLE_RETRY)
		tally->retry = true;
	if (index >= 0) {
		tally->named[index] = true;
		tally->rows[index]->outcome = settle;
		tally->rows[index]->reason = settle == SETTLE_DEAD ? "rejected" : NULL;
	} else if (settle == SETTLE_DEAD && !is_trace_event(tally, id)) {
		tally->unknown_refused = true;
	}
	free(id);
}

static void tally_list(struct tally *tally, const struct json_doc *doc, const char *key, int64_t fallback_status)
{
	int32_t list = json_get(doc, 0, key);

	if (json_type_of(doc, list) != JSON_ARRAY)
		return;
	for (int32_t i = doc->nodes[list].first; i != JSON_NONE; i = doc->nodes[i].next)
		tally_event(tally, doc, i, fallback_status);
}

static void set_all(struct ship_row *const *rows, unsigned count, enum settle outcome)
{
	for (unsigned i = 0; i < count; i++) {
		rows[i]->outcome = outcome;
		rows[i]->reason = NULL;
	}
}

static enum verdict judge(const struct tally *tally)
{
	unsigned missing = 0;

	if (tally->scope_denied)
		return VERDICT_PAUSE;
	if (tally->refused > 0 && tally->accepted == 0)
		return VERDICT_HOLD;
	for (unsigned i = 0; i < tally->count; i++)
		missing += !tally->named[i];
	if (missing > 0 && tally->unknown_refused)
		return VERDICT_BISECT; /* one of the missing was refused, and the server does not say which */
	if (missing > 0)
		return VERDICT_IN_DOUBT;
	return tally->retry ? VERDICT_RETRY : VERDICT_PER_EVENT;
}

enum verdict answer_per_event(const struct http_answer *answer, struct ship_row *const *rows, unsigned count)
{
	struct tally tally = { .rows = rows, .count = count, .named = calloc(count, sizeof(bool)) };
	enum verdict verdict = VERDICT_IN_DOUBT;
	struct json_doc doc;

	set_all(rows, count, SETTLE_IN_DOUBT);
	json_doc_init(&doc);
	if (tally.named && json_parse(&doc, buf_view(&answer->body), MAX_NODES, NULL) == 0 && has_event_lists(&doc)) {
		tally_list(&tally, &doc, "successes", 201);
		tally_list(&tally, &doc, "errors", 400);
		verdict = judge(&tally);
	}
	if (verdict == VERDICT_PAUSE || verdict == VERDICT_HOLD || verdict == VERDICT_BISECT)
		set_all(rows, count, SETTLE_RETRY);
	json_doc_done(&doc);
	free(tally.named);
	return verdict;
}
