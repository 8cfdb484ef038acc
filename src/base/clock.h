/* Wall and monotonic time in ms, CPU time, and ISO 8601. */
#ifndef LF_BASE_CLOCK_H
#define LF_BASE_CLOCK_H
#include "base/slice.h"
#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
/* CPU time of this thread. */
int64_t clock_cpu_ns(void);
/* CPU time of all threads. */
int64_t clock_process_ns(void);
/* Many times cheaper to ask than the CPU time. */
int64_t clock_mono_ns(void);
/* "2026-11-21T05:13:25.133Z"; out holds at least 25 bytes. */
void clock_format_iso(int64_t ms, char out[32]);
/* Reads ISO 8601 with Z or an offset, fraction of any length. 0 or LF_EINVAL. */
int clock_parse_iso(struct slice text, int64_t *ret_ms);
/* AGE: a number with s, m, h, d or w, or a date (YYYY-MM-DD[THH:MM:SSZ]): ms before now. */
int clock_parse_age(const char *text, int64_t now_ms, int64_t *ret_age_ms);
/* "850ms", "4.2s", "3m05s", "2h10m", "5d": for people. */
void clock_format_duration(int64_t ms, char out[32]);

#endif
