/*
 * RULES.md is true: one row per rule in the order of the table; its example, made at run time, goes under that
 * rule's name, and what it says is no match stays.
 */
#include "redact.h"
#include "redact_corpus.h"
#include "rules.h"
#include "base/file.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FILE_MAX_BYTES (1u << 20)
#define DENIED "an exact value"

enum { CELL_RULE, CELL_TIER, CELL_MATCHES, CELL_EXAMPLE, CELL_NOT, CELLS };

/* The words of an example and the shape (redact_corpus.h) that they stand for; N is the number before them. */
static const struct {
	const char *words, *shape;
} kinds[] = {
	{ "lower-case letters or digits", "{lowN}" }, { "letters or digits", "{anN}" }, { "letters", "{wordN}" },
	{ "hex digits", "{xN}" }, { "digits", "{dN}" }, { "capitals or digits", "{upN}" }, { "base64 characters", "{bN}" },
};
static const struct {
	const char *words, *shape;
} things[] = {
	{ "value", "{an24}" }, { "base64 lines", "\n{b64}\n{b64}\n{b64}\n{b32}\n" }, { "denied value", DENIED },
};

static struct ruleset *rules;
static struct redactor *redactor;
static struct buf content;
static unsigned examples, counter_examples;

static bool is_text(struct slice a, const char *text)
{
	return slice_equal(a, slice_of(text));
}

