/*
 * The receiver's server: one thread a connection (a hanging answer must hold up no other), bodies and connections bounded,
 * loopback only. What a request means is in routes.c, what goes wrong on purpose in fault.c.
 */
#include "sink/sink.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/base64.h"
#include "sink/server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 64
#define SLOW_PIECES 8

struct pending { /* one request on its way */
	struct buf body;
	struct fault_step step;
	bool decided, too_large;
};

static void pause_ms(struct sink *sink, int64_t ms)
{
	int64_t deadline_ms = clock_mono_ms() + ms;
	struct timespec step = { 0, 10000000 };

	while (!atomic_load(&sink->stopping) && clock_mono_ms() < deadline_ms)
		nanosleep(&step, NULL);
}

static void write_kept(const struct sink *sink, uint64_t number, const char *suffix, struct slice content)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof path, "%s/%06llu.%s", sink->options.requests, (unsigned long long)number, suffix);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)file_write_all(fd, content);
	close(fd);
}

static enum MHD_Result list_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	(void)buf_format(context, "%s: %s\n", name, strcasecmp(name, "Authorization") == 0 ? "(removed)" : value ? value : "");
	return MHD_YES;
}

/* What would have left the machine, whatever the answer to it: the body without gzip, and the headers without the keys. */
static void keep_request(struct sink *sink, struct MHD_Connection *connection, const struct sink_request *request)
{
	bool json = request->content_type && strstr(request->content_type, "json");
	struct buf headers;
	uint64_t number;

	if (!sink->options.requests || strcmp(request->method, "POST") != 0 || sink_is_own(request->path))
		return;
	pthread_mutex_lock(&sink->lock);
	number = ++sink->kept;
	pthread_mutex_unlock(&sink->lock);
	buf_init(&headers, 1u << 20);
	(void)buf_format(&headers, "%s %s\n", request->method, request->path);
	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, list_header, &headers);
	write_kept(sink, number, request->unpack_code != 0 ? "bin" : json ? "json" : "pb", request->unpacked);
	write_kept(sink, number, "headers", buf_view(&headers));
	buf_done(&headers);
}

/* ---- answers ---- */

struct piecewise { /* an answer in pieces, or one that ends early */
	struct sink *sink;
	char *bytes;
	size_t len, stop_at;
	int64_t wait_ms;
};

static ssize_t next_piece(void *context, uint64_t at, char *out, size_t max)
{
	struct piecewise *p = context;
	size_t n = p->len - (size_t)at;

	if (at >= p->stop_at)
		return p->stop_at < p->len ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
	if (p->wait_ms > 0) {
		pause_ms(p->sink, p->wait_ms / SLOW_PIECES);
		if (n > p->len / SLOW_PIECES + 1)
			n = p->len / SLOW_PIECES + 1;
	}
	if (n > p->stop_at - (size_t)at)
		n = p->stop_at - (size_t)at;
	if (n > max)
		n = max;
	memcpy(out, p->bytes + at, n);
	return (ssize_t)n;
}

static void piecewise_free(void *context)
{
	struct piecewise *p = context;

	free(p->bytes);
	free(p);
}

static struct MHD_Response *make_response(struct sink *sink, struct sink_answer *answer, const struct fault_step *step)
{
	struct piecewise *p;
	size_t n;
	char *bytes;

	buf_append(&answer->body, "", 0);
	bytes = buf_take(&answer->body, &n);
	if (step->action != FAULT_CUT_ANSWER && step->action != FAULT_SLOW)
		return MHD_create_response_from_buffer(n, bytes, MHD_RESPMEM_MUST_FREE);
	p = xcalloc(1, sizeof *p);
	*p = (struct piecewise){ .sink = sink, .bytes = bytes, .len = n, .stop_at = n };
	if (step->action == FAULT_CUT_ANSWER)
		p->stop_at = n / 2;
	else
		p->wait_ms = step->value;
	return MHD_create_response_from_callback(n, 1024, next_piece, p, piecewise_free);
}

