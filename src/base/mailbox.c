/* A bounded queue between threads. One lock per mailbox; no other lock is ever taken under it. */
#include "base/mailbox.h"
#include "base/err.h"
#include "base/mem.h"
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	size_t capacity, first, count;
	bool closed;
	void *items[];
};

struct mailbox *mailbox_new(size_t capacity)
{
	struct mailbox *mailbox = xcalloc(1, sizeof *mailbox + capacity * sizeof(void *));
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&mailbox->lock, NULL);
	pthread_cond_init(&mailbox->filled, &attr);
	pthread_cond_init(&mailbox->emptied, &attr);
	pthread_condattr_destroy(&attr);
	mailbox->capacity = capacity;
	return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	pthread_mutex_destroy(&mailbox->lock);
	pthread_cond_destroy(&mailbox->filled);
	pthread_cond_destroy(&mailbox->emptied);
	free(mailbox);
}

static struct timespec deadline_after(int64_t timeout_ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(timeout_ms / 1000);
	ts.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	return ts;
}

/* Waits once under the lock; false when the deadline has passed. */
static bool wait_locked(struct mailbox *mailbox, pthread_cond_t *cond, int64_t timeout_ms, const struct timespec *deadline)
{
	if (timeout_ms < 0)
		return pthread_cond_wait(cond, &mailbox->lock) == 0;
	return pthread_cond_timedwait(cond, &mailbox->lock, deadline) != ETIMEDOUT;
}

int mailbox_put(struct mailbox *mailbox, void *item, int64_t timeout_ms)
{
	struct timespec deadline = deadline_after(timeout_ms < 0 ? 0 : timeout_ms);
	int rc = 0;

	pthread_mutex_lock(&mailbox->lock);
	while (!mailbox->closed && mailbox->count == mailbox->capacity)
		if (!wait_locked(mailbox, &mailbox->emptied, timeout_ms, &deadline))
			break;
	if (mailbox->closed) {
		rc = LF_ECLOSED;
	} else if (mailbox->count == mailbox->capacity) {
		rc = LF_EAGAIN;
	} else {
		mailbox->items[(mailbox->first + mailbox->count++) % mailbox->capacity] = item;
		pthread_cond_signal(&mailbox->filled);
	}
	pthread_mutex_unlock(&mailbox->lock);
	return rc;
}

int mailbox_take(struct mailbox *mailbox, void **items, size_t max, int64_t timeout_ms)
{
	struct timespec deadline = deadline_after(timeout_ms < 0 ? 0 : timeout_ms);
	int taken = 0;

	pthread_mutex_lock(&mailbox->lock);
	while (!mailbox->closed && mailbox->count == 0)
		if (!wait_locked(mailbox, &mailbox->filled, timeout_ms, &deadline))
			break;
	while (mailbox->count > 0 && (size_t)taken < max) {
		items[taken++] = mailbox->items[mailbox->first];
		mailbox->first = (mailbox->first + 1) % mailbox->capacity;
		mailbox->count--;
	}
	if (taken > 0)
		pthread_cond_broadcast(&mailbox->emptied);
	else if (mailbox->closed)
		taken = LF_ECLOSED;
	pthread_mutex_unlock(&mailbox->lock);
	return taken;
}

void mailbox_close(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	mailbox->closed = true;
	pthread_cond_broadcast(&mailbox->filled);
	pthread_cond_broadcast(&mailbox->emptied);
	pthread_mutex_unlock(&mailbox->lock);
}
