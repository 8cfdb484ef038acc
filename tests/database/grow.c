/*
 * grow DATABASE SCHEMA COMMAND...: writes to a database as OpenCode does.
 *
 *   apply FILE [FROM COUNT]   the durable events of a recorded stream, one transaction each; of them COUNT from number FROM on
 *   silent FILE               the same, without rows in the event table
 *   hold FILE                 applies it and is killed with the database open: -wal and -shm stay
 *   sql TEXT                  SQL
 *   delete SESSION            as OpenCode deletes a session
 *
 * Prints how many events were written. A number before the command is a pause in ms between events.
 */
#include "../unit/opencode_writer.h"
#include "base/file.h"
#include <signal.h>
#include <time.h>
#include <unistd.h>

struct grow {
	struct opencode_writer writer;
	long pause_ms, from, count, seen, written;
};

static int apply(struct grow *grow, const char *file)
{
	struct buf text;
	struct err err = { 0 };

	buf_init(&text, 0);
	if (file_read_all(file, 1u << 30, &text, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (const char *p = text.data; p && *p;) {
		size_t n = strcspn(p, "\n");
		struct slice line = { p, n };
		bool mine = grow->seen >= grow->from && (grow->count < 0 || grow->written < grow->count);
		p += n + (p[n] == '\n');
		if (!writer_apply(NULL, line))
			continue;
		grow->seen++;
		if (!mine)
			continue;
		if (writer_apply(&grow->writer, line))
			grow->written++;
		if (grow->pause_ms > 0)
			nanosleep(&(struct timespec){ grow->pause_ms / 1000, grow->pause_ms % 1000 * 1000000L }, NULL);
	}
	buf_done(&text);
	return 0;
}

static int run(struct grow *grow, int argc, char **argv)
{
	const char *command = argc > 0 ? argv[0] : "";

	if (argc < 2)
		return 2;
	if (argc == 4) {
		grow->from = atol(argv[2]);
		grow->count = atol(argv[3]);
	}
	if (strcmp(command, "sql") == 0)
		writer_exec(&grow->writer, argv[1]);
	else if (strcmp(command, "delete") == 0)
		writer_delete(&grow->writer, slice_of(argv[1]));
	else if (strcmp(command, "apply") == 0 || strcmp(command, "silent") == 0 || strcmp(command, "hold") == 0) {
		grow->writer.no_events = strcmp(command, "silent") == 0;
		if (apply(grow, argv[1]) != 0)
			return 1;
		printf("%ld\n", grow->written);
		if (strcmp(command, "hold") == 0) {
			fflush(stdout);
			raise(SIGKILL);
		}
	} else {
		return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct grow grow = { .count = -1 };
	struct buf schema;
	struct err err = { 0 };
	int status, first = 3;

	if (argc < 5)
		return 2;
	buf_init(&schema, 0);
	if (access(argv[1], F_OK) != 0 && file_read_all(argv[2], 1u << 20, &schema, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	writer_open(&grow.writer, argv[1], schema.data);
	if (argv[first][0] >= '0' && argv[first][0] <= '9')
		grow.pause_ms = atol(argv[first++]);
	status = run(&grow, argc - first, argv + first);
	writer_close(&grow.writer);
	buf_done(&schema);
	return status;
}
