/* The model of a disk; see disk.h. */
#include "disk.h"
#include "base/mem.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512

const char *const cut_names[CUT_COUNT] = { "killed", "dropped", "prefix", "torn", "reordered" };

/* ---- files ---- */

static void file_resize(struct disk_file *file, size_t len)
{
	if (len > file->len) {
		file->bytes = xrealloc(file->bytes, len);
		memset(file->bytes + file->len, 0, len - file->len);
	}
	file->len = len;
}

static void file_put(struct disk_file *file, const struct disk_op *op)
{
	if (op->kind == DISK_TRUNCATE) {
		file_resize(file, (size_t)op->offset);
		return;
	}
	if ((size_t)op->offset + op->size > file->len)
		file_resize(file, (size_t)op->offset + op->size);
	if (op->size > 0)
		memcpy(file->bytes + op->offset, op->data, op->size);
}

/* Only those sectors of a write whose bit is set in the pattern (by turns of 64). */
static void file_put_torn(struct disk_file *file, const struct disk_op *op, uint64_t pattern)
{
	for (size_t at = 0, i = 0; at < op->size; i++) {
		size_t end = (((size_t)op->offset + at) / SECTOR + 1) * SECTOR - (size_t)op->offset;
		struct disk_op part = { .kind = DISK_WRITE, .offset = op->offset + (int64_t)at };
		part.size = (end < op->size ? end : op->size) - at;
		part.data = op->data + at;
		if (pattern >> (i % 64) & 1)
			file_put(file, &part);
		at += part.size;
	}
}

/* ---- putting operations ---- */

static bool is_of_names(enum disk_op_kind kind)
{
	return kind == DISK_CREATE || kind == DISK_UNLINK || kind == DISK_RENAME;
}

static void put_name(int *names, const struct disk_op *op)
{
	if (op->kind == DISK_CREATE) {
		names[op->name] = op->file;
	} else if (op->kind == DISK_UNLINK) {
		names[op->name] = -1;
	} else {
		names[op->to] = names[op->name];
		names[op->name] = -1;
	}
}

/* What waits and fits becomes durable (or, after a failed sync, is lost); the rest waits on. */
static void settle(struct disk *disk, const struct disk_op *sync)
{
	size_t left = 0;

	for (size_t i = 0; i < disk->count; i++) {
		const struct disk_op *op = disk->pending[i];
		bool fits = sync->kind == DISK_SYNC_DIR ? is_of_names(op->kind) : !is_of_names(op->kind) && op->file == sync->file;
		if (!fits)
			disk->pending[left++] = op;
		else if (sync->kind == DISK_SYNC_DIR)
			put_name(disk->names, op);
		else if (sync->kind == DISK_SYNC)
			file_put(&disk->files[op->file], op);
	}
	disk->count = left;
}

static void put(struct disk *disk, const struct disk_op *op)
{
	if (op->kind == DISK_SYNC || op->kind == DISK_SYNC_FAILED || op->kind == DISK_SYNC_DIR) {
		settle(disk, op);
		return;
	}
	if (disk->count == disk->cap) {
		disk->cap = disk->cap ? disk->cap * 2 : 256;
		disk->pending = xrealloc(disk->pending, disk->cap * sizeof *disk->pending);
	}
	disk->pending[disk->count++] = op;
}

void disk_init(struct disk *disk, const struct journal *journal)
{
	*disk = (struct disk){ .journal = journal };
	for (int i = 0; i < DISK_NAMES; i++)
		disk->names[i] = -1;
	disk_advance(disk, 0);
}

void disk_advance(struct disk *disk, size_t at)
{
	while (disk->at < disk->journal->start + at)
		put(disk, &disk->journal->ops[disk->at++]);
}

void disk_done(struct disk *disk)
{
	for (int i = 0; i < DISK_NAMES; i++)
		free(disk->files[i].bytes);
	free(disk->pending);
}

