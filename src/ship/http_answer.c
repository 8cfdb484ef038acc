/* What is read of an answer's headers. */
#include "ship/http.h"
#include "base/clock.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void http_answer_init(struct http_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	buf_init(&answer->body, 0);
	answer->retry_after_ms = -1;
	answer->date_ms = -1;
}

void http_answer_done(struct http_answer *answer)
{
	buf_done(&answer->body);
}

static bool all_digits(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n > 0 && text[n] == '\0';
}

int64_t http_parse_retry_after(struct slice value, int64_t now_ms)
{
	const int64_t max_seconds = INT64_MAX / 1000;
	char text[64];
	time_t date;

	while (value.len > 0 && (value.ptr[0] == ' ' || value.ptr[0] == '\t')) {
		value.ptr++;
		value.len--;
	}
	while (value.len > 0 && strchr(" \t\r\n", value.ptr[value.len - 1]))
		value.len--;
	if (value.len == 0 || value.len >= sizeof(text) || memchr(value.ptr, '\0', value.len))
		return -1;
	memcpy(text, value.ptr, value.len);
	text[value.len] = '\0';
	if (all_digits(text)) {
		long long seconds = strtoll(text, NULL, 10);

		return (seconds > max_seconds ? max_seconds : (int64_t)seconds) * 1000;
	}
	if (text[0] < 'A' || text[0] > 'Z') /* a date begins with its weekday; libcurl would take less */
		return -1;
	date = curl_getdate(text, NULL);
	if (date == -1)
		return -1;
	return (int64_t)date * 1000 > now_ms ? (int64_t)date * 1000 - now_ms : 0;
}

static bool header_is(struct slice line, const char *name, struct slice *ret_value)
{
	size_t n = strlen(name);

	if (line.len <= n || line.ptr[n] != ':' || strncasecmp(line.ptr, name, n) != 0)
		return false;
	*ret_value = (struct slice){ line.ptr + n + 1, line.len - n - 1 };
	while (ret_value->len > 0 && *ret_value->ptr == ' ') {
		ret_value->ptr++;
		ret_value->len--;
	}
	while (ret_value->len > 0 && strchr("\r\n ", ret_value->ptr[ret_value->len - 1]))
		ret_value->len--;
	return true;
}

/* The headers and trailers whose text is kept; of one that is too long, as much as there is room for. */
static void keep_text(struct http_answer *answer, struct slice line)
{
	const struct { const char *name; char *text; size_t room; } rows[] = {
		{ "X-Next-Cursor", answer->next_cursor, sizeof answer->next_cursor },
		{ "Content-Type", answer->content_type, sizeof answer->content_type },
		{ "grpc-status", answer->grpc_status, sizeof answer->grpc_status },
		{ "grpc-message", answer->grpc_message, sizeof answer->grpc_message },
		{ "grpc-status-details-bin", answer->grpc_details, sizeof answer->grpc_details },
	};
	struct slice value;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!header_is(line, rows[i].name, &value))
			continue;
		if (value.len >= rows[i].room && rows[i].text == answer->next_cursor)
			value.len = 0; /* half a cursor is none */
		snprintf(rows[i].text, rows[i].room, "%.*s", (int)(value.len < rows[i].room ? value.len : rows[i].room - 1), value.ptr);
	}
}

void http_answer_header(struct http_answer *answer, struct slice line)
{
	struct slice value;

	if (line.len >= 5 && memcmp(line.ptr, "HTTP/", 5) == 0) { /* what came before was an interim answer */
		answer->retry_after_ms = -1;
		answer->content_type[0] = '\0';
	} else if (header_is(line, "Retry-After", &value)) {
		answer->retry_after_ms = http_parse_retry_after(value, clock_wall_ms());
	} else if (header_is(line, "Date", &value)) { /* as ms from the epoch */
		answer->date_ms = http_parse_retry_after(value, 0);
	} else {
		keep_text(answer, line);
	}
}
