/* What `lfspool status` shows of the daemon's answer: as a screen for people, or as one line for a log. Pure. */
#ifndef LF_CMD_STATUS_SCREEN_H
#define LF_CMD_STATUS_SCREEN_H
#include "base/json.h"
#include "cmd/term.h"

enum { RATE_RECORDS, RATE_DELIVERED, RATES };
#define RATES_KEPT 32

/* How fast things go, from one look to the next. All zero: no look was taken yet. */
struct status_rates {
	int64_t mono_ms, totals[RATES];
	double history[RATES][RATES_KEPT]; /* per second, the newest last */
	unsigned kept;
};
/* Takes the totals of a look at mono_ms. */
void status_rates_add(struct status_rates *rates, const struct json_doc *doc, int32_t status, int64_t mono_ms);

/* status: the node of the answer's object. rates: NULL where only one look is taken. Appends lines; none is wider than the screen. */
void status_screen(const struct json_doc *doc, int32_t status, const struct term *term, const struct status_rates *rates, int64_t wall_ms,
                   struct buf *out);
/* "time=… records=… …" and a newline. */
void status_log_line(const struct json_doc *doc, int32_t status, const struct status_rates *rates, int64_t wall_ms, struct buf *out);

#endif
