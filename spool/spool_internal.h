/*
 * Inside spool/ only: the handle, and how its statements are run. Statements are prepared once and kept by id;
 * one that is in use already (a callback that reads again) gets a twin of its own.
 */
#ifndef LF_SPOOL_SPOOL_INTERNAL_H
#define LF_SPOOL_SPOOL_INTERNAL_H
#include "spool.h"
#include "base/hash.h"
#include "spool_sql.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

#define SPOOL_FILE "spool.db"
#define SPOOL_LOCK "lfspool.lock"
#define SPOOL_SALVAGED "spool.db.salvaged"
#define SPOOL_NEW "spool.db.new"
#define SPOOL_CLOSED ".closed" /* behind the file's name */
#define BUSY_TIMEOUT_MS 5000

enum sql_id {
#define X(id, text) id,
	SPOOL_SQL(X)
#undef X
	SQL_COUNT
};
extern const char *const sql_texts[SQL_COUNT];

/* The span ids that were put since spool_observations_begin(), for each sink. */
struct put_set {
	bool active;
	bool fresh;                   /* nothing is known of the session: no row, delivery or dead letter */
	struct slice source, session; /* own copies */
	struct put_spans {
		uint64_t *spans;
		size_t count, cap;
	} lists[SINK_COUNT];
};

/* late.c */
struct late_counter;
struct late_counted {
	int64_t place, hash;
};
#define LATE_COUNTED 64
struct late {
	struct late_counter *counters; /* a hash table */
	size_t count, slots;
	bool touched;                  /* the session below is to be marked */
	bool marked;                   /* it is dirty in the file, where its stored_ms is marked_ms */
	struct buf source, session;
	int64_t tick, last_ms, stored_ms, marked_ms;
	struct late_counted counted[LATE_COUNTED];
	unsigned counted_count;
};

/* fresh.c */
#define FRESH_ROWS 64
struct fresh_row {
	struct clean_record_view view; /* of the copy, with its number */
	struct clean_record *copy;
	struct hash128 fp;
	int64_t hash;
	uint64_t key_hash;
	enum record_level level;       /* those of the head: they may be higher than the record's own */
	uint64_t order;
	bool latest;                   /* of its key */
	bool in_file;                  /* there is a head of its key in the file */
	bool in_place;                 /* and under the same session, message, kind and link */
};
struct fresh {
	struct fresh_row rows[FRESH_ROWS];
	unsigned count;
	size_t bytes;
	int64_t last_seq;              /* 0: not known */
	int failed;                    /* a write: nothing of this transaction may be committed */
};

/* gap.c */
#define GAPS 3
struct gap {
	bool open, endless;
	struct buf source, low, high; /* between the two, which are keys themselves */
};

/* intake.c. Transactions have numbers that grow, from 1. */
struct intake {
	sqlite3 *db;                /* NULL: there is none */
	sqlite3_stmt *put;
	bool used;
	bool left;                  /* by the last writer */
	bool off;                   /* it failed: nothing more is put until it is made anew */
	struct buf notes;           /* what the small transaction has done, */
	bool noting;                /* and that is all of it */
	bool replaying;             /* all that is not in the file is being done again */
	unsigned within;            /* something is being done that is noted as a whole */
	int64_t put_mono_ms;        /* when the last was noted */
	int64_t stored_ms;          /* of what is done again: when it was done first; 0 */
	int64_t rows;               /* that it may have before they are written over */
	int64_t last, in_file, safe; /* of those noted; committed in the file; durable there */
};

/* write_back.c. What is not atomic is the thread's until it is done. */
struct write_back {
	bool allowed, running;
	pthread_t thread;
	const char *path;
	int rc;                     /* SQLite's */
	atomic_bool done;
};

/* rows.c: what is counted; the last stands for as many as there are sinks */
enum { ROWS_RECORDS, ROWS_LEDGER, ROWS_PENDING, ROWS_KINDS = ROWS_PENDING + SINK_COUNT };

