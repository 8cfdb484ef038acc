#include "daemon/sources/server.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"
#include "daemon/sources/server_private.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#define SILENCE_S 35          /* a heartbeat comes every 10 s */
#define BACKOFF_FIRST_MS 500
#define BACKOFF_LAST_MS 30000
#define CATCH_UPS 2           /* of each connection */
#define STEADY_MS 60000       /* a stream that lasted so long starts the backoff anew */

struct servers {
	struct server *servers[SERVERS_MAX];
	unsigned count;
};

static void set_state(struct server *server, enum source_state state, const char *words)
{
	pthread_mutex_lock(&server->lock);
	if (server->status.state != state || strcmp(server->status.error, words) != 0)
		log_event(state == SOURCE_OK ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "server.state", "url=\"%s\" state=%s", server->url,
		          source_state_name(state));
	server->status.state = state;
	snprintf(server->status.error, sizeof server->status.error, "%s", words);
	pthread_mutex_unlock(&server->lock);
}

int server_commit(struct server *server, struct err *err)
{
	char value[24];
	int64_t now = clock_wall_ms();
	int rc;

	snprintf(value, sizeof value, "%" PRId64, now);
	rc = pipeline_commit(server->pipeline, slice_of(server->cursor), slice_of(value), 0, err);
	if (rc == 0) {
		server->seen_ms = now;
		server->fresh = false;
	}
	return rc;
}

/* ---- the stream ---- */

/* Pieces of texts and heartbeats leave nothing behind: for them alone no transaction is worth while. */
static bool leaves_something(struct slice data)
{
	static const char *const passing[] = { "\"message.part.delta\"", "\"server.heartbeat\"" };
	struct slice head = { data.ptr, data.len < 512 ? data.len : 512 };

	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		if (memmem(head.ptr, head.len, passing[i], strlen(passing[i])))
			return false;
	return true;
}

static int take_event(void *context, struct slice data, uint64_t oversize_bytes, struct err *err)
{
	struct server *server = context;

	pthread_mutex_lock(&server->lock);
	server->status.events++;
	server->status.last_event_ms = clock_wall_ms();
	pthread_mutex_unlock(&server->lock);
	server->fresh = server->fresh || oversize_bytes > 0 || leaves_something(data);
	if (oversize_bytes > 0) {
		pipeline_oversize(server->pipeline, oversize_bytes, 0);
		return 0;
	}
	return pipeline_value(server->pipeline, data, 0, err);
}

/*
 * What comes while the gap is read waits in the connection: the server keeps it. The server says that it is connected shortly before it
 * listens to its own events, so the gap is read again when the next bytes come: what they follow is in one of the two.
 */
static int take_bytes(void *context, struct slice bytes)
{
	struct server *server = context;
	int rc = 0;

	if (server->caught_up < CATCH_UPS) {
		set_state(server, SOURCE_OK, "");
		rc = server_catch_up(server, &server->failure);
		server->caught_up += rc == 0;
	}
	if (rc == 0)
		rc = sse_feed(server->sse, bytes, &server->failure);
	if (rc == 0 && server->fresh)
		rc = server_commit(server, &server->failure);
	server->failure.code = rc;
	return rc;
}

static void say_end(struct server *server, const struct http_answer *answer)
{
	char words[400];

	if (server->failure.code)
		snprintf(words, sizeof words, "%.390s", server->failure.text);
	else if (answer->status == 401)
		snprintf(words, sizeof words, "the server wants a password: set opencode_password");
	else if (answer->status == 200)
		snprintf(words, sizeof words, "the stream has ended");
	else if (answer->status)
		snprintf(words, sizeof words, "HTTP %ld", answer->status);
	else
		snprintf(words, sizeof words, "%.390s", answer->error);
	set_state(server, server->failure.code || answer->status == 401 ? SOURCE_ERROR : SOURCE_WAITING, words);
}

static void listen_once(struct server *server)
{
	static const char *const headers[] = { "Accept: text/event-stream", NULL };
	struct http_answer answer;
	struct err err = { 0 };
	char url[1024];
	int64_t started = clock_mono_ms();

	server->caught_up = 0;
	server->failure = (struct err){ 0 };
	sse_reset(server->sse);
	http_answer_init(&answer);
	snprintf(url, sizeof url, "%s%s", server->url, server->one_directory ? "/event" : "/global/event");
	if (http_stream(server->stream_http, url, headers, server->auth, take_bytes, server, &answer, &err) != 0)
		set_state(server, SOURCE_ERROR, err.text);
	else
		say_end(server, &answer);
	server->one_directory = !server->one_directory && answer.status == 404;
	if (server->caught_up > 0 && clock_mono_ms() - started > STEADY_MS)
		server->attempt = 0;
	http_answer_done(&answer);
}

/* ---- the thread ---- */

static int64_t backoff_ms(struct server *server)
{
	int64_t cap = BACKOFF_FIRST_MS << (server->attempt < 10 ? server->attempt : 10);
	uint32_t random = 0;

	server->attempt++;
	if (cap > BACKOFF_LAST_MS)
		cap = BACKOFF_LAST_MS;
	(void)!getentropy(&random, sizeof random);
	return BACKOFF_FIRST_MS / 5 + (int64_t)(random % (uint32_t)cap);
}

