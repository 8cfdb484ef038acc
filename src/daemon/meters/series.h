/*
 * The bound on the number of series: a fact's first max_series labels make one each; what has another label is counted under what
 * is left of it without names, and that it was is counted too. Which labels came first is kept, so a series never ends.
 */
#ifndef LF_DAEMON_SERIES_H
#define LF_DAEMON_SERIES_H
#include "spool.h"

#define SERIES_LABEL_BYTES 1024
/* counter: as count_move_fn has it. ret: the label to count under. Inside the caller's transaction. */
int series_admit(struct spool *spool, unsigned max_series, const char *counter, const char *label, char ret[SERIES_LABEL_BYTES], struct err *err);

#endif
