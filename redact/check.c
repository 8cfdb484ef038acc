/* Placeholders and source text that stand where a secret might: pure functions over one value. */
#include "check.h"
#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <strings.h>

#define WORD_MAX_BYTES 20 /* a longer run of letters is no plain word */
#define EXPONENT_MIN_BYTES 40
#define PROSE_MIN_BITS 2.5
#define PIN_MIN_BYTES 4
#define PREFIX_MAX_BYTES 16 /* of a key, before a mask */
#define BODY_MAX_BYTES (64 * 1024)
#define WORD_BEFORE_BYTES 128
#define BODY_LINE_BYTES 16

static const char *const stop_words[] = {
	"null", "nil", "none", "true", "false", "undefined", "string", "str", "number", "int", "integer", "bool",
	"boolean", "object", "any", "unknown", "void", "never", "optional", "required", "bytes", "text", "todo",
	"tbd", "redacted", "[redacted]", "hidden", "masked", "omitted", "empty", "unset", "missing", "invalid",
	"example", "placeholder", "&str", "string[]", "string?", "std::string", "char", "varchar", "self", "this",
	"password", "passwd", "%s", "%d", "%r", "%v", "%q", "%@", "{}",
	"include", "same-origin", "omit", "!vault", "!ref", "!sub", "!env", "!env_var", "!secret", "!getatt", "!join", "!importvalue",
};
static const char *const stop_prefixes[] = {
	"your-", "your_", "your ", "<your", "insert-", "insert_", "xxxx", "...", "****", "process.env", "os.environ",
	"os.getenv", "import.meta.", "secrets.", "env.", "env(", "getenv(", "system.getenv", "deno.env", "bun.env",
	"string |", "string|", "optional[", "self.", "self[", "this.", "req.", "request.", "config.", "settings.", "options.",
	"args.", "params.", "props.",
};
/* What prose says of a secret that is none: alone, or with "-" and more behind. */
static const char *const method_words[] = {
	"sha1", "sha2", "sha-1", "sha-256", "sha-512", "sha224", "sha256", "sha384", "sha512", "md5", "base16", "base32", "base58",
	"base64", "base64url", "utf8", "utf-8", "utf-16", "ascii85", "bcrypt2", "argon2", "argon2i", "argon2id", "pbkdf2", "hmac-sha256",
	"aes128", "aes256", "aes-128", "aes-256", "rsa2048", "rsa4096", "ed25519", "x25519", "x509", "hs256", "rs256", "es256", "eddsa25519",
	"oauth2", "http2", "http3", "ipv4", "ipv6", "rfc6749", "rfc7519", "uuid4", "uuidv4", "uuidv7", "k8s", "s3", "ec2", "oidc2",
};
static const char *const secret_words[] = { "pass", "token", "secret", "key", "pwd", "credential", "auth" };

static bool starts_with(struct slice value, const char *prefix)
{
	size_t n;

	/* Hardly any begins with the same letter. */
	if (!value.len || ((value.ptr[0] ^ prefix[0]) & 0xDF))
		return false;
	n = strlen(prefix);
	return value.len >= n && strncasecmp(value.ptr, prefix, n) == 0;
}

static bool ends_with(struct slice value, const char *suffix)
{
	size_t n = strlen(suffix);

	return value.len >= n && memcmp(value.ptr + value.len - n, suffix, n) == 0;
}

static bool has_secret_word(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		struct slice rest = { value.ptr + i, value.len - i };

		for (size_t w = 0; w < sizeof secret_words / sizeof *secret_words; w++)
			if (starts_with(rest, secret_words[w]))
				return true;
	}
	return false;
}

static bool is_stop_word(struct slice value)
{
	for (size_t i = 0; i < sizeof stop_words / sizeof *stop_words; i++)
		if (starts_with(value, stop_words[i]) && value.len == strlen(stop_words[i]))
			return true;
	for (size_t i = 0; i < sizeof stop_prefixes / sizeof *stop_prefixes; i++)
		if (starts_with(value, stop_prefixes[i]))
			return true;
	return false;
}

