/* Is there a Langfuse, does it answer, does it take these keys? */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "daemon/checks/doctor_private.h"
#include "ship/http.h"
#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#define CLOCK_MARGIN_MS 60000

void doctor_host(const struct doctor *doctor)
{
	static const char *const pages[] = { "/api/public", "/project/", "/auth/", "/v1/traces" };
	const char *host = conf_string(doctor->conf, "langfuse_host");

	if (!host) {
		doctor_say(doctor, work_sinks(doctor->conf) == SPOOL_SINK_BIT(SINK_LANGFUSE) ? DOCTOR_BAD : DOCTOR_NOTE,
		           "set it to the address of your Langfuse, https://langfuse.example", "langfuse_host is not set");
		return;
	}
	for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
		if (!strstr(host, pages[i]))
			continue;
		doctor_say(doctor, DOCTOR_BAD, "leave only scheme and host: https://langfuse.example",
		           "%s is a page of a server, not its address", host);
		return;
	}
	if (work_plain_text(host))
		doctor_say(doctor, DOCTOR_WARN, "use https://", "%s: keys and traces can be read on the way", host);
	else
		doctor_say(doctor, DOCTOR_OK, "", "%s", host);
}

/* False: no answer struct. The caller ends the answer. */
static bool get(const struct doctor *doctor, const char *path, const char *auth, struct http_answer *answer)
{
	const struct http_options options = {
		.ca_file = conf_string(doctor->conf, "ca_file"),
		.user_agent = "lfspool/" PACKAGE_VERSION,
		.connect_timeout_ms = (long)conf_int(doctor->conf, "connect_timeout"),
		.total_timeout_ms = (long)conf_int(doctor->conf, "request_timeout"),
	};
	const char *host = conf_string(doctor->conf, "langfuse_host");
	struct http *http;
	struct buf url;
	int rc;

	http_answer_init(answer);
	if (!host)
		return false;
	http = http_new(&options);
	buf_init(&url, 0);
	buf_text(&url, host);
	while (url.len && url.data[url.len - 1] == '/')
		url.data[--url.len] = '\0';
	buf_text(&url, path);
	rc = http_get(http, url.data, NULL, auth, answer, NULL);
	buf_done(&url);
	http_free(http);
	return rc == 0;
}

static const struct {
	const char *version;     /* of the server: below it */
	long major, minor;
	enum doctor_level level;
	const char *found, *mend;
} ages[] = {
	{ "2", 3, 0, DOCTOR_WARN, "version 2 gets no updates any more; its older API is used", "upgrade Langfuse" },
	{ "3.63", 3, 63, DOCTOR_NOTE, "older than 3.63: its older API is used, without compression", "upgrade Langfuse" },
	{ "4", 4, 0, DOCTOR_NOTE, "version 3 gets security updates until January 2027", "plan the upgrade to version 4" },
};

static void judge_version(const struct doctor *doctor, const char *version)
{
	const char *api = conf_string(doctor->conf, "api");
	char *end = NULL;
	long major = strtol(version + (*version == 'v'), &end, 10);
	long minor = end && *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	bool otlp = major > 3 || (major == 3 && minor >= 63);

	if (strcmp(api, "ingestion") == 0 && major >= 4)
		doctor_say(doctor, DOCTOR_BAD, "set api to auto", "api is ingestion, which Langfuse %s refuses", version);
	else if (strncmp(api, "otlp", 4) == 0 && !otlp)
		doctor_say(doctor, DOCTOR_BAD, "set api to auto", "api is %s, which Langfuse %s does not take well", api, version);
	for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
		if (major > ages[i].major || (major == ages[i].major && minor >= ages[i].minor))
			continue;
		doctor_say(doctor, ages[i].level, ages[i].mend, "Langfuse %s: %s", version, ages[i].found);
		return;
	}
	doctor_say(doctor, DOCTOR_OK, "", "Langfuse %s answers", version);
}

static void judge_silence(const struct doctor *doctor, const struct http_answer *answer)
{
	if (answer->tls_config_error)
		doctor_say(doctor, DOCTOR_BAD, "set ca_file to the authority that signed it, or have the certificate mended",
		           "the server's certificate is not accepted: %s", answer->error);
	else
		doctor_say(doctor, DOCTOR_BAD, "check the address, the network and whether the server runs; everything is kept meanwhile",
		           "no answer: %s", answer->error);
}

