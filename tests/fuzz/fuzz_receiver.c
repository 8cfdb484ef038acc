/*
 * Any bytes over a connection to the receiver: as a whole request, or as a body that is sent as it is, packed with gzip, said to be packed, or
 * in chunks. No crash, no hang; it answers with a status of HTTP or hangs up. The first byte chooses the form, the second the path.
 */
#include "base/buf.h"
#include "loopback.h"
#include "sink/sink.h"
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define ROUNDS 500 /* then another receiver: it keeps what it gets */
#define MAX_BODY_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum form { RAW, PLAIN, PACKED, SAID_TO_BE_PACKED, CHUNKS, FORMS };
static const char *const targets[] = {
	"POST /api/public/otel/v1/traces", "POST /api/public/ingestion", "POST /api/public/scores", "POST /v1/traces", "POST /v1/logs", "POST /v1/metrics",
	"POST /sink/fault", "GET /api/public/observations?traceId=", "GET /api/public/traces/", "GET /sink/ui/span?id=", "GET /sink/ui/spans?after=", "GET /sink/draw?trace=",
};
static const char *const types[] = { "application/x-protobuf", "application/json" };

static void pack(struct slice body, struct buf *out)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)body.ptr, .avail_in = (uInt)body.len };
	size_t room = body.len + 1024;

	if (deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK || !buf_reserve(out, room))
		abort();
	stream.next_out = (Bytef *)out->data + out->len;
	stream.avail_out = (uInt)room;
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	out->len += room - stream.avail_out;
	deflateEnd(&stream);
}

static void chunks(struct slice body, size_t step, struct buf *out)
{
	for (size_t at = 0; at < body.len; at += step) {
		size_t n = body.len - at < step ? body.len - at : step;
		buf_format(out, "%zx\r\n", n);
		buf_append(out, body.ptr + at, n);
		buf_text(out, "\r\n");
	}
	buf_text(out, "0\r\n\r\n");
}

static void make(enum form form, unsigned choice, struct slice body, struct buf *out)
{
	struct buf packed;

	if (form == RAW) {
		buf_slice(out, body);
		return;
	}
	buf_init(&packed, 0);
	if (form == PACKED)
		pack(body, &packed);
	buf_format(out, "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: %s\r\n", targets[choice % (sizeof targets / sizeof targets[0])],
	           types[choice / 128]);
	if (form == PACKED || form == SAID_TO_BE_PACKED)
		buf_text(out, "Content-Encoding: gzip\r\n");
	if (form == CHUNKS) {
		buf_text(out, "Transfer-Encoding: chunked\r\n\r\n");
		chunks(body, 1 + choice % 61, out);
	} else {
		struct slice sent = form == PACKED ? buf_view(&packed) : body;
		buf_format(out, "Content-Length: %zu\r\n\r\n", sent.len);
		buf_slice(out, sent);
	}
	buf_done(&packed);
}

static void start(struct sink **sink)
{
	static const enum sink_profile profiles[] = { SINK_V3, SINK_V4, SINK_V2 };
	static unsigned started;
	struct sink_options options = { .listen = "127.0.0.1:0", .profile = profiles[started++ % 3], .ui = true };
	struct err err;

	if (sink_start(&options, sink, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

static void exchange(uint16_t port, struct slice request, bool whole)
{
	char answer[4096];
	ssize_t n, total = 0;
	int fd = loopback_dial(port);

	(void)loopback_send(fd, request.ptr, request.len);
	if (!whole)
		shutdown(fd, SHUT_WR);
	while ((n = recv(fd, answer + total, sizeof answer - (size_t)total, 0)) > 0)
		total = total + n < 64 ? total + n : 64; /* the status line is enough */
	close(fd);
	if (n < 0 && whole) {
		perror("no answer"); /* nothing within the limit, or a connection that was reset */
		abort();
	}
	if (total > 0 && memcmp(answer, "HTTP/1.", total < 7 ? (size_t)total : 7) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sink *sink;
	static unsigned rounds;
	struct slice body = { (const char *)data + 2, size - 2 };
	struct buf request;

	if (size < 2 || size > MAX_BODY_BYTES)
		return 0;
	if (!sink)
		start(&sink);
	buf_init(&request, 0);
	make((enum form)(data[0] % FORMS), data[1], body, &request);
	exchange(sink_port(sink), buf_view(&request), data[0] % FORMS != RAW && strncmp(request.data, "POST", 4) == 0 && data[1] % 12 != 6);
	buf_done(&request);
	if (++rounds % ROUNDS == 0) {
		sink_stop(sink);
		sink = NULL;
	}
	return 0;
}
