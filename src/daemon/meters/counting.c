/* Between the spool and what a record counts; see counting.h. Runs on the thread that has the spool. */
#include "daemon/meters/counting.h"
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/meters/series.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int counting_open(struct spool *spool, struct err *err)
{
	struct buf value;
	char text[24];
	int rc;

	buf_init(&value, 64);
	rc = spool_meta_get(spool, COUNTING_START, &value, err);
	buf_done(&value);
	if (rc != LF_ENOENT)
		return rc;
	snprintf(text, sizeof text, "%" PRId64, clock_wall_ms());
	return spool_meta_set(spool, COUNTING_START, slice_of(text), err);
}

struct mover {
	struct spool *spool;
	const struct count_options *options; /* NULL: nothing of an agent's */
	const char *label;                   /* admitted as it is, with this fact: a histogram moves several counters; NULL: none */
	char fact[64];
	size_t fact_len;
};

static int admit(struct mover *mover, const char *name, const char *label, char room[SERIES_LABEL_BYTES], const char **ret, struct err *err)
{
	struct slice fact = { name, strcspn(name, "/") };
	int rc;

	*ret = label;
	if (mover->label == label && slice_equal(fact, (struct slice){ mover->fact, mover->fact_len }))
		return 0;
	rc = series_admit(mover->spool, mover->options->max_series, fact, label, room, ret, err);
	mover->label = NULL;
	if (rc == 0 && *ret == label && fact.len <= sizeof mover->fact) {
		memcpy(mover->fact, fact.ptr, fact.len);
		mover->fact_len = fact.len;
		mover->label = label;
	}
	return rc;
}

static int move(void *context, const char *name, const char *label, int64_t add, struct err *err)
{
	struct mover *mover = context;
	char room[SERIES_LABEL_BYTES];
	const char *under = label;
	int rc = mover->options ? admit(mover, name, label, room, &under, err) : 0;

	return rc != 0 ? rc : spool_count(mover->spool, name, under, add, err);
}

static int move_all(struct spool *spool, const struct count_options *options, const struct count_amounts *old, const struct count_amounts *now,
                    struct err *err)
{
	struct mover mover = { .spool = spool, .options = options };

	return count_moves(old, now, move, &mover, err);
}

#define SESSION_BODY_BYTES 4096 /* a larger one is read each time */

void counting_memory_init(struct counting_memory *memory)
{
	*memory = (struct counting_memory){ 0 };
	count_room_init(&memory->room);
	buf_init(&memory->session_body, SESSION_BODY_BYTES);
}

void counting_memory_done(struct counting_memory *memory)
{
	count_room_done(&memory->room);
	buf_done(&memory->session_body);
}

struct before { /* what stands in the spool before a record is stored */
	const struct count_options *options;
	struct counting_memory *memory;
	struct count_session session;
	bool session_known;
	struct count_amounts amounts;
};

/* Most records are of the session that the one before them is of. */
static int see_session(void *context, const struct clean_record_view *view, struct err *err)
{
	struct before *before = context;
	struct counting_memory *memory = before->memory;

	(void)err;
	if (memory->session_body.len == 0 || !slice_equal(view->body, buf_view(&memory->session_body))) {
		count_session_read(&memory->room, view->body, &memory->session);
		buf_clear(&memory->session_body);
		(void)buf_slice(&memory->session_body, view->body);
	}
	before->session = memory->session;
	return 0;
}

static int see_earlier(void *context, const struct clean_record_view *view, struct err *err)
{
	struct before *before = context;

	(void)err;
	if (count_can(view))
		count_record(&before->memory->room, view, &before->session, before->options, &before->amounts);
	return 0;
}

static int see_asked(void *context, const struct clean_record_view *view, struct err *err)
{
	struct before *before = context;

	(void)err;
	count_asked_read(&before->memory->room, view->body, &before->session);
	return 0;
}

