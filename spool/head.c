/*
 * The latest revision of each key, and what follows from a new one: which revisions are kept and which sessions
 * have to be assembled again. Derived from the records.
 */
#include "spool_internal.h"
#include "base/mem.h"
#include <stdlib.h>

#define MAX_TREE 10000 /* sessions under one session: a circle of links must end */

struct head {
	enum record_level level;
	uint64_t order;
	bool same, link_same, elsewhere, in_file, in_place;
	int64_t seq;
	struct fresh_row *row;
};

static bool is_fp(struct slice stored, const struct hash128 *fp)
{
	return slice_equal(stored, (struct slice){ (const char *)fp->bytes, sizeof fp->bytes });
}

static void head_of_row(struct fresh_row *row, const struct clean_record_view *view, const struct hash128 *fp, struct head *ret)
{
	const struct clean_record_view *old = &row->view;

	ret->row = row;
	ret->in_file = row->in_file;
	ret->level = row->level;
	ret->order = row->order;
	ret->same = memcmp(row->fp.bytes, fp->bytes, sizeof fp->bytes) == 0;
	ret->link_same = slice_equal(old->link, view->link);
	ret->elsewhere = !slice_equal(old->session, view->session);
	ret->in_place = row->in_place && ret->link_same && !ret->elsewhere && old->kind == view->kind && slice_equal(old->message, view->message);
}

static void head_of_query(const struct query *query, const struct clean_record_view *view, const struct hash128 *fp, struct head *ret)
{
	ret->in_file = true;
	ret->seq = query_int(query, 0);
	ret->level = (enum record_level)query_int(query, 1);
	ret->order = (uint64_t)query_int(query, 2);
	ret->same = is_fp(query_slice(query, 3), fp);
	ret->link_same = slice_equal(query_slice(query, 4), view->link);
	ret->elsewhere = !slice_equal(query_slice(query, 5), view->session);
	ret->in_place = ret->link_same && !ret->elsewhere && query_int(query, 7) == (int64_t)view->kind &&
	                slice_equal(query_slice(query, 6), view->message);
}

/* The first head from the key on: it, or the next after where it would be. */
static int head_get(struct spool *spool, const struct clean_record_view *view, const struct hash128 *fp, struct head *ret, struct err *err)
{
	struct query query;
	int rc;

	if (gap_has(spool, view->source, view->key))
		return LF_ENOENT;
	rc = query_open(&query, spool, SQL_HEAD_FROM, err, "ss", view->source, view->key);
	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1 && slice_equal(query_slice(&query, 8), view->key))
		head_of_query(&query, view, fp, ret);
	else if (rc >= 0)
		gap_note(spool, view->source, view->key, rc == 1 ? query_slice(&query, 8) : SLICE_NONE);
	query_close(&query);
	return rc < 0 ? rc : ret->in_file ? 0 : LF_ENOENT;
}

static int raise_head(struct spool *spool, const struct clean_record_view *view, const struct head *head, struct err *err)
{
	enum record_level level = view->level > head->level ? view->level : head->level;
	uint64_t order = view->order > head->order ? view->order : head->order;

	if (level == head->level && order == head->order)
		return 0;
	if (!head->row)
		return sql_run(spool, SQL_HEAD_RAISE, err, "ssii", view->source, view->key, (int64_t)level, (int64_t)order);
	head->row->level = level;
	head->row->order = order;
	return 0;
}

static int never_stored(struct spool *spool, const struct clean_record_view *view, const struct hash128 *hash, struct head_decision *ret, struct err *err)
{
	struct slice fp = { (const char *)hash->bytes, sizeof hash->bytes };
	int64_t one;
	int rc = 0;

	if (ret->row) { /* the file is to be asked about all that there were */
		*ret = (struct head_decision){ .new_link = ret->new_link, .in_file = true, .seq = ret->row->view.seq };
		rc = fresh_write(spool, err);
	}
	if (rc == 0)
		rc = sql_int(spool, SQL_FP_KNOWN, &one, err, "ssssb", view->source, view->session, view->message, view->key, fp);
	ret->store = rc == LF_ENOENT;
	return rc == LF_ENOENT ? 0 : rc;
}

int head_decide(struct spool *spool, const struct clean_record_view *view, const struct hash128 *fp, struct head_decision *ret, struct err *err)
{
	struct fresh_row *row = fresh_find(spool, view->source, view->key);
	struct head head = { 0 };
	enum record_level level = view->level;
	int rc = 0;

	if (row)
		head_of_row(row, view, fp, &head);
	else
		rc = head_get(spool, view, fp, &head, err);
	*ret = (struct head_decision){
		.store = rc == LF_ENOENT, .new_link = rc == LF_ENOENT || !head.link_same, .in_file = head.in_file, .in_place = head.in_place,
		.seq = head.seq, .row = row,
	};
	if (rc == LF_ENOENT)
		gap_fill(spool, view->source, view->key);
	if (rc != 0)
		return rc == LF_ENOENT ? 0 : rc;
	/* a copy that a resumed or forked session made: it stays where it was seen first, whole */
	if (head.elsewhere)
		return 0;
	if (head.same)
		return raise_head(spool, view, &head, err);
	if (level != head.level || level < RECORD_FINAL) {
		ret->store = level > head.level;
		return 0;
	}
	if (view->order != 0 && head.order != 0) {
		ret->store = view->order > head.order;
		return 0;
	}
	return never_stored(spool, view, fp, ret, err);
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
