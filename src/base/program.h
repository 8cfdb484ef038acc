/* Runs a program for what it prints. */
#ifndef LF_BASE_PROGRAM_H
#define LF_BASE_PROGRAM_H
#include "base/buf.h"
#include "base/err.h"
#include <stdatomic.h>

/*
 * Runs the file without arguments and appends its standard output to out, within out's cap. It gets an empty standard input, and its
 * standard error goes nowhere. It and what it has started are ended after timeout_ms, when out is full, or soon after *cancel (may be NULL)
 * is true. Fails when it cannot be run, ends badly or is ended; err names neither its output nor its path.
 */
int program_run(const char *path, int64_t timeout_ms, const atomic_bool *cancel, struct buf *out, struct err *err);

#endif
