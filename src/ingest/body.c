/* Writes neutral bodies: the same object gives the same bytes through every channel. */
#include "ingest/source.h"
#include "base/clock.h"

void body_begin(struct ingest *in)
{
	buf_clear(&in->body);
	json_writer_init(&in->out, &in->body);
	jw_object(&in->out);
}

void body_end(struct ingest *in)
{
	jw_object_close(&in->out);
}

void body_text(struct ingest *in, const char *key, int32_t node)
{
	if (json_type_of(&in->doc, node) != JSON_STRING)
		return;
	jw_key(&in->out, key);
	if (in->doc.nodes[node].canonical) {
		jw_raw(&in->out, json_raw(&in->doc, node));
		return;
	}
	buf_clear(&in->scratch);
	(void)json_text(&in->doc, node, &in->scratch);
	jw_string(&in->out, buf_view(&in->scratch));
}

void body_number(struct ingest *in, const char *key, int32_t node)
{
	if (json_type_of(&in->doc, node) != JSON_NUMBER)
		return;
	jw_key(&in->out, key);
	jw_raw(&in->out, json_raw(&in->doc, node));
}

void body_bool(struct ingest *in, const char *key, int32_t node)
{
	enum json_type type = json_type_of(&in->doc, node);

	if (type != JSON_TRUE && type != JSON_FALSE)
		return;
	jw_key(&in->out, key);
	jw_bool(&in->out, type == JSON_TRUE);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p + 1 : end;
}

/* Documents are pretty-printed, streams are not: blanks outside strings go. */
void json_compact(struct slice raw, struct buf *out)
{
	const char *p = raw.len ? raw.ptr : "", *end = p + raw.len; /* no bytes may have no address */

	while (p < end) {
		const char *start = p;
		while (p < end && !is_blank(*p))
			p = *p == '"' ? skip_string(p, end) : p + 1;
		buf_append(out, start, (size_t)(p - start));
		while (p < end && is_blank(*p))
			p++;
	}
}

void body_json(struct ingest *in, const char *key, int32_t node)
{
	struct slice raw = json_raw(&in->doc, node);

	if (raw.len == 0)
		return;
	buf_clear(&in->scratch);
	json_compact(raw, &in->scratch);
	jw_key(&in->out, key);
	jw_raw(&in->out, buf_view(&in->scratch));
}

void body_words(struct ingest *in, const char *key, const char *words)
{
	if (!words || !*words)
		return;
	jw_key(&in->out, key);
	jw_text(&in->out, words);
}

void body_int(struct ingest *in, const char *key, int64_t value)
{
	jw_key(&in->out, key);
	jw_int(&in->out, value);
}

void id_words(struct buf *id, const char *words)
{
	buf_clear(id);
	buf_text(id, words);
}

bool id_set(struct ingest *in, struct buf *id, int32_t node)
{
	buf_clear(id);
	return json_text(&in->doc, node, id) == 0 && id->len > 0;
}

int64_t time_of(struct ingest *in, int32_t node)
{
	int64_t ms = 0;

	if (json_type_of(&in->doc, node) == JSON_NUMBER)
		return json_int(&in->doc, node, 0);
	buf_clear(&in->scratch);
	if (json_text(&in->doc, node, &in->scratch) == 0 && in->scratch.len > 0)
		(void)clock_parse_iso(buf_view(&in->scratch), &ms);
	return ms;
}

int event_give(struct ingest *in, enum record_kind kind, enum record_level level, int64_t time_ms, struct err *err)
{
	struct raw_event event = {
		.kind = kind, .level = level, .source = slice_of(in->agent), .session = buf_view(&in->session),
		.message = buf_view(&in->message), .key = buf_view(&in->key), .link = buf_view(&in->link),
		.time_ms = time_ms, .order = in->order, .body = buf_view(&in->body),
	};

	if (in->body.failed)
		return ingest_say(in, "a record is too large");
	if (in->session.len == 0 || in->key.len == 0)
		return ingest_say(in, "an event without session or id");
	ingest_note_time(in, time_ms);
	in->counts.events++;
	return in->options.emit(in->options.context, &event, err);
}
