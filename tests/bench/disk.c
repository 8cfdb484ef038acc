#include "disk.h"
#include "bench.h"
#include "base/file.h"
#include "base/mem.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes that do not compress, should a file system do so. */
static char *noise(size_t bytes)
{
	struct bench_random random = { 7 };
	char *ret = xmalloc(bytes + 8);

	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t word = bench_next(&random);
		memcpy(ret + i, &word, sizeof word);
	}
	return ret;
}

static void run(sqlite3 *db, const char *sql)
{
	char *words = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &words) == SQLITE_OK)
		return;
	fprintf(stderr, "bench: %s: %s\n", sql, words ? words : "");
	exit(1);
}

double disk_sqlite(const char *dir, size_t bytes, unsigned rows, unsigned group)
{
	char *path = file_join(dir, "reference.db"), *row = noise(bytes);
	sqlite3_stmt *insert;
	sqlite3 *db;
	double start;

	unlink(path);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		exit(1);
	run(db, "pragma journal_mode=wal; pragma synchronous=full; create table t(id integer primary key, body blob)");
	sqlite3_prepare_v2(db, "insert into t(body) values(?1)", -1, &insert, NULL);
	start = bench_wall();
	for (unsigned i = 0; i < rows; i++) {
		if (i % group == 0)
			run(db, "begin");
		sqlite3_bind_blob(insert, 1, row, (int)bytes, SQLITE_STATIC);
		sqlite3_step(insert);
		sqlite3_reset(insert);
		if (i % group == group - 1 || i == rows - 1)
			run(db, "commit");
	}
	start = bench_wall() - start;
	sqlite3_finalize(insert);
	sqlite3_close(db);
	unlink(path);
	free(path);
	free(row);
	return rows / start;
}

double disk_append(const char *dir, size_t bytes, unsigned rows, unsigned group)
{
	char *path = file_join(dir, "reference.log"), *row = noise(bytes);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	double start = bench_wall();

	for (unsigned i = 0; i < rows && fd >= 0; i++) {
		if (write(fd, row, bytes) != (ssize_t)bytes)
			exit(1);
		if (i % group == group - 1 || i == rows - 1)
			fdatasync(fd);
	}
	start = bench_wall() - start;
	close(fd);
	unlink(path);
	free(path);
	free(row);
	return rows / start;
}

double disk_memcpy(size_t bytes)
{
	char *from = noise(1u << 20), *to = xmalloc(1u << 20);
	double start = bench_wall();
	size_t done = 0;

	for (; done < bytes; done += 1u << 20) {
		memcpy(to, from, 1u << 20);
		__asm__ volatile("" : : "r"(to) : "memory"); /* it must really be copied */
	}
	start = bench_wall() - start;
	free(from);
	free(to);
	return (double)done / start;
}