static struct slice trimmed(struct slice s)
{
	while (s.len && s.ptr[0] == ' ')
		s = (struct slice){ s.ptr + 1, s.len - 1 };
	while (s.len && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* One term: `text`, "12 hex digits", "value". False: none of them. */
static bool add_term(struct slice term, struct buf *shape)
{
	size_t n = 0;

	term = trimmed((struct slice){ term.ptr, term.len });
	if (term.len >= 2 && term.ptr[0] == '`' && term.ptr[term.len - 1] == '`')
		return buf_append(shape, term.ptr + 1, term.len - 2) == 0;
	for (size_t i = 0; i < sizeof things / sizeof *things; i++)
		if (is_text(term, things[i].words))
			return buf_text(shape, things[i].shape) == 0;
	while (n < term.len && isdigit((unsigned char)term.ptr[n]))
		n++;
	for (size_t i = 0; n && i < sizeof kinds / sizeof *kinds; i++) {
		const char *at = strchr(kinds[i].shape, 'N');

		if (!is_text(trimmed((struct slice){ term.ptr + n, term.len - n }), kinds[i].words))
			continue;
		buf_append(shape, kinds[i].shape, (size_t)(at - kinds[i].shape));
		buf_append(shape, term.ptr, n);
		return buf_text(shape, at + 1) == 0;
	}
	return false;
}

/* The end of what comes before the separator, which does not count between backquotes. */
static size_t find_outside(struct slice text, const char *separator)
{
	size_t n = strlen(separator);
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		quoted ^= text.ptr[i] == '`';
		if (!quoted && i + n <= text.len && memcmp(text.ptr + i, separator, n) == 0)
			return i;
	}
	return text.len;
}

static void make(struct slice example, struct member *member)
{
	struct prng prng = { 42 };
	struct slice rest = example;
	struct buf shape;

	buf_init(&shape, 0);
	while (rest.len) {
		size_t n = find_outside(rest, " + "), skip = n < rest.len ? n + 3 : n;

		if (!add_term((struct slice){ rest.ptr, n }, &shape))
			fail_msg("cannot read %.*s in %.*s", (int)n, rest.ptr, (int)example.len, example.ptr);
		rest = (struct slice){ rest.ptr + skip, rest.len - skip };
	}
	buf_char(&shape, 0);
	member_make(member, shape.data, &prng);
	buf_done(&shape);
}

static void clean(struct slice text, struct buf *out)
{
	bool json = text.len > 2 && memcmp(text.ptr, "{\"", 2) == 0;

	buf_clear(out);
	assert_int_equal(json ? redact_json(redactor, text, out, NULL) : redact_text(redactor, text, out, NULL), 0);
}

static void check_example(const char *rule, struct slice example)
{
	struct member member;
	struct buf out;
	char marker[80];

	member_init(&member);
	buf_init(&out, 0);
	make(example, &member);
	clean(buf_view(&member.text), &out);
	snprintf(marker, sizeof marker, "[REDACTED:%s]", rule);
	if (!memmem(out.data, out.len, marker, strlen(marker)) || member_left(&member, buf_view(&out)))
		fail_msg("%s: %.*s became %.*s", rule, (int)member.text.len, member.text.data, (int)out.len, out.data);
	examples++;
	buf_done(&out);
	member_done(&member);
}

static void check_counter_examples(const char *rule, struct slice cell)
{
	struct member member;
	struct buf out;

	member_init(&member);
	buf_init(&out, 0);
	while (cell.len) {
		size_t n = find_outside(cell, "; "), skip = n < cell.len ? n + 2 : n;

		make((struct slice){ cell.ptr, n }, &member);
		clean(buf_view(&member.text), &out);
		if (!slice_equal(buf_view(&member.text), buf_view(&out)))
			fail_msg("%s: %.*s became %.*s", rule, (int)member.text.len, member.text.data, (int)out.len, out.data);
		counter_examples++;
		cell = (struct slice){ cell.ptr + skip, cell.len - skip };
	}
	buf_done(&out);
	member_done(&member);
}

/* The next row of the table whose first cell is a rule; false at the end. */
static bool next_row(const char **at, struct slice cells[CELLS])
{
	const char *line = *at, *end;
	struct slice rest;

	while (line && strncmp(line, "| `", 3) != 0)
		line = (line = strchr(line, '\n')) ? line + 1 : NULL;
	if (!line)
		return false;
	end = strchr(line, '\n');
	rest = (struct slice){ line + 2, (size_t)(end - line) - 2 };
	for (unsigned i = 0; i < CELLS; i++) {
		size_t n = find_outside(rest, " |");

		cells[i] = (struct slice){ rest.ptr, n };
		n = n + 3 < rest.len ? n + 3 : rest.len;
		rest = (struct slice){ rest.ptr + n, rest.len - n };
	}
	*at = end + 1;
	return true;
}

static void test_rows(void **state)
{
	const char *at = content.data;
	struct slice cells[CELLS];
	unsigned count = 0, tiers[4] = { 0 };

	(void)state;
	while (next_row(&at, cells)) {
		const struct rule_row *row = &rule_table[count];
		char name[64];

		assert_true(count < rule_table_count);
		snprintf(name, sizeof name, "`%s`", row->name);
		if (!is_text(cells[CELL_RULE], name) || cells[CELL_TIER].ptr[0] != (char)('0' + row->tier))
			fail_msg("row %u is %.*s, the rule %s of tier %u", count + 1, (int)cells[CELL_RULE].len, cells[CELL_RULE].ptr,
			         row->name, row->tier);
		assert_true(cells[CELL_MATCHES].len && cells[CELL_EXAMPLE].len && cells[CELL_NOT].len);
		check_example(row->name, cells[CELL_EXAMPLE]);
		check_counter_examples(row->name, cells[CELL_NOT]);
		tiers[row->tier]++;
		count++;
	}
	assert_int_equal(count, rule_table_count);
	print_message("%u rules (tier 1: %u, 2: %u, 3: %u), %u examples, %u counter-examples\n", count, tiers[1], tiers[2], tiers[3],
	              examples, counter_examples);
}

/* Names are unique, and every rule but those that the user fills has a family in the corpus. */
static void test_families(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rule_table_count; i++) {
		unsigned n = 0;

		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(rule_table[i].name, rule_table[j].name);
		for (unsigned f = 0; f < family_count; f++)
			n += families[f].rule && strcmp(families[f].rule, rule_table[i].name) == 0;
		if (!n && rule_table[i].tier < 3 && rule_table[i].pattern)
			fail_msg("%s has no family", rule_table[i].name);
	}
}

static int set_up(void **state)
{
	static const char *const denied[] = { DENIED, NULL };
	const struct redact_options options = { .mode = MODE_FULL, .deny_values = denied, .pii = "all" };
	const char *srcdir = getenv("srcdir");
	char path[4096];

	(void)state;
	snprintf(path, sizeof path, "%s/redact/RULES.md", srcdir ? srcdir : ".");
	buf_init(&content, 0);
	if (file_read_all(path, FILE_MAX_BYTES, &content, NULL) || buf_char(&content, 0) || ruleset_new(&options, &rules, NULL))
		return -1;
	redactor = redactor_new(rules);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	redactor_free(redactor);
	ruleset_free(rules);
	buf_done(&content);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_families) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
