/*
 * The configuration: one option table (options.c) feeds the parser, the environment, `config`, --help,
 * completion and the manual page. Order: command line, environment, file, default.
 */
#ifndef LF_CONF_CONF_H
#define LF_CONF_CONF_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum conf_type {
	CONF_STRING, CONF_SECRET /* a KEY that is masked */, CONF_INT, CONF_BOOL, CONF_ENUM, CONF_DURATION /* stored in ms */,
	CONF_PATH /* made absolute */, CONF_NUMBER,
	CONF_KEY,  /* one word; it and SECRET may also come from <NAME>_FILE, <name>_file and systemd credentials */
	CONF_LIST, /* comma list without blanks round the items, of choices if there are any */
	CONF_URL   /* http:// or https://, without user and password */
};
enum conf_origin { CONF_FROM_DEFAULT, CONF_FROM_FILE, CONF_FROM_ENV, CONF_FROM_COMMAND };

struct conf_option { /* a row of the table */
	const char *name;
	enum conf_type type;
	const char *fallback;      /* default, as it would be written; NULL: not set */
	int64_t min, max;          /* INT, NUMBER and DURATION (ms) */
	bool blanks;               /* KEY and SECRET: may have blanks */
	const char *choices;       /* ENUM and LIST: "full|metadata_only|off" */
	const char *env;           /* comma list of accepted names; LFSPOOL_<NAME> is always one */
	const char *help;
};
extern const struct conf_option conf_options[];
extern const unsigned conf_option_count;

/* How a variable of another exporter is read when it does not mean what the option means. */
struct conf_alias {
	const char *variable;
	const char *unit;          /* for a plain number; NULL: the option's own */
	const char *below;         /* a path that is not absolute lies there; NULL: as for the option */
	bool scheme;               /* a URL that may lack its http:// or https:// */
	const char *holds;         /* the variable is a list: this sets the option to it, "none" to that, all else sets nothing; NULL: plain */
	const char *when_true;     /* the variable is a bool: true sets this, false sets nothing; NULL: plain */
};
extern const struct conf_alias conf_aliases[];
extern const unsigned conf_alias_count;

struct conf;
/* file: NULL takes $XDG_CONFIG_HOME/lfspool/lfspool.conf when it is there; a named file must be there. overrides:
 * NULL-terminated "name=value", or NULL. Errors name file and line, or the variable, the value and the range.
 * The getters abort on a name that is not in the table. */
int conf_load(const char *file, const char *const *overrides, struct conf **ret, struct err *err);
void conf_free(struct conf *conf);
const char *conf_string(const struct conf *conf, const char *name); /* NULL when not set */
int64_t conf_int(const struct conf *conf, const char *name);        /* INT; DURATION in ms; ENUM: which choice */
double conf_number(const struct conf *conf, const char *name);
bool conf_bool(const struct conf *conf, const char *name);
enum conf_origin conf_origin(const struct conf *conf, unsigned index, const char **ret_where); /* file:line or variable; NULL: default */
const char *conf_value_text(const struct conf *conf, unsigned index); /* secrets masked; NULL when not set */

#endif
