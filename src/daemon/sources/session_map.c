/* A table of places by hash, open addressing; see session_map.h. */
#include "daemon/sources/session_map.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>

struct session_map {
	struct session_mark *marks;
	uint32_t count, cap;
	uint32_t *slots;     /* place + 1; 0: free */
	uint32_t slot_count; /* a power of two, at least twice the marks */
	struct buf ids;
};

struct session_map *session_map_new(void)
{
	struct session_map *map = xcalloc(1, sizeof *map);

	buf_init(&map->ids, 1u << 30);
	return map;
}

void session_map_free(struct session_map *map)
{
	if (!map)
		return;
	buf_done(&map->ids);
	free(map->marks);
	free(map->slots);
	free(map);
}

struct slice session_map_id(const struct session_map *map, const struct session_mark *mark)
{
	return (struct slice){ map->ids.data + mark->id_start, mark->id_len };
}

/* The slot of the id, or the free one where it belongs. */
static uint32_t *slot_of(struct session_map *map, struct slice id)
{
	uint32_t mask = map->slot_count - 1, i = (uint32_t)hash_64(id.ptr, id.len) & mask;

	while (map->slots[i] && !slice_equal(session_map_id(map, &map->marks[map->slots[i] - 1]), id))
		i = (i + 1) & mask;
	return &map->slots[i];
}

static void grow(struct session_map *map)
{
	map->cap = map->cap ? map->cap * 2 : 64;
	map->marks = xrealloc(map->marks, map->cap * sizeof *map->marks);
	free(map->slots);
	map->slot_count = map->cap * 2;
	map->slots = xcalloc(map->slot_count, sizeof *map->slots);
	for (uint32_t i = 0; i < map->count; i++)
		if (map->marks[i].id_len > 0)
			*slot_of(map, session_map_id(map, &map->marks[i])) = i + 1;
}

struct session_mark *session_map_get(struct session_map *map, struct slice id)
{
	uint32_t *slot;

	if (map->count == map->cap)
		grow(map);
	slot = slot_of(map, id);
	if (*slot)
		return &map->marks[*slot - 1];
	map->marks[map->count] = (struct session_mark){
		.id_start = (uint32_t)map->ids.len, .id_len = (uint32_t)id.len, .seq = -1, .newest = -1,
	};
	if (buf_slice(&map->ids, id) != 0)
		return NULL;
	*slot = ++map->count;
	return &map->marks[map->count - 1];
}

const struct session_mark *session_map_find(struct session_map *map, struct slice id)
{
	uint32_t *slot = map->cap ? slot_of(map, id) : NULL;

	return slot && *slot ? &map->marks[*slot - 1] : NULL;
}

/* Its slot stays taken until the table grows: others may stand behind it. */
void session_map_remove(struct session_map *map, struct session_mark *mark)
{
	(void)map;
	mark->id_len = 0;
}

uint32_t session_map_count(const struct session_map *map)
{
	return map->count;
}

struct session_mark *session_map_at(struct session_map *map, uint32_t place)
{
	return &map->marks[place];
}
