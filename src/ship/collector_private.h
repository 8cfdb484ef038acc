/* What an answer of a collector means. Pure. Private to src/ship. */
#ifndef LF_SHIP_COLLECTOR_PRIVATE_H
#define LF_SHIP_COLLECTOR_PRIVATE_H
#include "ship/collector.h"
#include "ship/http.h"

/* Fills all of *ret but helper_error. */
void collector_judge(enum collector_signal signal, enum collector_protocol protocol, const struct http_answer *answer, struct collector_answer *ret);
/* Were the keys refused? Fresh ones may help. */
bool collector_keys_refused(enum collector_protocol protocol, const struct collector_answer *answer);

#endif
