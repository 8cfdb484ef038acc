/* One value: its text by the type of its option. Private to src/conf. */
#ifndef LF_CONF_VALUE_H
#define LF_CONF_VALUE_H
#include "conf/conf.h"

struct value {
	char *text;      /* on the heap, as conf_string() returns it; NULL: not set */
	int64_t number;  /* INT; DURATION in ms; BOOL 0 or 1; ENUM: the index of the choice */
	double real;     /* NUMBER */
};

/* base_dir: where a relative path starts; NULL: the working directory. LF_EINVAL says only what is allowed
 * ("must be 10 to 1000000"); the caller names place, option and value. */
int value_parse(const struct conf_option *option, const char *text, const char *base_dir,
                struct value *ret, struct err *err);
void value_done(struct value *value); /* wipes the text */
/* UTF-8 without control characters: fit for a message. */
bool value_is_text(const char *text);
/* true, yes, on, 1, false, no, off, 0. */
int value_parse_bool(const char *text, bool *ret);

#endif
