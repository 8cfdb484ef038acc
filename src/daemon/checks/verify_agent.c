#include "daemon/checks/verify_agent.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "daemon/sources/sources.h"
#include "ingest/ingest.h"
#include "ingest/src_opencode_db.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

/* One session, message or part, by its key. */
struct item {
	char *key;
	struct hash128 spooled, kept; /* of the bodies */
	bool in_spool, in_agent;
	uint64_t order;
};

struct comparison {
	struct spool *spool;
	struct redactor *redactor;
	struct slice source, session;
	struct item *items; /* sorted by key once the spool's are in */
	size_t count, cap, sorted;
};

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static struct item *find_item(struct comparison *all, const char *key)
{
	struct item wanted = { .key = xstrdup(key) };
	struct item *found = all->sorted ? bsearch(&wanted, all->items, all->sorted, sizeof wanted, compare_items) : NULL;

	for (size_t i = all->sorted; !found && i < all->count; i++)
		if (strcmp(all->items[i].key, key) == 0)
			found = &all->items[i];
	free(wanted.key);
	return found;
}

static struct item *add_item(struct comparison *all, const char *key)
{
	if (all->count == all->cap) {
		all->cap = all->cap ? 2 * all->cap : 256;
		all->items = xrealloc(all->items, all->cap * sizeof *all->items);
	}
	all->items[all->count] = (struct item){ .key = xstrdup(key) };
	return &all->items[all->count++];
}

static char *item_key(enum record_kind kind, struct slice key)
{
	struct buf text;

	buf_init(&text, 0);
	buf_format(&text, "%s %.*s", record_kind_name(kind), (int)key.len, key.ptr);
	return buf_take(&text, NULL);
}

/* ---- the spool's side ---- */

static int take_spooled(void *context, const struct clean_record_view *record, struct err *err)
{
	struct comparison *all = context;
	struct item *item;
	char *key;

	(void)err;
	if (record->kind == RECORD_SIGNAL)
		return 0;
	key = item_key(record->kind, record->key);
	item = add_item(all, key);
	free(key);
	item->in_spool = true;
	item->spooled = hash_128(record->body.ptr, record->body.len);
	if (record->kind == RECORD_MESSAGE)
		return spool_each_part(all->spool, all->source, all->session, record->key, take_spooled, all, err);
	return 0;
}

/* ---- the agent's side ---- */

static int take_kept(void *context, const struct raw_event *event, struct err *err)
{
	struct comparison *all = context;
	struct clean_record *record = NULL;
	const struct clean_record_view *view;
	struct item *item;
	char *key;
	int rc;

	if (event->kind == RECORD_SIGNAL || event->level != RECORD_FINAL || !slice_equal(event->session, all->session))
		return 0;
	rc = redact_event(all->redactor, event, &record, err);
	if (rc != 0 || !record)
		return rc == LF_EINVAL ? 0 : rc;
	view = clean_record_view(record);
	key = item_key(view->kind, view->key);
	item = find_item(all, key);
	if (!item)
		item = add_item(all, key);
	free(key);
	if (!item->in_agent || view->order == 0 || view->order >= item->order) {
		item->kept = hash_128(view->body.ptr, view->body.len);
		item->order = view->order;
	}
	item->in_agent = true;
	clean_record_free(record);
	return 0;
}

static int read_session(struct comparison *all, struct opencode_db *db, struct err *err)
{
	const struct ingest_options options = { .source = "opencode", .name = "opencode.db", .emit = take_kept, .context = all };
	struct opencode_position position = { .seq = -1 };
	struct opencode_activity activity;
	struct ingest *ingest;
	struct page *page;
	bool more = true;
	int rc = opencode_db_activity(db, all->session, &activity, err);

	if (rc != 0)
		return rc;
	rc = ingest_new(&options, &ingest, err);
	if (rc != 0)
		return rc;
	page = xcalloc(1, sizeof *page);
	page_init(page);
	while (rc == 0 && more) {
		rc = opencode_db_read(db, all->session, &position, page, &more, err);
		for (unsigned i = 0; rc == 0 && i < page->count; i++)
			if (page->values[i].oversize_bytes == 0)
				rc = ingest_value(ingest, page_text(page, i), page->values[i].line, err);
	}
	page_done(page);
	free(page);
	ingest_free(ingest);
	return rc;
}

static int read_database(struct comparison *all, const char *path, struct err *err)
{
	struct opencode_db *db;
	int rc = opencode_db_open(path, &db, err);

	if (rc != 0)
		return LF_ENOENT; /* a database that cannot be read says nothing */
	rc = read_session(all, db, err);
	opencode_db_close(db);
	return rc;
}

/* In the first database that has the session. */
static int read_agent(struct comparison *all, const char *path, struct err *err)
{
	struct dirent **names;
	struct stat info;
	int rc = LF_ENOENT, n;

	if (stat(path, &info) != 0)
		return LF_ENOENT;
	if (!S_ISDIR(info.st_mode))
		return read_database(all, path, err);
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (rc == LF_ENOENT && sources_is_database(names[i]->d_name)) {
			char *file = file_join(path, names[i]->d_name);

			rc = read_database(all, file, err);
			free(file);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return rc;
}

static int report(struct comparison *all, agent_fn *fn, void *context, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < all->count; i++) {
		const struct item *item = &all->items[i];
		bool same = item->in_spool && memcmp(&item->spooled, &item->kept, sizeof item->kept) == 0;

		if (item->in_agent)
			rc = fn(context, same ? AGENT_SAME : item->in_spool ? AGENT_OUTDATED : AGENT_UNSPOOLED, slice_of(item->key), err);
	}
	return rc;
}

int verify_agent(const struct work *work, struct spool *spool, struct slice source, struct slice session, agent_fn *fn,
                 void *context, struct err *err)
{
	struct comparison all = { .spool = spool, .source = source, .session = session };
	const char *path = conf_string(work->conf, "opencode_db");
	int rc = 0;

	if (!slice_is(source, "opencode") || !path)
		return 0;
	all.redactor = redactor_new(work->rules);
	rc = spool_each_head(spool, source, session, take_spooled, &all, err);
	if (all.count)
		qsort(all.items, all.count, sizeof *all.items, compare_items);
	all.sorted = all.count;
	if (rc == 0)
		rc = read_agent(&all, path, err);
	rc = rc == 0 ? report(&all, fn, context, err) : rc == LF_ENOENT ? 0 : rc;
	for (size_t i = 0; i < all.count; i++)
		free(all.items[i].key);
	free(all.items);
	redactor_free(all.redactor);
	return rc;
}
