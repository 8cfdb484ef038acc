/*
 * HTTP over libcurl. Each request has its own connection, but for GETs between http_keep() calls: on a reused one libcurl repeats by itself a
 * request whose connection died before an answer came, and a server that does not merge would have it twice. Who can bear that says so by
 * the option reuse.
 */
#include "ship/http.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ship/gzip.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_HEADER_BYTES (256u << 10)

struct http {
	CURL *curl;             /* of one request */
	CURLSH *connections;    /* outlive it */
	char *ca_file, *client_cert_file, *client_key_file, *user_agent;
	long connect_timeout_ms, total_timeout_ms, low_speed_seconds;
	size_t max_answer_bytes;
	const atomic_bool *cancel;
	bool keep, reuse, http2;
	bool connected;         /* there may be a connection to reuse */
};

struct transfer {
	struct http *http;
	struct http_answer *answer;
	struct slice body;
	size_t body_given;    /* bytes handed to libcurl */
	size_t header_bytes;
	http_bytes_fn *stream; /* NULL: the answer is kept */
	void *stream_context;
	char curl_error[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool h2c_reuse_breaks; /* before 8.0 libcurl begins HTTP/2 anew on a connection that speaks it already, when there is no TLS */

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	h2c_reuse_breaks = curl_version_info(CURLVERSION_NOW)->version_num < 0x080000;
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/*
 * A handle for one request. Before 8.1.1 libcurl forgets in a handle that is used again that the last header of the answer before has been
 * freed, and writes to it when the next answer begins with a folded line.
 */
static void renew(struct http *http)
{
	curl_easy_cleanup(http->curl);
	http->curl = curl_easy_init();
	if (!http->curl || curl_easy_setopt(http->curl, CURLOPT_SHARE, http->connections) != CURLE_OK)
		abort(); /* no memory */
}

/* An idle connection holds a descriptor; libcurl closes it with what it is kept in. */
static void forget_connections(struct http *http)
{
	curl_easy_cleanup(http->curl);
	http->curl = NULL;
	curl_share_cleanup(http->connections);
	http->connections = NULL;
}

static void prepare(struct http *http)
{
	http->connections = curl_share_init();
	if (!http->connections || curl_share_setopt(http->connections, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
		abort();
	renew(http);
}

struct http *http_new(const struct http_options *options)
{
	struct http *http = xcalloc(1, sizeof(*http));

	pthread_once(&curl_once, init_curl);
	prepare(http);
	http->ca_file = copy(options->ca_file);
	http->client_cert_file = copy(options->client_cert_file);
	http->client_key_file = copy(options->client_key_file);
	http->reuse = options->reuse;
	http->http2 = options->http2;
	http->user_agent = xstrdup(options->user_agent ? options->user_agent : "lfspool");
	http->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : 10000;
	http->total_timeout_ms = options->total_timeout_ms > 0 ? options->total_timeout_ms : 30000;
	http->low_speed_seconds = options->low_speed_seconds > 0 ? options->low_speed_seconds : 20;
	http->max_answer_bytes = options->max_answer_bytes > 0 ? options->max_answer_bytes : (size_t)1 << 20;
	http->cancel = options->cancel;
	return http;
}

void http_keep(struct http *http, bool keep)
{
	http->keep = keep;
	if (keep)
		return;
	forget_connections(http);
	prepare(http);
}

void http_free(struct http *http)
{
	if (!http)
		return;
	forget_connections(http);
	free(http->ca_file);
	free(http->client_cert_file);
	free(http->client_key_file);
	free(http->user_agent);
	free(http);
}

/* ---- callbacks ---- */

static size_t on_read(char *buffer, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t n = size * count, left = transfer->body.len - transfer->body_given;

	if (n > left)
		n = left;
	if (n > 0)
		memcpy(buffer, transfer->body.ptr + transfer->body_given, n);
	transfer->body_given += n;
	return n;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t n = size * count;
	long status = 0;

	if (transfer->stream)
		curl_easy_getinfo(transfer->http->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return transfer->stream(transfer->stream_context, (struct slice){ bytes, n }) == 0 ? n : 0;
	if (transfer->answer->body.len + n > transfer->http->max_answer_bytes ||
	    buf_append(&transfer->answer->body, bytes, n) != 0) {
		transfer->answer->cut = true;
		return 0;
	}
	return n;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	struct http_answer *answer = transfer->answer;
	struct slice line = { bytes, size * count };

	transfer->header_bytes += line.len;
	if (transfer->header_bytes > MAX_HEADER_BYTES) {
		answer->cut = true;
		return 0;
	}
	http_answer_header(answer, line);
	return line.len;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	const struct transfer *transfer = context;

	(void)down_total, (void)down, (void)up_total, (void)up;
	return transfer->http->cancel && atomic_load(transfer->http->cancel) ? 1 : 0;
}

/* ---- one request ---- */

static void allow_only_http(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static bool is_loopback(const char *url)
{
	static const char *const hosts[] = { "127.", "localhost:", "localhost/", "[::1]" };
	const char *host = strstr(url, "://");

	for (size_t i = 0; host && i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (strncasecmp(host + 3, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return false;
}

static void set_limits(const struct http *http, struct transfer *transfer)
{
	CURL *curl = http->curl;

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	if (http->reuse)
		curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, http->connect_timeout_ms);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, http->total_timeout_ms);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, http->low_speed_seconds);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
	allow_only_http(curl);
}

static curl_socket_t no_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)context, (void)purpose, (void)address;
	return CURL_SOCKET_BAD;
}

/* Would libcurl trip over a connection that is reused? Then it is told to speak HTTP/2 as if it were to negotiate it, and kept from opening
 * another connection, on which it would. */
static bool cautious(const struct http *http, const char *url)
{
	return h2c_reuse_breaks && http->http2 && http->connected && strncasecmp(url, "http://", 7) == 0;
}

static void set_version(const struct http *http, const char *url)
{
	bool tls = strncasecmp(url, "https://", 8) == 0;
	long version = !http->http2 ? CURL_HTTP_VERSION_1_1 : tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;

	if (cautious(http, url)) {
		version = CURL_HTTP_VERSION_2_0;
		curl_easy_setopt(http->curl, CURLOPT_OPENSOCKETFUNCTION, no_socket);
	}
	curl_easy_setopt(http->curl, CURLOPT_HTTP_VERSION, version);
}

static void set_tls(const struct http *http)
{
	const struct { CURLoption option; const char *file; } rows[] = {
		{ CURLOPT_CAINFO, http->ca_file }, { CURLOPT_SSLCERT, http->client_cert_file }, { CURLOPT_SSLKEY, http->client_key_file },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].file)
			curl_easy_setopt(http->curl, rows[i].option, rows[i].file);
}

static void set_request(struct http *http, struct transfer *transfer, const char *url, const char *basic_auth,
                        struct curl_slist *headers, bool post)
{
	CURL *curl;

	renew(http);
	curl = http->curl;
	set_limits(http, transfer);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	if (is_loopback(url)) /* the proxy's loopback would be another machine */
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, http->user_agent);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->curl_error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
	set_version(http, url);
	set_tls(http);
	if (basic_auth) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERPWD, basic_auth);
	}
	if (!(post ? http->reuse : http->keep))
		curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	if (!(post ? http->connected : http->keep)) /* after a failure too: what is left of a connection is not trusted */
		curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	if (!post)
		return;
	/* No seek function: libcurl could otherwise rewind and send the body a second time. */
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.len);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	if (!longer)
		abort(); /* a few bytes */
	return longer;
}

