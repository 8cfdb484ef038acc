/*
 * A server that does as little as a server can: it reads requests, counts them and says what a Langfuse would. One thread;
 * a connection is served to its end before the next.
 */
#ifndef LF_TESTS_BENCH_RECEIVER_H
#define LF_TESTS_BENCH_RECEIVER_H
#include <stdint.h>

struct receiver;
struct receiver *receiver_start(void);
unsigned receiver_port(const struct receiver *receiver);
/* Of bodies, since the start. */
void receiver_counts(const struct receiver *receiver, uint64_t *ret_requests, uint64_t *ret_bytes);
void receiver_stop(struct receiver *receiver);

#endif
