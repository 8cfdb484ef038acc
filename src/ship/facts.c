/* What the spool remembers of a batch that was settled: counters, and small facts for who looks while no daemon runs. */
#include "ship/ship_private.h"
#include <stdio.h>

int facts_count(const struct ship *ship, struct spool *spool, const struct settled *settled, uint64_t rejected, bool failed, struct err *err)
{
	enum spool_sink sink = ship->options.sink;
	const char *label = sink == SINK_LANGFUSE ? "" : spool_sink_name(sink);
	const struct {
		const char *name, *label;
		int64_t add;
	} rows[] = {
		{ "delivered", label, settled->delivered },
		{ "retries", label, failed ? 1 : 0 },
		{ "dead", label, settled->dead },
		{ "dropped", "oversize", settled->shrunk },
		{ "dropped", "rejected", settled->dead },
		{ "dropped", "partial", (int64_t)rejected },
	};
	int rc = 0;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		if (rows[i].add > 0)
			rc = spool_count(spool, rows[i].name, rows[i].label, rows[i].add, err);
	return rc;
}

/* Small facts of another sink than Langfuse have its name before theirs. */
static int set_fact(enum spool_sink sink, struct spool *spool, const char *name, const char *value, struct err *err)
{
	char full[64];

	snprintf(full, sizeof(full), "%s%s%s", sink == SINK_LANGFUSE ? "" : spool_sink_name(sink), sink == SINK_LANGFUSE ? "" : ".", name);
	return spool_meta_set(spool, full, slice_of(value), err);
}

int facts_set(const struct ship *ship, struct spool *spool, const struct ship_batch *batch, const struct settled *settled, int64_t wall_ms, struct err *err)
{
	char last[32], api[32] = "";
	const struct {
		const char *name;
		bool set;
		const char *value;
	} rows[] = {
		{ "last_error", batch->error[0] != '\0', batch->error },
		{ "paused", true, batch->result == RESULT_PAUSE ? batch->error : "" },
		{ "last_success_ms", settled->delivered > 0, last },
		{ "api", batch->server.known || ship->collector, ship->collector ? ship->status.api : api },
	};
	int rc = 0;

	snprintf(last, sizeof(last), "%lld", (long long)wall_ms);
	if (batch->server.known)
		probe_api_name(&batch->server, api);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		if (rows[i].set)
			rc = set_fact(ship->options.sink, spool, rows[i].name, rows[i].value, err);
	return rc;
}
