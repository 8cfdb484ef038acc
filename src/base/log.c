/*
 * Log lines. A line is built in memory and leaves in one write(), so that lines of threads (and of
 * processes that share the descriptor) do not mix. Only the files need a lock, which nothing else is taken under.
 */
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log_file.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINE_BYTES 8192
#define MAX_PAIRS_BYTES 2048

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const int journal_levels[] = { 3, 4, 6, 7 }; /* as syslog(3) counts */
static atomic_int threshold = LOG_LEVEL_INFO;
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_file *files; /* NULL: standard error only */
static bool files_failing;     /* that was said */

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

void log_set_files(const char *dir, unsigned keep_days, uint64_t max_bytes)
{
	pthread_mutex_lock(&files_lock);
	log_file_free(files);
	files = dir ? log_file_new(dir, keep_days, max_bytes) : NULL;
	files_failing = false;
	pthread_mutex_unlock(&files_lock);
}

/* systemd says in $JOURNAL_STREAM which file its journal is; standard error may have been turned elsewhere since. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       device == (uintmax_t)st.st_dev && inode == (uintmax_t)st.st_ino;
}

static void put_line(void (*write)(struct buf *, const char *, const char *, const char *, struct slice), enum log_level level,
                     int64_t now_ms, const char *event, struct slice pairs, struct buf *line)
{
	char time[32];

	clock_format_iso(now_ms, time);
	write(line, time, level_names[level], event, pairs);
	buf_char(line, '\n');
}

static void to_stderr(enum log_level level, int64_t now_ms, const char *event, const char *pairs)
{
	struct buf line;

	/* Escapes at most sextuple a byte, but a line that long is not worth more memory. */
	buf_init(&line, MAX_LINE_BYTES);
	if (stderr_is_journal())
		buf_format(&line, "<%d>", journal_levels[level]);
	put_line(isatty(STDERR_FILENO) ? write_logfmt : write_json, level, now_ms, event, slice_of(pairs), &line);
	if (!line.failed)
		file_write_all(STDERR_FILENO, buf_view(&line));
	buf_done(&line);
}

/* True when the line is in a file; the first failure is told on standard error, where the lines go meanwhile. */
static bool to_files(enum log_level level, int64_t now_ms, const char *event, const char *pairs)
{
	char why[MAX_PAIRS_BYTES];
	struct buf line;
	struct err err = { 0 };
	bool written = false, say = false;

	buf_init(&line, MAX_LINE_BYTES);
	put_line(write_json, level, now_ms, event, slice_of(pairs), &line);
	pthread_mutex_lock(&files_lock);
	if (files && !line.failed) {
		written = log_file_append(files, now_ms, buf_view(&line), &err) == 0;
		say = !written && !files_failing;
		files_failing = !written;
	}
	pthread_mutex_unlock(&files_lock);
	buf_done(&line);
	if (say) {
		snprintf(why, sizeof why, "error=\"%s\" note=\"standard error has the log until this is mended\"", err.text);
		to_stderr(LOG_LEVEL_ERROR, now_ms, "log.file", why);
	}
	return written;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	char pairs[MAX_PAIRS_BYTES] = "";
	int64_t now_ms = clock_wall_ms();
	va_list args;

	if ((int)level > atomic_load(&threshold))
		return;
	if (format) {
		va_start(args, format);
		vsnprintf(pairs, sizeof(pairs), format, args);
		va_end(args);
	}
	if (!to_files(level, now_ms, event, pairs) || isatty(STDERR_FILENO))
		to_stderr(level, now_ms, event, pairs);
}
