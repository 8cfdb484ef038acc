/*
 * Claude Code's transcripts: what is remembered of one file while its lines are read. A file is read from its beginning: a line means
 * something only with those before it.
 */
#ifndef LF_INGEST_SRC_CLAUDE_H
#define LF_INGEST_SRC_CLAUDE_H
#include "ingest/source.h"

#define CLAUDE_MESSAGES 32            /* answers whose lines may still come */
#define CLAUDE_CALLS 512              /* tool calls without a result; the oldest is forgotten first */
#define CLAUDE_CALL_BYTES (32u << 20) /* of their inputs together */
#define CLAUDE_LINES (1u << 20)       /* lines whose place is remembered */
#define CLAUDE_ID_BYTES 256           /* a longer id is none */

/* A session that lines of the file belong to: the file's own, one it was forked from, or a sub-agent's. */
struct claude_session {
	char *id, *parent;        /* parent: of a sub-agent, else NULL */
	char *directory, *version, *branch, *title;
	uint64_t title_order;     /* better and later titles win */
	int64_t created_ms;
	int32_t turn;             /* the one at hand; -1: none */
	bool copied;              /* known from copied lines alone */
	char *command, *command_id; /* a command, which is a prompt when something answers it */
	int64_t command_ms;
	char *boundary;           /* id of the last compaction; its summary follows */
	int64_t boundary_ms;
	bool boundary_auto;
};

enum claude_count { CLAUDE_INPUT, CLAUDE_OUTPUT, CLAUDE_CACHE_READ, CLAUDE_CACHE_WRITE, CLAUDE_COUNTS };

/* One answer of the model: several lines, each with a block of it and with its usage so far. */
struct claude_message {
	char *id, *parent, *model, *provider, *stop, *cost, *directory;
	int32_t session;
	int64_t counts[CLAUDE_COUNTS]; /* -1: not said */
	int64_t created_ms, last_ms;
	unsigned lines, blocks;
	bool complete;
	char block_type;          /* of the last text: a longer one that begins with it takes its place */
	size_t block_len;
	uint64_t block_hash;
};

/* A tool call that waits for its result. */
struct claude_call {
	char *id, *message, *tool, *input, *child;
	size_t input_len;
	int32_t session;
	int64_t start_ms;
	uint64_t prompt;          /* hash of input.prompt, by which a sub-agent is known; 0: none */
	struct command_made made;
};

/* Where a line stands. */
struct claude_seen {
	uint64_t id;
	int64_t time_ms;
	int32_t session, turn;
};

struct claude {
	struct claude_session *sessions;
	char **turns;             /* ids of prompts */
	size_t session_count, session_cap, turn_count, turn_cap;
	struct claude_message messages[CLAUDE_MESSAGES];
	unsigned next_message;
	struct claude_call *calls; /* oldest first */
	size_t call_count, call_bytes;
	struct claude_seen *seen; /* a hash table */
	size_t seen_count, seen_cap;
	struct buf text;
};

/* The line at hand. */
struct claude_line {
	int32_t node, message, content;
	char *uuid;               /* may be NULL */
	uint64_t id;              /* its hash; 0: none */
	int64_t time_ms, parent_ms; /* parent_ms: of the line that it follows; 0: not known */
	int32_t session, turn;    /* turn -1: none */
	bool copied;
};

struct claude *claude_new(void);
void claude_free(struct claude *state);
/* About how much memory it takes. */
size_t claude_bytes(const struct claude *state);
/* NULL: not seen. */
const struct claude_seen *claude_find(const struct claude *state, uint64_t id);
void claude_remember(struct claude *state, const struct claude_line *line);
/* Index of the session; made when it is new, and then *ret_new. */
int32_t claude_session(struct claude *state, const char *id, bool *ret_new);
int32_t claude_turn(struct claude *state, const char *prompt);
/* The answer of this id; made, in place of the oldest, when it is new. */
struct claude_message *claude_message(struct claude *state, const char *id);
struct claude_call *claude_call_find(struct claude *state, const char *id);
struct claude_call *claude_call_add(struct claude *state, const char *id);
void claude_call_set_input(struct claude *state, struct claude_call *call, struct slice input);
void claude_call_remove(struct claude *state, struct claude_call *call);
void claude_set(char **text, char *taken); /* replaces */
uint64_t claude_hash(struct slice text);   /* never 0 */

/* A string as text on the heap; NULL when there is none or it is longer than an id. */
char *claude_text(struct ingest *in, int32_t node);
/* Appends the texts of a content (a string, or a list of blocks) to out, a line break between them. */
void claude_content_text(struct ingest *in, int32_t content, struct buf *out);
int claude_give_session(struct ingest *in, int32_t index, struct err *err);
/* Offers a title; rank 1: the first prompt, 4: the user's own. */
int claude_offer_title(struct ingest *in, int32_t index, unsigned rank, struct slice title, struct err *err);
/* An event with the order and the body that are set. */
int claude_give(struct ingest *in, enum record_kind kind, enum record_level level, int32_t session, int64_t time_ms, uint64_t order, struct err *err);
/* The agent waits for its user. */
int claude_idle(struct ingest *in, const struct claude_line *line, struct err *err);

/* src_claude_answer.c */
int claude_assistant(struct ingest *in, struct claude_line *line, struct err *err);
/* All answers of a session but one have ended; session -1: those of the file whose end was said. */
int claude_complete(struct ingest *in, int32_t session, const struct claude_message *but, struct err *err);

/* src_claude_tool.c */
int claude_tool_use(struct ingest *in, const struct claude_line *line, const struct claude_message *message, int32_t block, struct err *err);
int claude_tool_result(struct ingest *in, const struct claude_line *line, int32_t block, struct err *err);
/* It has become known which session a call started. */
int claude_link(struct ingest *in, struct claude_call *call, const char *child, struct err *err);
/* The call that started a sub-agent whose lines stand in the same file. */
int claude_link_by_prompt(struct ingest *in, const struct claude_line *line, const char *parent, struct err *err);

/* src_claude_user.c */
/* A base64 source as a data: URL. */
void claude_data_url(struct ingest *in, int32_t source, struct buf *out);
int claude_user(struct ingest *in, struct claude_line *line, struct err *err);
int claude_compaction(struct ingest *in, const struct claude_line *line, struct err *err);
/* A command was answered: it is the prompt. */
int claude_take_command(struct ingest *in, struct claude_line *line, struct err *err);

#endif
