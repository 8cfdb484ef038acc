/* Is a value that stands where a secret may stand obviously none? */
#ifndef LF_REDACT_CHECK_H
#define LF_REDACT_CHECK_H
#include "base/slice.h"

enum check {
	CHECK_NONE,  /* what the pattern took is a secret */
	CHECK_VALUE, /* unless it is a placeholder: ${X}, <your-key>, xxxx, null, string */
	CHECK_CODE,  /* or source text: process.env.X, getToken(), userPassword */
	CHECK_PASSWORD, /* the same, but a number of four or more digits is a secret */
	CHECK_TOKEN, /* or a short plain word: the name is used for other things too */
	CHECK_PROSE, /* or has no digit or no letter, or is dull, or the name of an algorithm, a size, a version */
	CHECK_BODY,  /* and it is the lines of base64 before what the pattern took */
	CHECK_MIXED, /* unless it lacks a digit or a letter, or is a placeholder */
	CHECK_WORD,  /* and it is the word before what the pattern took, too */
	CHECK_EMAIL, /* from here on: pii.h decides */
	CHECK_PHONE,
	CHECK_CARD,
	CHECK_IP,
	CHECK_IBAN
};

/* True when the value is harmless and stays. */
bool check_harmless(enum check check, struct slice value);

/* 40 and more letters of URL-safe base64: digits, small letters and capitals. */
bool check_is_exponent(struct slice value);

/* Where the lines of base64 begin that end before `at`; at when there are none. Looks back 64 KiB. */
size_t check_body_start(struct slice text, size_t at);

/* Where the run of letters, digits and _ begins that ends before `at`. Looks back 128 bytes. */
size_t check_word_start(struct slice text, size_t at);

#endif
