/* Loads: what OpenCode says of sessions, as lines of its event stream. The same lines from the same seed. */
#ifndef LF_TESTS_BENCH_LOAD_H
#define LF_TESTS_BENCH_LOAD_H
#include "bench.h"

/* Text for the contents: the sources below a folder. */
struct load {
	char *text; /* shared memory: a child that is measured does not begin with it */
	size_t text_bytes;
	size_t at;
	struct bench_random random;
};
void load_init(struct load *load, const char *folder);
void load_done(struct load *load);

/*
 * Ids are as OpenCode makes them: 12 hexadecimal digits of the time, and 14 that make them unique: here 8 of the session and 6 of the event
 * or message. Of sessions newer ones come first.
 */
#define LOAD_ID_BYTES 31
void load_session_id(unsigned session, char ret[LOAD_ID_BYTES]);
/*
 * Each appends to out. first: the number of the first session, so that two loads share none.
 * Records: finished text parts with contents of that many bytes, 500 of a session, one record each.
 */
void load_records(struct load *load, unsigned first, unsigned count, size_t bytes, struct buf *out);
/*
 * Sessions of 50 turns, each a prompt and an answer with a tool call: of a session 100 messages, 452 events and
 * 200 observations.
 */
void load_sessions(struct load *load, unsigned first, unsigned sessions, size_t bytes, struct buf *out);

#endif
