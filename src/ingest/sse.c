#include "ingest/sse.h"
#include "base/mem.h"
#include <stdlib.h>

#define FIELD_MAX_BYTES 16 /* no field that matters has a longer name */

enum place {
	IN_NAME,   /* at the beginning of a line, before its colon */
	IN_BLANK,  /* behind "data:", where one blank is no part of the value */
	IN_DATA,
	IN_OTHER   /* a comment, or a field that does not matter */
};

struct sse {
	sse_fn *fn;
	void *context;
	size_t max_bytes;
	enum place place;
	char name[FIELD_MAX_BYTES];
	size_t name_len;
	struct buf data;
	uint64_t data_bytes; /* also of what was not kept */
	unsigned lines;      /* of data in this event */
	bool after_cr;
	bool begun;          /* a byte order mark may stand only before all else */
	unsigned mark;       /* bytes of it that were seen */
};

struct sse *sse_new(size_t max_bytes, sse_fn *fn, void *context)
{
	struct sse *sse = xcalloc(1, sizeof *sse);

	sse->fn = fn;
	sse->context = context;
	sse->max_bytes = max_bytes;
	buf_init(&sse->data, max_bytes);
	return sse;
}

void sse_free(struct sse *sse)
{
	if (!sse)
		return;
	buf_done(&sse->data);
	free(sse);
}

static void begin_event(struct sse *sse)
{
	buf_clear(&sse->data);
	sse->data_bytes = 0;
	sse->lines = 0;
}

static void begin_line(struct sse *sse)
{
	sse->place = IN_NAME;
	sse->name_len = 0;
}

void sse_reset(struct sse *sse)
{
	begin_event(sse);
	begin_line(sse);
	sse->after_cr = sse->begun = false;
	sse->mark = 0;
}

static void add_data(struct sse *sse, const char *bytes, size_t n)
{
	sse->data_bytes += n;
	if (sse->data_bytes <= sse->max_bytes)
		buf_append(&sse->data, bytes, n);
	else
		buf_clear(&sse->data);
}

static void begin_data(struct sse *sse)
{
	if (sse->lines++ > 0)
		add_data(sse, "\n", 1);
	sse->place = IN_BLANK;
}

static bool name_is_data(const struct sse *sse)
{
	return sse->name_len == 4 && memcmp(sse->name, "data", 4) == 0;
}

static int end_event(struct sse *sse, struct err *err)
{
	struct slice data = buf_view(&sse->data);
	bool whole = sse->data_bytes <= sse->max_bytes;
	int rc = 0;

	if (sse->lines > 0 && (sse->data_bytes > 0))
		rc = sse->fn(sse->context, whole ? data : SLICE_NONE, whole ? 0 : sse->data_bytes, err);
	begin_event(sse);
	return rc;
}

static int end_line(struct sse *sse, struct err *err)
{
	bool blank = sse->place == IN_NAME && sse->name_len == 0;

	if (sse->place == IN_NAME && name_is_data(sse)) /* a name alone has an empty value */
		begin_data(sse);
	begin_line(sse);
	return blank ? end_event(sse, err) : 0;
}

/* One byte of a line, up to where its value begins. */
static void take_byte(struct sse *sse, char c)
{
	if (sse->place == IN_BLANK) {
		sse->place = IN_DATA;
		if (c != ' ')
			add_data(sse, &c, 1);
	} else if (c == ':') {
		if (name_is_data(sse))
			begin_data(sse);
		else
			sse->place = IN_OTHER;
	} else if (sse->name_len == FIELD_MAX_BYTES) {
		sse->place = IN_OTHER;
	} else {
		sse->name[sse->name_len++] = c;
	}
}

/* Up to the end of the line, at once. */
static size_t take_run(struct sse *sse, struct slice rest)
{
	size_t n = 0;

	while (n < rest.len && rest.ptr[n] != '\n' && rest.ptr[n] != '\r')
		n++;
	if (sse->place == IN_DATA)
		add_data(sse, rest.ptr, n);
	return n;
}

/* True when the byte belongs to a mark at the beginning of the stream. */
static bool is_mark(struct sse *sse, char c)
{
	static const char mark[] = "\xEF\xBB\xBF";

	if (sse->begun)
		return false;
	if (sse->mark < 3 && c == mark[sse->mark]) {
		sse->mark++;
		return true;
	}
	sse->begun = true;
	return false;
}

int sse_feed(struct sse *sse, struct slice bytes, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < bytes.len && rc == 0;) {
		char c = bytes.ptr[i];
		bool second = c == '\n' && sse->after_cr;

		sse->after_cr = c == '\r';
		if (second || is_mark(sse, c)) {
			i++;
		} else if (c == '\n' || c == '\r') {
			rc = end_line(sse, err);
			i++;
		} else if (sse->place == IN_DATA || sse->place == IN_OTHER) {
			i += take_run(sse, (struct slice){ bytes.ptr + i, bytes.len - i });
		} else {
			take_byte(sse, c);
			i++;
		}
	}
	return rc;
}
