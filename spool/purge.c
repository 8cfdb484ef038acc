/* Purging: what a person chose to delete. The ledger stays, so that nothing purged is ever sent again. */
#include "spool_internal.h"

static int measure(struct spool *spool, enum sql_id id, const struct spool_purge *purge, bool dead, uint64_t *ret_count, uint64_t *ret_bytes, uint64_t *ret_third, struct err *err)
{
	struct query query;
	int rc;

	if (dead)
		rc = query_open(&query, spool, id, err, "si", purge->session, purge->older_than_ms);
	else
		rc = query_open(&query, spool, id, err, "sii", purge->session, purge->older_than_ms, (int64_t)purge->delivered_only);
	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1) {
		*ret_count = (uint64_t)query_int(&query, 0);
		*ret_bytes += (uint64_t)query_int(&query, 1);
		if (ret_third)
			*ret_third += (uint64_t)query_int(&query, 2);
		rc = 0;
	}
	query_close(&query);
	return rc;
}

static int measure_data(struct spool *spool, const struct spool_purge *purge, struct spool_purged *ret, struct err *err)
{
	uint64_t unassembled = 0;
	int rc = measure(spool, SQL_PURGE_RECORDS_SIZE, purge, false, &ret->records, &ret->bytes, NULL, err);

	if (rc == 0)
		rc = measure(spool, SQL_PURGE_OBSERVATIONS_SIZE, purge, false, &ret->observations, &ret->bytes, &ret->undelivered, err);
	if (rc == 0)
		rc = measure(spool, SQL_PURGE_OUTGO_SIZE, purge, false, &unassembled, &ret->bytes, &ret->undelivered, err);
	/* Records of which observations are still to be made are not delivered either. */
	if (rc == 0)
		rc = measure(spool, SQL_PURGE_UNASSEMBLED, purge, false, &unassembled, &ret->bytes, NULL, err);
	ret->undelivered += unassembled;
	return rc;
}

static int delete_data(struct spool *spool, const struct spool_purge *purge, struct err *err)
{
	int64_t only = purge->delivered_only;
	int rc = sql_run(spool, SQL_PURGE_RECORDS, err, "sii", purge->session, purge->older_than_ms, only);

	if (rc == 0)
		rc = sql_run(spool, SQL_PURGE_OUTGO, err, "sii", purge->session, purge->older_than_ms, only);
	if (rc == 0)
		rc = sql_run(spool, SQL_PURGE_OBSERVATIONS, err, "sii", purge->session, purge->older_than_ms, only);
	if (rc == 0)
		rc = sql_run(spool, SQL_HEADS_DROP_LOST, err, "");
	if (rc == 0)
		rc = sql_run(spool, SQL_HEADS_MAKE, err, "");
	return rc != 0 ? rc : sql_run(spool, SQL_SESSIONS_DROP_EMPTY, err, "");
}

static int purge_chosen(struct spool *spool, const struct spool_purge *purge, bool data, bool dead, struct spool_purged *ret, struct err *err)
{
	int rc = 0;

	if (data)
		rc = measure_data(spool, purge, ret, err);
	if (rc == 0 && dead)
		rc = measure(spool, SQL_PURGE_DEAD_SIZE, purge, true, &ret->dead, &ret->bytes, NULL, err);
	if (purge->dry_run || rc != 0)
		return rc;
	if (data)
		rc = delete_data(spool, purge, err);
	if (rc == 0 && dead)
		rc = sql_run(spool, SQL_PURGE_DEAD, err, "si", purge->session, purge->older_than_ms);
	return rc;
}

int spool_purge(struct spool *spool, const struct spool_purge *purge, struct spool_purged *ret, struct err *err)
{
	bool data = purge->all || purge->delivered_only || purge->older_than_ms != 0 || purge->session.len > 0;
	bool dead = purge->all || purge->dead, own;
	int rc;

	*ret = (struct spool_purged){ 0 };
	if (!data && !dead)
		return err_set(err, LF_EINVAL, "purge: nothing was chosen");
	rc = spool_enter(spool, &own, err);
	if (rc != 0)
		return rc;
	rc = purge_chosen(spool, purge, data, dead, ret, err);
	rc = spool_leave(spool, own, rc, err);
	return rc == 0 && own && !purge->dry_run ? spool_shrink(spool, err) : rc;
}
