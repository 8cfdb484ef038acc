/* The script; see script.h. */
#include "script.h"
#include "base/hash.h"
#include "base/mem.h"
#include "event/clean_record_make.h"
#include "fault_vfs.h"
#include "source.h"
#include "spool_internal.h"
#include <stdio.h>
#include <stdlib.h>

#define START_MS INT64_C(1795233553671)
#define HOUR_MS INT64_C(3600000)
#define STEP_MS (5 * HOUR_MS)
#define BATCH 4 /* spans in a request */

/* ---- the world ---- */

void world_init(struct world *world, const char *dir)
{
	*world = (struct world){ .page_limit = 24 };
	snprintf(world->dir, sizeof world->dir, "%s", dir);
}

void world_done(struct world *world)
{
	world_close(world);
	free(world->marks);
	buf_done(&world->before_cap);
}

static struct mark *add_mark(struct world *world)
{
	if (world->marks_count == world->marks_cap) {
		world->marks_cap = world->marks_cap ? world->marks_cap * 2 : 64;
		world->marks = xrealloc(world->marks, world->marks_cap * sizeof *world->marks);
	}
	world->marks[world->marks_count] = (struct mark){ .at = fault_position() };
	return &world->marks[world->marks_count++];
}

static int acknowledge(struct world *world, int rc)
{
	if (rc == 0)
		add_mark(world)->acknowledged = true;
	return rc;
}

static int commit(struct world *world, int rc, struct err *err)
{
	if (rc == 0)
		return acknowledge(world, spool_commit(world->spool, err));
	spool_rollback(world->spool);
	return rc;
}

/* ---- ingesting ---- */

static int append(struct world *world, int entry, struct err *err)
{
	struct clean_record_view view;
	struct clean_record *record;
	enum spool_appended how = SPOOL_UNCHANGED;
	int rc;

	source_entry(entry, &view);
	record = clean_record_new(&view);
	rc = spool_append(world->spool, record, &how, err);
	if (rc == 0)
		rc = spool_count(world->spool, "records", how == SPOOL_STORED ? "stored" : "unchanged", 1, err);
	clean_record_free(record);
	return rc;
}

/* Input that is no record: a dead letter, in the transaction of the cursor. */
static int refuse_input(struct world *world, struct err *err)
{
	struct spool_dead dead = { .reason = "input", .detail = SLICE("no JSON"), .body = SLICE("{}") };
	int rc = spool_dead_put(world->spool, &dead, err);

	return rc != 0 ? rc : spool_count(world->spool, "records", "refused", 1, err);
}

static int read_cursor(struct world *world, int *ret, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, 64);
	rc = spool_cursor_get(world->spool, SLICE("opencode"), SLICE("db"), &text, err);
	*ret = rc == 0 ? atoi(text.data) : 0;
	buf_done(&text);
	return rc == LF_ENOENT ? 0 : rc;
}

/* Small ones behind small ones, behind a plain one, and behind a late one, which nobody acknowledges. */
static int begin_group(struct world *world, int from, struct err *err)
{
	if (from % 10 == 4)
		return spool_begin_late(world->spool, err);
	return from % 4 == 3 ? spool_begin(world->spool, err) : spool_begin_small(world->spool, err);
}

static int ingest_group(struct world *world, int from, int to, struct err *err)
{
	char text[16];
	int rc = begin_group(world, from, err);

	if (rc != 0)
		return rc;
	for (int i = from; rc == 0 && i < to; i++)
		rc = source_is_bad(i) ? refuse_input(world, err) : append(world, i, err);
	snprintf(text, sizeof text, "%d", to);
	if (rc == 0)
		rc = spool_cursor_set(world->spool, SLICE("opencode"), SLICE("db"), slice_of(text), err);
	if (rc == 0 && from % 10 == 4)
		return spool_commit(world->spool, err);
	rc = commit(world, rc, err);
	if (rc == 0)
		world->safe_cursor = to;
	return rc == 0 && from % 3 != 1 ? spool_fold(world->spool, err) : rc;
}

