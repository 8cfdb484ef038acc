/*
 * Exponential histograms (base 2) as OpenTelemetry has them: bucket i of scale s holds what is above 2^(i / 2^s) and at most
 * 2^((i + 1) / 2^s). Observations are counted at one scale, and a coarser one is made of it where they spread too far.
 */
#ifndef LF_METRICS_EXPONENTIAL_H
#define LF_METRICS_EXPONENTIAL_H
#include <stddef.h>
#include <stdint.h>

#define EXPONENTIAL_SCALE 3
#define EXPONENTIAL_MAX_BUCKETS 160

/* The bucket of a value above 0, at EXPONENTIAL_SCALE. */
int32_t exponential_index(double value);

struct exponential_bucket {
	int32_t index;
	uint64_t count;
};
struct exponential {
	struct exponential_bucket *buckets; /* in no order */
	size_t used, cap;
	uint64_t zero;
};
void exponential_add(struct exponential *exponential, int32_t index, uint64_t count);
void exponential_done(struct exponential *exponential);
uint64_t exponential_count(const struct exponential *exponential);

struct exponential_dense {
	int32_t scale, offset;
	unsigned count;
	uint64_t buckets[EXPONENTIAL_MAX_BUCKETS];
};
void exponential_spread(const struct exponential *exponential, struct exponential_dense *ret);

#endif
