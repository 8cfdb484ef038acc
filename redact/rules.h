/* The built-in rules: one row holds all that is known of one. RULES.md says them in words. */
#ifndef LF_REDACT_RULES_H
#define LF_REDACT_RULES_H
#include "check.h"

struct rule_row {
	const char *name;
	unsigned tier;        /* 1: the shape alone says it is a secret; 2: a name beside it does; 3: personal data, on request */
	bool caseless;        /* literals and pattern */
	const char *literals; /* blank-separated (a tab is a blank), 3 bytes or more each; one starts every match; "": it may start anywhere */
	const char *pattern;  /* matched anchored at a literal; NULL: a name that code elsewhere uses */
	unsigned group;       /* what is removed */
	enum check check;
};

extern const struct rule_row rule_table[]; /* specific before general: the first names a merged span */
extern const unsigned rule_table_count;

/*
 * What every match of a rule has behind its literal, wherever that ends: one of these bytes, at one of these places (0: the next
 * one); when it is a letter, and `then` is not NULL, one of those behind it. Asked for before the pattern is tried, for the rules
 * whose literals stand in many texts.
 */
struct rule_must {
	const char *name, *bytes;
	unsigned from, to;
	const char *then;
};

extern const struct rule_must rule_musts[];
extern const unsigned rule_must_count;

#define RULE_KEY_NAME "secret-field"  /* the whole value of a JSON member called password, … */
#define RULE_DENIED "denied-value"    /* an exact value that the user named */
#define RULE_LIMIT "undecided"        /* a string whose search hit a limit */

#endif