static int read_cursor(struct spool *spool, void *arg, struct err *err)
{
	struct server *server = arg;
	struct buf value;
	int rc;

	buf_init(&value, 64);
	rc = spool_cursor_get(spool, SLICE("opencode"), slice_of(server->cursor), &value, err);
	if (rc == 0 && value.len)
		server->seen_ms = strtoll(value.data, NULL, 10);
	buf_done(&value);
	return rc == LF_ENOENT ? 0 : rc;
}

static void load_cursor(struct server *server)
{
	struct err err;

	server->seen_ms = clock_wall_ms() - conf_int(server->work->conf, "backfill_since");
	(void)work_on_spool(server->work, false, read_cursor, server, &err);
}

static void *server_main(void *arg)
{
	struct server *server = arg;
	struct pollfd stop = { .fd = server->stop_pipe[0], .events = POLLIN };

	load_cursor(server);
	while (!atomic_load(&server->work->stopping)) {
		listen_once(server);
		if (atomic_load(&server->work->stopping) || poll(&stop, 1, (int)backoff_ms(server)) > 0)
			break;
	}
	return NULL;
}

static void server_free(struct server *server)
{
	for (int i = 0; i < 2; i++)
		if (server->stop_pipe[i] >= 0)
			close(server->stop_pipe[i]);
	http_free(server->stream_http);
	http_free(server->http);
	sse_free(server->sse);
	pipeline_free(server->pipeline);
	pipeline_result_done(&server->result);
	pthread_mutex_destroy(&server->lock);
	if (server->auth)
		explicit_bzero(server->auth, strlen(server->auth));
	free(server->auth);
	free(server->url);
	free(server);
}

static char *make_auth(const struct conf *conf)
{
	const char *user = conf_string(conf, "opencode_username"), *password = conf_string(conf, "opencode_password");
	char *auth = NULL;

	if (password && asprintf(&auth, "%s:%s", user, password) < 0)
		abort();
	return auth;
}

static struct server *server_new(struct work *work, struct slice url)
{
	struct server *server = xcalloc(1, sizeof *server);
	struct http_options options = {
		.user_agent = "lfspool/" PACKAGE_VERSION,
		.connect_timeout_ms = (long)conf_int(work->conf, "connect_timeout"),
		.total_timeout_ms = (long)conf_int(work->conf, "request_timeout"),
		.low_speed_seconds = SILENCE_S,
		.max_answer_bytes = (size_t)64 << 20,
		.cancel = &work->stopping,
	};

	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	server->work = work;
	server->url = xmemdup0(url.ptr, url.len);
	server->auth = make_auth(work->conf);
	server->stop_pipe[0] = server->stop_pipe[1] = -1;
	server->stream_http = http_new(&options);
	server->http = http_new(&options);
	server->sse = sse_new(INGEST_MAX_VALUE_BYTES, take_event, server);
	server->status.state = SOURCE_WAITING;
	snprintf(server->cursor, sizeof server->cursor, "server/%016" PRIx64, hash_64(url.ptr, url.len));
	pipeline_result_init(&server->result);
	pthread_mutex_init(&server->lock, NULL);
	return server;
}

static int server_start(struct server *server, struct err *err)
{
	int rc = pipeline_new(server->work, "opencode", server->url, &server->result, &server->pipeline, err);

	if (rc == 0 && system_pipe(server->stop_pipe) != 0)
		rc = err_set(err, LF_EIO, "pipe: %s", strerror(errno));
	if (rc == 0 && pthread_create(&server->thread, NULL, server_main, server) != 0)
		rc = err_set(err, LF_ENOMEM, "cannot start a thread for %s", server->url);
	return rc;
}

int servers_start(struct work *work, struct servers **ret, struct err *err)
{
	const char *at = conf_string(work->conf, "opencode_url");
	struct servers *servers = at ? xcalloc(1, sizeof *servers) : NULL;
	int rc = 0;

	*ret = NULL;
	while (at && *at && rc == 0 && servers->count < SERVERS_MAX) {
		size_t n = strcspn(at, ",");
		struct server *server = server_new(work, (struct slice){ at, n });

		rc = server_start(server, err);
		if (rc == 0)
			servers->servers[servers->count++] = server;
		else
			server_free(server);
		at += n + (at[n] == ',');
	}
	if (rc != 0 && servers) {
		servers_stop(servers);
		servers = NULL;
	}
	*ret = servers;
	return rc;
}

void servers_stop(struct servers *servers)
{
	if (!servers)
		return;
	for (unsigned i = 0; i < servers->count; i++)
		(void)!write(servers->servers[i]->stop_pipe[1], "", 1);
	for (unsigned i = 0; i < servers->count; i++) {
		pthread_join(servers->servers[i]->thread, NULL);
		server_free(servers->servers[i]);
	}
	free(servers);
}

void servers_status(struct servers *servers, struct servers_status *ret)
{
	ret->count = servers->count;
	for (unsigned i = 0; i < servers->count; i++) {
		struct server *server = servers->servers[i];

		snprintf(ret->servers[i].url, sizeof ret->servers[i].url, "%s", server->url);
		pthread_mutex_lock(&server->lock);
		ret->servers[i].status = server->status;
		pthread_mutex_unlock(&server->lock);
	}
}
