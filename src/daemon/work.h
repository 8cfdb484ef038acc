/*
 * What a piece of work may use: the configuration made into objects, and the spool, either directly
 * (a command with no daemon running) or through the writer's thread (in the daemon).
 */
#ifndef LF_DAEMON_WORK_H
#define LF_DAEMON_WORK_H
#include "assemble/assemble.h"
#include "conf/conf.h"
#include "metrics/count.h"
#include "redact.h"
#include "ship/ship.h"
#include "spool.h"
#include <stdatomic.h>

/* So that connections are left for commands. */
#define WORK_MAX_STREAMS 32

struct writer;
struct flusher;
struct servers;
struct sources;

struct work {
	const struct conf *conf;
	struct ruleset *rules;
	enum redact_mode mode;
	enum trace_unit unit;
	unsigned sinks;          /* SPOOL_SINK_BITs of those that are fed */
	int64_t stale_after_ms;
	struct count_options count;
	int64_t started_mono_ms;
	struct spool *spool;     /* one-shot: ours; daemon: the writer's thread only */
	struct writer *writer;   /* NULL: one-shot */
	struct flusher *flushers[SINK_COUNT]; /* of the sinks that are fed, and of Langfuse; NULL: one-shot */
	struct servers *servers; /* NULL: one-shot, or none are listened to */
	struct sources *sources; /* NULL: one-shot, or none are followed */
	atomic_bool stopping;
	atomic_int streams;      /* agents that send events over the control socket */
	char **deny_values;      /* the user's own secrets, NULL-terminated */
	char *host_name;
};

/* Compiles the rules and reads the options. Opens no spool. The conf must outlive the work. */
int work_init(struct work *work, const struct conf *conf, struct err *err);
void work_done(struct work *work);
int work_open_spool(struct work *work, struct err *err);
/*
 * Room that is kept on the disk so that what is stored can still be sent, which frees it again: without it a spool that
 * has filled its disk could not even write down that a batch goes out. Nothing new is taken below WORK_RESERVE_INPUT,
 * nothing assembled below WORK_RESERVE_DERIVE.
 */
#define WORK_RESERVE_INPUT (UINT64_C(64) << 20)
#define WORK_RESERVE_DERIVE (UINT64_C(48) << 20)
/* True when less than that is free where the spool lies; false when nobody can tell. */
bool work_disk_low(const struct work *work, uint64_t reserve_bytes);

void work_close_spool(struct work *work);

/*
 * What is to be done on the spool. grouped: fn only appends, and shares its transaction with others of its kind; otherwise fn
 * makes its own transactions.
 */
typedef int spool_work_fn(struct spool *spool, void *arg, struct err *err);
struct work_job {
	bool grouped;
	bool small;             /* grouped: it appends; see spool_begin_small() */
	bool late;              /* grouped: whoever gave it sees to it himself that it gets durable; see spool_log_sync() */
	spool_work_fn *fn;      /* NULL (grouped): nothing but spool_fold() */
	void *arg;
	struct err err;         /* why rc is not 0 */
	int rc;
	struct mailbox *answer; /* the job comes back in it */
};
/* Begins it, and goes on: job, and what it names, must stay as they are until work_await(). */
void work_post(struct work *work, struct work_job *job);
/* The same by a caller that does nothing meanwhile: it may be done when this returns. */
void work_do(struct work *work, struct work_job *job);
/* Its rc: when it appends, 0 means that it is durable, or, of a late one, committed. */
int work_await(struct work_job *job);
/* Both in one. */
int work_on_spool(struct work *work, bool grouped, spool_work_fn *fn, void *arg, struct err *err);

/* The URL is http:// to a host that is not this machine: keys and traces can be read on the way. */
bool work_plain_text(const char *host);
/* SPOOL_SINK_BITs of the sinks that are fed. Without any other, Langfuse is among them also as long as it has no keys: they may come. */
unsigned work_sinks(const struct conf *conf);
/* What tells this machine from others; NULL: nothing. */
const char *work_instance(const struct work *work);
/* The sender to one sink. cancel may be NULL. */
int work_ship_new(struct work *work, enum spool_sink sink, const atomic_bool *cancel, struct ship **ret, struct err *err);

#endif
