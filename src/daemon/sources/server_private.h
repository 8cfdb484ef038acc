/* What the parts of the server source share. One thread. */
#ifndef LF_DAEMON_SERVER_PRIVATE_H
#define LF_DAEMON_SERVER_PRIVATE_H
#include "daemon/sources/pipeline.h"
#include "daemon/sources/server.h"
#include "ingest/sse.h"
#include "ship/http.h"
#include <pthread.h>

struct server {
	struct work *work;
	char *url;                 /* without a slash at its end */
	char *auth;                /* "user:password" or NULL */
	struct http *stream_http, *http;
	struct sse *sse;
	struct pipeline *pipeline;
	struct pipeline_result result;
	struct err failure;        /* why the stream was ended by us */
	unsigned caught_up;            /* on this connection */
	bool fresh;                /* something was given that is not committed */
	bool one_directory;        /* there is no /global/event: an older server */
	char cursor[40];
	int64_t seen_ms;           /* the cursor's value */
	unsigned attempt;
	pthread_t thread;
	int stop_pipe[2];
	pthread_mutex_t lock;      /* of status only */
	struct follow_status status;
};

/* Makes durable what was given, and moves the cursor to now. */
int server_commit(struct server *server, struct err *err);
/* Reads by REST the sessions in which something happened since the cursor. LF_EAGAIN: the server does not answer well. */
int server_catch_up(struct server *server, struct err *err);

#endif
