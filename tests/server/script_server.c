#include "script_server.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define MAX_BODY ((size_t)64 << 20)

struct script_server {
	script_fn *fn;
	void *context;
	int listener;
	unsigned port;
	atomic_bool stopping;
	pthread_t thread;
};

/* Reads more; false when the client is gone or the server stops. */
static bool read_some(struct script_server *server, int fd, struct buf *in)
{
	struct pollfd wait = { fd, POLLIN, 0 };
	char *room;
	ssize_t n;

	while (poll(&wait, 1, 50) == 0)
		if (atomic_load(&server->stopping))
			return false;
	room = buf_reserve(in, 65536);
	if (!room)
		return false;
	n = read(fd, room, 65536);
	if (n <= 0)
		return false;
	in->len += (size_t)n;
	return true;
}

static size_t head_length(const struct buf *in)
{
	const char *end = in->len >= 4 ? memmem(in->data, in->len, "\r\n\r\n", 4) : NULL;

	return end ? (size_t)(end - in->data) + 4 : 0;
}

static bool find_header(struct slice head, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n < head.len; i++) {
		size_t from = i + n, len = 0;

		if (head.ptr[i] != '\n' || strncasecmp(head.ptr + i + 1, name, n) != 0)
			continue;
		for (from = i + 1 + n; from + len < head.len && head.ptr[from + len] != '\r'; len++)
			;
		snprintf(out, size, "%.*s", (int)len, head.ptr + from);
		return true;
	}
	return false;
}

static void gunzip(struct slice in, struct buf *out)
{
	z_stream stream = { .next_in = (z_const Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len };
	int rc = Z_OK;

	if (inflateInit2(&stream, 15 + 16) != Z_OK)
		return;
	while (rc == Z_OK) {
		char *room = buf_reserve(out, 65536);

		if (!room)
			break;
		stream.next_out = (Bytef *)room;
		stream.avail_out = 65536;
		rc = inflate(&stream, Z_NO_FLUSH);
		out->len += 65536 - stream.avail_out;
	}
	inflateEnd(&stream);
}

static void reset_connection(int fd)
{
	struct linger linger = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void write_reply(int fd, const struct script_reply *reply)
{
	size_t send_bytes = reply->deed == SCRIPT_CUT ? reply->body.len / 2 : reply->body.len;
	struct buf out;
	size_t at = 0;

	buf_init(&out, 0);
	buf_format(&out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
	           reply->status ? reply->status : 200, reply->body.len, reply->headers ? reply->headers : "");
	buf_append(&out, reply->body.data, send_bytes);
	while (at < out.len) {
		ssize_t n = send(fd, out.data + at, out.len - at, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_done(&out);
}

static void do_deed(struct script_server *server, int fd, const struct script_reply *reply, struct buf *in)
{
	switch (reply->deed) {
	case SCRIPT_HANG:
		while (read_some(server, fd, in))
			;
		break;
	case SCRIPT_RESET_EARLY:
	case SCRIPT_RESET_LATE:
		reset_connection(fd);
		break;
	default:
		write_reply(fd, reply);
		shutdown(fd, SHUT_WR);
		while (read_some(server, fd, in))
			;
		break;
	}
}

static void parse_head(struct script_request *request, const struct buf *in, size_t head)
{
	request->head = (struct slice){ in->data, head };
	sscanf(in->data, "%15s %2047s", request->method, request->target);
}

static void serve(struct script_server *server, int fd)
{
	struct script_request request = { .method = "" };
	struct script_reply reply = { .deed = SCRIPT_ANSWER };
	struct buf in, plain;
	char text[64];
	size_t head, length = 0;

	buf_init(&in, MAX_BODY);
	buf_init(&plain, MAX_BODY);
	buf_init(&reply.body, 0);
	while ((head = head_length(&in)) == 0)
		if (!read_some(server, fd, &in))
			goto out;
	parse_head(&request, &in, head);
	if (find_header(request.head, "Content-Length:", text, sizeof(text)))
		length = strtoul(text, NULL, 10);
	server->fn(server->context, &request, true, &reply);
	if (reply.deed != SCRIPT_RESET_EARLY) {
		while (in.len < head + length)
			if (!read_some(server, fd, &in))
				goto out;
		parse_head(&request, &in, head);
		request.body = (struct slice){ in.data + head, length };
		if (find_header(request.head, "Content-Encoding: gzip", text, sizeof(text))) {
			gunzip(request.body, &plain);
			request.body = buf_view(&plain);
		}
		buf_clear(&reply.body);
		server->fn(server->context, &request, false, &reply);
	}
	do_deed(server, fd, &reply, &in);
out:
	buf_done(&in);
	buf_done(&plain);
	buf_done(&reply.body);
}

static void *run(void *arg)
{
	struct script_server *server = arg;

	while (!atomic_load(&server->stopping)) {
		struct pollfd wait = { server->listener, POLLIN, 0 };
		int fd;

		if (poll(&wait, 1, 50) <= 0)
			continue;
		fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			continue;
		serve(server, fd);
		close(fd);
	}
	return NULL;
}

struct script_server *script_server_start(script_fn *fn, void *context)
{
	struct script_server *server = xcalloc(1, sizeof(*server));
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	server->fn = fn;
	server->context = context;
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
	    listen(server->listener, 16) != 0 || getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 ||
	    pthread_create(&server->thread, NULL, run, server) != 0)
		abort();
	server->port = ntohs(address.sin_port);
	return server;
}

unsigned script_server_port(const struct script_server *server)
{
	return server->port;
}

void script_server_stop(struct script_server *server)
{
	atomic_store(&server->stopping, true);
	pthread_join(server->thread, NULL);
	close(server->listener);
	free(server);
}
