/*
 * The latest revision of each key, and what follows from a new one: which revisions are kept and which sessions
 * have to be assembled again. Derived from the records.
 */
#include "spool_internal.h"
#include "base/mem.h"
#include <stdlib.h>

#define MAX_TREE 10000 /* sessions under one session: a circle of links must end */

struct head {
	int level;
	uint64_t order;
	bool same, link_same, elsewhere;
};

static int head_get(struct spool *spool, const struct clean_record_view *view, struct slice fp, struct head *ret, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_HEAD_GET, err, "ss", view->source, view->key);

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1) {
		ret->level = (int)query_int(&query, 1);
		ret->order = (uint64_t)query_int(&query, 2);
		ret->same = slice_equal(query_slice(&query, 3), fp);
		ret->link_same = slice_equal(query_slice(&query, 4), view->link);
		ret->elsewhere = !slice_equal(query_slice(&query, 5), view->session);
	}
	query_close(&query);
	return rc == 0 ? LF_ENOENT : rc > 0 ? 0 : rc;
}

static int raise_head(struct spool *spool, const struct clean_record_view *view, const struct head *head, struct err *err)
{
	int level = (int)view->level > head->level ? (int)view->level : head->level;
	uint64_t order = view->order > head->order ? view->order : head->order;

	if (level == head->level && order == head->order)
		return 0;
	return sql_run(spool, SQL_HEAD_RAISE, err, "ssii", view->source, view->key, (int64_t)level, (int64_t)order);
}

static int never_stored(struct spool *spool, const struct clean_record_view *view, struct slice fp, bool *ret, struct err *err)
{
	int64_t one;
	int rc = sql_int(spool, SQL_FP_KNOWN, &one, err, "ssssb", view->source, view->session, view->message, view->key, fp);

	*ret = rc == LF_ENOENT;
	return rc == LF_ENOENT ? 0 : rc;
}

int head_decide(struct spool *spool, const struct clean_record_view *view, struct slice fp, bool *ret_store, bool *ret_new_link, struct err *err)
{
	struct head head = { 0 };
	int rc = head_get(spool, view, fp, &head, err), level = (int)view->level;

	*ret_store = rc == LF_ENOENT;
	*ret_new_link = rc == LF_ENOENT || !head.link_same;
	if (rc != 0)
		return rc == LF_ENOENT ? 0 : rc;
	/* a copy that a resumed or forked session made: it stays where it was seen first, whole */
	if (head.elsewhere)
		return 0;
	if (head.same)
		return raise_head(spool, view, &head, err);
	if (level != head.level || level < RECORD_FINAL) {
		*ret_store = level > head.level;
		return 0;
	}
	if (view->order != 0 && head.order != 0) {
		*ret_store = view->order > head.order;
		return 0;
	}
	return never_stored(spool, view, fp, ret_store, err);
}

int head_put(struct spool *spool, const struct clean_record_view *view, int64_t seq, struct slice fp, struct err *err)
{
	return sql_run(spool, SQL_HEAD_PUT, err, "ssissiiibsi", view->source, view->key, seq, view->session, view->message,
	               (int64_t)view->kind, (int64_t)view->level, (int64_t)view->order, fp, view->link, view->time_ms);
}

/* ---- the tree of sessions ---- */

struct tree {
	char **ids;
	size_t count, cap;
};

static void tree_add(struct tree *tree, struct slice id)
{
	for (size_t i = 0; i < tree->count; i++)
		if (slice_is(id, tree->ids[i]))
			return;
	if (tree->count == MAX_TREE)
		return;
	if (tree->count == tree->cap) {
		tree->cap = tree->cap ? tree->cap * 2 : 8;
		tree->ids = xrealloc(tree->ids, tree->cap * sizeof *tree->ids);
	}
	tree->ids[tree->count++] = xmemdup0(id.ptr, id.len);
}

static int tree_add_all(struct tree *tree, struct spool *spool, enum sql_id id, int column, struct slice source, struct slice of, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, id, err, "ss", source, of);

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1)
		tree_add(tree, query_slice(&query, column));
	query_close(&query);
	return rc;
}

int head_mark_tree(struct spool *spool, struct slice source, struct slice session, struct err *err)
{
	struct tree tree = { 0 };
	int rc = 0;

	tree_add(&tree, session);
	for (size_t i = 0; rc == 0 && i < tree.count; i++) {
		struct slice id = slice_of(tree.ids[i]);
		rc = tree_add_all(&tree, spool, SQL_EACH_CHILD, 1, source, id, err);
		if (rc == 0)
			rc = tree_add_all(&tree, spool, SQL_EACH_STARTED, 0, source, id, err);
		if (rc == 0)
			rc = sql_run(spool, SQL_SESSION_DIRTY, err, "ssi", source, id, session_next_tick(spool));
	}
	for (size_t i = 0; i < tree.count; i++)
		free(tree.ids[i]);
	free(tree.ids);
	return rc;
}
