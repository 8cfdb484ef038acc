/* See tail.h. One buffer, which never holds more than one line and a piece. */
#include "ingest/tail.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ingest/ingest.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE_BYTES 65536u
#define MARKER_BYTES 4096u
#define KEEP_BYTES (1u << 20) /* of the buffer, between calls */

struct tail {
	struct buf buf;
};

/* One call. */
struct reading {
	struct tail *tail;
	int fd;
	uint64_t *offset, at, end, stop;
	uint64_t dropped;   /* bytes of a line that is too large, so far */
	tail_fn *fn;
	void *context;
};

struct tail *tail_new(void)
{
	struct tail *tail = xcalloc(1, sizeof *tail);

	buf_init(&tail->buf, INGEST_MAX_VALUE_BYTES + PIECE_BYTES + 1);
	return tail;
}

void tail_free(struct tail *tail)
{
	if (!tail)
		return;
	buf_done(&tail->buf);
	free(tail);
}

static ssize_t read_at(int fd, char *to, size_t n, uint64_t at)
{
	ssize_t got;

	do
		got = pread(fd, to, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Gives what is whole in the buffer, and moves the rest to its beginning. *ret_full: enough for this call. */
static int give_lines(struct reading *r, bool *ret_full, struct err *err)
{
	struct buf *buf = &r->tail->buf;
	size_t start = 0;
	const char *nl;
	int rc = 0;

	while (rc == 0 && !*ret_full && (nl = memchr(buf->data + start, '\n', buf->len - start))) {
		struct slice line = { buf->data + start, (size_t)(nl - buf->data) - start };
		uint64_t too_large = r->dropped ? r->dropped + line.len : line.len > INGEST_MAX_VALUE_BYTES ? line.len : 0;
		*r->offset += r->dropped + line.len + 1;
		start += line.len + 1;
		r->dropped = 0;
		rc = r->fn(r->context, too_large ? SLICE_NONE : line, too_large, err);
		*ret_full = *r->offset >= r->stop;
	}
	memmove(buf->data, buf->data + start, buf->len - start);
	buf->len -= start;
	if (buf->len > INGEST_MAX_VALUE_BYTES || (r->dropped && buf->len)) {
		r->dropped += buf->len;
		buf->len = 0;
	}
	return rc;
}

static int read_piece(struct reading *r, bool *ret_end, struct err *err)
{
	size_t want = r->end - r->at < PIECE_BYTES ? (size_t)(r->end - r->at) : PIECE_BYTES;
	char *room = want ? buf_reserve(&r->tail->buf, want) : NULL;
	ssize_t got;

	if (want && !room)
		return err_set(err, LF_ENOMEM, "no memory for a line");
	got = want ? read_at(r->fd, room, want, r->at) : 0;
	if (got < 0)
		return err_set(err, LF_EIO, "%s", strerror(errno));
	*ret_end = got == 0;
	r->tail->buf.len += (size_t)got;
	r->at += (uint64_t)got;
	return 0;
}

int tail_lines(struct tail *tail, int fd, uint64_t *offset, uint64_t end, uint64_t max_bytes, tail_fn *fn, void *context, struct err *err)
{
	struct reading reading = { .tail = tail, .fd = fd, .offset = offset, .at = *offset, .end = end, .stop = *offset + max_bytes, .fn = fn, .context = context };
	bool over = false, full = false;
	int rc = 0;

	buf_clear(&tail->buf);
	while (rc == 0 && !over && !full) {
		rc = read_piece(&reading, &over, err);
		if (rc == 0 && tail->buf.len > 0)
			rc = give_lines(&reading, &full, err);
	}
	if (tail->buf.cap_bytes > KEEP_BYTES) {
		buf_done(&tail->buf);
		buf_init(&tail->buf, INGEST_MAX_VALUE_BYTES + PIECE_BYTES + 1);
	}
	return rc;
}

uint64_t tail_marker(struct tail *tail, int fd, uint64_t offset)
{
	size_t n = offset < MARKER_BYTES ? (size_t)offset : MARKER_BYTES;
	char *room;

	buf_clear(&tail->buf);
	room = n ? buf_reserve(&tail->buf, n) : NULL;
	if (!room || read_at(fd, room, n, offset - n) != (ssize_t)n)
		return 0;
	return hash_64(room, n);
}
