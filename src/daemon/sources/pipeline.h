/*
 * Bytes -> ingest -> redact -> spool. Records are handed to the spool in batches; what has been counted as
 * stored or unchanged is durable.
 */
#ifndef LF_DAEMON_PIPELINE_H
#define LF_DAEMON_PIPELINE_H
#include "daemon/work.h"
#include "ingest/ingest.h"

struct pipeline_result {
	struct ingest_counts counts;
	uint64_t stored, unchanged, dropped; /* records; dropped: mode off */
	uint64_t problems;
	struct buf words;   /* the first problems, a line each */
};
void pipeline_result_init(struct pipeline_result *result);
void pipeline_result_done(struct pipeline_result *result);

/*
 * Value by value, for a source that keeps its own place: what was given is durable when pipeline_commit() has returned 0, and with it,
 * in the same transaction, the cursor (of that source; an empty name sets none, an empty value removes it). events: how many the
 * source counts for it. After a failure what was given since the last commit is forgotten.
 */
struct pipeline;
/* work and *result must outlive it. LF_EINVAL for an unknown source. */
int pipeline_new(struct work *work, const char *source, const char *name, struct pipeline_result *result, struct pipeline **ret, struct err *err);
void pipeline_free(struct pipeline *pipeline);
int pipeline_value(struct pipeline *pipeline, struct slice text, uint64_t line, struct err *err);
/* While it is mute, what is given is only remembered: it is durable already. */
void pipeline_mute(struct pipeline *pipeline, bool mute);
void pipeline_swap_memory(struct pipeline *pipeline, struct claude **memory); /* see ingest_swap_memory() */
void pipeline_oversize(struct pipeline *pipeline, uint64_t bytes, uint64_t line);
int pipeline_commit(struct pipeline *pipeline, struct slice cursor, struct slice value, uint64_t events, struct err *err);

/*
 * Reads fd to its end. name is for messages. watch_fd (or -1): stop when the other side of it hangs up.
 * Returns 0 when everything readable is durable (problems may have been found), else the failure; LF_EINVAL for an
 * unknown source, LF_EFULL for a full disk, LF_ECLOSED when stopped.
 */
int pipeline_run(struct work *work, const char *source, const char *name, int fd, int watch_fd,
                 struct pipeline_result *ret, struct err *err);

#endif
