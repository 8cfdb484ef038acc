/* One thread's working state, and the steps that share it: private to redact/. */
#ifndef LF_REDACT_REDACTOR_H
#define LF_REDACT_REDACTOR_H
#include "ruleset.h"

struct hit {
	size_t start, end;
	unsigned rule;
};

/* A short text that was searched already and stays as it is. Agents write the same few keys and words over and over. */
struct known_text {
	char text[31];
	uint8_t len;   /* 0: none */
	uint8_t class; /* of a key: enum name_class */
};
#define KNOWN_TEXTS 256

/* The id that an event's field had last, when it stays as it is: most events of a session share theirs. */
struct known_id {
	char text[63];
	uint8_t len;
};
#define EVENT_IDS 5

struct redactor {
	const struct ruleset *rules;
	struct matcher *matcher;
	struct hit *hits;
	size_t hit_count, hit_cap;
	size_t *done_until;    /* by rule: the end of its last match in this text */
	uint64_t *counts;      /* by rule; [count]: undecided */
	struct buf pass[2];    /* scan: results of its passes */
	struct buf text;       /* walk: an unescaped string */
	struct buf clean;      /* walk: the same, redacted */
	struct buf body;       /* filter: a body before the walk */
	struct buf names, filtered; /* filter: what a record is made of */
	struct known_text keys[KNOWN_TEXTS], values[KNOWN_TEXTS]; /* walk: by hash */
	struct known_id ids[EVENT_IDS];    /* filter: by field */
	redact_explain_fn *explain;
	void *explain_context;
};

/*
 * text: valid UTF-8. *ret_changed false: nothing was found and out is untouched; else the clean text was
 * appended. The result of cleaning a clean text is itself. 0 or the buffer's failure.
 */
int scan_text(struct redactor *redactor, struct slice text, struct buf *out, bool *ret_changed);
/* The text is exactly one marker that a rule left. */
bool scan_is_marker(const struct redactor *redactor, struct slice text);
void scan_count(struct redactor *redactor, unsigned rule, struct span span);
/* Appends "[REDACTED:<rule>]". */
int scan_marker(const struct redactor *redactor, unsigned rule, struct buf *out);

/* Sizes and ids are treated only in event bodies. */
struct walk_options {
	bool event;
	size_t max_field_bytes;
};
/* *ret: what it is then: the value itself, with out untouched, or what out has. */
int walk_json(struct redactor *redactor, struct slice json, const struct walk_options *options, struct buf *out,
              struct slice *ret, struct err *err);
/* An id that may stand as it is, or "x-" and its hash. Appends to out. */
int filter_id(struct redactor *redactor, struct slice id, struct buf *out);

/* The allow-listed fields of a body, to out. */
int metadata_body(enum record_kind kind, struct slice body, bool oversize, struct buf *out, struct err *err);

#endif
