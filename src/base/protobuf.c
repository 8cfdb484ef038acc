/*
 * Protobuf wire format. A nested message's length stands before it, and is known only at its end: one
 * byte is kept free, and a longer length moves the content up. Lengths are therefore minimal and the
 * bytes are deterministic. A failed buffer makes every call a no-op.
 */
#include "base/protobuf.h"

#define WIRE_VARINT 0U
#define WIRE_FIXED64 1U
#define WIRE_BYTES 2U
#define VARINT_MAX 10

void protobuf_init(struct protobuf *protobuf, struct buf *out)
{
	protobuf->out = out;
	protobuf->depth = 0;
}

static size_t encode_varint(uint64_t value, char *out)
{
	size_t n = 0;

	while (value >= 0x80) {
		out[n++] = (char)((value & 0x7f) | 0x80);
		value >>= 7;
	}
	out[n++] = (char)value;
	return n;
}

static void put_varint(struct buf *out, uint64_t value)
{
	char bytes[VARINT_MAX];

	buf_append(out, bytes, encode_varint(value, bytes));
}

static void put_tag(struct buf *out, unsigned field, unsigned wire)
{
	put_varint(out, (uint64_t)field << 3 | wire);
}

void protobuf_varint(struct protobuf *protobuf, unsigned field, uint64_t value)
{
	if (value == 0)
		return;
	put_tag(protobuf->out, field, WIRE_VARINT);
	put_varint(protobuf->out, value);
}

void protobuf_varint_always(struct protobuf *protobuf, unsigned field, uint64_t value)
{
	put_tag(protobuf->out, field, WIRE_VARINT);
	put_varint(protobuf->out, value);
}

void protobuf_packed64(struct protobuf *protobuf, uint64_t value)
{
	char bytes[8];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(value >> (8 * i) & 0xff);
	buf_append(protobuf->out, bytes, sizeof(bytes));
}

void protobuf_packed_double(struct protobuf *protobuf, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	protobuf_packed64(protobuf, bits);
}

void protobuf_fixed64(struct protobuf *protobuf, unsigned field, uint64_t value)
{
	if (value == 0)
		return;
	put_tag(protobuf->out, field, WIRE_FIXED64);
	protobuf_packed64(protobuf, value);
}

void protobuf_double(struct protobuf *protobuf, unsigned field, double value)
{
	put_tag(protobuf->out, field, WIRE_FIXED64);
	protobuf_packed_double(protobuf, value);
}

static char *write_head(char *to, unsigned field, size_t n)
{
	to += encode_varint((uint64_t)field << 3 | WIRE_BYTES, to);
	return to + encode_varint(n, to);
}

static char *write_bytes(char *to, unsigned field, struct slice bytes)
{
	to = write_head(to, field, bytes.len);
	if (bytes.len)
		memcpy(to, bytes.ptr, bytes.len);
	return to + bytes.len;
}

static size_t varint_size(uint64_t value)
{
	size_t n = 1;

	for (; value >= 0x80; value >>= 7)
		n++;
	return n;
}

static size_t bytes_size(unsigned field, size_t n)
{
	return varint_size((uint64_t)field << 3) + varint_size(n) + n;
}

static void wrote(struct buf *out, char *end)
{
	*end = '\0';
	out->len = (size_t)(end - out->data);
}

void protobuf_bytes(struct protobuf *protobuf, unsigned field, struct slice bytes)
{
	char *to = buf_reserve(protobuf->out, bytes_size(field, bytes.len));

	if (to)
		wrote(protobuf->out, write_bytes(to, field, bytes));
}

void protobuf_entry(struct protobuf *protobuf, unsigned field, struct slice key, struct slice value)
{
	size_t inner = bytes_size(1, value.len), n = bytes_size(1, key.len) + bytes_size(2, inner);
	char *to = buf_reserve(protobuf->out, bytes_size(field, n));

	if (!to)
		return;
	to = write_bytes(write_head(to, field, n), 1, key);
	wrote(protobuf->out, write_bytes(write_head(to, 2, inner), 1, value));
}

void protobuf_open(struct protobuf *protobuf, unsigned field)
{
	put_tag(protobuf->out, field, WIRE_BYTES);
	buf_char(protobuf->out, '\0');
	if (protobuf->depth < PROTOBUF_MAX_DEPTH)
		protobuf->starts[protobuf->depth] = protobuf->out->len;
	protobuf->depth++;
}

void protobuf_close(struct protobuf *protobuf)
{
	static const char zeros[VARINT_MAX];
	struct buf *out = protobuf->out;
	char length[VARINT_MAX];
	size_t start, content, extra;

	if (protobuf->depth == 0 || --protobuf->depth >= PROTOBUF_MAX_DEPTH || out->failed)
		return;
	start = protobuf->starts[protobuf->depth];
	content = out->len - start;
	extra = encode_varint(content, length) - 1;
	if (extra > 0) {
		if (buf_append(out, zeros, extra) != 0)
			return;
		memmove(out->data + start + extra, out->data + start, content);
	}
	memcpy(out->data + start - 1, length, extra + 1);
}
