/* The table of facts and the bounds of their histograms. */
#include "metrics/fact.h"

/* What the OpenCode plugin has, and further up: its own bounds end at ten seconds. */
static const double tool_bounds[] = { 0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000, 30000, 60000, 120000, 300000, 600000, 1800000 };
static const double turn_bounds[] = { 0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000, 20000, 30000, 60000, 120000, 300000,
	                                  600000, 1200000, 1800000, 3600000, 7200000 };
static const double token_bounds[] = { 0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000, 25000, 50000, 100000, 250000, 500000,
	                                   1000000, 2500000, 5000000, 10000000, 25000000 };
static const double cost_bounds[] = { 0, 0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500 };
/* Those of the GenAI conventions. */
static const double call_bounds[] = { 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92 };
static const double call_token_bounds[] = { 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864 };

#define SUM(name) { name, FACT_SUM, 1, NULL, 0, false }
#define HISTOGRAM(name, scale, bounds) { name, FACT_HISTOGRAM, scale, bounds, sizeof(bounds) / sizeof(bounds)[0], false }
#define OWN(name, bounds) { name, FACT_HISTOGRAM, 1, bounds, sizeof(bounds) / sizeof(bounds)[0], true }
const struct fact facts[FACT_COUNT] = {
	[FACT_SESSIONS] = SUM("metric.sessions"),
	[FACT_TOKENS] = SUM("metric.tokens"),
	[FACT_COST] = { "metric.cost", FACT_SUM, 1 / PICO_PER_DOLLAR, NULL, 0, false },
	[FACT_MESSAGES] = SUM("metric.messages"),
	[FACT_CACHE] = SUM("metric.cache"),
	[FACT_LINES] = SUM("metric.lines"),
	[FACT_LINES_NOW] = { "metric.lines_now", FACT_UP_DOWN, 1, NULL, 0, false },
	[FACT_COMMITS] = SUM("metric.commits"),
	[FACT_PULL_REQUESTS] = SUM("metric.pull_requests"),
	[FACT_DECISIONS] = SUM("metric.decisions"),
	[FACT_RETRIES] = SUM("metric.retries"),
	[FACT_SUBTASKS] = SUM("metric.subtasks"),
	[FACT_ERRORS] = SUM("metric.errors"),
	[FACT_TOOL_MS] = HISTOGRAM("metric.tool_ms", 1, tool_bounds),
	[FACT_TURN_MS] = HISTOGRAM("metric.turn_ms", 1, turn_bounds),
	[FACT_TURN_TOKENS] = HISTOGRAM("metric.turn_tokens", 1, token_bounds),
	[FACT_TURN_COST] = HISTOGRAM("metric.turn_cost", 1 / PICO_PER_DOLLAR, cost_bounds),
	[FACT_CALL_MS] = HISTOGRAM("metric.call_ms", 0.001, call_bounds),
	[FACT_CALL_TOKENS] = HISTOGRAM("metric.call_tokens", 1, call_token_bounds),
	[FACT_FLUSH_MS] = OWN("metric.flush_ms", tool_bounds),
	[FACT_INGEST_MS] = OWN("metric.ingest_ms", tool_bounds),
};

/* A scale below 1 is the inverse of a whole number, by which the division is exact where the product is not. */
double fact_value(const struct fact *fact, int64_t value)
{
	return fact->scale < 1 ? (double)value / (1 / fact->scale) : (double)value * fact->scale;
}

unsigned fact_bucket(const struct fact *fact, int64_t value)
{
	double own = fact_value(fact, value);
	unsigned i = 0;

	while (i < fact->bound_count && own > fact->bounds[i])
		i++;
	return i;
}

#define PICO_DIGITS 12
#define MAX_POWER 40

/* The value of the digits, without their point, and how many of them stood behind it. */
static const char *read_digits(const char *p, const char *end, uint64_t *ret, int *ret_behind)
{
	bool point = false;

	*ret = 0;
	*ret_behind = 0;
	for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++) {
		if (*p == '.') {
			point = true;
		} else if (*ret < UINT64_MAX / 10 - 1) {
			*ret = *ret * 10 + (uint64_t)(*p - '0');
			*ret_behind += point;
		} else {
			*ret_behind -= !point; /* a digit too many: only its place counts */
		}
	}
	return p;
}

static int read_exponent(const char *p, const char *end)
{
	int value = 0, sign = 1;

	if (p == end || (*p != 'e' && *p != 'E'))
		return 0;
	if (++p < end && (*p == '+' || *p == '-'))
		sign = *p++ == '-' ? -1 : 1;
	for (; p < end && *p >= '0' && *p <= '9' && value < 1000; p++)
		value = value * 10 + (*p - '0');
	return sign * value;
}

int64_t fact_pico(struct slice digits)
{
	const char *end, *p;
	uint64_t value;
	int behind, power;

	if (digits.len == 0)
		return 0;
	end = digits.ptr + digits.len;
	p = read_digits(digits.ptr, end, &value, &behind); /* a negative price is none: 0 */
	power = PICO_DIGITS - behind + read_exponent(p, end);
	for (; power > 0 && power <= MAX_POWER && value <= INT64_MAX / 10; power--)
		value *= 10;
	if (value > INT64_MAX || (power > 0 && value > 0))
		return INT64_MAX;
	for (; power < -1 && value > 0; power++)
		value /= 10;
	return (int64_t)(power == -1 ? (value + 5) / 10 : value);
}