/* A browser that comes here runs nothing but our own script, asks nobody else, and shows us to no other page. */
static void add_protection(struct MHD_Response *response, const struct sink_answer *answer)
{
	static const struct { const char *name, *value; } rows[] = {
		{ "X-Content-Type-Options", "nosniff" }, { "Referrer-Policy", "no-referrer" }, { "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cross-Origin-Opener-Policy", "same-origin" }, { "X-Frame-Options", "DENY" }, { "Cache-Control", "no-store" },
	};
	char policy[512];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		MHD_add_response_header(response, rows[i].name, rows[i].value);
	if (answer->nonce[0])
		snprintf(policy, sizeof policy, "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; img-src data:; "
		         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
		         answer->nonce, answer->nonce);
	else
		snprintf(policy, sizeof policy, "default-src 'none'; frame-ancestors 'none'; sandbox");
	MHD_add_response_header(response, "Content-Security-Policy", policy);
}

static enum MHD_Result send_answer(struct sink *sink, struct MHD_Connection *connection, struct sink_answer *answer, const struct fault_step *step)
{
	struct MHD_Response *response = make_response(sink, answer, step);
	enum MHD_Result result;
	char text[24];

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", answer->content_type);
	add_protection(response, answer);
	if (step->action == FAULT_STATUS && step->retry_after_s >= 0) {
		snprintf(text, sizeof text, "%lld", (long long)step->retry_after_s);
		MHD_add_response_header(response, "Retry-After", text);
	}
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static const char *query(void *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* Until the client gives up, or the receiver stops. */
static void hang(struct sink *sink, struct MHD_Connection *connection)
{
	struct pollfd client = { .fd = socket_of(connection), .events = POLLIN };

	while (!atomic_load(&sink->stopping) && poll(&client, 1, 50) == 0)
		continue;
}

/* The connection ends without an answer: with a reset where the system can. */
static enum MHD_Result cut(struct MHD_Connection *connection)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(socket_of(connection), SOL_SOCKET, SO_LINGER, &now, sizeof now);
	return MHD_NO;
}

/* True when the fault itself is the answer, and nothing is stored. */
static bool answer_by_fault(struct sink *sink, struct MHD_Connection *connection, const struct fault_step *step, struct sink_answer *answer, bool *ret_cut)
{
	switch (step->action) {
	case FAULT_STATUS:
		answer_message(answer, (unsigned)step->value, "on purpose", NULL);
		return true;
	case FAULT_GARBAGE:
		answer_text(answer, 200, "text/html", "<html><body>It works!</body></html>");
		return true;
	case FAULT_HANG:
		hang(sink, connection);
		*ret_cut = true;
		return true;
	case FAULT_RESET_AFTER:
		*ret_cut = true;
		return true;
	default:
		return false;
	}
}

/* "127.0.0.1:4318", "localhost", "[::1]:80": a name that somebody else's DNS points at us is none of them. */
static bool host_is_ours(const struct sink *sink, const char *host)
{
	const char *const names[] = { "localhost", "[::1]", sink->options.name };
	const char *port = strrchr(host, ':');
	size_t n = port && port[strspn(port + 1, "0123456789") + 1] == '\0' ? (size_t)(port - host) : strlen(host);
	struct in_addr address;
	char name[64];

	if (n >= sizeof name)
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i] && strcasecmp(name, names[i]) == 0)
			return true;
	return inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* A page from elsewhere in the user's browser must neither read nor write here. True: refused, the answer is filled. */
static bool refuse_strangers(const struct sink *sink, struct MHD_Connection *connection, struct sink_answer *answer)
{
	const char *host = header(connection, "Host"), *site = header(connection, "Sec-Fetch-Site");

	if (host && !host_is_ours(sink, host))
		answer_message(answer, 403, "this receiver is asked for by a loopback address only", NULL);
	else if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		answer_message(answer, 403, "this receiver answers no other site's pages", NULL);
	else
		return false;
	return true;
}

static void count_rejected(struct sink *sink, const struct sink_request *request, const struct sink_answer *answer)
{
	if (answer->status < 400 || sink_is_own(request->path))
		return;
	pthread_mutex_lock(&sink->lock);
	sink->rejected++;
	pthread_mutex_unlock(&sink->lock);
}

