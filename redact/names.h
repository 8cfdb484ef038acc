/* What the name of a JSON member says of its value. */
#ifndef LF_REDACT_NAMES_H
#define LF_REDACT_NAMES_H
#include "base/slice.h"

enum name_class {
	NAME_PLAIN = 0,
	NAME_SECRET = 1, /* any string in it is a secret */
	NAME_NUMBER = 2, /* and any number of four or more digits */
	NAME_MANY = 4,   /* strings in it are, but for short plain words */
	NAME_NAME = 8,   /* its string is the name of what "value" beside it holds */
	NAME_VALUE = 16, /* holds what "name" beside it says */
	NAME_EXPONENT = 128 /* of a JSON web key: 40 and more letters of base64 in it are a private key */
};

/* A set of the above. Compared without case, "_", "-", "." and blanks. */
unsigned name_class(struct slice name);

#endif
