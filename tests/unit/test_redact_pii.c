/* Personal data: nothing by default, all of it on request, never what only looks like it. */
#include "redact.h"
#include "redact_corpus.h"
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEEDS 40

/* Shapes as in redact_corpus.h; & is the digit that makes the checksum right. */
static const struct sample {
	const char *kind, *rule, *shape;
} samples[] = {
	{ "email", "email-address", "{word9}.{word9}@{word9}.com" }, { "email", "email-address", "{low8}+{d4}@mail.{word9}.co.uk" },
	{ "email", "email-address", "{an12}_{an4}@{low8}-{low4}.io" }, { "email", "email-address", "O'{word9}@{word9}.museum" },
	{ "phone", "phone-number", "+49 30 {d7}" }, { "phone", "phone-number", "+1 (415) 555-{d4}" }, { "phone", "phone-number", "+442{d9}" },
	{ "phone", "phone-number", "(415) 555-{d4}" }, { "phone", "phone-number", "415-555-{d4}" }, { "phone", "phone-number", "415.555.{d4}" },
	{ "phone", "phone-number", "+33 6 {d2} {d2} {d2} {d2}" },
	{ "card", "card-number", "4{d14}&" }, { "card", "card-number", "4{d3} {d4} {d4} {d3}&" }, { "card", "card-number", "51{d2}-{d4}-{d4}-{d3}&" },
	{ "card", "card-number", "37{d12}&" }, { "card", "card-number", "34{d2} {d6} {d4}&" }, { "card", "card-number", "6011{d11}&" },
	{ "card", "card-number", "2221{d11}&" }, { "card", "card-number", "36{d11}&" }, { "card", "card-number", "3530{d11}&" },
	{ "card", "card-number", "62{d13}&" },
	{ "ip", "ip-address", "10.1{d1}.1{d2}.2" }, { "ip", "ip-address", "203.0.113.1{d2}" }, { "ip", "ip-address", "2001:db8:{x4}:{x4}::1" },
	{ "ip", "ip-address", "fe80::{x4}:{x4}:{x4}:{x4}" }, { "ip", "ip-address", "2001:0db8:{x4}:{x4}:{x4}:{x4}:{x4}:{x4}" },
	{ "iban", "iban", "DE89370400440532013000" }, { "iban", "iban", "GB82 WEST 1234 5698 7654 32" }, { "iban", "iban", "FR14 2004 1010 0505 0001 3M02 606" },
};

/* \1 is the sample. */
static const char *const contexts[] = {
	"\1", "mine is \1, yours?", "(\1)", "\"\1\"", "{\"a\":\"\1\"}", "a\n+ \1\nb", "   12\t\1\n", "联系：\1。", "x=\1;y", "<td>\1</td>", "a: \1\r\n", "one\\n\1\\n",
};

static const char *const harmless[] = {
	"git@github.com:org/repo.git", "lodash@4.17.21", "npm i left-pad@1.3.0-beta.alpha", "icon@2x.png", "@types/node", "user@localhost",
	"foo@bar", "@scope/name@1.2.3", "ssh://git@gitlab.com:22/a", "getty@tty1.service", "if (a@b.c",
	"2026-01-02T03:04:05Z", "+0000", "-0700", "+1,7 @@", "1-800", "12345678901", "555-1234", "a-415-555-26711", "v415.555.2671", "8.415.555.2671",
	"4111 1111 1111 1112", "1767322800123", "1234567890123456", "4111111111111111a", "0.4111111111111111", "a4111111111111111", "4111-11111111-1111",
	"127.0.0.1", "127.0.1.1:80", "0.0.0.0", "255.255.255.0", "version 1.2.3.4", "v1.2.3.4", "pkg==1.2.3.4", "Chrome/120.0.0.0", "1.2.3.4.5", "1.2.3",
	"256.1.1.1", "lib-1.2.3.4.so", "release: 10.2.3.4", "^1.2.3.4", "10.0.0.0.1", "::1", "::", "std::vector", "a::b", "dead::beef", "12:34:56",
	"aa:bb:cc:dd:ee:ff", "02:42:ac:11:00:02", "foo::bar1::baz2", "1:2", "T03:04:05", "DE89370400440532013001", "GB82WEST12345698765433", "DE89",
	"SHA1 DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "3f786850e387550fdab836ed7e6dc881de23001b", "a1b2c3d4-e5f6-4789-8abc-def012345678",
};

struct set {
	struct ruleset *rules;
	struct redactor *redactor;
};

static struct set set_new(const char *pii)
{
	const struct redact_options options = { .pii = pii };
	struct set set;

	assert_int_equal(ruleset_new(&options, &set.rules, NULL), 0);
	set.redactor = redactor_new(set.rules);
	return set;
}

static void set_free(struct set *set)
{
	redactor_free(set->redactor);
	ruleset_free(set->rules);
}

