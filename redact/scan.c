/*
 * Finds secrets in one text: the prefilter picks the places where a literal of a rule stands, the rule's
 * pattern decides there. All spans are collected before anything is rewritten, so no rule
 * sees another's marker. Undecidable text is removed as a whole.
 */
#include "redactor.h"
#include "pii.h"
#include "rules.h"
#include <stdlib.h>

#define MARKER "[REDACTED:"
#define MARKER_LEN (sizeof MARKER - 1)
#define MARKER_MAX_BYTES 64
#define HITS_MAX (1u << 20)
#define PASSES 4 /* a removal can uncover a neighbour; more rounds than this are no accident */

static bool known_name(const struct redactor *redactor, struct slice name)
{
	for (unsigned i = 0; name.len && i <= redactor->rules->count; i++) {
		const char *rule = ruleset_name(redactor->rules, i);

		if (*rule == *name.ptr && slice_is(name, rule))
			return true;
	}
	return false;
}

/* The end of the marker that starts at `at`, or 0. */
static size_t marker_end(const struct redactor *redactor, struct slice text, size_t at)
{
	size_t rest = text.len - at;
	const char *name = text.ptr + at + MARKER_LEN, *end;

	if (rest <= MARKER_LEN || memcmp(text.ptr + at, MARKER, MARKER_LEN) != 0)
		return 0;
	rest -= MARKER_LEN;
	end = memchr(name, ']', rest < MARKER_MAX_BYTES ? rest : MARKER_MAX_BYTES);
	if (!end || !known_name(redactor, (struct slice){ name, (size_t)(end - name) }))
		return 0;
	return (size_t)(end + 1 - text.ptr);
}

/* A marker with start < pos < end. */
static bool marker_around(const struct redactor *redactor, struct slice text, size_t pos, struct span *ret)
{
	size_t floor = pos > MARKER_MAX_BYTES + MARKER_LEN ? pos - MARKER_MAX_BYTES - MARKER_LEN : 0;

	for (size_t at = pos; at-- > floor;) {
		if (text.ptr[at] != '[')
			continue;
		ret->start = at;
		ret->end = marker_end(redactor, text, at);
		if (ret->end > pos)
			return true;
	}
	return false;
}

bool scan_is_marker(const struct redactor *redactor, struct slice text)
{
	return text.len && marker_end(redactor, text, 0) == text.len;
}

/* A span keeps off the markers of an earlier run, so that cleaning twice changes nothing more. */
static bool outside_markers(const struct redactor *redactor, struct slice text, struct span *span)
{
	struct span marker;

	if (marker_around(redactor, text, span->start, &marker))
		span->start = marker.end;
	if (span->end < text.len && span->end > span->start && marker_around(redactor, text, span->end, &marker))
		span->end = marker.start;
	return span->start < span->end &&
	       !scan_is_marker(redactor, (struct slice){ text.ptr + span->start, span->end - span->start });
}

static bool is_allowed(struct redactor *redactor, struct slice value)
{
	const struct ruleset *rules = redactor->rules;
	struct span whole;

	for (unsigned i = 0; i < rules->allowed_count; i++)
		if (slice_equal(value, (struct slice){ rules->allowed[i], rules->allowed_len[i] }))
			return true;
	for (unsigned i = 0; i < rules->allow_pattern_count; i++)
		if (pattern_find(rules->allow_patterns[i], redactor->matcher, value, 0, &whole) == 1 &&
		    whole.start == 0 && whole.end == value.len)
			return true;
	return false;
}

static int add_hit(struct redactor *redactor, struct slice text, unsigned rule, struct span span)
{
	struct slice value = { text.ptr + span.start, span.end - span.start };

	if (span.start >= span.end || check_harmless(redactor->rules->rules[rule].check, value))
		return 0;
	if (rule != redactor->rules->denied_rule && is_allowed(redactor, value))
		return 0;
	if (!outside_markers(redactor, text, &span))
		return 0;
	if (redactor->hit_count == redactor->hit_cap) {
		size_t cap = redactor->hit_cap ? 2 * redactor->hit_cap : 64;
		struct hit *hits = cap > HITS_MAX ? NULL : realloc(redactor->hits, cap * sizeof *hits);

		if (!hits)
			return LF_ELIMIT;
		redactor->hits = hits;
		redactor->hit_cap = cap;
	}
	redactor->hits[redactor->hit_count++] = (struct hit){ span.start, span.end, rule };
	return 0;
}

/* The search of one text for the literals of the rules. */
struct search {
	struct redactor *redactor;
	struct slice text;
	bool first; /* no literal was found yet */
};

