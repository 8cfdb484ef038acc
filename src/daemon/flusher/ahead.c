/* Sessions that are assembled ahead; see ahead.h. */
#include "daemon/flusher/ahead.h"
#include "base/mem.h"
#include "daemon/flusher/derive_private.h"
#include <stdlib.h>
#include <string.h>

/* Its texts stand in the buffer of all: that may move while it grows. */
struct ahead_row {
	struct made_row row;
	size_t turn_at, body_at;
};

struct ahead_session {
	struct session_id id;
	struct made made;
	size_t end; /* of its rows among those of all */
};

struct ahead {
	const struct work *work;
	struct derive_options options;
	struct spool *reader; /* NULL: not needed yet */
	uint64_t changes;
	bool useless;
	struct ahead_session *sessions;
	size_t session_count, session_cap;
	struct ahead_row *rows;
	size_t row_count, row_cap;
	struct buf text;
};

struct ahead *ahead_new(const struct work *work)
{
	struct ahead *ahead = xcalloc(1, sizeof *ahead);

	ahead->work = work;
	ahead->options = derive_options(work);
	buf_init(&ahead->text, AHEAD_MAX_BYTES);
	return ahead;
}

static void drop_last(struct ahead *ahead)
{
	struct ahead_session *session = &ahead->sessions[--ahead->session_count];

	ahead->row_count = ahead->session_count > 0 ? session[-1].end : 0;
	made_done(&session->made);
	free(session->id.source);
	free(session->id.id);
}

static void drop_all(struct ahead *ahead)
{
	while (ahead->session_count > 0)
		drop_last(ahead);
	buf_clear(&ahead->text);
}

/* And gives back what was needed for it. */
static void give_up(struct ahead *ahead)
{
	drop_all(ahead);
	buf_done(&ahead->text);
	spool_close(ahead->reader);
	ahead->reader = NULL;
	ahead->useless = true;
}

void ahead_free(struct ahead *ahead)
{
	if (!ahead)
		return;
	give_up(ahead);
	free(ahead->sessions);
	free(ahead->rows);
	free(ahead);
}

bool ahead_holds(const struct ahead *ahead)
{
	return ahead->session_count > 0;
}

bool ahead_is_of_use(const struct ahead *ahead)
{
	return ahead->session_count == 0 && !ahead->useless;
}

/* ---- assembling ---- */

static int keep_row(void *context, const struct made_row *row, struct err *err)
{
	struct ahead *ahead = context;
	struct ahead_row *kept;

	if (ahead->row_count == ahead->row_cap) {
		ahead->row_cap = ahead->row_cap ? ahead->row_cap * 2 : 256;
		ahead->rows = xrealloc(ahead->rows, ahead->row_cap * sizeof *ahead->rows);
	}
	kept = &ahead->rows[ahead->row_count++];
	*kept = (struct ahead_row){ .row = *row, .turn_at = ahead->text.len };
	buf_slice(&ahead->text, row->row.turn);
	kept->body_at = ahead->text.len;
	if (buf_slice(&ahead->text, row->row.body) != 0)
		return err_set(err, ahead->text.failed, "too much to be kept");
	return 0;
}

static int assemble_one(struct ahead *ahead, const struct session_id *id, struct err *err)
{
	struct ahead_session *session;
	int rc;

	if (ahead->session_count == ahead->session_cap) {
		ahead->session_cap = ahead->session_cap ? ahead->session_cap * 2 : 16;
		ahead->sessions = xrealloc(ahead->sessions, ahead->session_cap * sizeof *ahead->sessions);
	}
	session = &ahead->sessions[ahead->session_count++];
	*session = (struct ahead_session){ .id = { xstrdup(id->source), xstrdup(id->id) } };
	rc = make_session(ahead->reader, &ahead->options, &session->id, keep_row, ahead, &session->made, err);
	session->end = ahead->row_count;
	if (rc == 0 && spool_has_skipped(ahead->reader))
		rc = err_set(err, LF_ECORRUPT, "a damaged record");
	if (rc != 0)
		drop_last(ahead);
	return rc;
}