size_t disk_pending(const struct disk *disk)
{
	return disk->count;
}

/* ---- the cut ---- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* For each waiting operation the sectors that are kept: all bits, none, or some. */
static void choose(const struct disk *disk, enum cut cut, uint64_t seed, uint64_t *keep)
{
	size_t end = cut == CUT_KILL ? disk->count : cut == CUT_DROP || disk->count == 0 ? 0 : next_random(&seed) % (disk->count + 1);
	size_t torn = disk->count;

	/* A cut in the middle of the last write is the likeliest: half of those in parts are that. */
	if (cut == CUT_TORN && disk->count > 0) {
		torn = next_random(&seed) % 2 ? disk->count - 1 : next_random(&seed) % disk->count;
		end = torn;
	}
	for (size_t i = 0; i < disk->count; i++) {
		uint64_t draw = next_random(&seed), pattern = next_random(&seed);
		if (cut != CUT_REORDER)
			keep[i] = i < end ? UINT64_MAX : i == torn ? (draw % 2 ? pattern : UINT64_MAX >> (1 + pattern % 63)) : 0;
		else
			keep[i] = draw % 8 == 0 ? pattern : draw % 2 ? UINT64_MAX : 0;
	}
}

static void write_file(const char *dir, const char *name, const struct disk_file *file)
{
	char path[512];
	size_t done = 0;
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && done < file->len) {
		ssize_t n = write(fd, file->bytes + done, file->len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (fd < 0 || ftruncate(fd, (off_t)file->len) != 0 || close(fd) != 0 || done != file->len)
		abort();
}

static void write_cut_file(const struct disk *disk, int name, int id, const uint64_t *keep, const char *dir)
{
	const struct disk_file *from = &disk->files[id];
	struct disk_file file = { .bytes = xmalloc(from->len + 1), .len = from->len };

	if (from->len > 0)
		memcpy(file.bytes, from->bytes, from->len);
	for (size_t i = 0; i < disk->count; i++) {
		const struct disk_op *op = disk->pending[i];
		if (is_of_names(op->kind) || op->file != id || keep[i] == 0)
			continue;
		if (op->kind == DISK_TRUNCATE || keep[i] == UINT64_MAX)
			file_put(&file, op);
		else
			file_put_torn(&file, op, keep[i]);
	}
	write_file(dir, disk->journal->names[name], &file);
	free(file.bytes);
}

static bool stays(const struct disk *disk, const int *names, const char *name)
{
	size_t len = strlen(name);

	if (name[0] == '.' || strcmp(name, "lfspool.lock") == 0 || (len > 4 && strcmp(name + len - 4, "-shm") == 0))
		return true;
	for (int i = 0; i < disk->journal->names_count; i++)
		if (names[i] >= 0 && strcmp(disk->journal->names[i], name) == 0)
			return true;
	return false;
}

/* But for what the cut leaves, the lock, and -shm: that one is there and wrong, as after a real cut it may be. */
static void remove_others(const struct disk *disk, const int *names, const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (!stays(disk, names, e->d_name))
			(void)unlink(path);
	}
	if (d)
		closedir(d);
}

/* File systems journal names in order: the first that is lost takes those behind it along. */
void disk_cut(const struct disk *disk, enum cut cut, uint64_t seed, const char *dir)
{
	uint64_t *keep = xcalloc(disk->count + 1, sizeof *keep);
	int names[DISK_NAMES];

	choose(disk, cut, seed, keep);
	memcpy(names, disk->names, sizeof names);
	for (size_t i = 0; i < disk->count; i++) {
		if (!is_of_names(disk->pending[i]->kind))
			continue;
		if (keep[i] == 0)
			break;
		put_name(names, disk->pending[i]);
	}
	remove_others(disk, names, dir);
	for (int i = 0; i < disk->journal->names_count; i++)
		if (names[i] >= 0)
			write_cut_file(disk, i, names[i], keep, dir);
	free(keep);
}
