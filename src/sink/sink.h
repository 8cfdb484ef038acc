/*
 * A loopback receiver of both Langfuse APIs and OTLP: stores and draws what it gets, and can fail in all the
 * ways that a server fails. For people who want to see what would leave the machine, and for the tests.
 */
#ifndef LF_SINK_SINK_H
#define LF_SINK_SINK_H
#include "base/err.h"
#include "event/observation.h"
#include <stdint.h>

enum sink_profile { SINK_V2, SINK_V3, SINK_V4 };
struct sink_options {
	const char *listen;      /* "127.0.0.1:0": loopback only, 0 picks a port */
	enum sink_profile profile;
	const char *public_key, *secret_key; /* expected; NULL: any */
	const char *name;        /* a name that it answers to beside those of loopback; NULL: none */
	const char *out;         /* file to append each accepted observation to as JSON lines; NULL: none */
	const char *requests;    /* directory to keep raw request bodies in, numbered; NULL: none */
	bool ui;                 /* the page for people at "/" */
	const char *fault;       /* fault switches, see sink.c / lfspool-sink --fault; NULL: none */
};
struct sink;
int sink_start(const struct sink_options *options, struct sink **ret, struct err *err);
uint16_t sink_port(const struct sink *sink);
void sink_stop(struct sink *sink);
struct map_look;
/* Everything accepted so far, drawn as trees (map/map.h). */
int sink_draw(struct sink *sink, const struct map_look *look, struct buf *out);
struct sink_figures { uint64_t requests, observations /* distinct span ids */, duplicates /* v4: stored again */, rejected, traces; };
void sink_figures(struct sink *sink, struct sink_figures *ret);

#endif
