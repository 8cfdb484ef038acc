/* What gRPC adds to HTTP/2 for a call with one message each way: frames, statuses, and how long to wait. Pure. */
#ifndef LF_SHIP_GRPC_H
#define LF_SHIP_GRPC_H
#include "ship/http.h"

enum grpc_status {
	GRPC_OK = 0, GRPC_CANCELLED = 1, GRPC_UNKNOWN = 2, GRPC_INVALID_ARGUMENT = 3, GRPC_DEADLINE_EXCEEDED = 4, GRPC_NOT_FOUND = 5,
	GRPC_ALREADY_EXISTS = 6, GRPC_PERMISSION_DENIED = 7, GRPC_RESOURCE_EXHAUSTED = 8, GRPC_FAILED_PRECONDITION = 9, GRPC_ABORTED = 10,
	GRPC_OUT_OF_RANGE = 11, GRPC_UNIMPLEMENTED = 12, GRPC_INTERNAL = 13, GRPC_UNAVAILABLE = 14, GRPC_DATA_LOSS = 15, GRPC_UNAUTHENTICATED = 16,
};
const char *grpc_status_name(int status); /* "UNAVAILABLE"; "UNKNOWN" for what is none */

/* Appends the message as a frame. */
int grpc_frame(struct slice message, bool gzip, struct buf *out, struct err *err);
/* The one message of an answer's body; false when it is none, cut off or packed. Points into body. */
bool grpc_unframe(struct slice body, struct slice *ret);
/* The call's status: as the server says it, else as its HTTP status is to be read. */
int grpc_status_of(const struct http_answer *answer);
/* The server's message, percent-decoded, without control characters. */
void grpc_message_of(const struct http_answer *answer, char *ret, size_t n);
/* What a RetryInfo among the details of the status says, in ms; -1: there is none. */
int64_t grpc_retry_ms(const struct http_answer *answer);

#endif
