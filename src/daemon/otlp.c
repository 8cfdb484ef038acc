/* See otlp.h. */
#include "daemon/otlp.h"
#include <stdio.h>
#include <string.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#define NAME_BYTES 64

static const char *const signals[] = { [COLLECTOR_METRICS] = "metrics", [COLLECTOR_LOGS] = "logs", [COLLECTOR_TRACES] = "traces" };

/* The option that counts. */
static void option_name(const struct conf *conf, enum collector_signal signal, const char *name, char out[NAME_BYTES])
{
	snprintf(out, NAME_BYTES, "otlp_%s_%s", signals[signal], name);
	if (!conf_string(conf, out))
		snprintf(out, NAME_BYTES, "otlp_%s", name);
}

const char *otlp_string(const struct conf *conf, enum collector_signal signal, const char *name)
{
	char option[NAME_BYTES];

	option_name(conf, signal, name, option);
	return conf_string(conf, option);
}

static int64_t number(const struct conf *conf, enum collector_signal signal, const char *name)
{
	char option[NAME_BYTES];

	option_name(conf, signal, name, option);
	return conf_int(conf, option);
}

static bool is_general(const struct conf *conf, enum collector_signal signal, const char *name)
{
	char option[NAME_BYTES];

	option_name(conf, signal, name, option);
	return strcmp(option + sizeof "otlp_" - 1, name) == 0;
}

static bool comes_from(const struct conf *conf, const char *name, const char *where_wanted)
{
	const char *where = NULL;

	for (unsigned i = 0; i < conf_option_count; i++)
		if (strcmp(conf_options[i].name, name) == 0)
			(void)conf_origin(conf, i, &where);
	return where_wanted ? where && strcmp(where, where_wanted) == 0 : !where;
}

/* Who has set up the OpenTelemetry plugin for OpenCode, and says no protocol, means gRPC. */
static enum collector_protocol protocol(const struct conf *conf, enum collector_signal signal)
{
	bool unsaid = is_general(conf, signal, "protocol") && comes_from(conf, "otlp_protocol", NULL);

	if (unsaid && is_general(conf, signal, "endpoint") && comes_from(conf, "otlp_endpoint", "OPENCODE_OTLP_ENDPOINT"))
		return COLLECTOR_GRPC;
	return (enum collector_protocol)number(conf, signal, "protocol");
}

bool otlp_options(const struct conf *conf, enum collector_signal signal, struct collector_options *ret)
{
	const char *ca_file = otlp_string(conf, signal, "ca_file");

	*ret = (struct collector_options){
		.signal = signal, .protocol = protocol(conf, signal),
		.endpoint = otlp_string(conf, signal, "endpoint"), .endpoint_is_base = is_general(conf, signal, "endpoint"),
		.headers = otlp_string(conf, signal, "headers"), .headers_helper = conf_string(conf, "otlp_headers_helper"),
		.ca_file = ca_file ? ca_file : conf_string(conf, "ca_file"), .client_cert_file = otlp_string(conf, signal, "client_cert"),
		.client_key_file = otlp_string(conf, signal, "client_key"), .gzip = number(conf, signal, "compression") == 0,
		.connect_timeout_ms = (long)conf_int(conf, "connect_timeout"), .timeout_ms = (long)number(conf, signal, "timeout"),
		.user_agent = "lfspool/" PACKAGE_VERSION,
	};
	return ret->endpoint != NULL;
}
