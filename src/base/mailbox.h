/*
 * The only thing that threads share: a bounded queue of pointers. It closes, and what is in it
 * can still be taken (drained).
 */
#ifndef LF_BASE_MAILBOX_H
#define LF_BASE_MAILBOX_H
#include <stddef.h>
#include <stdint.h>

struct mailbox;

struct mailbox *mailbox_new(size_t capacity);
void mailbox_free(struct mailbox *mailbox); /* must be empty */
/* Blocks while full, until timeout_ms (<0: for ever). 0, LF_EAGAIN on timeout, LF_ECLOSED. */
int mailbox_put(struct mailbox *mailbox, void *item, int64_t timeout_ms);
/* Takes 1..max items in order. Returns the count, 0 on timeout, LF_ECLOSED when closed and empty. */
int mailbox_take(struct mailbox *mailbox, void **items, size_t max, int64_t timeout_ms);
void mailbox_close(struct mailbox *mailbox);

#endif
