/*
 * Rewrites a JSON value: each string and key is unescaped, searched, and written anew only when it
 * changed; all other bytes are copied as they are. Members whose name says "secret" lose their value.
 */
#include "names.h"
#include "redactor.h"
#include "rules.h"
#include "base/hash.h"
#include "base/json.h"

#define PIN_MIN_BYTES 4 /* of a number, to be a secret */
#define CUT_MARGIN_BYTES 64

/* Beside enum name_class, of the event's own fields. */
enum key_class { KEY_URL = 32, KEY_ID = 64 };

struct walk {
	struct redactor *redactor;
	const struct walk_options *options;
	struct buf *out;
	const char *copied; /* all of the source before it is in out */
	unsigned depth;
	uint8_t classes[JSON_MAX_DEPTH + 2]; /* by depth: of the member, or of the array, that a value is in */
	bool in_array[JSON_MAX_DEPTH + 2];
	bool named[JSON_MAX_DEPTH + 2];      /* by depth: the object's "value", or the array's next string, is a secret */
};

/* What is written next stands for the token; what stands before it in the source is as it was. */
static void replace(struct walk *walk, const struct json_token *token)
{
	buf_append(walk->out, walk->copied, (size_t)(token->raw.ptr - walk->copied));
	walk->copied = token->raw.ptr + token->raw.len;
}

static uint8_t classify(const struct walk *walk, struct slice key, uint8_t by_name)
{
	if (walk->options->event && slice_is(key, "url"))
		return KEY_URL;
	if (walk->options->event && walk->depth == 1 && (slice_is(key, "parent") || slice_is(key, "child")))
		return KEY_ID;
	return (by_name & NAME_VALUE) && walk->named[walk->depth] ? NAME_MANY : by_name;
}

/* A text has two slots, side by side: two that meet in one do not take turns in it. NULL: it is too long for them. */
static struct known_text *slots_of(struct known_text *table, struct slice text)
{
	uint8_t first, middle, last;

	if (!text.len || text.len > sizeof table->text)
		return NULL;
	first = (uint8_t)text.ptr[0];
	middle = (uint8_t)text.ptr[text.len / 2];
	last = (uint8_t)text.ptr[text.len - 1];
	return &table[(text.len * 61u + first * 31u + middle * 7u + last) % (KNOWN_TEXTS / 2) * 2];
}

/* NULL: it is in neither. */
static const struct known_text *find_known(const struct known_text *slots, struct slice text)
{
	for (unsigned i = 0; slots && i < 2; i++)
		if (slots[i].len == text.len && memcmp(slots[i].text, text.ptr, text.len) == 0)
			return &slots[i];
	return NULL;
}

static void remember(struct known_text *slots, struct slice text, uint8_t class)
{
	slots[1] = slots[0];
	memcpy(slots->text, text.ptr, text.len);
	slots->len = (uint8_t)text.len;
	slots->class = class;
}

/* {"mime":…,"bytes":…,"xxh3":…} in place of a data: URL. */
static int write_data_url(struct walk *walk, struct slice url)
{
	const char *comma = memchr(url.ptr, ',', url.len);
	struct slice head = { url.ptr + 5, (comma ? (size_t)(comma - url.ptr) : url.len) - 5 };
	struct slice data = { comma ? comma + 1 : url.ptr + url.len, 0 };
	struct hash128 hash;
	struct json_writer writer;
	bool base64 = head.len >= 7 && memcmp(head.ptr + head.len - 7, ";base64", 7) == 0;
	const char *semicolon = memchr(head.ptr, ';', head.len);
	size_t bytes;
	bool changed;
	char hex[33];

	data.len = url.len - (size_t)(data.ptr - url.ptr);
	hash = hash_128(data.ptr, data.len);
	hash_hex(hash.bytes, sizeof hash.bytes, hex);
	bytes = data.len;
	while (base64 && bytes && data.ptr[bytes - 1] == '=')
		bytes--;
	bytes = base64 ? bytes / 4 * 3 + bytes % 4 * 3 / 4 : bytes;
	head.len = semicolon ? (size_t)(semicolon - head.ptr) : head.len;
	head = json_utf8_cut(head, 128);
	buf_clear(&walk->redactor->clean);
	scan_text(walk->redactor, head, &walk->redactor->clean, &changed);
	json_writer_init(&writer, walk->out);
	jw_object(&writer);
	jw_key(&writer, "mime");
	jw_string(&writer, changed ? buf_view(&walk->redactor->clean) : head);
	jw_key(&writer, "bytes");
	jw_uint(&writer, bytes);
	jw_key(&writer, "xxh3");
	jw_text(&writer, hex);
	jw_object_close(&writer);
	return walk->out->failed;
}

