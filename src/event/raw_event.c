/* Names of record kinds. */
#include "event/raw_event.h"

static const char *const kind_names[] = {
	[RECORD_SESSION] = "session",
	[RECORD_MESSAGE] = "message",
	[RECORD_PART] = "part",
	[RECORD_SIGNAL] = "signal",
};

#define KIND_COUNT (sizeof(kind_names) / sizeof(kind_names[0]))

const char *record_kind_name(enum record_kind kind)
{
	return (size_t)kind < KIND_COUNT ? kind_names[kind] : "?";
}

int record_kind_parse(struct slice name, enum record_kind *ret)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (slice_is(name, kind_names[i])) {
			*ret = (enum record_kind)i;
			return 0;
		}
	}
	return LF_EINVAL;
}
