/* The configuration: layers put values above each other, each checked when it is put, and getters read the top. */
#include "conf/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "conf/layer.h"
#include "conf/path.h"
#include "conf/value.h"
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX_BYTES 80
#define MASK "********"

struct setting {
	struct value value;
	enum conf_origin origin;
	char *where;
};

struct conf {
	struct setting *settings; /* one for each row of the table */
};

/* A value that may be a secret, or hold one, never gets into an error message. */
static struct slice shown(const struct conf_option *option, const char *text)
{
	if (option->type == CONF_SECRET || strchr(text, '@'))
		return SLICE(MASK);
	if (!value_is_text(text))
		return SLICE("(not text)");
	return json_utf8_cut(slice_of(text), SHOWN_MAX_BYTES);
}

static int put_value(struct conf *conf, unsigned index, const struct place *place, const char *text, struct err *err)
{
	const struct conf_option *option = &conf_options[index];
	struct setting *setting = &conf->settings[index];
	struct slice show = shown(option, text);
	struct value value;
	struct err why;

	if (value_parse(option, text, place->base_dir, &value, &why) != 0) {
		value_done(&value);
		return err_set(err, LF_EINVAL, "%s: %s = %.*s: %s", place->where, option->name,
		               (int)show.len, show.ptr, why.text);
	}
	value_done(&setting->value);
	free(setting->where);
	*setting = (struct setting){ value, place->origin, xstrdup(place->where) };
	return 0;
}

int conf_put(struct conf *conf, struct target target, const struct place *place, const char *text, struct err *err)
{
	const struct conf_option *option = &conf_options[target.index];
	char *path = NULL, *content = NULL;
	struct err why;
	int rc;

	if (!target.value_file)
		return put_value(conf, target.index, place, text, err);
	rc = *text ? path_expand(text, place->base_dir, &path, &why) : err_set(&why, LF_EINVAL, "must name a file");
	if (rc == 0)
		rc = path_read_value(path, option->type == CONF_SECRET, &content, &why);
	if (rc != 0)
		err_set(err, rc, "%s: %s_file: %s", place->where, option->name, why.text);
	else
		rc = put_value(conf, target.index, place, content, err);
	if (content)
		explicit_bzero(content, strlen(content));
	free(content);
	free(path);
	return rc;
}

static const struct place default_place = { CONF_FROM_DEFAULT, "default", NULL };

static int layer_defaults(struct conf *conf, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		bool later = option->type == CONF_PATH && option->fallback; /* it may need a home, and another layer may have it */
		rc = put_value(conf, i, &default_place, later || !option->fallback ? "" : option->fallback, err);
	}
	return rc;
}

/* Paths that must be somewhere, and that no layer has set. */
static int layer_default_paths(struct conf *conf, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < conf_option_count; i++)
		if (conf_options[i].type == CONF_PATH && conf_options[i].fallback && !conf->settings[i].value.text)
			rc = put_value(conf, i, &default_place, conf_options[i].fallback, err);
	return rc;
}

static int layer_command(struct conf *conf, const char *const *overrides, struct err *err)
{
	const struct place place = { CONF_FROM_COMMAND, "--set", NULL };
	int rc = 0;

	for (; rc == 0 && overrides && *overrides; overrides++) {
		const char *equal = strchr(*overrides, '=');
		char *name = xmemdup0(*overrides, equal ? (size_t)(equal - *overrides) : strlen(*overrides));
		struct target target;

		if (!name_find(name, &target))
			rc = name_unknown(place.where, name, err);
		else if (!equal)
			rc = err_set(err, LF_EINVAL, "%s: %s: needs \"=value\"", place.where, name);
		else
			rc = conf_put(conf, target, &place, equal + 1, err);
		free(name);
	}
	return rc;
}

int conf_load(const char *file, const char *const *overrides, struct conf **ret, struct err *err)
{
	struct conf *conf = xcalloc(1, sizeof *conf);
	int rc;

	conf->settings = xcalloc(conf_option_count, sizeof *conf->settings);
	rc = layer_defaults(conf, err);
	if (rc == 0)
		rc = layer_file(conf, file, err);
	if (rc == 0)
		rc = layer_environment(conf, err);
	if (rc == 0)
		rc = layer_command(conf, overrides, err);
	if (rc == 0)
		rc = layer_default_paths(conf, err);
	if (rc != 0) {
		conf_free(conf);
		conf = NULL;
	}
	*ret = conf;
	return rc;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (unsigned i = 0; i < conf_option_count; i++) {
		value_done(&conf->settings[i].value);
		free(conf->settings[i].where);
	}
	free(conf->settings);
	free(conf);
}

/* A name that is not in the table is a bug of the caller: it must not pass for "not set". */
static const struct value *value_of(const struct conf *conf, const char *name)
{
	struct target target;

	if (!name_find(name, &target) || target.value_file)
		abort();
	return &conf->settings[target.index].value;
}

const char *conf_string(const struct conf *conf, const char *name)
{
	return value_of(conf, name)->text;
}

int64_t conf_int(const struct conf *conf, const char *name)
{
	return value_of(conf, name)->number;
}

double conf_number(const struct conf *conf, const char *name)
{
	return value_of(conf, name)->real;
}

bool conf_bool(const struct conf *conf, const char *name)
{
	return value_of(conf, name)->number != 0;
}

enum conf_origin conf_origin(const struct conf *conf, unsigned index, const char **ret_where)
{
	enum conf_origin origin = conf->settings[index].origin;

	*ret_where = origin == CONF_FROM_DEFAULT ? NULL : conf->settings[index].where;
	return origin;
}

const char *conf_value_text(const struct conf *conf, unsigned index)
{
	const char *text = conf->settings[index].value.text;

	return text && conf_options[index].type == CONF_SECRET ? MASK : text;
}
