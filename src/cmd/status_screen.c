/* The screen of status. Sinks, sources, reasons and rules are shown as the daemon lists them: a new one needs nothing here. */
#include "cmd/status_screen.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include <inttypes.h>

#define TITLE_COLUMNS 10
#define BAR_COLUMNS 20

struct screen {
	const struct json_doc *doc;
	int32_t status;
	const struct status_rates *rates;
	int64_t wall_ms;
	struct text_line line;
};

static int64_t number(const struct screen *screen, const char *path)
{
	return json_int(screen->doc, json_path(screen->doc, screen->status, path), 0);
}

static int32_t first_of(const struct json_doc *doc, int32_t node)
{
	return node == JSON_NONE ? JSON_NONE : doc->nodes[node].first;
}

static void put_text(struct screen *screen, enum text_look look, const char *before, int32_t node)
{
	struct buf text;

	buf_init(&text, 0);
	if (json_text(screen->doc, node, &text) == 0)
		text_line_put(&screen->line, look, before, buf_view(&text));
	buf_done(&text);
}

/* In a list: on the next line when there is not room for all of it on this one. */
static void put_whole(struct text_line *line, struct slice item)
{
	if (line->columns != TEXT_NO_LIMIT && line->used > TITLE_COLUMNS && line->used + 1 + text_columns(item) > line->columns) {
		text_line_end(line);
		text_line_to(line, TITLE_COLUMNS);
	}
	text_line_put(line, LOOK_PLAIN, line->used > TITLE_COLUMNS ? " " : "", item);
}

/* "12 words", dim when there are none of them. */
static void put_count(struct screen *screen, enum text_look look, int64_t count, const char *words)
{
	text_line_format(&screen->line, count ? look : LOOK_DIM, "%" PRId64 " %s", count, words);
}

static void gap(struct screen *screen)
{
	text_line_to(&screen->line, screen->line.used + 3);
}

static void title(struct screen *screen, const char *words)
{
	text_line_put(&screen->line, LOOK_BOLD, "", slice_of(words));
	text_line_to(&screen->line, TITLE_COLUMNS);
}

static enum text_look state_look(const struct json_doc *doc, int32_t state)
{
	static const struct { const char *state; enum text_look look; } rows[] = {
		{ "ok", LOOK_GREEN }, { "retrying", LOOK_YELLOW }, { "waiting", LOOK_YELLOW }, { "paused", LOOK_RED }, { "error", LOOK_RED },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (json_string_is(doc, state, rows[i].state))
			return rows[i].look;
	return LOOK_DIM;
}

/* What changes every second needs no tenths. */
static void format_age(int64_t ms, char out[32])
{
	if (ms < 60000)
		snprintf(out, 32, "%" PRId64 "s", ms > 0 ? ms / 1000 : 0);
	else
		clock_format_duration(ms, out);
}

static void draw_daemon(struct screen *screen)
{
	int64_t pid = number(screen, "pid");
	char up[32], now[32];

	text_line_put(&screen->line, LOOK_BOLD, "", SLICE("lfspool"));
	put_text(screen, LOOK_BOLD, " ", json_get(screen->doc, screen->status, "version"));
	if (pid > 0) {
		format_age(number(screen, "uptime_s") * 1000, up);
		text_line_format(&screen->line, LOOK_PLAIN, ", daemon pid %" PRId64 ", up %s", pid, up);
	} else {
		text_line_put(&screen->line, LOOK_YELLOW, "", SLICE(", no daemon running"));
	}
	put_text(screen, LOOK_PLAIN, ", mode ", json_get(screen->doc, screen->status, "mode"));
	clock_format_iso(screen->wall_ms, now);
	if (screen->rates && screen->line.columns > screen->line.used + 10) {
		text_line_to(&screen->line, screen->line.columns - 9);
		text_line_put(&screen->line, LOOK_DIM, "", (struct slice){ now + 11, 8 });
		text_line_put(&screen->line, LOOK_DIM, "", SLICE("Z"));
	}
	text_line_end(&screen->line);
}

static void draw_bar(struct screen *screen, uint64_t part, uint64_t whole)
{
	unsigned full = whole ? (unsigned)(((part < whole ? part : whole) * BAR_COLUMNS + whole - 1) / whole) : 0;
	enum text_look look = full * 10 >= BAR_COLUMNS * 9 ? LOOK_RED : full * 10 >= BAR_COLUMNS * 7 ? LOOK_YELLOW : LOOK_GREEN;

	for (unsigned i = 0; i < BAR_COLUMNS; i++)
		text_line_put(&screen->line, i < full ? look : LOOK_DIM, "", i < full ? SLICE("━") : SLICE("─"));
	text_line_to(&screen->line, screen->line.used + 1);
}

static void draw_spool(struct screen *screen)
{
	uint64_t bytes = (uint64_t)number(screen, "spool.bytes"), cap = (uint64_t)number(screen, "spool.max_bytes");
	char bytes_text[32], cap_text[32];

	cmd_format_bytes(bytes, bytes_text);
	cmd_format_bytes(cap, cap_text);
	text_line_end(&screen->line);
	title(screen, "Spool");
	put_text(screen, LOOK_PLAIN, "", json_path(screen->doc, screen->status, "spool.path"));
	text_line_end(&screen->line);
	text_line_to(&screen->line, TITLE_COLUMNS);
	if (screen->line.columns >= 60)
		draw_bar(screen, bytes, cap);
	text_line_format(&screen->line, LOOK_PLAIN, "%s of %s", bytes_text, cap_text);
	gap(screen);
	put_count(screen, LOOK_PLAIN, number(screen, "spool.records"), "records");
	gap(screen);
	put_count(screen, LOOK_PLAIN, number(screen, "spool.sessions"), "sessions");
	text_line_end(&screen->line);
}

static void draw_queue(struct screen *screen)
{
	static const struct { const char *path, *words; enum text_look look; } rows[] = {
		{ "spool.pending", "pending", LOOK_CYAN }, { "spool.in_flight", "in flight", LOOK_CYAN }, { "spool.in_doubt", "in doubt", LOOK_YELLOW },
		{ "spool.dead", "dead letters", LOOK_RED }, { "spool.delivered", "delivered", LOOK_GREEN },
	};
	char oldest[32];

	title(screen, "Queue");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (i)
			gap(screen);
		put_count(screen, rows[i].look, number(screen, rows[i].path), rows[i].words);
	}
	text_line_end(&screen->line);
	if (number(screen, "spool.pending") > 0) {
		format_age(number(screen, "spool.oldest_pending_s") * 1000, oldest);
		text_line_to(&screen->line, TITLE_COLUMNS);
		text_line_format(&screen->line, LOOK_PLAIN, "oldest pending: %s", oldest);
		text_line_end(&screen->line);
	}
}