static int write_cut(struct walk *walk, struct slice text)
{
	size_t max = walk->options->max_field_bytes;
	struct slice kept = json_utf8_cut(text, max > CUT_MARGIN_BYTES ? max - CUT_MARGIN_BYTES : 0);
	struct buf cut;
	int rc;

	buf_init(&cut, 0);
	buf_slice(&cut, kept);
	rc = buf_format(&cut, "…[lfspool: cut, %zu bytes]", text.len);
	if (!rc)
		rc = json_escape(buf_view(&cut), walk->out);
	buf_done(&cut);
	return rc;
}

static bool is_secret_value(uint8_t class, struct slice text)
{
	if (class & NAME_EXPONENT)
		return check_is_exponent(text);
	return (class & (NAME_SECRET | NAME_MANY)) && !check_harmless((class & NAME_SECRET) ? CHECK_VALUE : CHECK_TOKEN, text);
}

static int clean_value(struct redactor *redactor, struct slice text, bool *ret_changed)
{
	struct known_text *slots = slots_of(redactor->values, text);
	int rc;

	*ret_changed = false;
	if (find_known(slots, text))
		return 0;
	rc = scan_text(redactor, text, &redactor->clean, ret_changed);
	if (slots && !rc && !*ret_changed)
		remember(slots, text, 0);
	return rc;
}

/* What stands for the text in the output: walk->redactor->clean when *ret_changed. */
static int clean_text(struct walk *walk, struct slice text, uint8_t class, bool *ret_changed)
{
	struct redactor *redactor = walk->redactor;
	unsigned rule = redactor->rules->key_rule;

	buf_clear(&redactor->clean);
	*ret_changed = true;
	if (is_secret_value(class, text) && !scan_is_marker(redactor, text)) {
		scan_count(redactor, rule, (struct span){ 0, text.len });
		return scan_marker(redactor, rule, &redactor->clean);
	}
	if ((class & KEY_ID) && text.len)
		return filter_id(redactor, text, &redactor->clean);
	return clean_value(redactor, text, ret_changed);
}

static int write_string(struct walk *walk, const struct json_token *token, struct slice text, uint8_t class,
                        bool *ret_changed)
{
	size_t max = walk->options->max_field_bytes;
	int rc;

	*ret_changed = true;
	if ((class & KEY_URL) && text.len > 5 && memcmp(text.ptr, "data:", 5) == 0) {
		replace(walk, token);
		return write_data_url(walk, text);
	}
	rc = clean_text(walk, text, class, ret_changed);
	if (rc)
		return rc;
	if (*ret_changed)
		text = buf_view(&walk->redactor->clean);
	if (!*ret_changed && (!max || text.len <= max))
		return 0;
	replace(walk, token);
	return max && text.len > max ? write_cut(walk, text) : json_escape(text, walk->out);
}

static int key_token(struct walk *walk, const struct json_token *token, struct slice key)
{
	struct known_text *slots = slots_of(walk->redactor->keys, key);
	const struct known_text *known = find_known(slots, key);
	uint8_t class = known ? known->class : (uint8_t)name_class(key);
	bool changed;
	int rc;

	walk->classes[walk->depth] = classify(walk, key, class);
	if (known)
		return 0;
	rc = write_string(walk, token, key, NAME_PLAIN, &changed);
	if (slots && !rc && !changed)
		remember(slots, key, class);
	return rc;
}

