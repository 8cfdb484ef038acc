/* What an answer means: one table, pure (design, Shipping: Verdicts). */
#ifndef LF_SHIP_VERDICT_H
#define LF_SHIP_VERDICT_H
#include "ship/http.h"

enum verdict {
	VERDICT_DELIVERED, VERDICT_PER_EVENT /* 207 */, VERDICT_BISECT /* 400 */, VERDICT_PAUSE /* 401, 403 */,
	VERDICT_HOLD /* 404, 405, 3xx, TLS refused: configuration */, VERDICT_HALVE /* 413 */, VERDICT_RETRY, VERDICT_IN_DOUBT
};
const char *verdict_name(enum verdict verdict);
enum verdict verdict_of(const struct http_answer *answer, bool sensible /* the body is what this API answers */);
/* Full-jitter backoff: attempt 1, 2, …; random in 0..1; honours retry_after_ms (<0: none) within an hour. */
int64_t backoff_ms(unsigned attempt, int64_t base_ms, int64_t max_ms, int64_t retry_after_ms, double random);

#endif
