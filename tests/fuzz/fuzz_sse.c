/* Any bytes: the events do not depend on where the stream is cut, and none is larger than allowed. */
#include "ingest/sse.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_BYTES 48

static int take(void *context, struct slice data, uint64_t oversize, struct err *err)
{
	(void)err;
	if (data.len > MAX_BYTES || (oversize && oversize <= MAX_BYTES))
		abort();
	buf_format(context, "%zu:%llu:", data.len, (unsigned long long)oversize);
	buf_slice(context, data);
	return 0;
}

static void feed(struct slice bytes, size_t step, struct buf *out)
{
	struct sse *sse = sse_new(MAX_BYTES, take, out);

	for (size_t at = 0; at < bytes.len; at += step)
		sse_feed(sse, (struct slice){ bytes.ptr + at, bytes.len - at < step ? bytes.len - at : step }, NULL);
	sse_free(sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = { (const char *)data, size };
	struct buf whole, cut;

	buf_init(&whole, 0);
	buf_init(&cut, 0);
	feed(bytes, size ? size : 1, &whole);
	feed(bytes, size ? 1 + data[0] % 7u : 1, &cut);
	if (!slice_equal(buf_view(&whole), buf_view(&cut)))
		abort();
	buf_done(&whole);
	buf_done(&cut);
	return 0;
}
