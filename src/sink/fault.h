/*
 * How the receiver fails, one string of switches between commas:
 *   status=N[;retry-after=S][:COUNT]  answer with this status, store nothing
 *   hang[:COUNT]            take the request and never answer
 *   reset-before[:COUNT]    cut the connection before the body is read
 *   reset-after[:COUNT]     read the body, store nothing, cut
 *   accept-and-die[:COUNT]  store, then cut without an answer
 *   cut-answer[:COUNT]      store, then send half of the answer and cut
 *   garbage[:COUNT]         200 with a page that is no answer, store nothing
 *   slow[=MS][:COUNT]       store, wait MS (500), then answer in small pieces
 *   max-body=BYTES          413 for larger bodies, as sent or unpacked
 *   reject-name=NAME        400 for a batch (or the event) that has an observation of this name
 *   per-event-500=N         the next N events of the batch API get status 500
 *   lag=MS                  the reading API shows rows only after so long
 *   skip-health             the switches above with a COUNT spare GET /api/public/health
 *   posts-only              and every GET
 * COUNT requests get it, then the next switch in the string; without COUNT all of them.
 */
#ifndef LF_SINK_FAULT_H
#define LF_SINK_FAULT_H
#include "base/err.h"
#include "base/slice.h"
#include <stdint.h>

enum fault_action {
	FAULT_NONE, FAULT_STATUS, FAULT_HANG, FAULT_RESET_BEFORE, FAULT_RESET_AFTER, FAULT_ACCEPT_AND_DIE,
	FAULT_CUT_ANSWER, FAULT_GARBAGE, FAULT_SLOW
};
#define FAULT_MAX_STEPS 16
struct fault_step {
	enum fault_action action;
	int64_t value;        /* status or ms */
	int64_t retry_after_s; /* -1: none */
	int64_t left;         /* requests; -1: all */
};
struct fault {
	struct fault_step steps[FAULT_MAX_STEPS];
	unsigned count;
	int64_t max_body;      /* bytes; 0: no limit of its own */
	int64_t per_event_500; /* events left */
	int64_t lag_ms;
	bool skip_health, posts_only;
	char reject_name[128]; /* "": none */
};

/* text may be NULL or empty: no fault. LF_EINVAL names the switch. */
int fault_parse(const char *text, struct fault *ret, struct err *err);
/* The step for one request; takes it off its count. */
struct fault_step fault_take(struct fault *fault, bool is_health, bool is_post);

#endif
