/*
 * Where no head is: between two neighbouring keys of a source. Agents make ids that grow, so most keys that come are between the one
 * before and the same neighbour as that one: then the file need not be asked whether it knows them. Only the one writer makes heads;
 * it fills a gap when it makes one, and forgets all of them when heads come back in other ways.
 */
#include "spool_internal.h"

#define KEY_BYTES 200 /* of those that are remembered */

static bool is_inside(const struct gap *gap, struct slice source, struct slice key)
{
	return gap->open && slice_equal(source, buf_view(&gap->source)) && slice_compare(key, buf_view(&gap->low)) > 0 &&
	       (gap->endless || slice_compare(key, buf_view(&gap->high)) < 0);
}

/* The one that was of use last comes first. */
static void to_front(struct spool *spool, unsigned i)
{
	struct gap gap = spool->gaps[i];

	memmove(spool->gaps + 1, spool->gaps, i * sizeof gap);
	spool->gaps[0] = gap;
}

bool gap_has(struct spool *spool, struct slice source, struct slice key)
{
	for (unsigned i = 0; i < GAPS; i++)
		if (is_inside(&spool->gaps[i], source, key)) {
			if (i > 0)
				to_front(spool, i);
			return true;
		}
	return false;
}

static bool set(struct buf *buf, struct slice value)
{
	buf_clear(buf);
	return buf_slice(buf, value) == 0;
}

void gap_fill(struct spool *spool, struct slice source, struct slice key)
{
	for (unsigned i = 0; i < GAPS; i++) {
		struct gap *gap = &spool->gaps[i];
		if (!is_inside(gap, source, key))
			continue;
		gap->open = key.len <= KEY_BYTES && set(&gap->low, key);
	}
}

/* The neighbour in the file, or one that is to be written yet. */
static struct slice nearest(const struct fresh *fresh, struct slice source, struct slice low, struct slice high)
{
	for (unsigned i = 0; i < fresh->count; i++) {
		const struct clean_record_view *view = &fresh->rows[i].view;
		if (slice_compare(view->key, low) > 0 && (!high.ptr || slice_compare(view->key, high) < 0) && slice_equal(view->source, source))
			high = view->key;
	}
	return high;
}

void gap_note(struct spool *spool, struct slice source, struct slice low, struct slice high)
{
	struct gap *gap = &spool->gaps[GAPS - 1];

	high = nearest(&spool->fresh, source, low, high);
	if (source.len > KEY_BYTES || low.len > KEY_BYTES || high.len > KEY_BYTES)
		return;
	gap->endless = !high.ptr;
	gap->open = set(&gap->source, source) && set(&gap->low, low) && set(&gap->high, high);
	to_front(spool, GAPS - 1);
}

void gap_forget(struct spool *spool)
{
	for (unsigned i = 0; i < GAPS; i++)
		spool->gaps[i].open = false;
}

void gap_done(struct spool *spool)
{
	for (unsigned i = 0; i < GAPS; i++) {
		buf_done(&spool->gaps[i].source);
		buf_done(&spool->gaps[i].low);
		buf_done(&spool->gaps[i].high);
	}
}
