/*
 * The parts of one session, for who asks message by message: one statement goes through all of them by their index, as long as
 * the messages are asked for in the order of their ids, which is that of their times where ids begin with one. From the first that is
 * not, each is asked for by itself.
 */
#include "spool_internal.h"
#include "base/mem.h"
#include <stdlib.h>

#define MESSAGE_COLUMN 3

struct spool_parts {
	struct spool *spool;
	struct slice source, session;
	struct query query;
	struct buf last;  /* the message that was asked for last */
	bool begun, apart;
	bool row;         /* the query stands at one that was not given yet */
};

struct spool_parts *spool_parts_open(struct spool *spool, struct slice source, struct slice session)
{
	struct spool_parts *parts = xcalloc(1, sizeof *parts);

	parts->spool = spool;
	parts->source = source;
	parts->session = session;
	buf_init(&parts->last, 0);
	return parts;
}

static void end(struct spool_parts *parts)
{
	if (parts->begun)
		query_close(&parts->query);
	parts->begun = parts->row = false;
}

void spool_parts_close(struct spool_parts *parts)
{
	end(parts);
	buf_done(&parts->last);
	free(parts);
}

static int step(struct spool_parts *parts, struct err *err)
{
	int rc = query_next(&parts->query, err);

	parts->row = rc == 1;
	return rc > 0 ? 0 : rc;
}

static int begin(struct spool_parts *parts, struct slice message, struct err *err)
{
	int rc = query_open(&parts->query, parts->spool, SQL_PARTS_FROM, err, "sss", parts->source, parts->session, message);

	parts->begun = rc == 0;
	return rc != 0 ? rc : step(parts, err);
}

/* Goes on to the message. Sets apart when it stands before what was read. */
static int go_to(struct spool_parts *parts, struct slice message, struct err *err)
{
	parts->apart = parts->begun && slice_compare(message, buf_view(&parts->last)) <= 0;
	buf_clear(&parts->last);
	if (parts->apart || buf_slice(&parts->last, message) != 0) {
		end(parts);
		parts->apart = true;
		return 0;
	}
	/* some that nobody asked for stand between */
	if (parts->row && slice_compare(query_slice(&parts->query, MESSAGE_COLUMN), message) < 0)
		end(parts);
	return parts->begun ? 0 : begin(parts, message, err);
}

static int ignore_record(void *context, const struct clean_record_view *record, struct err *err)
{
	(void)context, (void)record, (void)err;
	return 0;
}

static int give(struct spool_parts *parts, struct slice message, spool_record_fn *fn, void *context, struct err *err)
{
	struct clean_record_view view;
	bool intact = true;
	int rc = 0;

	while (rc == 0 && parts->row && slice_equal(query_slice(&parts->query, MESSAGE_COLUMN), message)) {
		if (record_intact(parts->spool, &parts->query, &view))
			rc = fn(context, &view, err);
		else
			intact = false;
		if (rc == 0)
			rc = step(parts, err);
	}
	if (rc != 0 || intact)
		return rc;
	end(parts);
	return spool_each_part(parts->spool, parts->source, parts->session, message, ignore_record, NULL, err); /* which moves it away */
}

int spool_parts_each(struct spool_parts *parts, struct slice message, spool_record_fn *fn, void *context, struct err *err)
{
	int rc = parts->apart ? 0 : go_to(parts, message, err);

	if (rc != 0)
		return rc;
	if (parts->apart)
		return spool_each_part(parts->spool, parts->source, parts->session, message, fn, context, err);
	return give(parts, message, fn, context, err);
}
