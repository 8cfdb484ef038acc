/*
 * The log: one line per event on standard error, logfmt on a terminal, JSON otherwise (with its priority for the journal),
 * or as JSON in daily files. Never payload, keys or a server's body: ids, counts and codes only.
 * Thread-safe. Logging fails no caller.
 */
#ifndef LF_BASE_LOG_H
#define LF_BASE_LOG_H
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
/*
 * Lines go to daily files in dir (log_file.h) from now on, and to a terminal still; where a file cannot be written, to standard
 * error. NULL: to standard error only. dir is copied.
 */
void log_set_files(const char *dir, unsigned keep_days, uint64_t max_bytes);
/*
 * event: a short stable name, "flush.paused". format: logfmt pairs, "code=%d host=%s"
 * (values with blanks are the caller's to quote: use %s inside \"…\"), or NULL.
 */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
