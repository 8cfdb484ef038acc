/*
 * The cap: what goes, step by step, when the file is too large (FORMAT.md "Cap and retention"). Each step
 * works in small transactions, each with its own count, and stops as soon as there is room.
 */
#include "spool_internal.h"
#include "base/clock.h"
#include "base/json.h"
#include <stdlib.h>

#define LOG_MAX_BYTES (64 << 20) /* a log is emptied after 16 MiB, unless somebody reads */
#define CAP_MS 10 /* so long a transaction waits for room */
#define LEDGER_ROW_BYTES 104 /* a row and its index, roughly */
#define COUNTED_ROW_BYTES 48

/* ---- metadata of a record: what is left when its content goes ---- */

#define BIT(kind) (1u << (kind))
#define ANY (BIT(RECORD_SESSION) | BIT(RECORD_MESSAGE) | BIT(RECORD_PART) | BIT(RECORD_SIGNAL))

static const struct {
	const char *key;
	unsigned kinds;
} kept_keys[] = {
	{ "type", ANY },       { "status", ANY },       { "tool", ANY },       { "call", ANY },      { "exit", ANY },
	{ "start", ANY },      { "end", ANY },          { "child", ANY },      { "commit", ANY },     { "pull_request", BIT(RECORD_PART) },    { "role", ANY },
	{ "parent", ANY },     { "project", BIT(RECORD_SESSION) },
	    { "agent", ANY },        { "mode", ANY },       { "model", ANY },     { "provider", ANY },
	{ "variant", ANY },    { "created", ANY },      { "completed", ANY },  { "finish", ANY },    { "summary", ANY },
	{ "version", ANY },    { "archived", ANY },     { "cost", ANY },       { "tokens", ANY },    { "reason", ANY },
	{ "mime", ANY },       { "name", ANY },         { "auto", ANY },       { "overflow", ANY },  { "attempt", ANY },
	{ "time", ANY },       { "next", ANY },         { "request", ANY },    { "permission", ANY }, { "reply", ANY },
	{ "synthetic", ANY },  { "ignored", ANY },      { "error", BIT(RECORD_MESSAGE) | BIT(RECORD_SIGNAL) },
};
static const char *const kept_inner[] = {
	"input", "output", "reasoning", "cache_read", "cache_write", "name", "status", "retryable",
};

static bool keeps(const struct json_doc *doc, int32_t node, enum record_kind kind)
{
	for (size_t i = 0; i < sizeof kept_keys / sizeof kept_keys[0]; i++)
		if ((kept_keys[i].kinds & BIT(kind)) && json_key_is(doc, node, kept_keys[i].key))
			return doc->nodes[node].type != JSON_ARRAY;
	return false;
}

static bool keeps_inner(const struct json_doc *doc, int32_t node)
{
	for (size_t i = 0; i < sizeof kept_inner / sizeof kept_inner[0]; i++)
		if (json_key_is(doc, node, kept_inner[i]))
			return doc->nodes[node].type != JSON_ARRAY && doc->nodes[node].type != JSON_OBJECT;
	return false;
}

static void copy_key(struct json_writer *out, const struct json_doc *doc, int32_t node)
{
	struct slice raw = doc->nodes[node].key; /* with quotes; kept keys hold no escapes */

	jw_key_slice(out, (struct slice){ raw.ptr + 1, raw.len - 2 });
}

static void copy_inner(struct json_writer *out, const struct json_doc *doc, int32_t object)
{
	jw_object(out);
	for (int32_t i = doc->nodes[object].first; i != JSON_NONE; i = doc->nodes[i].next) {
		if (!keeps_inner(doc, i))
			continue;
		copy_key(out, doc, i);
		jw_raw(out, doc->nodes[i].raw);
	}
	jw_object_close(out);
}

static bool has_escape(struct slice key)
{
	return memchr(key.ptr, '\\', key.len) != NULL;
}

static int write_metadata(const struct json_doc *doc, enum record_kind kind, struct buf *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	jw_object(&json);
	for (int32_t i = doc->nodes[0].first; i != JSON_NONE; i = doc->nodes[i].next) {
		if (has_escape(doc->nodes[i].key) || !keeps(doc, i, kind))
			continue;
		copy_key(&json, doc, i);
		if (doc->nodes[i].type == JSON_OBJECT)
			copy_inner(&json, doc, i);
		else
			jw_raw(&json, doc->nodes[i].raw);
	}
	jw_object_close(&json);
	return out->failed;
}

