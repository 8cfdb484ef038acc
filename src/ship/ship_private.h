/*
 * What the parts of ship/ share. Threads: ship_take and ship_settle touch status; ship_post only http,
 * server, max_bytes and its batch. The caller runs the three one after the other.
 */
#ifndef LF_SHIP_SHIP_PRIVATE_H
#define LF_SHIP_SHIP_PRIVATE_H
#include "ship/ship.h"
#include "ship/verdict.h"

struct ship_server {
	bool known;
	bool langfuse;        /* health answered with a version */
	long major, minor;
	char version[32];
	enum map_format format;
	bool merges;          /* takes the same span twice without doubling it */
	int64_t probed_mono_ms;
};

struct settled {
	int64_t delivered, retries, dead, doubtful, shrunk;
};

struct ship {
	struct ship_options options; /* its strings are copies */
	struct http *http;
	struct collector *collector; /* of the other sinks; NULL: Langfuse, or off */
	char *auth;                  /* "public:secret" or NULL */
	struct ship_server server;
	size_t max_bytes;            /* of a request; shrinks when the server says 413 */
	struct buf request;          /* its memory, while one batch follows the other; ship_post's */
	atomic_bool forget_server;
	struct ship_status status;
	struct settled late;         /* committed, and durable with the batch that is on its way */
	unsigned attempt;            /* failures in a row */
	int64_t doubt_due_wall_ms;
};

/* One observation on its way. */
struct ship_row {
	int64_t rowid;
	uint8_t trace_id[16], span_id[8];
	unsigned version;
	bool update;              /* delivered before; only for servers that merge */
	struct buf body, strings, shrunk;
	struct observation observation;
	unsigned shrink_level;
	enum settle outcome;
	const char *reason;       /* of SETTLE_DEAD */
};

enum ship_result { RESULT_OK, RESULT_RETRY, RESULT_DOUBT, RESULT_PAUSE };

struct ship_batch {
	int64_t send_id;
	bool in_doubt;            /* posted before, outcome unknown */
	int64_t wait_ms;          /* > 0: no rows, only wait */
	struct ship_row *rows;
	unsigned count, cap;
	enum ship_result result;
	int64_t retry_after_ms;
	char error[256];          /* for people; no payload */
	uint64_t rejected;        /* of what a collector took: nobody says which */
	struct ship_server server;
	ship_gate_fn *gate;       /* NULL: none, or passed */
	void *gate_context;
};

/* ---- batch.c ---- */
struct ship_batch *batch_new(void);
void batch_free(struct ship_batch *batch);
/* Gives back what the rows held; their outcomes stay. */
void batch_drop_bodies(struct ship_batch *batch);
/* Copies an observation of the outbox. */
struct ship_row *batch_add(struct ship_batch *batch, const struct spool_observation *stored);
/* Reads the rows' bodies; one that cannot be read is settled as dead ("corrupt"). */
void batch_parse(struct ship_batch *batch);
/* The request for these rows. LF_EINVAL: a row cannot be mapped; LF_ELIMIT: too large. */
int batch_request(const struct ship *ship, struct ship_row *const *rows, unsigned count, struct buf *out, struct err *err);
/* Makes the content of a row smaller; false when nothing is left to take away. */
bool batch_shrink(struct ship_row *row);

/* ---- take.c ---- */
/* ship_take() inside the caller's transaction; *ret is set whatever it returns. */
int take_batch(struct ship *ship, struct spool *spool, int64_t wall_ms, struct ship_batch **ret, struct err *err);

/* ---- answer.c ---- */
/* Whether this is what the API answers when it took something. */
bool answer_is_sensible(enum map_format format, bool langfuse, const struct http_answer *answer);
/*
 * Reads a 207: sets the outcome of every row. Returns what to do with the whole: VERDICT_PER_EVENT (the rows say it),
 * VERDICT_BISECT, VERDICT_PAUSE, VERDICT_HOLD (all were refused as a kind), VERDICT_RETRY or VERDICT_IN_DOUBT (some of them).
 */
enum verdict answer_per_event(const struct http_answer *answer, struct ship_row *const *rows, unsigned count);

/* ---- probe.c ---- */
/* Learns what the server is. RESULT_OK, or RESULT_RETRY or RESULT_PAUSE with words. */
enum ship_result probe_server(struct ship *ship, struct ship_batch *batch, struct err *err);
/* What is meant by a version and a wanted API; pure. */
void probe_choose(enum ship_api wanted, const char *version, struct ship_server *ret);
void probe_api_name(const struct ship_server *server, char out[32]);

/* ---- list.c ---- */
struct list_query {
	uint8_t trace_id[16];
	int64_t from_ms, to_ms;   /* to_ms 0: all of it */
	const char *fields;       /* groups of the API with a cursor; the older one gives all */
};
typedef int list_fn(void *context, const struct json_doc *doc, int32_t node, struct err *err);
/*
 * Calls fn for each observation of the trace. LF_ENOENT: this server has no such page. LF_EAGAIN: no whole answer, *last has
 * what came instead. LF_ELIMIT: there is no end to it. last: made and freed by the caller.
 */
int list_trace(const struct ship *ship, const struct list_query *query, list_fn *fn, void *context, struct http_answer *last,
               struct err *err);

/* ---- lookup.c ---- */
/*
 * Asks which rows the server has: those become delivered, the others go back to pending. LF_ENOENT: this
 * server cannot be asked. Other results and words in the batch.
 */
int lookup_rows(struct ship *ship, struct ship_batch *batch, struct err *err);

/* ---- facts.c ---- */
/* Inside the transaction that settles. rejected: of what a collector took. */
int facts_count(const struct ship *ship, struct spool *spool, const struct settled *settled, uint64_t rejected, bool failed, struct err *err);
int facts_set(const struct ship *ship, struct spool *spool, const struct ship_batch *batch, const struct settled *settled, int64_t wall_ms, struct err *err);

/* ---- words ---- */
/* "<what>: HTTP 503" or "<what>: <curl's words>" into the batch. */
void ship_say(struct ship_batch *batch, const char *what, const struct http_answer *answer);
/* host + path on the heap. */
char *ship_url(const struct ship *ship, const char *path);

#endif
