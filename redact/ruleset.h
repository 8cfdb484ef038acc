/* A compiled rule set: private to redact/. Immutable after ruleset_new(), so threads share it. */
#ifndef LF_REDACT_RULESET_H
#define LF_REDACT_RULESET_H
#include "check.h"
#include "pattern.h"
#include "redact.h"

#define RULE_NONE UINT16_MAX

struct rule {
	const char *name;        /* owned when user */
	struct pattern *pattern; /* NULL: counted only, or exact values */
	unsigned group;
	enum check check;
	bool user;               /* no literal: searched through the whole text */
};

/* A literal that may start a match, found by one pair of its bytes. */
struct literal {
	struct slice text; /* owned */
	uint16_t rule;
	uint16_t pair_at;
	bool caseless;
	bool exact;        /* is the secret itself: no pattern */
};

struct pair_entry {
	uint16_t literal;
	uint16_t next; /* index + 1; 0: end */
};

struct ruleset {
	struct redact_options options; /* sizes and mode; the pointers are cleared */
	struct rule *rules;
	unsigned count;
	unsigned key_rule, denied_rule;
	struct literal *literals;
	unsigned literal_count;
	struct pair_entry *entries;
	unsigned entry_count;
	uint64_t bitmap[65536 / 64];
	uint16_t head[65536];          /* by pair: entry index + 1 */
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

static inline uint16_t pair_of(const char *p)
{
	return (uint16_t)((unsigned char)p[0] | (unsigned)(unsigned char)p[1] << 8);
}

static inline bool pair_known(const struct ruleset *rules, uint16_t pair)
{
	return (rules->bitmap[pair >> 6] >> (pair & 63)) & 1;
}

#endif
