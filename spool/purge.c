/*
 * Purging: what a person chose to delete. The ledger stays, so that nothing purged is ever sent again. A few sessions at a
 * time, so that what comes in meanwhile need not wait for all; what came after the beginning stays.
 */
#include "spool_internal.h"
#include "base/clock.h"

#define TRANSACTION_MS 10 /* after so long no other session is taken into it */

struct purging {
	struct spool *spool;
	const struct spool_purge *purge;
	struct spool_purged *ret;
	int64_t last_record, last_observation, last_outgo;
};

static int add_up(struct query *query, uint64_t *ret_count, uint64_t *ret_bytes, uint64_t *ret_third, struct err *err)
{
	int rc = query_next(query, err);

	if (rc == 1) {
		*ret_count += (uint64_t)query_int(query, 0);
		*ret_bytes += (uint64_t)query_int(query, 1);
		if (ret_third)
			*ret_third += (uint64_t)query_int(query, 2);
		rc = 0;
	}
	query_close(query);
	return rc;
}

static int measure(const struct purging *purging, enum sql_id id, struct slice session, int64_t last, uint64_t *ret_count, uint64_t *ret_third,
                   struct err *err)
{
	const struct spool_purge *purge = purging->purge;
	struct query query;
	int rc = query_open(&query, purging->spool, id, err, "siii", session, purge->older_than_ms, (int64_t)purge->delivered_only, last);

	return rc != 0 ? rc : add_up(&query, ret_count, &purging->ret->bytes, ret_third, err);
}

static int measure_session(const struct purging *purging, struct slice session, struct err *err)
{
	struct spool_purged *ret = purging->ret;
	uint64_t unassembled = 0, ignored = 0;
	int rc = measure(purging, SQL_PURGE_RECORDS_SIZE, session, purging->last_record, &ret->records, NULL, err);

	if (rc == 0)
		rc = measure(purging, SQL_PURGE_OBSERVATIONS_SIZE, session, purging->last_observation, &ret->observations, &ret->undelivered, err);
	if (rc == 0)
		rc = measure(purging, SQL_PURGE_OUTGO_SIZE, session, purging->last_outgo, &ignored, &ret->undelivered, err);
	/* Records of which observations are still to be made are not delivered either. */
	if (rc == 0)
		rc = measure(purging, SQL_PURGE_UNASSEMBLED, session, purging->last_record, &unassembled, NULL, err);
	ret->undelivered += unassembled;
	return rc;
}

static int drop_heads(const struct purging *purging, struct slice session, struct err *err)
{
	const struct spool_purge *purge = purging->purge;
	struct query query;
	int rc = query_open(&query, purging->spool, SQL_PURGE_KEYS, err, "siii", session, purge->older_than_ms, (int64_t)purge->delivered_only,
	                    purging->last_record);

	if (rc != 0)
		return rc;
	while ((rc = query_next(&query, err)) == 1)
		if ((rc = sql_run(purging->spool, SQL_HEAD_DROP, err, "ssi", query_slice(&query, 0), query_slice(&query, 1), query_int(&query, 2))) != 0)
			break;
	query_close(&query);
	return rc;
}

static int delete_session(const struct purging *purging, struct slice session, struct err *err)
{
	const struct {
		enum sql_id id;
		int64_t last;
	} steps[] = {
		{ SQL_PURGE_RECORDS, purging->last_record }, { SQL_PURGE_OUTGO, purging->last_outgo }, { SQL_PURGE_OBSERVATIONS, purging->last_observation },
	};
	const struct spool_purge *purge = purging->purge;
	int rc = drop_heads(purging, session, err);

	for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++)
		rc = sql_run(purging->spool, steps[i].id, err, "siii", session, purge->older_than_ms, (int64_t)purge->delivered_only, steps[i].last);
	gap_forget(purging->spool);
	return rc != 0 ? rc : sql_run(purging->spool, SQL_HEADS_MAKE_OF, err, "s", session);
}

static int purge_session(const struct purging *purging, struct slice session, struct err *err)
{
	int rc = measure_session(purging, session, err);

	return rc != 0 || purging->purge->dry_run ? rc : delete_session(purging, session, err);
}

