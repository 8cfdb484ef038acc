/* A growing byte buffer with a cap and a sticky failure. */
#include "base/buf.h"
#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES 64

void buf_init(struct buf *buf, size_t max_bytes)
{
	*buf = (struct buf){ .max_bytes = max_bytes ? max_bytes : SIZE_MAX / 2 };
}

void buf_done(struct buf *buf)
{
	size_t max_bytes = buf->max_bytes;

	free(buf->data);
	buf_init(buf, max_bytes);
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Makes cap_bytes at least want + 1, doubling, so that appends cost constant time on average. */
static int grow(struct buf *buf, size_t want)
{
	size_t cap = buf->cap_bytes < FIRST_BYTES ? FIRST_BYTES : buf->cap_bytes;
	char *data;

	while (cap <= want)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (!data)
		return buf->failed = LF_ENOMEM;
	buf->data = data;
	buf->cap_bytes = cap;
	return 0;
}

static char *make_room(struct buf *buf, size_t n)
{
	/* A zeroed buffer, never given to buf_init(), has no cap. */
	size_t max_bytes = buf->max_bytes && buf->max_bytes < SIZE_MAX / 2 ? buf->max_bytes : SIZE_MAX / 2;

	if (buf->failed)
		return NULL;
	if (buf->len > max_bytes || n > max_bytes - buf->len) {
		buf->failed = LF_ELIMIT;
		return NULL;
	}
	if (buf->len + n >= buf->cap_bytes && grow(buf, buf->len + n))
		return NULL;
	return buf->data + buf->len;
}

/* Most often there is room. */
static inline char *reserve(struct buf *buf, size_t n)
{
	if (!buf->failed && n < buf->cap_bytes - buf->len && buf->len + n <= buf->max_bytes)
		return buf->data + buf->len;
	return make_room(buf, n);
}

char *buf_reserve(struct buf *buf, size_t n)
{
	return reserve(buf, n);
}

int buf_append(struct buf *buf, const void *bytes, size_t n)
{
	char *to = reserve(buf, n);

	if (!to)
		return buf->failed;
	if (n)
		memcpy(to, bytes, n);
	buf->len += n;
	to[n] = '\0';
	return 0;
}

int buf_slice(struct buf *buf, struct slice s)
{
	return buf_append(buf, s.ptr, s.len);
}

int buf_text(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

int buf_int(struct buf *buf, int64_t value)
{
	char digits[24];
	size_t at = sizeof digits;
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	if (value < 0)
		digits[--at] = '-';
	return buf_append(buf, digits + at, sizeof digits - at);
}

/* Most often there is room for it already. */
int buf_format(struct buf *buf, const char *format, ...)
{
	size_t room = buf->cap_bytes > buf->len ? buf->cap_bytes - buf->len : 0;
	va_list args;
	char *to;
	int n;

	if (buf->failed)
		return buf->failed;
	va_start(args, format);
	n = vsnprintf(room ? buf->data + buf->len : NULL, room, format, args);
	va_end(args);
	to = n < 0 ? NULL : buf_reserve(buf, (size_t)n);
	if (!to) {
		if (room)
			buf->data[buf->len] = '\0';
		return buf->failed = buf->failed ? buf->failed : LF_EINVAL;
	}
	if ((size_t)n >= room) {
		va_start(args, format);
		vsnprintf(to, (size_t)n + 1, format, args);
		va_end(args);
	}
	buf->len += (size_t)n;
	return 0;
}

struct slice buf_view(const struct buf *buf)
{
	return (struct slice){ buf->data, buf->len };
}

char *buf_take(struct buf *buf, size_t *ret_len)
{
	char *data = buf->data;

	if (ret_len)
		*ret_len = buf->len;
	buf_init(buf, buf->max_bytes);
	return data;
}