static void clean(struct set *set, struct slice text, struct buf *out)
{
	buf_clear(out);
	assert_int_equal(redact_text(set->redactor, text, out, NULL), 0);
}

/* Puts for & the digit that makes the sum of the digits, each second one doubled, a multiple of ten. */
static void set_check_digit(struct buf *text)
{
	char *at = memchr(text->data, '&', text->len);
	unsigned sum = 0, place = 1;

	if (!at)
		return;
	for (const char *p = at; p-- > text->data;) {
		unsigned d = (unsigned)(*p - '0');

		if (*p < '0' || *p > '9')
			continue;
		d = place++ % 2 ? 2 * d : d;
		sum += d > 9 ? d - 9 : d;
	}
	*at = (char)('0' + (10 - sum % 10) % 10);
}

static void place(const char *context, struct slice sample, struct buf *out)
{
	buf_clear(out);
	for (const char *at = context; *at; at++) {
		if (*at == '\1')
			buf_slice(out, sample);
		else
			buf_char(out, *at);
	}
}

static void expect_found(struct set *set, struct slice text, struct slice sample, const char *rule)
{
	struct buf once, twice;
	char marker[64];

	buf_init(&once, 0);
	buf_init(&twice, 0);
	clean(set, text, &once);
	clean(set, buf_view(&once), &twice);
	snprintf(marker, sizeof marker, "[REDACTED:%s]", rule);
	if (memmem(once.data, once.len, sample.ptr, sample.len) || !memmem(once.data, once.len, marker, strlen(marker)))
		fail_msg("%s: %.*s became %.*s", rule, (int)text.len, text.ptr, (int)once.len, once.data);
	assert_true(slice_equal(buf_view(&once), buf_view(&twice)));
	buf_done(&once);
	buf_done(&twice);
}

static void expect_same(struct set *set, struct slice text)
{
	struct buf out;

	buf_init(&out, 0);
	clean(set, text, &out);
	if (!slice_equal(text, buf_view(&out)))
		fail_msg("%.*s became %.*s", (int)text.len, text.ptr, (int)out.len, out.data);
	buf_done(&out);
}

/* Each with its kind alone; without it, and by default, it stays. */
static void test_samples(void **state)
{
	struct set none = set_new(NULL), off = set_new("none");
	struct member member;
	struct buf text;
	unsigned cases = 0;

	(void)state;
	member_init(&member);
	buf_init(&text, 0);
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		struct set own = set_new(samples[i].kind);

		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			struct prng prng = { seed * 101 + i };

			member_make(&member, samples[i].shape, &prng);
			set_check_digit(&member.text);
			place(contexts[seed % (sizeof contexts / sizeof *contexts)], buf_view(&member.text), &text);
			expect_found(&own, buf_view(&text), buf_view(&member.text), samples[i].rule);
			expect_same(&none, buf_view(&text));
			expect_same(&off, buf_view(&text));
			cases++;
		}
		set_free(&own);
	}
	print_message("%zu shapes, %u cases, %zu look-alikes\n", sizeof samples / sizeof *samples, cases, sizeof harmless / sizeof *harmless);
	set_free(&none);
	set_free(&off);
	member_done(&member);
	buf_done(&text);
}

static void test_look_alikes(void **state)
{
	struct set all = set_new("all");
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
		expect_same(&all, slice_of(harmless[i]));
		place("one \1 two", slice_of(harmless[i]), &text);
		expect_same(&all, buf_view(&text));
	}
	set_free(&all);
	buf_done(&text);
}

static void test_list(void **state)
{
	const struct redact_options bad = { .pii = "email, fone" };
	struct set two = set_new("ip, email"), none = set_new(""), all = set_new("all");
	struct ruleset *rules;
	struct buf out;
	struct err err;

	(void)state;
	buf_init(&out, 0);
	clean(&two, SLICE("a@example.org 10.0.0.7 4111111111111111"), &out);
	assert_true(slice_equal(buf_view(&out), SLICE("[REDACTED:email-address] [REDACTED:ip-address] 4111111111111111")));
	assert_int_equal(ruleset_count(all.rules), ruleset_count(none.rules) + 5);
	assert_int_equal(ruleset_count(two.rules), ruleset_count(none.rules) + 2);
	/* The rules that code counts under are found wherever they stand. */
	buf_clear(&out);
	assert_int_equal(redact_json(two.redactor, SLICE("{\"password\":\"x y\"}"), &out, NULL), 0);
	assert_true(slice_equal(buf_view(&out), SLICE("{\"password\":\"[REDACTED:secret-field]\"}")));
	assert_int_equal(ruleset_new(&bad, &rules, &err), LF_EINVAL);
	assert_non_null(strstr(err.text, "redact_pii, column 8: no kind is called \"fone\""));
	set_free(&two);
	set_free(&none);
	set_free(&all);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_samples), cmocka_unit_test(test_look_alikes), cmocka_unit_test(test_list) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
