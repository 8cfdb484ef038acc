/* What the request forms have in common: the values of Langfuse's fields. Private to map/. */
#ifndef LF_MAP_FIELDS_H
#define LF_MAP_FIELDS_H
#include "map/map.h"

#define FIELDS_MAX_TAGS 64
#define FIELDS_MAX_NAME 1000     /* Langfuse's own limit for a trace's name */
#define FIELDS_MAX_SESSION 200   /* its SDKs drop longer session ids */
#define FIELDS_MAX_ENVIRONMENT 40

/* Lower case [a-z0-9-_], without a leading "langfuse", which the server reserves. Appends nothing for none. */
void fields_environment(const char *environment, struct buf *out);
/* At most 200 printable ASCII characters; others become '_'. */
void fields_session(struct slice session, struct buf *out);
/* Prefix and title; without a title "<source> session". */
void fields_trace_name(const struct map_options *options, const struct observation *observation, struct buf *out);
/* The comma list's items without blanks around; returns their count. */
unsigned fields_tags(const char *tags, struct slice ret[FIELDS_MAX_TAGS]);
/* {"input":…,…}; nothing when no count is known. */
void fields_usage(const struct observation_usage *usage, struct buf *out);
/* {"total":<the agent's own digits>}; nothing when it is not a number above 0. */
void fields_cost(struct slice cost, struct buf *out);
/* A JSON string's text; any other JSON as it is. */
void fields_content(struct slice json, struct buf *out);
/* The observation's metadata with source, session, message, part and provider, and "type" if it is not NULL. */
int fields_metadata(const struct observation *observation, const char *type, struct buf *out, struct err *err);
/* Parameters whose values are no scalars become strings of JSON: the ingestion API refuses nested ones. */
int fields_scalar_object(struct slice object, struct buf *out, struct err *err);

#endif