/* "****", "xxxx-xxxx", "......" */
static bool is_mask(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!strchr("*xX.-_#?", value.ptr[i]) || !value.ptr[i])
			return false;
	return true;
}

static bool all_of(struct slice value, bool (*is)(char c))
{
	for (size_t i = 0; i < value.len; i++)
		if (!is(value.ptr[i]))
			return false;
	return value.len > 0;
}

static bool is_upper_name(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_lower_name(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_number(char c)
{
	return is_digit(c) || c == '.';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static bool is_code_char(char c)
{
	return is_letter(c) || is_digit(c) || (c && strchr(".$?!:", c));
}

/* ${X}, $(x), {{x}}, %X%, <x>, $NAME: the shell or a template fills it in. */
static bool is_reference(struct slice value)
{
	struct slice rest = { value.ptr + 1, value.len - 1 };

	if (value.ptr[0] == '<')
		return ends_with(value, ">");
	if (value.ptr[0] == '%')
		return value.len > 2 && ends_with(value, "%");
	if (value.ptr[0] == '{')
		return ends_with(value, "}");
	if (value.ptr[0] != '$')
		return false;
	if (rest.len < 2)
		return true; /* the pattern stops at what follows; or $!, $1 */
	if (rest.ptr[0] == '{' || rest.ptr[0] == '(')
		return ends_with(value, "}") || ends_with(value, ")") || (!memchr(rest.ptr, '}', rest.len) &&
		       !memchr(rest.ptr, ')', rest.len)); /* cut off at a blank */
	return all_of(rest, is_upper_name) || (all_of(rest, is_lower_name) && has_secret_word(rest));
}

/* Without what closes the code around it. */
static struct slice trim_code(struct slice value)
{
	while (value.len && value.ptr[value.len - 1] && strchr("([{)]}:;,\"'\\", value.ptr[value.len - 1]))
		value.len--;
	return value;
}

/* "sk-...", "ghp_xxxx": a prefix and a mask of three or more. */
static bool is_masked(struct slice value)
{
	size_t kept = value.len;

	while (kept && strchr("xX.*", value.ptr[kept - 1]) && value.ptr[kept - 1] == value.ptr[value.len - 1])
		kept--;
	return value.len - kept >= 3 && kept <= PREFIX_MAX_BYTES && kept > 1 && strchr("-_", value.ptr[kept - 1]) &&
	       all_of((struct slice){ value.ptr, kept }, is_letter);
}

static bool is_letter_or_blank(char c)
{
	return is_letter(c) || c == ' ';
}

/* "Password", "Forgot password": a text for people. */
static bool is_label(struct slice value)
{
	return value.ptr[0] >= 'A' && value.ptr[0] <= 'Z' && all_of(value, is_letter_or_blank) && has_secret_word(value);
}

/* PWD is a directory: "/home/me". Base64 may begin with "/", so that only known roots count. */
static bool is_path(struct slice value)
{
	static const char *const roots[] = {
		"~/", "/home/", "/Users/", "/root/", "/tmp/", "/usr/", "/var/", "/opt/", "/etc/", "/app/", "/srv/", "/mnt/", "/workspace/", "/code/",
		"/src/", "/data/", "/private/", "/Volumes/", "/workspace/", "/workspaces/", "/builds/", "/repo/", "/github/", "/run/", "/nix/",
	};

	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
		size_t n = strlen(roots[i]);

		if (starts_with(value, roots[i]) || (value.len + 1 == n && strncmp(value.ptr, roots[i], n - 1) == 0))
			return true;
	}
	return false;
}

static bool is_placeholder(struct slice value)
{
	size_t inner = trim_code(value).len;

	/* One character; and what stands between two quoted texts. */
	if (value.len < 2 || (value.ptr[1] == ' ' && strchr(",)+.", value.ptr[0])))
		return true;
	for (; value.len && value.len >= inner; value.len--)
		if (is_path(value) || is_mask(value) || is_masked(value) || is_label(value) || is_reference(value) || is_stop_word(value))
			return true;
	return inner == 0;
}

/* Name.Builtin: a member without digits. */
static bool is_member(struct slice value)
{
	size_t part = 0;

	for (size_t i = 0; i < value.len; i++) {
		part = value.ptr[i] == '.' ? 0 : part + 1;
		if (part > WORD_MAX_BYTES || (part ? !is_letter(value.ptr[i]) : i == 0 || i + 1 == value.len))
			return false;
	}
	return memchr(value.ptr, '.', value.len) != NULL;
}

/* #d0d0d0 */
static bool is_color(struct slice value)
{
	for (size_t i = 1; i < value.len; i++)
		if (!isxdigit((unsigned char)value.ptr[i]))
			return false;
	return value.ptr[0] == '#' && (value.len == 4 || value.len == 7 || value.len == 9);
}

/* a[1], a["b (the pattern stops at the quote) */
static bool is_index(struct slice value)
{
	const char *open = memchr(value.ptr, '[', value.len);

	while (value.len > 1 && strchr(")};,:", value.ptr[value.len - 1]))
		value.len--;
	return open && open > value.ptr && is_letter(value.ptr[0]) &&
	       all_of((struct slice){ value.ptr, (size_t)(open - value.ptr) }, is_code_char) &&
	       (value.ptr[value.len - 1] == ']' || open + 1 == value.ptr + value.len);
}

/* A call, an index, a member (a.b), a number, a name that itself speaks of secrets. */
static bool is_code(struct slice value)
{
	const char *dot = memchr(value.ptr, '.', value.len);

	if (all_of(value, is_number))
		return value.len < WORD_MAX_BYTES;
	if ((is_letter(value.ptr[0]) && memchr(value.ptr, '(', value.len)) || is_index(value))
		return true;
	if (starts_with(value, "http://") || starts_with(value, "https://"))
		return true; /* what is secret in it, other rules find */
	if (all_of(value, is_letter))
		return has_secret_word(value);
	return dot && dot > value.ptr && is_letter(value.ptr[0]) && is_code_char(dot[-1]) && dot + 1 < value.ptr + value.len && is_letter(dot[1]) &&
	       all_of(value, is_code_char) && has_secret_word(value);
}

static bool is_mixed(struct slice value)
{
	bool digit = false, letter = false;

	for (size_t i = 0; i < value.len; i++) {
		digit |= is_digit(value.ptr[i]);
		letter |= isalpha((unsigned char)value.ptr[i]) != 0;
	}
	return digit && letter;
}

/* "32-byte", "12-digit" */
static bool is_size(struct slice value)
{
	size_t n = 0;

	while (n < value.len && is_digit(value.ptr[n]))
		n++;
	return n && n < value.len && value.ptr[n] == '-' && all_of((struct slice){ value.ptr + n, value.len - n }, is_letter);
}

static bool is_method(struct slice value)
{
	for (size_t i = 0; i < sizeof method_words / sizeof *method_words; i++) {
		size_t n = strlen(method_words[i]);

		if (starts_with(value, method_words[i]) && (value.len == n || !isalnum((unsigned char)value.ptr[n])))
			return true;
	}
	return false;
}

/* Shannon's entropy of its bytes, in bits a byte. */
static double entropy(struct slice value)
{
	unsigned counts[256] = { 0 };
	double bits = 0;

	for (size_t i = 0; i < value.len; i++)
		counts[(unsigned char)value.ptr[i]]++;
	for (size_t i = 0; i < 256; i++)
		if (counts[i])
			bits -= counts[i] * log2((double)counts[i] / (double)value.len);
	return bits / (double)value.len;
}

/* A value in the middle of a sentence that is no secret. */
static bool is_prose(struct slice value)
{
	while (value.len && strchr(".!?", value.ptr[value.len - 1]))
		value.len--;
	return value.len == 0 || !is_mixed(value) || is_size(value) || is_method(value) || entropy(value) < PROSE_MIN_BITS;
}

bool check_harmless(enum check check, struct slice value)
{
	if (check == CHECK_NONE || check == CHECK_BODY || check >= CHECK_WORD)
		return false;
	if (is_placeholder(value))
		return true;
	if (check == CHECK_VALUE)
		return false;
	if (check == CHECK_MIXED)
		return !is_mixed(value);
	if (check == CHECK_PASSWORD && all_of(value, is_digit))
		return value.len < PIN_MIN_BYTES;
	if (is_code(value))
		return true;
	value = trim_code(value);
	if (value.len == 0 || is_code(value))
		return true;
	if (check == CHECK_PROSE)
		return is_prose(value);
	if (check == CHECK_TOKEN && (is_member(value) || is_color(value)))
		return true;
	return check == CHECK_TOKEN && value.len < WORD_MAX_BYTES && all_of(value, is_letter);
}

static bool is_base64(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '=';
}

static bool is_between_lines(char c)
{
	return c && strchr(" \t\r\n:|>\",'`#*\\-", c);
}

/* Back over line ends, indents, quotes and signs; the arrow of "12→" is three bytes. */
static size_t skip_between(struct slice text, size_t floor, size_t pos)
{
	while (pos > floor) {
		if (is_between_lines(text.ptr[pos - 1]))
			pos--;
		else if (pos >= floor + 3 && memcmp(text.ptr + pos - 3, "→", 3) == 0)
			pos -= 3;
		else
			break;
	}
	return pos;
}

/* Back over the path of grep's "path:12:", where pos is behind it. */
static size_t skip_path(struct slice text, size_t floor, size_t pos)
{
	while (pos > floor && !isspace((unsigned char)text.ptr[pos - 1]) && !(pos >= floor + 2 && memcmp(text.ptr + pos - 2, "\\n", 2) == 0))
		pos--;
	return pos;
}

/* What may stand in a line before its base64. */
static bool is_line_prefix(struct slice run)
{
	return (run.len <= 6 && all_of(run, is_digit)) || slice_is(run, "+") || slice_is(run, "//");
}

size_t check_body_start(struct slice text, size_t at)
{
	size_t floor = at > BODY_MAX_BYTES ? at - BODY_MAX_BYTES : 0, kept = at, pos = at;
	bool last = true, numbered = false;

	while (pos > floor) {
		struct slice run;
		size_t end = skip_between(text, floor, pos);
		bool path = numbered && end < pos && text.ptr[end] == ':';

		for (pos = end; pos > floor && is_base64(text.ptr[pos - 1]);)
			pos--;
		run = (struct slice){ text.ptr + pos, end - pos };
		if (run.len >= BODY_LINE_BYTES && !path)
			kept = pos;
		else if (path)
			pos = skip_path(text, floor, end);
		else if (!last && !is_line_prefix(run))
			break; /* only the last line may be short */
		numbered = all_of(run, is_digit);
		last = false;
	}
	return kept;
}

size_t check_word_start(struct slice text, size_t at)
{
	size_t floor = at > WORD_BEFORE_BYTES ? at - WORD_BEFORE_BYTES : 0;

	while (at > floor && (isalnum((unsigned char)text.ptr[at - 1]) || text.ptr[at - 1] == '_'))
		at--;
	return at;
}

bool check_is_exponent(struct slice value)
{
	bool upper = false, lower = false, digit = false;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		upper |= c >= 'A' && c <= 'Z';
		lower |= c >= 'a' && c <= 'z';
		digit |= is_digit(c);
		if (!is_letter(c) && !is_digit(c))
			return false;
	}
	return value.len >= EXPONENT_MIN_BYTES && upper && lower && digit;
}
