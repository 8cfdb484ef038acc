/*
 * Stands before a receiver and spoils answers at the byte level. Each connection carries one request.
 *   front PORT DEED[:COUNT]      passes on to 127.0.0.1:PORT; the first COUNT POSTs (1) get the deed; with FRONT_METHOD=GET
 *                                the first GETs
 * What a deed answers is sent as it is; "stored" ones have passed the request on before. Prints its own address, then a
 * line for each request: method, target, whether it had credentials, whether it asked for 100-continue.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_BYTES ((size_t)64 << 20)
#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

struct bytes {
	char *data;
	size_t len;
};

struct exchange {
	int client;
	struct bytes request, answer; /* the answer's body only */
	const char *value;            /* of the deed */
};

static void send_bytes(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		at += sent;
		n -= (size_t)sent;
	}
}

static void say(const struct exchange *x, const char *text)
{
	send_bytes(x->client, text, strlen(text));
}

static bool read_more(int fd, struct bytes *in)
{
	char part[65536];
	ssize_t n = recv(fd, part, sizeof part, 0);

	if (n <= 0 || in->len + (size_t)n > MAX_BYTES)
		return false;
	in->data = realloc(in->data, in->len + (size_t)n + 1);
	if (!in->data)
		abort();
	memcpy(in->data + in->len, part, (size_t)n);
	in->len += (size_t)n;
	in->data[in->len] = '\0';
	return true;
}

static size_t head_length(const struct bytes *in)
{
	const char *end = in->len ? strstr(in->data, "\r\n\r\n") : NULL;

	return end ? (size_t)(end - in->data) + 4 : 0;
}

static const char *header(const struct bytes *in, const char *name)
{
	size_t head = head_length(in), n = strlen(name);

	for (const char *at = in->data; at && at < in->data + head; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncasecmp(at, name, n) == 0 && at[n] == ':')
			return at + n + 1;
		if (*at == '\0')
			break;
	}
	return NULL;
}

static bool read_request(int fd, struct bytes *in)
{
	size_t head, body;

	while ((head = head_length(in)) == 0)
		if (!read_more(fd, in))
			return false;
	body = header(in, "Content-Length") ? strtoul(header(in, "Content-Length"), NULL, 10) : 0;
	while (in->len < head + body)
		if (!read_more(fd, in))
			return false;
	return true;
}

static int connect_to(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Passes the request on, asking that the connection be closed; the whole answer. */
static struct bytes pass_on(unsigned port, const struct bytes *request)
{
	static const char close_it[] = "Connection: close\r\n";
	const char *line = strstr(request->data, "\r\n") + 2;
	size_t first = (size_t)(line - request->data);
	struct bytes answer = { 0 };
	int fd = connect_to(port);

	if (fd < 0)
		return answer;
	send_bytes(fd, request->data, first);
	send_bytes(fd, close_it, sizeof close_it - 1);
	send_bytes(fd, line, request->len - first);
	while (read_more(fd, &answer))
		;
	close(fd);
	return answer;
}

static void pause_ms(long ms)
{
	struct timespec wait = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&wait, NULL);
}

/* ---- the deeds ---- */

static void say_whole(const struct exchange *x)
{
	char head[128];

	snprintf(head, sizeof head, OK "Content-Length: %zu\r\n\r\n", x->answer.len);
	say(x, head);
	send_bytes(x->client, x->answer.data, x->answer.len);
}

