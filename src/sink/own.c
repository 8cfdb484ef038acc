/* The receiver's own pages: what it holds, drawn and in figures, and the switches of its faults. */
#include "sink/server.h"
#include "map/map.h"
#include <stdlib.h>

void own_fault(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	char text[1024];
	struct err err = { 0 };
	struct fault fault;

	if (request->body.len >= sizeof(text)) {
		answer_message(answer, 400, "too long", NULL);
		return;
	}
	if (request->body.len)
		memcpy(text, request->body.ptr, request->body.len);
	text[request->body.len] = '\0';
	if (fault_parse(text, &fault, &err) != 0) {
		answer_message(answer, 400, err.text, NULL);
		return;
	}
	sink->fault = fault;
	answer_text(answer, 200, "application/json", "{}");
}

void own_put_figures(struct sink *sink, struct json_writer *writer)
{
	struct sink_figures figures = { .requests = sink->requests, .rejected = sink->rejected };
	const struct { const char *key; const uint64_t *value; } rows[] = {
		{ "requests", &figures.requests }, { "observations", &figures.observations },
		{ "duplicates", &figures.duplicates }, { "rejected", &figures.rejected }, { "traces", &figures.traces },
	};

	store_figures(sink->store, &figures);
	jw_object(writer);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		jw_key(writer, rows[i].key);
		jw_uint(writer, *rows[i].value);
	}
	jw_key(writer, "scores");
	jw_uint(writer, store_score_count(sink->store));
	jw_object_close(writer);
}

void own_figures(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	struct json_writer writer;

	(void)request;
	answer_text(answer, 200, "application/json", "");
	json_writer_init(&writer, &answer->body);
	own_put_figures(sink, &writer);
}

void own_observations(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	(void)request;
	answer_text(answer, 200, "application/x-ndjson", "");
	(void)store_lines(sink->store, &answer->body);
}

void own_scores(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	(void)request;
	answer_text(answer, 200, "application/x-ndjson", "");
	for (size_t i = 0; i < store_score_count(sink->store); i++) {
		(void)buf_slice(&answer->body, store_score(sink->store, i));
		(void)buf_char(&answer->body, '\n');
	}
}

int own_draw_text(struct sink *sink, const struct map_look *look, struct buf *out)
{
	size_t count = store_count(sink->store);
	struct observation *all = calloc(count ? count : 1, sizeof(*all));
	int rc;

	if (!all)
		return LF_ENOMEM;
	for (size_t i = 0; i < count; i++)
		all[i] = store_row(sink->store, i)->span.obs;
	rc = map_draw(all, (unsigned)count, look, out);
	free(all);
	return rc;
}

void own_draw(struct sink *sink, struct sink_request *request, struct sink_answer *answer)
{
	(void)request;
	answer_text(answer, 200, "text/plain; charset=utf-8", "");
	if (own_draw_text(sink, NULL, &answer->body) != 0)
		answer_message(answer, 500, "cannot draw", NULL);
}
