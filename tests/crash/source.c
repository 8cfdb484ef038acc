/* The source; see source.h. */
#include "source.h"
#include "script.h"

#define PER_SESSION 6

/* Of each session: its record, the message as it begins, a text, a tool as it runs and when it is done, the message's end. */
static const struct {
	enum record_kind kind;
	enum record_level level;
	const char *tail; /* of the key */
	const char *before;
	int size; /* of the text behind it */
} rows[PER_SESSION] = {
	{ RECORD_SESSION, RECORD_FINAL, "", "{\"created\":1,\"title\":\"", 10 },
	{ RECORD_MESSAGE, RECORD_PARTIAL, "/m", "{\"role\":\"assistant\",\"text\":\"", 40 },
	{ RECORD_PART, RECORD_FINAL, "/a", "{\"type\":\"text\",\"text\":\"", 700 },
	{ RECORD_PART, RECORD_PROGRESS, "/b", "{\"type\":\"tool\",\"status\":\"running\",\"input\":\"", 90 },
	{ RECORD_PART, RECORD_FINAL, "/b", "{\"type\":\"tool\",\"status\":\"completed\",\"output\":\"", 1000 },
	{ RECORD_MESSAGE, RECORD_FINAL, "/m", "{\"role\":\"assistant\",\"finish\":\"stop\",\"completed\":9,\"text\":\"", 60 },
};

/* Some texts are longer than a page. The last sessions are large: they are what the cap is about. */
static int size_of(int entry)
{
	int row = entry % PER_SESSION, session = entry / PER_SESSION;

	if (row != 4)
		return rows[row].size;
	return session >= 6 ? 100 * rows[row].size : session % 3 == 1 ? 20 * rows[row].size : rows[row].size;
}

bool source_is_bad(int entry)
{
	return entry == 13 || entry == 31;
}

bool source_is_repeated(int entry)
{
	return entry == 27;
}

bool source_is_stored(int entry)
{
	return !source_is_bad(entry) && !source_is_repeated(entry);
}

bool source_is_refused(int entry)
{
	return entry == 22;
}

bool source_answer_is_lost(int entry)
{
	return entry == 16;
}

bool source_has_span(int entry)
{
	return entry % PER_SESSION != 0 && rows[entry % PER_SESSION].level == RECORD_FINAL;
}

int source_count(int end, bool (*which)(int entry))
{
	int count = 0;

	for (int i = 0; i < end; i++)
		count += which(i);
	return count;
}

static struct slice part(const struct buf *buf, size_t from, size_t to)
{
	return (struct slice){ buf->data + from, to - from };
}

static void make_entry(int entry, struct clean_record_view *ret, struct buf *text)
{
	int from = source_is_repeated(entry) ? entry - 1 : entry, row = from % PER_SESSION;
	size_t session, key, message;

	buf_init(text, 0);
	buf_format(text, "s%d", from / PER_SESSION);
	session = text->len;
	buf_text(text, rows[row].tail);
	key = text->len;
	buf_format(text, "s%d/m", from / PER_SESSION);
	message = text->len;
	buf_text(text, rows[row].before);
	buf_format(text, "%0*d\"}", size_of(from), from);
	*ret = (struct clean_record_view){
		.kind = rows[row].kind, .level = rows[row].level, .source = SLICE("opencode"), .time_ms = 1000 + from, .order = (uint64_t)(from + 1),
		.session = part(text, 0, session), .key = part(text, 0, key), .message = row == 0 ? SLICE("") : part(text, key, message),
		.link = SLICE(""), .body = part(text, message, text->len),
	};
}

/* Made once: most of the time of these tests would go there. */
void source_entry(int entry, struct clean_record_view *ret)
{
	static struct clean_record_view made[ENTRIES];
	static struct buf texts[ENTRIES];

	if (texts[entry].len == 0)
		make_entry(entry, &made[entry], &texts[entry]);
	*ret = made[entry];
}

int source_find(struct slice key, enum record_level level)
{
	struct clean_record_view view;

	for (int i = 0; i < ENTRIES; i++) {
		source_entry(i, &view);
		if (view.level == level && slice_equal(view.key, key))
			return i;
	}
	return -1;
}
