/*
 * What a source saw, agent-neutral but NOT redacted: it must not be stored, logged or sent.
 * The body's fields by kind stand in spool/FORMAT.md ("Record bodies").
 */
#ifndef LF_EVENT_RAW_EVENT_H
#define LF_EVENT_RAW_EVENT_H
#include "base/buf.h"
#include "base/err.h"
#include <stdint.h>

enum record_kind { RECORD_SESSION, RECORD_MESSAGE, RECORD_PART, RECORD_SIGNAL };
const char *record_kind_name(enum record_kind kind);               /* "session", … */
int record_kind_parse(struct slice name, enum record_kind *ret);   /* 0 or LF_EINVAL */

/* How complete this revision of a key is. A revision is stored only when it is more complete than
 * what is stored, or is RECORD_FINAL with another body and not older. */
enum record_level { RECORD_PARTIAL = 1, RECORD_PROGRESS = 2, RECORD_FINAL = 3 };

struct raw_event {
	enum record_kind kind;
	enum record_level level;
	struct slice source;   /* "opencode", "claude" */
	struct slice session;  /* the agent's own ids; owned by the producer during the call */
	struct slice message;  /* may be empty */
	struct slice key;      /* unique per source: session id, message id, part id, or a signal's own key */
	struct slice link;     /* session: its parent session; task tool part: the child session; else empty */
	int64_t time_ms;       /* the agent's own time of this thing (wall clock, epoch ms); 0 unknown */
	uint64_t order;        /* order of revisions of one key (event clock); 0: a document, unordered */
	struct slice body;     /* a JSON object */
};

/* Takes one event; returns 0 or LF_E… (the source then stops where it is). */
typedef int raw_event_fn(void *context, const struct raw_event *event, struct err *err);

#endif
