/* Batches: rows of the outbox, the request made of them, and content made smaller for servers that want less. */
#include "base/mem.h"
#include "ship/ship_private.h"
#include <stdlib.h>

#define MAX_REQUEST_BYTES ((size_t)64 << 20)
#define SHRUNK_CONTENT_BYTES ((size_t)64 << 10)

struct ship_batch *batch_new(void)
{
	struct ship_batch *batch = xcalloc(1, sizeof(*batch));

	batch->retry_after_ms = -1;
	return batch;
}

void batch_drop_bodies(struct ship_batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++) {
		buf_done(&batch->rows[i].body);
		buf_done(&batch->rows[i].strings);
		buf_done(&batch->rows[i].shrunk);
	}
}

void ship_batch_gate(struct ship_batch *batch, ship_gate_fn *fn, void *context)
{
	batch->gate = fn;
	batch->gate_context = context;
}

void batch_free(struct ship_batch *batch)
{
	if (!batch)
		return;
	batch_drop_bodies(batch);
	free(batch->rows);
	free(batch);
}

struct ship_row *batch_add(struct ship_batch *batch, const struct spool_observation *stored)
{
	struct ship_row *row;

	if (batch->count == batch->cap) {
		batch->cap = batch->cap ? 2 * batch->cap : 64;
		batch->rows = xrealloc(batch->rows, batch->cap * sizeof(*batch->rows));
	}
	row = &batch->rows[batch->count++];
	memset(row, 0, sizeof(*row));
	row->rowid = stored->rowid;
	memcpy(row->trace_id, stored->trace_id, sizeof(row->trace_id));
	memcpy(row->span_id, stored->span_id, sizeof(row->span_id));
	row->version = stored->version;
	row->update = stored->state == OBSERVATION_DELIVERED || stored->version > 0;
	row->outcome = SETTLE_RETRY;
	buf_init(&row->body, 0);
	buf_init(&row->strings, 0);
	buf_init(&row->shrunk, 0);
	buf_slice(&row->body, stored->body);
	return row;
}

void batch_parse(struct ship_batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++) {
		struct ship_row *row = &batch->rows[i];

		if (!row->body.failed &&
		    observation_parse(buf_view(&row->body), &row->strings, &row->observation, NULL) == 0)
			continue;
		row->outcome = SETTLE_DEAD;
		row->reason = "corrupt";
	}
}

int batch_request(const struct ship *ship, struct ship_row *const *rows, unsigned count, struct buf *out, struct err *err)
{
	struct observation *observations = xcalloc(count, sizeof(*observations));
	unsigned *versions = xcalloc(count, sizeof(*versions));
	int rc;

	for (unsigned i = 0; i < count; i++) {
		observations[i] = rows[i]->observation;
		versions[i] = rows[i]->version;
	}
	buf_clear(out);
	out->max_bytes = MAX_REQUEST_BYTES;
	rc = map_request(ship->server.format, &ship->options.map, observations, versions, count, out, err);
	free(observations);
	free(versions);
	return rc;
}

/* The beginning of a JSON value as a JSON string that says how long the whole was. */
static void shorten(struct slice *value, size_t max_bytes, struct buf *out)
{
	size_t from = out->len;
	struct buf text;

	if (value->len <= max_bytes)
		return;
	buf_init(&text, 0);
	buf_slice(&text, json_utf8_cut(*value, max_bytes));
	buf_format(&text, "… [lfspool: %zu bytes in all, too large for the server]", value->len);
	json_escape(buf_view(&text), out);
	value->len = out->len - from;
	value->ptr = NULL; /* placed when out no longer moves */
	buf_done(&text);
}

bool batch_shrink(struct ship_row *row)
{
	static const size_t levels[] = { SHRUNK_CONTENT_BYTES, 0 };
	struct observation *observation = &row->observation;
	struct slice *values[] = { &observation->input, &observation->output };
	struct buf made;
	size_t at = 0;

	if (row->shrink_level >= sizeof(levels) / sizeof(levels[0]))
		return false;
	buf_init(&made, 0);
	for (unsigned i = 0; i < 2; i++)
		shorten(values[i], levels[row->shrink_level], &made);
	buf_done(&row->shrunk);
	row->shrunk = made;
	if (made.failed)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		if (values[i]->ptr || values[i]->len == 0)
			continue;
		values[i]->ptr = row->shrunk.data + at;
		at += values[i]->len;
	}
	row->shrink_level++;
	return true;
}
