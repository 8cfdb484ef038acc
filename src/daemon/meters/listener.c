/*
 * The scrape's side; see listener.h. Pages on the web must not read it through the browser of the user: a request whose Host
 * is no loopback name is refused.
 */
#include "daemon/meters/listener.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/meters/meter.h"
#include "metrics/prometheus.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef HAVE_MICROHTTPD
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>

#define MAX_CONNECTIONS 16u
#define TIMEOUT_S 10u
#define MAX_PAGE_BYTES (64u << 20)

struct listener {
	struct work *work;
	struct MHD_Daemon *daemon;
};

static int parse_port(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || port > 65535)
		return LF_EINVAL;
	*ret = htons((uint16_t)port);
	return 0;
}

/* "127.0.0.1:9464", "localhost:9464", "[::1]:9464". */
static int parse_address(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	const char *colon = strrchr(text, ':');
	char address[32];

	memset(ret, 0, sizeof *ret);
	if (!colon || (size_t)(colon - text) >= sizeof address)
		return LF_EINVAL;
	memcpy(address, text, (size_t)(colon - text));
	address[colon - text] = '\0';
	if (strcmp(address, "[::1]") == 0) {
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = in6addr_loopback;
		return parse_port(colon + 1, &v6->sin6_port);
	}
	v4->sin_family = AF_INET;
	if (inet_pton(AF_INET, strcmp(address, "localhost") == 0 ? "127.0.0.1" : address, &v4->sin_addr) != 1 ||
	    ntohl(v4->sin_addr.s_addr) >> 24 != 127)
		return LF_EINVAL;
	return parse_port(colon + 1, &v4->sin_port);
}

/* ---- requests ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, struct buf *body)
{
	size_t n;
	char *data = buf_take(body, &n);
	struct MHD_Response *response = MHD_create_response_from_buffer(n, data, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		free(data);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *words)
{
	struct buf body;

	buf_init(&body, 0);
	buf_format(&body, "%s\n", words);
	return answer(connection, status, "text/plain; charset=utf-8", &body);
}

static bool host_is_ours(const char *host)
{
	static const char *const names[] = { "127.", "localhost", "[::1]" };

	for (size_t i = 0; host && i < sizeof names / sizeof names[0]; i++) {
		size_t n = strlen(names[i]);
		if (strncasecmp(host, names[i], n) != 0)
			continue;
		return i == 0 ? host[strspn(host, "0123456789.:")] == '\0' : host[n] == '\0' || host[n] == ':';
	}
	return !host;
}

struct scrape {
	const struct work *work;
	struct metrics *metrics;
	int64_t start_ms;
};

static int scrape_run(struct spool *spool, void *arg, struct err *err)
{
	struct scrape *scrape = arg;

	return meter_read(spool, scrape->work, &scrape->metrics, &scrape->start_ms, err);
}

static enum MHD_Result give_metrics(struct listener *listener, struct MHD_Connection *connection)
{
	struct scrape scrape = { .work = listener->work };
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	bool open_metrics = accept && strstr(accept, "application/openmetrics-text");
	struct err err = { 0 };
	struct buf body;
	int rc = work_on_spool(listener->work, false, scrape_run, &scrape, &err);

	if (rc != 0)
		return say(connection, 503, "the spool does not answer");
	buf_init(&body, MAX_PAGE_BYTES);
	rc = prometheus_write(scrape.metrics, open_metrics, scrape.start_ms, &body);
	metrics_free(scrape.metrics);
	if (rc != 0) {
		buf_done(&body);
		return say(connection, 500, "too many series");
	}
	return answer(connection, 200, open_metrics ? OPENMETRICS_TYPE : PROMETHEUS_TYPE, &body);
}

static int figures_run(struct spool *spool, void *arg, struct err *err)
{
	return spool_figures(spool, arg, err);
}

static enum MHD_Result give_health(struct listener *listener, struct MHD_Connection *connection)
{
	struct spool_figures figures;
	struct err err = { 0 };

	if (work_on_spool(listener->work, false, figures_run, &figures, &err) != 0)
		return say(connection, 503, "the spool does not answer");
	if (work_disk_low(listener->work, WORK_RESERVE_INPUT))
		return say(connection, 503, "the disk is full");
	return say(connection, 200, "ok");
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **slot)
{
	static int seen;
	struct listener *listener = context;

	(void)version, (void)upload;
	if (!*slot) { /* the headers are there; the body, if any, comes next */
		*slot = &seen;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (!host_is_ours(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host")))
		return say(connection, 403, "this is for this machine alone");
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return say(connection, 405, "GET only");
	if (strcmp(url, "/metrics") == 0)
		return give_metrics(listener, connection);
	if (strcmp(url, "/healthz") == 0)
		return give_health(listener, connection);
	return say(connection, 404, "/metrics or /healthz");
}

/* ---- life ---- */

int listener_start(struct work *work, struct listener **ret, struct err *err)
{
	const char *text = conf_string(work->conf, "metrics_listen");
	const union MHD_DaemonInfo *info;
	struct sockaddr_storage address;
	struct listener *listener;
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;

	if (!text)
		return 0;
	if (parse_address(text, &address) != 0)
		return err_set(err, LF_EINVAL, "metrics_listen: %s: must be a loopback address and a port, such as 127.0.0.1:9464", text);
	listener = xcalloc(1, sizeof *listener);
	listener->work = work;
	if (address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	listener->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
	                                    MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
	if (!listener->daemon) {
		free(listener);
		return err_set(err, LF_EIO, "metrics_listen: cannot listen on %s: %s", text, strerror(errno));
	}
	info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_BIND_PORT);
	log_event(LOG_LEVEL_INFO, "metrics.listen", "port=%u", info ? (unsigned)info->port : 0);
	*ret = listener;
	return 0;
}

void listener_stop(struct listener *listener)
{
	MHD_stop_daemon(listener->daemon);
	free(listener);
}

#else

int listener_start(struct work *work, struct listener **ret, struct err *err)
{
	(void)ret;
	if (!conf_string(work->conf, "metrics_listen"))
		return 0;
	return err_set(err, LF_EINVAL, "metrics_listen: this lfspool was built without libmicrohttpd");
}

void listener_stop(struct listener *listener)
{
	(void)listener;
}
#endif