static int assemble_some(struct ahead *ahead, unsigned max, unsigned enough, struct err *err)
{
	struct session_list list = { 0 };
	unsigned made = 0;
	bool all;
	int rc = session_list_dirty(&list, ahead->reader, max, &all, err);

	for (size_t i = 0; rc == 0 && i < list.count && made < enough; i++) {
		rc = assemble_one(ahead, &list.items[i], err);
		if (rc == 0)
			made += ahead->sessions[ahead->session_count - 1].made.observations;
	}
	session_list_done(&list);
	return rc;
}

void ahead_assemble(struct ahead *ahead, uint64_t changes, unsigned max, unsigned enough)
{
	struct err err = { 0 };
	int rc = 0;

	ahead->changes = changes;
	if (!ahead->reader)
		rc = spool_open_reader(conf_string(ahead->work->conf, "spool_dir"), &ahead->reader, &err);
	if (rc == 0)
		rc = spool_begin(ahead->reader, &err); /* one state of the file for all that is read */
	if (rc == 0)
		rc = assemble_some(ahead, max, enough, &err);
	if (ahead->reader)
		spool_rollback(ahead->reader);
	/* who puts the others finds what is wrong; what was made before is as good as any */
	if (rc != 0 && ahead->session_count == 0)
		give_up(ahead);
}

/* ---- putting ---- */

/* The texts have come to rest. */
static void place_row(const struct ahead *ahead, const struct ahead_session *session, struct ahead_row *kept)
{
	struct spool_observation *row = &kept->row.row;

	row->source = slice_of(session->id.source);
	row->session = slice_of(session->id.id);
	row->turn.ptr = ahead->text.data + kept->turn_at;
	row->body.ptr = ahead->text.data + kept->body_at;
}

static int put_rows(struct ahead *ahead, struct spool *spool, const struct ahead_session *session, size_t from, struct err *err)
{
	struct spool_observation *rows = xcalloc(session->end - from + 1, sizeof *rows);
	size_t count = 0;
	int rc;

	for (size_t i = from; i < session->end; i++) {
		place_row(ahead, session, &ahead->rows[i]);
		if (!ahead->rows[i].row.log)
			rows[count++] = ahead->rows[i].row.row;
	}
	rc = spool_observations_put_all(spool, rows, count, err);
	for (size_t i = from; rc == 0 && i < session->end; i++)
		rc = made_put_items(spool, &ahead->rows[i].row, err);
	free(rows);
	return rc;
}

static int put_session(struct ahead *ahead, struct spool *spool, struct ahead_session *session, size_t from, struct err *err)
{
	int rc = spool_observations_begin(spool, slice_of(session->id.source), slice_of(session->id.id), err);

	if (rc == 0)
		rc = put_rows(ahead, spool, session, from, err);
	return rc != 0 ? rc : made_end(spool, &ahead->options, &session->id, &session->made, err);
}

static int put_all(struct ahead *ahead, struct spool *spool, struct derived *ret, struct err *err)
{
	size_t from = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ahead->session_count; i++) {
		struct ahead_session *session = &ahead->sessions[i];

		ret->observations += session->made.observations;
		ret->bytes += session->made.bytes;
		rc = put_session(ahead, spool, session, from, err);
		from = session->end;
	}
	return rc;
}

void ahead_put(struct ahead *ahead, struct spool *spool, struct derived *ret)
{
	struct err ignored = { 0 };
	bool same = false;
	int rc = spool_begin_derived(spool, &ignored);

	*ret = (struct derived){ .more = true };
	if (rc == 0)
		same = spool_record_changes(spool) == ahead->changes; /* beginning may have made room */
	if (same)
		rc = put_all(ahead, spool, ret, &ignored);
	if (rc == 0)
		rc = spool_commit(spool, &ignored);
	if (rc != 0)
		spool_rollback(spool);
	if (rc != 0 || !same)
		give_up(ahead);
	else
		drop_all(ahead);
}
