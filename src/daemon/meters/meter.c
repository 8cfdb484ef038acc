/* Counters, figures and sessions -> metrics; see meter.h. */
#include "daemon/meters/meter.h"
#include "base/clock.h"
#include "base/list.h"
#include "daemon/meters/counting.h"
#include "daemon/meters/meter_private.h"
#include <stdio.h>
#include <stdlib.h>

struct metrics_options meter_options(const struct conf *conf)
{
	const char *sources = conf_string(conf, "sources");

	return (struct metrics_options){
		.prefix = conf_string(conf, "metrics_prefix"), .profiles = conf_string(conf, "metrics_profiles"),
		.disabled = conf_string(conf, "metrics_disabled"), .attributes = conf_string(conf, "metrics_attributes"),
		.excluded = conf_string(conf, "metrics_excluded_attributes"), .labels = conf_string(conf, "metrics_labels"),
		.source_label = list_has(sources, "opencode") && list_has(sources, "claude"), .cost_scale = conf_number(conf, "cost_scale"),
	};
}

/* A sink that is paused waits for a person: wrong keys, most of all. */
static void sink_figures(struct spool *spool, const struct work *work, struct metrics *metrics)
{
	for (int sink = 0; sink < SINK_COUNT; sink++) {
		const char *pairs[] = { "sink", spool_sink_name((enum spool_sink)sink), NULL };
		struct buf value;
		struct err ignored;
		char fact[64];
		bool paused;

		if (sink != SINK_LANGFUSE && !(work->sinks & SPOOL_SINK_BIT(sink)))
			continue;
		snprintf(fact, sizeof fact, "%s%spaused", sink ? pairs[1] : "", sink ? "." : "");
		buf_init(&value, 1024);
		paused = spool_meta_get(spool, fact, &value, &ignored) == 0 && value.len > 0;
		buf_done(&value);
		metrics_gauge(metrics, "lfspool.sink.paused", "1", "Whether sending is paused, until the server takes it again.", pairs, paused);
	}
}

int64_t meter_start_ms(struct spool *spool)
{
	struct buf value;
	struct err ignored;
	int64_t ms = 0;

	buf_init(&value, 64);
	if (spool_meta_get(spool, COUNTING_START, &value, &ignored) == 0 && value.data)
		ms = strtoll(value.data, NULL, 10);
	buf_done(&value);
	return ms;
}

static int add_counter(void *context, const char *name, const char *label, int64_t value, struct err *err)
{
	(void)err;
	metrics_add(context, name, label, value);
	return 0;
}

static int figures(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err)
{
	struct spool_figures f;
	int64_t now_ms = clock_wall_ms();
	int rc = spool_figures(spool, &f, err);
	const struct { const char *name, *unit, *help; double value; } rows[] = {
		{ "lfspool.spool.size", "By", "Size of the spool.", (double)f.bytes },
		{ "lfspool.spool.limit", "By", "Cap of the spool.", (double)((uint64_t)conf_int(work->conf, "max_spool_mb") << 20) },
		{ "lfspool.spool.records", "{record}", "Records in the spool.", (double)f.records },
		{ "lfspool.spool.sessions", "{session}", "Sessions in the spool.", (double)f.sessions },
		{ "lfspool.spool.pending", "{observation}", "Observations that wait to be sent.", (double)f.pending },
		{ "lfspool.spool.in_flight", "{observation}", "Observations that are being sent.", (double)f.in_flight },
		{ "lfspool.spool.in_doubt", "{observation}", "Observations of which nobody knows whether they arrived.", (double)f.in_doubt },
		{ "lfspool.spool.dead", "{letter}", "Dead letters.", (double)f.dead },
		{ "lfspool.spool.oldest_pending", "s", "Age of the oldest observation that waits.",
		  f.oldest_pending_ms > 0 && now_ms > f.oldest_pending_ms ? (double)(now_ms - f.oldest_pending_ms) / 1000 : 0 },
		{ "lfspool.uptime", "s", "Time since the start.", (double)(clock_mono_ms() - work->started_mono_ms) / 1000 },
	};

	for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++)
		metrics_gauge(metrics, rows[i].name, rows[i].unit, rows[i].help, NULL, rows[i].value);
	return rc;
}

int meter_gauges(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err)
{
	int rc = figures(spool, work, metrics, err);

	if (rc == 0)
		sink_figures(spool, work, metrics);
	if (rc == 0)
		rc = meter_claude(spool, work, metrics, err);
	return rc == 0 && metrics_has_profile(metrics, "exporter") ? meter_agents(spool, work, metrics, err) : rc;
}

int meter_read(struct spool *spool, const struct work *work, struct metrics **ret, int64_t *ret_start_ms, struct err *err)
{
	struct metrics_options options = meter_options(work->conf);
	struct metrics *metrics = metrics_new(&options);
	int rc = spool_each_counter(spool, NULL, add_counter, metrics, err);

	if (rc == 0)
		rc = meter_gauges(spool, work, metrics, err);
	*ret_start_ms = meter_start_ms(spool);
	if (rc != 0) {
		metrics_free(metrics);
		return rc;
	}
	*ret = metrics;
	return 0;
}
