/* Looks for what is set up wrongly, and says how to mend it. Changes nothing. */
#ifndef LF_DAEMON_DOCTOR_H
#define LF_DAEMON_DOCTOR_H
#include "conf/conf.h"

enum doctor_level { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_WARN, DOCTOR_BAD, DOCTOR_LEVELS };
const char *doctor_level_name(enum doctor_level level); /* "ok" … */

/* check: a stable word. found: what is so. mend: what to do about it, "" when nothing is to be done. No secret in either. */
typedef void doctor_fn(void *context, enum doctor_level level, const char *check, const char *found, const char *mend);
/* Runs every check. Asks the server and the daemon, with the configured time limits. */
void doctor_run(const struct conf *conf, doctor_fn *say, void *context);

#endif
