/*
 * A growing byte buffer with a cap. A failed append is sticky: later appends do nothing and
 * return the same code, so a writer may check once at its end. Contents before the failure stay.
 */
#ifndef LF_BASE_BUF_H
#define LF_BASE_BUF_H
#include "base/slice.h"
#include <stdint.h>

struct buf {
	char *data;       /* always NUL-terminated once something was appended; NULL before */
	size_t len;
	size_t cap_bytes;
	size_t max_bytes; /* 0: SIZE_MAX / 2 */
	int failed;       /* 0, LF_ELIMIT or LF_ENOMEM */
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_done(struct buf *buf);
void buf_clear(struct buf *buf); /* empties it, keeps the memory, forgets the failure */
int buf_append(struct buf *buf, const void *bytes, size_t n);
int buf_slice(struct buf *buf, struct slice s);
int buf_text(struct buf *buf, const char *text);
/* Here, since it is asked for often and does little. */
static inline int buf_char(struct buf *buf, char c)
{
	if (buf->failed || buf->cap_bytes - buf->len < 2 || buf->len >= buf->max_bytes)
		return buf_append(buf, &c, 1);
	buf->data[buf->len++] = c;
	buf->data[buf->len] = '\0';
	return 0;
}
int buf_int(struct buf *buf, int64_t value); /* decimal */
int buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for n more bytes at the end without moving len; NULL on failure. */
char *buf_reserve(struct buf *buf, size_t n);
struct slice buf_view(const struct buf *buf);
/* Hands the malloc'd data to the caller (may be NULL when empty) and leaves an empty buffer. */
char *buf_take(struct buf *buf, size_t *ret_len);

#endif
