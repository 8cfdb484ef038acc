/* See patience.h. */
#include "daemon/sources/patience.h"
#include "base/clock.h"
#include "base/log.h"
#include <time.h>

#define PAUSE_STEP_MS 50 /* so long it takes to see that the daemon stops */
#define RETRY_FIRST_MS 250
#define RETRY_LAST_MS 60000
#define COMPLAIN_EVERY_MS 60000

int patience_pace(struct patience *patience, const struct work *work, uint64_t values, struct err *err)
{
	int64_t now_ms = clock_mono_ms(), rate = conf_int(work->conf, "backfill_rate");

	if (patience->pace_mono_ms < now_ms)
		patience->pace_mono_ms = now_ms;
	patience->pace_mono_ms += (int64_t)values * 1000 / rate;
	while (!atomic_load(&work->stopping) && (now_ms = clock_mono_ms()) < patience->pace_mono_ms) {
		int64_t left_ms = patience->pace_mono_ms - now_ms, wait_ms = left_ms < PAUSE_STEP_MS ? left_ms : PAUSE_STEP_MS;
		nanosleep(&(struct timespec){ 0, (long)wait_ms * 1000000L }, NULL);
	}
	return atomic_load(&work->stopping) ? err_set(err, LF_ECLOSED, "the daemon is stopping") : 0;
}

int64_t patience_retry(struct patience *patience)
{
	patience->retry_ms = patience->retry_ms ? patience->retry_ms * 2 : RETRY_FIRST_MS;
	if (patience->retry_ms > RETRY_LAST_MS)
		patience->retry_ms = RETRY_LAST_MS;
	return patience->retry_ms;
}

void patience_reset(struct patience *patience)
{
	patience->retry_ms = 0;
}

void patience_complain(struct patience *patience, bool before, int code, const struct err *err)
{
	int64_t now_ms = clock_mono_ms();

	if (before && now_ms - patience->complained_mono_ms <= COMPLAIN_EVERY_MS)
		return;
	patience->complained_mono_ms = now_ms;
	log_event(LOG_LEVEL_ERROR, "source.failed", "code=%d error=\"%s\"", code, err->text);
}
