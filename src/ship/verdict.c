/* What an answer means: the table of statuses, and how long to wait. Pure. */
#include "ship/verdict.h"

#define HONOURED_RETRY_AFTER_MS (60 * 60 * 1000)

static const char *const names[] = {
	[VERDICT_DELIVERED] = "delivered", [VERDICT_PER_EVENT] = "per-event", [VERDICT_BISECT] = "bisect",
	[VERDICT_PAUSE] = "pause", [VERDICT_HOLD] = "hold", [VERDICT_HALVE] = "halve", [VERDICT_RETRY] = "retry",
	[VERDICT_IN_DOUBT] = "in-doubt",
};

/* The first row that has the status counts. */
static const struct {
	long from, to;
	enum verdict verdict;
	bool needs_body; /* holds only with a whole and sensible body; else the outcome is in doubt */
} rows[] = {
	{ 207, 207, VERDICT_PER_EVENT, true },
	{ 200, 299, VERDICT_DELIVERED, true },
	{ 300, 399, VERDICT_HOLD, false },  /* never followed: the keys would go along */
	{ 400, 400, VERDICT_BISECT, false },
	{ 401, 401, VERDICT_PAUSE, false },
	{ 403, 403, VERDICT_PAUSE, false },
	{ 408, 408, VERDICT_RETRY, false },
	{ 413, 413, VERDICT_HALVE, false },
	{ 422, 422, VERDICT_BISECT, false },
	{ 425, 425, VERDICT_RETRY, false },
	{ 429, 429, VERDICT_RETRY, false },
	{ 400, 499, VERDICT_HOLD, false },  /* 404, 405 and others: a wrong host or server; keep everything */
	{ 500, 599, VERDICT_RETRY, false },
};

const char *verdict_name(enum verdict verdict)
{
	return (size_t)verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "unknown";
}

enum verdict verdict_of(const struct http_answer *answer, bool sensible)
{
	if (answer->tls_config_error)
		return VERDICT_HOLD;
	if (answer->status == 0)
		return answer->phase == HTTP_NOT_SENT ? VERDICT_RETRY : VERDICT_IN_DOUBT;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (answer->status < rows[i].from || answer->status > rows[i].to)
			continue;
		if (rows[i].needs_body && (!sensible || answer->cut || answer->phase != HTTP_ANSWERED))
			return VERDICT_IN_DOUBT;
		return rows[i].verdict;
	}
	return VERDICT_IN_DOUBT;
}

int64_t backoff_ms(unsigned attempt, int64_t base_ms, int64_t max_ms, int64_t retry_after_ms, double random)
{
	int64_t ceiling = base_ms < 1 ? 1 : base_ms, wait;

	for (unsigned i = 1; i < attempt && ceiling < max_ms; i++)
		ceiling *= 2;
	if (ceiling > max_ms)
		ceiling = max_ms;
	wait = (int64_t)((double)ceiling * random);
	if (retry_after_ms > HONOURED_RETRY_AFTER_MS)
		retry_after_ms = HONOURED_RETRY_AFTER_MS;
	return wait < retry_after_ms ? retry_after_ms : wait;
}