/* What is above ASCII may be a letter's other case. */
static bool is_any_of(char c, const char *bytes)
{
	return (unsigned char)c >= 0x80 || (c && strchr(bytes, c));
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* behind: the literal's end. */
static bool has_must(const struct rule_must *must, struct slice text, size_t behind)
{
	for (size_t at = behind + must->from; at <= behind + must->to && at < text.len; at++)
		if (is_any_of(text.ptr[at], must->bytes) &&
		    (!must->then || !is_letter(text.ptr[at]) || (at + 1 < text.len && is_any_of(text.ptr[at + 1], must->then))))
			return true;
	return false;
}

/* A literal stands at `at`: its rule decides. */
static int try_literal(void *context, uint32_t index, size_t at)
{
	struct search *search = context;
	struct redactor *redactor = search->redactor;
	const struct literal *literal = &redactor->rules->literals[index];
	const struct rule *rule = &redactor->rules->rules[literal->rule];
	struct slice text = search->text;
	struct span whole, group;
	int rc;

	if (search->first)
		memset(redactor->done_until, 0, redactor->rules->count * sizeof *redactor->done_until);
	search->first = false;
	if (literal->exact)
		return add_hit(redactor, text, literal->rule, (struct span){ at, at + literal->text.len });
	if (rule->must && !has_must(rule->must, text, at + literal->text.len))
		return 0;
	/* A match inside the last one of its rule adds nothing and would cost quadratic time. */
	if (at < redactor->done_until[literal->rule])
		return 0;
	rc = pattern_match(rule->pattern, redactor->matcher, text, at, rule->group, &whole, &group);
	if (rc != 1)
		return rc;
	if (rule->check == CHECK_BODY)
		group = (struct span){ check_body_start(text, at), at };
	if (rule->check == CHECK_WORD)
		group.start = check_word_start(text, at);
	rc = add_hit(redactor, text, literal->rule, group);
	/* A pattern that matches without its group says how far there is nothing for it. */
	redactor->done_until[literal->rule] = group.start < group.end ? group.end : whole.end;
	return rc;
}

static size_t next_character(struct slice text, size_t at)
{
	do
		at++;
	while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80);
	return at;
}

/* A user's pattern has no literal, nor has personal data: it is searched for from end to end. */
static int try_everywhere(struct redactor *redactor, struct slice text, unsigned index)
{
	const struct rule *rule = &redactor->rules->rules[index];
	struct span whole = { 0, 0 };
	size_t at = 0;

	while (at < text.len) {
		int rc = pattern_find(rule->pattern, redactor->matcher, text, at, &whole);
		size_t found = whole.start > at ? whole.start : at;

		if (rc != 1)
			return rc;
		if (rule->check >= CHECK_EMAIL && !pii_find(rule->check, text, &whole)) {
			at = next_character(text, found);
			continue;
		}
		rc = add_hit(redactor, text, index, whole);
		if (rc)
			return rc;
		at = whole.end > at ? whole.end : next_character(text, at);
	}
	return 0;
}

static int collect(struct redactor *redactor, struct slice text)
{
	const struct ruleset *rules = redactor->rules;
	struct search search = { redactor, text, true };
	int rc;

	redactor->hit_count = 0;
	rc = prefilter_search(rules->prefilter, text, try_literal, &search);
	for (unsigned i = rules->count; i-- > 0 && rules->rules[i].literal_free && rc >= 0;)
		rc = try_everywhere(redactor, text, i);
	return rc;
}

static int compare_hits(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

/* Overlapping spans become one, under the more specific name. */
static void merge(struct redactor *redactor)
{
	struct hit *hits = redactor->hits;
	size_t kept = 0;

	qsort(hits, redactor->hit_count, sizeof *hits, compare_hits);
	for (size_t i = 1; i < redactor->hit_count; i++) {
		struct hit *last = &hits[kept];

		if (hits[i].start >= last->end) {
			hits[++kept] = hits[i];
			continue;
		}
		last->end = hits[i].end > last->end ? hits[i].end : last->end;
		last->rule = hits[i].rule < last->rule ? hits[i].rule : last->rule;
	}
	redactor->hit_count = kept + 1;
}

int scan_marker(const struct redactor *redactor, unsigned rule, struct buf *out)
{
	buf_text(out, MARKER);
	buf_text(out, ruleset_name(redactor->rules, rule));
	return buf_char(out, ']');
}

void scan_count(struct redactor *redactor, unsigned rule, struct span span)
{
	redactor->counts[rule]++;
	if (redactor->explain)
		redactor->explain(redactor->explain_context, ruleset_name(redactor->rules, rule), span.start,
		                  span.end - span.start);
}

static int rewrite(struct redactor *redactor, struct slice text, bool count, struct buf *out)
{
	size_t at = 0;

	merge(redactor);
	for (size_t i = 0; i < redactor->hit_count; i++) {
		const struct hit *hit = &redactor->hits[i];

		if (count)
			scan_count(redactor, hit->rule, (struct span){ hit->start, hit->end });
		buf_append(out, text.ptr + at, hit->start - at);
		scan_marker(redactor, hit->rule, out);
		at = hit->end;
	}
	return buf_append(out, text.ptr + at, text.len - at);
}

static int give_up(struct redactor *redactor, struct slice text, struct buf *out)
{
	unsigned limit = redactor->rules->count;

	scan_count(redactor, limit, (struct span){ 0, text.len });
	return scan_marker(redactor, limit, out);
}

int scan_text(struct redactor *redactor, struct slice text, struct buf *out, bool *ret_changed)
{
	struct slice now = text;

	*ret_changed = false;
	matcher_begin(redactor->matcher, text.len);
	for (unsigned pass = 0; pass < PASSES; pass++) {
		struct buf *to = &redactor->pass[pass & 1];

		if (now.len < 2 || scan_is_marker(redactor, now))
			return *ret_changed ? buf_slice(out, now) : 0;
		if (collect(redactor, now) < 0)
			break;
		if (redactor->hit_count == 0)
			return *ret_changed ? buf_slice(out, now) : 0;
		*ret_changed = true;
		buf_clear(to);
		if (rewrite(redactor, now, pass == 0, to))
			break;
		now = buf_view(to);
	}
	*ret_changed = true;
	return give_up(redactor, text, out);
}
