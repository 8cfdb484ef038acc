/* See grpc.h. */
#include "ship/grpc.h"
#include "base/base64.h"
#include "base/protobuf.h"
#include "ship/gzip.h"
#include <stdio.h>
#include <stdlib.h>

#define FRAME_HEAD_BYTES 5
#define MAX_RETRY_SECONDS 315576000000 /* of google.protobuf.Duration */

static const char *const names[] = {
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED",
};

const char *grpc_status_name(int status)
{
	return status >= 0 && (size_t)status < sizeof names / sizeof names[0] ? names[status] : names[GRPC_UNKNOWN];
}

/* ---- frames ---- */

int grpc_frame(struct slice message, bool gzip, struct buf *out, struct err *err)
{
	size_t start = out->len, n;
	int rc;

	(void)buf_append(out, "\0\0\0\0\0", FRAME_HEAD_BYTES);
	rc = gzip ? gzip_pack(message, out, err) : buf_slice(out, message);
	n = out->len - start - FRAME_HEAD_BYTES;
	if (rc != 0 || out->failed || n > UINT32_MAX)
		return err_set(err, rc != 0 ? rc : LF_ELIMIT, "cannot frame %zu bytes", message.len);
	out->data[start] = gzip;
	for (unsigned i = 0; i < 4; i++)
		out->data[start + 1 + i] = (char)(uint8_t)(n >> (24 - 8 * i));
	return 0;
}

bool grpc_unframe(struct slice body, struct slice *ret)
{
	uint32_t n = 0;

	if (body.len < FRAME_HEAD_BYTES || body.ptr[0] != 0) /* packed answers are not asked for */
		return false;
	for (unsigned i = 1; i < FRAME_HEAD_BYTES; i++)
		n = n << 8 | (uint8_t)body.ptr[i];
	*ret = (struct slice){ body.ptr + FRAME_HEAD_BYTES, n };
	return body.len - FRAME_HEAD_BYTES == n;
}

/* ---- statuses ---- */

int grpc_status_of(const struct http_answer *answer)
{
	static const struct { long http; int status; } rows[] = {
		{ 400, GRPC_INTERNAL }, { 401, GRPC_UNAUTHENTICATED }, { 403, GRPC_PERMISSION_DENIED }, { 404, GRPC_UNIMPLEMENTED },
		{ 429, GRPC_UNAVAILABLE }, { 502, GRPC_UNAVAILABLE }, { 503, GRPC_UNAVAILABLE }, { 504, GRPC_UNAVAILABLE },
	};
	char *end;
	long said = strtol(answer->grpc_status, &end, 10);

	if (answer->grpc_status[0] >= '0' && answer->grpc_status[0] <= '9' && *end == '\0')
		return said < (long)(sizeof names / sizeof names[0]) ? (int)said : GRPC_UNKNOWN;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].http == answer->status)
			return rows[i].status;
	return GRPC_UNKNOWN;
}

static int unhex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void grpc_message_of(const struct http_answer *answer, char *ret, size_t n)
{
	const char *p = answer->grpc_message;
	size_t len = 0;

	while (*p && len + 1 < n) {
		bool escape = p[0] == '%' && unhex(p[1]) >= 0 && unhex(p[2]) >= 0;
		char c = escape ? (char)(unhex(p[1]) * 16 + unhex(p[2])) : *p;
		ret[len++] = (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
		p += escape ? 3 : 1;
	}
	ret[len] = '\0';
}

/* ---- details: google.rpc.Status { details = 3: Any { type_url = 1, value = 2 } }, RetryInfo { retry_delay = 1: Duration } ---- */

static int64_t duration_ms(struct slice duration)
{
	struct protobuf_field field;
	int64_t seconds = 0, nanos = 0;

	while (protobuf_next(&duration, &field) > 0)
		if (field.wire == PROTOBUF_VARINT && field.number <= 2)
			*(field.number == 1 ? &seconds : &nanos) = (int64_t)field.value;
	if (seconds < 0 || nanos < 0 || seconds > MAX_RETRY_SECONDS || nanos > 999999999)
		return 0;
	return seconds * 1000 + nanos / 1000000;
}

static int64_t retry_info_ms(struct slice any)
{
	struct protobuf_field field;
	struct slice type = SLICE_NONE, value = SLICE_NONE;
	static const struct slice name = { "/google.rpc.RetryInfo", 21 };

	while (protobuf_next(&any, &field) > 0)
		if (field.wire == PROTOBUF_BYTES && field.number <= 2)
			*(field.number == 1 ? &type : &value) = field.bytes;
	if (type.len < name.len || memcmp(type.ptr + type.len - name.len, name.ptr, name.len) != 0)
		return -1;
	while (protobuf_next(&value, &field) > 0)
		if (field.wire == PROTOBUF_BYTES && field.number == 1)
			return duration_ms(field.bytes);
	return 0; /* it says that there is a way back, not when */
}

int64_t grpc_retry_ms(const struct http_answer *answer)
{
	struct protobuf_field field;
	struct slice status;
	struct buf text, bytes;
	int64_t ms = -1;

	buf_init(&text, 0);
	buf_init(&bytes, 0);
	buf_text(&text, answer->grpc_details);
	while (text.len % 4 != 0) /* padding is optional in headers */
		buf_char(&text, '=');
	if (base64_decode(buf_view(&text), &bytes) == 0) {
		status = buf_view(&bytes);
		while (ms < 0 && protobuf_next(&status, &field) > 0)
			if (field.wire == PROTOBUF_BYTES && field.number == 3)
				ms = retry_info_ms(field.bytes);
	}
	buf_done(&text);
	buf_done(&bytes);
	return ms;
}
