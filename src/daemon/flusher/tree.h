/* All observations of a session and the sessions of its sub-agents, as the assembler makes them now. */
#ifndef LF_DAEMON_TREE_H
#define LF_DAEMON_TREE_H
#include "daemon/flusher/derive.h"

#define TREE_MAX_SESSIONS 10000

struct tree {
	char *source;
	char *sessions[TREE_MAX_SESSIONS]; /* the first is the one that was asked for */
	unsigned session_count;
	struct buf *bodies;                /* observation_json() of each */
	struct buf *strings;
	struct observation *observations;  /* point into bodies and strings */
	unsigned count;
};

/* LF_ENOENT: there is no such session. A reader will do. The caller frees the tree. */
int tree_gather(struct spool *spool, enum trace_unit unit, const char *session, struct tree **ret, struct err *err);
void tree_free(struct tree *tree);

#endif
