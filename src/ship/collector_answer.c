/*
 * The tables of OTLP: which answers are to be tried again (docs/specification.md of opentelemetry-proto, "Failures"), and what a partial
 * success holds.
 */
#include "base/json.h"
#include "base/protobuf.h"
#include "ship/collector_private.h"
#include "ship/grpc.h"
#include <stdlib.h>
#include <stdio.h>
#include <strings.h>

static const char *const verdict_names[] = { "taken", "partial", "again", "refused", "failed", "held" };

const char *collector_verdict_name(enum collector_verdict verdict)
{
	return verdict_names[verdict];
}

/* The first row that has the status counts. */
static const struct { long from, to; enum collector_verdict verdict; } http_rows[] = {
	{ 200, 299, COLLECTOR_TAKEN }, { 300, 399, COLLECTOR_HELD }, { 400, 400, COLLECTOR_REFUSED }, { 401, 401, COLLECTOR_HELD },
	{ 403, 405, COLLECTOR_HELD }, { 407, 407, COLLECTOR_HELD }, { 413, 413, COLLECTOR_REFUSED }, { 415, 415, COLLECTOR_HELD },
	{ 429, 429, COLLECTOR_AGAIN }, { 501, 501, COLLECTOR_HELD }, { 502, 504, COLLECTOR_AGAIN },
};

static const enum collector_verdict grpc_rows[] = {
	[GRPC_OK] = COLLECTOR_TAKEN, [GRPC_CANCELLED] = COLLECTOR_AGAIN, [GRPC_UNKNOWN] = COLLECTOR_FAILED,
	[GRPC_INVALID_ARGUMENT] = COLLECTOR_REFUSED, [GRPC_DEADLINE_EXCEEDED] = COLLECTOR_AGAIN, [GRPC_NOT_FOUND] = COLLECTOR_HELD,
	[GRPC_ALREADY_EXISTS] = COLLECTOR_FAILED, [GRPC_PERMISSION_DENIED] = COLLECTOR_HELD, [GRPC_RESOURCE_EXHAUSTED] = COLLECTOR_FAILED,
	[GRPC_FAILED_PRECONDITION] = COLLECTOR_FAILED, [GRPC_ABORTED] = COLLECTOR_AGAIN, [GRPC_OUT_OF_RANGE] = COLLECTOR_AGAIN,
	[GRPC_UNIMPLEMENTED] = COLLECTOR_HELD, [GRPC_INTERNAL] = COLLECTOR_FAILED, [GRPC_UNAVAILABLE] = COLLECTOR_AGAIN,
	[GRPC_DATA_LOSS] = COLLECTOR_AGAIN, [GRPC_UNAUTHENTICATED] = COLLECTOR_HELD,
};

/* ---- the body: ExportPartialSuccess { rejected = 1, error_message = 2 } in field 1 ---- */

