/*
 * STAGE 3: the spool, one SQLite file (and, while a daemon runs, a small one before it). spool/FORMAT.md describes it; spool_sql.h holds the only SQL.
 * A struct spool is used by one thread at a time (the writer's). Readers open their own with spool_open_reader().
 */
#ifndef LF_SPOOL_SPOOL_H
#define LF_SPOOL_SPOOL_H
#include "event/clean_record.h"

struct spool;

/* Where things go, each with progress of its own. The numbers stand in the file. */
enum spool_sink { SINK_LANGFUSE, SINK_TRACES, SINK_LOGS, SINK_COUNT };
#define SPOOL_SINK_BIT(sink) (1u << (sink))
const char *spool_sink_name(enum spool_sink sink); /* "langfuse", "otlp_traces", "otlp_logs" */

struct spool_options {
	const char *dir;        /* made with 0700 when missing; refused if a symlink, not ours or open to others */
	uint64_t max_bytes;     /* cap of the file; 0: none */
	int64_t retention_ms;   /* 0: for ever */
	unsigned sinks;         /* SPOOL_SINK_BITs of those that are fed; 0: Langfuse alone */
};

/* Takes the lock (LF_EBUSY names the pid that has it), opens or makes spool.db, migrates an older schema;
 * LF_EVERSION for a newer one (file untouched); a damaged file is set aside and salvaged. */
int spool_open(const struct spool_options *options, struct spool **ret, struct err *err);
/* Read-only, no lock, never checkpoints. LF_ENOENT when there is no spool. All spool_* readers work on it. */
int spool_open_reader(const char *dir, struct spool **ret, struct err *err);
void spool_close(struct spool *spool);
const char *spool_path(const struct spool *spool);

/* Transactions. Nothing is durable before spool_commit() returned 0. LF_EFULL: disk full, rolled back; from spool_begin() also: a
 * reader holds the log, which has become far too large. */
int spool_begin(struct spool *spool, struct err *err);
int spool_commit(struct spool *spool, struct err *err);
/* A transaction of what can be made again of what is durable. Its commit does not wait for the disk: it is durable with the next commit
 * of another kind (but a small one), or spool_sync(); a power cut before takes back the last of such transactions. */
int spool_begin_derived(struct spool *spool, struct err *err);
/* The same of what cannot be made again: none of those that follow is durable before it. */
int spool_begin_late(struct spool *spool, struct err *err);
int spool_sync(struct spool *spool, struct err *err);
/*
 * Beside the thread that has the spool: the log, which is to be opened before what shall be durable is committed (-1: it cannot be;
 * close(2) closes it), and its way to the disk, with all that was committed by spool_begin_late() before. When that fails who has
 * the spool must give it up: what fails once is forgotten. Returns LF_EIO.
 */
int spool_log_open(const struct spool *spool);
int spool_log_sync(int fd, struct err *err);
int spool_give_up(struct spool *spool, struct err *err);
/*
 * A transaction of a few records that somebody waits for. When all it does is spool_append(), spool_count(), spool_counted_set() and
 * spool_cursor_set(), of some KB, its commit is durable with one small write (FORMAT.md "The intake"), and readers see it a little later:
 * with the next transaction of another kind, after some dozens, or by spool_fold(). Else it is one as any other. A rollback takes
 * back this one alone.
 */
int spool_begin_small(struct spool *spool, struct err *err);
/* Whether any is small: no at first, for making the intake is worth it only for who runs for long. Outside of a transaction. */
void spool_use_intake(struct spool *spool, bool use);
/* Whether the log may be written back on a thread beside, with a connection of its own: no at first. No waits for one that is at it. */
void spool_use_threads(struct spool *spool, bool use);
/* Outside of a transaction: puts into the file what small ones have left; does not wait for the disk. */
int spool_fold(struct spool *spool, struct err *err);
bool spool_is_folded(const struct spool *spool);
void spool_rollback(struct spool *spool);
/* Long work (purge, cleanup, and a caller's own) pauses between its transactions: then fn is called, and may append meanwhile. Not
 * from within fn. */
typedef void spool_pause_fn(void *context);
void spool_set_pause(struct spool *spool, spool_pause_fn *fn, void *context);
void spool_pause(struct spool *spool);

/* ---- records: the log ---- */
enum spool_appended { SPOOL_STORED, SPOOL_UNCHANGED };
/*
 * Appends a record unless this key already holds the same or a more complete or newer revision
 * (FORMAT.md "Which revisions are kept"). Marks the session (and what depends on it) dirty. *ret may be NULL.
 */
