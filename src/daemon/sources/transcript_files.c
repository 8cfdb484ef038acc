/* See transcript_files.h. Some 300 bytes a file; no descriptor is kept. */
#include "daemon/sources/transcript_files.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define WATCH_AGE_S (24 * 3600) /* a session's own directory is watched while it is that young; the scan sees the others */

static const struct slice source = SLICE("claude");


void transcript_files_init(struct transcript_files *files)
{
	*files = (struct transcript_files){ 0 };
}

static void free_one(struct transcript *file)
{
	ingest_memory_free(file->memory);
	free(file->path);
	free(file);
}

void transcript_files_done(struct transcript_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free_one(files->items[i]);
	free(files->items);
	free(files->slots);
}

/* ---- the table ---- */

static void cursor_name(const char *path, char out[TRANSCRIPT_CURSOR])
{
	struct hash128 hash = hash_128(path, strlen(path));

	hash_hex(hash.bytes, sizeof hash.bytes, out);
}

static uint32_t *slot_of(const struct transcript_files *files, const char *cursor)
{
	size_t at = hash_64(cursor, TRANSCRIPT_CURSOR - 1) & (files->slot_count - 1);

	while (files->slots[at] && strcmp(files->items[files->slots[at] - 1]->cursor, cursor) != 0)
		at = (at + 1) & (files->slot_count - 1);
	return &files->slots[at];
}

static void index_again(struct transcript_files *files, size_t slots)
{
	free(files->slots);
	files->slot_count = slots;
	files->slots = xcalloc(slots, sizeof *files->slots);
	for (size_t i = 0; i < files->count; i++)
		*slot_of(files, files->items[i]->cursor) = (uint32_t)i + 1;
}

static struct transcript *find_cursor(const struct transcript_files *files, const char *cursor)
{
	uint32_t *slot = files->slot_count ? slot_of(files, cursor) : NULL;

	return slot && *slot ? files->items[*slot - 1] : NULL;
}

struct transcript *transcript_find(const struct transcript_files *files, const char *path)
{
	char cursor[TRANSCRIPT_CURSOR];

	cursor_name(path, cursor);
	return find_cursor(files, cursor);
}

static struct transcript *add(struct transcript_files *files, const char *cursor)
{
	struct transcript *file = xcalloc(1, sizeof *file);

	memcpy(file->cursor, cursor, TRANSCRIPT_CURSOR);
	if (files->count == files->cap) {
		files->cap = files->cap ? files->cap * 2 : 64;
		files->items = xrealloc(files->items, files->cap * sizeof *files->items);
	}
	files->items[files->count++] = file;
	if (files->count * 2 > files->slot_count)
		index_again(files, files->slot_count ? files->slot_count * 2 : 128);
	else
		*slot_of(files, cursor) = (uint32_t)files->count;
	return file;
}

/* ---- one file ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

struct transcript *transcript_look(struct transcript_files *files, const char *path)
{
	char cursor[TRANSCRIPT_CURSOR];
	struct transcript *file;
	struct stat st;
	int64_t mtime_ns;

	if (!ends_with(path, ".jsonl") || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	cursor_name(path, cursor);
	file = find_cursor(files, cursor);
	if (!file)
		file = add(files, cursor);
	if (!file->path) {
		const char *name = strrchr(path, '/');
		file->path = xstrdup(path);
		file->agent = name && strncmp(name, "/agent-", 7) == 0;
		/* a cursor that fits says all that is there was taken, unless something was written since in the same length: the marker tells */
		file->dirty = !file->known || file->inode != (uint64_t)st.st_ino || file->offset != (uint64_t)st.st_size;
	}
	mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (file->mtime_ns != 0 && (file->size != (uint64_t)st.st_size || file->mtime_ns != mtime_ns || file->inode != (uint64_t)st.st_ino))
		file->dirty = true;
	file->inode = (uint64_t)st.st_ino;
	file->size = (uint64_t)st.st_size;
	file->mtime_ns = mtime_ns;
	return file;
}

/* ---- all files ---- */

struct scanning {
	struct transcript_files *files;
	struct watch *watch;
	bool incomplete;
};

