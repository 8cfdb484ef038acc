/* Makes members of the families with a generator of its own, the same on every machine. */
#include "redact_corpus.h"
#include <stdlib.h>
#include <string.h>

#define GRAM_BYTES 12

static const struct alphabet {
	const char *name, *letters;
	char digit, letter; /* put in each part, as a real key of this length has them */
} alphabets[] = {
	{ "an", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", '7', 'b' },
	{ "x", "0123456789abcdef", '4', 'c' },
	{ "up", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", '5', 'Q' },
	{ "d", "0123456789", '8', '3' },
	{ "b", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/", '9', 'T' },
	{ "s", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-", '2', 'R' },
	{ "low", "0123456789abcdefghijklmnopqrstuvwxyz", '6', 'k' },
	{ "word", "abcdefghijklmnopqrstuvwxyz", 'm', 'g' },
	{ "p", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#%^*.~-_+", '1', 'w' },
};

uint64_t prng_next(struct prng *prng)
{
	uint64_t z = prng->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

unsigned prng_below(struct prng *prng, unsigned limit)
{
	return (unsigned)(prng_next(prng) % limit);
}

void member_init(struct member *member)
{
	memset(member, 0, sizeof *member);
	buf_init(&member->text, 0);
}

void member_done(struct member *member)
{
	buf_done(&member->text);
}

static void add_part(struct member *member, const struct alphabet *alphabet, unsigned long n, struct prng *prng)
{
	unsigned size = (unsigned)strlen(alphabet->letters);

	if (member->part_count == PARTS_MAX)
		abort();
	member->parts[member->part_count].at = member->text.len;
	member->parts[member->part_count++].len = n;
	for (unsigned long i = 0; i < n; i++)
		buf_char(&member->text, i == 2 ? alphabet->digit : i == 3 ? alphabet->letter : alphabet->letters[prng_below(prng, size)]);
}

/* {an36}: its length, or 0 when it is plain text. */
static size_t try_part(struct member *member, const char *at, struct prng *prng)
{
	for (size_t i = 0; i < sizeof alphabets / sizeof *alphabets; i++) {
		size_t n = strlen(alphabets[i].name);
		char *end;
		unsigned long length;

		if (strncmp(at + 1, alphabets[i].name, n) != 0)
			continue;
		length = strtoul(at + 1 + n, &end, 10);
		if (end == at + 1 + n || *end != '}')
			continue;
		add_part(member, &alphabets[i], length, prng);
		return (size_t)(end + 1 - at);
	}
	return 0;
}

void member_make(struct member *member, const char *shape, struct prng *prng)
{
	buf_clear(&member->text);
	member->part_count = 0;
	for (const char *at = shape; *at;) {
		size_t n = *at == '{' ? try_part(member, at, prng) : 0;

		if (!n && *at != '^')
			buf_char(&member->text, *at);
		at += n ? n : 1;
	}
}

const char *member_left(const struct member *member, struct slice text)
{
	for (unsigned i = 0; i < member->part_count; i++) {
		const char *part = member->text.data + member->parts[i].at;
		size_t len = member->parts[i].len, gram = len < GRAM_BYTES ? len : GRAM_BYTES;

		/* Two or three characters stand anywhere by chance. */
		for (size_t at = 0; gram > 3 && at + gram <= len; at++)
			if (memmem(text.ptr, text.len, part + at, gram))
				return part + at;
	}
	return NULL;
}
