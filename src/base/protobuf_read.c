/* Reads protobuf wire format; see protobuf.h. Bounded by what it is given. */
#include "base/protobuf.h"

static bool take_varint(struct slice *in, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 70 && in->len > 0; shift += 7) {
		uint8_t byte = (uint8_t)*in->ptr++;

		in->len--;
		if (shift == 63 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool take_fixed(struct slice *in, size_t n, uint64_t *ret)
{
	uint64_t value = 0;

	if (in->len < n)
		return false;
	for (size_t i = n; i > 0; i--)
		value = value << 8 | (uint8_t)in->ptr[i - 1];
	in->ptr += n;
	in->len -= n;
	*ret = value;
	return true;
}

static bool take_bytes(struct slice *in, struct slice *ret)
{
	uint64_t n;

	if (!take_varint(in, &n) || n > in->len)
		return false;
	*ret = (struct slice){ in->ptr, (size_t)n };
	in->ptr += n;
	in->len -= (size_t)n;
	return true;
}

int protobuf_next(struct slice *message, struct protobuf_field *ret)
{
	uint64_t tag;
	bool ok;

	if (message->len == 0)
		return 0;
	if (!take_varint(message, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return -1;
	*ret = (struct protobuf_field){ .number = tag >> 3, .wire = (unsigned)(tag & 7) };
	switch (ret->wire) {
	case PROTOBUF_VARINT: ok = take_varint(message, &ret->value); break;
	case PROTOBUF_FIXED64: ok = take_fixed(message, 8, &ret->value); break;
	case PROTOBUF_FIXED32: ok = take_fixed(message, 4, &ret->value); break;
	case PROTOBUF_BYTES: ok = take_bytes(message, &ret->bytes); break;
	default: ok = false;
	}
	return ok ? 1 : -1;
}
