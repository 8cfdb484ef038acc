/* What tests of ingest share: the heads that the spool would keep, fixtures, and their comparison. */
#ifndef LF_TESTS_HEADS_H
#define LF_TESTS_HEADS_H
#include "base/mem.h"
#include "ingest/ingest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <cmocka.h>

/* ---- heads: the revision of each key that the spool would keep (FORMAT.md "Which revisions are kept") ---- */

struct head {
	enum record_kind kind;
	enum record_level level;
	uint64_t order;
	char *key, *message, *link, *body;
	char **stored; /* bodies that were kept before */
	size_t stored_count;
};
struct heads {
	struct head *items;
	size_t count, cap;
	uint64_t bad, unknown, kept; /* kept: revisions that were stored */
	char *words; /* of the first problem */
};

static struct head *find(const struct heads *heads, const char *key)
{
	for (size_t i = 0; i < heads->count; i++)
		if (strcmp(heads->items[i].key, key) == 0)
			return &heads->items[i];
	return NULL;
}

static bool was_stored(const struct head *head, const char *body)
{
	for (size_t i = 0; i < head->stored_count; i++)
		if (strcmp(head->stored[i], body) == 0)
			return true;
	return false;
}

static bool decide(struct head *head, const struct raw_event *event, const char *body)
{
	if (strcmp(head->body, body) == 0) {
		head->level = event->level > head->level ? event->level : head->level;
		head->order = event->order > head->order ? event->order : head->order;
		return false;
	}
	if (event->level != head->level || event->level < RECORD_FINAL)
		return event->level > head->level;
	if (event->order != 0 && head->order != 0)
		return event->order > head->order;
	return !was_stored(head, body);
}

static void set_body(struct heads *heads, struct head *head, const struct raw_event *event, char *body)
{
	heads->kept++;
	head->kind = event->kind;
	head->level = event->level;
	head->order = event->order;
	free(head->message);
	free(head->link);
	head->message = xmemdup0(event->message.ptr ? event->message.ptr : "", event->message.len);
	head->link = xmemdup0(event->link.ptr ? event->link.ptr : "", event->link.len);
	head->body = body;
	head->stored = xrealloc(head->stored, (head->stored_count + 1) * sizeof *head->stored);
	head->stored[head->stored_count++] = body;
}

static int take(void *context, const struct raw_event *event, struct err *err)
{
	struct heads *heads = context;
	char *key = xmemdup0(event->key.ptr, event->key.len), *body = xmemdup0(event->body.ptr, event->body.len);
	struct head *head = find(heads, key);

	(void)err;
	if (!head) {
		if (heads->count == heads->cap) {
			heads->cap = heads->cap ? heads->cap * 2 : 64;
			heads->items = xrealloc(heads->items, heads->cap * sizeof *heads->items);
		}
		head = &heads->items[heads->count++];
		*head = (struct head){ .key = xstrdup(key) };
		set_body(heads, head, event, body);
	} else if (decide(head, event, body)) {
		set_body(heads, head, event, body);
	} else {
		free(body);
	}
	free(key);
	return 0;
}

static void say(void *context, const char *words, struct slice metadata)
{
	struct heads *heads = context;

	(void)metadata;
	if (!heads->words)
		heads->words = xstrdup(words);
}

static void heads_done(struct heads *heads)
{
	for (size_t i = 0; i < heads->count; i++) {
		struct head *head = &heads->items[i];
		for (size_t s = 0; s < head->stored_count; s++)
			free(head->stored[s]);
		free(head->stored);
		free(head->key);
		free(head->message);
		free(head->link);
	}
	free(heads->items);
	free(heads->words);
}

/* ---- recordings ---- */

static const char *fixtures(void)
{
	static char path[512];
	const char *src = getenv("srcdir");

	snprintf(path, sizeof path, "%s/tests/fixtures/opencode", src ? src : ".");
	return path;
}

static void read_file(const char *path, struct buf *out)
{
	gzFile file = gzopen(path, "rb");
	char chunk[65536];
	int n;

	if (!file)
		fail_msg("%s is not there", path);
	while ((n = gzread(file, chunk, sizeof chunk)) > 0)
		buf_append(out, chunk, (size_t)n);
	gzclose(file);
}

/* ---- equality ---- */

/* Signals and what was removed later are known to live streams alone; things that never ended differ in how far they were seen. */
static bool comparable(const struct heads *all, const struct head *head)
{
	char removed[160];

	if (head->kind == RECORD_SIGNAL || head->level != RECORD_FINAL)
		return false;
	snprintf(removed, sizeof removed, "removed:%s", head->message);
	return !find(all, removed);
}

static size_t compare(const struct heads *a, const struct heads *b, const char *scenario, const char *what)
{
	size_t count = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct head *head = &a->items[i], *other = find(b, head->key);
		if (!comparable(a, head) || !comparable(b, head))
			continue;
		if (!other)
			fail_msg("%s: %s lacks %s", scenario, what, head->key);
		if (strcmp(head->body, other->body) != 0)
			fail_msg("%s: %s differs at %s:\n%s\n%s", scenario, what, head->key, head->body, other->body);
		assert_string_equal(head->message, other->message);
		assert_string_equal(head->link, other->link);
		count++;
	}
	return count;
}

#endif
