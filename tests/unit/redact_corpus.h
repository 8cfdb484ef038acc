/*
 * Families of secrets, described so that no source file holds one, and a generator for their members.
 * Header for the tests of redact/ only.
 */
#ifndef LF_TEST_REDACT_CORPUS_H
#define LF_TEST_REDACT_CORPUS_H
#include "base/buf.h"
#include "base/slice.h"

enum family_kind {
	FAMILY_TOKEN = 1, /* one word: a secret wherever it stands */
	FAMILY_LINE = 2,  /* a line (or more) whose names or places make a value a secret */
	FAMILY_BLOCK = 4  /* lines of a key file */
};

/*
 * In a shape {an36} stands for 36 random letters and digits, {x32} hex digits, {up16} capitals and digits, {d12}
 * digits, {b64} base64, {s40} letters, digits, _ and -, {low8} lower-case letters and digits, {word9} lower-case
 * letters, {p12} with punctuation; "^" is dropped and keeps a vendor's prefix in two pieces.
 */
struct family {
	const char *rule; /* NULL: several may name it */
	enum family_kind kind;
	const char *shape;
};
extern const struct family families[];
extern const unsigned family_count;

struct prng {
	uint64_t state;
};
uint64_t prng_next(struct prng *prng);
unsigned prng_below(struct prng *prng, unsigned limit);

#define PARTS_MAX 32
struct member {
	struct buf text;
	struct {
		size_t at, len;
	} parts[PARTS_MAX]; /* the random ones of text */
	unsigned part_count;
};
void member_init(struct member *member);
void member_done(struct member *member);
void member_make(struct member *member, const char *shape, struct prng *prng);
/* The first 12 bytes of a random part that are still in text (a shorter part: all of it), or NULL. */
const char *member_left(const struct member *member, struct slice text);

#endif
