/*
 * Log lines. A line is built in memory and leaves in one write(), so that lines of threads (and of
 * processes that share the descriptor) do not mix. Nothing here takes a lock.
 */
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_LINE_BYTES 8192
#define MAX_PAIRS_BYTES 2048

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static atomic_int threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

/* Takes `name=value` or `name="value"` off the front of logfmt text. */
static bool take_pair(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
	const char *p = rest->ptr, *end = p + rest->len, *start;

	while (p < end && *p == ' ')
		p++;
	start = p;
	while (p < end && *p != '=' && *p != ' ')
		p++;
	*ret_name = (struct slice){ start, (size_t)(p - start) };
	*ret_value = SLICE_NONE;
	if (p < end && *p == '=') {
		bool quoted = ++p < end && *p == '"';
		const char stop = quoted ? '"' : ' ';

		start = p += quoted;
		while (p < end && *p != stop)
			p++;
		*ret_value = (struct slice){ start, (size_t)(p - start) };
		p += quoted && p < end;
	}
	*rest = (struct slice){ p, (size_t)(end - p) };
	return ret_name->len > 0;
}

/* A whole number is written as one; everything else is a string. */
static bool is_integer(struct slice value)
{
	size_t digits = value.len;
	const char *p = value.ptr;

	if (digits && *p == '-') {
		p++;
		digits--;
	}
	if (!digits || digits > 18 || (digits > 1 && *p == '0'))
		return false;
	for (size_t i = 0; i < digits; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

static void write_json(struct buf *line, const char *time, const char *level, const char *event, struct slice pairs)
{
	struct json_writer writer;
	struct slice name, value;

	json_writer_init(&writer, line);
	jw_object(&writer);
	jw_key(&writer, "time");
	jw_text(&writer, time);
	jw_key(&writer, "level");
	jw_text(&writer, level);
	jw_key(&writer, "event");
	jw_text(&writer, event);
	while (take_pair(&pairs, &name, &value)) {
		jw_key_slice(&writer, name);
		if (is_integer(value))
			jw_raw(&writer, value);
		else
			jw_string(&writer, value);
	}
	jw_object_close(&writer);
}

static void write_logfmt(struct buf *line, const char *time, const char *level, const char *event, struct slice pairs)
{
	buf_format(line, "time=%s level=%s event=%s", time, level, event);
	if (pairs.len)
		buf_char(line, ' ');
	/* A control character could forge a line or drive the terminal. */
	for (size_t i = 0; i < pairs.len; i++)
		buf_char(line, (unsigned char)pairs.ptr[i] < 0x20 || pairs.ptr[i] == 0x7f ? '?' : pairs.ptr[i]);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	char pairs[MAX_PAIRS_BYTES] = "", time[32];
	struct buf line;
	va_list args;

	if ((int)level > atomic_load(&threshold))
		return;
	if (format) {
		va_start(args, format);
		vsnprintf(pairs, sizeof(pairs), format, args);
		va_end(args);
	}
	clock_format_iso(clock_wall_ms(), time);
	/* Escapes at most sextuple a byte, but a line that long is not worth more memory. */
	buf_init(&line, MAX_LINE_BYTES);
	if (isatty(STDERR_FILENO))
		write_logfmt(&line, time, level_names[level], event, slice_of(pairs));
	else
		write_json(&line, time, level_names[level], event, slice_of(pairs));
	if (!buf_char(&line, '\n'))
		file_write_all(STDERR_FILENO, buf_view(&line));
	buf_done(&line);
}
