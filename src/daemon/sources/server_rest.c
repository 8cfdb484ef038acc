/*
 * What was missed between two connections, by REST. Only pages that boot nothing: sessions of every directory, and the messages of
 * those in which something happened. A session that used an output format makes its list of messages fail; its events are asked for
 * instead.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "daemon/sources/server_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define OVERLAP_MS 60000      /* clocks, and what was on its way */
#define PAGE 100
#define MAX_PAGES 1000
#define HISTORY_MAX_SESSIONS 900 /* the server fails beyond about a thousand */

struct catching {
	struct server *server;
	int64_t since_ms;
	char **ids;               /* all sessions that were listed */
	unsigned count;
	struct buf changed;       /* ids of those to be read, each with a NUL */
};

/* 200 with JSON: 0 and *doc; LF_ENOENT: 404; LF_EINVAL: 400; else LF_EAGAIN. The answer must be kept as long as the document. */
static int get(struct server *server, const char *path, struct http_answer *answer, struct json_doc *doc, struct err *err)
{
	char url[2048];
	int rc;

	snprintf(url, sizeof url, "%s%s", server->url, path);
	rc = http_get(server->http, url, NULL, server->auth, answer, err);
	if (rc != 0)
		return rc;
	if (answer->status == 200 && !answer->cut && json_parse(doc, buf_view(&answer->body), 0, NULL) == 0)
		return 0;
	return err_set(err, answer->status == 404 ? LF_ENOENT : answer->status == 400 ? LF_EINVAL : LF_EAGAIN,
	               "reading %s: HTTP %ld %s", path, answer->status, answer->error);
}

/* Hands on each value of a list. */
static int give_list(struct server *server, const struct json_doc *doc, struct err *err)
{
	int rc = 0;

	for (int32_t i = doc->nodes[0].first; i != JSON_NONE && rc == 0; i = doc->nodes[i].next)
		rc = pipeline_value(server->pipeline, doc->nodes[i].raw, 0, err);
	return rc;
}

/* ---- pages of a list ---- */

/* Takes one page; *ret_last: the next ones need not be read. */
typedef int page_fn(struct catching *catching, const struct json_doc *doc, bool *ret_last, struct err *err);

struct pages {
	char path[512];
	const char *name;    /* of the cursor */
	bool by_time;        /* the cursor is a time, and several items can have the same: one ms more, and some come twice */
	page_fn *take;
};

static void next_cursor(const struct pages *pages, const char *answered, char *cursor, size_t size)
{
	if (pages->by_time)
		snprintf(cursor, size, "%" PRId64, (int64_t)strtoll(answered, NULL, 10) + 1);
	else
		snprintf(cursor, size, "%s", answered);
}

static int each_page(struct catching *catching, const struct pages *pages, struct err *err)
{
	char path[768], cursor[128] = "";
	bool last = false;
	int rc = 0;

	for (unsigned n = 0; n < MAX_PAGES && !last && rc == 0; n++) {
		struct http_answer answer;
		struct json_doc doc;

		http_answer_init(&answer);
		json_doc_init(&doc);
		snprintf(path, sizeof path, "%s%s%s%s%s", pages->path, cursor[0] ? "&" : "", cursor[0] ? pages->name : "",
		         cursor[0] ? "=" : "", cursor);
		rc = get(catching->server, path, &answer, &doc, err);
		if (rc == 0)
			rc = pages->take(catching, &doc, &last, err);
		last = last || !answer.next_cursor[0];
		next_cursor(pages, answer.next_cursor, cursor, sizeof cursor);
		json_doc_done(&doc);
		http_answer_done(&answer);
	}
	return rc;
}

/* ---- sessions ---- */

static void note_session(struct catching *catching, const struct json_doc *doc, int32_t session, bool *ret_older)
{
	char *id = json_strdup(doc, json_get(doc, session, "id"), 200);
	int64_t updated = json_int(doc, json_path(doc, session, "time.updated"), 0);

	*ret_older = updated < catching->since_ms;
	if (!id)
		return;
	catching->ids = xrealloc(catching->ids, (catching->count + 1) * sizeof *catching->ids);
	catching->ids[catching->count++] = id;
	if (!*ret_older)
		buf_append(&catching->changed, id, strlen(id) + 1);
}

/* Newest change first: a page that ends with an older one is the last. */
static int take_sessions(struct catching *catching, const struct json_doc *doc, bool *ret_last, struct err *err)
{
	bool older = true;
	int rc = 0;

	for (int32_t i = doc->nodes[0].first; i != JSON_NONE && rc == 0; i = doc->nodes[i].next) {
		note_session(catching, doc, i, &older);
		if (!older)
			rc = pipeline_value(catching->server->pipeline, doc->nodes[i].raw, 0, err);
	}
	*ret_last = older;
	return rc;
}

