/*
 * The layer of the environment. For each option the first that is set counts: LFSPOOL_<NAME>, the names that other
 * exporters use, then for keys the same names with _FILE, then the systemd credential of the option's name.
 * An empty variable is not set.
 */
#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "conf/layer.h"
#include "conf/path.h"
#include "conf/value.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PREFIX "LFSPOOL_"
#define VARIABLE_MAX_BYTES 96

extern char **environ;

static void own_variable(const struct conf_option *option, char out[VARIABLE_MAX_BYTES])
{
	size_t n = sizeof PREFIX - 1;

	memcpy(out, PREFIX, n);
	for (const char *p = option->name; *p && n + 1 < VARIABLE_MAX_BYTES; p++)
		out[n++] = (char)toupper((unsigned char)*p);
	out[n] = '\0';
}

/* Item i of a comma list; SLICE_NONE after the last. */
static struct slice list_item(const char *list, unsigned i)
{
	while (list) {
		size_t n = strcspn(list, ",");
		if (i-- == 0)
			return (struct slice){ list, n };
		list = list[n] ? list + n + 1 : NULL;
	}
	return SLICE_NONE;
}

/* Variable i that the option reads: its own, then the aliases. False after the last. */
static bool variable_name(const struct conf_option *option, unsigned i, const char *suffix,
                          char out[VARIABLE_MAX_BYTES])
{
	char own[VARIABLE_MAX_BYTES];
	struct slice name;

	own_variable(option, own);
	name = i == 0 ? slice_of(own) : list_item(option->env, i - 1);
	if (!name.ptr)
		return false;
	snprintf(out, VARIABLE_MAX_BYTES, "%.*s%s", (int)name.len, name.ptr, suffix);
	return true;
}

static const struct conf_alias *alias_find(const char *variable)
{
	for (unsigned i = 0; i < conf_alias_count; i++)
		if (strcmp(conf_aliases[i].variable, variable) == 0)
			return &conf_aliases[i];
	return NULL;
}

/* The exporters of OpenTelemetry take "collector:4317" too: TLS, unless they are told that there is none. To this machine there is none. */
static const char *missing_scheme(const char *given)
{
	static const char *const near[] = { "localhost:", "127.", "[::1]:" };
	const char *insecure = getenv("OTEL_EXPORTER_OTLP_INSECURE");
	bool plain = insecure && strcasecmp(insecure, "true") == 0;

	for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
		plain = plain || strncasecmp(given, near[i], strlen(near[i])) == 0;
	return strstr(given, "://") ? "" : plain ? "http://" : "https://";
}

static char *joined(const char *a, const char *b, const char *c)
{
	char *text;

	if (asprintf(&text, "%s%s%s", a, b, c) < 0)
		abort();
	return text;
}

/* A value of one of the words that the alias knows; NULL: it says nothing. */
static char *from_list(const struct conf_alias *alias, const char *given)
{
	const char *word = list_has(given, alias->holds) ? alias->holds : list_has(given, "none") ? "none" : NULL;

	return word ? xstrdup(word) : NULL;
}

/* What the alias means in the option's own words, on the heap; NULL: nothing. */
static int translate(const struct conf_alias *alias, const char *given, char **ret, struct err *err)
{
	static const struct conf_alias plain;
	bool on = true;

	if (!alias)
		alias = &plain;
	if (alias->when_true && value_parse_bool(given, &on) != 0)
		return err_set(err, LF_EINVAL, "%s: must be true or false", alias->variable);
	if (alias->when_true)
		*ret = on ? xstrdup(alias->when_true) : NULL;
	else if (alias->holds)
		*ret = from_list(alias, given);
	else if (alias->unit && given[strspn(given, "0123456789")] == '\0')
		*ret = joined(given, alias->unit, "");
	else if (alias->scheme)
		*ret = joined(missing_scheme(given), given, "");
	else if (alias->below && *given != '/')
		*ret = joined(alias->below, "/", given);
	else
		*ret = xstrdup(given);
	return 0;
}

/* Takes the first of the option's variables that says something. */
static int take_variable(struct conf *conf, unsigned index, bool value_file, bool *ret_taken, struct err *err)
{
	char variable[VARIABLE_MAX_BYTES];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && !*ret_taken &&
	     variable_name(&conf_options[index], i, value_file ? "_FILE" : "", variable); i++) {
		struct place place = { CONF_FROM_ENV, variable, NULL };
		const char *given = getenv(variable);
		char *text = NULL;

		if (!given || !*given)
			continue;
		rc = translate(alias_find(variable), given, &text, err);
		if (rc == 0 && text) {
			rc = conf_put(conf, (struct target){ index, value_file }, &place, text, err);
			*ret_taken = true;
			explicit_bzero(text, strlen(text));
		}
		free(text);
	}
	return rc;
}

/* systemd hands credentials over as files in a directory that only the service can read. */
static int take_credential(struct conf *conf, unsigned index, struct err *err)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	struct place place = { .origin = CONF_FROM_ENV };
	char *path, *text = NULL;
	int rc = 0;

	if (!dir || dir[0] != '/')
		return 0;
	path = file_join(dir, conf_options[index].name);
	place.where = path;
	if (access(path, F_OK) == 0) {
		rc = path_read_value(path, false, &text, err);
		if (rc != 0)
			err_prefix(err, "credential %s", conf_options[index].name);
	}
	if (text) {
		rc = conf_put(conf, (struct target){ index, false }, &place, text, err);
		explicit_bzero(text, strlen(text));
	}
	free(text);
	free(path);
	return rc;
}

static int take_option(struct conf *conf, unsigned index, struct err *err)
{
	bool has_file = name_has_file(&conf_options[index]), taken = false;
	int rc = take_variable(conf, index, false, &taken, err);

	if (rc == 0 && !taken && has_file)
		rc = take_variable(conf, index, true, &taken, err);
	if (rc == 0 && !taken && has_file)
		rc = take_credential(conf, index, err);
	return rc;
}

/* Only LFSPOOL_… names are ours to complain about. */
static int check_names(struct err *err)
{
	char name[VARIABLE_MAX_BYTES];
	struct target target;

	for (char **variable = environ; variable && *variable; variable++) {
		size_t n = 0;
		if (strncmp(*variable, PREFIX, sizeof PREFIX - 1) != 0)
			continue;
		for (const char *p = *variable + sizeof PREFIX - 1; *p && *p != '=' && n + 1 < sizeof name; p++)
			name[n++] = (char)tolower((unsigned char)*p);
		name[n] = '\0';
		if (name_find(name, &target))
			continue;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(*variable, "="), *variable);
		return name_unknown_variable(name, err);
	}
	return 0;
}

int layer_environment(struct conf *conf, struct err *err)
{
	int rc = check_names(err);

	for (unsigned i = 0; rc == 0 && i < conf_option_count; i++)
		rc = take_option(conf, i, err);
	return rc;
}
