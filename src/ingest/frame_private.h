/* What frame.c and frame_document.c share. */
#ifndef LF_INGEST_FRAME_PRIVATE_H
#define LF_INGEST_FRAME_PRIVATE_H
#include "ingest/frame.h"
#include "ingest/ingest.h"

#define PEEK_BYTES 64 /* how many first bytes are looked at */
#define KEY_BYTES 16  /* of a document's top keys: enough for those that matter */

enum frame_mode {
	FRAME_START,    /* nothing is decided */
	FRAME_LINES,
	FRAME_DOCUMENT,
	FRAME_RESYNC    /* after something broken */
};

/* Bytes that are gathered. Beyond INGEST_MAX_VALUE_BYTES only their number is kept. */
struct piece {
	struct buf bytes;
	uint64_t line, size, hash;
	bool dropping;
};
void piece_add(struct piece *piece, const char *p, size_t n);
void piece_clear(struct piece *piece);
int piece_give(struct frame *frame, struct piece *piece, enum frame_problem problem, struct err *err);

struct frame {
	frame_fn *fn;
	void *context;
	enum frame_mode mode;
	bool mark_seen;           /* the byte order mark is behind us, or was not there */
	bool line_begins;         /* FRAME_RESYNC: at the first byte of a line */
	struct buf peek;
	uint64_t line;
	struct piece value;       /* the line, or the element of a list */
	/* of a document */
	struct piece rest;        /* the top object without its list */
	uint64_t begin_line;
	size_t depth, list_depth; /* list_depth: depth of the list's elements; 0 outside the list */
	bool top_object, in_string, escaped;
	bool at_key;              /* at depth 1 of an object: a string would be a key */
	bool reading_key;
	bool after_comma;         /* in a list: an element must follow */
	char key[KEY_BYTES];      /* the last top key, with quotes; longer ones are cut */
	size_t key_len;
	size_t key_start, key_end; /* where in rest it stands */
};

static inline bool frame_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct slice frame_trim(struct slice text)
{
	while (text.len && frame_is_blank(text.ptr[text.len - 1]))
		text.len--;
	while (text.len && frame_is_blank(text.ptr[0]))
		text = (struct slice){ text.ptr + 1, text.len - 1 };
	return text;
}

void document_begin(struct frame *frame);
/* Takes bytes up to the end of the document, or until it is broken. */
int document_feed(struct frame *frame, struct slice *bytes, struct err *err);
/* The input has ended inside it. */
int document_cut(struct frame *frame, struct err *err);

#endif
