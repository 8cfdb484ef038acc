#include "receiver.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (256u << 10)

struct receiver {
	int fd;
	unsigned port;
	pthread_t thread;
	atomic_uint_fast64_t requests, bytes;
};

/* The head of a request, from what has been read; 0: not whole yet. */
static size_t head_length(const char *bytes, size_t n)
{
	const char *end = memmem(bytes, n, "\r\n\r\n", 4);

	return end ? (size_t)(end - bytes) + 4 : 0;
}

static size_t body_length(const char *head)
{
	const char *at = strcasestr(head, "\r\nContent-Length:");

	return at ? strtoul(at + 17, NULL, 10) : 0;
}

static bool answer(int fd, bool health)
{
	const char *body = health ? "{\"status\":\"OK\",\"version\":\"4.0.0\"}" : "{}";
	char text[256];
	int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);

	return send(fd, text, (size_t)n, MSG_NOSIGNAL) == n; /* who asked may have gone */
}

static void serve(struct receiver *receiver, int fd, char *chunk)
{
	size_t have = 0;

	for (;;) {
		size_t head = 0, body;
		ssize_t n = 1;
		bool health;

		while (!(head = head_length(chunk, have)) && have < CHUNK - 1 && (n = read(fd, chunk + have, CHUNK - 1 - have)) > 0)
			have += (size_t)n;
		if (n <= 0 || !head)
			return;
		chunk[have] = '\0';
		body = body_length(chunk);
		health = memmem(chunk, head, "/health", 7) != NULL;
		for (have -= head; have < body && n > 0; have += n > 0 ? (size_t)n : 0)
			n = read(fd, chunk, CHUNK - 1);
		if (have < body || !answer(fd, health))
			return;
		have = 0;
		atomic_fetch_add(&receiver->requests, !health);
		atomic_fetch_add(&receiver->bytes, body);
	}
}

static void *receiver_main(void *arg)
{
	struct receiver *receiver = arg;
	char *chunk = xmalloc(CHUNK);
	int fd;

	while ((fd = accept4(receiver->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		serve(receiver, fd, chunk);
		close(fd);
	}
	free(chunk);
	return NULL;
}

struct receiver *receiver_start(void)
{
	struct receiver *receiver = xcalloc(1, sizeof *receiver);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof address;

	receiver->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(receiver->fd, (struct sockaddr *)&address, n) != 0 || listen(receiver->fd, 64) != 0 ||
	    getsockname(receiver->fd, (struct sockaddr *)&address, &n) != 0 ||
	    pthread_create(&receiver->thread, NULL, receiver_main, receiver) != 0) {
		perror("bench: receiver");
		exit(1);
	}
	receiver->port = ntohs(address.sin_port);
	return receiver;
}

unsigned receiver_port(const struct receiver *receiver)
{
	return receiver->port;
}

void receiver_counts(const struct receiver *receiver, uint64_t *ret_requests, uint64_t *ret_bytes)
{
	*ret_requests = atomic_load(&receiver->requests);
	*ret_bytes = atomic_load(&receiver->bytes);
}

void receiver_stop(struct receiver *receiver)
{
	shutdown(receiver->fd, SHUT_RDWR);
	pthread_join(receiver->thread, NULL);
	close(receiver->fd);
	free(receiver);
}
