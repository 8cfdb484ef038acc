/* Names of options: finding one, and guessing which one was meant. */
#include "base/mem.h"
#include "conf/layer.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 64
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
#define FILE_SUFFIX "_file"

static bool same_name(const char *option, const char *given, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (option[i] != (given[i] == '-' ? '_' : given[i]) || !option[i])
			return false;
	return option[n] == '\0';
}

bool name_has_file(const struct conf_option *option)
{
	return option->type == CONF_KEY || option->type == CONF_SECRET;
}

bool name_find(const char *name, struct target *ret)
{
	size_t n = strlen(name), suffix = sizeof FILE_SUFFIX - 1;

	for (unsigned i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		bool value_file = name_has_file(option) && n > suffix &&
			same_name(FILE_SUFFIX, name + n - suffix, suffix) &&
			same_name(option->name, name, n - suffix);
		if (value_file || same_name(option->name, name, n)) {
			*ret = (struct target){ i, value_file };
			return true;
		}
	}
	return false;
}

/* Levenshtein's distance without regard to case; both are at most NAME_MAX_BYTES long. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_BYTES + 1];
	unsigned len = (unsigned)strlen(b);

	for (unsigned j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned i = 0; a[i]; i++) {
		unsigned corner = row[0];
		row[0] = i + 1;
		for (unsigned j = 0; j < len; j++) {
			bool equal = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]);
			unsigned best = corner + !equal;
			corner = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (corner + 1 < best)
				best = corner + 1;
			row[j + 1] = best;
		}
	}
	return row[len];
}

static bool names_variable(const struct conf_option *option, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = option->env; p && *p;) {
		size_t len = strcspn(p, ",");
		if (len == n && strncasecmp(p, name, n) == 0)
			return true;
		p += len + (p[len] == ',');
	}
	return false;
}

/* How far the option is from what was written; a variable's name and a part of the name count as near. */
static unsigned farness(const struct conf_option *option, const char *name)
{
	unsigned far = distance(option->name, name);

	if (names_variable(option, name))
		return 0;
	if (far > 2 && strlen(name) >= 4 && strcasestr(option->name, name))
		return 2;
	return far;
}

/* The option that was probably meant, or NULL. */
static const char *nearest(const char *name)
{
	const char *best = NULL;
	size_t limit = strlen(name) / 4 + 1;

	if (strlen(name) > NAME_MAX_BYTES)
		return NULL;
	if (strncasecmp(name, "LFSPOOL_", 8) == 0)
		name += 8;
	for (unsigned i = 0; i < conf_option_count; i++) {
		unsigned far = farness(&conf_options[i], name);
		if (far <= limit && (far < limit || !best)) {
			best = conf_options[i].name;
			limit = far;
		}
	}
	return best;
}

int name_unknown(const char *where, const char *given, struct err *err)
{
	char name[NAME_MAX_BYTES + 1];
	const char *meant;

	/* What follows the word may be a key that was written without "=". */
	snprintf(name, sizeof name, "%.*s", (int)strspn(given, NAME_CHARACTERS), given);
	meant = nearest(name);
	if (meant)
		return err_set(err, LF_EINVAL, "%s: unknown option \"%s\": did you mean \"%s\"?", where, name, meant);
	return err_set(err, LF_EINVAL, "%s: unknown option \"%s\"", where, name);
}

int name_unknown_variable(const char *variable, struct err *err)
{
	const char *meant = nearest(variable);
	char upper[NAME_MAX_BYTES + 1];
	size_t i;

	if (!meant)
		return err_set(err, LF_EINVAL, "%.80s: no option has this name", variable);
	for (i = 0; i < NAME_MAX_BYTES && meant[i]; i++)
		upper[i] = (char)toupper((unsigned char)meant[i]);
	upper[i] = '\0';
	return err_set(err, LF_EINVAL, "%.80s: no option has this name: did you mean LFSPOOL_%s?", variable, upper);
}
