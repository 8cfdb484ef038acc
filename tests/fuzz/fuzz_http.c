/*
 * Any bytes as what comes back over the connection: to the question for a trace, to a score, and to what is sent to a collector. No crash, no
 * hang; each call ends with words or a verdict. The first byte chooses the call.
 */
#include "loopback.h"
#include "ship/ship.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LINGER_MS 20
#define MAX_ANSWERS 3 /* then it hangs up: a list that never ends is another test's matter */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	pthread_mutex_t lock;
	struct slice answer;
	unsigned left;
	int listen_fd;
	uint16_t port;
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct ship *ship;
static struct collector *collectors[2];

/* One request that has come whole as far as anybody can tell, and the bytes for it. */
static void answer_one(int fd)
{
	char request[4096];

	loopback_limit(fd, LOOPBACK_LIMIT_MS);
	if (recv(fd, request, sizeof request, 0) > 0) {
		pthread_mutex_lock(&server.lock);
		if (server.left > 0) {
			server.left--;
			(void)loopback_send(fd, server.answer.ptr, server.answer.len);
		}
		pthread_mutex_unlock(&server.lock);
		shutdown(fd, SHUT_WR);
		/* the rest of the request, and the other side's end of it: not for long, as it may want to use the connection again */
		loopback_limit(fd, LINGER_MS);
		while (recv(fd, request, sizeof request, 0) > 0)
			;
	}
	close(fd);
}

static void *server_main(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(server.listen_fd, NULL, NULL);
		if (fd >= 0)
			answer_one(fd);
	}
	return NULL;
}

static void start(void)
{
	struct ship_options options = { .sink = SINK_LANGFUSE, .public_key = "public", .secret_key = "secret", .http = { .total_timeout_ms = 2000 } };
	struct collector_options collecting = { .signal = COLLECTOR_TRACES, .endpoint_is_base = true, .timeout_ms = 2000 };
	struct err err;
	pthread_t thread;
	char host[64];

	server.listen_fd = loopback_listen(&server.port);
	if (pthread_create(&thread, NULL, server_main, NULL) != 0)
		abort();
	pthread_detach(thread);
	snprintf(host, sizeof host, "http://127.0.0.1:%u", server.port);
	options.host = collecting.endpoint = host;
	if (ship_new(&options, &ship, &err) != 0)
		abort();
	for (int i = 0; i < 2; i++) {
		collecting.protocol = i ? COLLECTOR_JSON : COLLECTOR_PROTOBUF;
		if (collector_new(&collecting, &collectors[i], &err) != 0)
			abort();
	}
}

static int seen(void *context, const struct ship_seen *row, struct err *err)
{
	(void)context, (void)err;
	if (!row->id || !row->type || !row->name || !row->level || !row->model)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t trace[16] = { 1 };
	static const struct ship_score score = { .id = { "s", 1 }, .trace = { "t", 1 }, .name = { "n", 1 }, .value = { "1", 1 }, .data_type = { "NUMERIC", 7 } };
	struct collector_answer judged;
	struct err err = { 0 };
	int rc = 0;

	if (!ship)
		start();
	if (size < 1)
		return 0;
	pthread_mutex_lock(&server.lock);
	server.answer = (struct slice){ (const char *)data + 1, size - 1 };
	server.left = MAX_ANSWERS;
	pthread_mutex_unlock(&server.lock);
	if (data[0] % 4 == 0)
		rc = ship_list(ship, trace, seen, NULL, &err);
	else if (data[0] % 4 == 1)
		rc = ship_score(ship, &score, &err);
	else if (collector_send(collectors[data[0] % 2], SLICE("{}"), &judged, &err) != 0 || judged.verdict > COLLECTOR_HELD)
		abort();
	if (rc != 0 && !err.text[0])
		abort();
	pthread_mutex_lock(&server.lock);
	server.answer = SLICE_NONE;
	server.left = 0;
	pthread_mutex_unlock(&server.lock);
	return 0;
}
