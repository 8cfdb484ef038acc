/*
 * Finds a session's place by following parents. A chain that is longer than MAX_DEPTH or comes
 * back to a session already seen ends where it is.
 */
#include "assemble/place.h"

#define MAX_DEPTH 64

/* A call of a tool that started a session. */
struct origin {
	struct pool *pool;
	struct slice parent, child;        /* which sessions are meant */
	struct slice message, key;         /* the tool part; empty: not found */
	struct slice turn;                 /* its turn, or the one that ran when the child began */
};

void place_init(struct place *place)
{
	*place = (struct place){ 0 };
	pool_init(&place->pool);
}

void place_done(struct place *place)
{
	pool_done(&place->pool);
}

struct session_read {
	struct pool *pool;
	struct json_doc doc;
	struct buf scratch;
	struct view_session *ret;
};

static int take_session(void *context, const struct clean_record_view *record, struct err *err)
{
	struct session_read *read = context;

	return view_session_read(record, &read->doc, read->pool, &read->scratch, read->ret, err);
}

/* LF_ENOENT when the session is not known. */
static int load_session(struct pool *pool, const struct assemble_store *store, struct slice source, struct slice id, struct view_session *ret, struct err *err)
{
	struct session_read read = { .pool = pool, .ret = ret };
	int rc;

	json_doc_init(&read.doc);
	buf_init(&read.scratch, 0);
	rc = store->find_session(store->context, source, id, take_session, &read, err);
	json_doc_done(&read.doc);
	buf_done(&read.scratch);
	return rc;
}

/* The smallest key wins, so that the order of records does not matter. */
static int take_link(void *context, const struct clean_record_view *record, struct err *err)
{
	struct origin *origin = context;

	(void)err;
	if (!slice_equal(record->session, origin->parent) || !slice_equal(record->link, origin->child))
		return 0;
	if (origin->key.len && slice_compare(origin->key, record->key) <= 0)
		return 0;
	origin->message = pool_copy(origin->pool, record->message);
	origin->key = pool_copy(origin->pool, record->key);
	return 0;
}

static int scan_parts(struct origin *origin, const struct view *parent, const struct assemble_store *store, struct slice source, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; (rc == 0 || rc == LF_ENOENT) && i < parent->message_count; i++)
		rc = store->each_part(store->context, source, origin->parent, parent->messages[i].id, take_link, origin, err);
	return rc == LF_ENOENT ? 0 : rc;
}

static void find_turn(struct origin *origin, const struct view *parent, int64_t created_ms)
{
	const struct view_message *message = origin->key.len ? view_find_message(parent, origin->message) : NULL;
	ptrdiff_t at;

	if (message) {
		origin->turn = pool_copy(origin->pool, message->turn);
		return;
	}
	origin->key = SLICE_NONE; /* a call in a message that is left out */
	at = view_turn_at(parent, created_ms);
	if (at >= 0)
		origin->turn = pool_copy(origin->pool, parent->turns[at].id);
}

/*
 * The tool call in the parent that started the child. The store knows one call of each child; when a
 * fork of the parent took that place, the parent's own parts are searched.
 */
static int find_origin(struct origin *origin, const struct assemble_store *store, struct slice source, int64_t created_ms, struct err *err)
{
	struct view parent;
	bool linked;
	int rc = store->find_link(store->context, source, origin->child, take_link, origin, err);

	if (rc != 0 && rc != LF_ENOENT)
		return rc;
	linked = rc == 0;
	view_init(&parent);
	rc = view_load(&parent, store, source, origin->parent, err);
	if (rc == 0 && linked && !view_find_message(&parent, origin->message)) {
		origin->message = origin->key = SLICE_NONE;
		rc = scan_parts(origin, &parent, store, source, err);
	}
	if (rc == 0)
		find_turn(origin, &parent, created_ms);
	view_done(&parent);
	return rc;
}

static void parent_span(const struct origin *origin, struct slice source, uint8_t ret[8])
{
	if (origin->key.len)
		assemble_span_id(source, "tool", origin->parent, origin->message, origin->key, ret);
	else if (origin->turn.len)
		assemble_span_id(source, "turn", origin->parent, origin->turn, SLICE_NONE, ret);
}

static int take_parent(void *context, const struct clean_record_view *record, struct err *err)
{
	struct origin *origin = context;

	(void)err;
	origin->parent = pool_copy(origin->pool, record->session);
	return 0;
}

/* A session that was called hangs under the session whose call has the link, which need not be the one that it names. */
static int find_caller(struct place *place, const struct assemble_store *store, struct slice source, struct view_session *called, bool *ret_found, struct err *err)
{
	struct origin origin = { .pool = &place->pool };
	int rc = store->find_link(store->context, source, called->id, take_parent, &origin, err);

	*ret_found = rc == 0 && origin.parent.len > 0;
	if (*ret_found)
		called->parent = origin.parent;
	return rc == LF_ENOENT ? 0 : rc;
}

/* Climbs to the root; chain[] gets the sessions from this one up, and their count is returned. */
static int climb(struct place *place, const struct assemble_store *store, struct slice source, const struct view_session *self,
                 struct view_session *chain, int *ret_count, struct err *err)
{
	int count = 1, rc;
	bool seen = false, found;

	chain[0] = *self;
	while (count < MAX_DEPTH && chain[count - 1].parent.len) {
		struct view_session next;
		if (chain[count - 1].called) {
			rc = find_caller(place, store, source, &chain[count - 1], &found, err);
			if (rc != 0)
				return rc;
			place->waiting = place->waiting || !found;
		}
		next = (struct view_session){ .id = chain[count - 1].parent };
		for (int i = 0; i < count; i++)
			seen = seen || slice_equal(chain[i].id, next.id);
		if (seen)
			break;
		rc = load_session(&place->pool, store, source, next.id, &next, err);
		if (rc != 0 && rc != LF_ENOENT)
			return rc;
		chain[count++] = next;
	}
	*ret_count = count;
	return 0;
}

static int resolve(struct place *place, const struct assemble_store *store, struct slice source, const struct view_session *child,
                   const struct view_session *parent, struct origin *ret, struct err *err)
{
	*ret = (struct origin){ .pool = &place->pool, .parent = parent->id, .child = child->id };
	return find_origin(ret, store, source, child->created_ms, err);
}

int place_find(struct place *place, const struct assemble_store *store, struct slice source, const struct view_session *self, struct err *err)
{
	struct view_session chain[MAX_DEPTH];
	struct origin origin = { 0 };
	int count = 0, rc = climb(place, store, source, self, chain, &count, err);

	if (rc != 0)
		return rc;
	place->root = pool_copy(&place->pool, chain[count - 1].id);
	place->root_title = pool_copy(&place->pool, chain[count - 1].title);
	if (count > 1) {
		rc = resolve(place, store, source, &chain[0], &chain[1], &origin, err);
		parent_span(&origin, source, place->parent_span);
	}
	if (rc == 0 && count > 2)
		rc = resolve(place, store, source, &chain[count - 2], &chain[count - 1], &origin, err);
	place->root_turn = origin.turn;
	if (rc == 0 && place->pool.failed)
		rc = err_set(err, LF_ENOMEM, "no memory for a session's ancestors");
	return rc;
}