/* Writes the body without its content; *ret_less when it is shorter than before. */
static int cut_record(struct spool *spool, const struct clean_record_view *view, bool *ret_less, struct err *err)
{
	struct clean_record_view cut = *view;
	struct json_doc doc;
	struct buf body;
	int rc;

	*ret_less = false;
	json_doc_init(&doc);
	buf_init(&body, view->body.len + 64);
	rc = json_parse(&doc, view->body, 0, err);
	if (rc == 0)
		rc = write_metadata(&doc, view->kind, &body);
	cut.body = buf_view(&body);
	if (rc == 0 && cut.body.len < view->body.len) {
		*ret_less = true;
		rc = sql_run(spool, SQL_RECORD_CUT, err, "iis", view->seq, (int64_t)record_hash(spool, &cut), cut.body);
	}
	buf_done(&body);
	json_doc_done(&doc);
	return rc == LF_EINVAL ? 0 : rc; /* no JSON object: nothing that could be cut */
}

/* ---- the steps ---- */

struct capping {
	uint64_t need_bytes;  /* still to be freed */
	int64_t seq;          /* up to where the step has come */
};

int session_drop(struct spool *spool, struct slice source, struct slice id, uint64_t *ret_count, struct err *err)
{
	static const enum sql_id drops[] = { SQL_HEADS_DROP_OF, SQL_RECORDS_DROP_OF, SQL_OBSERVATIONS_DROP_OF, SQL_OUTGO_DROP_OF, SQL_SESSION_DROP };
	int64_t records = 0;
	int rc = sql_int(spool, SQL_RECORDS_COUNT_OF, &records, err, "ss", source, id);

	for (size_t i = 0; rc == 0 && i < sizeof drops / sizeof drops[0]; i++)
		rc = sql_run(spool, drops[i], err, "ss", source, id);
	*ret_count += records > 0 ? (uint64_t)records : 1;
	return rc;
}

static int drop_settled_session(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	struct query query;
	int rc = query_open(&query, spool, SQL_SETTLED_SESSIONS, err, "");

	(void)capping;
	if (rc != 0)
		return rc;
	rc = query_next(&query, err);
	if (rc == 1)
		rc = session_drop(spool, query_slice(&query, 0), query_slice(&query, 1), ret_count, err);
	query_close(&query);
	return rc;
}

static int drop_delivered(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	int rc = sql_run(spool, SQL_OBSERVATIONS_DROP_DELIVERED, err, "");

	(void)capping;
	*ret_count = rc == 0 ? (uint64_t)sqlite3_changes(spool->db) : 0;
	return rc;
}

static int drop_letters(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	int rc = sql_run(spool, SQL_DEAD_DROP_OLDEST, err, "");

	(void)capping;
	*ret_count = rc == 0 ? (uint64_t)sqlite3_changes(spool->db) : 0;
	return rc;
}

/* The ledger may take a quarter of the cap. */
static int trim_ledger(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	uint64_t rows = 0, limit = spool->max_bytes / 4 / LEDGER_ROW_BYTES;
	int rc = rows_get(spool, ROWS_LEDGER, &rows, err);

	(void)capping;
	if (rc == 0 && rows > limit) {
		rc = sql_run(spool, SQL_LEDGER_TRIM, err, "i", (int64_t)(rows - limit));
		*ret_count = rows - limit;
	}
	return rc;
}

/* What other sinks have taken may take as much. */
static int trim_outgo(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	int64_t rows = 0, limit = (int64_t)(spool->max_bytes / 4 / LEDGER_ROW_BYTES);
	int rc = sql_int(spool, SQL_OUTGO_COUNT, &rows, err, "");

	(void)capping;
	if (rc == 0 && rows > limit) {
		rc = sql_run(spool, SQL_OUTGO_TRIM, err, "i", rows - limit);
		*ret_count = (uint64_t)(rows - limit);
	}
	return rc;
}

/* What was counted long ago may take an eighth of the cap. */
static int trim_counted(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	int64_t rows = 0, limit = (int64_t)(spool->max_bytes / 8 / COUNTED_ROW_BYTES);
	int rc = sql_int(spool, SQL_COUNTED_COUNT, &rows, err, "");

	(void)capping;
	if (rc == 0 && rows > limit) {
		rc = sql_run(spool, SQL_COUNTED_TRIM, err, "i", rows - limit);
		*ret_count = (uint64_t)(rows - limit);
	}
	return rc;
}

