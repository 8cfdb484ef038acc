/*
 * STAGE 4a: records -> finished observations, agent-neutral and deterministic: the same records give
 * the same ids and bytes, in whatever order they came and through whatever channel. No I/O, no clock:
 * what depends on time is itself a record (signal "stale").
 */
#ifndef LF_ASSEMBLE_ASSEMBLE_H
#define LF_ASSEMBLE_ASSEMBLE_H
#include "event/clean_record.h"
#include "event/observation.h"

enum trace_unit { TRACE_UNIT_SESSION, TRACE_UNIT_TURN };

/* Where the assembler gets records from; spool.h's readers fit these shapes. All return 0, LF_ENOENT or LF_E…. */
typedef int assemble_record_fn(void *context, const struct clean_record_view *record, struct err *err);
struct assemble_store {
	void *context;
	int (*each_head)(void *context, struct slice source, struct slice session, assemble_record_fn *fn, void *fn_context, struct err *err);
	int (*each_part)(void *context, struct slice source, struct slice session, struct slice message, assemble_record_fn *fn, void *fn_context, struct err *err);
	int (*find_link)(void *context, struct slice source, struct slice child, assemble_record_fn *fn, void *fn_context, struct err *err);
	int (*find_session)(void *context, struct slice source, struct slice session, assemble_record_fn *fn, void *fn_context, struct err *err);
};

/* turn: the id of the user message of the turn. */
typedef int assemble_emit_fn(void *context, const struct observation *observation, struct slice turn, struct err *err);

struct assemble_result {
	bool open;        /* something in the session is not finished yet */
	int64_t last_ms;  /* the newest time that the agent itself gave in this session */
};

/* Emits every finished observation of one session, in a fixed order; log gets the log records of it (OBS_LOG), NULL: none are made. */
int assemble_session(const struct assemble_store *store, struct slice source, struct slice session,
                     enum trace_unit unit, assemble_emit_fn *emit, assemble_emit_fn *log, void *context,
                     struct assemble_result *ret, struct err *err);

/* Whether a session is among the share that is sent: by a hash of its root's id, so that every channel, sink and start agrees. */
bool assemble_is_sampled(struct slice source, struct slice root_session, double rate);

/* Ids (design, Assembling). */
void assemble_trace_id(struct slice source, struct slice root_session, struct slice turn /* empty: unit session */, uint8_t out[16]);
void assemble_span_id(struct slice source, const char *kind, struct slice session, struct slice message, struct slice key, uint8_t out[8]);

#endif
