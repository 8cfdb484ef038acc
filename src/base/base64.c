/* Base64 with padding, standard alphabet. */
#include "base/base64.h"
#include "base/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i += 3) {
		size_t n = in.len - i < 3 ? in.len - i : 3;
		uint32_t group = 0;
		char text[4];

		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (k < n ? (uint8_t)in.ptr[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			text[k] = k <= n ? alphabet[group >> (18 - 6 * k) & 63] : '=';
		(void)buf_append(out, text, sizeof(text));
	}
	return out->failed;
}

int base64_decode(struct slice in, struct buf *out)
{
	size_t padding = 0;

	if (in.len % 4 != 0)
		return LF_EINVAL;
	while (padding < 2 && in.len > padding && in.ptr[in.len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < in.len; i += 4) {
		size_t n = i + 4 == in.len ? 3 - padding : 3;
		uint32_t group = 0;

		for (size_t k = 0; k < 4; k++) {
			const char *at = k <= n ? memchr(alphabet, in.ptr[i + k], 64) : alphabet;

			if (!at)
				return LF_EINVAL;
			group = group << 6 | (uint32_t)(at - alphabet);
		}
		for (size_t k = 0; k < n; k++)
			(void)buf_char(out, (char)(group >> (16 - 8 * k) & 255));
	}
	return out->failed;
}