typedef void entry_fn(struct scanning *scanning, const char *path, const char *name);

static void each_entry(struct scanning *scanning, const char *dir, entry_fn *fn)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		char *path;
		if (entry->d_name[0] == '.' && (!entry->d_name[1] || (entry->d_name[1] == '.' && !entry->d_name[2])))
			continue;
		path = file_join(dir, entry->d_name);
		fn(scanning, path, entry->d_name);
		free(path);
	}
	if (stream)
		closedir(stream);
	else
		scanning->incomplete = true;
}

static void see_file(struct scanning *scanning, const char *path, const char *name)
{
	struct transcript *file = transcript_look(scanning->files, path);

	(void)name;
	if (file)
		file->seen = scanning->files->scan;
}

static bool is_young(const struct stat *st)
{
	return clock_wall_ms() / 1000 - (int64_t)st->st_mtim.tv_sec < WATCH_AGE_S;
}

static void see_in_session(struct scanning *scanning, const char *path, const char *name)
{
	struct stat st;

	if (strcmp(name, "subagents") != 0 || stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	if (is_young(&st))
		(void)watch_add(scanning->watch, path);
	each_entry(scanning, path, see_file);
}

static void see_in_project(struct scanning *scanning, const char *path, const char *name)
{
	struct stat st;

	if (ends_with(name, ".jsonl")) {
		see_file(scanning, path, name);
		return;
	}
	if (ends_with(name, ".json") || stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	if (is_young(&st))
		(void)watch_add(scanning->watch, path);
	each_entry(scanning, path, see_in_session);
}

static void see_project(struct scanning *scanning, const char *path, const char *name)
{
	struct stat st;

	(void)name;
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	(void)watch_add(scanning->watch, path);
	each_entry(scanning, path, see_in_project);
}

static void remove_gone(struct transcript_files *files, struct buf *ret_gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->count; i++) {
		struct transcript *file = files->items[i];
		if (file->seen == files->scan) {
			files->items[kept++] = file;
			continue;
		}
		if (file->known)
			buf_append(ret_gone, file->cursor, TRANSCRIPT_CURSOR - 1);
		free_one(file);
	}
	if (kept != files->count) {
		files->count = kept;
		index_again(files, files->slot_count);
	}
}

void transcript_scan(struct transcript_files *files, const char *dir, struct watch *watch, struct buf *ret_gone)
{
	struct scanning scanning = { .files = files, .watch = watch };
	char *projects = file_join(dir, "projects");

	files->scan++;
	(void)watch_add(watch, dir);
	(void)watch_add(watch, projects);
	each_entry(&scanning, projects, see_project);
	/* what cannot be listed is not gone */
	if (!scanning.incomplete)
		remove_gone(files, ret_gone);
	free(projects);
}

/* ---- cursors ---- */

void transcript_cursor_value(const struct transcript *file, struct buf *out)
{
	buf_clear(out);
	buf_format(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %016" PRIx64 " %" PRIu64, file->inode, file->offset, file->line, file->marker, file->from);
}

static int load_one(void *context, struct slice name, struct slice value, struct err *err)
{
	struct transcript_files *files = context;
	struct transcript read = { 0 }, *file;
	char text[160], cursor[TRANSCRIPT_CURSOR];

	(void)err;
	if (slice_is(name, "first"))
		files->first_over = true;
	if (name.len != TRANSCRIPT_CURSOR - 1 || value.len >= sizeof text)
		return 0;
	memcpy(cursor, name.ptr, name.len);
	cursor[name.len] = '\0';
	memcpy(text, value.ptr, value.len);
	text[value.len] = '\0';
	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx64 " %" SCNu64, &read.inode, &read.offset, &read.line, &read.marker, &read.from) != 5)
		return 0;
	file = add(files, cursor);
	file->inode = read.inode;
	file->offset = read.offset;
	file->line = read.line;
	file->marker = read.marker;
	file->from = read.from;
	file->known = true;
	return 0;
}

int transcript_cursors_load(struct transcript_files *files, struct spool *spool, struct err *err)
{
	return spool_each_cursor(spool, source, load_one, files, err);
}
