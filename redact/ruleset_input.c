/* The user's patterns, harmless values and secret values. */
#include "ruleset.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX_BYTES (1024u * 1024u)
#define PATTERN_MAX_BYTES 4096
#define DENY_MIN_BYTES 8

struct line {
	struct slice text;
	const char *where; /* option or file */
	unsigned number, column;
};
typedef int line_fn(struct ruleset *rules, const struct line *line, struct err *err);

/* Compiles with an error that says where. */
static int compile(const struct line *line, struct pattern **ret, struct err *err)
{
	size_t offset = 0;
	int rc;

	if (line->text.len > PATTERN_MAX_BYTES)
		return err_set(err, LF_EINVAL, "%s, line %u, column %u: a pattern has at most %d bytes", line->where,
		               line->number, line->column, PATTERN_MAX_BYTES);
	rc = pattern_new(line->text, 0, ret, &offset, err);
	if (rc)
		err_prefix(err, "%s, line %u, column %zu", line->where, line->number, line->column + offset);
	return rc;
}

static int add_user_pattern(struct ruleset *rules, const struct line *line, struct err *err)
{
	struct rule rule = { .check = CHECK_NONE, .user = true, .literal_free = true };
	unsigned number = 1;
	char name[32];
	int rc = compile(line, &rule.pattern, err);

	if (rc)
		return rc;
	for (unsigned i = 0; i < rules->count; i++)
		number += rules->rules[i].user;
	snprintf(name, sizeof name, "user-%u", number);
	rule.name = xstrdup(name);
	if (rules->count >= RULE_NONE - 1) {
		pattern_free(rule.pattern);
		return err_set(err, LF_EINVAL, "%s: too many patterns", line->where);
	}
	ruleset_add_rule(rules, &rule);
	return 0;
}

static int add_allowed(struct ruleset *rules, const struct line *line, struct err *err)
{
	struct slice text = line->text;
	unsigned n = rules->allowed_count;

	if (text.len > 2 && text.ptr[0] == '/' && text.ptr[text.len - 1] == '/') {
		struct line inner = *line;
		int rc;

		inner.text = (struct slice){ text.ptr + 1, text.len - 2 };
		inner.column++;
		n = rules->allow_pattern_count;
		rules->allow_patterns = xrealloc(rules->allow_patterns, (n + 1) * sizeof *rules->allow_patterns);
		rc = compile(&inner, &rules->allow_patterns[n], err);
		rules->allow_pattern_count += rc == 0;
		return rc;
	}
	rules->allowed = xrealloc(rules->allowed, (n + 1) * sizeof *rules->allowed);
	rules->allowed_len = xrealloc(rules->allowed_len, (n + 1) * sizeof *rules->allowed_len);
	rules->allowed[n] = xmemdup0(text.ptr, text.len);
	rules->allowed_len[n] = text.len;
	rules->allowed_count++;
	return 0;
}

static int add_exact(struct ruleset *rules, struct slice text, struct err *err)
{
	struct literal literal = {
		.text = { xmemdup0(text.ptr, text.len), text.len },
		.rule = (uint16_t)rules->denied_rule, .exact = true,
	};

	return ruleset_add_literal(rules, &literal, err);
}

/* The value, and as it stands inside JSON text when that differs. */
static int add_denied(struct ruleset *rules, struct slice text, struct err *err)
{
	struct buf escaped;
	int rc = add_exact(rules, text, err);

	buf_init(&escaped, 0);
	if (!rc && json_escape(text, &escaped) == 0 && escaped.len != text.len + 2)
		rc = add_exact(rules, (struct slice){ escaped.data + 1, escaped.len - 2 }, err);
	buf_done(&escaped);
	return rc;
}

static int add_denied_line(struct ruleset *rules, const struct line *line, struct err *err)
{
	if (line->text.len < DENY_MIN_BYTES)
		return err_set(err, LF_EINVAL, "%s, line %u, column 1: a denied value has at least %d bytes", line->where,
		               line->number, DENY_MIN_BYTES);
	return add_denied(rules, line->text, err);
}

static int each_line(struct ruleset *rules, const char *path, line_fn *add, struct err *err)
{
	struct buf content;
	struct line line = { .where = path, .column = 1 };
	int rc;

	if (!path)
		return 0;
	buf_init(&content, FILE_MAX_BYTES);
	rc = file_read_all(path, FILE_MAX_BYTES, &content, err);
	for (size_t at = 0; !rc && at < content.len;) {
		const char *start = content.data + at;
		const char *end = memchr(start, '\n', content.len - at);
		size_t n = end ? (size_t)(end - start) : content.len - at;

		at += n + 1;
		line.number++;
		if (n && start[n - 1] == '\r')
			n--;
		line.text = (struct slice){ start, n };
		if (n && start[0] != '#')
			rc = add(rules, &line, err);
	}
	buf_done(&content);
	return rc;
}

/* The end of a character class that starts here: "]" right behind its start is one of it. */
static size_t class_length(const char *text)
{
	size_t i = 1;

	i += text[i] == '^';
	i += text[i] == ']';
	for (; text[i] && text[i] != ']'; i++)
		if (text[i] == '\\' && text[i + 1])
			i++;
	return i + (text[i] == ']');
}

/* The end of the first item of a comma list: commas in (), [], {} and behind a backslash do not end it. */
static size_t item_length(const char *text)
{
	int depth = 0;
	size_t i = 0;

	while (text[i] && !(text[i] == ',' && depth == 0)) {
		if (text[i] == '[') {
			i += class_length(text + i);
			continue;
		}
		depth += text[i] == '(' || text[i] == '{';
		depth -= depth > 0 && (text[i] == ')' || text[i] == '}');
		i += text[i] == '\\' && text[i + 1] ? 2 : 1;
	}
	return i;
}

static int add_user_list(struct ruleset *rules, const char *list, struct err *err)
{
	const char *at = list;

	while (at && *at) {
		struct line line = { .where = "redact_patterns", .number = 1 };
		size_t n = item_length(at);
		size_t lead = strspn(at, " \t");
		int rc = 0;

		lead = lead < n ? lead : n;
		line.text = (struct slice){ at + lead, n - lead };
		line.column = (unsigned)(at + lead - list) + 1;
		while (line.text.len && strchr(" \t", line.text.ptr[line.text.len - 1]))
			line.text.len--;
		if (line.text.len)
			rc = add_user_pattern(rules, &line, err);
		if (rc)
			return rc;
		at += n + (at[n] == ',');
	}
	return 0;
}

int ruleset_input(struct ruleset *rules, const struct redact_options *options, struct err *err)
{
	int rc = add_user_list(rules, options->user_patterns, err);

	if (!rc)
		rc = each_line(rules, options->pattern_file, add_user_pattern, err);
	if (!rc)
		rc = each_line(rules, options->allow_file, add_allowed, err);
	if (!rc)
		rc = each_line(rules, options->deny_file, add_denied_line, err);
	for (const char *const *value = options->deny_values; !rc && value && *value; value++)
		if (strlen(*value) >= DENY_MIN_BYTES) /* shorter ones would hit harmless text */
			rc = add_denied(rules, slice_of(*value), err);
	return rc;
}
