/*
 * What the makers of observations share: the session in hand, the turn in hand, and the helpers
 * that fill and send one observation at a time.
 */
#ifndef LF_ASSEMBLE_EMIT_H
#define LF_ASSEMBLE_EMIT_H
#include "assemble/place.h"

struct assembly {
	const struct assemble_store *store;
	struct slice source;
	enum trace_unit unit;
	struct view view;
	struct view_parts parts;  /* of the turn in hand */
	struct place place;
	assemble_emit_fn *emit;
	void *context;
	assemble_emit_fn *log;    /* NULL: no log records */
	size_t next_signal;
	struct buf input, output, metadata, status, name, parameters, cost, prompt; /* of the observation in hand; prompt: of the turn */
	struct json_writer json;  /* writes metadata */
	struct buf log_text;      /* attributes of the log record in hand */
	struct json_writer log_json;
	struct amounts {
		int64_t tokens, messages;
		double cost;
	} totals;                 /* of the session's turns so far */
};

/* An assistant message of the turn in hand with its parts. */
struct step {
	const struct view_message *message;
	const struct view_part *parts;
	size_t count, first;
	int64_t newest_ms;        /* newest time known in it */
	bool generation;          /* it stands for a model call */
	bool ended;
	uint8_t span[8];          /* what its tools hang under: its generation, or the turn */
};

struct turn {
	const struct view_turn *head;
	struct step *steps;
	size_t count;
	const struct view_part *user_parts;
	size_t user_count;
	int64_t newest_ms;
	bool closed, interrupted;
	uint8_t span[8];
};

/* Resets the buffers and fills what all observations share; turn may be NULL. Metadata is open for emit_… calls. */
struct observation emit_begin(struct assembly *assembly, const struct turn *turn, enum observation_type type, const char *name);
/* Ids: its own and its parent's (NULL: none). */
void emit_ids(struct assembly *assembly, struct observation *observation, const char *kind, struct slice message, struct slice key, const uint8_t *parent);
/* Metadata that a message gives: agent, mode, provider, finish, directory, agent_version. message may be NULL. */
void emit_origin(struct assembly *assembly, const struct view_message *message);
void emit_text(struct json_writer *json, const char *key, struct slice text);   /* nothing when empty */
void emit_json(struct json_writer *json, const char *key, struct slice value);  /* nothing when empty */
void emit_level(struct assembly *assembly, struct observation *observation, enum observation_level level, const char *status);
/* "Name: message" as an error. */
void emit_error(struct assembly *assembly, struct observation *observation, const struct view_error *error);
/* Joins the buffers to it and hands it on. */
int emit_send(struct assembly *assembly, const struct turn *turn, struct observation *observation, struct err *err);

/* Appends the non-empty texts of parts of one type, joined by a blank line, as a JSON string; false and nothing if there is none. */
enum text_choice { TEXT_ALL, TEXT_OWN, TEXT_ADDED }; /* own: neither synthetic nor ignored; added: the others */
bool parts_text(const struct view_part *parts, size_t count, const char *type, enum text_choice choice, struct buf *out);
bool part_is(const struct view_part *part, const char *type);
bool tool_ended(const struct view_part *part);

/* The makers, one file each. */
int generation_emit(struct assembly *assembly, const struct turn *turn, size_t index, struct err *err);
int tool_emit(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct view_part *part, struct err *err);
/* The signals of one turn (turn NULL: those before the first). */
int signals_emit(struct assembly *assembly, const struct turn *turn, ptrdiff_t index, struct err *err);
/* Loads a turn, emits what is finished of it, and notes whether it is still open. */
int turn_emit(struct assembly *assembly, size_t index, bool *ret_open, int64_t *ret_newest_ms, struct err *err);

/* Adds what an answer took. */
void generation_amounts(struct assembly *assembly, const struct step *step, struct amounts *total);

/* Log records, see log.c. about: the observation that it belongs to, filled and sent. */
int log_session(struct assembly *assembly, struct err *err);
int log_idle(struct assembly *assembly, const struct turn *turn, const struct observation *about, struct err *err);
int log_prompt(struct assembly *assembly, const struct turn *turn, const struct observation *about, struct err *err);
int log_answer(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct observation *about, struct err *err);
int log_tool(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct view_part *part, const struct observation *about, struct err *err);
int log_commit(struct assembly *assembly, const struct turn *turn, const struct step *step, const struct observation *about, struct err *err);
int log_decision(struct assembly *assembly, const struct turn *turn, const struct view_signal *asked, const struct view_signal *reply, const struct observation *about, struct err *err);
int log_error(struct assembly *assembly, const struct turn *turn, const struct observation *about, struct err *err);

#endif
