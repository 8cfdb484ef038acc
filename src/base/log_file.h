/*
 * A log in daily files (of UTC days): DIR/lfspool-YYYY-MM-DD.log, mode 0600. A file that grows too long becomes
 * lfspool-YYYY-MM-DD.1.log, over an earlier one. Not thread-safe: log.c holds its lock.
 */
#ifndef LF_BASE_LOG_FILE_H
#define LF_BASE_LOG_FILE_H
#include "base/err.h"
#include "base/slice.h"
#include <stdint.h>

struct log_file;
/* Nothing is opened yet. keep_days: files of that many days before today's stay. max_bytes: of one file. */
struct log_file *log_file_new(const char *dir, unsigned keep_days, uint64_t max_bytes);
void log_file_free(struct log_file *file);
/*
 * Appends to the file of now's day, which is made (again) when it is not there; the first line of a day removes what is too old.
 * On failure nothing of the line is in the file, and the next call tries everything anew.
 */
int log_file_append(struct log_file *file, int64_t now_ms, struct slice line, struct err *err);

#endif
