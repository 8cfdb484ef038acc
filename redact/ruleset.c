/* Compiles the rule table and the user's additions. */
#include "ruleset.h"
#include "rules.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_FIELD_BYTES (256u * 1024u)
#define DEFAULT_RECORD_BYTES (4u * 1024u * 1024u)

static const struct {
	const char *name;
	enum redact_mode mode;
} modes[] = {
	{ "full", MODE_FULL }, { "metadata_only", MODE_METADATA_ONLY }, { "off", MODE_OFF },
};

int redact_mode_parse(const char *text, enum redact_mode *ret)
{
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		if (strcmp(text, modes[i].name) != 0)
			continue;
		*ret = modes[i].mode;
		return 0;
	}
	return LF_EINVAL;
}

const char *redact_mode_name(enum redact_mode mode)
{
	return modes[mode].name;
}

static void free_text(const char *text)
{
	union {
		const char *in;
		void *out;
	} u = { .in = text };

	free(u.out);
}

int ruleset_add_literal(struct ruleset *rules, const struct literal *literal, struct err *err)
{
	unsigned index = rules->literal_count;

	if (!prefilter_add(rules->prefilter, literal->text, literal->caseless, index)) {
		free_text(literal->text.ptr);
		return err_set(err, LF_EINVAL, "literal %u: shorter than %d bytes, or one too many", index + 1,
		               PREFILTER_MIN_BYTES);
	}
	rules->literals = xrealloc(rules->literals, (index + 1) * sizeof *rules->literals);
	rules->literals[index] = *literal;
	rules->literal_count++;
	return 0;
}

unsigned ruleset_add_rule(struct ruleset *rules, const struct rule *rule)
{
	rules->rules = xrealloc(rules->rules, (rules->count + 1) * sizeof *rules->rules);
	rules->rules[rules->count] = *rule;
	return rules->count++;
}

static int add_literals(struct ruleset *rules, const struct rule_row *row, unsigned rule, struct err *err)
{
	for (const char *at = row->literals; *at;) {
		size_t n = strcspn(at, " ");
		struct literal literal = { .rule = (uint16_t)rule, .caseless = row->caseless };
		char *text = xmemdup0(at, n);
		int rc;

		for (char *tab = text; (tab = strchr(tab, '\t'));)
			*tab = ' ';
		literal.text = (struct slice){ text, n };
		rc = ruleset_add_literal(rules, &literal, err);
		if (rc) {
			err_prefix(err, "rule %s", row->name);
			return rc;
		}
		at += n + strspn(at + n, " ");
	}
	return 0;
}

static const struct rule_must *must_of(const char *name)
{
	for (unsigned i = 0; i < rule_must_count; i++)
		if (strcmp(rule_musts[i].name, name) == 0)
			return &rule_musts[i];
	return NULL;
}

static int add_row(struct ruleset *rules, const struct rule_row *row, struct err *err)
{
	struct rule rule = { .name = row->name, .must = must_of(row->name), .group = row->group, .check = row->check,
		             .literal_free = row->pattern && !row->literals[0] };
	unsigned flags = PATTERN_LATE | (rule.literal_free ? 0u : (unsigned)PATTERN_ANCHORED) | (row->caseless ? (unsigned)PATTERN_CASELESS : 0u);
	int rc;

	if (row->pattern) {
		size_t offset = 0;

		rc = pattern_new(slice_of(row->pattern), flags, &rule.pattern, &offset, err);
		if (rc) {
			err_prefix(err, "rule %s, column %zu", row->name, offset + 1);
			return rc;
		}
	}
	return add_literals(rules, row, ruleset_add_rule(rules, &rule), err);
}

/* The kind's name is in the list; "email-address" is of the kind email. */
static bool is_wanted(const char *list, const char *rule)
{
	size_t kind = strcspn(rule, "-");

	for (const char *at = list; at && *at; at += strspn(at, ", \t")) {
		size_t n = strcspn(at, ", \t");

		if ((n == 3 && memcmp(at, "all", 3) == 0) || (n == kind && memcmp(at, rule, n) == 0))
			return true;
		at += n;
	}
	return false;
}

static int check_kinds(const char *list, struct err *err)
{
	for (const char *at = list; at && *at; at += strspn(at, ", \t")) {
		int n = (int)strcspn(at, ", \t");
		bool known = strncmp(at, "all", (size_t)n) == 0 || strncmp(at, "none", (size_t)n) == 0;
		char kind[16];

		snprintf(kind, sizeof kind, "%.*s", n, at);
		for (unsigned i = 0; i < rule_table_count && !known; i++)
			known = rule_table[i].tier == 3 && is_wanted(kind, rule_table[i].name);
		if (!known)
			return err_set(err, LF_EINVAL, "redact_pii, column %d: no kind is called \"%.*s\": email, phone, card, ip, iban, all, none",
			               (int)(at - list) + 1, n, at);
		at += n;
	}
	return 0;
}

int ruleset_new(const struct redact_options *options, struct ruleset **ret, struct err *err)
{
	struct ruleset *rules = xcalloc(1, sizeof *rules);
	int rc = check_kinds(options->pii, err);

	rules->prefilter = prefilter_new();
	rules->options = (struct redact_options){
		.mode = options->mode,
		.max_field_bytes = options->max_field_bytes ? options->max_field_bytes : DEFAULT_FIELD_BYTES,
		.max_record_bytes = options->max_record_bytes ? options->max_record_bytes : DEFAULT_RECORD_BYTES,
	};
	for (unsigned i = 0; i < rule_table_count && !rc; i++) {
		if (rule_table[i].tier == 3 && !is_wanted(options->pii, rule_table[i].name))
			continue;
		if (strcmp(rule_table[i].name, RULE_KEY_NAME) == 0)
			rules->key_rule = rules->count;
		if (strcmp(rule_table[i].name, RULE_DENIED) == 0)
			rules->denied_rule = rules->count;
		rc = add_row(rules, &rule_table[i], err);
	}
	if (!rc)
		rc = ruleset_input(rules, options, err);
	if (rc) {
		ruleset_free(rules);
		return rc;
	}
	prefilter_seal(rules->prefilter);
	*ret = rules;
	return 0;
}

void ruleset_free(struct ruleset *rules)
{
	if (!rules)
		return;
	for (unsigned i = 0; i < rules->count; i++) {
		pattern_free(rules->rules[i].pattern);
		if (rules->rules[i].user)
			free_text(rules->rules[i].name);
	}
	for (unsigned i = 0; i < rules->literal_count; i++)
		free_text(rules->literals[i].text.ptr);
	for (unsigned i = 0; i < rules->allowed_count; i++)
		free(rules->allowed[i]);
	for (unsigned i = 0; i < rules->allow_pattern_count; i++)
		pattern_free(rules->allow_patterns[i]);
	free(rules->allowed);
	free(rules->allowed_len);
	free(rules->allow_patterns);
	prefilter_free(rules->prefilter);
	free(rules->literals);
	free(rules->rules);
	free(rules);
}

unsigned ruleset_count(const struct ruleset *rules)
{
	return rules->count;
}

const char *ruleset_name(const struct ruleset *rules, unsigned index)
{
	if (index < rules->count)
		return rules->rules[index].name;
	return index == rules->count ? RULE_LIMIT : NULL;
}
