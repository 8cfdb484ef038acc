/* Buckets of exponential histograms; see exponential.h. */
#include "metrics/exponential.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PER_POWER (1 << EXPONENTIAL_SCALE)

/* Its neighbours differ by far more than the error of a logarithm, which this therefore does without. */
static const double steps[PER_POWER] = { /* 2^(i / 8) */
	1, 1.0905077326652577, 1.1892071150027210, 1.2968395546510096, 1.4142135623730951, 1.5422108254079407, 1.6817928305074290, 1.8340080864093424,
};

int32_t exponential_index(double value)
{
	int power, step = 0;
	double fraction = 2 * frexp(value, &power); /* 1 … 2 */

	while (step < PER_POWER && fraction > steps[step])
		step++;
	return (power - 1) * PER_POWER + step - 1;
}

void exponential_add(struct exponential *exponential, int32_t index, uint64_t count)
{
	for (size_t i = 0; i < exponential->used; i++) {
		if (exponential->buckets[i].index != index)
			continue;
		exponential->buckets[i].count += count;
		return;
	}
	if (exponential->used == exponential->cap) {
		exponential->cap = exponential->cap ? exponential->cap * 2 : 16;
		exponential->buckets = xrealloc(exponential->buckets, exponential->cap * sizeof *exponential->buckets);
	}
	exponential->buckets[exponential->used++] = (struct exponential_bucket){ index, count };
}

void exponential_done(struct exponential *exponential)
{
	free(exponential->buckets);
	*exponential = (struct exponential){ 0 };
}

uint64_t exponential_count(const struct exponential *exponential)
{
	uint64_t count = exponential->zero;

	for (size_t i = 0; i < exponential->used; i++)
		count += exponential->buckets[i].count;
	return count;
}

/* Half the scale: buckets 2i and 2i + 1 become i. */
static int32_t halve(int32_t index, unsigned times)
{
	int32_t width = (int32_t)(1u << times);

	return index >= 0 ? index / width : -((-index + width - 1) / width);
}

static unsigned halvings(int32_t low, int32_t high)
{
	unsigned times = 0;

	while (halve(high, times) - halve(low, times) >= EXPONENTIAL_MAX_BUCKETS)
		times++;
	return times;
}

void exponential_spread(const struct exponential *exponential, struct exponential_dense *ret)
{
	int32_t low = 0, high = 0;
	unsigned times;

	*ret = (struct exponential_dense){ .scale = EXPONENTIAL_SCALE };
	for (size_t i = 0; i < exponential->used; i++) {
		int32_t index = exponential->buckets[i].index;
		low = i == 0 || index < low ? index : low;
		high = i == 0 || index > high ? index : high;
	}
	if (exponential->used == 0)
		return;
	times = halvings(low, high);
	ret->scale -= (int32_t)times;
	ret->offset = halve(low, times);
	ret->count = (unsigned)(halve(high, times) - ret->offset) + 1;
	for (size_t i = 0; i < exponential->used; i++)
		ret->buckets[halve(exponential->buckets[i].index, times) - ret->offset] += exponential->buckets[i].count;
}
