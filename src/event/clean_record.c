/* Clean records: one block of memory each, never changed after they are made. */
#include "event/clean_record.h"
#include "base/json.h"
#include "base/mem.h"
#include "event/clean_record_make.h"
#include <stdlib.h>

struct clean_record {
	struct clean_record_view view; /* its slices point into bytes */
	char bytes[];
};

static struct slice store(char **to, struct slice from)
{
	struct slice copy = { *to, from.len };

	if (from.len)
		memcpy(*to, from.ptr, from.len);
	*to += from.len;
	return copy;
}

struct clean_record *clean_record_new(const struct clean_record_view *view)
{
	size_t n = view->source.len + view->session.len + view->message.len + view->key.len + view->link.len + view->body.len;
	struct clean_record *record = xmalloc(sizeof(*record) + n);
	char *to = record->bytes;

	record->view = *view;
	record->view.source = store(&to, view->source);
	record->view.session = store(&to, view->session);
	record->view.message = store(&to, view->message);
	record->view.key = store(&to, view->key);
	record->view.link = store(&to, view->link);
	record->view.body = store(&to, view->body);
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

static void write_text(struct json_writer *writer, const char *key, struct slice text)
{
	jw_key(writer, key);
	jw_string(writer, text);
}

static void write_number(struct json_writer *writer, const char *key, int64_t value)
{
	jw_key(writer, key);
	jw_int(writer, value);
}

/* As a string: most readers of JSON keep 53 bits of a number. */
static void write_order(struct json_writer *writer, uint64_t order)
{
	jw_key(writer, "order");
	jw_raw(writer, SLICE("\""));
	buf_format(writer->out, "%llu\"", (unsigned long long)order);
}

int clean_record_json(const struct clean_record_view *view, struct buf *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out);
	jw_object(&writer);
	write_number(&writer, "lf", 1);
	write_number(&writer, "seq", view->seq);
	write_text(&writer, "src", view->source);
	write_text(&writer, "session", view->session);
	write_text(&writer, "message", view->message);
	write_text(&writer, "key", view->key);
	write_text(&writer, "kind", slice_of(record_kind_name(view->kind)));
	jw_key(&writer, "final");
	jw_bool(&writer, view->level == RECORD_FINAL);
	write_number(&writer, "level", (int64_t)view->level);
	if (view->link.len)
		write_text(&writer, "link", view->link);
	write_number(&writer, "time", view->time_ms);
	if (view->order)
		write_order(&writer, view->order);
	jw_key(&writer, "body");
	jw_raw(&writer, view->body.len ? view->body : SLICE("{}"));
	jw_object_close(&writer);
	return out->failed;
}