/* Whole characters, none of them for control. */
static void make_plain(char *message)
{
	message[json_utf8_valid(slice_of(message))] = '\0';
	for (char *p = message; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

static void set_message(struct collector_answer *ret, struct slice text)
{
	size_t n = text.len < sizeof ret->message ? text.len : sizeof ret->message - 1;

	memcpy(ret->message, text.ptr ? text.ptr : "", n);
	ret->message[n] = '\0';
	make_plain(ret->message);
}

static void read_partial(struct slice partial, struct collector_answer *ret)
{
	struct protobuf_field field;

	while (protobuf_next(&partial, &field) > 0) {
		if (field.number == 1 && field.wire == PROTOBUF_VARINT)
			ret->rejected = field.value <= INT64_MAX ? field.value : 0;
		else if (field.number == 2 && field.wire == PROTOBUF_BYTES)
			set_message(ret, field.bytes);
	}
}

static void read_protobuf(struct slice body, struct collector_answer *ret)
{
	struct protobuf_field field;

	while (protobuf_next(&body, &field) > 0)
		if (field.number == 1 && field.wire == PROTOBUF_BYTES)
			read_partial(field.bytes, ret);
}

/* JSON writes an int64 as text; clamps. */
static int64_t number_or_text(const struct json_doc *doc, int32_t node)
{
	char *text = json_strdup(doc, node, 32);
	int64_t n = text ? strtoll(text, NULL, 10) : json_int(doc, node, 0);

	free(text);
	return n;
}

static void read_json(enum collector_signal signal, struct slice body, struct collector_answer *ret)
{
	static const char *const rejected[] = { "rejectedDataPoints", "rejectedLogRecords", "rejectedSpans" };
	struct json_doc doc;
	struct buf text;
	int32_t partial;
	int64_t n;

	json_doc_init(&doc);
	buf_init(&text, 0);
	if (json_parse(&doc, body, 10000, NULL) == 0) {
		partial = json_get(&doc, 0, "partialSuccess");
		n = number_or_text(&doc, json_get(&doc, partial, rejected[signal]));
		ret->rejected = n > 0 ? (uint64_t)n : 0;
		(void)json_text(&doc, json_get(&doc, partial, "errorMessage"), &text);
		set_message(ret, buf_view(&text));
	}
	buf_done(&text);
	json_doc_done(&doc);
}

static void read_taken(enum collector_signal signal, enum collector_protocol protocol, const struct http_answer *answer, struct collector_answer *ret)
{
	struct slice body = buf_view(&answer->body);

	if (protocol == COLLECTOR_GRPC && !grpc_unframe(body, &body))
		return;
	if (protocol == COLLECTOR_JSON)
		read_json(signal, body, ret);
	else
		read_protobuf(body, ret);
	if (ret->rejected > 0)
		ret->verdict = COLLECTOR_PARTIAL;
}

/* ---- the verdict ---- */

static void no_answer(const struct http_answer *answer, struct collector_answer *ret)
{
	ret->verdict = answer->tls_config_error ? COLLECTOR_HELD : COLLECTOR_AGAIN;
	snprintf(ret->reason, sizeof ret->reason, "%.255s", answer->error);
}

static void judge_http(const struct http_answer *answer, struct collector_answer *ret)
{
	ret->verdict = COLLECTOR_FAILED;
	for (size_t i = 0; i < sizeof http_rows / sizeof http_rows[0]; i++)
		if (answer->status >= http_rows[i].from && answer->status <= http_rows[i].to) {
			ret->verdict = http_rows[i].verdict;
			break;
		}
	if (ret->verdict == COLLECTOR_TAKEN && strncasecmp(answer->content_type, "text/html", 9) == 0) {
		ret->verdict = COLLECTOR_HELD;
		snprintf(ret->reason, sizeof ret->reason, "a page came back: that is no collector");
	} else if (ret->verdict != COLLECTOR_TAKEN) {
		snprintf(ret->reason, sizeof ret->reason, "HTTP status %ld", answer->status);
	}
}

static void judge_grpc(const struct http_answer *answer, struct collector_answer *ret)
{
	int64_t retry_ms = grpc_retry_ms(answer);

	ret->grpc_status = grpc_status_of(answer);
	ret->verdict = grpc_rows[ret->grpc_status];
	grpc_message_of(answer, ret->message, sizeof ret->message);
	make_plain(ret->message);
	if (ret->grpc_status == GRPC_RESOURCE_EXHAUSTED && retry_ms >= 0)
		ret->verdict = COLLECTOR_AGAIN;
	if (retry_ms >= 0)
		ret->retry_after_ms = retry_ms;
	if (ret->grpc_status == GRPC_UNKNOWN && !answer->grpc_status[0]) {
		ret->verdict = COLLECTOR_HELD;
		snprintf(ret->reason, sizeof ret->reason, "HTTP status %ld and none of gRPC: that is no collector for gRPC", answer->status);
	} else if (ret->verdict != COLLECTOR_TAKEN) {
		snprintf(ret->reason, sizeof ret->reason, "%s", grpc_status_name(ret->grpc_status));
	}
}

void collector_judge(enum collector_signal signal, enum collector_protocol protocol, const struct http_answer *answer, struct collector_answer *ret)
{
	ret->rejected = 0;
	ret->reason[0] = ret->message[0] = '\0';
	ret->status = answer->status;
	ret->grpc_status = -1;
	ret->retry_after_ms = answer->retry_after_ms;
	if (answer->phase != HTTP_ANSWERED && !answer->grpc_status[0]) /* a status in the trailers is the end, whatever became of the connection */
		no_answer(answer, ret);
	else if (protocol == COLLECTOR_GRPC)
		judge_grpc(answer, ret);
	else
		judge_http(answer, ret);
	if (ret->verdict == COLLECTOR_TAKEN)
		read_taken(signal, protocol, answer, ret);
	if (ret->verdict != COLLECTOR_AGAIN)
		ret->retry_after_ms = -1;
}

bool collector_keys_refused(enum collector_protocol protocol, const struct collector_answer *answer)
{
	if (protocol == COLLECTOR_GRPC)
		return answer->grpc_status == GRPC_UNAUTHENTICATED || answer->grpc_status == GRPC_PERMISSION_DENIED;
	return answer->status == 401 || answer->status == 403;
}
