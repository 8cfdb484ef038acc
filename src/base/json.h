/*
 * JSON (RFC 8259): a strict pull tokenizer over bytes that are not copied, an index of a parsed
 * document, and a writer. No recursion on depth. Strict: valid UTF-8 (no overlongs, no encoded
 * surrogates), no raw control characters, no trailing comma, the number grammar; one value.
 * "\u0000" and lone surrogate escapes are legal JSON and pass; unescaping a lone surrogate
 * yields U+FFFD.
 */
#ifndef LF_BASE_JSON_H
#define LF_BASE_JSON_H
#include "base/buf.h"
#include "base/err.h"
#include <stdint.h>

#define JSON_MAX_DEPTH 512

enum json_type {
	JSON_END,  /* of the input */
	JSON_BAD,  /* reader.error says why, reader.pos where */
	JSON_OBJECT, JSON_OBJECT_CLOSE,
	JSON_ARRAY, JSON_ARRAY_CLOSE,
	JSON_KEY,  /* raw with quotes; the colon is consumed */
	JSON_STRING, /* raw with quotes */
	JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL
};

struct json_token {
	enum json_type type;
	struct slice raw;   /* bytes in the input */
	bool escaped;       /* KEY and STRING: has a backslash */
	bool canonical;     /* KEY and STRING: json_escape() makes the same of its text, so it can be copied as it is */
};

struct json_reader {
	const char *base, *pos, *end;
	const char *error;  /* NULL, or a static text */
	unsigned depth, max_depth;
	int state;          /* private */
	uint64_t kinds[JSON_MAX_DEPTH / 64]; /* private: one bit a level, object or array */
};

/* max_depth: 0 or more than JSON_MAX_DEPTH means JSON_MAX_DEPTH. */
void json_reader_init(struct json_reader *reader, struct slice input, unsigned max_depth);
enum json_type json_next(struct json_reader *reader, struct json_token *ret);

/* Appends the text of a raw string token ("…" with quotes); the buffer must have room for raw.len. 0 or its failure. */
int json_unescape(struct slice raw, struct buf *out);
/* Appends text as a JSON string with quotes; invalid UTF-8 becomes U+FFFD. */
int json_escape(struct slice text, struct buf *out);
/* Length of the longest valid UTF-8 prefix. */
size_t json_utf8_valid(struct slice text);
/* Cuts text to at most max_bytes on a character boundary. */
struct slice json_utf8_cut(struct slice text, size_t max_bytes);

/*
 * A parsed document: nodes in document order over the input, which must outlive it.
 * Node 0 is the top value. Missing things are JSON_NONE, and every getter takes JSON_NONE.
 */
#define JSON_NONE (-1)
struct json_node {
	struct slice raw;    /* the whole value; strings with quotes */
	struct slice key;    /* raw with quotes; len 0 in arrays and at the top */
	int32_t next;        /* sibling or JSON_NONE */
	int32_t first;       /* child or JSON_NONE */
	uint32_t keys;       /* private, of an object: one bit for every key that may be in it */
	uint8_t type;        /* enum json_type: OBJECT ARRAY STRING NUMBER TRUE FALSE NULL */
	bool repeats;        /* private, of an object: two of its keys share a bit, and may be the same */
	bool escaped;        /* the key has a backslash */
	bool canonical;      /* a string that json_escape() makes of its text, too: it can be copied as it is */
};
struct json_doc {
	struct json_node *nodes;
	int32_t count, cap;
	struct buf scratch;  /* private */
};
void json_doc_init(struct json_doc *doc);
void json_doc_done(struct json_doc *doc);
/* Parses (again); the document may be reused. LF_EINVAL with reason and byte offset, or LF_ELIMIT
 * beyond max_nodes (0: 4,000,000). */
int json_parse(struct json_doc *doc, struct slice input, int32_t max_nodes, struct err *err);
int32_t json_member(const struct json_doc *doc, int32_t object, struct slice key); /* last duplicate wins */
/* Of the bits of json_node.keys: a key's, without quotes and escapes. */
static inline uint32_t json_key_bit(const char *key, size_t n)
{
	return n ? UINT32_C(1) << (((uint8_t)key[0] * 3u + (uint8_t)key[n - 1] + n * 5u) & 31) : 1;
}
/* Here, so that all about a key that is written down is known to the compiler: most that are looked for are not there. */
static inline int32_t json_get(const struct json_doc *doc, int32_t object, const char *key)
{
	struct slice name = slice_of(key);

	if (object < 0 || object >= doc->count || !(doc->nodes[object].keys & json_key_bit(name.ptr, name.len)))
		return JSON_NONE;
	return json_member(doc, object, name);
}
int32_t json_path(const struct json_doc *doc, int32_t object, const char *dotted); /* "a.b.c" */
enum json_type json_type_of(const struct json_doc *doc, int32_t node); /* JSON_END for JSON_NONE */
struct slice json_raw(const struct json_doc *doc, int32_t node);       /* SLICE_NONE if missing */
bool json_string_is(const struct json_doc *doc, int32_t node, const char *text);
bool json_key_is(const struct json_doc *doc, int32_t node, const char *text);
/* Appends the unescaped text of a string node. LF_ENOENT when it is no string. */
int json_text(const struct json_doc *doc, int32_t node, struct buf *out);
/* The unescaped text, NUL-terminated on the heap; NULL when no string, longer than max_bytes or with a NUL. */
char *json_strdup(const struct json_doc *doc, int32_t node, size_t max_bytes);
int64_t json_time_ms(const struct json_doc *doc, int32_t node); /* of ISO 8601 text; 0 when it is none */
int64_t json_int(const struct json_doc *doc, int32_t node, int64_t fallback); /* 1e3 and 5.0 count; clamps */
double json_double(const struct json_doc *doc, int32_t node, double fallback);
bool json_bool(const struct json_doc *doc, int32_t node, bool fallback);

/* A writer that places commas and colons. Output goes to a buffer whose failure is sticky. */
struct json_writer {
	struct buf *out;
	unsigned depth;
	uint64_t has_items[JSON_MAX_DEPTH / 64 + 1];
	bool after_key;
};
void json_writer_init(struct json_writer *writer, struct buf *out);
void jw_object(struct json_writer *writer);
void jw_object_close(struct json_writer *writer);
void jw_array(struct json_writer *writer);
void jw_array_close(struct json_writer *writer);
void jw_key(struct json_writer *writer, const char *key);
void jw_key_slice(struct json_writer *writer, struct slice key);
void jw_key_raw(struct json_writer *writer, struct slice quoted); /* as it is, with its quotes */
void jw_string(struct json_writer *writer, struct slice text);
void jw_text(struct json_writer *writer, const char *text); /* NULL writes null */
void jw_int(struct json_writer *writer, int64_t value);
void jw_uint(struct json_writer *writer, uint64_t value);
void jw_double(struct json_writer *writer, double value);   /* shortest that reads back; null if not finite */
void jw_bool(struct json_writer *writer, bool value);
void jw_null(struct json_writer *writer);
void jw_raw(struct json_writer *writer, struct slice json);  /* a value as it is */

#endif
