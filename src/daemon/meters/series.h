/*
 * The bound on the number of series: a fact's first max_series labels make one each; what has another label is counted under what
 * is left of it without names, and that it was is counted too. Which labels came first is kept, so a series never ends.
 */
#ifndef LF_DAEMON_SERIES_H
#define LF_DAEMON_SERIES_H
#include "spool.h"

#define SERIES_LABEL_BYTES 1024
/* fact: a counter's name up to its '/'. *ret: the label to count under: this one, or what is left of it, in room. Inside the caller's
 * transaction. */
int series_admit(struct spool *spool, unsigned max_series, struct slice fact, const char *label, char room[SERIES_LABEL_BYTES],
                 const char **ret, struct err *err);

#endif
