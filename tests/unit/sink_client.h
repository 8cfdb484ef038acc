/* A receiver to test, a small HTTP client over plain sockets, and a protobuf writer of a few lines. */
#ifndef LF_TESTS_SINK_CLIENT_H
#define LF_TESTS_SINK_CLIENT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>
#include "base/json.h"
#include "sink/sink.h"

#define KEYS "Authorization: Basic cGs6c2s=\r\n" /* pk:sk */
#define PROTOBUF "Content-Type: application/x-protobuf\r\n"
#define JSON "Content-Type: application/json\r\n"
#define OTLP_PATH "/api/public/otel/v1/traces"

static inline struct sink *start_with(struct sink_options options)
{
	struct sink *sink = NULL;
	struct err err = { 0 };

	options.listen = "127.0.0.1:0";
	options.public_key = "pk";
	options.secret_key = "sk";
	if (sink_start(&options, &sink, &err) != 0)
		fail_msg("%s", err.text);
	return sink;
}

static inline struct sink *start(enum sink_profile profile, const char *fault)
{
	return start_with((struct sink_options){ .profile = profile, .fault = fault });
}

struct reply {
	int status;     /* 0: the connection ended before a status line, or nothing came within the limit */
	bool whole;     /* as many bytes as Content-Length said */
	bool timed_out;
	const char *body;
	struct buf text;
};

static inline int dial(uint16_t port, int limit_ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

/* A receiver that cuts the connection may do so while we still write: that is no failure here. */
static inline void send_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		n -= (size_t)sent;
	}
}

static inline void read_reply(int fd, struct reply *ret)
{
	const char *length, *end;
	char piece[4096];
	ssize_t n;

	*ret = (struct reply){ .status = 0 };
	buf_init(&ret->text, 0);
	while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
		(void)buf_append(&ret->text, piece, (size_t)n);
	ret->timed_out = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
	end = ret->text.len ? strstr(ret->text.data, "\r\n\r\n") : NULL;
	if (!end)
		return;
	ret->status = atoi(ret->text.data + strlen("HTTP/1.1 "));
	ret->body = end + 4;
	length = strcasestr(ret->text.data, "content-length:");
	ret->whole = length && length < end && strtoul(length + 15, NULL, 10) == ret->text.len - (size_t)(ret->body - ret->text.data);
}

