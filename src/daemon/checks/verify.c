#include "daemon/checks/verify.h"
#include "base/hash.h"
#include "base/mem.h"
#include "daemon/flusher/tree.h"
#include "daemon/checks/verify_agent.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define COST_MARGIN 1e-9

/* One observation of ours and how often the server showed it. */
struct expected {
	char span[17];
	const struct observation *observation;
	unsigned seen;
	char different[128]; /* names of fields, comma-separated */
};

struct verify {
	struct spool *spool;
	struct expected *expected; /* by span */
	unsigned count;
	struct verify_session *session;
	verify_fn *fn;
	void *context;
};

const char *verify_kind_name(enum verify_kind kind)
{
	static const char *const names[] = { "missing", "doubled", "different", "unknown", "dead", "waiting", "unspooled", "outdated" };

	return names[kind];
}

bool verify_is_well(const struct verify_session *session)
{
	return !session->findings[VERIFY_MISSING] && !session->findings[VERIFY_DOUBLED] && !session->findings[VERIFY_DIFFERENT] &&
	       !session->findings[VERIFY_UNSPOOLED] && !session->findings[VERIFY_OUTDATED];
}

static int find(struct verify *verify, enum verify_kind kind, const char *span, const char *name, const char *detail, struct err *err)
{
	const struct verify_finding finding = { kind, span, name, detail };

	verify->session->findings[kind]++;
	return verify->fn(verify->context, &finding, err);
}

static void note_different(struct expected *expected, const char *field)
{
	size_t n = strlen(expected->different);

	if (!strstr(expected->different, field))
		snprintf(expected->different + n, sizeof(expected->different) - n, "%s%s", n ? ", " : "", field);
}

static void compare_usage(struct expected *expected, const struct ship_seen *seen)
{
	const struct observation_usage *usage = &expected->observation->usage;
	const struct {
		const char *name;
		int64_t value;
	} counts[] = {
		{ "input", usage->input }, { "output", usage->output }, { "output_reasoning_tokens", usage->reasoning },
		{ "cache_read_input_tokens", usage->cache_read }, { "cache_creation_input_tokens", usage->cache_write },
	};

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		int64_t there = json_int(seen->doc, json_get(seen->doc, seen->usage, counts[i].name), 0);

		if (counts[i].value >= 0 && there != counts[i].value)
			note_different(expected, counts[i].name);
	}
}

/* Servers before version 3 know no agents and no tools: theirs are spans. */
static bool same_type(const char *ours, const char *theirs)
{
	return strcasecmp(ours, theirs) == 0 ||
	       (strcasecmp(theirs, "span") == 0 && (strcasecmp(ours, "agent") == 0 || strcasecmp(ours, "tool") == 0));
}

static void compare(struct expected *expected, const struct ship_seen *seen)
{
	const struct observation *ours = expected->observation;
	char *cost = ours->cost.len ? xmemdup0(ours->cost.ptr, ours->cost.len) : NULL;

	if (!same_type(observation_type_name(ours->type), seen->type))
		note_different(expected, "type");
	if (!slice_is(ours->name, seen->name))
		note_different(expected, "name");
	if (ours->start_ms != seen->start_ms)
		note_different(expected, "start");
	if (ours->end_ms != seen->end_ms && ours->type != OBS_EVENT)
		note_different(expected, "end");
	if (strcmp(observation_level_name(ours->level), seen->level) != 0)
		note_different(expected, "level");
	if (ours->model.len && !slice_is(ours->model, seen->model))
		note_different(expected, "model");
	if (ours->type == OBS_GENERATION)
		compare_usage(expected, seen);
	if (cost && fabs(strtod(cost, NULL) - seen->cost) > COST_MARGIN)
		note_different(expected, "cost");
	free(cost);
}

static int compare_spans(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	return strcmp(x->span, y->span);
}

static int take_seen(void *context, const struct ship_seen *seen, struct err *err)
{
	struct verify *verify = context;
	struct expected key = { .seen = 0 }, *found;

	snprintf(key.span, sizeof(key.span), "%s", seen->id);
	found = bsearch(&key, verify->expected, verify->count, sizeof key, compare_spans);
	if (!found)
		return find(verify, VERIFY_UNKNOWN, seen->id, seen->name, "", err);
	found->seen++;
	compare(found, seen);
	return 0;
}

