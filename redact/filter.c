/* The redactor and its three ways in: an event, a text, a JSON value. */
#include "redactor.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "event/clean_record_make.h"
#include <stdlib.h>

#define ID_MAX_BYTES 256
#define BUFFER_KEEP_BYTES (256u << 10)

struct redactor *redactor_new(const struct ruleset *rules)
{
	struct redactor *redactor = xcalloc(1, sizeof *redactor);

	redactor->rules = rules;
	redactor->matcher = matcher_new();
	redactor->done_until = xcalloc(rules->count, sizeof *redactor->done_until);
	redactor->counts = xcalloc(rules->count + 1, sizeof *redactor->counts);
	buf_init(&redactor->pass[0], 0);
	buf_init(&redactor->pass[1], 0);
	buf_init(&redactor->text, 0);
	buf_init(&redactor->clean, 0);
	buf_init(&redactor->body, 0);
	buf_init(&redactor->names, 0);
	buf_init(&redactor->filtered, 0);
	return redactor;
}

void redactor_free(struct redactor *redactor)
{
	if (!redactor)
		return;
	matcher_free(redactor->matcher);
	buf_done(&redactor->pass[0]);
	buf_done(&redactor->pass[1]);
	buf_done(&redactor->text);
	buf_done(&redactor->clean);
	buf_done(&redactor->body);
	buf_done(&redactor->names);
	buf_done(&redactor->filtered);
	free(redactor->done_until);
	free(redactor->counts);
	free(redactor->hits);
	free(redactor);
}

uint64_t redactor_take_count(struct redactor *redactor, unsigned index)
{
	uint64_t count = 0;

	if (index <= redactor->rules->count) {
		count = redactor->counts[index];
		redactor->counts[index] = 0;
	}
	return count;
}

void redactor_explain(struct redactor *redactor, redact_explain_fn *explain, void *context)
{
	redactor->explain = explain;
	redactor->explain_context = context;
}

/* Copies valid UTF-8; each byte that belongs to none becomes U+FFFD. */
static int copy_valid(struct slice text, struct buf *out)
{
	while (text.len) {
		size_t n = json_utf8_valid(text);

		buf_append(out, text.ptr, n);
		text = (struct slice){ text.ptr + n, text.len - n };
		if (!text.len)
			break;
		buf_text(out, "\xEF\xBF\xBD");
		text = (struct slice){ text.ptr + 1, text.len - 1 };
	}
	return out->failed;
}

int redact_text(struct redactor *redactor, struct slice text, struct buf *out, struct err *err)
{
	bool changed;
	int rc = 0;

	if (json_utf8_valid(text) != text.len) {
		buf_clear(&redactor->text);
		rc = copy_valid(text, &redactor->text);
		text = buf_view(&redactor->text);
	}
	if (!rc)
		rc = scan_text(redactor, text, out, &changed);
	if (!rc && !changed)
		rc = buf_slice(out, text);
	return rc ? err_set(err, rc, "the text is too large") : 0;
}

int redact_json(struct redactor *redactor, struct slice json, struct buf *out, struct err *err)
{
	struct slice result;
	int rc = walk_json(redactor, json, &(struct walk_options){ .event = false }, out, &result, err);

	if (!rc && result.ptr == json.ptr && buf_slice(out, json))
		rc = err_set(err, out->failed, "the value is too large");
	return rc;
}

