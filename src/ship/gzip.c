/* See gzip.h. */
#include "ship/gzip.h"
#include <limits.h>
#include <zlib.h>

int gzip_pack(struct slice body, struct buf *out, struct err *err)
{
	z_stream stream = { 0 };
	size_t bound;
	char *room;
	int rc;

	if (body.len > UINT_MAX / 2 ||
	    deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(err, LF_ENOMEM, "cannot compress %zu bytes", body.len);
	bound = deflateBound(&stream, (uLong)body.len);
	room = buf_reserve(out, bound);
	if (!room) {
		deflateEnd(&stream);
		return err_set(err, out->failed, "cannot compress %zu bytes", body.len);
	}
	stream.next_in = (z_const Bytef *)(uintptr_t)body.ptr;
	stream.avail_in = (uInt)body.len;
	stream.next_out = (Bytef *)room;
	stream.avail_out = (uInt)bound;
	rc = deflate(&stream, Z_FINISH);
	out->len += bound - stream.avail_out;
	deflateEnd(&stream);
	return rc == Z_STREAM_END ? 0 : err_set(err, LF_EINVAL, "cannot compress %zu bytes", body.len);
}
