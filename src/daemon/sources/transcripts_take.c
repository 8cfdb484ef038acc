/* See transcripts.h: what was appended to one file. It is open only meanwhile. */
#include "daemon/sources/transcripts_private.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_LINES_BYTES (1u << 20) /* between two places that are written down */
#define MEMORY_BYTES (32u << 20)    /* of what is remembered of all files */
#define REST_MS 600000              /* a file that rests as long is forgotten */

static int need_pipeline(struct transcripts *t, struct err *err)
{
	return t->pipeline ? 0 : pipeline_new(t->work, TRANSCRIPTS_SOURCE, t->dir, &t->result, &t->pipeline, err);
}

static void forget(struct transcript *file)
{
	ingest_memory_free(file->memory);
	file->memory = NULL;
}

static int take_line(void *context, struct slice line, uint64_t oversize_bytes, struct err *err)
{
	struct transcripts *t = context;
	struct transcript *file = t->file;

	file->line++;
	t->lines++;
	if (atomic_load(&t->work->stopping))
		return err_set(err, LF_ECLOSED, "the daemon is stopping");
	if (oversize_bytes) {
		pipeline_oversize(t->pipeline, oversize_bytes, file->line);
		return 0;
	}
	while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' '))
		line.len--;
	return line.len ? pipeline_value(t->pipeline, line, file->line, err) : 0;
}

/* Makes what is remembered of the file's beginning, which is in the spool already. */
static int remember(struct transcripts *t, struct transcript *file, int fd, uint64_t up_to, struct err *err)
{
	uint64_t offset = 0;
	int rc;

	file->line = 0;
	pipeline_mute(t->pipeline, true);
	rc = tail_lines(t->tail, fd, &offset, up_to, UINT64_MAX / 2, take_line, t, err);
	pipeline_mute(t->pipeline, false);
	return rc;
}

static int commit(struct transcripts *t, struct transcript *file, int fd, struct err *err)
{
	struct buf value;
	int rc;

	file->marker = tail_marker(t->tail, fd, file->offset);
	buf_init(&value, 256);
	transcript_cursor_value(file, &value);
	rc = pipeline_commit(t->pipeline, slice_of(file->cursor), buf_view(&value), t->lines, err);
	buf_done(&value);
	if (rc == 0)
		file->known = true;
	return rc;
}

static int take_page(struct transcripts *t, struct transcript *file, int fd, uint64_t end, bool *ret_more, struct err *err)
{
	struct transcript before = *file;
	int rc;

	t->lines = 0;
	rc = tail_lines(t->tail, fd, &file->offset, end, PAGE_LINES_BYTES, take_line, t, err);
	*ret_more = t->lines > 0;
	if (rc == 0 && t->lines > 0)
		rc = commit(t, file, fd, err);
	if (rc != 0) { /* nothing of it counts */
		file->offset = before.offset;
		file->line = before.line;
		file->marker = before.marker;
		return rc;
	}
	t->status.events += t->lines;
	if (t->lines > 0)
		t->status.last_event_ms = clock_wall_ms();
	return patience_pace(&t->patience, t->work, t->lines, err);
}

/* Whether what was read of it is still there. */
static bool is_the_same(struct transcripts *t, const struct transcript *file, int fd, uint64_t size)
{
	return size >= file->offset && tail_marker(t->tail, fd, file->offset) == file->marker;
}

static void start_again(struct transcript *file)
{
	forget(file);
	file->offset = file->line = file->from = file->marker = 0;
}

static int take_open(struct transcripts *t, struct transcript *file, int fd, uint64_t size, struct err *err)
{
	bool more = true, remembered;
	int rc = need_pipeline(t, err);

	if (rc != 0)
		return rc;
	if (!is_the_same(t, file, fd, size))
		start_again(file);
	t->file = file;
	remembered = file->memory != NULL || file->offset == 0;
	pipeline_swap_memory(t->pipeline, &file->memory);
	if (!remembered)
		rc = remember(t, file, fd, file->offset, err);
	while (rc == 0 && more) {
		rc = take_page(t, file, fd, size, &more, err);
		if (rc == 0 && more && clock_mono_ms() >= t->until_mono_ms)
			rc = LF_EAGAIN;
	}
	pipeline_swap_memory(t->pipeline, &file->memory);
	file->used_mono_ms = clock_mono_ms();
	if (rc != 0 && rc != LF_EAGAIN) {
		forget(file);
		pipeline_free(t->pipeline);
		t->pipeline = NULL;
	}
	return rc;
}

int transcripts_take(struct transcripts *t, struct transcript *file, bool whole, struct err *err)
{
	struct stat st = { 0 };
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(err, LF_EIO, "%s: %s", file->path, strerror(errno));
	file->dirty = false;
	if (whole)
		start_again(file);
	rc = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? take_open(t, file, fd, (uint64_t)st.st_size, err) : 0;
	close(fd);
	if (rc != 0)
		file->dirty = true;
	/* of what rests nothing need be remembered */
	if (rc != LF_EAGAIN && clock_wall_ms() - (int64_t)st.st_mtim.tv_sec * 1000 > REST_MS)
		forget(file);
	return rc;
}

/* ---- what is remembered ---- */

static struct transcript *oldest_memory(const struct transcripts *t, size_t *ret_bytes)
{
	struct transcript *oldest = NULL;

	*ret_bytes = 0;
	for (size_t i = 0; i < t->files.count; i++) {
		struct transcript *file = t->files.items[i];
		if (!file->memory)
			continue;
		*ret_bytes += ingest_memory_bytes(file->memory);
		if (!oldest || file->used_mono_ms < oldest->used_mono_ms)
			oldest = file;
	}
	return oldest;
}

void transcripts_let_go(struct transcripts *t)
{
	int64_t now_ms = clock_mono_ms();
	struct transcript *oldest;
	size_t bytes;

	while ((oldest = oldest_memory(t, &bytes)) && (bytes > MEMORY_BYTES || now_ms - oldest->used_mono_ms >= REST_MS))
		forget(oldest);
}
