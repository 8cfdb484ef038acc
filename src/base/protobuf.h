/* Writes protobuf wire format into a buffer, and reads it: the few shapes that OTLP needs. */
#ifndef LF_BASE_PROTOBUF_H
#define LF_BASE_PROTOBUF_H
#include "base/buf.h"
#include <stdint.h>

#define PROTOBUF_MAX_DEPTH 12

struct protobuf {
	struct buf *out;
	size_t starts[PROTOBUF_MAX_DEPTH]; /* where the content of each open message begins */
	unsigned depth;
};

void protobuf_init(struct protobuf *protobuf, struct buf *out);
/* Zero is proto3's default and is left out. */
void protobuf_varint(struct protobuf *protobuf, unsigned field, uint64_t value);
void protobuf_fixed64(struct protobuf *protobuf, unsigned field, uint64_t value);
void protobuf_bytes(struct protobuf *protobuf, unsigned field, struct slice bytes);
/* The message { 1: key, 2: { 1: value } }, as its own opens and closes would write it. */
void protobuf_entry(struct protobuf *protobuf, unsigned field, struct slice key, struct slice value);
/* Also when it is zero: for fields of a oneof, and optional ones. */
void protobuf_varint_always(struct protobuf *protobuf, unsigned field, uint64_t value);
void protobuf_double(struct protobuf *protobuf, unsigned field, double value);
/* Items of a packed list, which is opened and closed like a message. */
void protobuf_packed64(struct protobuf *protobuf, uint64_t value);
void protobuf_packed_double(struct protobuf *protobuf, double value);
/* A nested message: everything until the matching close is its content. */
void protobuf_open(struct protobuf *protobuf, unsigned field);
void protobuf_close(struct protobuf *protobuf);

enum protobuf_wire { PROTOBUF_VARINT = 0, PROTOBUF_FIXED64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_FIXED32 = 5 };
struct protobuf_field {
	uint64_t number;
	unsigned wire;
	uint64_t value;      /* VARINT, FIXED64, FIXED32 */
	struct slice bytes;  /* BYTES */
};
/* Takes the next field off message: 1, or 0 at the end, or -1 when it is malformed (groups are). */
int protobuf_next(struct slice *message, struct protobuf_field *ret);

#endif
