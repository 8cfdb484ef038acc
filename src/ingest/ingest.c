/* One input: frames become JSON, JSON becomes events, by shape. */
#include "ingest/ingest.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ingest/frame.h"
#include "ingest/source.h"
#include "ingest/src_claude.h"
#include <stdio.h>
#include <stdlib.h>

#define MAX_NODES 1000000  /* of one value: 48 MB of index */
#define WRITTEN_MS INT64_C(1767225600000) /* 2026-01-01: a clock that is earlier is not set */
#define AHEAD_MS (INT64_C(400) * 86400000)
#define EARLIEST_MS INT64_C(1704067200000) /* 2024-01-01: no event is older */

/* The first that knows a value takes it. source: whose it is; NULL: it says so itself. */
static const struct {
	const char *source;
	int (*handle)(struct ingest *in, int32_t node, struct err *err);
} shapes[] = {
	{ NULL, lfspool_record }, { "opencode", opencode_run }, { "claude", claude_line }, { "opencode", opencode_event }, { "opencode", opencode_document },
};

static const char *const sources[] = { "opencode", "claude" };

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
	return SAID;
}

void ingest_note_time(struct ingest *in, int64_t time_ms)
{
	if (time_ms > in->seen_ms && time_ms >= EARLIEST_MS && time_ms <= in->latest_ms)
		in->seen_ms = time_ms;
}

int ingest_settle(struct ingest *in, int rc)
{
	in->counts.skipped += rc == SKIPPED;
	in->counts.unknown += rc == UNKNOWN_TYPE;
	return rc < 0 ? rc : 0;
}

/* A dead letter's metadata: nothing of the value itself. */
static void say_oversize(struct ingest *in, const struct frame_value *value, const char *words)
{
	struct json_writer out;
	struct buf metadata;
	char hash[24];

	snprintf(hash, sizeof hash, "%016llx", (unsigned long long)value->xxh3);
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
}

static void say_too_long(struct ingest *in, const struct frame_value *value)
{
	char words[96];

	snprintf(words, sizeof words, "%llu bytes, more than the %u MiB that are read at once", (unsigned long long)value->bytes,
	         INGEST_MAX_VALUE_BYTES >> 20);
	say_oversize(in, value, words);
}

static void say_too_many(struct ingest *in, const struct frame_value *value)
{
	struct frame_value whole = *value;

	whole.bytes = value->text.len;
	whole.xxh3 = hash_64(value->text.ptr, value->text.len);
	say_oversize(in, &whole, "more JSON values than are read at once");
}

/* Whether what is wrong could be made good by bytes that are missing: a word, an escape or a character cut in two. */
static bool is_cut(const struct json_reader *reader)
{
	return reader->end - reader->pos < 6;
}

static void say_invalid(struct ingest *in, const struct frame_value *value)
{
	struct json_reader reader;
	struct json_token token;
	char words[160];
	const char *reason;
	size_t at;

	json_reader_init(&reader, value->text, 0);
	while (json_next(&reader, &token) != JSON_END && token.type != JSON_BAD)
		;
	reason = reader.error ? reader.error : "it cannot be read";
	at = value->skipped + (size_t)(reader.pos - reader.base);
	if (reader.pos < reader.end && *reader.pos == '\0')
		reason = "a NUL, which is a control character,";
	else if (reader.depth == JSON_MAX_DEPTH && reader.pos < reader.end && (*reader.pos == '{' || *reader.pos == '['))
		reason = "nested deeper than 512";
	snprintf(words, sizeof words, value->problem == FRAME_LAST && is_cut(&reader) ? "truncated last line: %s at byte %zu" : "invalid JSON: %s at byte %zu",
	         reason, at);
	(void)ingest_say(in, words);
}

static int handle_one(struct ingest *in, int32_t node, struct err *err)
{
	int rc = NOT_MINE;

	if (json_type_of(&in->doc, node) != JSON_OBJECT)
		return ingest_settle(in, ingest_say(in, "not a JSON object"));
	for (size_t i = 0; rc == NOT_MINE && i < sizeof shapes / sizeof shapes[0]; i++) {
		if (in->options.source && shapes[i].source && strcmp(in->options.source, shapes[i].source) != 0)
			continue;
		in->agent = shapes[i].source ? shapes[i].source : in->source;
		rc = shapes[i].handle(in, node, err);
	}
	if (rc == NOT_MINE)
		rc = ingest_say(in, "not an event, export or record that is known");
	return ingest_settle(in, rc);
}

