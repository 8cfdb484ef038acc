/*
 * What a small transaction did, as bytes: one note for each call of spool.h, so that it can be done again after a power cut
 * (FORMAT.md "The intake"). A note is its kind, its numbers and its texts.
 */
#include "spool_internal.h"
#include "base/clock.h"
#include "event/clean_record_make.h"

#define NUMBER_BYTES 8
#define MAX_NUMBERS 5
#define MAX_TEXTS 6
#define NOTES_BYTES (16u << 10) /* above this a transaction is not small */

/* The kinds stand in the file. */
enum note_kind { NOTE_RECORD = 1, NOTE_COUNT, NOTE_COUNTED, NOTE_CURSOR, NOTE_KINDS };

struct values {
	uint64_t numbers[MAX_NUMBERS];
	struct slice texts[MAX_TEXTS];
};

typedef int apply_fn(struct spool *spool, const struct values *values, struct err *err);
static apply_fn apply_record, apply_count, apply_counted, apply_cursor;

static const struct {
	size_t numbers, texts;
	apply_fn *apply;
} kinds[NOTE_KINDS] = {
	[NOTE_RECORD] = { 5, 6, apply_record },
	[NOTE_COUNT] = { 1, 2, apply_count },
	[NOTE_COUNTED] = { 2, 0, apply_counted },
	[NOTE_CURSOR] = { 0, 3, apply_cursor },
};

/* ---- writing ---- */

static char *put_number(char *to, uint64_t number)
{
	const uint8_t bytes[NUMBER_BYTES] = { (uint8_t)(number >> 56), (uint8_t)(number >> 48), (uint8_t)(number >> 40), (uint8_t)(number >> 32),
		                              (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),  (uint8_t)number };

	memcpy(to, bytes, sizeof bytes);
	return to + sizeof bytes;
}

/* Texts with their lengths before them, so that no two rows of values are the same bytes. */
static char *put_text(char *to, struct slice text)
{
	to = put_number(to, text.len);
	if (text.len)
		memcpy(to, text.ptr, text.len);
	return to + text.len;
}

int note_pack(struct buf *out, const uint64_t *numbers, size_t count, const struct slice *texts, size_t text_count)
{
	size_t n = count * NUMBER_BYTES;
	char *to;

	for (size_t i = 0; i < text_count; i++)
		n += NUMBER_BYTES + texts[i].len;
	to = buf_reserve(out, n);
	if (!to)
		return out->failed;
	for (size_t i = 0; i < count; i++)
		to = put_number(to, numbers[i]);
	for (size_t i = 0; i < text_count; i++)
		to = put_text(to, texts[i]);
	*to = '\0';
	out->len += n;
	return 0;
}

static size_t bytes_of(enum note_kind kind, const struct values *values)
{
	size_t n = 1 + kinds[kind].numbers * NUMBER_BYTES;

	for (size_t i = 0; i < kinds[kind].texts; i++)
		n += NUMBER_BYTES + values->texts[i].len;
	return n;
}

static void add(struct spool *spool, enum note_kind kind, const struct values *values)
{
	struct intake *intake = &spool->intake;

	if (!spool->small || !intake->noting)
		return;
	/* What is done within another is not done again alone: it came of what was found there. */
	intake->noting = intake->within == 0 && bytes_of(kind, values) <= NOTES_BYTES;
	if (!intake->noting)
		return;
	buf_char(&intake->notes, (char)kind);
	(void)note_pack(&intake->notes, values->numbers, kinds[kind].numbers, values->texts, kinds[kind].texts);
	intake->noting = !intake->notes.failed && intake->notes.len <= NOTES_BYTES;
}

void note_record(struct spool *spool, const struct clean_record_view *view)
{
	add(spool, NOTE_RECORD, &(struct values){ { (uint64_t)view->kind, (uint64_t)view->level, view->order, (uint64_t)view->time_ms, (uint64_t)clock_wall_ms() },
	                                          { view->source, view->session, view->message, view->key, view->link, view->body } });
}

void note_count(struct spool *spool, const char *name, const char *label, int64_t number)
{
	add(spool, NOTE_COUNT, &(struct values){ { (uint64_t)number }, { slice_of(name), slice_of(label) } });
}