/* Its session is assembled anew out of what is left; what waited with the old content goes. */
static int assemble_again(struct spool *spool, const struct clean_record_view *view, struct err *err)
{
	int rc = sql_run(spool, SQL_OBSERVATIONS_DROP_PENDING_OF, err, "ss", view->source, view->session);

	if (rc == 0)
		rc = sql_run(spool, SQL_OUTGO_DROP_OF, err, "ss", view->source, view->session);
	return rc != 0 ? rc : sql_run(spool, SQL_SESSION_DIRTY, err, "ssi", view->source, view->session, session_next_tick(spool));
}

static int cut_one(struct spool *spool, const struct clean_record_view *view, bool *ret_done, struct err *err)
{
	int rc = cut_record(spool, view, ret_done, err);

	return rc == 0 && *ret_done ? assemble_again(spool, view, err) : rc;
}

static int drop_one(struct spool *spool, const struct clean_record_view *view, bool *ret_done, struct err *err)
{
	int rc = record_drop(spool, view, err);

	*ret_done = rc == 0;
	if (rc == 0)
		rc = assemble_again(spool, view, err);
	return rc != 0 ? rc : sql_run(spool, SQL_SESSION_DROP_EMPTY, err, "ss", view->source, view->session);
}

typedef int record_step_fn(struct spool *spool, const struct clean_record_view *view, bool *ret_done, struct err *err);

/* Oldest first, until enough bytes were met; goes on when nothing of a whole lot could be done. */
static int step_records(struct spool *spool, struct capping *capping, struct query *query, record_step_fn *step, uint64_t *ret_count, bool *ret_end, struct err *err)
{
	uint64_t freed = 0;
	int rc = 0;

	*ret_end = true;
	while (freed < capping->need_bytes && (rc = query_next(query, err)) == 1) {
		struct clean_record_view view;
		bool done;
		record_view(query, &view);
		*ret_end = false;
		capping->seq = view.seq;
		rc = step(spool, &view, &done, err);
		if (rc != 0)
			break;
		freed += done ? view.body.len : 0;
		*ret_count += done;
	}
	query_close(query);
	return rc == 1 ? 0 : rc;
}

static int cut_content(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	bool end = false;
	int rc = 0;

	while (rc == 0 && *ret_count == 0 && !end) {
		struct query query;
		rc = query_open(&query, spool, SQL_RECORDS_UNCUT, err, "i", capping->seq);
		if (rc == 0)
			rc = step_records(spool, capping, &query, cut_one, ret_count, &end, err);
	}
	return rc;
}

static int drop_records(struct spool *spool, struct capping *capping, bool all, uint64_t *ret_count, struct err *err)
{
	struct query query;
	bool end;
	int rc = query_open(&query, spool, SQL_RECORDS_OLDEST, err, "ii", capping->seq, (int64_t)all);

	return rc != 0 ? rc : step_records(spool, capping, &query, drop_one, ret_count, &end, err);
}

/* What the tree of sessions hangs on stays as long as anything else can go: trace ids come from it. */
static int drop_oldest(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	return drop_records(spool, capping, false, ret_count, err);
}

static int drop_any(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	return drop_records(spool, capping, true, ret_count, err);
}

static const struct {
	const char *label;
	int (*batch)(struct spool *spool, struct capping *capping, uint64_t *ret_count, struct err *err);
} steps[] = {
	{ "cap", drop_settled_session }, { "cap", drop_delivered },       { "cap_dead", drop_letters }, { "cap_ledger", trim_ledger },
	{ "cap_ledger", trim_outgo },    { "cap_counted", trim_counted },
	{ "cap_content", cut_content },  { "cap_records", drop_oldest }, { "cap_records", drop_any },
};

#define LOSSLESS_STEPS 2 /* the first ones: what is delivered */

static int run_batch(struct spool *spool, size_t step, struct capping *capping, uint64_t *ret_count, struct err *err)
{
	bool own;
	int rc = spool_enter(spool, &own, err);

	*ret_count = 0;
	if (rc != 0)
		return rc;
	rc = steps[step].batch(spool, capping, ret_count, err);
	if (rc == 0)
		rc = spool_count(spool, "dropped", steps[step].label, (int64_t)*ret_count, err);
	return spool_leave(spool, own, rc, err);
}

