/* See syncing.h. */
#include "daemon/syncing.h"
#include <unistd.h>

void syncing_init(struct syncing *syncing, const struct spool *spool)
{
	*syncing = (struct syncing){ .fd = spool_log_open(spool) };
}

void syncing_done(struct syncing *syncing)
{
	if (syncing->fd >= 0)
		close(syncing->fd);
}

static void *sync_main(void *arg)
{
	struct syncing *syncing = arg;

	syncing->rc = spool_log_sync(syncing->fd, &syncing->err);
	return NULL;
}

void syncing_start(struct syncing *syncing)
{
	if (syncing->rc != 0)
		return;
	syncing->running = pthread_create(&syncing->thread, NULL, sync_main, syncing) == 0;
	if (!syncing->running)
		sync_main(syncing);
}

int syncing_end(struct syncing *syncing, struct err *err)
{
	if (syncing->running)
		pthread_join(syncing->thread, NULL);
	syncing->running = false;
	if (syncing->rc != 0)
		*err = syncing->err;
	return syncing->rc;
}