static void garbage_line(const struct exchange *x) { say(x, "\x01\x02 not HTTP at all\r\n\r\n{}"); }
static void half_line(const struct exchange *x) { say(x, "HTTP/1.1 200 OK\r\nContent-Le"); }
static void nothing(const struct exchange *x) { (void)x; }
static void truncated(const struct exchange *x) { say(x, OK "Content-Length: 1000\r\n\r\n{\"name\":"); }
static void empty(const struct exchange *x) { say(x, OK "Content-Length: 0\r\n\r\n"); }
static void only_continue(const struct exchange *x) { say(x, "HTTP/1.1 100 Continue\r\n\r\n"); }
static void bad_chunk(const struct exchange *x) { say(x, OK "Transfer-Encoding: chunked\r\n\r\nzz\r\nnonsense\r\n"); }
static void cut_chunk(const struct exchange *x) { say(x, OK "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"nam"); }

static void continue_first(const struct exchange *x)
{
	for (int i = 0; i < 3; i++)
		say(x, "HTTP/1.1 100 Continue\r\nRetry-After: 3600\r\n\r\n");
	say_whole(x);
}

static void old_http(const struct exchange *x)
{
	say(x, "HTTP/1.0 200 OK\r\n\r\n");
	send_bytes(x->client, x->answer.data, x->answer.len);
}

static void chunked(const struct exchange *x)
{
	char line[32];

	say(x, OK "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < x->answer.len; i += 3) {
		size_t n = x->answer.len - i < 3 ? x->answer.len - i : 3;
		snprintf(line, sizeof line, "%zx;extension=1\r\n", n);
		say(x, line);
		send_bytes(x->client, x->answer.data + i, n);
		say(x, "\r\n");
	}
	say(x, "0\r\nX-Trailer: yes\r\n\r\n");
}

static void keep_alive(const struct exchange *x)
{
	say(x, OK "Connection: keep-alive\r\nKeep-Alive: timeout=600\r\n");
	say_whole(&(struct exchange){ .client = x->client, .answer = x->answer });
}

/* Goes on until the client has had enough. */
static void pour(const struct exchange *x, const char *head, const char *unit, size_t total)
{
	size_t n = strlen(unit);

	say(x, head);
	for (size_t sent = 0; sent < total; sent += n)
		if (send(x->client, unit, n, MSG_NOSIGNAL) <= 0)
			break;
}

static void giant(const struct exchange *x)
{
	static char unit[65537];

	memset(unit, ' ', sizeof unit - 1);
	pour(x, OK "Content-Length: 1073741824\r\n\r\n", unit, (size_t)1 << 30);
}

static void big_headers(const struct exchange *x)
{
	pour(x, OK, "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123\r\n", (size_t)1 << 20);
	say(x, "Content-Length: 2\r\n\r\n{}");
}

/* 10 bytes of deflate that stand for 1 kB each, a hundred thousand times */
static void bomb(const struct exchange *x)
{
	static const char member[] = "\x1f\x8b\x08\0\0\0\0\0\x02\x03";
	char zeros[4096] = { 0 };

	say(x, OK "Content-Encoding: gzip\r\n\r\n");
	send_bytes(x->client, member, sizeof member - 1);
	for (int i = 0; i < 1000; i++)
		if (send(x->client, zeros, sizeof zeros, MSG_NOSIGNAL) <= 0)
			break;
}

static void loris(const struct exchange *x)
{
	static const char answer[] = OK "Content-Length: 2\r\n\r\n{}";

	for (size_t i = 0; i < sizeof answer - 1; i++) {
		if (send(x->client, answer + i, 1, MSG_NOSIGNAL) <= 0)
			break;
		pause_ms(200);
	}
}

static void busy(const struct exchange *x)
{
	char text[512];

	snprintf(text, sizeof text, "HTTP/1.1 429 Too Many\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", x->value);
	say(x, text);
}

static void redirect(const struct exchange *x)
{
	char text[512];

	snprintf(text, sizeof text, "HTTP/1.1 307 There\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", x->value);
	say(x, text);
}

static void refuse_twice(const struct exchange *x) /* an error page that is larger than it says */
{
	say(x, "HTTP/1.1 503 Away\r\nContent-Length: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}

static const struct deed {
	const char *name;
	bool stores;
	void (*act)(const struct exchange *x);
} deeds[] = {
	{ "garbage-line", false, garbage_line }, { "garbage-line-stored", true, garbage_line }, { "half-line", true, half_line },
	{ "close", false, nothing },             { "close-stored", true, nothing },             { "truncated", true, truncated },
	{ "empty", true, empty },                { "only-continue", false, only_continue },     { "continue-first", true, continue_first },
	{ "bad-chunk", true, bad_chunk },        { "cut-chunk", true, cut_chunk },              { "old-http", true, old_http },
	{ "chunked", true, chunked },            { "keep-alive", true, keep_alive },            { "giant", true, giant },
	{ "big-headers", true, big_headers },    { "bomb", true, bomb },                        { "loris", true, loris },
	{ "busy", false, busy },                 { "redirect", false, redirect },               { "refuse-twice", false, refuse_twice },
};

static const struct deed *find_deed(char *text, char **ret_value, long *ret_count)
{
	char *colon = strrchr(text, ':'), *equals;

	*ret_count = colon ? strtol(colon + 1, NULL, 10) : 1;
	if (colon)
		*colon = '\0';
	equals = strchr(text, '=');
	*ret_value = equals ? equals + 1 : NULL;
	if (equals)
		*equals = '\0';
	for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
		if (strcmp(deeds[i].name, text) == 0)
			return &deeds[i];
	return NULL;
}

static void log_request(const struct bytes *request)
{
	int n = (int)strcspn(request->data, "\r");

	printf("%.*s%s%s\n", n, request->data, header(request, "Authorization") ? " with credentials" : "",
	       header(request, "Expect") ? " expects" : "");
	fflush(stdout);
}

static void serve(int client, unsigned port, const struct deed *deed, const char *value, long *left)
{
	const char *method = getenv("FRONT_METHOD") ? getenv("FRONT_METHOD") : "POST";
	struct exchange x = { .client = client, .value = value };
	bool spoil;

	if (!read_request(client, &x.request))
		goto out;
	log_request(&x.request);
	spoil = *left > 0 && strncmp(x.request.data, method, strlen(method)) == 0;
	if (!spoil || deed->stores)
		x.answer = pass_on(port, &x.request);
	if (!spoil) {
		send_bytes(client, x.answer.data, x.answer.len);
	} else {
		size_t head = head_length(&x.answer);
		--*left;
		if (x.answer.data)
			memmove(x.answer.data, x.answer.data + head, x.answer.len - head);
		x.answer.len -= head;
		deed->act(&x);
	}
	shutdown(client, SHUT_WR);
	while (read_more(client, &x.request))
		;
out:
	free(x.request.data);
	free(x.answer.data);
	close(client);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof here;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct deed *deed;
	char *value;
	long left = 0;

	deed = argc == 3 ? find_deed(argv[2], &value, &left) : NULL;
	if (!deed || bind(listener, (struct sockaddr *)&here, sizeof here) != 0 || listen(listener, 16) != 0) {
		fputs("usage: front PORT DEED[=VALUE][:COUNT]\n", stderr);
		return 2;
	}
	getsockname(listener, (struct sockaddr *)&here, &size);
	printf("listening on http://127.0.0.1:%u\n", (unsigned)ntohs(here.sin_port));
	fflush(stdout);
	for (;;) {
		int client = accept(listener, NULL, NULL);
		struct timeval limit = { .tv_sec = 5 };
		if (client < 0)
			continue;
		setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		serve(client, (unsigned)strtoul(argv[1], NULL, 10), deed, value, &left);
	}
}