/* In nobody's way: others are let in between two batches. */
static int next_batch(struct spool *spool, uint64_t *used, uint64_t target, bool patient, struct err *err)
{
	struct capping capping = { .need_bytes = *used - target, .seq = spool->cap_seq };
	uint64_t count;
	int rc = run_batch(spool, spool->cap_step, &capping, &count, err);

	spool->cap_seq = capping.seq;
	if (rc == 0 && count == 0) {
		spool->cap_step++;
		spool->cap_seq = 0;
	}
	if (rc == 0 && patient)
		spool_pause(spool);
	return rc != 0 ? rc : spool_used_bytes(spool, used, err);
}

/*
 * Makes room down to nine tenths, so that the next record does not start it all over again. Where records wait for it, it
 * stops after a while and goes on before the next transaction, unless the file grows far above its cap. (A cap that was lowered finds it there.)
 */
static int make_room(struct spool *spool, uint64_t used, bool patient, struct err *err)
{
	uint64_t target = spool->max_bytes / 10 * 9, above = spool->max_bytes / 10 * 11;
	uint64_t far = above > spool->least_bytes ? above : spool->least_bytes;
	int64_t until_ms = clock_mono_ms() + CAP_MS;
	int rc = 0;

	spool->capping = true;
	while (rc == 0 && used > target && spool->cap_step < sizeof steps / sizeof steps[0]) {
		if (!patient && used <= far && clock_mono_ms() >= until_ms)
			return 0;
		rc = next_batch(spool, &used, target, patient, err);
	}
	spool->capping = false;
	spool->cap_step = 0;
	spool->cap_seq = 0;
	spool->floor_bytes = used;
	return rc;
}

int spool_relieve(struct spool *spool, struct err *err)
{
	int rc = spool_shrink(spool, err);

	for (size_t i = 0; rc == 0 && i < LOSSLESS_STEPS; i++) {
		struct capping capping = { 0 };
		uint64_t count;
		do
			rc = run_batch(spool, i, &capping, &count, err);
		while (rc == 0 && count > 0);
	}
	return rc != 0 ? rc : spool_shrink(spool, err);
}

static int64_t log_bytes(struct spool *spool)
{
	sqlite3_file *log = NULL;
	sqlite3_int64 size = 0;

	(void)sqlite3_file_control(spool->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (!log || !log->pMethods || log->pMethods->xFileSize(log, &size) != SQLITE_OK)
		return 0;
	return size;
}

/* A reader that stays where it is keeps the log from starting over: then nothing more is taken, as on a full disk. */
int log_enforce(struct spool *spool, struct err *err)
{
	if (log_bytes(spool) <= LOG_MAX_BYTES)
		return 0;
	spool_empty_log(spool);
	if (log_bytes(spool) <= LOG_MAX_BYTES)
		return 0;
	return err_set(err, LF_EFULL, "%s-wal: has %lld MB and cannot be emptied: another program has been reading the spool for long", spool->path, (long long)(log_bytes(spool) / 1000000));
}

/* Asking how large the file is costs two reading transactions; it grows by no more pages than were written. */
static bool surely_below(struct spool *spool, uint64_t limit)
{
	uint64_t written = (uint64_t)spool_pages_written(spool, false) * SPOOL_PAGE_BYTES;

	return spool->measured_bytes != 0 && spool->measured_bytes + written <= limit;
}

static int measure(struct spool *spool, uint64_t *ret, struct err *err)
{
	int rc = spool_used_bytes(spool, ret, err);

	(void)spool_pages_written(spool, true);
	if (spool->least_bytes == 0 || *ret < spool->least_bytes)
		spool->least_bytes = *ret;
	spool->measured_bytes = rc == 0 ? *ret : 0;
	return rc;
}

int cap_enforce(struct spool *spool, bool patient, struct err *err)
{
	uint64_t used, limit = spool->max_bytes;
	int rc;

	if (limit == 0 || (!spool->capping && !patient && surely_below(spool, limit)))
		return 0;
	rc = measure(spool, &used, err);
	/* An empty spool has a size too: a cap below it is not tried again for every transaction. */
	if (spool->floor_bytes > limit / 10 * 9 && limit < spool->floor_bytes + limit / 10)
		limit = spool->floor_bytes + limit / 10;
	return rc != 0 || (used <= limit && !spool->capping) ? rc : make_room(spool, used, patient, err);
}
