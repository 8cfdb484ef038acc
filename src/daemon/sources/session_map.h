/* What the follower of one database knows of each session: some 100 bytes a session. Used by one thread. */
#ifndef LF_DAEMON_SESSION_MAP_H
#define LF_DAEMON_SESSION_MAP_H
#include "base/buf.h"

struct session_mark {
	uint32_t id_start, id_len; /* in the map's text; id_len 0: removed */
	uint32_t seen;             /* the scan that saw it last */
	bool gap;                  /* its messages and parts must be looked at */
	uint32_t touched;          /* in which life of the pipeline it was read */
	bool known;                /* has a cursor: it is taken, or left out on purpose */
	int64_t seq, state_ms;     /* how far it was read; see struct opencode_position */
	int64_t from;              /* events before this one were left out; 0: none were */
	int64_t newest, updated_ms; /* as the last scan said */
};

struct session_map;
struct session_map *session_map_new(void);
void session_map_free(struct session_map *map);
/* Made with seq -1 when it is new. The pointer holds until the next one is made; NULL: no memory. */
struct session_mark *session_map_get(struct session_map *map, struct slice id);
/* NULL: it is not there. */
const struct session_mark *session_map_find(struct session_map *map, struct slice id);
void session_map_remove(struct session_map *map, struct session_mark *mark);
uint32_t session_map_count(const struct session_map *map); /* places, also of removed ones */
struct session_mark *session_map_at(struct session_map *map, uint32_t place);
struct slice session_map_id(const struct session_map *map, const struct session_mark *mark);

#endif
