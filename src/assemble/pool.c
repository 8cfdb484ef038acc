/* Chunks in a list; a large copy gets a chunk of its own. */
#include "assemble/pool.h"
#include <stdlib.h>

#define CHUNK_BYTES 16384u

struct pool_chunk {
	struct pool_chunk *next;
	size_t used, cap;
	char bytes[];
};

void pool_init(struct pool *pool)
{
	*pool = (struct pool){ 0 };
}

void pool_done(struct pool *pool)
{
	struct pool_chunk *next;

	for (struct pool_chunk *chunk = pool->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	pool_init(pool);
}

static struct pool_chunk *chunk_for(struct pool *pool, size_t n)
{
	struct pool_chunk *chunk = pool->chunks;
	size_t cap = n > CHUNK_BYTES / 4 ? n : CHUNK_BYTES;

	if (chunk && chunk->cap - chunk->used >= n)
		return chunk;
	chunk = malloc(sizeof *chunk + cap);
	if (!chunk) {
		pool->failed = true;
		return NULL;
	}
	*chunk = (struct pool_chunk){ .cap = cap };
	/* A full chunk goes behind the one that still has room. */
	if (pool->chunks && cap == n) {
		chunk->next = pool->chunks->next;
		pool->chunks->next = chunk;
	} else {
		chunk->next = pool->chunks;
		pool->chunks = chunk;
	}
	return chunk;
}

struct slice pool_copy(struct pool *pool, struct slice bytes)
{
	struct pool_chunk *chunk;
	char *to;

	if (bytes.len == 0)
		return SLICE_NONE;
	chunk = chunk_for(pool, bytes.len);
	if (!chunk)
		return SLICE_NONE;
	to = chunk->bytes + chunk->used;
	memcpy(to, bytes.ptr, bytes.len);
	chunk->used += bytes.len;
	return (struct slice){ to, bytes.len };
}

bool pool_grow(struct pool *pool, void **items, size_t count, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *grown;

	if (count < *cap)
		return true;
	grown = realloc(*items, more * size);
	if (!grown) {
		pool->failed = true;
		return false;
	}
	*items = grown;
	*cap = more;
	return true;
}
