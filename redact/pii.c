/* Checksums, ranges and surroundings of addresses and numbers: pure functions over one text. */
#include "pii.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

#define LOCAL_MAX_BYTES 64
#define ADDRESS_MAX_BYTES 45
#define CARD_MAX_DIGITS 19

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The character before; a blank at the start and behind a "\n" written out. */
static char char_before(struct slice text, size_t at)
{
	if (at >= 2 && text.ptr[at - 2] == '\\' && strchr("nrt", text.ptr[at - 1]))
		return ' ';
	return at ? text.ptr[at - 1] : ' ';
}

static bool is_one_of(struct slice text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text.len == strlen(words[i]) && strncasecmp(text.ptr, words[i], text.len) == 0)
			return true;
	return false;
}

/* Back over at most max bytes that are in the set. */
static size_t back_over(struct slice text, size_t at, size_t max, const char *punctuation)
{
	for (size_t n = 0; n < max && at; n++, at--) {
		char c = text.ptr[at - 1];

		if (!isalnum((unsigned char)c) && !(c && strchr(punctuation, c)))
			break;
	}
	return at;
}

/* The span is "@host.tld": not package@1.2.3, image@2x.png or the git@ of a remote. */
static bool find_email(struct slice text, struct span *span)
{
	static const char *const files[] = { "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "js", "mjs", "cjs", "ts", "css",
		                             "json", "md", "html", "tgz", "zip", "service" };
	static const char *const remotes[] = { "git", "hg", "svn" };
	struct slice local, domain = { text.ptr + span->start + 1, span->end - span->start - 1 }, last;
	size_t digits = 0;

	span->start = back_over(text, span->start, LOCAL_MAX_BYTES, "._%+'-");
	if (span->start && text.ptr[span->start - 1] == '\\' && strchr("nrt", text.ptr[span->start]))
		span->start++;
	while (text.ptr[span->start] == '.' || text.ptr[span->start] == '\'' || text.ptr[span->start] == '-')
		span->start++;
	local = (struct slice){ text.ptr + span->start, (size_t)(domain.ptr - 1 - (text.ptr + span->start)) };
	last = domain;
	for (size_t i = domain.len; i > 0 && domain.ptr[i - 1] != '.'; i--)
		last = (struct slice){ domain.ptr + i - 1, domain.len - i + 1 };
	while (digits < domain.len && is_digit(domain.ptr[digits]))
		digits++;
	return local.len && !(digits && domain.ptr[digits] == '.') && !is_one_of(last, files, sizeof files / sizeof *files) &&
	       !is_one_of(local, remotes, sizeof remotes / sizeof *remotes);
}

/* The span begins with "+", "(" or behind the three digits of an area. */
static bool find_phone(struct slice text, struct span *span)
{
	char before;

	if (text.ptr[span->start] == '-' || text.ptr[span->start] == '.')
		span->start -= 3;
	before = char_before(text, span->start);
	return !is_word(before) && before != '-' && before != '.' && before != '+';
}

/* Digits of a number without its blanks and dashes; 0 when there are more than max. */
static size_t digits_of(struct slice text, char *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.ptr[i]))
			continue;
		if (n == max)
			return 0;
		out[n++] = text.ptr[i];
	}
	return n;
}

static bool luhn_holds(const char *digits, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(digits[n - 1 - i] - '0');

		d = i % 2 ? 2 * d : d;
		sum += d > 9 ? d - 9 : d;
	}
	return sum % 10 == 0;
}

/* First four digits and lengths that issuers give out. */
static const struct {
	unsigned from, to, min_digits, max_digits;
} issuers[] = {
	{ 4000, 4999, 16, 16 }, { 4000, 4999, 13, 13 }, { 4000, 4999, 19, 19 }, { 5100, 5599, 16, 16 }, { 2221, 2720, 16, 16 },
	{ 3400, 3499, 15, 15 }, { 3700, 3799, 15, 15 }, { 6011, 6011, 16, 19 }, { 6440, 6599, 16, 19 }, { 3528, 3589, 16, 19 },
	{ 3000, 3059, 14, 19 }, { 3600, 3699, 14, 19 }, { 3800, 3999, 14, 19 }, { 6200, 6299, 16, 19 }, { 5000, 5099, 12, 19 },
	{ 5600, 5999, 12, 19 }, { 6304, 6304, 12, 19 }, { 6759, 6763, 12, 19 },
};