/* The session whose id comes next; 1, or 0 when there is none. */
static int next_session(struct spool *spool, struct buf *session, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_PURGE_NEXT, err, "s", buf_view(session));

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	buf_clear(session);
	if (rc == 1)
		buf_slice(session, query_slice(&query, 0));
	query_close(&query);
	return rc < 0 ? rc : session->len > 0;
}

/* Some of them; *session is the last one, *ret_more 1 when there are others. */
static int purge_some(const struct purging *purging, struct buf *session, int *ret_more, struct err *err)
{
	int64_t until_ms = clock_mono_ms() + TRANSACTION_MS;
	bool own;
	int rc = spool_enter(purging->spool, &own, err);

	if (rc != 0)
		return rc;
	do {
		*ret_more = next_session(purging->spool, session, err);
		rc = *ret_more < 0 ? *ret_more : 0;
		if (*ret_more == 1)
			rc = purge_session(purging, buf_view(session), err);
	} while (rc == 0 && *ret_more == 1 && clock_mono_ms() < until_ms);
	rc = spool_leave(purging->spool, own, rc, err);
	spool_pause(purging->spool);
	return rc;
}

static int purge_all(const struct purging *purging, struct err *err)
{
	struct buf session;
	int rc = 0, more = 1;

	buf_init(&session, 0);
	while (rc == 0 && more == 1)
		rc = purge_some(purging, &session, &more, err);
	buf_done(&session);
	return rc;
}

static int purge_one(const struct purging *purging, struct err *err)
{
	bool own;
	int rc = spool_enter(purging->spool, &own, err);

	if (rc != 0)
		return rc;
	rc = purge_session(purging, purging->purge->session, err);
	rc = spool_leave(purging->spool, own, rc, err);
	spool_pause(purging->spool);
	return rc;
}

static int begin(struct purging *purging, struct err *err)
{
	struct query query;
	int rc = query_open(&query, purging->spool, SQL_PURGE_LAST, err, "");

	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	purging->last_record = query_int(&query, 0);
	purging->last_observation = query_int(&query, 1);
	purging->last_outgo = query_int(&query, 2);
	query_close(&query);
	return rc == 1 ? 0 : rc;
}

static int purge_letters(const struct purging *purging, struct err *err)
{
	const struct spool_purge *purge = purging->purge;
	struct query query;
	int rc = query_open(&query, purging->spool, SQL_PURGE_DEAD_SIZE, err, "si", purge->session, purge->older_than_ms);

	if (rc == 0)
		rc = add_up(&query, &purging->ret->dead, &purging->ret->bytes, NULL, err);
	return rc != 0 || purge->dry_run ? rc : sql_run(purging->spool, SQL_PURGE_DEAD, err, "si", purge->session, purge->older_than_ms);
}

/* What is left to do for no session in particular. */
static int finish(const struct purging *purging, bool data, bool dead, struct err *err)
{
	bool own;
	int rc = spool_enter(purging->spool, &own, err);

	if (rc != 0)
		return rc;
	if (dead)
		rc = purge_letters(purging, err);
	if (rc == 0 && data && !purging->purge->dry_run)
		rc = sql_run(purging->spool, SQL_SESSIONS_DROP_EMPTY, err, "");
	return spool_leave(purging->spool, own, rc, err);
}

int spool_purge(struct spool *spool, const struct spool_purge *purge, struct spool_purged *ret, struct err *err)
{
	bool data = purge->all || purge->delivered_only || purge->older_than_ms != 0 || purge->session.len > 0;
	bool dead = purge->all || purge->dead;
	struct purging purging = { .spool = spool, .purge = purge, .ret = ret };
	int rc;

	*ret = (struct spool_purged){ 0 };
	if (!data && !dead)
		return err_set(err, LF_EINVAL, "purge: nothing was chosen");
	rc = begin(&purging, err);
	spool_gently(spool, true);
	if (rc == 0 && data)
		rc = purge->session.len > 0 ? purge_one(&purging, err) : purge_all(&purging, err);
	if (rc == 0)
		rc = finish(&purging, data, dead, err);
	if (rc == 0 && !spool->in_transaction && !purge->dry_run)
		rc = spool_shrink(spool, err);
	if (rc == 0 && !purge->dry_run)
		rc = intake_drop(spool, err); /* what was deleted is not to stay there */
	spool_gently(spool, false);
	return rc;
}
