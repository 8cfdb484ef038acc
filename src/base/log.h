/*
 * The log: one line per event on standard error, logfmt on a terminal, JSON otherwise.
 * Never payload, keys or a server's body: ids, counts and codes only. Thread-safe.
 */
#ifndef LF_BASE_LOG_H
#define LF_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
/*
 * event: a short stable name, "flush.paused". format: logfmt pairs, "code=%d host=%s"
 * (values with blanks are the caller's to quote: use %s inside \"…\"), or NULL.
 */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
