/* http.c against a scripted server: how far a request got, limits, no redirects, cancelling. */
#include "script_server.h"
#include "ship/http.h"
#include "ship/verdict.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct script {
	struct script_reply reply;  /* without its body */
	const char *body;
	size_t filler;              /* so many bytes of body instead */
	atomic_bool *cancel;        /* set once the request is there */
	atomic_int requests;
	char head[4096];
	char got[64];
};

static void play(void *context, const struct script_request *request, bool early, struct script_reply *reply)
{
	struct script *script = context;

	reply->deed = script->reply.deed;
	reply->status = script->reply.status;
	reply->headers = script->reply.headers;
	if (early)
		return;
	atomic_fetch_add(&script->requests, 1);
	snprintf(script->head, sizeof(script->head), "%.*s", (int)request->head.len, request->head.ptr);
	snprintf(script->got, sizeof(script->got), "%.*s", (int)(request->body.len > 60 ? 60 : request->body.len), request->body.ptr);
	if (script->cancel)
		atomic_store(script->cancel, true);
	if (script->body)
		buf_text(&reply->body, script->body);
	for (size_t i = 0; i < script->filler; i++)
		buf_char(&reply->body, 'x');
}

/* One POST to a server with this script. */
static void post(struct script *script, const struct http_options *options, struct slice body, bool gzip, struct http_answer *answer)
{
	static const char *const headers[] = { "Content-Type: text/plain", NULL };
	struct script_server *server = script_server_start(play, script);
	struct http *http = http_new(options);
	struct err err;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/path", script_server_port(server));
	http_answer_init(answer);
	assert_int_equal(http_post(http, url, headers, "user:pass", body, gzip, answer, &err), 0);
	http_free(http);
	script_server_stop(server);
}

static void an_answer_is_read(void **state)
{
	struct script script = { .reply = { .status = 429, .headers = "Retry-After: 12\r\nContent-Type: text/x\r\n" }, .body = "slow" };
	struct http_options options = { .user_agent = "agent/1" };
	struct http_answer answer;

	(void)state;
	post(&script, &options, SLICE("hello"), true, &answer);
	assert_int_equal(answer.phase, HTTP_ANSWERED);
	assert_int_equal(answer.status, 429);
	assert_int_equal(answer.retry_after_ms, 12000);
	assert_string_equal(answer.content_type, "text/x");
	assert_true(slice_is(buf_view(&answer.body), "slow"));
	assert_false(answer.cut);
	assert_string_equal(script.got, "hello");
	assert_non_null(strstr(script.head, "POST /path HTTP/1.1"));
	assert_non_null(strstr(script.head, "Authorization: Basic dXNlcjpwYXNz"));
	assert_non_null(strstr(script.head, "User-Agent: agent/1"));
	assert_non_null(strstr(script.head, "Content-Encoding: gzip"));
	assert_null(strstr(script.head, "Expect"));
	http_answer_done(&answer);
}

static void redirects_are_not_followed(void **state)
{
	struct script script = { .reply = { .status = 302, .headers = "Location: /elsewhere\r\n" } };
	struct http_answer answer;

	(void)state;
	post(&script, &(struct http_options){ 0 }, SLICE("x"), false, &answer);
	assert_int_equal(answer.status, 302);
	assert_int_equal(atomic_load(&script.requests), 1);
	http_answer_done(&answer);
}

static void a_reset_before_the_body_is_out_is_not_sent(void **state)
{
	struct script script = { .reply = { .deed = SCRIPT_RESET_EARLY } };
	size_t n = (size_t)32 << 20; /* more than sockets hold */
	char *bytes = calloc(1, n);
	struct http_answer answer;

	(void)state;
	assert_non_null(bytes);
	post(&script, &(struct http_options){ 0 }, (struct slice){ bytes, n }, false, &answer);
	assert_int_equal(answer.phase, HTTP_NOT_SENT);
	assert_int_equal(answer.status, 0);
	assert_true(answer.error[0] != '\0');
	assert_int_equal(verdict_of(&answer, false), VERDICT_RETRY);
	http_answer_done(&answer);
	free(bytes);
}

static void a_reset_after_the_body_is_sent(void **state)
{
	struct script script = { .reply = { .deed = SCRIPT_RESET_LATE } };
	struct http_answer answer;

	(void)state;
	post(&script, &(struct http_options){ 0 }, SLICE("x"), false, &answer);
	assert_int_equal(answer.phase, HTTP_SENT);
	assert_int_equal(verdict_of(&answer, false), VERDICT_IN_DOUBT);
	assert_int_equal(atomic_load(&script.requests), 1);
	http_answer_done(&answer);
}

