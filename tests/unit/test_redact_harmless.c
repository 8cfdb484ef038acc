/* What looks like a secret and is none stays byte for byte: a file of samples, and generated ones. */
#include "redact.h"
#include "redact_corpus.h"
#include "base/file.h"
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEEDS 6
#define FILE_MAX_BYTES (1u << 20)

/* Shapes as in redact_corpus.h. */
static const char *const shapes[] = {
	"commit {x40}", "{x40}", "{x7} fix the token refresh", "index {x7}..{x7} 100644", "parent {x40}\ntree {x40}",
	"{x8}-{x4}-{x4}-{x4}-{x12}", "\"id\": \"{x8}-{x4}-{x4}-{x4}-{x12}\"", "sha256:{x64}", "{x64}  dist/app.tar.gz", "{x32}  file",
	"{x128}", "\"integrity\": \"sha512-{b86}==\"", "  integrity sha512-{b86}==", "integrity=\"sha384-{b64}\"",
	"checksum = \"{x64}\"", "github.com/acme/token v1.2.3 h1:{b43}=", "github.com/acme/token v1.2.3/go.mod h1:{b43}=",
	"{file = \"a.whl\", hash = \"sha256:{x64}\"},", "    --hash=sha256:{x64} \\", "resolved \"https://registry.example.com/a/-/a-1.tgz#{x40}\"",
	"source = \"git+https://github.com/a/b?rev={x7}#{x40}\"", "image: acme/app@sha256:{x64}", "uses: actions/checkout@{x40}",
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{b43} me@host", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC{b200} me@host",
	"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAI{b100}= me", "256 SHA256:{b43} me@host (ED25519)",
	"-----BEGIN PUBLIC KEY-----\n{b64}\n{b64}\n{b20}==\n-----END PUBLIC KEY-----",
	"-----BEGIN CERTIFICATE-----\n{b64}\n{b64}\n{b20}==\n-----END CERTIFICATE-----",
	"-----BEGIN CERTIFICATE REQUEST-----\n{b64}\n{b20}==\n-----END CERTIFICATE REQUEST-----",
	"-----BEGIN RSA PUBLIC KEY-----\n{b64}\n{b64}\n-----END RSA PUBLIC KEY-----",
	"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{b64}\n{b64}\n={b4}\n-----END PGP PUBLIC KEY BLOCK-----",
	"-----BEGIN PGP SIGNATURE-----\n\n{b64}\n={b4}\n-----END PGP SIGNATURE-----",
	"certificate-authority-data: {b120}==", "client-certificate-data: {b120}==", "age1{low58}", "pk-lf-{x8}-{x4}-{x4}-{x4}-{x12}",
	"pk_live^_{an24}", "data:image/png;base64,{b120}==", "url(data:font/woff2;base64,{b80})", "//# sourceMappingURL=data:application/json;base64,{b80}",
	"ses_{an26}", "msg_{an26}", "prt_{an26}", "call_{an24}", "toolu_{an24}", "chatcmpl-{an29}", "resp_{x48}", "req_{an24}", "run-{an12}",
	"arn:aws:iam::{d12}:role/{word9}", "arn:aws:kms:eu-west-1:{d12}:key/{x8}-{x4}-{x4}-{x4}-{x12}", "arn:aws:secretsmanager:eu-west-1:{d12}:secret:db-{an6}",
	"vpc-{x17}", "ami-{x17}", "i-{x17}", "gs://{word9}/{word9}.tar", "s3://{word9}/{x32}.bin", "projects/{word9}/secrets/{word9}/versions/3",
	"https://{word9}.example.com/{word9}/{x8}?page={d2}", "https://example.com:{d4}/{word9}@{word9}", "git@github.com:{word9}/{word9}.git",
	"https://github.com/{word9}/{word9}/commit/{x40}", "https://unpkg.com/{word9}@1.2.3/{word9}.js", "http://[::1]:{d4}/{word9}",
	"postgres://{word9}@localhost:{d4}/{word9}", "redis://{word9}:{d4}/0", "mongodb://{word9}:{d4},{word9}:{d4}/?replicaSet=rs0",
	"{word9}.{word9}@example.com", "@{word9}/{word9}-token@1.2.{d2}", "{word9}@^4.17.{d2}", "v{d1}.{d2}.{d1}-rc.1",
	"const {word9}Token = {word9}.next();", "{word9}Password: string;", "password: {word9}.password,", "apiKey: process.env.{up9}_KEY,",
	"token := {word9}.Token()", "secret = self.{word9}.secret", "password={word9}(password)", "{word9}(token={word9}Token)",
	"{word9}_TOKEN=${{word9}}", "export {up9}_SECRET=$(cat /run/secrets/{word9})", "password: ${{up9}_PASSWORD}", "token: {{ {word9}.token }}",
	"token: ${{ secrets.{up9} }}", "password = var.{word9}_password", "secretName: {word9}-tls", "{ secretKeyRef: { name: {word9}, key: password } }",
	".{word9}-token-{word5}{color:#{x6}}", "#{x6}", "0x{x16}", "[{d2}:{d2}:{d2}] {word9} password check passed", "max_tokens: {d4}",
	"\"input_tokens\": {d4}, \"output_tokens\": {d3}", "{d3} tokens used, {d4} left", "nonce-{b22}==", "etag: \"{x40}\"", "W/\"{x32}\"",
	"x-request-id: {x8}-{x4}-{x4}-{x4}-{x12}", "cf-ray: {x16}-FRA", "traceparent: 00-{x32}-{x16}-01", "\"md5\": \"{x32}\"", "BuildID[sha1]={x40}",
	"{d10}", "1{d12}", "{d4}-{d2}-{d2}T{d2}:{d2}:{d2}Z", "PID {d5} exited", "{x2}:{x2}:{x2}:{x2}:{x2}:{x2}", "fe80::{x4}:{x4}", "{d3} {d3} {d3}",
	"at {word9}Token (/app/src/{word9}.ts:{d3}:{d2})", "{word9}::{word9}::token::{word9}", "from {word9}.tokens import {word9}", "test_{word9}_password ... ok",
	"sk-{word9}-{word9}-{word9}", "npm_{word9}_{word9}", "re_{word9}_{word9}_{word9}", "key-{word9}-{word9}", "hf_{word9}_{word9}", "api-{word9}-{word9}-{word9}",
	"The {word9} token is {word9}.", "{word9}: the password is {word9} and so on", "a {word9} secret is not a {word9}",
};