static bool is_plain_id(struct slice id)
{
	static const bool plain[256] = {
		['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['.'] = true, ['_'] = true, [':'] = true, ['/'] = true, ['-'] = true,
	};

	for (size_t i = 0; i < id.len; i++)
		if (!plain[(unsigned char)id.ptr[i]])
			return false;
	return id.len <= ID_MAX_BYTES;
}

int filter_id(struct redactor *redactor, struct slice id, struct buf *out)
{
	struct hash128 hash;
	struct buf found;
	bool plain = is_plain_id(id), changed = false;
	char hex[33];

	buf_init(&found, 0);
	if (plain)
		scan_text(redactor, id, &found, &changed);
	buf_done(&found);
	if (plain && !changed)
		return buf_slice(out, id);
	hash = hash_128(id.ptr, id.len);
	hash_hex(hash.bytes, sizeof hash.bytes, hex);
	buf_text(out, "x-");
	return buf_text(out, hex);
}

static int event_id(struct redactor *redactor, struct known_id *known, struct slice id, struct buf *out)
{
	size_t from = out->len;
	int rc;

	if (slice_equal(id, (struct slice){ known->text, known->len }))
		return buf_slice(out, id);
	rc = filter_id(redactor, id, out);
	if (!rc && id.len <= sizeof known->text && slice_equal(id, (struct slice){ out->data + from, out->len - from })) {
		memcpy(known->text, id.ptr, id.len);
		known->len = (uint8_t)id.len;
	}
	return rc;
}

/* The body in full, or its metadata when the mode or its size says so. *ret: the event's own, when nothing is changed, or in out. */
static int filter_body(struct redactor *redactor, const struct raw_event *event, struct buf *out, struct slice *ret, struct err *err)
{
	const struct redact_options *options = &redactor->rules->options;
	const struct walk_options walk = { .event = true, .max_field_bytes = options->max_field_bytes };
	struct slice body = event->body;
	int rc = 0;

	for (unsigned attempt = 0; attempt < 2; attempt++) {
		bool oversize = attempt > 0;

		buf_clear(out);
		if (oversize || options->mode == MODE_METADATA_ONLY) {
			buf_clear(&redactor->body);
			rc = metadata_body(event->kind, event->body, oversize, &redactor->body, err);
			body = buf_view(&redactor->body);
		}
		if (!rc)
			rc = walk_json(redactor, body, &walk, out, ret, err);
		if (rc || ret->len <= options->max_record_bytes)
			return rc;
	}
	*ret = SLICE("{\"oversize\":true}");
	return 0;
}

/* What one huge record needed is not kept for ever. */
static void forget_large(struct redactor *redactor)
{
	struct buf *buffers[] = { &redactor->pass[0], &redactor->pass[1], &redactor->text, &redactor->clean, &redactor->body, &redactor->filtered };

	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		if (buffers[i]->cap_bytes > BUFFER_KEEP_BYTES)
			buf_done(buffers[i]);
}

static bool is_object(struct slice json)
{
	size_t i = 0;

	while (i < json.len && strchr(" \t\r\n", json.ptr[i]) && json.ptr[i])
		i++;
	return i < json.len && json.ptr[i] == '{';
}

int redact_event(struct redactor *redactor, const struct raw_event *event, struct clean_record **ret,
                 struct err *err)
{
	struct clean_record_view view = { .kind = event->kind, .level = event->level, .time_ms = event->time_ms,
		                          .order = event->order };
	const struct slice ids[] = { event->source, event->session, event->message, event->key, event->link };
	struct slice *clean[] = { &view.source, &view.session, &view.message, &view.key, &view.link };
	struct buf *names = &redactor->names;
	size_t ends[EVENT_IDS];
	int rc = 0;

	*ret = NULL;
	if (redactor->rules->options.mode == MODE_OFF)
		return 0;
	if (!is_object(event->body))
		return err_set(err, LF_EINVAL, "a record body is a JSON object");
	buf_clear(names);
	for (size_t i = 0; i < EVENT_IDS && !rc; i++) {
		rc = event_id(redactor, &redactor->ids[i], ids[i], names);
		ends[i] = names->len;
	}
	if (!rc)
		rc = filter_body(redactor, event, &redactor->filtered, &view.body, err);
	if (!rc) {
		for (size_t i = 0; i < EVENT_IDS; i++)
			*clean[i] = (struct slice){ names->data + (i ? ends[i - 1] : 0), ends[i] - (i ? ends[i - 1] : 0) };
		*ret = clean_record_new(&view);
	}
	forget_large(redactor);
	return rc;
}
