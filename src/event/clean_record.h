/*
 * A record that has passed the filter: the only thing that the spool takes. It can be read by
 * everyone and made only by redact/ (from a raw event) and spool/ (from its own file): see
 * clean_record_make.h.
 */
#ifndef LF_EVENT_CLEAN_RECORD_H
#define LF_EVENT_CLEAN_RECORD_H
#include "event/raw_event.h"

struct clean_record; /* heap; immutable */

struct clean_record_view {
	int64_t seq;            /* 0 until stored */
	enum record_kind kind;
	enum record_level level;
	struct slice source, session, message, key, link;
	int64_t time_ms;
	uint64_t order;
	struct slice body;      /* a JSON object, redacted */
};

const struct clean_record_view *clean_record_view(const struct clean_record *record);
void clean_record_free(struct clean_record *record);
/* Appends the one-line JSON form of design: {"lf":1,"seq":…,"src":…,…,"body":{…}} without newline. */
int clean_record_json(const struct clean_record_view *view, struct buf *out);

#endif
