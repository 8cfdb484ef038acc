/* Which server this is: its health page names the version, and the version says which API to use. */
#include "base/clock.h"
#include "ship/ship_private.h"
#include <stdio.h>
#include <stdlib.h>

/* The first version that takes compressed OTLP. */
#define OTLP_MAJOR 3
#define OTLP_MINOR 63
/* From here on the same span sent twice is stored twice. */
#define APPENDING_MAJOR 4

static bool parse_version(const char *text, long *ret_major, long *ret_minor)
{
	char *end;

	if (*text == 'v')
		text++;
	if (*text < '0' || *text > '9')
		return false;
	*ret_major = strtol(text, &end, 10);
	*ret_minor = *end == '.' && end[1] >= '0' && end[1] <= '9' ? strtol(end + 1, NULL, 10) : 0;
	return true;
}

void probe_choose(enum ship_api wanted, const char *version, struct ship_server *ret)
{
	static const enum map_format formats[] = {
		[SHIP_OTLP] = MAP_OTLP_PROTOBUF, [SHIP_OTLP_JSON] = MAP_OTLP_JSON, [SHIP_INGESTION] = MAP_INGESTION,
	};
	bool otlp;

	memset(ret, 0, sizeof(*ret));
	ret->langfuse = version && parse_version(version, &ret->major, &ret->minor);
	if (ret->langfuse)
		snprintf(ret->version, sizeof(ret->version), "%s", version);
	otlp = ret->major > OTLP_MAJOR || (ret->major == OTLP_MAJOR && ret->minor >= OTLP_MINOR);
	ret->format = wanted != SHIP_AUTO ? formats[wanted] : otlp ? MAP_OTLP_PROTOBUF : MAP_INGESTION;
	ret->merges = ret->major < APPENDING_MAJOR;
	ret->known = true;
}

void probe_api_name(const struct ship_server *server, char out[32])
{
	static const char *const names[] = {
		[MAP_OTLP_PROTOBUF] = "otlp", [MAP_OTLP_JSON] = "otlp-json", [MAP_INGESTION] = "ingestion",
	};

	out[0] = '\0';
	if (server->known && server->langfuse)
		snprintf(out, 32, "%s v%ld", names[server->format], server->major);
	else if (server->known)
		snprintf(out, 32, "%s", names[server->format]);
}

static char *read_version(const struct http_answer *answer)
{
	struct json_doc doc;
	char *version = NULL;

	json_doc_init(&doc);
	if (answer->phase == HTTP_ANSWERED && answer->status == 200 && json_parse(&doc, buf_view(&answer->body), 10000, NULL) == 0)
		version = json_strdup(&doc, json_get(&doc, 0, "version"), 31);
	json_doc_done(&doc);
	return version;
}

/* With a configured API the version is a nicety: any answer at all will do. */
static enum ship_result judge_health(struct ship *ship, struct ship_batch *batch, const struct http_answer *answer)
{
	char *version = read_version(answer);
	enum ship_result result = RESULT_OK;
	struct ship_server server;

	probe_choose(ship->options.api, version, &server);
	free(version);
	if (server.langfuse || (ship->options.api != SHIP_AUTO && answer->phase == HTTP_ANSWERED)) {
		server.probed_mono_ms = clock_mono_ms();
		ship->server = server;
		return RESULT_OK;
	}
	switch (verdict_of(answer, false)) {
	case VERDICT_RETRY:
		result = RESULT_RETRY;
		break;
	case VERDICT_IN_DOUBT: /* no answer; or an answer without a version */
		result = answer->phase == HTTP_ANSWERED ? RESULT_PAUSE : RESULT_RETRY;
		break;
	default:
		result = RESULT_PAUSE;
		break;
	}
	ship_say(batch, result == RESULT_PAUSE ? "no Langfuse answers at this host (/api/public/health)" : "server not reachable", answer);
	batch->retry_after_ms = answer->retry_after_ms;
	return result;
}

enum ship_result probe_server(struct ship *ship, struct ship_batch *batch, struct err *err)
{
	char *url = ship_url(ship, "/api/public/health");
	enum ship_result result = RESULT_PAUSE;
	struct http_answer answer;

	http_answer_init(&answer);
	if (http_get(ship->http, url, NULL, NULL, &answer, err) == 0)
		result = judge_health(ship, batch, &answer);
	else
		snprintf(batch->error, sizeof(batch->error), "langfuse_host: not a URL");
	http_answer_done(&answer);
	free(url);
	return result;
}
