/*
 * A collector that takes OTLP for one signal, over gRPC, HTTP/protobuf or HTTP/JSON: sends one body and says what the answer means, by the
 * rules of the protocol. Knows nothing of what the body holds, keeps nothing, never sends one twice but after fresh headers (below).
 * One thread at a time.
 */
#ifndef LF_SHIP_COLLECTOR_H
#define LF_SHIP_COLLECTOR_H
#include "base/buf.h"
#include "base/err.h"
#include <stdatomic.h>

enum collector_signal { COLLECTOR_METRICS, COLLECTOR_LOGS, COLLECTOR_TRACES };
enum collector_protocol { COLLECTOR_PROTOBUF, COLLECTOR_JSON, COLLECTOR_GRPC };

struct collector_options {
	enum collector_signal signal;
	enum collector_protocol protocol;
	const char *endpoint;          /* http:// or https:// */
	bool endpoint_is_base;         /* v1/<signal> is put behind it; gRPC uses neither's path */
	const char *headers;           /* "name=value,…", values percent-encoded; NULL: none */
	const char *headers_helper;    /* a program that prints a JSON object of more headers, which win; NULL: none. It runs before the
	                                * first request, and again when the keys are refused: then that request goes out once more */
	const char *ca_file;           /* NULL: the system's */
	const char *client_cert_file, *client_key_file; /* PEM; NULL: none */
	bool gzip;
	long connect_timeout_ms, timeout_ms;
	const char *user_agent;
	const atomic_bool *cancel;     /* cuts a hanging request within a second; NULL: never */
};

enum collector_verdict {
	COLLECTOR_TAKEN,
	COLLECTOR_PARTIAL,  /* taken but for `rejected` of it, which must not be sent again */
	COLLECTOR_AGAIN,    /* send the same again, after retry_after_ms if there is one, else with backoff */
	COLLECTOR_REFUSED,  /* the data is bad or too large: must not be sent again */
	COLLECTOR_FAILED,   /* must not be sent again either, but nobody says that the data is bad */
	COLLECTOR_HELD      /* keys, address, certificate, protocol: a matter of configuration, all requests would fare so */
};
const char *collector_verdict_name(enum collector_verdict verdict);

struct collector_answer {
	enum collector_verdict verdict;
	uint64_t rejected;         /* PARTIAL */
	int64_t retry_after_ms;    /* AGAIN; -1: none was given */
	long status;               /* of HTTP; 0: no answer */
	int grpc_status;           /* -1: none */
	char reason[256];          /* our words, or libcurl's: fit for a log. "" when all is well */
	char message[256];         /* the collector's words: not for a log */
	char helper_error[128];    /* why the helper gave no headers; "" when it did, or was not run */
};

struct collector;
/* LF_EINVAL for headers that cannot be sent. The texts are copied. */
int collector_new(const struct collector_options *options, struct collector **ret, struct err *err);
void collector_free(struct collector *collector); /* NULL is nothing */
const char *collector_url(const struct collector *collector);
/* body: an Export…ServiceRequest in the form of the protocol, neither framed nor packed. Fails only for want of memory or a bad URL. */
int collector_send(struct collector *collector, struct slice body, struct collector_answer *ret, struct err *err);

#endif
