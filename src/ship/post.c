/*
 * The network step. A batch is a queue of ranges of rows: what the server refuses is split until the
 * one bad row is alone, and the rest is delivered. The first answer that asks to wait ends the step; rows
 * that were not sent by then stay as they were.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <stdlib.h>

#define SERVER_KNOWN_FOR_MS (10 * 60 * 1000)
#define MIN_REQUEST_BYTES ((size_t)64 << 10)
/* When a server refuses so many requests of a batch and takes none, it is not the rows that are bad. */
#define MAX_REFUSED_REQUESTS 64
#define MAX_REFUSED_ROWS 8

struct range {
	unsigned from, count;
};

struct posting {
	struct ship *ship;
	struct ship_batch *batch;
	struct ship_row **todo;
	unsigned todo_count;
	struct range *queue;
	unsigned head, tail;
	unsigned requests, accepted, refused; /* accepted, refused: rows */
	bool stop;
	char *url;
	struct err *err;
	int rc;
};

void ship_say(struct ship_batch *batch, const char *what, const struct http_answer *answer)
{
	if (answer->status != 0)
		snprintf(batch->error, sizeof(batch->error), "%s: HTTP %ld%s", what, answer->status,
		         answer->cut ? ", the answer was cut off" : "");
	else
		snprintf(batch->error, sizeof(batch->error), "%.100s: %.150s", what, answer->error);
}

char *ship_url(const struct ship *ship, const char *path)
{
	struct buf url;

	buf_init(&url, 0);
	buf_format(&url, "%s%s", ship->options.host, path);
	return buf_take(&url, NULL);
}

/* ---- what follows from a verdict ---- */

static void stop_posting(struct posting *posting, enum ship_result result, const char *what, const struct http_answer *answer)
{
	posting->batch->result = result;
	posting->batch->retry_after_ms = answer->retry_after_ms;
	posting->stop = true;
	ship_say(posting->batch, what, answer);
	/* A server that went away may come back as another version. */
	if (answer->status == 0 || result == RESULT_PAUSE)
		posting->ship->server.known = false;
}

static void split(struct posting *posting, struct range range)
{
	unsigned half = range.count / 2;

	posting->queue[posting->tail++] = (struct range){ range.from, half };
	posting->queue[posting->tail++] = (struct range){ range.from + half, range.count - half };
}

static void bury(struct posting *posting, struct range range, const char *reason)
{
	posting->todo[range.from]->outcome = SETTLE_DEAD;
	posting->todo[range.from]->reason = reason;
}

static void act_delivered(struct posting *posting, struct range range, const struct http_answer *answer)
{
	(void)answer;
	for (unsigned i = 0; i < range.count; i++)
		posting->todo[range.from + i]->outcome = SETTLE_DELIVERED;
	posting->accepted += range.count;
}

static void act_per_event(struct posting *posting, struct range range, const struct http_answer *answer)
{
	(void)answer;
	for (unsigned i = 0; i < range.count; i++)
		posting->accepted += posting->todo[range.from + i]->outcome == SETTLE_DELIVERED;
}

static void act_bisect(struct posting *posting, struct range range, const struct http_answer *answer)
{
	ship_say(posting->batch, "refused", answer);
	if (range.count > 1) {
		split(posting, range);
		return;
	}
	bury(posting, range, "rejected");
	posting->refused++;
}

static void act_halve(struct posting *posting, struct range range, const struct http_answer *answer)
{
	size_t half = posting->ship->request.len / 2;

	ship_say(posting->batch, "too large", answer);
	if (half < posting->ship->max_bytes)
		posting->ship->max_bytes = half > MIN_REQUEST_BYTES ? half : MIN_REQUEST_BYTES;
	if (range.count > 1)
		split(posting, range);
	else if (batch_shrink(posting->todo[range.from]))
		posting->queue[posting->tail++] = range;
	else
		bury(posting, range, "oversize");
}

static void act_pause(struct posting *posting, struct range range, const struct http_answer *answer)
{
	(void)range;
	stop_posting(posting, RESULT_PAUSE, "the keys were refused", answer);
}

static void act_hold(struct posting *posting, struct range range, const struct http_answer *answer)
{
	const char *what = "not what a Langfuse answers: check langfuse_host and api";

	(void)range;
	if (answer->tls_config_error)
		what = "the server's certificate was refused";
	else if (answer->status == 207)
		what = "the server takes no such events: check api";
	else if (answer->status >= 300 && answer->status < 400)
		what = "redirects are not followed: check langfuse_host";
	stop_posting(posting, RESULT_PAUSE, what, answer);
}

static void act_retry(struct posting *posting, struct range range, const struct http_answer *answer)
{
	(void)range;
	stop_posting(posting, RESULT_RETRY, "to be sent again", answer);
}

static void act_doubt(struct posting *posting, struct range range, const struct http_answer *answer)
{
	(void)range;
	stop_posting(posting, RESULT_DOUBT, "nobody knows whether it arrived", answer);
}