static double newest(const struct status_rates *rates, unsigned which)
{
	return rates->kept ? rates->history[which][rates->kept - 1] : 0;
}

static void draw_history(struct screen *screen, const double *history, unsigned kept)
{
	static const char *const steps[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	double top = 1;

	for (unsigned i = 0; i < kept; i++)
		top = history[i] > top ? history[i] : top;
	for (unsigned i = 0; i < kept; i++)
		text_line_put(&screen->line, LOOK_CYAN, "", slice_of(steps[(unsigned)(history[i] / top * 7 + 0.5)]));
}

static void draw_rates(struct screen *screen)
{
	static const char *const words[RATES] = { [RATE_RECORDS] = "records/s", [RATE_DELIVERED] = "delivered/s" };

	if (!screen->rates)
		return;
	text_line_end(&screen->line);
	for (unsigned i = 0; i < RATES; i++) {
		title(screen, i ? "" : "Rates");
		text_line_format(&screen->line, LOOK_PLAIN, "%9.1f %-12s ", newest(screen->rates, i), words[i]);
		draw_history(screen, screen->rates->history[i], screen->rates->kept);
		text_line_end(&screen->line);
	}
}

static void draw_ago(struct screen *screen, const char *words, int64_t ms)
{
	char ago[32];

	if (ms <= 0)
		return;
	gap(screen);
	format_age(screen->wall_ms - ms, ago);
	text_line_format(&screen->line, LOOK_PLAIN, "%s %s ago", words, ago);
}

static bool says_something(const struct json_doc *doc, int32_t node)
{
	return json_type_of(doc, node) == JSON_STRING && json_raw(doc, node).len > 2;
}

/* The words of a failure have a line of their own. */
static void draw_words(struct screen *screen, enum text_look look, const char *before, int32_t node)
{
	if (!says_something(screen->doc, node))
		return;
	text_line_to(&screen->line, TITLE_COLUMNS);
	put_text(screen, look, before, node);
	text_line_end(&screen->line);
}

static void draw_state(struct screen *screen, int32_t row, unsigned width)
{
	unsigned column = screen->line.used;

	put_text(screen, LOOK_BOLD, "", json_get(screen->doc, row, "name"));
	text_line_to(&screen->line, column + width - 1);
	put_text(screen, state_look(screen->doc, json_get(screen->doc, row, "state")), " ", json_get(screen->doc, row, "state"));
	text_line_to(&screen->line, column + width + 8);
	text_line_put(&screen->line, LOOK_PLAIN, "", SLICE(" "));
}

static void draw_sink(struct screen *screen, int32_t sink)
{
	const struct json_doc *doc = screen->doc;
	bool well = json_string_is(doc, json_get(doc, sink, "state"), "ok");

	draw_state(screen, sink, 12);
	text_line_format(&screen->line, LOOK_PLAIN, "%" PRId64 " delivered   ", json_int(doc, json_get(doc, sink, "delivered"), 0));
	put_count(screen, LOOK_CYAN, json_int(doc, json_get(doc, sink, "pending"), 0), "pending");
	gap(screen);
	put_count(screen, LOOK_RED, json_int(doc, json_get(doc, sink, "dead"), 0), "dead");
	gap(screen);
	put_count(screen, LOOK_YELLOW, json_int(doc, json_get(doc, sink, "retries"), 0), "retries");
	draw_ago(screen, "last success", json_int(doc, json_get(doc, sink, "last_success_ms"), 0));
	text_line_end(&screen->line);
	if (says_something(doc, json_get(doc, sink, "endpoint"))) {
		text_line_to(&screen->line, TITLE_COLUMNS);
		put_text(screen, LOOK_DIM, "", json_get(doc, sink, "endpoint"));
		put_text(screen, LOOK_DIM, "  ", json_get(doc, sink, "api"));
		text_line_end(&screen->line);
	}
	draw_words(screen, well ? LOOK_DIM : LOOK_YELLOW, "", json_get(doc, sink, "reason"));
	if (!slice_equal(json_raw(doc, json_get(doc, sink, "reason")), json_raw(doc, json_get(doc, sink, "last_error"))))
		draw_words(screen, well ? LOOK_DIM : LOOK_RED, "last error: ", json_get(doc, sink, "last_error"));
}

/* What the agent counts itself, where it does. */
static void draw_figures(struct screen *screen, int32_t figures)
{
	const struct json_doc *doc = screen->doc;
	int64_t computed_ms = json_int(doc, json_get(doc, figures, "computed_ms"), 0);

	if (figures == JSON_NONE)
		return;
	text_line_to(&screen->line, TITLE_COLUMNS);
	put_text(screen, LOOK_DIM, "stats-cache.json ", json_get(doc, figures, "stats_cache"));
	if (json_string_is(doc, json_get(doc, figures, "stats_cache"), "stale"))
		draw_ago(screen, "computed", computed_ms);
	put_text(screen, LOOK_DIM, "   sessions-index.json ", json_get(doc, figures, "sessions_index"));
	text_line_end(&screen->line);
}

static void draw_source(struct screen *screen, int32_t source)
{
	const struct json_doc *doc = screen->doc;

	draw_state(screen, source, 12);
	text_line_format(&screen->line, LOOK_PLAIN, "%" PRId64 " records   %" PRId64 " events", json_int(doc, json_get(doc, source, "records"), 0),
	                 json_int(doc, json_get(doc, source, "events"), 0));
	draw_ago(screen, "last", json_int(doc, json_get(doc, source, "last_event_ms"), 0));
	text_line_end(&screen->line);
	draw_words(screen, state_look(doc, json_get(doc, source, "state")), "", json_get(doc, source, "error"));
	draw_figures(screen, json_get(doc, source, "figures"));
}

static void draw_map(struct screen *screen, const char *path)
{
	const struct json_doc *doc = screen->doc;
	struct buf name, item;
	int32_t row = first_of(doc, json_path(doc, screen->status, path));

	if (row == JSON_NONE)
		text_line_put(&screen->line, LOOK_DIM, "", SLICE("nothing"));
	buf_init(&name, 0);
	buf_init(&item, 0);
	for (; row != JSON_NONE; row = doc->nodes[row].next) {
		buf_clear(&name);
		buf_clear(&item);
		(void)json_unescape(doc->nodes[row].key, &name);
		text_put(buf_view(&name), TEXT_NO_LIMIT, &item);
		buf_format(&item, " %" PRId64 "%s", json_int(doc, row, 0), doc->nodes[row].next == JSON_NONE ? "" : ",");
		put_whole(&screen->line, buf_view(&item));
	}
	buf_done(&name);
	buf_done(&item);
	text_line_end(&screen->line);
}

static void draw_list(struct screen *screen, const char *key, void (*draw)(struct screen *screen, int32_t row))
{
	int32_t row = first_of(screen->doc, json_get(screen->doc, screen->status, key));

	if (row == JSON_NONE) {
		text_line_put(&screen->line, LOOK_DIM, "", SLICE("nothing was read yet"));
		text_line_end(&screen->line);
	}
	for (; row != JSON_NONE; row = screen->doc->nodes[row].next) {
		text_line_to(&screen->line, TITLE_COLUMNS);
		draw(screen, row);
	}
}

void status_screen(const struct json_doc *doc, int32_t status, const struct term *term, const struct status_rates *rates, int64_t wall_ms,
                   struct buf *out)
{
	struct screen screen = {
		.doc = doc, .status = status, .rates = rates, .wall_ms = wall_ms, .line = { .out = out, .columns = term->columns, .colour = term->colour },
	};
	static const struct { const char *title, *key; void (*draw)(struct screen *screen, int32_t row); } lists[] = {
		{ "Sinks", "sinks", draw_sink }, { "Sources", "sources", draw_source },
	};
	static const struct { const char *title, *path; } maps[] = { { "Dropped", "dropped" }, { "Redacted", "redacted.by_rule" } };

	draw_daemon(&screen);
	draw_spool(&screen);
	draw_queue(&screen);
	draw_rates(&screen);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		text_line_end(&screen.line);
		title(&screen, lists[i].title);
		draw_list(&screen, lists[i].key, lists[i].draw);
	}
	text_line_end(&screen.line);
	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		title(&screen, maps[i].title);
		draw_map(&screen, maps[i].path);
	}
}

