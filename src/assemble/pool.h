/* Memory that is freed at once: copies of what the assembler keeps of records. */
#ifndef LF_ASSEMBLE_POOL_H
#define LF_ASSEMBLE_POOL_H
#include "base/slice.h"

struct pool_chunk;
struct pool {
	struct pool_chunk *chunks;
	bool failed; /* sticky: memory is gone */
};

void pool_init(struct pool *pool);
void pool_done(struct pool *pool);
/* A copy that lives as long as the pool; SLICE_NONE for an empty slice or when memory is gone. */
struct slice pool_copy(struct pool *pool, struct slice bytes);
/* Makes room for one more item in an array of *cap items; false when memory is gone. */
bool pool_grow(struct pool *pool, void **items, size_t count, size_t *cap, size_t size);

#endif