/* Up to the entry with this number, in groups of four. */
static int do_ingest(struct world *world, int end, struct err *err)
{
	int at, rc = read_cursor(world, &at, err);

	while (rc == 0 && at < end) {
		int to = at + 4 < end ? at + 4 : end;
		rc = ingest_group(world, at, to, err);
		at = to;
	}
	return rc;
}

/* ---- assembling: an observation of each message and part that is final ---- */

struct assembling {
	struct world *world;
	char session[32], message[32];
};

static int put_one(void *context, const struct clean_record_view *view, struct err *err)
{
	struct assembling *assembling = context;
	struct spool_observation o = { .trace_id = { 1 }, .source = view->source, .session = view->session, .turn = view->message, .start_ms = view->time_ms };
	char body[96];
	int entry;

	if (view->kind == RECORD_SESSION || view->level != RECORD_FINAL)
		return 0;
	entry = source_find(view->key, view->level);
	o.span_id[0] = 9;
	o.span_id[7] = (uint8_t)entry;
	snprintf(body, sizeof body, "{\"entry\":%d,\"hash\":\"%016llx\"}", entry, (unsigned long long)hash_64(view->body.ptr, view->body.len));
	o.body = slice_of(body);
	return spool_observations_put(assembling->world->spool, &o, err);
}

static int note_session(void *context, struct slice source, struct slice id, struct err *err)
{
	struct assembling *assembling = context;

	(void)source, (void)err;
	snprintf(assembling->session, sizeof assembling->session, "%.*s", (int)id.len, id.ptr);
	snprintf(assembling->message, sizeof assembling->message, "%.*s/m", (int)id.len, id.ptr);
	return 0;
}

static int assemble_session(struct assembling *assembling, struct err *err)
{
	struct spool *spool = assembling->world->spool;
	struct slice source = SLICE("opencode"), session = slice_of(assembling->session);
	int rc = spool_begin_derived(spool, err);

	if (rc != 0)
		return rc;
	rc = spool_observations_begin(spool, source, session, err);
	if (rc == 0)
		rc = spool_each_head(spool, source, session, put_one, assembling, err);
	if (rc == 0)
		rc = spool_each_part(spool, source, session, slice_of(assembling->message), put_one, assembling, err);
	if (rc == 0)
		rc = spool_observations_end(spool, err);
	if (rc == 0)
		rc = spool_mark_clean(spool, source, session, err);
	if (rc == 0)
		return spool_commit(spool, err); /* nothing is acknowledged */
	spool_rollback(spool);
	return rc;
}

static int do_assemble(struct world *world, int unused, struct err *err)
{
	struct assembling assembling = { .world = world };
	int rc = 0;

	(void)unused;
	while (rc == 0) {
		assembling.session[0] = '\0';
		rc = spool_each_dirty(world->spool, 1, note_session, &assembling, err);
		if (rc == 0 && !assembling.session[0])
			return 0;
		if (rc == 0)
			rc = assemble_session(&assembling, err);
	}
	return rc;
}

/* ---- shipping ---- */

struct batch {
	int64_t id, rows[BATCH];
	int entries[BATCH];
	unsigned count;
};

static int take_row(void *context, const struct spool_observation *o, struct err *err)
{
	struct batch *batch = context;

	(void)err;
	batch->rows[batch->count] = o->rowid;
	batch->entries[batch->count++] = o->span_id[7];
	return 0;
}

/* The server takes what it does not refuse. True when its answer arrives. */
static bool post(struct world *world, const struct batch *batch, int from_entry)
{
	struct mark *mark = add_mark(world);
	bool answered = true;

	for (unsigned i = 0; i < batch->count; i++) {
		int entry = batch->entries[i];
		if (source_is_refused(entry) && from_entry < SOURCE_SERVER_MENDED)
			continue;
		answered = answered && !(source_answer_is_lost(entry) && world->received[entry] == 0);
		world->received[entry]++;
		mark->taken[entry] = true;
	}
	return answered;
}

static enum settle verdict(struct world *world, int entry, bool answered)
{
	if (!answered)
		return SETTLE_IN_DOUBT;
	return world->received[entry] > 0 ? SETTLE_DELIVERED : SETTLE_DEAD;
}

