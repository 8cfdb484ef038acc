/* What a person says of a trace or a session, to Langfuse. */
#ifndef LF_DAEMON_SCORE_H
#define LF_DAEMON_SCORE_H
#include "conf/conf.h"
#include "base/err.h"

#define SCORE_MAX_VALUE 500 /* characters of a category: Langfuse's own limit */

struct score {
	const char *target;  /* a trace id (32 hex digits), or a session in the spool */
	const char *value;   /* a number; true, false, yes or no; else a category */
	const char *name;
	const char *comment; /* NULL: none */
};
struct score_sent {
	char id[33];         /* the same for the same target and name: a later score takes the place of the first */
	const char *on;      /* "trace" or "session" */
	char target[256];    /* its id in Langfuse */
	const char *type;    /* "NUMERIC", "BOOLEAN", "CATEGORICAL" */
	bool redacted;       /* secrets were taken out of the words */
};
/*
 * Sends it, in one request, when it returns 0. The words go through the rules of redaction. The spool is only looked at.
 * LF_ENOENT: there is no such session, or no keys; LF_EINVAL, LF_EPERM: refused, here or there; LF_EAGAIN: the server is away.
 */
int score_send(const struct conf *conf, const struct score *score, struct score_sent *ret, struct err *err);

#endif
