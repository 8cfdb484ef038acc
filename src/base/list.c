#include "base/list.h"

static struct slice trim(struct slice s)
{
	while (s.len > 0 && s.ptr[0] == ' ')
		s = (struct slice){ s.ptr + 1, s.len - 1 };
	while (s.len > 0 && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

bool list_next(const char **text, struct slice *ret)
{
	while (*text && **text) {
		size_t n = strcspn(*text, ",");

		*ret = trim((struct slice){ *text, n });
		*text += n;
		*text += **text == ',';
		if (ret->len > 0)
			return true;
	}
	return false;
}

bool list_has(const char *list, const char *item)
{
	struct slice own;

	while (list_next(&list, &own))
		if (slice_is(own, item))
			return true;
	return false;
}

bool list_pair_next(const char **text, struct slice *ret_key, struct slice *ret_value)
{
	struct slice item;

	while (list_next(text, &item)) {
		const char *eq = memchr(item.ptr, '=', item.len);
		if (!eq || eq == item.ptr)
			continue;
		*ret_key = trim((struct slice){ item.ptr, (size_t)(eq - item.ptr) });
		*ret_value = trim((struct slice){ eq + 1, (size_t)(item.ptr + item.len - eq - 1) });
		return true;
	}
	return false;
}
