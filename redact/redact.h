/*
 * STAGE 2: raw event -> clean record. The mode decides which fields stay, then every string value
 * and key is searched for secrets, then sizes are capped. Fails closed: what cannot be decided is
 * removed and counted. One struct redactor per thread; the compiled rules may be shared.
 */
#ifndef LF_REDACT_REDACT_H
#define LF_REDACT_REDACT_H
#include "event/clean_record.h"

enum redact_mode { MODE_FULL, MODE_METADATA_ONLY, MODE_OFF };
int redact_mode_parse(const char *text, enum redact_mode *ret);
const char *redact_mode_name(enum redact_mode mode);

struct redact_options {
	enum redact_mode mode;
	size_t max_field_bytes;   /* a longer string is cut with a marker; 0: 256 KiB */
	size_t max_record_bytes;  /* a longer body keeps its metadata only; 0: 4 MiB */
	const char *user_patterns; /* comma list (commas in (), [], {} and after \ do not split) or NULL */
	const char *pattern_file;  /* one pattern a line, # comments, or NULL */
	const char *allow_file;    /* exact harmless values, one a line; /regex/ for patterns; or NULL */
	const char *deny_file;     /* exact secret values, one a line; or NULL */
	const char *pii;           /* personal data too: comma list of email, phone, card, ip, iban; "all"; NULL or "none" */
	const char *const *deny_values; /* NULL-terminated exact secrets (our own keys, the user's secret env values); or NULL */
};

struct ruleset; /* compiled once, immutable, shared by threads */
/* LF_EINVAL names the file or option, line and column of a bad pattern. */
int ruleset_new(const struct redact_options *options, struct ruleset **ret, struct err *err);
void ruleset_free(struct ruleset *rules);
unsigned ruleset_count(const struct ruleset *rules);
const char *ruleset_name(const struct ruleset *rules, unsigned index); /* "github-token"; user rules "user-1" */

struct redactor;
struct redactor *redactor_new(const struct ruleset *rules);
void redactor_free(struct redactor *redactor);

/*
 * Filters one event. *ret is NULL when the mode drops it (MODE_OFF). LF_EINVAL: the body is no valid JSON
 * object. The caller frees the record.
 */
int redact_event(struct redactor *redactor, const struct raw_event *event,
                 struct clean_record **ret, struct err *err);
/* Plain text through the rules (UTF-8; invalid bytes become U+FFFD). Appends to out. */
int redact_text(struct redactor *redactor, struct slice text, struct buf *out, struct err *err);
/* A JSON value: every string and key through the rules; unchanged bytes copied verbatim. */
int redact_json(struct redactor *redactor, struct slice json, struct buf *out, struct err *err);

/* Hits since the redactor was made or counts were last taken; index as in ruleset_name. The extra index
 * ruleset_count() counts strings removed because a limit was hit. */
uint64_t redactor_take_count(struct redactor *redactor, unsigned index);
/* For --explain: called for each hit with rule name and its place and length in the text; NULL: off. */
typedef void redact_explain_fn(void *context, const char *rule, size_t offset, size_t length);
void redactor_explain(struct redactor *redactor, redact_explain_fn *explain, void *context);

#endif
