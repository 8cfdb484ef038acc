/* The layers that fill a struct conf, lowest first, and what they share. Private to src/conf. */
#ifndef LF_CONF_LAYER_H
#define LF_CONF_LAYER_H
#include "conf/conf.h"

/* Where a value stands. */
struct place {
	enum conf_origin origin;
	const char *where;    /* "file:line", the variable, "--set" */
	const char *base_dir; /* where relative paths start; NULL: the working directory */
};

/* What a name means: an option, or the file that holds an option's value. */
struct target {
	unsigned index;
	bool value_file;
};

/* Finds "max_spool_mb" or "langfuse_secret_key_file"; a hyphen counts as an underscore. */
bool name_find(const char *name, struct target *ret);
/* May its value come from a file of its own (KEY and SECRET)? */
bool name_has_file(const struct conf_option *option);
/* LF_EINVAL: 'where: unknown option "name": did you mean "other"?' */
int name_unknown(const char *where, const char *given, struct err *err);
/* The same for an LFSPOOL_… variable. */
int name_unknown_variable(const char *variable, struct err *err);

/* Reads text by the option's type (or the file that it names) and puts it above what is there. */
int conf_put(struct conf *conf, struct target target, const struct place *place, const char *text, struct err *err);

/* path: NULL for the default, which need not be there. */
int layer_file(struct conf *conf, const char *path, struct err *err);
int layer_environment(struct conf *conf, struct err *err);

#endif