/*
 * {"name":"DB_PASSWORD","value":"…"} and ["--password","…"]: a string that names a secret; the next one is it. A
 * marker in its place has been one.
 */
static uint8_t string_class(struct walk *walk, struct slice text)
{
	uint8_t class = walk->classes[walk->depth];
	bool named = walk->named[walk->depth];

	if (class & NAME_NAME)
		walk->named[walk->depth] = (name_class(text) & NAME_SECRET) != 0;
	if (!walk->in_array[walk->depth])
		return class;
	walk->named[walk->depth] = text.len > 2 && memcmp(text.ptr, "--", 2) == 0 && (name_class(text) & NAME_SECRET);
	return named ? class | NAME_MANY : class;
}

static int string_token(struct walk *walk, const struct json_token *token)
{
	struct redactor *redactor = walk->redactor;
	struct slice text = { token->raw.ptr + 1, token->raw.len - 2 };
	bool changed;

	if (token->escaped) {
		int rc;

		buf_clear(&redactor->text);
		rc = json_unescape(token->raw, &redactor->text);
		if (rc)
			return rc;
		text = buf_view(&redactor->text);
	}
	if (token->type == JSON_KEY)
		return key_token(walk, token, text);
	return write_string(walk, token, text, string_class(walk, text), &changed);
}

static int number_token(struct walk *walk, const struct json_token *token)
{
	struct redactor *redactor = walk->redactor;
	unsigned rule = redactor->rules->key_rule;

	if (!(walk->classes[walk->depth] & NAME_NUMBER) || token->raw.len < PIN_MIN_BYTES)
		return 0;
	replace(walk, token);
	scan_count(redactor, rule, (struct span){ 0, token->raw.len });
	buf_char(walk->out, '"');
	scan_marker(redactor, rule, walk->out);
	return buf_char(walk->out, '"');
}

static void enter_or_leave(struct walk *walk, enum json_type type)
{
	uint8_t outer = walk->classes[walk->depth];

	if (type == JSON_OBJECT || type == JSON_ARRAY) {
		walk->depth++;
		walk->in_array[walk->depth] = type == JSON_ARRAY;
		walk->classes[walk->depth] = type == JSON_ARRAY ? outer & (uint8_t)~NAME_NAME : (uint8_t)NAME_PLAIN;
		walk->named[walk->depth] = type == JSON_OBJECT && (outer & (NAME_SECRET | NAME_MANY));
	} else if (type == JSON_OBJECT_CLOSE || type == JSON_ARRAY_CLOSE) {
		walk->depth--;
	}
}

int walk_json(struct redactor *redactor, struct slice json, const struct walk_options *options, struct buf *out,
              struct slice *ret, struct err *err)
{
	struct walk walk; /* its levels are set as they are entered */
	struct json_reader reader;
	struct json_token token;
	int rc = 0;

	walk.redactor = redactor;
	walk.options = options;
	walk.out = out;
	walk.copied = json.ptr;
	walk.depth = 0;
	walk.classes[0] = NAME_PLAIN;
	walk.in_array[0] = walk.named[0] = false;
	json_reader_init(&reader, json, JSON_MAX_DEPTH);
	for (;;) {
		enum json_type type = json_next(&reader, &token);

		if (type == JSON_BAD)
			return err_set(err, LF_EINVAL, "no valid JSON at byte %zu: %s", (size_t)(reader.pos - json.ptr),
			               reader.error);
		if (type == JSON_END)
			break;
		enter_or_leave(&walk, type);
		if (type != JSON_KEY && type != JSON_STRING && type != JSON_NUMBER)
			continue;
		rc = type == JSON_NUMBER ? number_token(&walk, &token) : string_token(&walk, &token);
		if (rc)
			return err_set(err, rc, "a string is too large");
	}
	*ret = json;
	if (walk.copied == json.ptr)
		return 0;
	rc = buf_append(out, walk.copied, (size_t)(json.ptr + json.len - walk.copied));
	*ret = buf_view(out);
	return rc ? err_set(err, rc, "the value is too large") : 0;
}
