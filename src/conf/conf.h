/*
 * The configuration: one option table (options.c) feeds the parser, the environment, `config`, --help,
 * completion and the manual page. Order: command line, environment, file, default.
 */
#ifndef LF_CONF_CONF_H
#define LF_CONF_CONF_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum conf_type { CONF_STRING, CONF_SECRET, CONF_INT, CONF_BOOL, CONF_ENUM, CONF_DURATION /* stored in ms */, CONF_PATH, CONF_NUMBER };
enum conf_origin { CONF_FROM_DEFAULT, CONF_FROM_FILE, CONF_FROM_ENV, CONF_FROM_COMMAND };

struct conf_option { /* a row of the table */
	const char *name;
	enum conf_type type;
	const char *fallback;      /* default, as it would be written; NULL: not set */
	int64_t min, max;          /* INT and DURATION (ms) */
	const char *choices;       /* ENUM: "full|metadata_only|off" */
	const char *env;           /* comma list of accepted names; LFSPOOL_<NAME> is always one */
	const char *help;
};
extern const struct conf_option conf_options[];
extern const unsigned conf_option_count;

struct conf;
/* file: NULL takes $XDG_CONFIG_HOME/lfspool/lfspool.conf when it is there; a named file must be there. overrides:
 * NULL-terminated "name=value". Errors name file and line, or the variable, the value and the range. */
int conf_load(const char *file, const char *const *overrides, struct conf **ret, struct err *err);
void conf_free(struct conf *conf);
const char *conf_string(const struct conf *conf, const char *name); /* NULL when not set */
int64_t conf_int(const struct conf *conf, const char *name);        /* INT; DURATION in ms; SIZE in its unit */
double conf_number(const struct conf *conf, const char *name);
bool conf_bool(const struct conf *conf, const char *name);
enum conf_origin conf_origin(const struct conf *conf, unsigned index, const char **ret_where); /* file:line or variable */
const char *conf_value_text(const struct conf *conf, unsigned index); /* secrets masked */

#endif