int spool_append(struct spool *spool, const struct clean_record *record, enum spool_appended *ret, struct err *err);
typedef int spool_record_fn(void *context, const struct clean_record_view *record, struct err *err);
/* The same; when the record is stored over an earlier revision, fn is called with that one first. It must not use the spool. */
int spool_append_over(struct spool *spool, const struct clean_record *record, spool_record_fn *fn, void *context,
                      enum spool_appended *ret, struct err *err);

/* Every record in seq order; session may be empty (all). The callback's non-zero return stops and is returned. */
int spool_each_record(struct spool *spool, struct slice session, spool_record_fn *fn, void *context, struct err *err);
/* The latest revision of each key of kind SESSION, MESSAGE and SIGNAL in one session, ordered by kind, key. */
int spool_each_head(struct spool *spool, struct slice source, struct slice session, spool_record_fn *fn, void *context, struct err *err);
/* The latest revision of each part of one message, ordered by key. */
int spool_each_part(struct spool *spool, struct slice source, struct slice session, struct slice message, spool_record_fn *fn, void *context, struct err *err);
/* The same, for who asks for many messages of a session: best in the order of their ids. Source and session must outlive it; nothing is
 * appended and no transaction ends before it is closed. */
struct spool_parts;
struct spool_parts *spool_parts_open(struct spool *spool, struct slice source, struct slice session);
int spool_parts_each(struct spool_parts *parts, struct slice message, spool_record_fn *fn, void *context, struct err *err);
void spool_parts_close(struct spool_parts *parts);
/* The tool part (any session) whose link is this child session; LF_ENOENT when none. Calls fn once. */
int spool_find_link(struct spool *spool, struct slice source, struct slice child, spool_record_fn *fn, void *context, struct err *err);
/* The session record of a session; LF_ENOENT. */
int spool_find_session(struct spool *spool, struct slice source, struct slice session, spool_record_fn *fn, void *context, struct err *err);
/* The latest revision of any key; LF_ENOENT. */
int spool_find_head(struct spool *spool, struct slice source, struct slice key, spool_record_fn *fn, void *context, struct err *err);
/* The sessions whose parent is this session. */
typedef int spool_id_fn(void *context, struct slice source, struct slice id, struct err *err);
int spool_each_child(struct spool *spool, struct slice source, struct slice session, spool_id_fn *fn, void *context, struct err *err);

/*
 * For who reads with a handle of its own what the writer is to build on: a number of the writer's that is another one when a record
 * has come, gone or changed since; and whether the reader has ever met a damaged record, which only the writer can deal with.
 */
uint64_t spool_record_changes(const struct spool *spool);
bool spool_has_skipped(const struct spool *spool);

/* ---- cursors of sources ---- */
/* An empty value removes it. */
int spool_cursor_set(struct spool *spool, struct slice source, struct slice name, struct slice value, struct err *err);
int spool_cursor_get(struct spool *spool, struct slice source, struct slice name, struct buf *ret, struct err *err); /* LF_ENOENT */
typedef int spool_cursor_fn(void *context, struct slice name, struct slice value, struct err *err);
/* All of a source, ordered by name. */
int spool_each_cursor(struct spool *spool, struct slice source, spool_cursor_fn *fn, void *context, struct err *err);

/* ---- dirty sessions, to be assembled ---- */
/* Up to max sessions that have records newer than what was assembled. */
int spool_each_dirty(struct spool *spool, unsigned max, spool_id_fn *fn, void *context, struct err *err);
int spool_each_dirty_newest(struct spool *spool, unsigned max, spool_id_fn *fn, void *context, struct err *err);
int spool_mark_dirty(struct spool *spool, struct slice source, struct slice session, struct err *err);
int spool_mark_clean(struct spool *spool, struct slice source, struct slice session, struct err *err);
/* Sessions that have an open (unfinished) turn, were last heard of before limit_ms by the agent's time, and of which nothing was
 * stored after stored_limit_ms and up to wall_ms by our own. Dirty ones are not among them: whether they are still open is not known
 * before they are assembled. */
int spool_each_stale(struct spool *spool, int64_t limit_ms, int64_t stored_limit_ms, int64_t wall_ms, spool_id_fn *fn, void *context, struct err *err);
int spool_set_open(struct spool *spool, struct slice source, struct slice session, bool open, int64_t last_ms, struct err *err);