static struct ruleset *rules;
static struct redactor *redactor;
static unsigned samples, cases, failed;

static void expect_same(struct slice text, int (*clean)(struct redactor *, struct slice, struct buf *, struct err *))
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(clean(redactor, text, &out, NULL), 0);
	cases++;
	if (!slice_equal(text, buf_view(&out))) {
		failed++;
		print_error("changed\n  from %.*s\n  to   %.*s\n", (int)text.len, text.ptr, (int)out.len, out.data);
	}
	buf_done(&out);
}

/* As text, between lines, in a diff, as a JSON value and as escaped JSON. */
static void expect_harmless(struct slice sample)
{
	static const char *const around[][2] = { { "", "" }, { "one\n", "\ntwo\n" }, { "@@ -1 +1 @@\n+", "\n" }, { "   12\t", "\n" },
		                                 { "(", ")" } };
	struct buf text, json, twice;

	buf_init(&text, 0);
	buf_init(&json, 0);
	buf_init(&twice, 0);
	samples++;
	for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
		buf_clear(&text);
		buf_text(&text, around[i][0]);
		buf_slice(&text, sample);
		buf_text(&text, around[i][1]);
		expect_same(buf_view(&text), redact_text);
	}
	json_escape(sample, &json);
	expect_same(buf_view(&json), redact_json);
	expect_same(buf_view(&json), redact_text);
	json_escape(buf_view(&json), &twice);
	expect_same(buf_view(&twice), redact_json);
	buf_done(&text);
	buf_done(&json);
	buf_done(&twice);
}

static void report(const char *what)
{
	print_message("%s: %u look-alikes, %u cases, %u changed\n", what, samples, cases, failed);
	assert_int_equal(failed, 0);
	samples = cases = 0;
}

static void test_file(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct buf path, content;
	struct slice rest;

	(void)state;
	buf_init(&path, 0);
	buf_init(&content, 0);
	buf_format(&path, "%s/tests/fixtures/redact/harmless.txt", srcdir ? srcdir : ".");
	buf_char(&path, 0);
	assert_int_equal(file_read_all(path.data, FILE_MAX_BYTES, &content, NULL), 0);
	rest = buf_view(&content);
	while (rest.len) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		struct slice line = { rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len };
		size_t n = line.len + (end != NULL);

		if (line.len && !(line.len > 1 && memcmp(line.ptr, "# ", 2) == 0))
			expect_harmless(line);
		rest = (struct slice){ rest.ptr + n, rest.len - n };
	}
	assert_true(samples >= 400);
	report("file");
	expect_same(buf_view(&content), redact_text);
	assert_int_equal(failed, 0);
	buf_done(&path);
	buf_done(&content);
}

static void test_generated(void **state)
{
	struct member member;

	(void)state;
	member_init(&member);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
			struct prng prng = { seed * 7919 + i };

			member_make(&member, shapes[i], &prng);
			expect_harmless(buf_view(&member.text));
		}
	}
	member_done(&member);
	report("generated");
}

static int set_up(void **state)
{
	const struct redact_options options = { .mode = MODE_FULL };

	(void)state;
	if (ruleset_new(&options, &rules, NULL))
		return -1;
	redactor = redactor_new(rules);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	redactor_free(redactor);
	ruleset_free(rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_file), cmocka_unit_test(test_generated) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
