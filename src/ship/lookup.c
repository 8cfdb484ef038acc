/* A send in doubt on a server that stores twice what is sent twice: ask which of its spans are there. */
#include "base/hash.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <stdlib.h>

#define TIME_MARGIN_MS 1000

struct lookup {
	struct ship *ship;
	struct ship_batch *batch;
	const struct ship_row *of;   /* a row of the trace that is asked for */
	bool *found;                 /* by row */
};

static bool in_trace(const struct lookup *lookup, const struct ship_row *row)
{
	return memcmp(row->trace_id, lookup->of->trace_id, sizeof(row->trace_id)) == 0;
}

/* Only the stretch of the trace in which the rows lie: a long session has thousands of spans. */
static struct list_query make_query(const struct lookup *lookup)
{
	struct list_query query = { .fields = "core" };
	int64_t from = lookup->of->observation.start_ms, to = from;

	for (unsigned i = 0; i < lookup->batch->count; i++) {
		const struct ship_row *row = &lookup->batch->rows[i];

		if (!in_trace(lookup, row) || row->outcome == SETTLE_DEAD)
			continue;
		from = row->observation.start_ms < from ? row->observation.start_ms : from;
		to = row->observation.start_ms > to ? row->observation.start_ms : to;
	}
	memcpy(query.trace_id, lookup->of->trace_id, sizeof(query.trace_id));
	query.from_ms = from - TIME_MARGIN_MS;
	query.to_ms = to + TIME_MARGIN_MS;
	return query;
}

static int mark_found(void *context, const struct json_doc *doc, int32_t node, struct err *err)
{
	struct lookup *lookup = context;
	int32_t id = json_get(doc, node, "id");
	char hex[17];

	(void)err;
	for (unsigned i = 0; i < lookup->batch->count; i++) {
		const struct ship_row *row = &lookup->batch->rows[i];

		hash_hex(row->span_id, sizeof(row->span_id), hex);
		if (in_trace(lookup, row) && json_string_is(doc, id, hex))
			lookup->found[i] = true;
	}
	return 0;
}

/* No whole list: what is not known could be there, and asking again is better than sending twice. */
static void say_unknown(struct lookup *lookup, const struct http_answer *answer)
{
	enum verdict verdict = verdict_of(answer, true);

	lookup->batch->result = verdict == VERDICT_PAUSE || verdict == VERDICT_HOLD || verdict == VERDICT_BISECT ?
	                        RESULT_PAUSE : RESULT_DOUBT;
	lookup->batch->retry_after_ms = answer->retry_after_ms;
	ship_say(lookup->batch, "looking up a send in doubt", answer);
}

static int lookup_trace(struct lookup *lookup, struct err *err)
{
	struct list_query query = make_query(lookup);
	struct http_answer last;
	int rc;

	http_answer_init(&last);
	rc = list_trace(lookup->ship, &query, mark_found, lookup, &last, err);
	if (rc == LF_EAGAIN)
		say_unknown(lookup, &last);
	if (rc == LF_ELIMIT) {
		lookup->batch->result = RESULT_DOUBT;
		snprintf(lookup->batch->error, sizeof(lookup->batch->error), "looking up a send in doubt: there is no end to the pages");
		rc = LF_EAGAIN;
	}
	http_answer_done(&last);
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

	http_keep(ship->http, true);
	for (unsigned i = 0; i < batch->count && rc == 0; i++) {
		if (batch->rows[i].outcome == SETTLE_DEAD || asked_before(batch, i))
			continue;
		lookup.of = &batch->rows[i];
		rc = lookup_trace(&lookup, err);
	}
	http_keep(ship->http, false);
	for (unsigned i = 0; i < batch->count && rc == 0; i++)
		if (batch->rows[i].outcome != SETTLE_DEAD)
			batch->rows[i].outcome = lookup.found[i] ? SETTLE_DELIVERED : SETTLE_RETRY;
	free(lookup.found);
	return rc;
}
