#include "daemon/checks/doctor.h"
#include "base/json.h"
#include "daemon/client.h"
#include "daemon/checks/doctor_private.h"
#include "daemon/otlp.h"
#include "map/map_fields.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

const char *doctor_level_name(enum doctor_level level)
{
	static const char *const names[] = { "ok", "note", "warning", "bad" };

	return names[level];
}

void doctor_say(const struct doctor *doctor, enum doctor_level level, const char *mend, const char *format, ...)
{
	char found[768];
	va_list ap;

	va_start(ap, format);
	vsnprintf(found, sizeof found, format, ap);
	va_end(ap);
	doctor->say(doctor->context, level, doctor->check, found, mend);
}

static unsigned option_index(const char *name)
{
	unsigned i = 0;

	while (i < conf_option_count && strcmp(conf_options[i].name, name) != 0)
		i++;
	return i;
}

/* A file that holds something secret, or says what is secret, is its owner's alone. */
static void check_private(const struct doctor *doctor, const char *path, const char *what)
{
	struct stat info;

	if (stat(path, &info) != 0)
		doctor_say(doctor, DOCTOR_BAD, "correct the path", "%s: %s cannot be read", path, what);
	else if (info.st_uid != getuid())
		doctor_say(doctor, DOCTOR_BAD, "make a copy of your own", "%s holds %s and belongs to somebody else", path, what);
	else if (info.st_mode & (S_IRWXG | S_IRWXO))
		doctor_say(doctor, DOCTOR_BAD, "chmod 600 it", "%s holds %s and others may read it (mode %04o)", path, what,
		           (unsigned)(info.st_mode & 07777));
	else
		doctor_say(doctor, DOCTOR_OK, "", "%s is yours alone", path);
}

