/*
 * One finished observation: what assemble/ makes of records, the outbox keeps, and map/ turns into
 * request bytes. Neutral of agent and of server version. Content in it is already redacted.
 */
#ifndef LF_EVENT_OBSERVATION_H
#define LF_EVENT_OBSERVATION_H
#include "base/json.h"

/* OBS_LOG: a log record. Its span id is its own key, its parent the span that it belongs to, its metadata its attributes. */
enum observation_type { OBS_SPAN, OBS_GENERATION, OBS_EVENT, OBS_AGENT, OBS_TOOL, OBS_LOG };
enum observation_level { OBS_DEFAULT, OBS_DEBUG, OBS_WARNING, OBS_ERROR };
const char *observation_type_name(enum observation_type type);    /* "span" … as Langfuse spells it */
const char *observation_level_name(enum observation_level level); /* "DEFAULT" … */

struct observation_usage { /* disjoint token counts; -1: not known */
	int64_t input, output, reasoning, cache_read, cache_write;
};

struct observation {
	enum observation_type type;
	enum observation_level level;
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8];     /* all zero: a root */
	struct slice name;        /* "turn", "user-message", "assistant-response", "tool-bash", … */
	struct slice source;      /* "opencode" */
	struct slice session;     /* the root session's id: Langfuse's sessionId */
	struct slice own_session; /* the session that it happened in (a sub-agent's differs) */
	struct slice message;     /* may be empty */
	struct slice part;        /* may be empty */
	struct slice title;       /* session title, UTF-8 text, may be empty: map makes the trace name of it */
	int64_t start_ms, end_ms; /* epoch ms; end >= start */
	int64_t completion_start_ms; /* 0: not known */
	struct slice status;      /* status message, UTF-8 text; may be empty */
	struct slice model, provider; /* may be empty */
	struct slice model_parameters; /* JSON object or empty */
	struct slice input, output;   /* JSON values or empty */
	struct observation_usage usage;
	struct slice cost;        /* the agent's own decimal digits, USD; empty: not known or 0 */
	struct slice totals;      /* of a turn: {"tokens":n,"cost":x,"messages":n} or empty; Langfuse adds up itself */
	struct slice metadata;    /* JSON object (agent, provider, finish, error_name, directory, …) or empty */
};

/* Appends the neutral JSON form kept in the outbox: deterministic bytes. */
int observation_json(const struct observation *observation, struct buf *out);
/*
 * Reads it back. The slices point into *text (JSON values) and *strings (unescaped texts): both must
 * outlive *ret. 0 or LF_EINVAL.
 */
int observation_parse(struct slice text, struct buf *strings, struct observation *ret, struct err *err);

#endif