static enum MHD_Result answer_request(struct sink *sink, struct MHD_Connection *connection, const char *path, const char *method, struct pending *pending)
{
	struct sink_request request = {
		.method = method, .path = path, .authorization = header(connection, "Authorization"), .content_type = header(connection, "Content-Type"),
		.content_encoding = header(connection, "Content-Encoding"), .ingestion_version = header(connection, "x-langfuse-ingestion-version"),
		.body = buf_view(&pending->body), .query = query, .context = connection,
	};
	struct sink_answer answer = { .status = 200, .content_type = "application/json" };
	bool cut_now = pending->step.action == FAULT_ACCEPT_AND_DIE;
	enum MHD_Result result;
	struct buf unpacked;

	buf_init(&answer.body, 0);
	buf_init(&unpacked, SINK_MAX_BODY_BYTES);
	sink_unpack(&request, &unpacked);
	keep_request(sink, connection, &request);
	if (refuse_strangers(sink, connection, &answer))
		cut_now = false;
	else if (pending->too_large)
		answer_text(&answer, 413, "text/plain", "too large");
	else if (!answer_by_fault(sink, connection, &pending->step, &answer, &cut_now))
		sink_route(sink, &request, &answer);
	count_rejected(sink, &request, &answer);
	result = cut_now ? cut(connection) : send_answer(sink, connection, &answer, &pending->step);
	buf_done(&unpacked);
	buf_done(&answer.body);
	return result;
}

/* The control routes of the tests are never made to fail. */
static struct fault_step decide(struct sink *sink, const char *path, const char *method)
{
	struct fault_step step = { .action = FAULT_NONE };

	pthread_mutex_lock(&sink->lock);
	if (!sink_is_own(path)) {
		sink->requests++;
		step = fault_take(&sink->fault, strcmp(path, "/api/public/health") == 0, strcmp(method, "POST") == 0);
	}
	pthread_mutex_unlock(&sink->lock);
	return step;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **slot)
{
	struct sink *sink = context;
	struct pending *pending = *slot;

	(void)version;
	if (!pending) {
		pending = xcalloc(1, sizeof *pending);
		buf_init(&pending->body, SINK_MAX_BODY_BYTES);
		pending->step = decide(sink, url, method);
		*slot = pending;
		return pending->step.action == FAULT_RESET_BEFORE ? cut(connection) : MHD_YES;
	}
	if (*upload_size > 0) {
		if (buf_append(&pending->body, upload, *upload_size) != 0)
			pending->too_large = true;
		*upload_size = 0;
		return MHD_YES;
	}
	return answer_request(sink, connection, url, method, pending);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode code)
{
	struct pending *pending = *slot;

	(void)context, (void)connection, (void)code;
	if (pending)
		buf_done(&pending->body);
	free(pending);
	*slot = NULL;
}

/* ---- life ---- */

static int parse_listen(const char *text, struct sockaddr_in *ret, struct err *err)
{
	const char *colon = strrchr(text, ':');
	char address[64], *end;
	unsigned long port;

	memset(ret, 0, sizeof *ret);
	ret->sin_family = AF_INET;
	if (!colon || (size_t)(colon - text) >= sizeof address)
		return err_set(err, LF_EINVAL, "--listen %s: must be ADDRESS:PORT, such as 127.0.0.1:4318", text);
	memcpy(address, text, (size_t)(colon - text));
	address[colon - text] = '\0';
	if (strcmp(address, "localhost") == 0)
		memcpy(address, "127.0.0.1", sizeof "127.0.0.1");
	port = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end || port > 65535 || inet_pton(AF_INET, address, &ret->sin_addr) != 1)
		return err_set(err, LF_EINVAL, "--listen %s: must be ADDRESS:PORT, such as 127.0.0.1:4318", text);
	if (ntohl(ret->sin_addr.s_addr) >> 24 != 127)
		return err_set(err, LF_EINVAL, "--listen %s: must be a loopback address (127.x.x.x)", text);
	ret->sin_port = htons((uint16_t)port);
	return 0;
}

