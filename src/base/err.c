/* Errors in words. */
#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

int err_prefix(struct err *err, const char *format, ...)
{
	struct err old;
	va_list args;
	size_t used, room;

	if (!err)
		return LF_EINVAL;
	old = *err;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	room = sizeof(err->text) - used;
	snprintf(err->text + used, room, ": %.*s", (int)sizeof(old.text), old.text);
	return err->code;
}
