/* Any text as a time or an age: no crash; a time that is read is written as one that reads the same, and no age lies in the future. */
#include "base/clock.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1795233553000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_time(struct slice input)
{
	int64_t ms, again;
	char text[32];

	if (clock_parse_iso(input, &ms) != 0)
		return;
	clock_format_iso(ms, text);
	if (clock_parse_iso(slice_of(text), &again) != 0 || again != ms)
		abort();
}

static void check_age(const char *text)
{
	int64_t age_ms;
	char words[32];

	if (clock_parse_age(text, NOW_MS, &age_ms) != 0)
		return;
	if (age_ms < 0)
		abort();
	clock_format_duration(age_ms, words);
	if (strlen(words) >= sizeof words)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1); /* as large as the text, for the sanitizer */

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_time((struct slice){ (const char *)data, size });
	check_age(text);
	free(text);
	return 0;
}
