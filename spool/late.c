/*
 * What a transaction writes at its end: counters, which many records of it move, and the mark of the session that its
 * records are of. Until then they are held here; a statement that could see them makes them be written first. A rollback
 * forgets them.
 */
#include "spool_internal.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>

#define MAX_COUNTERS 4096
#define FIRST_SLOTS 256
#define MARK_MS 1000 /* how old stored_ms may be of a session that is dirty */

/* A counter that was asked for or moved. The one writer knows what stands in the file. */
struct late_counter {
	uint64_t hash;
	char *name, *label; /* NULL: a free slot */
	int64_t value, add; /* in the file, when known; and not yet in it */
	bool known;
};

static struct late_counter *find(struct late *late, uint64_t hash, const char *name, const char *label)
{
	size_t at = hash & (late->slots - 1);

	while (late->counters[at].name && (late->counters[at].hash != hash || strcmp(late->counters[at].name, name) != 0 ||
	                                   strcmp(late->counters[at].label, label) != 0))
		at = (at + 1) & (late->slots - 1);
	return &late->counters[at];
}

static void grow(struct late *late)
{
	struct late_counter *old = late->counters;
	size_t slots = late->slots;

	late->slots = slots ? 2 * slots : FIRST_SLOTS;
	late->counters = xcalloc(late->slots, sizeof *late->counters);
	for (size_t i = 0; i < slots; i++)
		if (old[i].name)
			*find(late, old[i].hash, old[i].name, old[i].label) = old[i];
	free(old);
}

static struct late_counter *counter_of(struct late *late, const char *name, const char *label)
{
	uint64_t hash = hash_64(name, strlen(name)) * 31 + hash_64(label, strlen(label));
	struct late_counter *counter;

	if (2 * late->count >= late->slots)
		grow(late);
	counter = find(late, hash, name, label);
	if (!counter->name) {
		*counter = (struct late_counter){ .hash = hash, .name = xstrdup(name), .label = xstrdup(label) };
		late->count++;
	}
	return counter;
}

static void forget_counters(struct late *late)
{
	for (size_t i = 0; i < late->slots; i++) {
		free(late->counters[i].name);
		free(late->counters[i].label);
	}
	free(late->counters);
	late->counters = NULL;
	late->count = late->slots = 0;
}

static int write_counters(struct spool *spool, struct err *err)
{
	struct late *late = &spool->late;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < late->slots; i++) {
		struct late_counter *counter = &late->counters[i];

		if (!counter->name || counter->add == 0)
			continue;
		rc = sql_run(spool, SQL_COUNTER_ADD, err, "ssi", slice_of(counter->name), slice_of(counter->label), counter->add);
		counter->value += counter->add;
		counter->add = 0;
	}
	return rc;
}

int late_count(struct spool *spool, const char *name, const char *label, int64_t add, struct err *err)
{
	int rc = 0;

	if (spool->late.count >= MAX_COUNTERS) {
		rc = write_counters(spool, err);
		forget_counters(&spool->late);
	}
	if (rc == 0)
		counter_of(&spool->late, name, label)->add += add;
	return rc;
}

int late_counter_get(struct spool *spool, const char *name, const char *label, int64_t *ret, struct err *err)
{
	struct late_counter *counter = counter_of(&spool->late, name, label);
	int rc = 0;

	if (!counter->known) {
		counter->value = 0;
		rc = sql_int(spool, SQL_COUNTER_GET, &counter->value, err, "ss", slice_of(name), slice_of(label));
		counter->known = rc == 0 || rc == LF_ENOENT;
	}
	*ret = counter->value + counter->add;
	return rc;
}

/* ---- what was counted ---- */

static int write_counted(struct spool *spool, struct err *err)
{
	const struct late_counted *c = spool->late.counted;
	unsigned n = spool->late.counted_count;
	int rc = 0;

	for (; rc == 0 && n >= 8; n -= 8, c += 8)
		rc = sql_run(spool, SQL_COUNTED_PUT_8, err, "iiiiiiiiiiiiiiii", c[0].place, c[0].hash, c[1].place, c[1].hash, c[2].place, c[2].hash, c[3].place, c[3].hash,
		             c[4].place, c[4].hash, c[5].place, c[5].hash, c[6].place, c[6].hash, c[7].place, c[7].hash);
	for (; rc == 0 && n > 0; n--, c++)
		rc = sql_run(spool, SQL_COUNTED_PUT, err, "ii", c->place, c->hash);
	if (rc == 0)
		spool->late.counted_count = 0;
	return rc;
}

int late_counted_set(struct spool *spool, struct late_counted counted, struct err *err)
{
	struct late *late = &spool->late;
	int rc = late->counted_count == LATE_COUNTED ? write_counted(spool, err) : 0;

	if (rc == 0)
		late->counted[late->counted_count++] = counted;
	return rc;
}

