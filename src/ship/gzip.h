/* Packs bytes with gzip. */
#ifndef LF_SHIP_GZIP_H
#define LF_SHIP_GZIP_H
#include "base/buf.h"
#include "base/err.h"

#define GZIP_MAX_BYTES (256u << 20)
/* Appends to out. */
int gzip_pack(struct slice body, struct buf *out, struct err *err);

#endif