typedef void act_fn(struct posting *posting, struct range range, const struct http_answer *answer);
static act_fn *const acts[] = {
	[VERDICT_DELIVERED] = act_delivered, [VERDICT_PER_EVENT] = act_per_event, [VERDICT_BISECT] = act_bisect,
	[VERDICT_PAUSE] = act_pause, [VERDICT_HOLD] = act_hold, [VERDICT_HALVE] = act_halve,
	[VERDICT_RETRY] = act_retry, [VERDICT_IN_DOUBT] = act_doubt,
};

/* ---- one request ---- */

static int send_request(struct posting *posting, struct http_answer *answer)
{
	const struct ship *ship = posting->ship;
	char content_type[64], version[64];
	const char *const otlp[] = { content_type, "x-langfuse-ingestion-version: 4", "x-langfuse-sdk-name: lfspool", version, NULL };
	const char *const ingestion[] = { content_type, "x-langfuse-sdk-name: lfspool", version, NULL };
	bool is_otlp = ship->server.format != MAP_INGESTION;

	snprintf(content_type, sizeof(content_type), "Content-Type: %s", map_content_type(ship->server.format));
	snprintf(version, sizeof(version), "x-langfuse-sdk-version: %.32s", ship->options.map.version ? ship->options.map.version : "0");
	posting->requests++;
	/* The ingestion API takes no compressed bodies. */
	return http_post(ship->http, posting->url, is_otlp ? otlp : ingestion, ship->auth, buf_view(&posting->ship->request),
	                 is_otlp && !ship->options.no_gzip, answer, posting->err);
}

static void judge(struct posting *posting, struct range range, const struct http_answer *answer)
{
	const struct ship_server *server = &posting->ship->server;
	bool sensible = answer_is_sensible(server->format, server->langfuse, answer);
	enum verdict verdict = verdict_of(answer, sensible);

	if (verdict == VERDICT_PER_EVENT || (verdict == VERDICT_DELIVERED && server->format == MAP_INGESTION)) {
		verdict = answer_per_event(answer, posting->todo + range.from, range.count);
		act_per_event(posting, range, answer);
		if (verdict == VERDICT_PER_EVENT)
			return;
	} else if (verdict == VERDICT_IN_DOUBT) {
		for (unsigned i = 0; i < range.count; i++)
			posting->todo[range.from + i]->outcome = SETTLE_IN_DOUBT;
	}
	acts[verdict](posting, range, answer);
}

/* The request could not even be made: the row that is at fault is found like one that the server refuses. */
static void unmappable(struct posting *posting, struct range range, int rc)
{
	struct http_answer none = { .retry_after_ms = -1, .error = "cannot be put into a request" };

	if (rc == LF_ELIMIT)
		act_halve(posting, range, &none);
	else if (rc != LF_EINVAL)
		posting->rc = rc;
	else if (range.count > 1)
		split(posting, range);
	else
		bury(posting, range, "corrupt");
	posting->stop = posting->stop || posting->rc != 0;
}

/* ---- a collector ---- */

static void act_taken(struct posting *posting, struct range range, const struct http_answer *answer)
{
	act_delivered(posting, range, answer);
	if (answer->error[0])
		snprintf(posting->batch->error, sizeof(posting->batch->error), "%.250s", answer->error);
}

static void act_refused(struct posting *posting, struct range range, const struct http_answer *answer)
{
	if (strstr(answer->error, "413"))
		act_halve(posting, range, answer);
	else
		act_bisect(posting, range, answer);
}

static void act_held(struct posting *posting, struct range range, const struct http_answer *answer)
{
	(void)range;
	stop_posting(posting, RESULT_PAUSE, "the collector takes nothing: check otlp_endpoint, otlp_protocol and otlp_headers", answer);
}

/* What nobody calls bad is not given up: it goes out again, later. */
static act_fn *const collector_acts[] = {
	[COLLECTOR_TAKEN] = act_taken, [COLLECTOR_PARTIAL] = act_taken, [COLLECTOR_AGAIN] = act_retry, [COLLECTOR_REFUSED] = act_refused,
	[COLLECTOR_FAILED] = act_retry, [COLLECTOR_HELD] = act_held,
};

static void post_to_collector(struct posting *posting, struct range range)
{
	struct http_answer told = { .retry_after_ms = -1 };
	struct collector_answer answer;

	posting->requests++;
	posting->rc = collector_send(posting->ship->collector, buf_view(&posting->ship->request), &answer, posting->err);
	if (posting->rc != 0) {
		posting->stop = true;
		return;
	}
	told.retry_after_ms = answer.retry_after_ms;
	posting->batch->rejected += answer.rejected;
	if (answer.verdict == COLLECTOR_PARTIAL)
		snprintf(told.error, sizeof(told.error), "the collector rejected %llu of what it took", (unsigned long long)answer.rejected);
	else
		snprintf(told.error, sizeof(told.error), "%.160s%s%.80s", answer.reason, answer.helper_error[0] ? "; " : "", answer.helper_error);
	collector_acts[answer.verdict](posting, range, &told);
}

/* False: nothing may go out. */
static bool pass_gate(struct posting *posting)
{
	struct ship_batch *batch = posting->batch;

	if (batch->gate)
		posting->rc = batch->gate(batch->gate_context, posting->err);
	batch->gate = NULL;
	posting->stop = posting->stop || posting->rc != 0;
	return posting->rc == 0;
}

