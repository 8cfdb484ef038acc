/* Some JSON values that were read at once, and are handed on when nothing is locked any more. */
#ifndef LF_INGEST_PAGE_H
#define LF_INGEST_PAGE_H
#include "base/buf.h"
#include "ingest/ingest.h"

#define PAGE_VALUES 500
#define PAGE_BYTES (4u << 20) /* no further value is begun beyond it */

struct page_value {
	size_t start, end;        /* in text */
	uint64_t line;            /* for messages: a sequence number */
	uint64_t oversize_bytes;  /* too large to be read: its size; 0: it stands in text */
};
struct page {
	struct buf text;
	struct page_value values[PAGE_VALUES];
	unsigned count;
};

static inline void page_init(struct page *page)
{
	page->count = 0;
	buf_init(&page->text, PAGE_BYTES + 2 * (size_t)INGEST_MAX_VALUE_BYTES);
}

static inline void page_done(struct page *page)
{
	buf_done(&page->text);
}

static inline bool page_is_full(const struct page *page)
{
	return page->count == PAGE_VALUES || page->text.len >= PAGE_BYTES;
}

static inline struct slice page_text(const struct page *page, unsigned i)
{
	const struct page_value *value = &page->values[i];

	return value->end > value->start ? (struct slice){ page->text.data + value->start, value->end - value->start } : SLICE_NONE;
}

#endif