/* What the server said of one observation, and what we know of its delivery. */
static int judge(struct verify *verify, const struct expected *expected, struct err *err)
{
	enum observation_state state = OBSERVATION_PENDING;
	char *name = xmemdup0(expected->observation->name.ptr, expected->observation->name.len);
	char detail[192] = "";
	int rc = spool_find_state(verify->spool, expected->observation->own_session, expected->observation->span_id, &state, err);

	if (rc == LF_ENOENT)
		rc = 0;
	if (expected->seen > 1)
		snprintf(detail, sizeof detail, "%u times", expected->seen);
	else if (expected->different[0])
		snprintf(detail, sizeof detail, "%s", expected->different);
	if (rc)
		goto out;
	if (expected->seen > 1)
		rc = find(verify, VERIFY_DOUBLED, expected->span, name, detail, err);
	else if (expected->seen && expected->different[0])
		rc = find(verify, VERIFY_DIFFERENT, expected->span, name, detail, err);
	else if (expected->seen)
		verify->session->equal++;
	else if (state == OBSERVATION_DELIVERED)
		rc = find(verify, VERIFY_MISSING, expected->span, name, detail, err);
	else if (state == OBSERVATION_DEAD)
		rc = find(verify, VERIFY_DEAD, expected->span, name, detail, err);
	else
		rc = find(verify, VERIFY_WAITING, expected->span, name, detail, err);
out:
	free(name);
	return rc;
}

static bool asked_before(const struct tree *tree, unsigned index)
{
	for (unsigned i = index; i-- > 0;)
		if (memcmp(tree->observations[i].trace_id, tree->observations[index].trace_id, 16) == 0)
			return true;
	return false;
}

static int verify_tree(struct verify *verify, const struct tree *tree, struct ship *ship, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < tree->count; i++) {
		verify->expected[i].observation = &tree->observations[i];
		hash_hex(tree->observations[i].span_id, 8, verify->expected[i].span);
	}
	qsort(verify->expected, tree->count, sizeof *verify->expected, compare_spans);
	for (unsigned i = 0; rc == 0 && i < tree->count; i++)
		if (!asked_before(tree, i))
			rc = ship_list(ship, tree->observations[i].trace_id, take_seen, verify, err);
	for (unsigned i = 0; rc == 0 && i < tree->count; i++)
		rc = judge(verify, &verify->expected[i], err);
	return rc;
}

static int take_agent(void *context, enum agent_finding finding, struct slice key, struct err *err)
{
	static const enum verify_kind kinds[] = { [AGENT_UNSPOOLED] = VERIFY_UNSPOOLED, [AGENT_OUTDATED] = VERIFY_OUTDATED };
	struct verify *verify = context;
	char *name;
	int rc;

	verify->session->agent_records++;
	if (finding == AGENT_SAME)
		return 0;
	name = xmemdup0(key.ptr, key.len);
	rc = find(verify, kinds[finding], "", name, "", err);
	free(name);
	return rc;
}

int verify_session(const struct work *work, struct spool *spool, struct ship *ship, const char *session,
                   struct verify_session *ret, verify_fn *fn, void *context, struct err *err)
{
	struct verify verify = { .spool = spool, .session = ret, .fn = fn, .context = context };
	struct tree *tree;
	int rc = tree_gather(spool, work->unit, session, &tree, err);

	*ret = (struct verify_session){ .session = session };
	if (rc)
		return rc;
	ret->source = tree->source;
	ret->observations = verify.count = tree->count;
	verify.expected = xcalloc(tree->count + 1, sizeof *verify.expected);
	for (unsigned i = 0; rc == 0 && i < tree->session_count; i++)
		rc = verify_agent(work, spool, slice_of(tree->source), slice_of(tree->sessions[i]), take_agent, &verify, err);
	if (rc == 0)
		rc = verify_tree(&verify, tree, ship, err);
	free(verify.expected);
	ret->source = NULL;
	tree_free(tree);
	return rc;
}
