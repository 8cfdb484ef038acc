/* The sender: its options, whether it may try, and its status. */
#include "ship/ship.h"
#include "base/mem.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_BATCH_BYTES 3500000
#define DEFAULT_BATCH_COUNT 1000
#define DEFAULT_BACKOFF_BASE_MS 1000
#define DEFAULT_BACKOFF_MAX_MS (5 * 60 * 1000)
#define DEFAULT_PAUSE_MS (10 * 60 * 1000)
#define DEFAULT_LOOKUP_DELAY_MS (10 * 1000)

const char *ship_state_name(enum ship_state state)
{
	static const char *const names[] = { [SHIP_OK] = "ok", [SHIP_RETRYING] = "retrying", [SHIP_PAUSED] = "paused", [SHIP_OFF] = "off" };

	return names[state];
}

/* ---- life ---- */

static const char *copy_text(const char *text)
{
	return text && *text ? xstrdup(text) : NULL;
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void copy_map_options(struct map_options *map)
{
	const char **texts[] = { &map->trace_prefix, &map->environment, &map->release, &map->user_id, &map->tags,
		&map->version, &map->host_name, &map->resource, &map->span_attributes, &map->excluded, &map->prefix,
		&map->traceparent, &map->tracestate, &map->instance };

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = copy_text(*texts[i]);
}

static void free_map_options(const struct map_options *map)
{
	const char *const texts[] = { map->trace_prefix, map->environment, map->release, map->user_id, map->tags,
		map->version, map->host_name, map->resource, map->span_attributes, map->excluded, map->prefix, map->traceparent, map->tracestate, map->instance };

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free_text(texts[i]);
}

static void set_defaults(struct ship_options *options)
{
	if (options->batch_max_bytes == 0)
		options->batch_max_bytes = DEFAULT_BATCH_BYTES;
	if (options->batch_max_count == 0)
		options->batch_max_count = DEFAULT_BATCH_COUNT;
	if (options->backoff_base_ms == 0)
		options->backoff_base_ms = DEFAULT_BACKOFF_BASE_MS;
	if (options->backoff_max_ms == 0)
		options->backoff_max_ms = DEFAULT_BACKOFF_MAX_MS;
	if (options->pause_retry_ms == 0)
		options->pause_retry_ms = DEFAULT_PAUSE_MS;
	if (options->lookup_delay_ms == 0)
		options->lookup_delay_ms = DEFAULT_LOOKUP_DELAY_MS;
}

static const char *copy_host(const char *host)
{
	size_t n = strlen(host);

	while (n > 0 && host[n - 1] == '/')
		n--;
	return xmemdup0(host, n);
}

static void switch_off(struct ship *ship, const char *reason)
{
	ship->status.state = SHIP_OFF;
	snprintf(ship->status.reason, sizeof(ship->status.reason), "%s", reason);
}

static void take_keys(struct ship *ship, const char *public_key, const char *secret_key)
{
	size_t n;

	if (!public_key || !*public_key || !secret_key || !*secret_key) {
		switch_off(ship, "no keys: set langfuse_public_key and langfuse_secret_key");
		return;
	}
	n = strlen(public_key) + strlen(secret_key) + 2;
	ship->auth = xmalloc(n);
	snprintf(ship->auth, n, "%s:%s", public_key, secret_key);
}

static void open_langfuse(struct ship *ship, const struct ship_options *options)
{
	ship->http = http_new(&options->http);
	take_keys(ship, options->public_key, options->secret_key);
	if (!*ship->options.host)
		switch_off(ship, "no server: set langfuse_host");
}

static int open_collector(struct ship *ship, const struct collector_options *options, struct err *err)
{
	static const char *const names[] = { [COLLECTOR_PROTOBUF] = "http/protobuf", [COLLECTOR_JSON] = "http/json", [COLLECTOR_GRPC] = "grpc" };

	if (!options->endpoint) {
		switch_off(ship, "no collector: set otlp_endpoint");
		return 0;
	}
	snprintf(ship->status.api, sizeof(ship->status.api), "%s", names[options->protocol]);
	ship->server.format = options->protocol == COLLECTOR_JSON ? MAP_OTLP_JSON : MAP_OTLP_PROTOBUF;
	return collector_new(options, &ship->collector, err);
}

int ship_new(const struct ship_options *options, struct ship **ret, struct err *err)
{
	struct ship *ship = xcalloc(1, sizeof(*ship));
	int rc = 0;

	ship->options = *options;
	set_defaults(&ship->options);
	copy_map_options(&ship->options.map);
	ship->options.host = copy_host(options->host ? options->host : "");
	ship->options.public_key = ship->options.secret_key = NULL; /* kept as auth */
	ship->options.collector = (struct collector_options){ .endpoint = NULL }; /* copied by the collector */
	ship->max_bytes = ship->options.batch_max_bytes;
	ship->status.sink = options->sink;
	if (options->sink == SINK_LANGFUSE)
		open_langfuse(ship, options);
	else
		rc = open_collector(ship, &options->collector, err);
	if (rc != 0) {
		ship_free(ship);
		return rc;
	}
	*ret = ship;
	return 0;
}

void ship_free(struct ship *ship)
{
	if (!ship)
		return;
	if (ship->auth)
		explicit_bzero(ship->auth, strlen(ship->auth));
	free(ship->auth);
	free_map_options(&ship->options.map);
	free_text(ship->options.host);
	if (ship->http)
		http_free(ship->http);
	collector_free(ship->collector);
	buf_done(&ship->request);
	free(ship);
}

bool ship_ready(struct ship *ship, int64_t mono_ms)
{
	return ship->status.state != SHIP_OFF && mono_ms >= ship->status.next_try_ms;
}

void ship_resume(struct ship *ship)
{
	if (ship->status.state == SHIP_OFF)
		return;
	ship->status.state = SHIP_OK;
	ship->status.reason[0] = '\0';
	ship->status.next_try_ms = 0;
	ship->attempt = 0;
	atomic_store(&ship->forget_server, true);
}

const struct ship_status *ship_status(const struct ship *ship)
{
	return &ship->status;
}
