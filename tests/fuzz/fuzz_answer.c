/*
 * What a server or a collector may answer, as it is after HTTP: no crash, and what is made of it is one of the verdicts. The first byte chooses
 * who answers, the second the status; up to a newline stands one header, the rest is the body.
 */
#include "ship/collector_private.h"
#include "ship/headers.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <stdlib.h>

#define ROWS 3
#define NOW_MS INT64_C(1795233553000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const long statuses[] = { 200, 204, 207, 302, 400, 401, 403, 404, 405, 408, 413, 415, 429, 500, 502, 503, 504, 0 };

static void put(char *out, size_t n, struct slice text)
{
	snprintf(out, n, "%.*s", (int)(text.len < n ? text.len : n - 1), text.ptr);
}

static void langfuse(const struct http_answer *answer)
{
	struct ship_row rows[ROWS] = { 0 }, *pointers[ROWS];
	struct ship_server server;
	char name[32], version[64];

	for (unsigned i = 0; i < ROWS; i++) {
		pointers[i] = &rows[i];
		rows[i].span_id[7] = (uint8_t)i;
	}
	for (int format = MAP_OTLP_PROTOBUF; format <= MAP_INGESTION; format++)
		if (verdict_of(answer, answer_is_sensible((enum map_format)format, true, answer)) > VERDICT_IN_DOUBT)
			abort();
	if (answer_per_event(answer, pointers, ROWS) > VERDICT_IN_DOUBT)
		abort();
	put(version, sizeof version, buf_view(&answer->body));
	probe_choose(SHIP_AUTO, version, &server);
	probe_api_name(&server, name);
}

static void collector(const struct http_answer *answer, int protocol)
{
	struct collector_answer judged;

	collector_judge(COLLECTOR_TRACES, (enum collector_protocol)protocol, answer, &judged);
	if (judged.verdict > COLLECTOR_HELD || (judged.verdict == COLLECTOR_PARTIAL) != (judged.rejected > 0) ||
	    json_utf8_valid(slice_of(judged.message)) != strlen(judged.message))
		abort();
	(void)collector_keys_refused((enum collector_protocol)protocol, &judged);
}

static void headers(const char *list, struct slice json)
{
	struct headers headers;

	headers_init(&headers);
	(void)headers_put_list(&headers, list, NULL);
	(void)headers_put_json(&headers, json, NULL);
	for (size_t i = 0; i < headers.count; i++)
		if (strpbrk(headers.lines[i], "\r\n"))
			abort();
	headers_done(&headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = { (const char *)data + 2, size - 2 }, header, body;
	struct http_answer answer;
	const char *newline;
	char list[512];

	if (size < 2)
		return 0;
	newline = memchr(input.ptr, '\n', input.len);
	header = (struct slice){ input.ptr, newline ? (size_t)(newline - input.ptr) : input.len };
	body = newline ? (struct slice){ newline + 1, input.len - header.len - 1 } : SLICE_NONE;
	http_answer_init(&answer);
	answer.phase = HTTP_ANSWERED;
	answer.status = statuses[data[1] % (sizeof statuses / sizeof statuses[0])];
	answer.retry_after_ms = http_parse_retry_after(header, NOW_MS);
	if (answer.retry_after_ms < -1)
		abort();
	put(answer.content_type, sizeof answer.content_type, header);
	put(answer.grpc_status, sizeof answer.grpc_status, header);
	put(answer.grpc_message, sizeof answer.grpc_message, header);
	put(answer.grpc_details, sizeof answer.grpc_details, header);
	if (body.len && buf_slice(&answer.body, body) != 0)
		abort();
	if (data[0] & 1)
		langfuse(&answer);
	else
		collector(&answer, data[0] / 2 % 3);
	put(list, sizeof list, header);
	headers(list, body);
	http_answer_done(&answer);
	return 0;
}