/* headers: whole lines with CR LF, or "". */
static inline struct reply request_within(const struct sink *sink, int limit_ms, const char *method, const char *target, const char *headers, struct slice body)
{
	int fd = dial(sink_port(sink), limit_ms);
	struct reply reply;
	struct buf out;

	buf_init(&out, 0);
	(void)buf_format(&out, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n", method, target, headers, body.len);
	(void)buf_slice(&out, body);
	send_all(fd, out.data, out.len);
	buf_done(&out);
	read_reply(fd, &reply);
	close(fd);
	return reply;
}

static inline struct reply request(const struct sink *sink, const char *method, const char *target, const char *headers, struct slice body)
{
	return request_within(sink, 20000, method, target, headers, body);
}

static inline void reply_done(struct reply *reply)
{
	buf_done(&reply->text);
}

/* The status alone. */
static inline int status_of(const struct sink *sink, const char *method, const char *target, const char *headers, struct slice body)
{
	struct reply reply = request(sink, method, target, headers, body);

	reply_done(&reply);
	return reply.status;
}

/* The status, and that the body has the words. */
static inline void expect(const struct sink *sink, const char *method, const char *target, const char *headers, struct slice body, int status, const char *words)
{
	struct reply reply = request(sink, method, target, headers, body);

	if (reply.status != status || (words && !strstr(reply.body, words)))
		fail_msg("%s %s: expected %d with '%s', got %d: %s", method, target, status, words ? words : "", reply.status, reply.body ? reply.body : "nothing");
	assert_true(reply.whole);
	reply_done(&reply);
}

static inline struct sink_figures figures(struct sink *sink)
{
	struct sink_figures ret;

	sink_figures(sink, &ret);
	return ret;
}

/* ---- protobuf ---- */

static inline void pb_varint(struct buf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		(void)buf_char(out, (char)(n | 0x80));
	(void)buf_char(out, (char)n);
}

static inline void pb_bytes(struct buf *out, unsigned field, struct slice bytes)
{
	pb_varint(out, field << 3 | 2);
	pb_varint(out, bytes.len);
	(void)buf_slice(out, bytes);
}

static inline void pb_number(struct buf *out, unsigned field, uint64_t n)
{
	pb_varint(out, field << 3);
	pb_varint(out, n);
}

static inline void pb_fixed64(struct buf *out, unsigned field, uint64_t n)
{
	pb_varint(out, field << 3 | 1);
	for (unsigned i = 0; i < 8; i++)
		(void)buf_char(out, (char)(n >> 8 * i));
}

/* Appends the message and empties it. */
static inline void pb_message(struct buf *out, unsigned field, struct buf *message)
{
	pb_bytes(out, field, buf_view(message));
	buf_done(message);
}

static inline void pb_attribute(struct buf *span, unsigned field, const char *key, const char *text)
{
	struct buf pair, value;

	buf_init(&pair, 0);
	buf_init(&value, 0);
	pb_bytes(&value, 1, slice_of(text));
	pb_bytes(&pair, 1, slice_of(key));
	pb_message(&pair, 2, &value);
	pb_message(span, field, &pair);
}

#define TRACE_A SLICE("AAAAAAAAAAAAAAAA")
#define TRACE_A_HEX "41414141414141414141414141414141"
#define TRACE_B SLICE("BBBBBBBBBBBBBBBB")
#define TRACE_B_HEX "42424242424242424242424242424242"

static inline void pb_span(struct buf *out, struct slice trace, struct slice id, struct slice parent, const char *name)
{
	buf_init(out, 0);
	pb_bytes(out, 1, trace);
	pb_bytes(out, 2, id);
	if (parent.len)
		pb_bytes(out, 4, parent);
	pb_bytes(out, 5, slice_of(name));
	pb_fixed64(out, 7, UINT64_C(1795233553671000000));
	pb_fixed64(out, 8, UINT64_C(1795233554671000000));
	pb_attribute(out, 9, "langfuse.session.id", "ses_1");
}

/* The request around one span, whose bytes it frees. */
static inline void pb_request(struct buf *out, struct buf *span)
{
	struct buf scope, resource, resource_spans;

	buf_init(out, 0);
	buf_init(&scope, 0);
	buf_init(&resource, 0);
	buf_init(&resource_spans, 0);
	pb_message(&scope, 2, span);
	pb_attribute(&resource, 1, "service.version", "1.2");
	pb_message(&resource_spans, 2, &scope);
	pb_message(&resource_spans, 1, &resource); /* behind its spans, which is legal */
	pb_message(out, 1, &resource_spans);
}

/* A request with one small span. */
static inline struct buf simple_request(struct slice trace, const char *id8, const char *name)
{
	struct buf span, out;

	pb_span(&span, trace, slice_of(id8), SLICE_NONE, name);
	pb_request(&out, &span);
	return out;
}

static inline void post_span(struct sink *sink, struct slice trace, const char *id8, const char *name, int status)
{
	struct buf body = simple_request(trace, id8, name);

	assert_int_equal(status_of(sink, "POST", OTLP_PATH, KEYS PROTOBUF, buf_view(&body)), status);
	buf_done(&body);
}

static inline struct buf gzip(struct slice plain)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)plain.ptr, .avail_in = (uInt)plain.len };
	struct buf out;

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	buf_init(&out, 0);
	z.avail_out = (uInt)deflateBound(&z, plain.len);
	z.next_out = (Bytef *)buf_reserve(&out, z.avail_out);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	(void)deflateEnd(&z);
	return out;
}

#endif