struct spool {
	sqlite3 *db;
	char *path;
	int lock_fd;                /* -1: a reader */
	bool writer, in_transaction;
	bool derived;               /* the transaction; see spool_begin_derived() */
	int log_pages;              /* that the log may have before it is written back */
	bool unsynced;              /* there is a commit that is not durable yet */
	bool small;                 /* the transaction; see spool_begin_small() */
	bool held;                  /* SQLite's transaction is open behind small ones that are committed */
	bool late_begun;            /* the transaction; see spool_begin_late() */
	bool late_unsynced;         /* and such a one is not durable yet */
	int pages_before;           /* the transaction: spool_pages_written() */
	bool broken;                /* a commit failed on the disk, or the file is damaged: nothing more is written */
	uint64_t max_bytes, floor_bytes; /* floor: what the cap could not get below */
	uint64_t measured_bytes, least_bytes; /* when its size was asked for last, and the least of all times; 0: never */
	bool capping;               /* room is being made: how far that has come */
	unsigned cap_step;
	int64_t cap_seq;
	int64_t retention_ms;
	unsigned sinks;
	bool unplaced;              /* there may be rows without a place: there were when the file was opened */
	int64_t cleaned_mono_ms;    /* 0: not yet in this process */
	int64_t tick;               /* the last dirty mark; they grow, so that the oldest is assembled first */
	int64_t keep_tick;          /* marks from here on survive spool_mark_clean() in this transaction */
	spool_pause_fn *pause;
	void *pause_context;
	bool pausing;
	struct put_set put;
	struct late late;
	struct fresh fresh;
	struct gap gaps[GAPS];
	struct intake intake;
	struct write_back write_back;
	struct clean_record *last_session; /* that spool_find_session() gave in this transaction; NULL: none, or it may have changed */
	unsigned sessions_forgotten;
	int64_t rows[ROWS_KINDS];   /* what has come and gone in this transaction */
	uint64_t record_changes;    /* rows of records that came, went or changed in what was committed */
	uint64_t changing;          /* of records, in SQLite's transaction */
	bool skipped;               /* a damaged record was met */
	struct buf scratch;
	sqlite3_stmt *statements[SQL_COUNT];
	bool in_use[SQL_COUNT];
};

struct query {
	struct spool *spool;
	sqlite3_stmt *stmt;
	enum sql_id id;
	bool twin;
};

int sql_code(int sqlite_code); /* LF_E… */
/* Turns an SQLite code into LF_E… and words. */
int sql_fail(struct spool *spool, int sqlite_code, struct err *err);
/* types: one letter a parameter: s struct slice (text), b struct slice (blob), n NULL (no argument), i int64_t. */
int query_open(struct query *query, struct spool *spool, enum sql_id id, struct err *err, const char *types, ...);
/* Binds more parameters, those behind the first n. */
int query_bind(struct query *query, unsigned n, struct err *err, const char *types, ...);
/* 1: a row, 0: the end, LF_E…. */
int query_next(struct query *query, struct err *err);
void query_close(struct query *query);
/* Valid until the next query_next() or query_close(). */
struct slice query_slice(const struct query *query, int column);
int64_t query_int(const struct query *query, int column);
/* Runs a statement to its end. */
int sql_run(struct spool *spool, enum sql_id id, struct err *err, const char *types, ...);
/* The first column of the first row; LF_ENOENT (without words) when there is none or it is NULL. */
int sql_int(struct spool *spool, enum sql_id id, int64_t *ret, struct err *err, const char *types, ...);
/* Runs statements that are given as text: those of the schema. */
int sql_text(struct spool *spool, const char *text, struct err *err);
void sql_finalize(struct spool *spool);
/* Pages that went into the log since they were last to be counted again. */
int spool_pages_written(struct spool *spool, bool again);

/*
 * A step that must be one transaction: joins the caller's, or makes one of its own. rc = spool_leave(…, rc, err)
 * commits or rolls back its own.
 */
int spool_enter(struct spool *spool, bool *ret_own, struct err *err);
int spool_leave(struct spool *spool, bool own, int rc, struct err *err);

/* transaction.c */
/* As spool_begin_derived(), when all is folded. */
int transaction_begin_unsynced(struct spool *spool, struct err *err);
/* With all small ones that are not in the file. */
void transaction_undo(struct spool *spool);

/* note.c */
/* Numbers with 8 bytes each, big endian, then texts, each after its length in 8 bytes. Returns out->failed. */
int note_pack(struct buf *out, const uint64_t *numbers, size_t count, const struct slice *texts, size_t text_count);
/* In a small transaction: that this was done. */
void note_record(struct spool *spool, const struct clean_record_view *view);
void note_count(struct spool *spool, const char *name, const char *label, int64_t number);
void note_counted(struct spool *spool, struct late_counted counted);
void note_cursor(struct spool *spool, struct slice source, struct slice name, struct slice value);
bool note_are_whole(struct slice notes);
/* Does it all again; they are whole. */
int note_apply(struct spool *spool, struct slice notes, struct err *err);