static bool is_tls_config(CURLcode code)
{
	static const CURLcode codes[] = {
		CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
		CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_ENGINE_NOTFOUND,
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return false;
}

/* The server says so itself, in an alert of TLS: it does not like our certificate, or that there is none. */
static bool is_tls_alert(const char *words)
{
	return strstr(words, " alert ") && !strstr(words, "internal error");
}

/* A server that misses a certificate cuts the connection behind its alert, which is then often lost. */
static bool cut_after_handshake(const struct transfer *transfer, CURLcode code)
{
	curl_off_t handshake = 0;

	curl_easy_getinfo(transfer->http->curl, CURLINFO_APPCONNECT_TIME_T, &handshake);
	return code != CURLE_OPERATION_TIMEDOUT && code != CURLE_ABORTED_BY_CALLBACK && handshake > 0 && transfer->header_bytes == 0 &&
	       !transfer->http->connected;
}

static void take_outcome(struct transfer *transfer, CURLcode code)
{
	struct http_answer *answer = transfer->answer;
	CURL *curl = transfer->http->curl;
	curl_off_t sent = 0;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &sent);
	answer->status = status >= 200 ? status : 0; /* 1xx: the answer itself never came */
	if (code == CURLE_OK && answer->status != 0) {
		answer->phase = HTTP_ANSWERED;
		return;
	}
	/* All bytes count as out when the system has taken them: whether the server read them nobody knows. */
	answer->phase = (size_t)sent < transfer->body.len ? HTTP_NOT_SENT : HTTP_SENT;
	if (transfer->body.len == 0)
		answer->phase = answer->status != 0 || transfer->header_bytes > 0 ? HTTP_SENT : HTTP_NOT_SENT;
	if (answer->status != 0)
		answer->cut = true;
	answer->tls_config_error = is_tls_config(code) || is_tls_alert(transfer->curl_error);
	snprintf(answer->error, sizeof(answer->error), "%s%s",
	         cut_after_handshake(transfer, code) ? "cut after the TLS handshake, as by a server that wants a client certificate: " : "",
	         code == CURLE_ABORTED_BY_CALLBACK ? "cancelled" :
	         transfer->curl_error[0] ? transfer->curl_error : curl_easy_strerror(code));
}

