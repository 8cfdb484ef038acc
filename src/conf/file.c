/*
 * The layer of the INI file. libinih splits the lines. This side counts them, since not every build of the library
 * hands line numbers over, refuses NUL bytes, and reads the value where the library's buffer (200 bytes) is too short.
 */
#include "base/file.h"
#include "base/mem.h"
#include "conf/layer.h"
#include "conf/path.h"
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONF_FILE_MAX_BYTES ((size_t)1 << 20)
#define SECTION "lfspool"

struct parser {
	struct conf *conf;
	const char *path, *base_dir;
	struct slice rest;    /* what the library has not read */
	struct slice long_line; /* the line that it got cut off; len 0 when it has the whole */
	unsigned line;
	unsigned *first_line; /* of each option in this file; 0: not seen */
	int rc;               /* of the first error; nothing is read after it */
	struct err *err;
};

static int fail(struct parser *parser, const char *words)
{
	parser->rc = err_set(parser->err, LF_EINVAL, "%s:%u: %s", parser->path, parser->line, words);
	return parser->rc;
}

/* fgets() over the bytes. Blanks at the start go: the library takes an indented line for more of the last value. */
static char *next_line(char *out, int size, void *stream)
{
	struct parser *parser = stream;
	const char *end = parser->rest.len ? memchr(parser->rest.ptr, '\n', parser->rest.len) : NULL;
	size_t n = end ? (size_t)(end - parser->rest.ptr) + 1 : parser->rest.len;
	struct slice line = { parser->rest.ptr, n };

	if (parser->rc != 0 || n == 0)
		return NULL;
	parser->line++;
	parser->rest = (struct slice){ parser->rest.ptr + n, parser->rest.len - n };
	while (line.len && (*line.ptr == ' ' || *line.ptr == '\t'))
		line.ptr++, line.len--;
	if (memchr(line.ptr, '\0', line.len))
		return fail(parser, "is not text"), NULL;
	parser->long_line = SLICE_NONE;
	if (line.len + 1 > (size_t)size) {
		parser->long_line = line;
		line.len = (size_t)size - 1;
	}
	memcpy(out, line.ptr, line.len);
	out[line.len] = '\0';
	return out;
}

/* The value of a line that the library could not hold, by its rules: after = or :, without a comment at the end. */
static char *long_value(struct slice line)
{
	const char *p = line.ptr, *end = line.ptr + line.len, *stop;

	while (p < end && *p != '=' && *p != ':')
		p++;
	for (p += p < end; p < end && isspace((unsigned char)*p);)
		p++;
	for (stop = p; stop < end && !(*stop == ';' && isspace((unsigned char)stop[-1]));)
		stop++;
	while (stop > p && isspace((unsigned char)stop[-1]))
		stop--;
	return xmemdup0(p, (size_t)(stop - p));
}

/* "a value" in quotes keeps its blanks. Quotes inside are the value's own. */
static char *unquote(const char *value)
{
	size_t n = strlen(value);

	if (n >= 2 && value[0] == '"' && strchr(value + 1, '"') == value + n - 1)
		return xmemdup0(value + 1, n - 2);
	return xstrdup(value);
}

static int put(struct parser *parser, struct target target, const char *given)
{
	char *where = NULL, *whole = parser->long_line.len ? long_value(parser->long_line) : NULL;
	char *value = unquote(whole ? whole : given);
	struct place place = { CONF_FROM_FILE, NULL, parser->base_dir };
	int rc;

	if (asprintf(&where, "%s:%u", parser->path, parser->line) < 0)
		abort();
	place.where = where;
	rc = conf_put(parser->conf, target, &place, value, parser->err);
	explicit_bzero(value, strlen(value));
	free(value);
	if (whole)
		explicit_bzero(whole, strlen(whole));
	free(whole);
	free(where);
	return rc;
}

/* Called by the library for each "name = value". Returns 1 to go on. */
static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct parser *parser = user;
	struct target target;
	char words[160], where[4096 + 16];

	if (parser->rc != 0 || !name)
		return 1;
	if (*section && strcmp(section, SECTION) != 0)
		return fail(parser, "in an unknown section: there is only [" SECTION "]"), 1;
	if (!name_find(name, &target)) {
		snprintf(where, sizeof where, "%s:%u", parser->path, parser->line);
		parser->rc = name_unknown(where, name, parser->err);
		return 1;
	}
	if (parser->first_line[target.index]) {
		snprintf(words, sizeof words, "%s is set a second time, after line %u",
		         conf_options[target.index].name, parser->first_line[target.index]);
		return fail(parser, words), 1;
	}
	parser->first_line[target.index] = parser->line;
	parser->rc = put(parser, target, value ? value : "");
	return 1;
}

static int parse(struct conf *conf, const char *path, const char *base_dir, struct slice text, struct err *err)
{
	struct parser parser = { .conf = conf, .path = path, .base_dir = base_dir, .rest = text, .err = err };
	int bad_line;

	parser.first_line = xcalloc(conf_option_count, sizeof *parser.first_line);
	bad_line = ini_parse_stream(next_line, &parser, on_pair, &parser);
	free(parser.first_line);
	if (parser.rc != 0)
		return parser.rc;
	if (bad_line > 0)
		return err_set(err, LF_EINVAL, "%s:%d: must be \"name = value\", a comment or [" SECTION "]", path, bad_line);
	return bad_line < 0 ? err_set(err, LF_ENOMEM, "%s: no memory", path) : 0;
}

static int read_and_parse(struct conf *conf, const char *path, struct err *err)
{
	struct buf text;
	char *base_dir = NULL;
	int rc;

	buf_init(&text, 0);
	rc = path_directory(path, &base_dir, err);
	if (rc == 0)
		rc = file_read_all(path, CONF_FILE_MAX_BYTES, &text, err);
	if (rc == 0)
		rc = parse(conf, path, base_dir, buf_view(&text), err);
	if (text.data)
		explicit_bzero(text.data, text.cap_bytes);
	buf_done(&text);
	free(base_dir);
	return rc;
}

static bool is_missing(const char *path)
{
	return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

int layer_file(struct conf *conf, const char *path, struct err *err)
{
	struct err ignored;
	char *found = NULL;
	int rc = 0;

	if (path)
		return read_and_parse(conf, path, err);
	if (path_expand("$XDG_CONFIG_HOME/lfspool/lfspool.conf", NULL, &found, &ignored) != 0)
		return 0; /* without a home there is no default file */
	if (!is_missing(found))
		rc = read_and_parse(conf, found, err);
	free(found);
	return rc;
}
