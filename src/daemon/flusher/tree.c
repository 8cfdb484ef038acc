/* Gathers a session and its sub-agents. */
#include "daemon/flusher/tree.h"
#include "base/mem.h"
#include <stdlib.h>

static int add_session(void *context, struct slice source, struct slice id, struct err *err)
{
	struct tree *tree = context;

	(void)source;
	for (unsigned i = 0; i < tree->session_count; i++)
		if (slice_is(id, tree->sessions[i]))
			return 0;
	if (tree->session_count == TREE_MAX_SESSIONS)
		return err_set(err, LF_ELIMIT, "more than %d sub-agents", TREE_MAX_SESSIONS);
	tree->sessions[tree->session_count++] = xmemdup0(id.ptr, id.len);
	return 0;
}

static int keep_observation(void *context, const struct observation *observation, struct slice turn, struct err *err)
{
	struct tree *tree = context;
	unsigned n = tree->count;

	(void)turn;
	tree->bodies = xrealloc(tree->bodies, (n + 1) * sizeof *tree->bodies);
	tree->strings = xrealloc(tree->strings, (n + 1) * sizeof *tree->strings);
	buf_init(&tree->bodies[n], 0);
	buf_init(&tree->strings[n], 0);
	tree->count++;
	if (observation_json(observation, &tree->bodies[n]) != 0)
		return err_set(err, tree->bodies[n].failed, "an observation is too large");
	return 0;
}

static int find_source(void *context, const struct spool_session_row *row, struct err *err)
{
	struct tree *tree = context;

	(void)err;
	if (!tree->source && slice_is(row->id, tree->sessions[0]))
		tree->source = xmemdup0(row->source.ptr, row->source.len);
	return 0;
}

static int read_back(struct tree *tree, struct err *err)
{
	int rc = 0;

	tree->observations = xcalloc(tree->count + 1, sizeof *tree->observations);
	for (unsigned i = 0; rc == 0 && i < tree->count; i++)
		rc = observation_parse(buf_view(&tree->bodies[i]), &tree->strings[i], &tree->observations[i], err);
	return rc;
}

int tree_gather(struct spool *spool, enum trace_unit unit, const char *session, struct tree **ret, struct err *err)
{
	struct tree *tree = xcalloc(1, sizeof *tree);
	int rc = add_session(tree, SLICE_NONE, slice_of(session), err);

	if (rc == 0)
		rc = spool_each_session(spool, find_source, tree, err);
	if (rc == 0 && !tree->source)
		rc = err_set(err, LF_ENOENT, "%s: there is no such session in the spool", session);
	for (unsigned i = 0; rc == 0 && i < tree->session_count; i++) {
		struct assemble_result result;
		struct slice id = slice_of(tree->sessions[i]);

		rc = derive_session(spool, unit, slice_of(tree->source), id, keep_observation, tree, &result, err);
		if (rc == 0)
			rc = spool_each_child(spool, slice_of(tree->source), id, add_session, tree, err);
	}
	if (rc == 0)
		rc = read_back(tree, err);
	if (rc == 0)
		*ret = tree;
	else
		tree_free(tree);
	return rc;
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	for (unsigned i = 0; i < tree->session_count; i++)
		free(tree->sessions[i]);
	for (unsigned i = 0; i < tree->count; i++) {
		buf_done(&tree->bodies[i]);
		buf_done(&tree->strings[i]);
	}
	free(tree->bodies);
	free(tree->strings);
	free(tree->observations);
	free(tree->source);
	free(tree);
}