/* intake.c */
/* At the opening: refuses what is no plain file of ours; */
int intake_look(struct spool *spool, struct err *err);
/* and does again what the last writer noted and the file has not seen. */
int intake_open(struct spool *spool, struct err *err);
/* A small transaction begins. */
void intake_begin(struct intake *intake);
/* It is durable. False: it is not, and must be committed in the file. */
bool intake_put(struct spool *spool);
/* In the file's transaction: that it has seen all. */
int intake_mark(struct spool *spool, struct err *err);
/* When the file's transaction was rolled back. Outside of one. */
int intake_replay(struct spool *spool, struct err *err);
/* Ends it, with its file, when all of it is durable in the file; outside of a transaction. */
int intake_drop(struct spool *spool, struct err *err);
void intake_drop_old(struct spool *spool); /* when it has not been used for long */
void intake_remove(struct spool *spool); /* the file */
void intake_done(struct intake *intake);

/* files.c: path is that of an SQLite file */
/* Refuses what is not a plain file of ours; makes it 0600. */
int files_check(const char *path, bool *ret_there, off_t *ret_size, struct err *err);
/* With what SQLite puts beside it; from 1: only that. */
void files_remove(const char *path, size_t from);
int files_move(const char *from, const char *to, struct err *err);
int files_sync_dir(const char *dir, struct err *err);
/* The name under which a damaged file is kept. */
void files_aside_name(const char *path, char *out, size_t size);
int files_settle_log(const char *path, struct err *err);

/* late.c: as spool_count() and spool_counter_get() in a transaction of the writer */
int late_count(struct spool *spool, const char *name, const char *label, int64_t add, struct err *err);
int late_counter_get(struct spool *spool, const char *name, const char *label, int64_t *ret, struct err *err);
/* As SQL_COUNTED_GET and _PUT. */
int late_counted_get(struct spool *spool, struct late_counted counted, bool *ret, struct err *err);
int late_counted_set(struct spool *spool, struct late_counted counted, struct err *err);
/* A record of this session was stored. */
int late_touch(struct spool *spool, const struct clean_record_view *view, struct err *err);
/* Writes what the statement would see, and all before a commit. */
int late_before(struct spool *spool, enum sql_id id, struct err *err);
void late_forget(struct spool *spool);
void late_done(struct spool *spool);

/* rows.c */
/* From now on rows that come and go are counted. */
int rows_watch(struct spool *spool, struct err *err);
/* What a statement cannot tell by itself: so many more wait for a sink. */
void rows_waits(struct spool *spool, enum spool_sink sink, int64_t add);
int rows_write(struct spool *spool, struct err *err);
void rows_forget(struct spool *spool);
/* Of all there is, in place of what the counters say. */
int rows_count_again(struct spool *spool, struct err *err);
int rows_get(struct spool *spool, unsigned kind, uint64_t *ret, struct err *err);
/* LF_ECORRUPT when a counter is not what is there. */
int rows_check(struct spool *spool, struct err *err);

/* place.c */
/* Of a session's id, or of a record's key. Above 0, which is the place of rows from before there were places. */
int64_t place_of(struct slice id);
/* The SQL function place(session). */
int place_register(struct spool *spool, struct err *err);

/* schema.c */
int schema_version(struct spool *spool, int64_t *ret_version, struct err *err);
int schema_migrate(struct spool *spool, struct err *err);
/* open.c: opens the file as writer, without lock and checks; what is made of it is whole or not there. */
int open_writer(struct spool *spool, const char *path, struct err *err);
/* closed.c: after the file was closed in good order; whether it is as it was then; removes the note (true: there was one, and the
 * directory is to be synced). */
void closed_note(const char *path);
bool closed_well(const char *path);
bool closed_forget(const char *path);
/* salvage.c: makes a new file at path of what can be read of *damaged (NULL: nothing); aside names it in meta (NULL:
 * there is none, the file is new). When it returns 0, all is in the file and on the disk. */
int salvage_into(sqlite3 *damaged, const char *path, const char *aside, struct err *err);

/* record.c */
uint64_t record_hash(struct spool *spool, const struct clean_record_view *view);
void record_view(const struct query *query, struct clean_record_view *ret);
/* Fills *ret as record_view(). True when the row's hash is that of its columns. */
bool record_intact(struct spool *spool, const struct query *query, struct clean_record_view *ret);
void session_forget(struct spool *spool);
/* Moves a record to the dead letters with reason corrupt, and puts the revision before it in its place. */
int record_quarantine(struct spool *spool, int64_t seq, struct err *err);
/* Deletes a record and its place as head. */
int record_drop(struct spool *spool, const struct clean_record_view *view, struct err *err);

