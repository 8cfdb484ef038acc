/* Comma lists and "key=value,…" lists, as options have them; blanks round the items do not count. */
#ifndef LF_BASE_LIST_H
#define LF_BASE_LIST_H
#include "base/slice.h"

/* Takes the next item that is not empty off *text; false at the end. text may point to NULL. */
bool list_next(const char **text, struct slice *ret);
bool list_has(const char *list, const char *item);
/* Takes the next "key=value" off *text; cut at the first "=", trimmed; items without one are passed over. False at the end. */
bool list_pair_next(const char **text, struct slice *ret_key, struct slice *ret_value);

#endif
