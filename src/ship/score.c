/* Scores: what people say of a trace. One request, whose id makes sending it again harmless. */
#include "map/map_fields.h"
#include "ship/ship.h"
#include "ship/ship_private.h"
#include <stdlib.h>

static void write_score(const struct ship *ship, const struct ship_score *score, struct buf *body)
{
	const struct { const char *key; struct slice value; } texts[] = {
		{ "id", score->id }, { "traceId", score->trace }, { "sessionId", score->session }, { "name", score->name },
		{ "dataType", score->data_type }, { "comment", score->comment },
	};
	struct json_writer out;
	struct buf environment;

	buf_init(&environment, 0);
	json_writer_init(&out, body);
	jw_object(&out);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].value.len == 0)
			continue;
		jw_key(&out, texts[i].key);
		jw_string(&out, texts[i].value);
	}
	jw_key(&out, "value");
	jw_raw(&out, score->value);
	fields_environment(ship->options.map.environment, &environment);
	if (environment.len) {
		jw_key(&out, "environment");
		jw_string(&out, buf_view(&environment));
	}
	jw_object_close(&out);
	buf_done(&environment);
}

static bool answers_with_id(const struct http_answer *answer)
{
	struct json_doc doc;
	bool sensible;

	json_doc_init(&doc);
	sensible = json_parse(&doc, buf_view(&answer->body), 1000, NULL) == 0 && json_type_of(&doc, json_get(&doc, 0, "id")) == JSON_STRING;
	json_doc_done(&doc);
	return sensible;
}

static int judge(const struct http_answer *answer, struct err *err)
{
	switch (verdict_of(answer, answers_with_id(answer))) {
	case VERDICT_DELIVERED:
		return 0;
	case VERDICT_PAUSE:
		return err_set(err, LF_EPERM, "the server refuses the keys: HTTP %ld", answer->status);
	case VERDICT_BISECT: case VERDICT_HALVE:
		return err_set(err, LF_EINVAL, "the server refuses the score: HTTP %ld", answer->status);
	case VERDICT_HOLD:
		if (answer->status)
			return err_set(err, LF_EINVAL, "no Langfuse answers at this host: HTTP %ld", answer->status);
		return err_set(err, LF_EINVAL, "no Langfuse answers at this host: %s", answer->error);
	default:
		if (answer->status)
			return err_set(err, LF_EAGAIN, "the server does not answer well now: HTTP %ld", answer->status);
		return err_set(err, LF_EAGAIN, "the server does not answer: %s", answer->error);
	}
}

int ship_score(struct ship *ship, const struct ship_score *score, struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json", "x-langfuse-sdk-name: lfspool", NULL };
	struct http_answer answer;
	struct buf body;
	char *url;
	int rc;

	if (ship->status.state == SHIP_OFF)
		return err_set(err, LF_ENOENT, "%s", ship->status.reason);
	url = ship_url(ship, "/api/public/scores");
	buf_init(&body, 1u << 20);
	http_answer_init(&answer);
	write_score(ship, score, &body);
	rc = body.failed ? err_set(err, LF_ELIMIT, "the score is too large") : 0;
	if (rc == 0)
		rc = http_post(ship->http, url, headers, ship->auth, buf_view(&body), false, &answer, err);
	if (rc == 0)
		rc = judge(&answer, err);
	http_answer_done(&answer);
	buf_done(&body);
	free(url);
	return rc;
}