static int settle_batch(struct world *world, const struct batch *batch, bool answered, struct err *err)
{
	int rc = spool_begin(world->spool, err);

	if (rc != 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < batch->count; i++) {
		enum settle how = verdict(world, batch->entries[i], answered);
		if (how != SETTLE_DELIVERED) /* those that arrived follow at one go */
			rc = spool_settle(world->spool, batch->id, batch->rows[i], how, "rejected: 400 bad", err);
		if (rc == 0 && how == SETTLE_DELIVERED)
			rc = spool_count(world->spool, "spans", "delivered", 1, err);
	}
	if (rc == 0 && answered)
		rc = spool_send_arrived(world->spool, batch->id, err);
	if (rc == 0)
		rc = spool_send_end(world->spool, batch->id, err);
	return commit(world, rc, err);
}

static int see_doubt(void *context, const struct spool_send *send, struct err *err)
{
	struct world *world = context;
	int rc = spool_begin(world->spool, err);

	for (unsigned i = 0; rc == 0 && i < send->count; i++) {
		struct batch one = { .count = 0 };
		rc = spool_get_observation(world->spool, send->rows[i], take_row, &one, err);
		if (rc != 0)
			break;
		if (world->received[one.entries[0]] > 0) {
			rc = spool_settle(world->spool, send->id, send->rows[i], SETTLE_DELIVERED, NULL, err);
			if (rc == 0)
				rc = spool_count(world->spool, "spans", "delivered", 1, err);
		} else {
			rc = spool_settle(world->spool, send->id, send->rows[i], SETTLE_RETRY, NULL, err);
		}
	}
	if (rc == 0)
		rc = spool_send_end(world->spool, send->id, err);
	return commit(world, rc, err);
}

static int do_ship(struct world *world, int phase, struct err *err)
{
	int rc = spool_each_send(world->spool, see_doubt, world, err);

	while (rc == 0) {
		struct batch batch = { .count = 0 };
		rc = spool_each_pending(world->spool, BATCH, 65536, false, take_row, &batch, err);
		if (rc != 0 || batch.count == 0)
			break;
		rc = acknowledge(world, spool_send_put(world->spool, batch.rows, batch.count, 1000, &batch.id, err));
		if (rc == 0)
			rc = settle_batch(world, &batch, post(world, &batch, phase), err);
		if (rc == 0)
			rc = spool_each_send(world->spool, see_doubt, world, err);
	}
	return rc;
}

/* ---- the rest ---- */

static int64_t step_time(int step)
{
	return START_MS + step * STEP_MS;
}

static int read_step(struct world *world, int *ret, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, 64);
	rc = spool_meta_get(world->spool, "step", &text, err);
	*ret = rc == 0 ? atoi(text.data) : 0;
	buf_done(&text);
	return rc == LF_ENOENT ? 0 : rc;
}

static int do_cleanup(struct world *world, int step, struct err *err)
{
	return acknowledge(world, spool_cleanup(world->spool, step_time(step), err));
}

/* What the cap dropped so far hangs on the last page; now all goes that can. */
static int do_drop(struct world *world, int step, struct err *err)
{
	world->spool->max_bytes = SOURCE_CAP / 4;
	world->spool->floor_bytes = 0;
	return do_cleanup(world, step, err);
}

/* All of one session, counted with it. */
static int do_purge(struct world *world, int unused, struct err *err)
{
	struct spool_purge purge = { .session = SLICE("s0") };
	struct spool_purged purged;
	int rc = spool_begin(world->spool, err);

	(void)unused;
	if (rc != 0)
		return rc;
	rc = spool_purge(world->spool, &purge, &purged, err);
	if (rc == 0)
		rc = spool_count(world->spool, "records", "purged", (int64_t)purged.records, err);
	rc = commit(world, rc, err);
	return rc != 0 ? rc : spool_shrink(world->spool, err);
}

static int do_retry(struct world *world, int unused, struct err *err)
{
	uint64_t count;

	(void)unused;
	return acknowledge(world, spool_dead_retry(world->spool, 0, &count, err));
}

