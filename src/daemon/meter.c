/* Counters, figures and sessions -> metrics; see meter.h. */
#include "daemon/meter.h"
#include "base/clock.h"
#include "base/json.h"
#include "daemon/counting.h"
#include <stdio.h>
#include <stdlib.h>

#define TITLE_MAX_BYTES 100

struct metrics_options meter_options(const struct conf *conf)
{
	return (struct metrics_options){
		.prefix = conf_string(conf, "metrics_prefix"), .profiles = conf_string(conf, "metrics_profiles"),
		.disabled = conf_string(conf, "metrics_disabled"), .attributes = conf_string(conf, "metrics_attributes"),
		.excluded = conf_string(conf, "metrics_excluded_attributes"), .labels = conf_string(conf, "metrics_labels"),
		.cost_scale = conf_number(conf, "cost_scale"),
	};
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

/* ---- sessions, for the names of the exporters ---- */

struct sessions {
	struct metrics *metrics;
	int64_t since_ms;
	double active;
};

static void session_info(struct metrics *metrics, const struct spool_session_row *row)
{
	char id[128], source[64], title[TITLE_MAX_BYTES + 1] = "";
	const char *pairs[] = { "session_id", id, "source", source, "title", title, NULL };
	struct slice cut = json_utf8_cut(row->title, TITLE_MAX_BYTES);

	snprintf(id, sizeof id, "%.*s", (int)row->id.len, row->id.ptr);
	snprintf(source, sizeof source, "%.*s", (int)row->source.len, row->source.ptr);
	if (metrics_has_label(metrics, "title"))
		snprintf(title, sizeof title, "%.*s", (int)cut.len, cut.ptr ? cut.ptr : "");
	else
		pairs[4] = NULL;
	metrics_gauge(metrics, "opencode.session.info", "1", "Sessions in the spool.", pairs, 1);
}

static int see_session(void *context, const struct spool_session_row *row, struct err *err)
{
	struct sessions *sessions = context;

	(void)err;
	sessions->active += row->last_ms >= sessions->since_ms;
	if (metrics_has_label(sessions->metrics, "session"))
		session_info(sessions->metrics, row);
	return 0;
}

int meter_gauges(struct spool *spool, const struct work *work, struct metrics *metrics, struct err *err)
{
	struct sessions sessions = { .metrics = metrics, .since_ms = clock_wall_ms() - work->stale_after_ms };
	int rc = figures(spool, work, metrics, err);

	if (rc != 0 || !metrics_has_profile(metrics, "exporter"))
		return rc;
	rc = spool_each_session(spool, see_session, &sessions, err);
	metrics_gauge(metrics, "opencode.session.active", "1", "Sessions in which something happened within stale_after.", NULL, sessions.active);
	return rc;
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
