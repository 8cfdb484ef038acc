/* Names of record kinds. */
#include "event/raw_event.h"

static const char *const names[] = { "session", "message", "part", "signal" };

const char *record_kind_name(enum record_kind kind)
{
	return names[kind];
}

int record_kind_parse(struct slice name, enum record_kind *ret)
{
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (slice_is(name, names[i])) {
			*ret = (enum record_kind)i;
			return 0;
		}
	return LF_EINVAL;
}