static int look_for_asked(struct spool *spool, const struct clean_record_view *view, struct before *before, struct err *err)
{
	char key[256];
	int rc = count_asked(view, key, sizeof key) ? spool_find_head(spool, view->source, slice_of(key), see_asked, before, err) : 0;

	return rc == LF_ENOENT ? 0 : rc;
}

static int look(struct spool *spool, const struct clean_record_view *view, struct before *before, struct err *err)
{
	int rc = spool_find_session(spool, view->source, view->session, see_session, before, err);

	before->session_known = rc == 0;
	if (rc != 0 && rc != LF_ENOENT)
		return rc;
	return look_for_asked(spool, view, before, err);
}

/* Amounts of something that no revision is known of: only if it was never counted. */
static int count_first(struct spool *spool, const struct count_options *options, struct slice source, struct slice key,
                       const struct count_amounts *amounts, struct err *err)
{
	bool known;
	int rc = spool_counted_get(spool, source, key, &known, err);

	if (rc != 0 || known)
		return rc;
	rc = move_all(spool, options, NULL, amounts, err);
	return rc != 0 ? rc : spool_counted_set(spool, source, key, err);
}

static void add_amount(struct buf *state, unsigned slot, int64_t value)
{
	buf_char(state, '|');
	buf_int(state, (int64_t)slot);
	buf_char(state, '=');
	buf_int(state, value);
}

/*
 * What can grow counts a state at a time: the amounts that a revision has. Read again after its records were purged, a
 * session goes through the same states.
 */
static int count_state(struct spool *spool, const struct count_options *options, const struct clean_record_view *view,
                       const struct count_amounts *old, const struct count_amounts *now, struct err *err)
{
	struct buf state;
	bool known = false;
	int rc;

	buf_init(&state, 0);
	buf_slice(&state, view->key);
	for (unsigned i = 0; i < COUNT_SLOTS; i++)
		if (now->slots[i].present)
			add_amount(&state, i, now->slots[i].value);
	rc = spool_counted_get(spool, view->source, buf_view(&state), &known, err);
	if (rc == 0 && !known && old)
		rc = move_all(spool, options, old, now, err);
	if (rc == 0 && !known)
		rc = spool_counted_set(spool, view->source, buf_view(&state), err);
	buf_done(&state);
	return rc;
}

static int count_bare(struct spool *spool, const struct before *before, const struct clean_record_view *view, struct err *err)
{
	struct count_amounts amounts;

	count_bare_session(view, before->options, &amounts);
	return count_first(spool, before->options, view->source, view->session, &amounts, err);
}

static int count_stored(struct spool *spool, struct before *before, const struct clean_record_view *view, struct err *err)
{
	struct count_amounts now;
	int rc = 0;

	count_record(&before->memory->room, view, &before->session, before->options, &now);
	if (!before->amounts.any && now.any)
		rc = count_first(spool, before->options, view->source, view->key, &now, err);
	if (rc == 0 && now.any && (before->amounts.any || now.grows))
		rc = count_state(spool, before->options, view, before->amounts.any ? &before->amounts : NULL, &now, err);
	if (rc == 0 && now.any && !before->session_known && view->kind != RECORD_SESSION)
		rc = count_bare(spool, before, view, err);
	return rc;
}

int counting_append(struct spool *spool, const struct count_options *options, const struct clean_record *record,
                    struct counting_memory *memory, enum spool_appended *ret, struct err *err)
{
	const struct clean_record_view *view = clean_record_view(record);
	struct before before;
	int rc;

	if (!count_can(view))
		return spool_append(spool, record, ret, err);
	before.options = options;
	before.memory = memory;
	before.session = (struct count_session){ 0 };
	count_amounts_init(&before.amounts);
	rc = look(spool, view, &before, err);
	if (rc == 0)
		rc = spool_append_over(spool, record, see_earlier, &before, ret, err);
	if (rc == 0 && *ret == SPOOL_STORED)
		rc = count_stored(spool, &before, view, err);
	return rc;
}

