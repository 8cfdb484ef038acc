/* Where a session stands: its root session, and the span of another session that its turns hang under. */
#ifndef LF_ASSEMBLE_PLACE_H
#define LF_ASSEMBLE_PLACE_H
#include "assemble/view.h"

struct place {
	struct pool pool;
	struct slice root;        /* id of the root session, itself or an ancestor */
	struct slice root_title;
	struct slice root_turn;   /* the root's turn that started this session; empty for a root and when not known */
	uint8_t parent_span[8];   /* zero: none */
	bool waiting;             /* the call that started it is not known yet, and will be */
};

void place_init(struct place *place);
void place_done(struct place *place);
/* *self: this session's own record as loaded. */
int place_find(struct place *place, const struct assemble_store *store, struct slice source, const struct view_session *self, struct err *err);

#endif
