/* What the script's source holds: sixty entries, ten sessions, always the same; and what the server makes of them. */
#ifndef LF_TESTS_CRASH_SOURCE_H
#define LF_TESTS_CRASH_SOURCE_H
#include "base/buf.h"
#include "event/clean_record.h"

#define SOURCE_CAP ((uint64_t)900000) /* a size that the entries of the last sessions do not fit in */
#define SOURCE_SERVER_MENDED 1        /* from this phase on the server refuses nothing */

/* The entry with this number. Its texts live as long as the program. */
void source_entry(int entry, struct clean_record_view *ret);
/* The entry of a key at this level; -1 none. */
int source_find(struct slice key, enum record_level level);
bool source_is_bad(int entry);            /* no record at all */
bool source_is_repeated(int entry);       /* as the one before: is not stored */
bool source_is_refused(int entry);        /* the server says 400 */
bool source_answer_is_lost(int entry);    /* the server takes it, the connection breaks */
/* How many of the entries below `end` are stored, repeated, bad. */
int source_count(int end, bool (*which)(int entry));
bool source_is_stored(int entry);
/* Entries of which a span is made. */
bool source_has_span(int entry);

#endif
