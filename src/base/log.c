/* One line per event on standard error: logfmt on a terminal, JSON otherwise. One write() a line, so lines never mix. */
#include "base/log.h"
#include "base/clock.h"
#include "base/json.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define MAX_LINE_BYTES 4096

static _Atomic int threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

/* One pair of the logfmt text at *rest as a JSON member; quotes around a value are taken off. */
static void write_pair(struct json_writer *out, const char **rest)
{
	const char *p = *rest, *eq = strchr(p, '='), *value, *end;

	if (!eq) {
		*rest = p + strlen(p);
		return;
	}
	jw_key_slice(out, (struct slice){ p, (size_t)(eq - p) });
	value = eq + 1;
	if (*value == '"') {
		end = strstr(++value, "\" ");
		if (!end) {
			end = value + strlen(value);
			end -= end > value && end[-1] == '"';
		}
		*rest = *end ? end + 1 : end;
	} else {
		end = value + strcspn(value, " ");
		*rest = end;
	}
	jw_string(out, (struct slice){ value, (size_t)(end - value) });
	*rest += strspn(*rest, " ");
}

static void write_json(struct buf *line, const char *when, const char *level, const char *event, const char *pairs)
{
	struct json_writer out;

	json_writer_init(&out, line);
	jw_object(&out);
	jw_key(&out, "time");
	jw_text(&out, when);
	jw_key(&out, "level");
	jw_text(&out, level);
	jw_key(&out, "event");
	jw_text(&out, event);
	while (*pairs)
		write_pair(&out, &pairs);
	jw_object_close(&out);
	buf_char(line, '\n');
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	char pairs[1024] = "", when[32];
	struct buf line;
	va_list ap;

	if ((int)level > atomic_load(&threshold))
		return;
	if (format) {
		va_start(ap, format);
		vsnprintf(pairs, sizeof pairs, format, ap);
		va_end(ap);
	}
	for (char *p = pairs; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	clock_format_iso(clock_wall_ms(), when);
	buf_init(&line, MAX_LINE_BYTES);
	if (isatty(STDERR_FILENO))
		buf_format(&line, "%s %s %s %s\n", when, names[level], event, pairs);
	else
		write_json(&line, when, names[level], event, pairs);
	(void)!write(STDERR_FILENO, line.data, line.len);
	buf_done(&line);
}