static void make_auth(struct sink *sink)
{
	const struct sink_options *options = &sink->options;
	struct buf pair, out;

	if (!options->public_key || !options->secret_key)
		return;
	buf_init(&pair, 0);
	buf_init(&out, 0);
	buf_format(&pair, "%s:%s", options->public_key, options->secret_key);
	buf_text(&out, "Basic ");
	base64_encode(buf_view(&pair), &out);
	sink->auth = buf_take(&out, NULL);
	buf_init(&out, 0);
	buf_format(&out, "Bearer %s", options->public_key);
	sink->bearer = buf_take(&out, NULL);
	buf_done(&pair);
}

static int make_requests_dir(const struct sink_options *options, struct err *err)
{
	if (!options->requests || mkdir(options->requests, 0700) == 0 || errno == EEXIST)
		return 0;
	return err_set(err, LF_EIO, "%s: %s", options->requests, strerror(errno));
}

static int open_out(const struct sink_options *options, int *ret_fd, struct err *err)
{
	*ret_fd = -1;
	if (!options->out)
		return 0;
	*ret_fd = open(options->out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return *ret_fd >= 0 ? 0 : err_set(err, LF_EIO, "%s: %s", options->out, strerror(errno));
}

static int listen_now(struct sink *sink, struct sockaddr_in *address, struct err *err)
{
	const union MHD_DaemonInfo *info;

	sink->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL, NULL, on_request, sink,
	                                MHD_OPTION_SOCK_ADDR, (struct sockaddr *)address, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
	                                MHD_OPTION_CONNECTION_TIMEOUT, 120u, MHD_OPTION_NOTIFY_COMPLETED, on_completed, sink, MHD_OPTION_END);
	if (!sink->daemon)
		return err_set(err, LF_EIO, "cannot listen on %s", sink->options.listen);
	info = MHD_get_daemon_info(sink->daemon, MHD_DAEMON_INFO_BIND_PORT);
	sink->port = info ? info->port : ntohs(address->sin_port);
	return 0;
}

static void sink_free(struct sink *sink)
{
	store_free(sink->store);
	pthread_mutex_destroy(&sink->lock);
	free(sink->auth);
	free(sink->bearer);
	free(sink);
}

int sink_start(const struct sink_options *options, struct sink **ret, struct err *err)
{
	struct sink *sink = xcalloc(1, sizeof *sink);
	struct sockaddr_in address;
	int out_fd = -1, rc;

	sink->options = *options;
	make_auth(sink);
	(void)!getentropy(&sink->run, sizeof sink->run);
	pthread_mutex_init(&sink->lock, NULL);
	rc = parse_listen(options->listen, &address, err);
	if (rc == 0)
		rc = fault_parse(options->fault, &sink->fault, err);
	if (rc == 0)
		rc = make_requests_dir(options, err);
	if (rc == 0)
		rc = open_out(options, &out_fd, err);
	sink->store = store_new(options->profile, out_fd);
	if (rc == 0)
		rc = listen_now(sink, &address, err);
	if (rc != 0) {
		sink_free(sink);
		return rc;
	}
	*ret = sink;
	return 0;
}

uint16_t sink_port(const struct sink *sink)
{
	return sink->port;
}

void sink_stop(struct sink *sink)
{
	atomic_store(&sink->stopping, true);
	MHD_stop_daemon(sink->daemon);
	sink_free(sink);
}

void sink_figures(struct sink *sink, struct sink_figures *ret)
{
	pthread_mutex_lock(&sink->lock);
	memset(ret, 0, sizeof *ret);
	store_figures(sink->store, ret);
	ret->requests = sink->requests;
	ret->rejected = sink->rejected;
	pthread_mutex_unlock(&sink->lock);
}

int sink_draw(struct sink *sink, const struct map_look *look, struct buf *out)
{
	int rc;

	pthread_mutex_lock(&sink->lock);
	rc = own_draw_text(sink, look, out);
	pthread_mutex_unlock(&sink->lock);
	return rc;
}