static bool is_card(const char *digits, size_t n)
{
	unsigned first = 0;

	if (n < 12 || !luhn_holds(digits, n))
		return false;
	for (size_t i = 0; i < 4; i++)
		first = first * 10 + (unsigned)(digits[i] - '0');
	for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
		if (first >= issuers[i].from && first <= issuers[i].to && n >= issuers[i].min_digits && n <= issuers[i].max_digits)
			return true;
	return false;
}

static bool find_card(struct slice text, struct span *span)
{
	char digits[CARD_MAX_DIGITS];
	size_t n = digits_of((struct slice){ text.ptr + span->start, span->end - span->start }, digits, sizeof digits);

	return is_card(digits, n);
}

/* Two letters, two check digits: the number with its first four behind it is 1 modulo 97. */
static bool find_iban(struct slice text, struct span *span)
{
	struct slice all = { text.ptr + span->start, span->end - span->start };
	unsigned rest = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		size_t seen = 0;

		for (size_t i = 0; i < all.len; i++) {
			char c = all.ptr[i];
			unsigned value = is_digit(c) ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;

			if (c == ' ' || (seen++ < 4) != (pass == 1))
				continue;
			rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
		}
	}
	return rest == 1;
}

/* "version 1.2.3.4", "==1.2.3.4", "Chrome/120.0.0.0" */
static bool is_version(struct slice text, size_t start)
{
	static const char *const words[] = { "version", "ver", "release", "v", "build" };
	size_t at = start, end;

	if (at >= 2 && text.ptr[at - 1] == '=' && strchr("=~><!", text.ptr[at - 2]))
		return true;
	if (at && (strchr("^~", text.ptr[at - 1]) || (text.ptr[at - 1] == '/' && at >= 2 && is_word(text.ptr[at - 2]))))
		return true;
	while (at && text.ptr[at - 1] && strchr(" :=\"'", text.ptr[at - 1]))
		at--;
	end = at;
	while (at && isalpha((unsigned char)text.ptr[at - 1]))
		at--;
	return is_one_of((struct slice){ text.ptr + at, end - at }, words, sizeof words / sizeof *words);
}

static bool is_address(struct slice text, int family, void *ret)
{
	char copy[ADDRESS_MAX_BYTES + 1];

	if (text.len > ADDRESS_MAX_BYTES)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	return inet_pton(family, copy, ret) == 1;
}

static bool is_public_v4(struct slice text)
{
	unsigned char bytes[4];

	return is_address(text, AF_INET, bytes) && bytes[0] != 0 && bytes[0] != 127 && bytes[0] != 255;
}

static bool is_public_v6(struct slice text)
{
	static const unsigned char loopback[16] = { [15] = 1 };
	unsigned char bytes[16];
	bool digit = false;

	for (size_t i = 0; i < text.len; i++)
		digit |= is_digit(text.ptr[i]);
	return digit && is_address(text, AF_INET6, bytes) && memcmp(bytes, loopback, 16) != 0;
}

/* The span is the rest of an address from the last digit of its first part on. */
static bool find_ip(struct slice text, struct span *span)
{
	bool v6 = memchr(text.ptr + span->start, ':', span->end - span->start) != NULL;
	struct slice value;
	char before;

	for (unsigned n = 0; n < 3 && span->start && isxdigit((unsigned char)text.ptr[span->start - 1]) &&
	                     (v6 || is_digit(text.ptr[span->start - 1])) && text.ptr[span->start] != ':'; n++)
		span->start--;
	while (v6 && span->end > span->start && strchr(":.", text.ptr[span->end - 1]))
		span->end--;
	value = (struct slice){ text.ptr + span->start, span->end - span->start };
	before = char_before(text, span->start);
	if (is_word(before) || strchr(v6 ? ":.-" : ".-", before) || (span->end < text.len && is_word(text.ptr[span->end])))
		return false;
	return v6 ? is_public_v6(value) : is_public_v4(value) && !is_version(text, span->start);
}

bool pii_find(enum check check, struct slice text, struct span *span)
{
	static bool (*const find[])(struct slice text, struct span *span) = { find_email, find_phone, find_card, find_ip, find_iban };

	return find[check - CHECK_EMAIL](text, span);
}
