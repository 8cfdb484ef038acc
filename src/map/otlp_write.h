/*
 * OTLP in both its forms at once: a message is written once, and comes out as protobuf or as JSON. Field numbers are protobuf's,
 * names JSON's. Private to map/.
 */
#ifndef LF_MAP_OTLP_WRITE_H
#define LF_MAP_OTLP_WRITE_H
#include "base/json.h"
#include "base/protobuf.h"

struct otlp_writer {
	bool json;
	struct json_writer writer;  /* JSON form */
	struct protobuf protobuf;   /* protobuf form */
	struct buf clean;           /* text made valid */
	const char *excluded;       /* comma list of attributes that are left out; NULL: none */
};

/* The request's own message is open afterwards. */
void otlp_begin(struct otlp_writer *otlp, bool json, const char *excluded, struct buf *out);
/* Closes it. LF_ELIMIT when it did not fit. */
int otlp_end(struct otlp_writer *otlp, struct buf *out, struct err *err);

void otlp_open(struct otlp_writer *otlp, unsigned field, const char *name);
void otlp_close(struct otlp_writer *otlp);
/* A list of messages: each is opened with otlp_item() and closed with otlp_close(). */
void otlp_list(struct otlp_writer *otlp, const char *name);
void otlp_list_close(struct otlp_writer *otlp);
void otlp_item(struct otlp_writer *otlp, unsigned field);

void otlp_text(struct otlp_writer *otlp, unsigned field, const char *name, struct slice text);
/* An id; all zero is none. */
void otlp_id(struct otlp_writer *otlp, unsigned field, const char *name, const uint8_t *bytes, size_t n);
void otlp_time(struct otlp_writer *otlp, unsigned field, const char *name, int64_t ms);
void otlp_number(struct otlp_writer *otlp, unsigned field, const char *name, uint64_t number); /* of an enum */

/* One attribute of a list of them. */
#define OTLP_ATTRIBUTES "attributes"
void otlp_attribute(struct otlp_writer *otlp, unsigned field, struct slice key, struct slice text);
void otlp_attribute_int(struct otlp_writer *otlp, unsigned field, struct slice key, int64_t value);
void otlp_attribute_double(struct otlp_writer *otlp, unsigned field, struct slice key, double value);
void otlp_attribute_bool(struct otlp_writer *otlp, unsigned field, struct slice key, bool value);
void otlp_attribute_texts(struct otlp_writer *otlp, unsigned field, struct slice key, const struct slice *items, unsigned count);
/* A scalar of a JSON document as what it is; others as their text. */
void otlp_attribute_json(struct otlp_writer *otlp, unsigned field, struct slice key, const struct json_doc *doc, int32_t node);
/* The text alone, as a value of any kind. */
void otlp_any_text(struct otlp_writer *otlp, unsigned field, const char *name, struct slice text);

#endif