static int do_forget(struct world *world, int unused, struct err *err)
{
	(void)unused;
	return acknowledge(world, spool_forget_derived(world->spool, err));
}

static int do_reopen(struct world *world, int unused, struct err *err)
{
	(void)unused;
	world_close(world);
	return world_open(world, err);
}

static int do_check(struct world *world, int unused, struct err *err)
{
	(void)unused;
	return spool_check(world->spool, err);
}

/* Every step can be done again when it was not finished, and changes nothing then. */
static const struct {
	int (*run)(struct world *world, int argument, struct err *err);
	int argument;
} steps[] = {
	{ do_ingest, 7 }, { do_assemble, 0 }, { do_ship, 0 }, { do_cleanup, 3 }, { do_ingest, 14 }, { do_reopen, 0 }, { do_ingest, 24 }, { do_cleanup, 7 },
	{ do_assemble, 0 }, { do_ship, 0 }, { do_cleanup, 10 }, { do_purge, 0 }, { do_ingest, 36 }, { do_cleanup, 13 }, { do_assemble, 0 },
	{ do_retry, 0 }, { do_ship, SOURCE_SERVER_MENDED }, { do_cleanup, 17 }, { do_forget, 0 }, { do_assemble, 0 }, { do_ship, SOURCE_SERVER_MENDED },
	/* From here on with a cap that the rest does not fit in. */
	{ do_reopen, 0 }, { do_ingest, 42 }, { do_assemble, 0 }, { do_ship, SOURCE_SERVER_MENDED }, { do_cleanup, 20 },
	{ do_ingest, 48 }, { do_assemble, 0 }, { do_ship, SOURCE_SERVER_MENDED }, { do_ingest, 54 }, { do_assemble, 0 }, { do_ship, SOURCE_SERVER_MENDED },
	{ do_ingest, ENTRIES }, { do_cleanup, 24 }, { do_assemble, 0 }, { do_ship, SOURCE_SERVER_MENDED }, { do_drop, 37 }, { do_reopen, 0 }, { do_check, 0 },
};
#define STEPS (int)(sizeof steps / sizeof steps[0])
#define CAP_STEP 21

static int set_step(struct world *world, int step, struct err *err)
{
	char text[16];
	int rc;

	snprintf(text, sizeof text, "%d", step);
	rc = acknowledge(world, spool_meta_set(world->spool, "step", slice_of(text), err));
	if (rc == 0)
		world->safe_step = step;
	return rc;
}

int world_open(struct world *world, struct err *err)
{
	struct spool_options options = { .dir = world->dir, .retention_ms = 60 * HOUR_MS };
	int step, rc = spool_open(&options, &world->spool, err);

	if (rc != 0)
		world->spool = NULL;
	if (rc == 0)
		rc = read_step(world, &step, err);
	if (rc != 0)
		return rc;
	if (step >= CAP_STEP)
		world->spool->max_bytes = SOURCE_CAP;
	world->spool->log_pages = world->page_limit;
	world->spool->intake.used = true; /* made when it is needed */
	world->spool->intake.rows = 2;
	spool_use_threads(world->spool, true);
	return 0;
}

void world_close(struct world *world)
{
	spool_close(world->spool);
	world->spool = NULL;
}

int world_run(struct world *world, struct err *err)
{
	int step = 0, rc;

	fault_clock(START_MS);
	rc = world_open(world, err);
	world->opened_at = fault_position();
	if (rc == 0)
		rc = read_step(world, &step, err);
	if (rc == 0)
		rc = spool_each_send(world->spool, see_doubt, world, err);
	for (; rc == 0 && step < STEPS; step++) {
		if (step == CAP_STEP) {
			buf_clear(&world->before_cap);
			rc = state_text(world, &world->before_cap, err);
		}
		if (rc != 0)
			break;
		fault_clock(step_time(step));
		world->spool->log_pages = world->page_limit; /* a cleanup sets it back */
		rc = steps[step].run(world, steps[step].argument, err);
		if (rc == 0)
			rc = set_step(world, step + 1, err);
	}
	world_close(world);
	return rc;
}