void status_rates_add(struct status_rates *rates, const struct json_doc *doc, int32_t status, int64_t mono_ms)
{
	static const struct { const char *list, *key; } rows[RATES] = {
		[RATE_RECORDS] = { "sources", "records" }, [RATE_DELIVERED] = { "sinks", "delivered" },
	};
	bool first = rates->mono_ms == 0;
	double seconds = (double)(mono_ms - rates->mono_ms) / 1000;

	if (!first && rates->kept == RATES_KEPT) {
		for (unsigned i = 0; i < RATES; i++)
			memmove(rates->history[i], rates->history[i] + 1, (RATES_KEPT - 1) * sizeof rates->history[i][0]);
		rates->kept--;
	}
	for (unsigned i = 0; i < RATES; i++) {
		int64_t total = 0;
		for (int32_t row = first_of(doc, json_get(doc, status, rows[i].list)); row != JSON_NONE; row = doc->nodes[row].next)
			total += json_int(doc, json_get(doc, row, rows[i].key), 0);
		if (!first)
			rates->history[i][rates->kept] = total > rates->totals[i] && seconds > 0 ? (double)(total - rates->totals[i]) / seconds : 0;
		rates->totals[i] = total;
	}
	rates->kept += !first;
	rates->mono_ms = mono_ms;
}

