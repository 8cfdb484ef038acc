/*
 * What the worst texts cost: CPU of one string of 1 MiB each, and whether it was cleaned or removed as a
 * whole. `bench-hostile [LIMIT_MS]` exits 1 when one takes longer than the limit (0: only prints).
 */
#include "bench.h"
#include "base/err.h"
#include "redact.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES (1024u * 1024u)

static const struct {
	const char *name, *unit, *tail, *patterns;
} texts[] = {
	/* Repeated to the size; the tail ends it. */
	{ "one letter", "a", "", NULL },
	{ "one blank", " ", "", NULL },
	{ "line ends", "\n", "", NULL },
	{ "eyJ-", "eyJ-", "", NULL },
	{ "eyJ without end", "eyJaaaaaaaa.", "", NULL },
	{ "eyJ and dots", "eyJaaaaaaaaaaa.eyJ", "", NULL },
	{ "= runs", "=", "", NULL },
	{ "key= runs", "key=", "", NULL },
	{ "password= and = runs", "password===========", "", NULL },
	{ "password: blanks", "password:                ", "", NULL },
	{ "passwordpassword", "password", "", NULL },
	{ "tokentoken", "token", "", NULL },
	{ "TOKEN_TOKEN_", "TOKEN_", "", NULL },
	{ "TOKEN=", "TOKEN=", "", NULL },
	{ "quote ladder \"", "\"", "", NULL },
	{ "quote ladder \\\"", "\\\"", "", NULL },
	{ "backslashes", "\\", "", NULL },
	{ "password and quotes", "password\"", "", NULL },
	{ "password: \" without end", "password: \"aa\\\\", "", NULL },
	{ "secret: ' then text", "secret: 'x ", "", NULL },
	{ "base64", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0MTIzNDU2Nzg5", "", NULL },
	{ "base64 with one end line", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0MTIzNDU2Nzg5\n", "-----END RSA PRIVATE " "KEY-----", NULL },
	{ "key begins without end", "-----BEGIN RSA PRIVATE " "KEY-----\n", "", NULL },
	{ "key begins and dashes", "-----BEGIN PRIVATE " "KEY----- -", "", NULL },
	{ "key begins, one body", "-----BEGIN ", "", NULL },
	{ "key ends", "-----END RSA PRIVATE " "KEY-----\n", "", NULL },
	{ "dashes", "-", "", NULL },
	{ "putty headers", "PuTTY-User-Key-File-2: ", "", NULL },
	{ "openssh body head", "b3BlbnNzaC1r" "ZXktdjE\\n", "", NULL },
	{ "://a:b", "://a:b", "", NULL },
	{ "://", "://", "", NULL },
	{ "://a:bbbb", "://a:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "", NULL },
	{ "authorization:", "authorization: ", "", NULL },
	{ "authorization: digest", "authorization: digest a", "", NULL },
	{ "bearer", "bearer ", "", NULL },
	{ "cookie:", "cookie: a=", "", NULL },
	{ "x-x-x-", "x-a-", "", NULL },
	{ "mysql -", "mysql -", "", NULL },
	{ "mysql and blanks", "mysql ", "", NULL },
	{ "redis-cli", "redis-cli a ", "", NULL },
	{ "docker login", "docker login a ", "", NULL },
	{ "machine login", "machine a login b ", "", NULL },
	{ "--token", "--token ", "", NULL },
	{ "-u a", "-u a", "", NULL },
	{ "<password>", "<password>", "", NULL },
	{ "sk-", "sk-", "", NULL },
	{ "sk-a_", "sk-a_", "", NULL },
	{ "SG.a", "SG.aaaaaaaaaaaaaaaaaaaaaa.", "", NULL },
	{ "ghp_", "gh" "p_", "", NULL },
	{ "key-", "key-", "", NULL },
	{ "SK0", "SK0", "", NULL },
	{ ":AA", ":AA", "", NULL },
	{ "digits and :AA", "12345678:AA", "", NULL },
	{ "re_a_", "re_aaaaaaa_", "", NULL },
	{ "our own markers", "[REDACTED:", "", NULL },
	{ "whole markers", "[REDACTED:jwt]", "", NULL },
	{ "@ and dots", "a@a.", "", NULL },
	{ "digits", "4111", "", NULL },
	{ "digits and dots", "1.1.1.", "", NULL },
	{ "colons", "a:", "", NULL },
	{ "user (a+)+$", "a", "!", "(a+)+$" },
	{ "user (a|aa)+b", "a", "", "(a|aa)+b" },
	{ "user a*[bc]", "a", "", "a*[bc]" },
	{ "user (.*)x(.*)y(.*)z", "x", "", "(.*)x(.*)y(.*)z" },
	{ "user (x+x+)+y", "x", "", "(x+x+)+y" },
	{ "user [a-z]+[0-9]", "abc", "", "[a-z]+[0-9]" },
	{ "user (?:a?){64}a{64}b", "a", "", "(?:a?){64}a{64}b" },
	{ "user \\w+@\\w+", "ab ", "", "\\w+@\\w+" },
	{ "user (?=.*z)a", "a", "", "(?=.*[yz])a" },
	{ "user [a-f]+[xyz]", "abcdef", "", "[a-f]+[xyz]" },
	{ "user k(?=e)ey\\w*[!?]", "key", "", "k(?=e)ey\\w*[!?]" },
	{ "user (?<=k)e[a-z]*+[!?]", "key", "", "(?<=k)e[a-z]*+[!?]" },
	{ "user \\w+\\s*[=:]", "abcdef", "", "\\w+\\s*[=:]" },
	{ "user (?i)key.*secret", "key ", "", "(?i)key.*secret" },
	{ "user (?:\\w+\\.)+com", "abc.", "", "(?:\\w+\\.)+com" },
	{ "user a.*?b.*?c", "ab", "", "a.*?b.*?[cd]" },
	{ "user matches each letter", "a", "", "a" },
};

static void fill(struct buf *out, const char *unit, const char *tail)
{
	buf_clear(out);
	while (out->len < TEXT_BYTES)
		buf_text(out, unit);
	out->len = TEXT_BYTES;
	buf_text(out, tail);
}

/* CPU ms of one text. */
static double measure(const char *patterns, struct slice text, struct buf *out, bool *ret_removed)
{
	const struct redact_options options = { .mode = MODE_FULL, .user_patterns = patterns };
	struct ruleset *rules;
	struct redactor *redactor;
	struct err err;
	double start;

	if (ruleset_new(&options, &rules, &err)) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
	redactor = redactor_new(rules);
	buf_clear(out);
	start = bench_cpu();
	redact_text(redactor, text, out, NULL);
	start = bench_cpu() - start;
	*ret_removed = redactor_take_count(redactor, ruleset_count(rules)) > 0;
	redactor_free(redactor);
	ruleset_free(rules);
	return start * 1e3;
}

int main(int argc, char **argv)
{
	double limit = argc > 1 ? strtod(argv[1], NULL) : 0, worst = 0;
	unsigned removed_count = 0, over = 0;
	struct buf text, out;

	buf_init(&text, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		bool removed;
		double ms;
		char what[96];

		fill(&text, texts[i].unit, texts[i].tail);
		ms = measure(texts[i].patterns, buf_view(&text), &out, &removed);
		snprintf(what, sizeof what, "%s%s", texts[i].name, removed ? " (removed)" : "");
		bench_row("hostile", what, ms, "ms", 0, NULL);
		worst = ms > worst ? ms : worst;
		removed_count += removed;
		over += limit > 0 && ms > limit;
	}
	bench_row("hostile", "worst", worst, "ms", 0, NULL);
	printf("         %zu texts, %u removed as a whole, %u over the limit\n", sizeof texts / sizeof *texts, removed_count, over);
	buf_done(&text);
	buf_done(&out);
	return over > 0;
}
