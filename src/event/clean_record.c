/* A record and its bytes in one allocation. */
#include "event/clean_record_make.h"
#include "base/json.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct clean_record {
	struct clean_record_view view;
	char bytes[];
};

static struct slice copy(char **room, struct slice from)
{
	struct slice to = { *room, from.len };

	if (from.len)
		memcpy(*room, from.ptr, from.len);
	*room += from.len;
	return to;
}

struct clean_record *clean_record_new(const struct clean_record_view *view)
{
	size_t n = view->source.len + view->session.len + view->message.len + view->key.len + view->link.len + view->body.len;
	struct clean_record *record = xmalloc(sizeof *record + n + 1);
	char *room = record->bytes;

	record->view = *view;
	record->view.source = copy(&room, view->source);
	record->view.session = copy(&room, view->session);
	record->view.message = copy(&room, view->message);
	record->view.key = copy(&room, view->key);
	record->view.link = copy(&room, view->link);
	record->view.body = copy(&room, view->body);
	return record;
}

const struct clean_record_view *clean_record_view(const struct clean_record *record)
{
	return &record->view;
}

void clean_record_free(struct clean_record *record)
{
	free(record);
}

int clean_record_json(const struct clean_record_view *view, struct buf *out)
{
	struct json_writer json;
	char order[24];

	json_writer_init(&json, out);
	jw_object(&json);
	jw_key(&json, "lf");
	jw_int(&json, 1);
	jw_key(&json, "seq");
	jw_int(&json, view->seq);
	jw_key(&json, "src");
	jw_string(&json, view->source);
	jw_key(&json, "session");
	jw_string(&json, view->session);
	jw_key(&json, "message");
	jw_string(&json, view->message);
	jw_key(&json, "key");
	jw_string(&json, view->key);
	jw_key(&json, "kind");
	jw_text(&json, record_kind_name(view->kind));
	jw_key(&json, "final");
	jw_bool(&json, view->level == RECORD_FINAL);
	jw_key(&json, "level");
	jw_int(&json, view->level);
	if (view->link.len > 0) {
		jw_key(&json, "link");
		jw_string(&json, view->link);
	}
	jw_key(&json, "time");
	jw_int(&json, view->time_ms);
	if (view->order != 0) {
		snprintf(order, sizeof order, "%" PRIu64, view->order);
		jw_key(&json, "order");
		jw_text(&json, order);
	}
	jw_key(&json, "body");
	jw_raw(&json, view->body);
	jw_object_close(&json);
	return out->failed;
}
