/* A compiled rule set: private to redact/. Immutable after ruleset_new(), so threads share it. */
#ifndef LF_REDACT_RULESET_H
#define LF_REDACT_RULESET_H
#include "check.h"
#include "pattern.h"
#include "prefilter.h"
#include "redact.h"

#define RULE_NONE UINT16_MAX

struct rule_must;

struct rule {
	const char *name;        /* owned when user */
	struct pattern *pattern; /* NULL: counted only, or exact values */
	const struct rule_must *must; /* NULL: nothing is known */
	unsigned group;
	enum check check;
	bool user;
	bool literal_free;       /* searched through the whole text; such rules are the last ones */
};

/* A literal that may start a match. */
struct literal {
	struct slice text; /* owned */
	uint16_t rule;
	bool caseless;
	bool exact; /* is the secret itself: no pattern */
};

struct ruleset {
	struct redact_options options; /* sizes and mode; the pointers are cleared */
	struct rule *rules;
	unsigned count;
	unsigned key_rule, denied_rule;
	struct literal *literals;
	unsigned literal_count;
	struct prefilter *prefilter; /* of the literals; ids are their indices */
	char **allowed;                /* exact values */
	size_t *allowed_len;
	unsigned allowed_count;
	struct pattern **allow_patterns;
	unsigned allow_pattern_count;
};

/* Building, for ruleset_input.c */
unsigned ruleset_add_rule(struct ruleset *rules, const struct rule *rule);
/* The literal's text is taken over, also when it fails. */
int ruleset_add_literal(struct ruleset *rules, const struct literal *literal, struct err *err);
/* Reads patterns, allow and deny values out of the options. */
int ruleset_input(struct ruleset *rules, const struct redact_options *options, struct err *err);

#endif