/* A list on one line counts as its elements. */
static int handle(struct ingest *in, struct err *err)
{
	int rc = 0;

	if (json_type_of(&in->doc, 0) != JSON_ARRAY)
		return handle_one(in, 0, err);
	for (int32_t i = in->doc.nodes[0].first; rc == 0 && i != JSON_NONE; i = in->doc.nodes[i].next)
		rc = handle_one(in, i, err);
	return rc;
}

static bool is_transcript(const struct ingest *in)
{
	return in->claude || (in->options.source && strcmp(in->options.source, "claude") == 0);
}

static int take_text(struct ingest *in, const struct frame_value *value, struct err *err)
{
	int rc = json_parse(&in->doc, value->text, MAX_NODES, NULL);

	if (rc == 0)
		return handle(in, err);
	if (rc == LF_ENOMEM)
		return err_set(err, LF_ENOMEM, "%s:%llu: no memory", in->name, (unsigned long long)value->line);
	if (rc == LF_ELIMIT)
		say_too_many(in, value);
	else if (value->problem == FRAME_LAST && is_transcript(in))
		in->counts.skipped++; /* it is being written */
	else
		say_invalid(in, value);
	return 0;
}

static int take_value(void *context, const struct frame_value *value, struct err *err)
{
	struct ingest *in = context;

	in->line = value->line;
	in->counts.values++;
	switch (value->problem) {
	case FRAME_OVERSIZE:
		say_too_long(in, value);
		return 0;
	case FRAME_TRUNCATED:
		(void)ingest_say(in, "truncated document");
		return 0;
	case FRAME_BROKEN:
		(void)ingest_say(in, "invalid JSON: a broken document; skipped up to a line that begins a new one");
		return 0;
	case FRAME_OK:
	case FRAME_LAST:
		break;
	}
	return take_text(in, value, err);
}

static int64_t latest_plausible_ms(void)
{
	int64_t now_ms = clock_wall_ms();

	return now_ms < WRITTEN_MS ? INT64_MAX / 8192 : now_ms + AHEAD_MS;
}

int ingest_new(const struct ingest_options *options, struct ingest **ret, struct err *err)
{
	struct ingest *in;
	bool known = !options->source;

	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
		known = known || strcmp(options->source, sources[i]) == 0;
	if (!known)
		return err_set(err, LF_EINVAL, "--source %s: must be opencode or claude", options->source);
	in = xcalloc(1, sizeof *in);
	in->options = *options;
	in->source = xstrdup(options->source ? options->source : sources[0]);
	in->name = xstrdup(options->name ? options->name : "-");
	in->frame = frame_new(take_value, in);
	in->next = next_new();
	in->latest_ms = latest_plausible_ms();
	json_doc_init(&in->doc);
	buf_init(&in->body, 2 * INGEST_MAX_VALUE_BYTES);
	buf_init(&in->session, 1024);
	buf_init(&in->message, 1024);
	buf_init(&in->key, 2048);
	buf_init(&in->link, 1024);
	buf_init(&in->name_text, 0);
	buf_init(&in->type, 0);
	buf_init(&in->scratch, 2 * INGEST_MAX_VALUE_BYTES);
	*ret = in;
	return 0;
}

int ingest_feed(struct ingest *in, struct slice bytes, struct err *err)
{
	in->counts.bytes += bytes.len;
	return frame_feed(in->frame, bytes, err);
}

int ingest_value(struct ingest *in, struct slice text, uint64_t line, struct err *err)
{
	struct frame_value value = { .text = text, .line = line };

	in->counts.bytes += text.len;
	return take_value(in, &value, err);
}

void ingest_oversize(struct ingest *in, uint64_t bytes, uint64_t line)
{
	struct frame_value value = { .line = line, .bytes = bytes, .problem = FRAME_OVERSIZE };
	struct err ignored;

	(void)take_value(in, &value, &ignored);
}

void ingest_swap_memory(struct ingest *in, struct claude **memory)
{
	struct claude *before = in->claude;

	in->claude = *memory;
	*memory = before;
	if (before)
		buf_done(&before->text);
}

void ingest_memory_free(struct claude *memory)
{
	claude_free(memory);
}

size_t ingest_memory_bytes(const struct claude *memory)
{
	return claude_bytes(memory);
}

int ingest_finish(struct ingest *in, struct err *err)
{
	int rc = frame_finish(in->frame, err);

	return rc == 0 && in->claude ? claude_end(in, err) : rc;
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
	json_doc_done(&in->doc);
	buf_done(&in->body);
	buf_done(&in->session);
	buf_done(&in->message);
	buf_done(&in->key);
	buf_done(&in->link);
	buf_done(&in->name_text);
	buf_done(&in->type);
	buf_done(&in->scratch);
	next_free(in->next);
	claude_free(in->claude);
	free(in->source);
	free(in->name);
	free(in);
}
