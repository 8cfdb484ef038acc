/* Compares what the agent has of a session, what the spool has, and what Langfuse says it has. */
#ifndef LF_DAEMON_VERIFY_H
#define LF_DAEMON_VERIFY_H
#include "daemon/work.h"

enum verify_kind {
	VERIFY_MISSING,   /* delivered, and the server does not have it */
	VERIFY_DOUBLED,   /* the server has it more than once */
	VERIFY_DIFFERENT, /* detail names the fields */
	VERIFY_UNKNOWN,   /* in this trace on the server, and not ours */
	VERIFY_DEAD,      /* refused: a dead letter */
	VERIFY_WAITING,   /* not sent yet */
	VERIFY_UNSPOOLED, /* the agent has it on disk, and the spool has not */
	VERIFY_OUTDATED,  /* the spool has an older revision of it than the agent */
	VERIFY_KINDS
};
const char *verify_kind_name(enum verify_kind kind); /* "missing" … */

struct verify_finding {
	enum verify_kind kind;
	const char *span;   /* as the server spells it */
	const char *name;   /* of the observation */
	const char *detail; /* may be empty; no content */
};

struct verify_session {
	const char *source, *session; /* a root session; its sub-agents belong to it. Set by verify_session() for the calls of fn */
	unsigned observations;        /* that the spool makes of its records */
	unsigned equal;
	unsigned agent_records;       /* that the agent has on disk; 0: nothing is known of it there */
	unsigned findings[VERIFY_KINDS];
};
/* Nothing is missing, doubled, different, unspooled or outdated. */
bool verify_is_well(const struct verify_session *session);

typedef int verify_fn(void *context, const struct verify_finding *finding, struct err *err);
/*
 * One session: agent (OpenCode's databases), spool, server. spool: a reader will do; work: for its rules and options. Calls fn for each finding. LF_ENOENT: no such session; LF_EAGAIN: the server does
 * not answer well now; LF_EINVAL: there is no server to ask.
 */
int verify_session(const struct work *work, struct spool *spool, struct ship *ship, const char *session,
                   struct verify_session *ret, verify_fn *fn, void *context, struct err *err);

#endif
