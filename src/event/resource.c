#include "event/resource.h"
#include "base/list.h"

#if defined __x86_64__
#define HOST_ARCH "x64" /* as the plugin's platform spells it */
#elif defined __aarch64__
#define HOST_ARCH "arm64"
#else
#define HOST_ARCH "unknown"
#endif
#if defined __APPLE__
#define OS_TYPE "darwin"
#elif defined __linux__
#define OS_TYPE "linux"
#else
#define OS_TYPE "unknown"
#endif

static bool given(const char *pairs, const char *wanted)
{
	struct slice key, value;

	while (list_pair_next(&pairs, &key, &value))
		if (slice_is(key, wanted))
			return true;
	return false;
}

void resource_each(const char *version, const char *instance, const char *pairs, resource_fn *fn, void *context)
{
	const struct { const char *key, *value; } defaults[] = {
		{ "service.name", "opencode" }, { "service.version", version }, { "service.instance.id", instance }, { "app.version", version }, { "os.type", OS_TYPE }, { "host.arch", HOST_ARCH },
	};
	const char *more = pairs;
	struct slice key, value;

	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if (defaults[i].value && !given(pairs, defaults[i].key))
			fn(context, slice_of(defaults[i].key), slice_of(defaults[i].value));
	while (list_pair_next(&more, &key, &value))
		fn(context, key, value);
}