static void post_range(struct posting *posting, struct range range)
{
	struct http_answer answer;
	int rc = batch_request(posting->ship, posting->todo + range.from, range.count, &posting->ship->request, posting->err);

	if (rc != 0) {
		unmappable(posting, range, rc);
		return;
	}
	if (posting->ship->request.len > posting->ship->max_bytes && range.count > 1) {
		split(posting, range);
		return;
	}
	if (!pass_gate(posting))
		return;
	if (posting->ship->collector) {
		post_to_collector(posting, range);
		return;
	}
	http_answer_init(&answer);
	posting->rc = send_request(posting, &answer);
	if (posting->rc != 0) { /* not a URL */
		snprintf(answer.error, sizeof(answer.error), "check langfuse_host");
		stop_posting(posting, RESULT_PAUSE, "no request could be made", &answer);
	} else {
		judge(posting, range, &answer);
	}
	http_answer_done(&answer);
}

/* ---- the batch ---- */

static enum settle untouched(const struct ship_batch *batch)
{
	return batch->in_doubt ? SETTLE_IN_DOUBT : SETTLE_RETRY;
}

/* A server that takes nothing at all is configured wrongly; its word does not condemn the rows. */
static void doubt_refusals(struct posting *posting)
{
	if (posting->refused == 0 || posting->accepted > 0)
		return;
	if (posting->todo_count < MAX_REFUSED_ROWS && (posting->ship->collector || posting->ship->server.langfuse))
		return;
	for (unsigned i = 0; i < posting->todo_count; i++) {
		struct ship_row *row = posting->todo[i];

		if (row->outcome == SETTLE_DEAD && strcmp(row->reason, "rejected") == 0)
			row->outcome = untouched(posting->batch);
	}
	posting->batch->result = RESULT_PAUSE;
	posting->ship->server.known = false;
}

static void drain_queue(struct posting *posting)
{
	posting->queue[posting->tail++] = (struct range){ 0, posting->todo_count };
	while (posting->head < posting->tail && !posting->stop) {
		post_range(posting, posting->queue[posting->head++]);
		if (posting->accepted == 0 && posting->requests >= MAX_REFUSED_REQUESTS) {
			posting->refused++;
			posting->stop = true;
		}
	}
	doubt_refusals(posting);
}

static void choose_rows(struct posting *posting)
{
	for (unsigned i = 0; i < posting->batch->count; i++) {
		struct ship_row *row = &posting->batch->rows[i];

		if (row->outcome == SETTLE_DEAD)
			continue;
		if (row->update && !posting->ship->server.merges) {
			row->outcome = SETTLE_DELIVERED; /* it was, and this server cannot change it */
			continue;
		}
		posting->todo[posting->todo_count++] = row;
	}
}

static int post_rows(struct ship *ship, struct ship_batch *batch, struct err *err)
{
	struct posting posting = { .ship = ship, .batch = batch, .err = err };

	posting.todo = xcalloc(batch->count, sizeof(*posting.todo));
	posting.queue = xcalloc(4 * (size_t)batch->count, sizeof(*posting.queue)); /* 2n - 1 ranges, and 2 shrinks a row */
	posting.url = ship->collector ? NULL : ship_url(ship, ship->server.format == MAP_INGESTION ? "/api/public/ingestion" : "/api/public/otel/v1/traces");
	choose_rows(&posting);
	if (posting.todo_count > 0)
		drain_queue(&posting);
	free(posting.url);
	free(posting.queue);
	free(posting.todo);
	return posting.rc;
}

static enum ship_result know_server(struct ship *ship, struct ship_batch *batch, struct err *err)
{
	if (ship->collector)
		return RESULT_OK;
	if (atomic_exchange(&ship->forget_server, false))
		ship->server.known = false;
	if (ship->server.known && clock_mono_ms() - ship->server.probed_mono_ms < SERVER_KNOWN_FOR_MS)
		return RESULT_OK;
	return probe_server(ship, batch, err);
}

static int post(struct ship *ship, struct ship_batch *batch, struct err *err)
{
	int rc = LF_ENOENT;

	for (unsigned i = 0; i < batch->count; i++)
		batch->rows[i].outcome = untouched(batch);
	batch_parse(batch);
	batch->result = know_server(ship, batch, err);
	batch->server = ship->server;
	if (batch->result != RESULT_OK)
		return 0;
	if (batch->in_doubt && !ship->server.merges)
		rc = lookup_rows(ship, batch, err);
	if (rc == LF_ENOENT)
		rc = post_rows(ship, batch, err);
	if (rc == LF_EAGAIN)
		return 0; /* the batch says why */
	if (rc != 0 && batch->result == RESULT_OK)
		batch->result = RESULT_RETRY;
	return rc;
}

int ship_post(struct ship *ship, struct ship_batch *batch, struct err *err)
{
	int rc = batch->wait_ms > 0 ? 0 : post(ship, batch, err);

	batch_drop_bodies(batch); /* two batches are not held at a time */
	return rc;
}
