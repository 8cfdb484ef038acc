/* Both ends of a connection on loopback, for the targets that need a real one. */
#ifndef LF_TESTS_FUZZ_LOOPBACK_H
#define LF_TESTS_FUZZ_LOOPBACK_H
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LOOPBACK_LIMIT_MS 20000

static inline struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline void loopback_limit(int fd, long limit_ms)
{
	const struct timeval limit = { .tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
		abort();
}

static inline int loopback_dial(uint16_t port)
{
	struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		abort();
	loopback_limit(fd, LOOPBACK_LIMIT_MS);
	return fd;
}

static inline int loopback_listen(uint16_t *ret_port)
{
	struct sockaddr_in at = loopback(0);
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 16) != 0 || getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		abort();
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* False when the other side is gone; what it did not want to hear is its affair. */
static inline bool loopback_send(int fd, const void *bytes, size_t size)
{
	for (size_t sent = 0; sent < size;) {
		ssize_t n = send(fd, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	return true;
}

#endif