int counting_add(struct spool *spool, enum fact_id fact, int64_t value, struct err *err)
{
	struct mover mover = { .spool = spool };

	return count_observe(&facts[fact], value, "{}", move, &mover, err);
}

int counting_observe(struct spool *spool, enum fact_id fact, int64_t value, struct err *err)
{
	int rc = spool_begin(spool, err);

	if (rc != 0)
		return rc;
	rc = counting_add(spool, fact, value, err);
	if (rc == 0)
		rc = spool_commit(spool, err);
	if (rc != 0)
		spool_rollback(spool);
	return rc;
}

/* ---- turns ---- */

struct counting_turn {
	char *id;
	bool finished;
	struct count_turn amounts;
};

static struct counting_turn *turn_of(struct counting_turns *turns, struct slice id)
{
	struct counting_turn *turn;

	for (size_t i = turns->count; i-- > 0;)
		if (slice_is(id, turns->items[i].id))
			return &turns->items[i];
	if (turns->count == turns->cap) {
		turns->cap = turns->cap ? turns->cap * 2 : 16;
		turns->items = xrealloc(turns->items, turns->cap * sizeof *turns->items);
	}
	turn = &turns->items[turns->count++];
	*turn = (struct counting_turn){ .id = xmemdup0(id.ptr, id.len) };
	return turn;
}

static int64_t known(int64_t tokens)
{
	return tokens > 0 ? tokens : 0;
}

void counting_turns_add(struct counting_turns *turns, const struct observation *observation, struct slice id)
{
	struct counting_turn *turn;

	if (id.len == 0 || (observation->type != OBS_GENERATION && observation->type != OBS_AGENT))
		return;
	turn = turn_of(turns, id);
	if (observation->type == OBS_GENERATION) {
		const struct observation_usage *u = &observation->usage;
		turn->amounts.tokens += known(u->input) + known(u->output) + known(u->reasoning) + known(u->cache_read) + known(u->cache_write);
		turn->amounts.cost_pico += fact_pico(observation->cost);
	} else if (slice_is(observation->name, "turn")) {
		turn->finished = true;
		turn->amounts.duration_ms = observation->end_ms - observation->start_ms;
	}
}

static int count_one_turn(struct spool *spool, const struct count_options *options, const struct counting_turn *turn, struct err *err)
{
	struct count_amounts amounts;
	struct buf key;
	int rc;

	count_turn(&turn->amounts, options, &amounts);
	buf_init(&key, 0);
	buf_text(&key, "turn:");
	buf_slice(&key, turn->amounts.session);
	buf_char(&key, ':');
	buf_text(&key, turn->id);
	rc = count_first(spool, options, turn->amounts.source, buf_view(&key), &amounts, err);
	buf_done(&key);
	return rc;
}

static int see_turns_session(void *context, const struct clean_record_view *view, struct err *err)
{
	struct count_room room;

	(void)err;
	count_room_init(&room);
	count_session_read(&room, view->body, context);
	count_room_done(&room);
	return 0;
}

int counting_turns_end(struct counting_turns *turns, struct spool *spool, const struct count_options *options, struct slice source,
                       struct slice session, struct err *err)
{
	struct count_session known = { 0 };
	int rc = options->project_label && turns->count > 0 ? spool_find_session(spool, source, session, see_turns_session, &known, err) : 0;

	rc = rc == LF_ENOENT ? 0 : rc;
	for (size_t i = 0; rc == 0 && i < turns->count; i++) {
		turns->items[i].amounts.project = known.project;
		turns->items[i].amounts.source = source;
		turns->items[i].amounts.session = session;
		if (turns->items[i].finished)
			rc = count_one_turn(spool, options, &turns->items[i], err);
	}
	counting_turns_done(turns);
	return rc;
}

void counting_turns_done(struct counting_turns *turns)
{
	for (size_t i = 0; i < turns->count; i++)
		free(turns->items[i].id);
	free(turns->items);
	*turns = (struct counting_turns){ 0 };
}