static void check_config(const struct doctor *doctor)
{
	const char *where, *colon;
	char path[4096];

	if (conf_origin(doctor->conf, option_index("langfuse_secret_key"), &where) != CONF_FROM_FILE || !where) {
		doctor_say(doctor, DOCTOR_OK, "", "every option has a sensible value");
		return;
	}
	colon = strrchr(where, ':');
	snprintf(path, sizeof path, "%.*s", colon ? (int)(colon - where) : (int)strlen(where), where);
	check_private(doctor, path, "the secret key");
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void check_keys(const struct doctor *doctor)
{
	const char *public_key = conf_string(doctor->conf, "langfuse_public_key");
	const char *secret_key = conf_string(doctor->conf, "langfuse_secret_key");

	if (!public_key && !secret_key && work_sinks(doctor->conf) != SPOOL_SINK_BIT(SINK_LANGFUSE))
		doctor_say(doctor, DOCTOR_NOTE, "", "no keys for Langfuse: only a collector of OpenTelemetry gets something");
	else if (!public_key || !secret_key)
		doctor_say(doctor, DOCTOR_BAD, "make a pair in Langfuse (Settings, API Keys) and set both",
		           "%s not set: everything stays in the spool",
		           public_key ? "langfuse_secret_key is" : secret_key ? "langfuse_public_key is" : "langfuse_public_key and langfuse_secret_key are");
	else if (begins(public_key, "sk-lf-") || begins(secret_key, "pk-lf-"))
		doctor_say(doctor, DOCTOR_BAD, "swap them", "the public and the secret key stand in each other's place");
	else if (!begins(public_key, "pk-lf-") || !begins(secret_key, "sk-lf-"))
		doctor_say(doctor, DOCTOR_NOTE, "", "the keys do not begin with pk-lf- and sk-lf-, as those that Langfuse makes do");
	else
		doctor_say(doctor, DOCTOR_OK, "", "both keys are set");
}

static void check_environment(const struct doctor *doctor)
{
	const char *environment = conf_string(doctor->conf, "environment");
	struct buf sent;

	if (!environment)
		return;
	buf_init(&sent, 0);
	fields_environment(environment, &sent);
	if (slice_is(buf_view(&sent), environment))
		doctor_say(doctor, DOCTOR_OK, "", "environment %s", environment);
	else
		doctor_say(doctor, DOCTOR_WARN, "use small letters, digits, - and _, at most 40, not beginning with langfuse",
		           "environment %s is nothing that Langfuse takes: it goes out as %.*s", environment, (int)sent.len,
		           sent.len ? sent.data : "");
	buf_done(&sent);
}

static void check_redaction(const struct doctor *doctor)
{
	static const char *const files[] = { "redact_deny", "redact_allow", "redact_pattern_file" };
	struct work work;
	struct err err = { 0 };

	if (work_init(&work, doctor->conf, &err) != 0) {
		doctor_say(doctor, DOCTOR_BAD, "correct it; nothing is read or sent until then", "%s", err.text);
		return;
	}
	if (work.mode == MODE_OFF)
		doctor_say(doctor, DOCTOR_WARN, "set mode to full or metadata_only", "mode is off: nothing is stored, nothing is sent");
	else if (!conf_bool(doctor->conf, "enabled"))
		doctor_say(doctor, DOCTOR_WARN, "set enabled to true", "enabled is false: nothing is collected, nothing is sent");
	else
		doctor_say(doctor, DOCTOR_OK, "", "mode %s, %u rules", redact_mode_name(work.mode), ruleset_count(work.rules));
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (conf_string(doctor->conf, files[i]) && i == 0)
			check_private(doctor, conf_string(doctor->conf, files[i]), "secrets");
	work_done(&work);
}

static void check_daemon(const struct doctor *doctor)
{
	struct buf reply;
	struct json_doc doc;
	struct err err = { 0 };
	char *version = NULL;

	buf_init(&reply, 0);
	json_doc_init(&doc);
	if (client_call(conf_string(doctor->conf, "spool_dir"), SLICE("{\"cmd\":\"ping\"}"), -1, &reply, &err) != 0) {
		doctor_say(doctor, DOCTOR_WARN, "systemctl --user enable --now lfspool (or: lfspool run)", "no daemon runs on this spool");
		goto out;
	}
	if (json_parse(&doc, buf_view(&reply), 0, NULL) == 0)
		version = json_strdup(&doc, json_path(&doc, 0, "result.version"), 64);
	if (version && strcmp(version, PACKAGE_VERSION) != 0)
		doctor_say(doctor, DOCTOR_WARN, "restart it: systemctl --user restart lfspool", "the daemon that runs is version %s, this is %s",
		           version, PACKAGE_VERSION);
	else
		doctor_say(doctor, DOCTOR_OK, "", "the daemon runs");
out:
	free(version);
	json_doc_done(&doc);
	buf_done(&reply);
}

static void check_signal(const struct doctor *doctor, enum collector_signal signal, const char *what)
{
	static const char *const ports[] = { [COLLECTOR_PROTOBUF] = ":4317", [COLLECTOR_JSON] = ":4317", [COLLECTOR_GRPC] = ":4318" };
	static const char *const protocols[] = { [COLLECTOR_PROTOBUF] = "http/protobuf", [COLLECTOR_JSON] = "http/json", [COLLECTOR_GRPC] = "grpc" };
	struct collector_options options;
	const char *port;

	if (!otlp_options(doctor->conf, signal, &options)) {
		if (signal != COLLECTOR_METRICS)
			doctor_say(doctor, DOCTOR_WARN, "set otlp_endpoint", "%s should go to a collector, but there is no address", what);
		return;
	}
	port = strstr(options.endpoint, ports[options.protocol]);
	if (port && strspn(port + 1, "0123456789") == 4)
		doctor_say(doctor, DOCTOR_WARN, "set otlp_protocol to grpc for port 4317, to http/protobuf for port 4318",
		           "%s go to %s over %s: that port is usual for the other protocol", what, options.endpoint, protocols[options.protocol]);
	else
		doctor_say(doctor, DOCTOR_OK, "", "%s go to %s over %s", what, options.endpoint, protocols[options.protocol]);
}

static void check_collector(const struct doctor *doctor)
{
	check_signal(doctor, COLLECTOR_METRICS, "metrics");
	if (strcmp(conf_string(doctor->conf, "otlp_traces"), "otlp") == 0)
		check_signal(doctor, COLLECTOR_TRACES, "traces");
	if (strcmp(conf_string(doctor->conf, "otlp_logs"), "otlp") == 0)
		check_signal(doctor, COLLECTOR_LOGS, "logs");
}

static const struct {
	const char *name;
	void (*run)(const struct doctor *doctor);
} checks[] = {
	{ "config", check_config }, { "keys", check_keys }, { "host", doctor_host }, { "server", doctor_server },
	{ "login", doctor_login }, { "environment", check_environment }, { "redaction", check_redaction },
	{ "spool", doctor_spool }, { "disk", doctor_disk }, { "daemon", check_daemon }, { "backlog", doctor_backlog },
	{ "sources", doctor_sources }, { "claude", doctor_claude }, { "plugin", doctor_plugin }, { "exporters", doctor_exporters },
	{ "metrics", check_collector },
};

void doctor_run(const struct conf *conf, doctor_fn *say, void *context)
{
	struct doctor doctor = { .conf = conf, .say = say, .context = context };

	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		doctor.check = checks[i].name;
		checks[i].run(&doctor);
	}
}
