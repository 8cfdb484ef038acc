/* /api/public/ingestion and /api/public/scores: events to spans, with the checks that the server makes. */
#ifndef LF_SINK_INGESTION_H
#define LF_SINK_INGESTION_H
#include "sink/sink.h"
#include "sink/span.h"

struct ingestion_event {
	struct slice id;        /* unescaped, or empty */
	int status;             /* 201, or what its entry in errors says; 0: in neither list (sdk-log) */
	const char *error;      /* static words for status != 201 */
	int span;               /* its index in the batch's spans; -1: none */
};

/* Called for each event in order; events of a batch are independent of each other. */
typedef int ingestion_event_fn(void *context, const struct ingestion_event *event, struct err *err);

/*
 * Reads a batch and calls fn for each event, its span (when it gave one) already added to the batch.
 * LF_EINVAL when the body is no batch at all.
 */
int ingestion_read(struct slice body, enum sink_profile profile, struct sink_batch *batch, ingestion_event_fn *fn, void *context, struct err *err);
/* The body of one score. LF_EINVAL with words. */
int ingestion_read_score(struct slice body, struct sink_batch *batch, struct slice *ret_id, struct err *err);

#endif