static void judge_clock(const struct doctor *doctor, const struct http_answer *answer)
{
	int64_t off = answer->date_ms < 0 ? 0 : clock_wall_ms() - answer->date_ms;
	char text[32];

	if (off < CLOCK_MARGIN_MS && off > -CLOCK_MARGIN_MS)
		return;
	clock_format_duration(off < 0 ? -off : off, text);
	doctor_say(doctor, DOCTOR_WARN, "set the clock (timedatectl set-ntp true)", "this clock is %s %s that of the server", text,
	           off < 0 ? "behind" : "ahead of");
}

void doctor_server(const struct doctor *doctor)
{
	struct http_answer answer;
	struct json_doc doc;
	char *version = NULL;

	json_doc_init(&doc);
	if (!get(doctor, "/api/public/health", NULL, &answer))
		goto out;
	if (answer.status == 200 && !answer.cut && json_parse(&doc, buf_view(&answer.body), 1000, NULL) == 0)
		version = json_strdup(&doc, json_get(&doc, 0, "version"), 31);
	if (version)
		judge_version(doctor, version);
	else if (answer.phase != HTTP_ANSWERED)
		judge_silence(doctor, &answer);
	else if (answer.status >= 300 && answer.status < 400)
		doctor_say(doctor, DOCTOR_BAD, "set langfuse_host to the address that it leads to; keys are never sent along",
		           "the address leads elsewhere (HTTP %ld)", answer.status);
	else if (answer.status >= 500)
		doctor_say(doctor, DOCTOR_WARN, "look at the server; everything is kept meanwhile", "the server is not well (HTTP %ld)", answer.status);
	else
		doctor_say(doctor, DOCTOR_BAD, "check langfuse_host: scheme, host and port",
		           "what answers there is no Langfuse (HTTP %ld, %s)", answer.status, answer.content_type[0] ? answer.content_type : "no type");
	judge_clock(doctor, &answer);
out:
	free(version);
	json_doc_done(&doc);
	http_answer_done(&answer);
}

static char *first_name(const struct json_doc *doc, int32_t list)
{
	return list == JSON_NONE ? NULL : json_strdup(doc, json_get(doc, doc->nodes[list].first, "name"), 200);
}

static void judge_login(const struct doctor *doctor, const struct http_answer *answer)
{
	struct json_doc doc;
	char *name = NULL;

	switch (answer->status) {
	case 200:
		json_doc_init(&doc);
		if (json_parse(&doc, buf_view(&answer->body), 10000, NULL) == 0)
			name = first_name(&doc, json_get(&doc, 0, "data"));
		doctor_say(doctor, DOCTOR_OK, "", "the keys are those of project %s", name ? name : "?");
		free(name);
		json_doc_done(&doc);
		break;
	case 401:
		doctor_say(doctor, DOCTOR_BAD, "make a new pair in Langfuse (Settings, API Keys); then reload the daemon",
		           "the server does not know these keys (HTTP 401)");
		break;
	case 403:
		doctor_say(doctor, DOCTOR_BAD, "use the keys of a project, not of an organisation", "these keys may not do this (HTTP 403)");
		break;
	default:
		doctor_say(doctor, DOCTOR_WARN, "look at the server", "the keys could not be tried (HTTP %ld)", answer->status);
		break;
	}
}

void doctor_login(const struct doctor *doctor)
{
	const char *public_key = conf_string(doctor->conf, "langfuse_public_key");
	const char *secret_key = conf_string(doctor->conf, "langfuse_secret_key");
	struct http_answer answer;
	struct buf auth;

	if (!public_key || !secret_key)
		return;
	buf_init(&auth, 0);
	buf_format(&auth, "%s:%s", public_key, secret_key);
	if (get(doctor, "/api/public/projects", auth.data, &answer) && answer.phase == HTTP_ANSWERED)
		judge_login(doctor, &answer);
	http_answer_done(&answer);
	explicit_bzero(auth.data, auth.len);
	buf_done(&auth);
}