int late_counted_get(struct spool *spool, struct late_counted counted, bool *ret, struct err *err)
{
	int64_t found;
	int rc;

	*ret = true;
	for (unsigned i = 0; i < spool->late.counted_count; i++)
		if (spool->late.counted[i].hash == counted.hash)
			return 0;
	rc = sql_int(spool, SQL_COUNTED_GET, &found, err, "iii", counted.place, counted.hash, (int64_t)spool->unplaced);
	*ret = rc == 0;
	return rc == LF_ENOENT ? 0 : rc;
}

/* ---- the session ---- */

static int write_session(struct spool *spool, struct err *err)
{
	struct late *late = &spool->late;
	int rc;

	if (!late->touched)
		return 0;
	late->touched = false;
	if (late->marked && late->stored_ms >= late->marked_ms && late->stored_ms - late->marked_ms < MARK_MS)
		return 0;
	rc = sql_run(spool, SQL_SESSION_TOUCH, err, "ssiii", buf_view(&late->source), buf_view(&late->session), late->tick, late->last_ms,
	             late->stored_ms);
	late->marked = rc == 0;
	late->marked_ms = late->stored_ms;
	return rc;
}

int late_touch(struct spool *spool, const struct clean_record_view *view, struct err *err)
{
	struct late *late = &spool->late;
	bool same = slice_equal(buf_view(&late->session), view->session) && slice_equal(buf_view(&late->source), view->source);
	int rc = same ? 0 : write_session(spool, err);

	if (!same) {
		buf_clear(&late->source);
		buf_clear(&late->session);
		buf_slice(&late->source, view->source);
		buf_slice(&late->session, view->session);
		late->last_ms = view->time_ms;
		late->marked = false;
	}
	if (!late->touched)
		late->tick = session_next_tick(spool);
	late->touched = true;
	late->last_ms = view->time_ms > late->last_ms ? view->time_ms : late->last_ms;
	late->stored_ms = spool->intake.stored_ms ? spool->intake.stored_ms : clock_wall_ms();
	return rc;
}

/* ---- when ---- */

static int write_all(struct spool *spool, struct err *err)
{
	int rc = fresh_write(spool, err);

	session_forget(spool);
	return rc != 0 ? rc : write_session(spool, err);
}

int late_before(struct spool *spool, enum sql_id id, struct err *err)
{
	/* What a record that is appended needs, and sees nothing of what is late: who asks for a head looks among the
	 * fresh records first. */
	static const bool blind[SQL_COUNT] = {
		[SQL_HEAD_FROM] = true, [SQL_HEAD_PUT] = true, [SQL_HEAD_PUT_8] = true, [SQL_HEAD_CHANGE] = true, [SQL_HEAD_MOVE] = true, [SQL_HEAD_RAISE] = true,
		[SQL_FP_KNOWN] = true, [SQL_RECORD_PUT] = true, [SQL_RECORD_PUT_8] = true, [SQL_RECORD_LAST] = true, [SQL_RECORD_GET] = true,
		[SQL_FIND_SESSION] = true, [SQL_COUNTED_GET] = true, [SQL_COUNTED_PUT] = true, [SQL_COUNTED_PUT_8] = true,
		[SQL_COUNTER_GET] = true, [SQL_COUNTER_ADD] = true, [SQL_SESSION_TOUCH] = true, [SQL_ROLLBACK] = true,
		[SQL_CURSOR_SET] = true, [SQL_CURSOR_GET] = true,
	};
	static const bool unmarks[SQL_COUNT] = {
		[SQL_SESSION_CLEAN] = true, [SQL_SESSION_DROP] = true, [SQL_SESSION_DROP_EMPTY] = true, [SQL_SESSIONS_DROP_EMPTY] = true,
	};
	int rc = blind[id] ? 0 : write_all(spool, err);

	if (unmarks[id])
		spool->late.marked = false;
	if (rc == 0 && (id == SQL_COMMIT || id == SQL_COUNTED_COUNT || id == SQL_COUNTED_TRIM))
		rc = write_counted(spool, err);
	if (rc == 0 && (id == SQL_COMMIT || id == SQL_EACH_COUNTER))
		rc = write_counters(spool, err);
	return rc == 0 && id == SQL_COMMIT ? rows_write(spool, err) : rc;
}

void late_forget(struct spool *spool)
{
	spool->late.touched = spool->late.marked = false;
	forget_counters(&spool->late);
	spool->late.counted_count = 0;
	fresh_forget(spool);
	gap_forget(spool);
	rows_forget(spool);
	session_forget(spool);
}

void late_done(struct spool *spool)
{
	late_forget(spool);
	gap_done(spool);
	buf_done(&spool->late.source);
	buf_done(&spool->late.session);
}
