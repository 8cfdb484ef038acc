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

bool otlp_options(const struct conf *conf, enum collector_signal signal, struct collector_options *ret)
{
	const char *ca_file = otlp_string(conf, signal, "ca_file");

	*ret = (struct collector_options){
		.signal = signal, .protocol = (enum collector_protocol)number(conf, signal, "protocol"),
		.endpoint = otlp_string(conf, signal, "endpoint"), .endpoint_is_base = is_general(conf, signal, "endpoint"),
		.headers = otlp_string(conf, signal, "headers"), .headers_helper = conf_string(conf, "otlp_headers_helper"),
		.ca_file = ca_file ? ca_file : conf_string(conf, "ca_file"), .client_cert_file = otlp_string(conf, signal, "client_cert"),
		.client_key_file = otlp_string(conf, signal, "client_key"), .gzip = number(conf, signal, "compression") == 0,
		.connect_timeout_ms = (long)conf_int(conf, "connect_timeout"), .timeout_ms = (long)number(conf, signal, "timeout"),
		.user_agent = "lfspool/" PACKAGE_VERSION,
	};
	return ret->endpoint != NULL;
}