struct streaming {
	http_bytes_fn *fn;
	void *context;
};

static int perform(struct http *http, const char *url, const char *const *headers, bool gzip, const char *basic_auth,
                   struct slice body, bool post, const struct streaming *stream, struct http_answer *ret, struct err *err)
{
	struct transfer transfer = { .http = http, .answer = ret, .body = body, .stream = stream ? stream->fn : NULL,
		                     .stream_context = stream ? stream->context : NULL };
	struct curl_slist *list = add_header(NULL, "Expect:"); /* some servers never say 100 */
	CURLcode code;

	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) {
		curl_slist_free_all(list);
		return err_set(err, LF_EINVAL, "neither http:// nor https://: %s", url);
	}
	for (; headers && *headers; headers++)
		list = add_header(list, *headers);
	if (gzip)
		list = add_header(list, "Content-Encoding: gzip");
	set_request(http, &transfer, url, basic_auth, list, post);
	if (stream)
		curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, 0L);
	code = curl_easy_perform(http->curl);
	if (code == CURLE_COULDNT_CONNECT && cautious(http, url)) { /* the connection has gone: another one */
		http->connected = false;
		set_request(http, &transfer, url, basic_auth, list, post);
		code = curl_easy_perform(http->curl);
	}
	if (code != CURLE_URL_MALFORMAT)
		take_outcome(&transfer, code);
	if (post)
		http->connected = http->reuse && code == CURLE_OK;
	renew(http); /* forgets the pointers into this frame, and the password */
	curl_slist_free_all(list);
	if (code == CURLE_URL_MALFORMAT)
		return err_set(err, LF_EINVAL, "not a URL: %s", url);
	return 0;
}

int http_post(struct http *http, const char *url, const char *const *headers, const char *basic_auth,
              struct slice body, bool gzip, struct http_answer *ret, struct err *err)
{
	struct buf compressed;
	int rc = 0;

	buf_init(&compressed, GZIP_MAX_BYTES);
	if (gzip) {
		rc = gzip_pack(body, &compressed, err);
		body = buf_view(&compressed);
	}
	if (rc == 0)
		rc = perform(http, url, headers, gzip, basic_auth, body, true, NULL, ret, err);
	buf_done(&compressed);
	return rc;
}

int http_get(struct http *http, const char *url, const char *const *headers, const char *basic_auth,
             struct http_answer *ret, struct err *err)
{
	return perform(http, url, headers, false, basic_auth, SLICE_NONE, false, NULL, ret, err);
}

int http_stream(struct http *http, const char *url, const char *const *headers, const char *basic_auth,
                http_bytes_fn *fn, void *context, struct http_answer *ret, struct err *err)
{
	const struct streaming stream = { fn, context };

	return perform(http, url, headers, false, basic_auth, SLICE_NONE, false, &stream, ret, err);
}
