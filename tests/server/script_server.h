/*
 * A loopback HTTP server for tests: each request is put to a function, which says what happens to it.
 * One thread, one connection at a time, one request each. Reads gzip bodies.
 */
#ifndef LF_TESTS_SCRIPT_SERVER_H
#define LF_TESTS_SCRIPT_SERVER_H
#include "base/buf.h"

enum script_deed {
	SCRIPT_ANSWER,
	SCRIPT_HANG,              /* reads all, never answers, until the client goes or the server stops */
	SCRIPT_RESET_EARLY,       /* resets the connection before the body is read */
	SCRIPT_RESET_LATE,        /* reads all, then resets */
	SCRIPT_CUT                /* promises the whole answer, sends half of its body */
};

struct script_request {
	char method[16];
	char target[2048];
	struct slice head;        /* request line and headers */
	struct slice body;        /* not yet read when the deed is asked for with early true */
};

struct script_reply {
	enum script_deed deed;
	int status;               /* 0: 200 */
	const char *headers;      /* more "Name: value\r\n" lines, or NULL */
	struct buf body;
};

/* early: only the head was read; anything but SCRIPT_RESET_EARLY means read on, and ask again. */
typedef void script_fn(void *context, const struct script_request *request, bool early, struct script_reply *reply);

struct script_server;
struct script_server *script_server_start(script_fn *fn, void *context);
unsigned script_server_port(const struct script_server *server);
void script_server_stop(struct script_server *server);

#endif
