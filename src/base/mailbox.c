/* A ring of pointers under one mutex; two conditions, so that a put wakes no put. */
#include "base/mailbox.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct mailbox {
	pthread_mutex_t mutex; /* guards all below; no other lock is taken under it */
	pthread_cond_t not_empty, not_full;
	void **items;
	size_t capacity, first, count;
	bool closed;
};

static void init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
#ifndef __APPLE__
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct mailbox *mailbox_new(size_t capacity)
{
	struct mailbox *mailbox = xcalloc(1, sizeof(*mailbox));

	mailbox->capacity = capacity ? capacity : 1;
	mailbox->items = xcalloc(mailbox->capacity, sizeof(*mailbox->items));
	pthread_mutex_init(&mailbox->mutex, NULL);
	init_condition(&mailbox->not_empty);
	init_condition(&mailbox->not_full);
	return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	pthread_cond_destroy(&mailbox->not_full);
	pthread_cond_destroy(&mailbox->not_empty);
	pthread_mutex_destroy(&mailbox->mutex);
	free(mailbox->items);
	free(mailbox);
}

/* One wait, until deadline_ms of the monotonic clock (<0: for ever). False: the time is up. */
static bool wait_locked(struct mailbox *mailbox, pthread_cond_t *condition, int64_t deadline_ms)
{
	int64_t left_ms;
	struct timespec until;

	if (deadline_ms < 0)
		return pthread_cond_wait(condition, &mailbox->mutex) == 0;
	left_ms = deadline_ms - clock_mono_ms();
	if (left_ms <= 0)
		return false;
#ifdef __APPLE__
	until = (struct timespec){ left_ms / 1000, left_ms % 1000 * 1000000 };
	return pthread_cond_timedwait_relative_np(condition, &mailbox->mutex, &until) != EINVAL;
#else
	until = (struct timespec){ deadline_ms / 1000, deadline_ms % 1000 * 1000000 };
	return pthread_cond_timedwait(condition, &mailbox->mutex, &until) != EINVAL;
#endif
}

static int64_t deadline_of(int64_t timeout_ms)
{
	int64_t now_ms;

	if (timeout_ms < 0)
		return -1;
	now_ms = clock_mono_ms();
	return timeout_ms > INT64_MAX - now_ms ? -1 : now_ms + timeout_ms;
}

int mailbox_put(struct mailbox *mailbox, void *item, int64_t timeout_ms)
{
	int64_t deadline_ms = deadline_of(timeout_ms);
	int code = 0;

	pthread_mutex_lock(&mailbox->mutex);
	while (!mailbox->closed && mailbox->count == mailbox->capacity)
		if (!wait_locked(mailbox, &mailbox->not_full, deadline_ms))
			break;
	if (mailbox->closed) {
		code = LF_ECLOSED;
	} else if (mailbox->count == mailbox->capacity) {
		code = LF_EAGAIN;
	} else {
		mailbox->items[(mailbox->first + mailbox->count++) % mailbox->capacity] = item;
		pthread_cond_signal(&mailbox->not_empty);
	}
	pthread_mutex_unlock(&mailbox->mutex);
	return code;
}

int mailbox_take(struct mailbox *mailbox, void **items, size_t max, int64_t timeout_ms)
{
	int64_t deadline_ms = deadline_of(timeout_ms);
	int taken = 0;

	pthread_mutex_lock(&mailbox->mutex);
	while (!mailbox->closed && !mailbox->count)
		if (!wait_locked(mailbox, &mailbox->not_empty, deadline_ms))
			break;
	for (; mailbox->count && (size_t)taken < max; taken++) {
		items[taken] = mailbox->items[mailbox->first];
		mailbox->first = (mailbox->first + 1) % mailbox->capacity;
		mailbox->count--;
	}
	if (taken)
		pthread_cond_broadcast(&mailbox->not_full);
	/* The signal of a put wakes one taker; what this one leaves is for another. */
	if (mailbox->count)
		pthread_cond_signal(&mailbox->not_empty);
	if (!taken && mailbox->closed)
		taken = LF_ECLOSED;
	pthread_mutex_unlock(&mailbox->mutex);
	return taken;
}

void mailbox_close(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->mutex);
	mailbox->closed = true;
	pthread_cond_broadcast(&mailbox->not_empty);
	pthread_cond_broadcast(&mailbox->not_full);
	pthread_mutex_unlock(&mailbox->mutex);
}
