/* Lists of header lines, "Name: value", that hold keys: wiped when they go. */
#ifndef LF_SHIP_HEADERS_H
#define LF_SHIP_HEADERS_H
#include "base/buf.h"
#include "base/err.h"

#define HEADERS_MAX 40

struct headers {
	char *lines[HEADERS_MAX + 1]; /* NULL-terminated */
	size_t count;
};

void headers_init(struct headers *headers);
void headers_done(struct headers *headers);
/* Another of the same name goes. LF_EINVAL for what is no name or holds control characters, and when there are too many; err does not say
 * the value. */
int headers_put(struct headers *headers, struct slice name, struct slice value, struct err *err);
/* "name=value,…", values percent-encoded; NULL is nothing. */
int headers_put_list(struct headers *headers, const char *list, struct err *err);
/* A JSON object whose values are texts, as a helper prints it. err says nothing of what is in it. */
int headers_put_json(struct headers *headers, struct slice json, struct err *err);
int headers_put_all(struct headers *headers, const struct headers *more, struct err *err);

#endif