static void a_cut_answer_is_known_as_cut(void **state)
{
	struct script script = { .reply = { .deed = SCRIPT_CUT, .status = 200 }, .body = "{\"a\":1}" };
	struct http_answer answer;

	(void)state;
	post(&script, &(struct http_options){ 0 }, SLICE("x"), false, &answer);
	assert_true(answer.cut);
	assert_int_equal(answer.phase, HTTP_SENT);
	assert_int_equal(answer.status, 200);
	assert_int_equal(verdict_of(&answer, true), VERDICT_IN_DOUBT);
	http_answer_done(&answer);
}

static void a_huge_answer_is_cut(void **state)
{
	struct script script = { .filler = 5000 };
	struct http_options options = { .max_answer_bytes = 1000 };
	struct http_answer answer;

	(void)state;
	post(&script, &options, SLICE("x"), false, &answer);
	assert_true(answer.cut);
	assert_true(answer.body.len <= 1000);
	http_answer_done(&answer);
}

static void huge_headers_end_the_transfer(void **state)
{
	char *headers = calloc(1, 1 << 20);
	struct script script = { .reply = { .headers = headers } };
	struct http_answer answer;

	(void)state;
	assert_non_null(headers);
	for (size_t n = 0; n < 900000; n += 1002) {
		memset(headers + n, 'a', 1000);
		memcpy(headers + n, "X: ", 3);
		memcpy(headers + n + 1000, "\r\n", 2);
	}
	post(&script, &(struct http_options){ 0 }, SLICE("x"), false, &answer);
	assert_int_not_equal(answer.phase, HTTP_ANSWERED);
	http_answer_done(&answer);
	free(headers);
}

static void a_silent_server_is_left(void **state)
{
	struct script script = { .reply = { .deed = SCRIPT_HANG } };
	struct http_options options = { .total_timeout_ms = 1500 };
	struct http_answer answer;

	(void)state;
	post(&script, &options, SLICE("x"), false, &answer);
	assert_int_equal(answer.phase, HTTP_SENT);
	assert_int_equal(answer.status, 0);
	http_answer_done(&answer);
}

static void cancelling_ends_a_hanging_request(void **state)
{
	atomic_bool cancel = false;
	struct script script = { .reply = { .deed = SCRIPT_HANG }, .cancel = &cancel };
	struct http_options options = { .cancel = &cancel, .total_timeout_ms = 600000, .low_speed_seconds = 600 };
	struct http_answer answer;

	(void)state;
	post(&script, &options, SLICE("x"), false, &answer);
	assert_int_equal(answer.phase, HTTP_SENT);
	assert_string_equal(answer.error, "cancelled");
	http_answer_done(&answer);
}

static void nobody_there_is_not_sent(void **state)
{
	struct script script = { .reply = { .status = 200 } };
	struct script_server *server = script_server_start(play, &script);
	struct http *http = http_new(&(struct http_options){ 0 });
	struct http_answer answer;
	struct err err;
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", script_server_port(server));
	script_server_stop(server);
	http_answer_init(&answer);
	assert_int_equal(http_post(http, url, NULL, NULL, SLICE("x"), false, &answer, &err), 0);
	assert_int_equal(answer.phase, HTTP_NOT_SENT);
	http_answer_done(&answer);
	http_answer_init(&answer);
	assert_int_equal(http_get(http, url, NULL, NULL, &answer, &err), 0);
	assert_int_equal(answer.phase, HTTP_NOT_SENT);
	http_answer_done(&answer);
	http_free(http);
}

static void only_http_urls_are_taken(void **state)
{
	static const char *const urls[] = { "ftp://127.0.0.1/", "file:///etc/passwd", "langfuse.example", "", "http://", "https://a b/" };
	struct http *http = http_new(&(struct http_options){ 0 });

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_answer answer;
		struct err err;

		http_answer_init(&answer);
		assert_int_equal(http_get(http, urls[i], NULL, NULL, &answer, &err), LF_EINVAL);
		http_answer_done(&answer);
	}
	http_free(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(redirects_are_not_followed),
		cmocka_unit_test(a_reset_before_the_body_is_out_is_not_sent),
		cmocka_unit_test(a_reset_after_the_body_is_sent),
		cmocka_unit_test(a_cut_answer_is_known_as_cut),
		cmocka_unit_test(a_huge_answer_is_cut),
		cmocka_unit_test(huge_headers_end_the_transfer),
		cmocka_unit_test(a_silent_server_is_left),
		cmocka_unit_test(cancelling_ends_a_hanging_request),
		cmocka_unit_test(nobody_there_is_not_sent),
		cmocka_unit_test(only_http_urls_are_taken),
	};

	setenv("http_proxy", "http://127.0.0.1:1", 1); /* not asked for loopback */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
