/* Other exporters at work in the same agent: they send what lfspool sends a second time, and unredacted. */
#include "base/file.h"
#include "daemon/doctor_private.h"
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
	static const char *const names[] = { "opencode.json", "opencode.jsonc", "config.json" };
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *named = getenv("OPENCODE_CONFIG");
	char path[4096];
	unsigned found = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (config && *config)
			snprintf(path, sizeof path, "%s/opencode/%s", config, names[i]);
		else
			snprintf(path, sizeof path, "%s/.config/opencode/%s", home ? home : "", names[i]);
		found += search_file(doctor, path);
	}
	if (named && *named)
		found += search_file(doctor, named);
	if (getenv("OTEL_EXPORTER_OTLP_ENDPOINT")) {
		doctor_say(doctor, DOCTOR_WARN, "unset it where the agent is started, unless this is wanted",
		           "OTEL_EXPORTER_OTLP_ENDPOINT is set: OpenCode sends its own traces and logs there, unredacted");
		found++;
	}
	if (!found)
		doctor_say(doctor, DOCTOR_OK, "", "no other exporter is set up in OpenCode");
}
