/* Base64: keys in Basic authorization, cursors, byte values. */
#ifndef LF_BASE_BASE64_H
#define LF_BASE_BASE64_H
#include "base/buf.h"

int base64_encode(struct slice in, struct buf *out);
/* LF_EINVAL for anything but whole groups of the standard alphabet. */
int base64_decode(struct slice in, struct buf *out);

#endif
