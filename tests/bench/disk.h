/* What the disk and SQLite do with the same bytes when nothing else is done with them: the references of ingest. */
#ifndef LF_TESTS_BENCH_DISK_H
#define LF_TESTS_BENCH_DISK_H
#include <stddef.h>

/* Rows a second: blobs of that size into a table of one column, synchronous FULL, `group` of them a transaction. */
double disk_sqlite(const char *dir, size_t bytes, unsigned rows, unsigned group);
/* Rows a second: the same, appended to a file with an fdatasync after each group. */
double disk_append(const char *dir, size_t bytes, unsigned rows, unsigned group);
/* Bytes a second from one place in memory to another. */
double disk_memcpy(size_t bytes);

#endif
