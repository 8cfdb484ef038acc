/*
 * STAGE 5: pending observations -> requests -> verdicts -> settled rows. A flusher is a state machine in
 * three steps, so that the steps that touch the spool can run on the writer's thread and the one that
 * waits for the network on its own:  ship_take (spool) -> ship_post (network) -> ship_settle (spool).
 */
#ifndef LF_SHIP_SHIP_H
#define LF_SHIP_SHIP_H
#include "base/json.h"
#include "map/map.h"
#include "ship/collector.h"
#include "ship/http.h"
#include "spool.h"

enum ship_api { SHIP_AUTO, SHIP_OTLP, SHIP_OTLP_JSON, SHIP_INGESTION };

struct ship_options {
	enum spool_sink sink;    /* whose items are sent: to Langfuse, or to a collector of OTLP */
	struct collector_options collector; /* of the other sinks; endpoint NULL: off, with the reason */
	const char *host;        /* "https://langfuse.example"; no trailing slash needed. NULL: off, with the reason */
	const char *public_key, *secret_key; /* NULL: off, with the reason */
	enum ship_api api;
	bool no_gzip;            /* requests go out as they are; those of the ingestion API do anyway */
	size_t batch_max_bytes;  /* 0: 3,500 kB, before compression */
	unsigned batch_max_count; /* 0: 500 */
	struct map_options map;
	struct http_options http;
	int64_t backoff_base_ms, backoff_max_ms; /* 0: 1 s and 5 min */
	int64_t pause_retry_ms;  /* 0: 10 min */
	int64_t lookup_delay_ms; /* 0: 10 s: how long a send in doubt waits until it is looked up: the server shows late what it has */
};

enum ship_state { SHIP_OK, SHIP_RETRYING, SHIP_PAUSED, SHIP_OFF };
const char *ship_state_name(enum ship_state state); /* "ok" … */

struct ship_status {
	enum spool_sink sink;
	enum ship_state state;
	char reason[256];        /* why it is paused, off or retrying; no payload */
	char api[32];            /* "otlp v4", "ingestion v2", "grpc", "" not known yet */
	char server_version[32];
	uint64_t delivered, retries, dead; /* since start */
	int64_t last_success_ms; /* wall; 0 never */
	int64_t next_try_ms;     /* monotonic; 0 now */
	char last_error[256];
};

struct ship;
struct ship_batch; /* opaque: rows, bytes, answer */

/* Copies the options' strings, but not http.cancel. Host or keys that are missing are no error: the state is SHIP_OFF. */
int ship_new(const struct ship_options *options, struct ship **ret, struct err *err);
void ship_free(struct ship *ship);
/* False while there are no keys, or paused or backing off at mono_ms. */
bool ship_ready(struct ship *ship, int64_t mono_ms);
/* Forgets pause and backoff (reload, `lfspool flush`). */
void ship_resume(struct ship *ship);
const struct ship_status *ship_status(const struct ship *ship);

/* Spool: takes pending observations, writes the send row, commits. *ret NULL when nothing is pending. Sends left
 * over from a crash come first, as in-doubt batches. Those that are not due yet, and nothing else, make a batch that only waits:
 * post it and settle it like any other, then status.next_try_ms says when. */
int ship_take(struct ship *ship, struct spool *spool, int64_t wall_ms, struct ship_batch **ret, struct err *err);
/* Network: posts (or, for an in-doubt batch on v4, asks which spans are there). Fills the verdicts. No spool. Asks the
 * server's version (health) when it is not known. Whatever it returns, settle the batch. */
int ship_post(struct ship *ship, struct ship_batch *batch, struct err *err);
/* Called before the first request with rows of the batch goes out, on the thread that posts; when it fails none does. */
typedef int ship_gate_fn(void *context, struct err *err);
void ship_batch_gate(struct ship_batch *batch, ship_gate_fn *fn, void *context);
/* How a batch is settled. */
struct ship_settling {
	int64_t mono_ms, wall_ms;
	int (*also)(struct spool *spool, void *context, struct err *err); /* what the caller writes in the same transaction; NULL: nothing */
	void *context;
	bool take;               /* when the server took what it got: the next batch too, in the same transaction */
	bool late;               /* with a next batch it is committed only: its gate must see to it that this is durable. It counts when that one is settled */
};
/* Spool: settles every row by its verdict, in one transaction; sets backoff or pause. Frees the batch. *ret_next (set to
 * NULL before): the next batch, as from ship_take(); may be NULL itself when none is to be taken. */
int ship_settle(struct ship *ship, struct spool *spool, struct ship_batch *batch, const struct ship_settling *how, struct ship_batch **ret_next,
                struct err *err);

/* One observation as the server shows it. Texts and doc live for the call only; "" or -1: not told. */
struct ship_seen {
	const char *id, *type, *name, *level, *model;
	int64_t start_ms, end_ms;
	const struct json_doc *doc;
	int32_t usage;           /* node of the object of token counts, or JSON_NONE */
	double cost;             /* total, USD */
};
typedef int ship_seen_fn(void *context, const struct ship_seen *seen, struct err *err);
/* Network: what the server has of a trace, each row that it stores (a span that it stores twice comes twice). A trace that it
 * does not know has none. LF_EAGAIN: no whole answer now; LF_EINVAL: no host or keys. err has words. */
int ship_list(struct ship *ship, const uint8_t trace_id[16], ship_seen_fn *fn, void *context, struct err *err);

/* What a person says of a trace or a session; the texts are redacted. */
struct ship_score {
	struct slice id;         /* a score with the id of another takes its place */
	struct slice trace, session; /* one of them */
	struct slice name, comment; /* comment may be empty */
	struct slice value;      /* JSON: a number or a string */
	struct slice data_type;  /* "NUMERIC", "BOOLEAN" or "CATEGORICAL" */
};
/* Network: sends it. LF_EAGAIN: try again; LF_EPERM: wrong keys; LF_EINVAL: refused; LF_ENOENT: no host or keys. err has words. */
int ship_score(struct ship *ship, const struct ship_score *score, struct err *err);

#endif
