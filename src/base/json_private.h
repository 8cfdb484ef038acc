/* What the parts of the JSON code share. */
#ifndef LF_BASE_JSON_PRIVATE_H
#define LF_BASE_JSON_PRIVATE_H
#include "base/json.h"

/*
 * Looks at the sequence that begins at p, where p < end and *p >= 0x80: its length when it is valid,
 * else minus the number of bytes that one U+FFFD stands for (the maximal subpart of Unicode §3.9).
 */
int utf8_step(const char *p, const char *end);

/* Past the bytes that stand for themselves in a JSON string: all ASCII but quotes, backslashes and control characters. */
const char *json_skip_plain(const char *p, const char *end);

/* Whether json_escape() would write the escape of n bytes at p: it has one way to write a character. */
bool json_is_own_escape(const char *p, size_t n);

/*
 * Decodes the escape at *pos (a backslash), with a second \u when it completes a pair. Moves *pos
 * behind it, writes 1 to 4 bytes of UTF-8 and returns how many.
 */
size_t json_decode_escape(const char **pos, const char *end, char out[4]);

#endif
