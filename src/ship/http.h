/* HTTP over libcurl: one request at a time per handle, all limits set. The sole user of curl.h. */
#ifndef LF_SHIP_HTTP_H
#define LF_SHIP_HTTP_H
#include "base/buf.h"
#include "base/err.h"
#include <stdatomic.h>

struct http_options {
	const char *ca_file;          /* NULL: the system's */
	const char *client_cert_file, *client_key_file; /* PEM; NULL: none */
	const char *user_agent;
	long connect_timeout_ms, total_timeout_ms; /* 0: 10,000 and 30,000 */
	long low_speed_seconds;       /* 0: 20: below 1 byte/s for so long ends the transfer */
	size_t max_answer_bytes;      /* 0: 1 MiB */
	bool http2;                   /* else HTTP/1.1; without TLS the server must know */
	bool reuse;                   /* POSTs share a connection; one may then arrive twice */
	const atomic_bool *cancel;    /* checked at least every second; NULL: never */
};
struct http;
struct http *http_new(const struct http_options *options);
void http_free(struct http *http);
/* Many GETs of one server follow: they may share a connection, until this is called with false. */
void http_keep(struct http *http, bool keep);

enum http_phase { HTTP_NOT_SENT, HTTP_SENT, HTTP_ANSWERED }; /* how far it got: before the body was all out, after, whole answer */
struct http_answer {
	enum http_phase phase;
	long status;              /* 0 when none came */
	struct buf body;
	bool cut;                 /* the body ended early or was larger than allowed */
	int64_t retry_after_ms;   /* -1: no header; seconds or HTTP-date, else -1 */
	int64_t date_ms;          /* the server's clock; -1: no header */
	char content_type[64];
	char next_cursor[128];    /* X-Next-Cursor; "" when there is none */
	char grpc_status[8], grpc_message[512], grpc_details[2048]; /* as they came; "" when they did not */
	char error[384];          /* curl's words when there is no whole answer */
	bool tls_config_error;    /* certificate refused: configuration, not weather */
};
/* The value of a Retry-After header, seconds or an HTTP-date, as ms from now_ms (wall clock); -1 when it is neither. */
int64_t http_parse_retry_after(struct slice value, int64_t now_ms);
void http_answer_init(struct http_answer *answer);
void http_answer_done(struct http_answer *answer);
/* Takes what is wanted of a header or trailer line, as it came; the status line forgets those of an interim answer. */
void http_answer_header(struct http_answer *answer, struct slice line);
/* headers: NULL-terminated "Name: value". gzip: compress the body. Never follows redirects. basic_auth:
 * "user:password" or NULL. Returns 0 when an answer struct could be filled (also for failures on the network). */
int http_post(struct http *http, const char *url, const char *const *headers, const char *basic_auth,
              struct slice body, bool gzip, struct http_answer *ret, struct err *err);
int http_get(struct http *http, const char *url, const char *const *headers, const char *basic_auth,
             struct http_answer *ret, struct err *err);
/*
 * Reads an answer of any length, as it comes: fn gets its bytes when the status is 200 (else they are in ret->body). There is no
 * limit on the whole time, only on silence (low_speed_seconds). fn's non-zero return ends the transfer.
 */
typedef int http_bytes_fn(void *context, struct slice bytes);
int http_stream(struct http *http, const char *url, const char *const *headers, const char *basic_auth,
                http_bytes_fn *fn, void *context, struct http_answer *ret, struct err *err);

#endif
