/*
 * What tests/bench/peers needs of a program: lines to send, a sender that waits until all was taken, a receiver that counts
 * lines by their event id, and what a process has used.
 *   peer load SOURCES SESSIONS          the lines, of 2 KB on average
 *   peer port                           a port that nobody listens on
 *   peer send PORT FILE                 seconds until the other side has read all of it and closed
 *   peer receive COUNTS PORT            lines over TCP, or as bodies of HTTP requests; until it is killed
 *   peer wait COUNTS LINES SECONDS      until so many have come, or none for so many seconds: seconds since the first, lines, doubled
 *   peer used PID                       CPU seconds, MB resident, MB at most
 */
#include "load.h"
#include "process.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (256u << 10)
#define ID_START "{\"id\":\"evt_"
#define ID_BYTES (sizeof ID_START - 1 + 26)
#define EVENTS_OF_A_SESSION 512u
#define MAX_SESSIONS 8192u
#define BYTES_OF_A_TEXT 6700 /* the longer lines of a turn; the others are short: 2 KB on average */

/* In a file that all of them map. */
struct counts {
	atomic_uint_fast64_t lines, doubled, bytes;
	atomic_uchar seen[MAX_SESSIONS * EVENTS_OF_A_SESSION / 8];
};

static int usage(void)
{
	fputs("usage: peer load|port|send|receive|wait|used ...\n", stderr);
	return 2;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static struct counts *map_counts(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *counts;

	if (fd < 0 || ftruncate(fd, sizeof(struct counts)) != 0)
		exit(fail(path));
	counts = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (counts == MAP_FAILED)
		exit(fail(path));
	return counts;
}

static int load_main(char **args)
{
	unsigned sessions = (unsigned)strtoul(args[1], NULL, 10);
	struct load load;
	struct buf lines;

	load_init(&load, args[0]);
	buf_init(&lines, 0);
	for (unsigned i = 1; i <= sessions; i++) {
		buf_clear(&lines);
		load_sessions(&load, i, 1, BYTES_OF_A_TEXT, &lines);
		fwrite(lines.data, 1, lines.len, stdout);
	}
	buf_done(&lines);
	load_done(&load);
	return fflush(stdout) == 0 ? 0 : fail("load");
}

/* A socket of 127.0.0.1, listening or connected; -1. */
static int open_socket(unsigned port, bool listening)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (listening ? bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 64) == 0
	              : connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

static int port_main(char **args)
{
	struct sockaddr_in address;
	socklen_t n = sizeof address;
	int fd = open_socket(0, true);

	(void)args;
	if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &n) != 0)
		return fail("port");
	printf("%u\n", ntohs(address.sin_port));
	close(fd);
	return 0;
}

static int send_main(char **args)
{
	double start = bench_wall();
	char *chunk = xmalloc(CHUNK);
	int to = open_socket((unsigned)strtoul(args[0], NULL, 10), false), from = open(args[1], O_RDONLY | O_CLOEXEC);
	ssize_t n, sent = 1;

	if (to < 0 || from < 0)
		return fail("send");
	while (sent > 0 && (n = read(from, chunk, CHUNK)) > 0)
		for (ssize_t at = 0; at < n && sent > 0; at += sent)
			sent = write(to, chunk + at, (size_t)(n - at));
	if (sent <= 0)
		return fail("send");
	shutdown(to, SHUT_WR);
	while (read(to, chunk, CHUNK) > 0)
		;
	printf("%.3f\n", bench_wall() - start);
	free(chunk);
	return 0;
}

/* ---- the receiver ---- */

struct stream {
	struct counts *counts;
	int fd;
	char chunk[CHUNK + ID_BYTES];
	size_t kept; /* bytes at the chunk's beginning that may be the first ones of an id */
};

static void count_line(struct counts *counts, const char *id)
{
	char session[9] = "", event[7] = "";
	unsigned bit;

	memcpy(session, id + 12, 8); /* behind the time: load.h */
	memcpy(event, id + 20, 6);
	bit = (unsigned)(strtoul(session, NULL, 10) % MAX_SESSIONS * EVENTS_OF_A_SESSION + strtoul(event, NULL, 10) % EVENTS_OF_A_SESSION);
	if (atomic_fetch_or(&counts->seen[bit / 8], (unsigned char)(1u << bit % 8)) & (1u << bit % 8))
		atomic_fetch_add(&counts->doubled, 1);
	else
		atomic_fetch_add(&counts->lines, 1);
}