void note_counted(struct spool *spool, struct late_counted counted)
{
	add(spool, NOTE_COUNTED, &(struct values){ { (uint64_t)counted.place, (uint64_t)counted.hash }, { SLICE_NONE } });
}

void note_cursor(struct spool *spool, struct slice source, struct slice name, struct slice value)
{
	add(spool, NOTE_CURSOR, &(struct values){ { 0 }, { source, name, value } });
}

/* ---- doing it again ---- */

static int apply_record(struct spool *spool, const struct values *v, struct err *err)
{
	const struct clean_record_view view = {
		.kind = (enum record_kind)v->numbers[0], .level = (enum record_level)v->numbers[1], .order = v->numbers[2], .time_ms = (int64_t)v->numbers[3],
		.source = v->texts[0], .session = v->texts[1], .message = v->texts[2], .key = v->texts[3], .link = v->texts[4], .body = v->texts[5],
	};
	struct clean_record *record = clean_record_new(&view);
	int rc;

	spool->intake.stored_ms = (int64_t)v->numbers[4];
	rc = spool_append(spool, record, NULL, err);
	spool->intake.stored_ms = 0;
	clean_record_free(record);
	return rc;
}

static int apply_count(struct spool *spool, const struct values *v, struct err *err)
{
	struct buf name, label;
	int rc = LF_ENOMEM;

	buf_init(&name, 0);
	buf_init(&label, 0);
	if (buf_slice(&name, v->texts[0]) == 0 && buf_char(&name, '\0') == 0 && buf_slice(&label, v->texts[1]) == 0 && buf_char(&label, '\0') == 0)
		rc = spool_count(spool, name.data, label.data, (int64_t)v->numbers[0], err);
	buf_done(&name);
	buf_done(&label);
	return rc;
}

static int apply_counted(struct spool *spool, const struct values *v, struct err *err)
{
	return late_counted_set(spool, (struct late_counted){ .place = (int64_t)v->numbers[0], .hash = (int64_t)v->numbers[1] }, err);
}

static int apply_cursor(struct spool *spool, const struct values *v, struct err *err)
{
	return spool_cursor_set(spool, v->texts[0], v->texts[1], v->texts[2], err);
}

static bool take_number(struct slice *from, uint64_t *ret)
{
	*ret = 0;
	if (from->len < NUMBER_BYTES)
		return false;
	for (size_t i = 0; i < NUMBER_BYTES; i++)
		*ret = *ret << 8 | (uint8_t)from->ptr[i];
	*from = (struct slice){ from->ptr + NUMBER_BYTES, from->len - NUMBER_BYTES };
	return true;
}

static bool take_text(struct slice *from, struct slice *ret)
{
	uint64_t len;

	if (!take_number(from, &len) || len > from->len)
		return false;
	*ret = (struct slice){ from->ptr, (size_t)len };
	*from = (struct slice){ from->ptr + len, from->len - (size_t)len };
	return true;
}

/* False: no note begins there. */
static bool take(struct slice *from, enum note_kind *ret_kind, struct values *ret)
{
	bool good = from->len > 0;
	unsigned kind = good ? (uint8_t)from->ptr[0] : 0;

	good = good && kind >= NOTE_RECORD && kind < NOTE_KINDS;
	if (!good)
		return false;
	*ret_kind = (enum note_kind)kind;
	*from = (struct slice){ from->ptr + 1, from->len - 1 };
	for (size_t i = 0; good && i < kinds[kind].numbers; i++)
		good = take_number(from, &ret->numbers[i]);
	for (size_t i = 0; good && i < kinds[kind].texts; i++)
		good = take_text(from, &ret->texts[i]);
	return good;
}

bool note_are_whole(struct slice notes)
{
	enum note_kind kind;
	struct values values;

	while (notes.len > 0)
		if (!take(&notes, &kind, &values))
			return false;
	return true;
}

int note_apply(struct spool *spool, struct slice notes, struct err *err)
{
	enum note_kind kind;
	struct values values;
	int rc = 0;

	while (rc == 0 && notes.len > 0) {
		(void)take(&notes, &kind, &values);
		rc = kinds[kind].apply(spool, &values, err);
	}
	return rc;
}
