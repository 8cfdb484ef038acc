/* What the receiver's connection handling, its routes and its views share. */
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
	struct sink_options options; /* its strings are the caller's, for as long as the sink runs */
	char *auth;                  /* what the Authorization header must be; NULL: anything */
	char *bearer;                /* the right key in the wrong scheme */
	struct MHD_Daemon *daemon;
	uint16_t port;
	atomic_bool stopping;
	pthread_mutex_t lock;        /* of all below */
	struct store *store;
	struct fault fault;
	uint64_t requests, rejected, kept, jobs;
	uint64_t run;                /* another number for each receiver */
};

struct sink_request {
	const char *method, *path;
	const char *authorization, *content_type, *content_encoding, *ingestion_version; /* headers; NULL: none */
	struct slice body;           /* as sent */
	struct slice unpacked;       /* the same without gzip */
	int unpack_code;             /* LF_EINVAL: no gzip or an unknown encoding; LF_ELIMIT: too large */
	const char *(*query)(void *context, const char *name); /* NULL: not given */
	void *context;
};
struct sink_answer {
	unsigned status;
	const char *content_type;
	char nonce[33];              /* of a page with a script of ours; "": no script may run */
	struct buf body;
};

/* The receiver's own pages: no fault hits them, and they are not counted. */
bool sink_is_own(const char *path);
/* Fills body's unpacked form, kept in *memory where it is another. */
void sink_unpack(struct sink_request *request, struct buf *memory);
/* Answers one request by the table of routes. Takes the lock itself. */
void sink_route(struct sink *sink, struct sink_request *request, struct sink_answer *answer);

void answer_text(struct sink_answer *answer, unsigned status, const char *content_type, const char *text);
/* {"message":…,"error":…}; error may be NULL. */
void answer_message(struct sink_answer *answer, unsigned status, const char *message, const char *error);

/* Handlers of routes; the lock is held. view.c reads back, own.c is for the people at the receiver. */
typedef void sink_route_fn(struct sink *sink, struct sink_request *request, struct sink_answer *answer);
sink_route_fn view_observations_v2, view_observations_v1, view_trace;
sink_route_fn own_fault, own_figures, own_observations, own_scores, own_draw;
void own_put_figures(struct sink *sink, struct json_writer *writer);
int own_draw_text(struct sink *sink, const struct map_look *look, struct buf *out);

#endif