/* n bytes stand behind those that were kept. */
static void count_lines(struct stream *stream, size_t n)
{
	const char *at = stream->chunk, *end = stream->chunk + stream->kept + n, *hit;

	atomic_fetch_add(&stream->counts->bytes, n);
	while ((hit = memmem(at, (size_t)(end - at), ID_START, sizeof ID_START - 1)) && (size_t)(end - hit) >= ID_BYTES) {
		count_line(stream->counts, hit + sizeof ID_START - 1);
		at = hit + ID_BYTES;
	}
	stream->kept = (size_t)(end - at) < ID_BYTES - 1 ? (size_t)(end - at) : ID_BYTES - 1;
	memmove(stream->chunk, end - stream->kept, stream->kept);
}

static bool answer(int fd, const char *head)
{
	const char *body = strstr(head, "/health") ? "{\"status\":\"OK\",\"version\":\"4.0.0\"}" : "{}";
	char text[256];
	int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);

	return write(fd, text, (size_t)n) == n;
}

/* One request, whose first bytes are there. The bytes that were read are counted once the body begins. False: no other comes. */
static bool serve_request(struct stream *stream, char *head, size_t *have)
{
	const char *length, *continued = "HTTP/1.1 100 Continue\r\n\r\n";
	char *end;
	size_t body, n;
	ssize_t got;

	while (head[*have] = '\0', !(end = strstr(head, "\r\n\r\n"))) {
		got = *have < 8191 ? read(stream->fd, head + *have, 8191 - *have) : 0;
		if (got <= 0)
			return false;
		*have += (size_t)got;
	}
	*end = '\0';
	length = strcasestr(head, "\r\nContent-Length:");
	body = length ? strtoul(length + 17, NULL, 10) : 0;
	if (strcasestr(head, "\r\nExpect:") && write(stream->fd, continued, strlen(continued)) < 0)
		return false;
	n = *have - (size_t)(end + 4 - head);
	stream->kept = 0;
	memcpy(stream->chunk, end + 4, n);
	count_lines(stream, n);
	for (; n < body; n += (size_t)got) {
		got = read(stream->fd, stream->chunk + stream->kept, body - n < CHUNK ? body - n : CHUNK);
		if (got <= 0)
			return false;
		count_lines(stream, (size_t)got);
	}
	*have = 0;
	return answer(stream->fd, head);
}

static void *serve(void *arg)
{
	struct stream *stream = arg;
	char head[8192];
	ssize_t n = read(stream->fd, head, sizeof head - 1);
	size_t have = n > 0 ? (size_t)n : 0;

	if (have > 5 && (memcmp(head, "POST ", 5) == 0 || memcmp(head, "GET ", 4) == 0)) {
		while (serve_request(stream, head, &have))
			;
	} else {
		memcpy(stream->chunk, head, have);
		for (; n > 0; n = read(stream->fd, stream->chunk + stream->kept, CHUNK))
			count_lines(stream, (size_t)n);
	}
	close(stream->fd);
	free(stream);
	return NULL;
}

static int receive_main(char **args)
{
	struct counts *counts = map_counts(args[0]);
	int fd = open_socket((unsigned)strtoul(args[1], NULL, 10), true), one;

	if (fd < 0)
		return fail("receive");
	while ((one = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct stream *stream = xcalloc(1, sizeof *stream);
		pthread_t thread;

		stream->counts = counts;
		stream->fd = one;
		if (pthread_create(&thread, NULL, serve, stream) != 0)
			return fail("receive");
		pthread_detach(thread);
	}
	return fail("receive");
}

static int wait_main(char **args)
{
	struct counts *counts = map_counts(args[0]);
	uint64_t wanted = strtoull(args[1], NULL, 10), lines = 0, now;
	double start = bench_wall(), last = start, patience = strtod(args[2], NULL);

	while (bench_wall() - last < patience) {
		now = atomic_load(&counts->lines);
		if (now != lines)
			last = bench_wall();
		if (lines == 0)
			start = bench_wall();
		lines = now;
		if (lines >= wanted)
			break;
		usleep(2000);
	}
	printf("%.3f %llu %llu\n", last - start, (unsigned long long)lines, (unsigned long long)atomic_load(&counts->doubled));
	return 0;
}

static int used_main(char **args)
{
	struct process_figures used = process_look((pid_t)strtol(args[0], NULL, 10));

	printf("%.3f %.1f %.1f\n", used.cpu_s, used.rss_mb, used.peak_mb);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		int (*run)(char **args);
	} commands[] = {
		{ "load", 2, load_main }, { "port", 0, port_main }, { "send", 2, send_main }, { "receive", 2, receive_main },
		{ "wait", 3, wait_main }, { "used", 1, used_main },
	};

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (argc == 2 + commands[i].words && strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argv + 2);
	return usage();
}