/* Names and states come from a table of words; anything else would break the line's form. */
static void log_word(struct buf *out, const struct json_doc *doc, int32_t node)
{
	struct buf text;

	buf_init(&text, 256);
	if (json_text(doc, node, &text) == 0)
		for (size_t i = 0; i < text.len; i++)
			buf_char(out, strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", text.data[i]) ? text.data[i] : '_');
	buf_done(&text);
}

static void log_list(struct buf *out, const struct json_doc *doc, int32_t status, const char *list, const char *word, const char *count)
{
	for (int32_t row = first_of(doc, json_get(doc, status, list)); row != JSON_NONE; row = doc->nodes[row].next) {
		buf_format(out, " %s.", word);
		log_word(out, doc, json_get(doc, row, "name"));
		buf_char(out, '=');
		log_word(out, doc, json_get(doc, row, "state"));
		buf_format(out, " %s.", word);
		log_word(out, doc, json_get(doc, row, "name"));
		buf_format(out, ".%s=%" PRId64, count, json_int(doc, json_get(doc, row, count), 0));
	}
}

void status_log_line(const struct json_doc *doc, int32_t status, const struct status_rates *rates, int64_t wall_ms, struct buf *out)
{
	static const char *const keys[] = { "records", "sessions", "pending", "in_flight", "in_doubt", "dead", "delivered", "oldest_pending_s", "bytes" };
	int32_t spool = json_get(doc, status, "spool");
	char now[32];

	clock_format_iso(wall_ms, now);
	buf_format(out, "time=%s pid=%" PRId64, now, json_int(doc, json_get(doc, status, "pid"), 0));
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		buf_format(out, " %s=%" PRId64, keys[i], json_int(doc, json_get(doc, spool, keys[i]), 0));
	buf_format(out, " records_per_s=%.1f delivered_per_s=%.1f", newest(rates, RATE_RECORDS), newest(rates, RATE_DELIVERED));
	log_list(out, doc, status, "sinks", "sink", "delivered");
	log_list(out, doc, status, "sources", "source", "records");
	buf_char(out, '\n');
}
