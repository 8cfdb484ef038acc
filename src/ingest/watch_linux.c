/* inotify; see watch.h. A directory that goes is forgotten, and can be added again. */
#include "ingest/watch.h"
#include "base/mem.h"
#include "base/system.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define MAX_DIRS 4096 /* what is beyond is looked at now and then */
#define TOLD (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct watched {
	char *dir;
	int id;    /* -1: not watched */
	bool mute; /* a file system that does not tell what others do */
};
struct watch {
	int fd;
	struct watched *dirs;
	unsigned count, cap;
	bool full;
};

/* NFS, SMB, 9p, FUSE: changes made elsewhere are not told. */
static bool is_mute(const char *dir)
{
	static const char *const mute[] = { "nfs", "cifs", "smb", "9p", "fuse" };
	const char *type = system_file_system(dir);

	for (size_t i = 0; type && i < sizeof mute / sizeof mute[0]; i++)
		if (strcmp(type, mute[i]) == 0)
			return true;
	return !type;
}

struct watch *watch_new(void)
{
	struct watch *watch = xcalloc(1, sizeof *watch);

	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	for (unsigned i = 0; i < watch->count; i++)
		free(watch->dirs[i].dir);
	free(watch->dirs);
	free(watch);
}

static struct watched *find(struct watch *watch, const char *dir)
{
	for (unsigned i = 0; i < watch->count; i++)
		if (strcmp(watch->dirs[i].dir, dir) == 0)
			return &watch->dirs[i];
	watch->full = watch->count == MAX_DIRS;
	if (watch->full)
		return NULL;
	if (watch->count == watch->cap) {
		watch->cap = watch->cap ? watch->cap * 2 : 8;
		watch->dirs = xrealloc(watch->dirs, watch->cap * sizeof *watch->dirs);
	}
	watch->dirs[watch->count] = (struct watched){ .dir = xstrdup(dir), .id = -1 };
	return &watch->dirs[watch->count++];
}

bool watch_add(struct watch *watch, const char *dir)
{
	struct watched *watched = find(watch, dir);

	if (!watched || watch->fd < 0)
		return false;
	if (watched->id < 0) {
		watched->id = inotify_add_watch(watch->fd, dir, TOLD);
		watched->mute = is_mute(dir);
	}
	return watched->id >= 0;
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

/* The directory itself went or moved: its path may mean another one soon. */
static void forget(struct watch *watch, int id)
{
	for (unsigned i = 0; i < watch->count; i++) {
		if (watch->dirs[i].id != id)
			continue;
		free(watch->dirs[i].dir);
		watch->dirs[i--] = watch->dirs[--watch->count];
	}
	(void)inotify_rm_watch(watch->fd, id);
}

static const char *dir_of(const struct watch *watch, int id)
{
	for (unsigned i = 0; i < watch->count; i++)
		if (watch->dirs[i].id == id)
			return watch->dirs[i].dir;
	return NULL;
}

static void look(struct watch *watch, const struct inotify_event *event, const char *name, watch_fn *fn, void *context)
{
	if (fn && (event->mask & IN_Q_OVERFLOW))
		fn(context, NULL, "");
	else if (fn && event->wd >= 0 && dir_of(watch, event->wd))
		fn(context, dir_of(watch, event->wd), name);
	if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
		forget(watch, event->wd);
}

bool watch_drain_each(struct watch *watch, watch_fn *fn, void *context)
{
	_Alignas(struct inotify_event) char events[16384];
	bool told = false;
	ssize_t n;

	while (watch->fd >= 0 && (n = read(watch->fd, events, sizeof events)) > 0) {
		told = true;
		for (char *p = events; p < events + n;) {
			struct inotify_event event;
			memcpy(&event, p, sizeof event);
			look(watch, &event, event.len ? p + sizeof event : "", fn, context);
			p += sizeof event + event.len;
		}
	}
	return told;
}

bool watch_drain(struct watch *watch)
{
	return watch_drain_each(watch, NULL, NULL);
}

bool watch_works(const struct watch *watch)
{
	for (unsigned i = 0; i < watch->count; i++)
		if (watch->dirs[i].id < 0 || watch->dirs[i].mute)
			return false;
	return watch->count > 0 && !watch->full;
}
