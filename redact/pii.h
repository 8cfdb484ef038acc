/* Personal data (tier 3): does what a pattern found stand for an address or a number, and where does it begin? */
#ifndef LF_REDACT_PII_H
#define LF_REDACT_PII_H
#include "check.h"
#include "pattern.h"

/* Widens *span to all of it. False: none, *span is undefined. */
bool pii_find(enum check check, struct slice text, struct span *span);

#endif