/* ---- observations: the outbox ---- */
enum observation_state { OBSERVATION_PENDING, OBSERVATION_IN_FLIGHT, OBSERVATION_IN_DOUBT, OBSERVATION_DELIVERED, OBSERVATION_DEAD };
struct spool_observation {
	int64_t rowid;
	uint8_t trace_id[16];
	uint8_t span_id[8];
	struct slice source, session, turn; /* own session; the turn's message id */
	int64_t start_ms;
	enum observation_state state;
	unsigned version;   /* 0 the first body; +1 each time the body changed after delivery (servers that merge) */
	struct slice body;  /* observation_json() */
};
/*
 * Replaces the observations of one session by this set, as one transaction with the caller's: rows whose
 * body is unchanged keep their state; new ones are PENDING unless the ledger knows the span id (then
 * DELIVERED); changed ones that were not delivered get the new body; changed delivered ones keep DELIVERED,
 * get the new body and their `changed` mark; vanished undelivered ones are removed.
 */
int spool_observations_begin(struct spool *spool, struct slice source, struct slice session, struct err *err);
int spool_observations_put(struct spool *spool, const struct spool_observation *observation, struct err *err);
/* Many of them at a go, no span twice: then it fails, and with it the transaction. */
int spool_observations_put_all(struct spool *spool, const struct spool_observation *rows, size_t count, struct err *err);
int spool_observations_end(struct spool *spool, struct err *err);
typedef int spool_observation_fn(void *context, const struct spool_observation *observation, struct err *err);
/* All of one session (empty: all), by start, span id. */
int spool_each_observation(struct spool *spool, struct slice session, spool_observation_fn *fn, void *context, struct err *err);
/* Pending ones: alternating oldest and newest, up to max_count and max_bytes of bodies.
 * include_changed: delivered rows with the `changed` mark too (servers that merge). */
int spool_each_pending(struct spool *spool, unsigned max_count, size_t max_bytes, bool include_changed, spool_observation_fn *fn, void *context, struct err *err);
/* What is known of a span, also after its row is gone. LF_ENOENT: nothing. */
int spool_find_state(struct spool *spool, struct slice session, const uint8_t span_id[8], enum observation_state *ret, struct err *err);
/* Drops the derived tables (observation, dirty marks) and marks every session dirty. Ledger and dead stay. */
int spool_forget_derived(struct spool *spool, struct err *err);

/* ---- what goes to other sinks than Langfuse ---- */
/* With no body of its own an item is the observation of that span. */
struct spool_item {
	uint8_t span_id[8];
	struct slice source, session;
	int64_t start_ms;
	struct slice body;
};
/* An item of the session's set, between spool_observations_begin() and _end(): pending unless the sink has or has refused it. One
 * that is pending and not put again is removed. A sink that is not fed takes nothing. */
int spool_item_put(struct spool *spool, enum spool_sink sink, const struct spool_item *item, struct err *err);
/* Those that are pending, like spool_each_pending(). */
int spool_each_item(struct spool *spool, enum spool_sink sink, unsigned max_count, size_t max_bytes, spool_observation_fn *fn, void *context, struct err *err);

/* How many are pending for a sink, Langfuse too. */
int spool_count_pending(struct spool *spool, enum spool_sink sink, uint64_t *ret, struct err *err);

/* ---- sends: batches written down before the POST ---- */
struct spool_send {
	int64_t id;
	int64_t created_ms;
	unsigned attempts;
	const int64_t *rows; /* observation rowids */
	unsigned count;
	bool in_doubt;
};
/* Writes a send and moves its rows to IN_FLIGHT. */
int spool_send_put(struct spool *spool, const int64_t *rows, unsigned count, int64_t now_ms, int64_t *ret_id, struct err *err);
typedef int spool_send_fn(void *context, const struct spool_send *send, struct err *err);
int spool_each_send(struct spool *spool, spool_send_fn *fn, void *context, struct err *err); /* left over from before */
/* Reads one observation by rowid. LF_ENOENT. */
int spool_get_observation(struct spool *spool, int64_t rowid, spool_observation_fn *fn, void *context, struct err *err);
enum settle { SETTLE_DELIVERED, SETTLE_RETRY, SETTLE_IN_DOUBT, SETTLE_DEAD };
/* Settles one row of a send: DELIVERED writes the ledger; RETRY makes it PENDING again; DEAD writes a dead letter. */
int spool_settle(struct spool *spool, int64_t send_id, int64_t row, enum settle how, const char *reason, struct err *err);
/* What is left of a send, settled as delivered at one go. */
int spool_send_arrived(struct spool *spool, int64_t send_id, struct err *err);
/* Ends a send: removes its row when nothing of it is in flight or in doubt. */
int spool_send_end(struct spool *spool, int64_t send_id, struct err *err);

