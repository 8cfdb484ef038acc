/* What the receiver's connection handling and its routes share. */
#ifndef LF_SINK_SERVER_H
#define LF_SINK_SERVER_H
#include "sink/fault.h"
#include "sink/sink.h"
#include "sink/store.h"
#include <pthread.h>
#include <stdatomic.h>

#define SINK_MAX_BODY_BYTES (32u << 20)

struct MHD_Daemon;
struct sink {
	struct sink_options options; /* its strings are copies or the caller's for good */
	char *auth;                  /* what the Authorization header must be; NULL: anything */
	struct MHD_Daemon *daemon;
	uint16_t port;
	atomic_bool stopping;
	pthread_mutex_t lock;        /* of all below */
	struct store *store;
	struct fault fault;
	uint64_t requests, rejected, kept;
};

struct sink_request {
	const char *method, *path;
	const char *authorization, *content_type, *content_encoding, *ingestion_version; /* headers; NULL: none */
	const char *trace_id, *limit, *cursor; /* query; NULL: none */
	struct buf body;             /* as sent; unpacked by the routes */
};
struct sink_answer {
	unsigned status;
	const char *content_type;
	struct buf body;
};

/* Answers one request by the table of routes. Takes the lock itself. */
void sink_route(struct sink *sink, struct sink_request *request, struct sink_answer *answer);
const char *sink_version(enum sink_profile profile);

#endif
