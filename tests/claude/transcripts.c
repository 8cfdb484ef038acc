/*
 * transcripts make DIR SEED SESSIONS BYTES
 * transcripts play FROM TO SEED STEP_MS [first|derived]
 * See transcripts.h.
 */
#include "transcripts.h"
#include <stdlib.h>
#include <string.h>

uint64_t dice_next(struct dice *dice) /* splitmix64 */
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned dice_below(struct dice *dice, unsigned n)
{
	return (unsigned)(dice_next(dice) % n);
}

bool dice_percent(struct dice *dice, unsigned percent)
{
	return dice_below(dice, 100) < percent;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "make") == 0)
		return transcripts_make(argv[2], strtoull(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
	if ((argc == 6 || argc == 7) && strcmp(argv[1], "play") == 0)
		return transcripts_play(argv[2], argv[3], strtoull(argv[4], NULL, 10), (unsigned)strtoul(argv[5], NULL, 10), argv[6]);
	fprintf(stderr, "transcripts make DIR SEED SESSIONS BYTES\ntranscripts play FROM TO SEED STEP_MS [first|derived]\n");
	return 2;
}