/* Settles one item. No send is written down for it: OTLP has no way to ask what arrived, so that an unknown outcome is a
 * retry, with the same ids. */
int spool_item_settle(struct spool *spool, enum spool_sink sink, const uint8_t span_id[8], enum settle how, const char *reason, struct err *err);

/* ---- dead letters ---- */
struct spool_dead {
	int64_t id;
	int64_t time_ms;
	const char *reason;       /* "rejected", "oversize", "corrupt", "input" */
	struct slice detail;      /* words for people; no payload */
	struct slice session, body; /* body: the clean record or observation, or metadata of what was refused */
	uint8_t span_id[8];       /* zero when it is no observation */
	enum spool_sink sink;     /* that refused it */
};
typedef int spool_dead_fn(void *context, const struct spool_dead *dead, struct err *err);
int spool_dead_put(struct spool *spool, const struct spool_dead *dead, struct err *err);
int spool_each_dead(struct spool *spool, int64_t id /* 0: all */, spool_dead_fn *fn, void *context, struct err *err);
int spool_dead_retry(struct spool *spool, int64_t id /* 0: all */, uint64_t *ret_count, struct err *err);
int spool_dead_drop(struct spool *spool, int64_t id /* 0: all */, uint64_t *ret_count, struct err *err);

/* ---- counters (durable, by name) ---- */
int spool_count(struct spool *spool, const char *name, const char *label, int64_t add, struct err *err);
/* *ret: 0 for what was never counted. */
int spool_counter_get(struct spool *spool, const char *name, const char *label, int64_t *ret, struct err *err);
typedef int spool_counter_fn(void *context, const char *name, const char *label, int64_t value, struct err *err);
int spool_each_counter(struct spool *spool, const char *name /* NULL: all */, spool_counter_fn *fn, void *context, struct err *err);
/* What was counted once stays known after its record is gone (purge, retention), so that reading it again counts nothing. */
int spool_counted_set(struct spool *spool, struct slice source, struct slice key, struct err *err);
int spool_counted_get(struct spool *spool, struct slice source, struct slice key, bool *ret, struct err *err);
/* Small facts: "last_success_ms", "last_error", "api", "paused". Empty value removes. */
int spool_meta_set(struct spool *spool, const char *name, struct slice value, struct err *err);
int spool_meta_get(struct spool *spool, const char *name, struct buf *ret, struct err *err); /* LF_ENOENT */

/* ---- figures, purge, cleanup ---- */
struct spool_figures {
	uint64_t bytes, max_bytes, records, sessions, pending, in_flight, in_doubt, dead, delivered;
	int64_t oldest_pending_ms; /* 0 none */
	struct { uint64_t pending, dead; } sinks[SINK_COUNT]; /* the figures above are the sums; of delivered and the like, Langfuse's */
};
int spool_figures(struct spool *spool, struct spool_figures *ret, struct err *err);
struct spool_session_row {
	struct slice source, id, parent, title;
	int64_t created_ms, last_ms;
	uint64_t records, observations, delivered;
};
typedef int spool_session_fn(void *context, const struct spool_session_row *row, struct err *err);
int spool_each_session(struct spool *spool, spool_session_fn *fn, void *context, struct err *err);

struct spool_purge {
	int64_t older_than_ms;  /* record time before this; 0: no limit */
	struct slice session;   /* empty: all */
	bool delivered_only;    /* only sessions all of whose observations are delivered */
	bool dead;              /* dead letters too/only */
	bool all;               /* everything, also undelivered */
	bool dry_run;
};
struct spool_purged { uint64_t records, observations, undelivered, dead, bytes; };
/* A few sessions at a time: stopped in the middle, the others are left. */
int spool_purge(struct spool *spool, const struct spool_purge *purge, struct spool_purged *ret, struct err *err);
/* Retention and cap, in the order of FORMAT.md, each step counted in counter "dropped"/<reason>; then
 * incremental vacuum. Call outside a transaction. now_ms: wall clock. */
/*
 * For a disk that is full: lets go of what is delivered, whatever the cap says, as the cap's first step does and counts
 * it, and gives the room back. Loses nothing that is still to be sent. Outside of a transaction.
 */
int spool_relieve(struct spool *spool, struct err *err);
int spool_cleanup(struct spool *spool, int64_t now_ms, struct err *err);
/* PRAGMA integrity_check, the record hashes and the counters of rows; LF_ECORRUPT says where. */
int spool_check(struct spool *spool, struct err *err);

#endif