static int list_sessions(struct catching *catching, const char *page, struct err *err)
{
	struct pages pages = { .name = "cursor", .by_time = true, .take = take_sessions };

	snprintf(pages.path, sizeof pages.path, "%s?limit=%d&archived=true", page, PAGE);
	return each_page(catching, &pages, err);
}

/* ---- messages ---- */

static bool is_unfinished(const struct json_doc *doc, int32_t message)
{
	return json_string_is(doc, json_path(doc, message, "info.role"), "assistant") &&
	       json_path(doc, message, "info.time.completed") == JSON_NONE;
}

/* True when nothing of the page happened since. */
static bool page_is_old(const struct json_doc *doc, int64_t since_ms)
{
	for (int32_t i = doc->nodes[0].first; i != JSON_NONE; i = doc->nodes[i].next)
		if (json_int(doc, json_path(doc, i, "info.time.completed"), 0) >= since_ms ||
		    json_int(doc, json_path(doc, i, "info.time.created"), 0) >= since_ms || is_unfinished(doc, i))
			return false;
	return true;
}

static int take_messages(struct catching *catching, const struct json_doc *doc, bool *ret_last, struct err *err)
{
	int rc = give_list(catching->server, doc, err);

	*ret_last = page_is_old(doc, catching->since_ms);
	return rc == 0 ? server_commit(catching->server, err) : rc;
}

static int read_messages(struct catching *catching, const char *id, struct err *err)
{
	struct pages pages = { .name = "before", .take = take_messages };

	snprintf(pages.path, sizeof pages.path, "/session/%s/message?limit=%d", id, PAGE);
	return each_page(catching, &pages, err);
}

/* ---- events, where messages cannot be read ---- */

/* Rows of the history as the stream spells them. */
static int give_history(struct server *server, const struct json_doc *doc, struct err *err)
{
	struct buf event;
	int rc = 0;

	buf_init(&event, 0);
	for (int32_t i = doc->nodes[0].first; i != JSON_NONE && rc == 0; i = doc->nodes[i].next) {
		struct json_writer out;
		static const char *const keys[] = { "id", "type", "seq", "data" };

		buf_clear(&event);
		json_writer_init(&out, &event);
		jw_object(&out);
		jw_key(&out, "type");
		jw_text(&out, "sync");
		jw_key(&out, "syncEvent");
		jw_object(&out);
		for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
			int32_t node = json_get(doc, i, keys[k]);

			if (node == JSON_NONE)
				continue;
			jw_key(&out, keys[k]);
			jw_raw(&out, doc->nodes[node].raw);
		}
		jw_object_close(&out);
		jw_object_close(&out);
		rc = pipeline_value(server->pipeline, buf_view(&event), 0, err);
	}
	buf_done(&event);
	return rc;
}

/* A session that is not named comes in full; the others are named with a number that none of their events has. */
static int read_history(struct catching *catching, const char *id, struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	struct http_answer answer;
	struct json_writer out;
	struct json_doc doc;
	struct buf body;
	char url[1024];
	int rc;

	if (catching->count > HISTORY_MAX_SESSIONS)
		return 0; /* the database makes up for it */
	buf_init(&body, 0);
	json_doc_init(&doc);
	http_answer_init(&answer);
	json_writer_init(&out, &body);
	jw_object(&out);
	for (unsigned i = 0; i < catching->count; i++) {
		if (strcmp(catching->ids[i], id) == 0)
			continue;
		jw_key(&out, catching->ids[i]);
		jw_int(&out, INT32_MAX);
	}
	jw_object_close(&out);
	snprintf(url, sizeof url, "%s/sync/history", catching->server->url);
	rc = http_post(catching->server->http, url, headers, catching->server->auth, buf_view(&body), false, &answer, err);
	if (rc == 0 && answer.status == 200 && json_parse(&doc, buf_view(&answer.body), 0, NULL) == 0)
		rc = give_history(catching->server, &doc, err);
	if (rc == 0)
		rc = server_commit(catching->server, err);
	http_answer_done(&answer);
	json_doc_done(&doc);
	buf_done(&body);
	return rc;
}

int server_catch_up(struct server *server, struct err *err)
{
	struct catching catching = { .server = server, .since_ms = server->seen_ms - OVERLAP_MS };
	int rc;

	buf_init(&catching.changed, 0);
	rc = list_sessions(&catching, "/experimental/session", err);
	if (rc == LF_ENOENT)
		rc = list_sessions(&catching, "/session", err);
	for (size_t at = 0; rc == 0 && at < catching.changed.len;) {
		const char *id = catching.changed.data + at;

		at += strlen(id) + 1;
		rc = read_messages(&catching, id, err);
		if (rc == LF_EINVAL)
			rc = read_history(&catching, id, err);
		if (rc == LF_ENOENT) /* deleted meanwhile */
			rc = 0;
	}
	for (unsigned i = 0; i < catching.count; i++)
		free(catching.ids[i]);
	free(catching.ids);
	buf_done(&catching.changed);
	return rc;
}