/* head.c */
/* Whether a revision is to be stored (FORMAT.md "Which revisions are kept"), and over what. */
struct head_decision {
	bool store, new_link;
	bool in_file, in_place;   /* see fresh_row */
	int64_t seq;              /* of the head in the file; 0: there is none */
	const struct fresh_row *row; /* of the head among the fresh ones; NULL */
};
/* Raises the head when it is the same. */
int head_decide(struct spool *spool, const struct clean_record_view *view, const struct hash128 *fp, struct head_decision *ret, struct err *err);
/* Marks what depends on a session: its descendants. */
int head_mark_tree(struct spool *spool, struct slice source, struct slice session, struct err *err);

/* fresh.c */
/* A record that is stored, and the head of its key now. The texts of a large body are used until this returns. */
int fresh_add(struct spool *spool, const struct clean_record_view *view, const struct hash128 *fp, const struct head_decision *over, struct err *err);
/* The latest revision of a key, when it is not in the file yet; NULL. Until the next statement or record. */
struct fresh_row *fresh_find(struct spool *spool, struct slice source, struct slice key);
int fresh_write(struct spool *spool, struct err *err);
void fresh_forget(struct spool *spool);

/* gap.c: keys of a source that neither the file nor the fresh records have a head of */
bool gap_has(struct spool *spool, struct slice source, struct slice key);
/* There is none between low, which is about to get one, and high (ptr NULL: above low) in the file. */
void gap_note(struct spool *spool, struct slice source, struct slice low, struct slice high);
/* There is to be a head of this key. */
void gap_fill(struct spool *spool, struct slice source, struct slice key);
/* Before heads come back that were there before, and after a rollback. */
void gap_forget(struct spool *spool);
void gap_done(struct spool *spool);

/* session.c */
int64_t session_next_tick(struct spool *spool);

/* observation.c */
void observation_row(const struct query *query, struct spool_observation *ret);
int observation_put_body(struct spool *spool, int64_t rowid, struct slice body, struct err *err);
void put_set_add(struct put_set *set, enum spool_sink sink, const void *span_id);
/* After put_set_sort(). */
bool put_set_has(const struct put_set *set, enum spool_sink sink, const void *span_id);
void put_set_done(struct put_set *set);
struct picking {
	spool_observation_fn *fn;
	void *context;
	unsigned count, max_count;
	size_t bytes, max_bytes;
	bool full;
};
/* Gives rows of two queries, oldest and newest first, by turns until they meet. */
int pick_by_turns(struct picking *picking, struct query ends[2], struct err *err);

/* outgo.c */
/* Which sinks are fed has changed or not since the file was last open. */
int outgo_open(struct spool *spool, struct err *err);
/* Removes what was pending of the set's session and was not put again. */
int outgo_end(struct spool *spool, struct err *err);
int outgo_revive(struct spool *spool, const struct spool_dead *dead, struct err *err);
int outgo_figures(struct spool *spool, struct spool_figures *ret, struct err *err);

/* write_back.c */
/* From now on the log is written back when it has become long. */
void log_watch(struct spool *spool);
/* Writes it back and cuts it to nothing, unless a reader holds it: then it is cut another time. */
int log_cut(struct spool *spool, struct err *err);
void spool_empty_log(struct spool *spool);
/* While nobody waits for what is done, but others wait for it to make room: the log is written back in small pieces. */
void spool_gently(struct spool *spool, bool gently);
/* Whether the thread beside has failed, as far as it is done; and the same after waiting for it. */
void write_back_look(struct spool *spool);
void write_back_end(struct spool *spool);

/* counter.c, cap.c, cleanup.c */
int spool_used_bytes(struct spool *spool, uint64_t *ret, struct err *err);
/* patient: nobody waits, and all of it is done; else the next transaction goes on with it. */
int cap_enforce(struct spool *spool, bool patient, struct err *err);
/* LF_EFULL while the log is far too large and a reader holds it. */
int log_enforce(struct spool *spool, struct err *err);
/* Deletes a session with all that is of it; adds its records to *ret_count. The ledger stays. */
int session_drop(struct spool *spool, struct slice source, struct slice id, uint64_t *ret_count, struct err *err);
/* Gives free pages back to the file system. Outside a transaction. */
int spool_shrink(struct spool *spool, struct err *err);
#endif
