/* The agents: whether their sessions are seen, and who else sends them: a second time, and unredacted. */
#include "base/file.h"
#include "base/json.h"
#include "daemon/checks/doctor_private.h"
#include "daemon/request.h"
#include <stdio.h>
#include <stdlib.h>

#define CONFIG_MAX_BYTES (1u << 20)

/* Words in OpenCode's configuration that name another exporter. */
static const struct {
	const char *word, *found;
} exporters[] = {
	{ "opencode-langfuse", "a plugin in the agent sends to Langfuse too: everything arrives twice" },
	{ "opencode-plugin-langfuse", "a plugin in the agent sends to Langfuse too: everything arrives twice" },
	{ "langfuse/opencode", "a plugin in the agent sends to Langfuse too: everything arrives twice" },
	{ "opencode-observability", "a plugin in the agent sends to Langfuse too: everything arrives twice" },
	{ "\"openTelemetry\": true", "experimental.openTelemetry sends prompts unredacted wherever OTEL_EXPORTER_OTLP_ENDPOINT points" },
	{ "\"openTelemetry\":true", "experimental.openTelemetry sends prompts unredacted wherever OTEL_EXPORTER_OTLP_ENDPOINT points" },
};

/* ---- sources ---- */

static void judge_place(const struct doctor *doctor, const struct json_doc *doc, int32_t place, const char *name_key)
{
	char *name = json_strdup(doc, json_get(doc, place, name_key), 1024), *error = json_strdup(doc, json_get(doc, place, "error"), 512);

	if (json_string_is(doc, json_get(doc, place, "state"), "error"))
		doctor_say(doctor, DOCTOR_WARN, "mend what is named; it is tried again meanwhile", "%s: %s", name ? name : "", error ? error : "");
	else if (json_string_is(doc, json_get(doc, place, "state"), "waiting"))
		doctor_say(doctor, DOCTOR_NOTE, "", "%s: %s", name ? name : "", error ? error : "");
	else
		doctor_say(doctor, DOCTOR_OK, "", "%s is followed", name ? name : "");
	free(name);
	free(error);
}

static void judge_places(const struct doctor *doctor, const struct json_doc *doc, int32_t list, const char *name_key)
{
	for (int32_t i = list == JSON_NONE ? JSON_NONE : doc->nodes[list].first; i != JSON_NONE; i = doc->nodes[i].next)
		judge_place(doctor, doc, i, name_key);
}

/* As the running daemon sees them; without one there is nothing to be seen. */
void doctor_sources(const struct doctor *doctor)
{
	struct buf reply;
	struct json_doc doc;
	int32_t sources = JSON_NONE;

	buf_init(&reply, 0);
	json_doc_init(&doc);
	if (request_perform(doctor->conf, true, SLICE("{\"cmd\":\"status\"}"), -1, &reply, NULL) == 0 &&
	    json_parse(&doc, buf_view(&reply), 0, NULL) == 0)
		sources = json_path(&doc, 0, "result.status.sources");
	for (int32_t i = sources == JSON_NONE ? JSON_NONE : doc.nodes[sources].first; i != JSON_NONE; i = doc.nodes[i].next) {
		judge_places(doctor, &doc, json_get(&doc, i, "databases"), "path");
		judge_places(doctor, &doc, json_get(&doc, i, "servers"), "url");
		if (json_get(&doc, i, "files") != JSON_NONE)
			judge_place(doctor, &doc, i, "name");
		if (json_string_is(&doc, json_get(&doc, i, "state"), "waiting") &&
		    doc.nodes[i].first != JSON_NONE && json_get(&doc, i, "databases") != JSON_NONE &&
		    doc.nodes[json_get(&doc, i, "databases")].first == JSON_NONE)
			judge_place(doctor, &doc, i, "name");
	}
	json_doc_done(&doc);
	buf_done(&reply);
}

/* ---- OpenCode's own configuration ---- */

typedef unsigned file_fn(const struct doctor *doctor, const char *path);

/* How many things fn found in the files that OpenCode reads. */
static unsigned each_config(const struct doctor *doctor, file_fn *fn)
{
	static const char *const names[] = { "opencode.json", "opencode.jsonc", "config.json" };
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *named = getenv("OPENCODE_CONFIG");
	char path[4096];
	unsigned found = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (config && *config)
			snprintf(path, sizeof path, "%s/opencode/%s", config, names[i]);
		else
			snprintf(path, sizeof path, "%s/.config/opencode/%s", home ? home : "", names[i]);
		found += fn(doctor, path);
	}
	if (named && *named)
		found += fn(doctor, named);
	return found;
}

static unsigned names_plugin(const struct doctor *doctor, const char *path)
{
	struct buf content;
	bool found;

	(void)doctor;
	buf_init(&content, CONFIG_MAX_BYTES);
	found = file_read_all(path, CONFIG_MAX_BYTES, &content, NULL) == 0 && content.len && memmem(content.data, content.len, "lfspool", 7);
	buf_done(&content);
	return found;
}

void doctor_plugin(const struct doctor *doctor)
{
	if (each_config(doctor, names_plugin))
		doctor_say(doctor, DOCTOR_OK, "", "OpenCode's configuration names the plugin");
	else
		doctor_say(doctor, DOCTOR_NOTE,
		           "put into opencode.json: \"plugin\": [\"file://" LFSPOOL_DATADIR "/opencode-plugin/lfspool.js\"]",
		           "without the plugin, retries, permissions, questions and deletions of a plain OpenCode are not seen");
}

static unsigned search_file(const struct doctor *doctor, const char *path)
{
	struct buf content;
	unsigned count = 0;

	buf_init(&content, CONFIG_MAX_BYTES);
	if (file_read_all(path, CONFIG_MAX_BYTES, &content, NULL) == 0 && content.len) {
		for (size_t i = 0; i < sizeof exporters / sizeof exporters[0]; i++) {
			if (!memmem(content.data, content.len, exporters[i].word, strlen(exporters[i].word)))
				continue;
			doctor_say(doctor, DOCTOR_WARN, "take it out of that file", "%s: %s", path, exporters[i].found);
			count++;
			break;
		}
	}
	buf_done(&content);
	return count;
}

void doctor_exporters(const struct doctor *doctor)
{
	unsigned found = each_config(doctor, search_file);

	if (getenv("OTEL_EXPORTER_OTLP_ENDPOINT")) {
		doctor_say(doctor, DOCTOR_WARN, "unset it where the agent is started, unless this is wanted",
		           "OTEL_EXPORTER_OTLP_ENDPOINT is set: OpenCode sends its own traces and logs there, unredacted");
		found++;
	}
	if (!found)
		doctor_say(doctor, DOCTOR_OK, "", "no other exporter is set up in OpenCode");
}
