/* What an agent has on its disk of one session, held against the spool. */
#ifndef LF_DAEMON_VERIFY_AGENT_H
#define LF_DAEMON_VERIFY_AGENT_H
#include "daemon/work.h"

enum agent_finding { AGENT_SAME, AGENT_UNSPOOLED, AGENT_OUTDATED };
typedef int agent_fn(void *context, enum agent_finding finding, struct slice key, struct err *err);
/*
 * Calls fn once for each finished session, message and part that OpenCode's databases hold of this session. A session that is in none
 * of them has no calls. What the mode or the rules take away is taken away on both sides before they are compared.
 */
int verify_agent(const struct work *work, struct spool *spool, struct slice source, struct slice session, agent_fn *fn,
                 void *context, struct err *err);

#endif
