/* One input: frames become JSON, JSON becomes events, by shape. */
#include "ingest/ingest.h"
#include "base/mem.h"
#include "ingest/frame.h"
#include "ingest/source.h"
#include <stdio.h>
#include <stdlib.h>

#define MAX_OPEN_BYTES (1u << 20)

struct shape {
	int (*handle)(struct ingest *in, int32_t node, struct err *err);
};
static const struct shape shapes[] = { { lfspool_record }, { opencode_run }, { opencode_event }, { opencode_document } };

static const char *const sources[] = { "opencode" };

static void report(struct ingest *in, const char *reason, struct slice metadata)
{
	struct buf words;

	buf_init(&words, 4096);
	buf_format(&words, "%s:%llu: %s", in->name, (unsigned long long)in->line, reason);
	if (in->options.problem)
		in->options.problem(in->options.context, words.data ? words.data : reason, metadata);
	buf_done(&words);
}

int ingest_say(struct ingest *in, const char *reason)
{
	in->counts.bad++;
	report(in, reason, SLICE_NONE);
	return 0;
}

static int say_oversize(struct ingest *in, const struct frame_value *value)
{
	struct json_writer out;
	struct buf metadata;
	char hash[24], words[96];

	snprintf(hash, sizeof hash, "%016llx", (unsigned long long)value->xxh3);
	snprintf(words, sizeof words, "%llu bytes, more than the %u MiB that are read at once", (unsigned long long)value->bytes, INGEST_MAX_VALUE_BYTES >> 20);
	buf_init(&metadata, 8192);
	json_writer_init(&out, &metadata);
	jw_object(&out);
	jw_key(&out, "name");
	jw_text(&out, in->name);
	jw_key(&out, "line");
	jw_uint(&out, value->line);
	jw_key(&out, "bytes");
	jw_uint(&out, value->bytes);
	jw_key(&out, "xxh3");
	jw_text(&out, hash);
	jw_key(&out, "reason");
	jw_text(&out, "oversize");
	jw_object_close(&out);
	in->counts.oversize++;
	report(in, words, buf_view(&metadata));
	buf_done(&metadata);
	return 0;
}

static int handle(struct ingest *in, struct err *err)
{
	int rc = NOT_MINE;

	for (size_t i = 0; rc == NOT_MINE && i < sizeof shapes / sizeof shapes[0]; i++)
		rc = shapes[i].handle(in, 0, err);
	if (rc == NOT_MINE)
		return ingest_say(in, "not an event, export or record that is known");
	in->counts.skipped += rc == SKIPPED;
	in->counts.unknown += rc == UNKNOWN_TYPE;
	return rc < 0 ? rc : 0;
}

static int take_value(void *context, const struct frame_value *value, struct err *err)
{
	struct ingest *in = context;
	struct err why = { 0 };

	in->line = value->line;
	in->counts.values++;
	if (value->problem == FRAME_OVERSIZE)
		return say_oversize(in, value);
	if (json_parse(&in->doc, value->text, 0, &why) != 0) {
		char words[600];
		bool cut = value->problem == FRAME_TRUNCATED;
		snprintf(words, sizeof words, cut ? "truncated %s (%s)" : "%s: %s",
		         !cut ? "invalid JSON" : value->element ? "document" : "last line", why.text);
		return ingest_say(in, words);
	}
	if (json_type_of(&in->doc, 0) != JSON_OBJECT)
		return ingest_say(in, value->problem == FRAME_TRUNCATED ? "truncated document" : "not a JSON object");
	return handle(in, err);
}

int ingest_new(const struct ingest_options *options, struct ingest **ret, struct err *err)
{
	struct ingest *in;
	bool known = !options->source;

	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
		known = known || strcmp(options->source, sources[i]) == 0;
	if (!known)
		return err_set(err, LF_EINVAL, "--source %s: must be opencode", options->source);
	in = xcalloc(1, sizeof *in);
	in->options = *options;
	in->source = xstrdup(options->source ? options->source : sources[0]);
	in->name = xstrdup(options->name ? options->name : "-");
	in->frame = frame_new(take_value, in);
	in->next = xcalloc(NEXT_SESSIONS, sizeof *in->next);
	in->next_open = xcalloc(NEXT_OPEN, sizeof *in->next_open);
	for (size_t i = 0; i < NEXT_OPEN; i++) {
		buf_init(&in->next_open[i].key, 1024);
		buf_init(&in->next_open[i].body, MAX_OPEN_BYTES);
	}
	json_doc_init(&in->doc);
	buf_init(&in->body, 2 * INGEST_MAX_VALUE_BYTES);
	buf_init(&in->session, 1024);
	buf_init(&in->message, 1024);
	buf_init(&in->key, 2048);
	buf_init(&in->link, 1024);
	buf_init(&in->scratch, 2 * INGEST_MAX_VALUE_BYTES);
	*ret = in;
	return 0;
}

int ingest_feed(struct ingest *in, struct slice bytes, struct err *err)
{
	in->counts.bytes += bytes.len;
	return frame_feed(in->frame, bytes, err);
}

int ingest_finish(struct ingest *in, struct err *err)
{
	return frame_finish(in->frame, err);
}

const struct ingest_counts *ingest_counts(const struct ingest *in)
{
	return &in->counts;
}

void ingest_free(struct ingest *in)
{
	if (!in)
		return;
	frame_free(in->frame);
	for (size_t i = 0; i < NEXT_OPEN; i++) {
		buf_done(&in->next_open[i].key);
		buf_done(&in->next_open[i].body);
	}
	json_doc_done(&in->doc);
	buf_done(&in->body);
	buf_done(&in->session);
	buf_done(&in->message);
	buf_done(&in->key);
	buf_done(&in->link);
	buf_done(&in->scratch);
	free(in->next);
	free(in->next_open);
	free(in->source);
	free(in->name);
	free(in);
}
