/*
 * Wires the first three stages for one input; see pipeline.h. One pipeline runs on one thread. While the writer stores a batch, the one
 * before is brought to the disk by a thread of its own, and the next is read and redacted: nobody waits for the disk.
 */
#include "daemon/sources/pipeline.h"
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/meters/counting.h"
#include "daemon/syncing.h"
#include "daemon/writer.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH_RECORDS 1000
#define BATCH_BYTES (4u << 20)
#define READ_BYTES 65536
#define MAX_WORDS_BYTES 16384

/* What goes to the spool in one transaction. */
struct batch {
	const struct pipeline *pipeline;
	struct work_job job;
	struct clean_record *records[BATCH_RECORDS];
	unsigned count;
	size_t bytes;
	int64_t first_mono_ms;   /* when its first record came */
	struct buf letters;      /* dead letters of oversize input: JSON objects, a line each */
	uint64_t *hits;          /* by rule */
	struct counting_memory memory;
	uint64_t stored, unchanged;
	struct slice cursor, value; /* to be moved with it; cursor empty: none */
	uint64_t events;            /* that the source counts for it */
};

struct pipeline {
	struct work *work;
	struct redactor *redactor;
	struct ingest *ingest;
	struct pipeline_result *result;
	const char *name, *source;
	bool mute;
	struct batch batches[2]; /* one is filled while the other is stored */
	struct batch *filling, *on_way; /* on_way: NULL when there is none */
	struct syncing syncing;         /* of full batches, which are late */
	uint64_t stored, unchanged;     /* of a batch that is committed, and not known to be durable */
};

void pipeline_result_init(struct pipeline_result *result)
{
	memset(result, 0, sizeof *result);
	buf_init(&result->words, MAX_WORDS_BYTES);
}

void pipeline_result_done(struct pipeline_result *result)
{
	buf_done(&result->words);
}

static int store_counts(const struct batch *batch, struct spool *spool, struct err *err)
{
	const struct ruleset *rules = batch->pipeline->work->rules;
	unsigned n = ruleset_count(rules);

	for (unsigned i = 0; i <= n; i++) {
		const char *name = i < n ? ruleset_name(rules, i) : "limit";
		int rc = batch->hits[i] ? spool_count(spool, "redacted", name, (int64_t)batch->hits[i], err) : 0;
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int store_letters(const struct batch *batch, struct spool *spool, struct err *err)
{
	struct slice rest = buf_view(&batch->letters);
	int rc = 0;

	while (rc == 0 && rest.len > 0) {
		const char *nl = memchr(rest.ptr, '\n', rest.len);
		struct spool_dead dead = {
			.reason = "oversize", .detail = SLICE("input larger than can be read"),
			.body = { rest.ptr, (size_t)(nl - rest.ptr) },
		};
		rc = spool_dead_put(spool, &dead, err);
		if (rc == 0)
			rc = spool_count(spool, "dropped", "oversize", 1, err);
		rest.len -= dead.body.len + 1;
		rest.ptr = nl + 1;
	}
	return rc;
}

/* Counts what was stored of one source; a batch of several sources is counted in runs. */
static int count_run(struct spool *spool, struct slice source, int64_t stored, struct err *err)
{
	char label[64];

	if (stored == 0 || !source.ptr || source.len >= sizeof label)
		return 0;
	memcpy(label, source.ptr, source.len);
	label[source.len] = '\0';
	return spool_count(spool, "records", label, stored, err);
}

static int store_records(struct batch *batch, struct spool *spool, struct err *err)
{
	struct slice source = SLICE_NONE;
	int64_t run = 0;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < batch->count; i++) {
		struct slice own = clean_record_view(batch->records[i])->source;
		enum spool_appended how = SPOOL_UNCHANGED;
		if (!slice_equal(own, source)) {
			rc = count_run(spool, source, run, err);
			source = own;
			run = 0;
		}
		if (rc == 0)
			rc = counting_append(spool, &batch->pipeline->work->count, batch->records[i], &batch->memory, &how, err);
		run += how == SPOOL_STORED;
		*(how == SPOOL_STORED ? &batch->stored : &batch->unchanged) += 1;
	}
	return rc == 0 ? count_run(spool, source, run, err) : rc;
}

static int store_cursor(const struct batch *batch, struct spool *spool, struct err *err)
{
	struct slice source = slice_of(batch->pipeline->source ? batch->pipeline->source : "opencode");
	int rc = 0;

	if (batch->cursor.len > 0)
		rc = spool_cursor_set(spool, source, batch->cursor, batch->value, err);
	if (rc == 0 && batch->events > 0)
		rc = spool_count(spool, "events", source.ptr, (int64_t)batch->events, err);
	return rc;
}

static int store_batch(struct spool *spool, void *arg, struct err *err)
{
	struct batch *batch = arg;
	int rc;

	batch->stored = batch->unchanged = 0;
	if (work_disk_low(batch->pipeline->work, WORK_RESERVE_INPUT))
		return err_set(err, LF_EFULL, "%s: the disk is full: less than %u MB are free", spool_path(spool),
		               (unsigned)(WORK_RESERVE_INPUT >> 20));
	rc = store_records(batch, spool, err);
	if (rc == 0 && batch->count > 0)
		rc = counting_add(spool, FACT_INGEST_MS, clock_mono_ms() - batch->first_mono_ms, err);
	if (rc == 0)
		rc = store_letters(batch, spool, err);
	if (rc == 0)
		rc = store_counts(batch, spool, err);
	return rc == 0 ? store_cursor(batch, spool, err) : rc;
}

static void gather_hits(struct pipeline *pipeline, struct batch *batch)
{
	for (unsigned i = 0; i <= ruleset_count(pipeline->work->rules); i++)
		batch->hits[i] += redactor_take_count(pipeline->redactor, i);
}

static void batch_init(struct batch *batch, const struct pipeline *pipeline)
{
	batch->pipeline = pipeline;
	batch->job = (struct work_job){ .grouped = true, .small = true, .fn = store_batch, .arg = batch };
	batch->hits = xcalloc(ruleset_count(pipeline->work->rules) + 1, sizeof *batch->hits);
	buf_init(&batch->letters, 1u << 20);
	counting_memory_init(&batch->memory);
}

static void batch_clear(struct batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++)
		clean_record_free(batch->records[i]);
	batch->count = 0;
	batch->bytes = 0;
	batch->cursor = SLICE_NONE;
	batch->events = 0;
	buf_clear(&batch->letters);
}

static void batch_done(struct batch *batch)
{
	batch_clear(batch);
	free(batch->hits);
	buf_done(&batch->letters);
	counting_memory_done(&batch->memory);
}

/* Waits until the batch that is on its way is committed. When it failed, what is being filled is forgotten with it. */
static int await_commit(struct pipeline *pipeline, struct err *err)
{
	struct batch *batch = pipeline->on_way;
	int rc;

	if (!batch)
		return 0;
	pipeline->on_way = NULL;
	rc = work_await(&batch->job);
	if (rc == 0) {
		memset(batch->hits, 0, (ruleset_count(pipeline->work->rules) + 1) * sizeof *batch->hits);
	} else {
		*err = batch->job.err;
		batch_clear(pipeline->filling);
	}
	batch_clear(batch);
	return rc;
}

static int give_up(struct spool *spool, void *arg, struct err *err)
{
	(void)arg;
	return spool_give_up(spool, err);
}

/* Of a batch that is committed; NULL: there is none. */
static void start_sync(struct pipeline *pipeline, const struct batch *batch)
{
	if (!batch)
		return;
	pipeline->stored = batch->stored;
	pipeline->unchanged = batch->unchanged;
	if (batch->job.late)
		syncing_start(&pipeline->syncing);
}

/* Now the batch is durable, and counts. Else what is being filled is forgotten with it. */
static int end_sync(struct pipeline *pipeline, struct err *err)
{
	struct err ignored;
	int rc = syncing_end(&pipeline->syncing, err);

	if (rc != 0) {
		(void)work_on_spool(pipeline->work, true, give_up, NULL, &ignored);
		batch_clear(pipeline->filling);
		return rc;
	}
	pipeline->result->stored += pipeline->stored;
	pipeline->result->unchanged += pipeline->unchanged;
	pipeline->stored = pipeline->unchanged = 0;
	return 0;
}

/* That the batch on its way is committed, and the one before it durable. */
static int await_both(struct pipeline *pipeline, struct err *err)
{
	struct err ignored;
	int rc = await_commit(pipeline, err), synced = end_sync(pipeline, rc == 0 ? err : &ignored);

	return rc != 0 ? rc : synced;
}

/* Sends the batch on its way once the one before it is committed, which then goes to the disk meanwhile; begin is work_post or work_do. */
static int hand_over(struct pipeline *pipeline, void (*begin)(struct work *, struct work_job *), bool late, struct err *err)
{
	struct batch *before = pipeline->on_way, *batch = pipeline->filling;
	int rc = await_both(pipeline, err);

	if (rc != 0)
		return rc;
	start_sync(pipeline, before);
	if (batch->count == 0 && batch->letters.len == 0 && batch->cursor.len == 0)
		return end_sync(pipeline, err);
	gather_hits(pipeline, batch);
	pipeline->on_way = batch;
	pipeline->filling = batch == pipeline->batches ? batch + 1 : pipeline->batches;
	batch->job.late = late && pipeline->syncing.fd >= 0;
	begin(pipeline->work, &batch->job);
	return 0;
}

/* Of all that is on its way. */
static int settle(struct pipeline *pipeline, struct err *err)
{
	struct batch *batch = pipeline->on_way;
	int rc = await_both(pipeline, err);

	if (rc == 0)
		start_sync(pipeline, batch);
	return rc == 0 ? end_sync(pipeline, err) : rc;
}

/* When it returns 0 all that was given is durable. */
static int submit(struct pipeline *pipeline, struct err *err)
{
	int rc = hand_over(pipeline, work_do, false, err);

	return rc == 0 ? settle(pipeline, err) : rc;
}

static void note_problem(void *context, const char *words, struct slice metadata)
{
	struct pipeline *pipeline = context;
	struct pipeline_result *result = pipeline->result;

	if (pipeline->mute)
		return;
	result->problems++;
	if (result->words.len + strlen(words) + 1 < MAX_WORDS_BYTES) {
		buf_text(&result->words, words);
		buf_char(&result->words, '\n');
	}
	if (metadata.len > 0) {
		buf_slice(&pipeline->filling->letters, metadata);
		buf_char(&pipeline->filling->letters, '\n');
	}
}

static int take_event(void *context, const struct raw_event *event, struct err *err)
{
	struct pipeline *pipeline = context;
	struct clean_record *record = NULL;
	struct batch *batch = pipeline->filling;
	int rc;

	if (pipeline->mute)
		return 0;
	rc = redact_event(pipeline->redactor, event, &record, err);
	if (rc == LF_EINVAL) {
		note_problem(pipeline, err->text, SLICE_NONE);
		return 0;
	}
	if (rc != 0)
		return rc;
	if (!record) {
		pipeline->result->dropped++;
		return 0;
	}
	if (batch->count == 0)
		batch->first_mono_ms = clock_mono_ms();
	batch->records[batch->count++] = record;
	batch->bytes += clean_record_view(record)->body.len;
	return batch->count == BATCH_RECORDS || batch->bytes >= BATCH_BYTES ? hand_over(pipeline, work_post, true, err) : 0;
}

/* Waits for input, and meanwhile makes durable what is there. 0: readable. */
static int await_input(struct pipeline *pipeline, int fd, int watch_fd, struct err *err)
{
	struct pollfd polls[2] = { { .fd = fd, .events = POLLIN }, { .fd = watch_fd, .events = POLLRDHUP } };

	for (int wait_ms = 0;; wait_ms = 500) {
		int n = poll(polls, 2, wait_ms), rc;
		if (n < 0 && errno != EINTR)
			return err_set(err, LF_EIO, "%s: %s", pipeline->name, strerror(errno));
		if (atomic_load(&pipeline->work->stopping) || (n > 0 && polls[1].revents))
			return err_set(err, LF_ECLOSED, "%s: stopped before the end of the input", pipeline->name);
		if (n > 0 && polls[0].revents)
			return 0;
		rc = submit(pipeline, err);
		if (rc != 0)
			return rc;
	}
}

static int read_all(struct pipeline *pipeline, int fd, int watch_fd, struct err *err)
{
	char *chunk = xmalloc(READ_BYTES);
	int rc;

	for (;;) {
		ssize_t n = 0;
		rc = await_input(pipeline, fd, watch_fd, err);
		if (rc == 0 && (n = read(fd, chunk, READ_BYTES)) < 0 && errno != EINTR)
			rc = err_set(err, LF_EIO, "%s: %s", pipeline->name, strerror(errno));
		if (rc != 0 || n == 0)
			break;
		if (n > 0)
			rc = ingest_feed(pipeline->ingest, (struct slice){ chunk, (size_t)n }, err);
		if (rc != 0)
			break;
	}
	free(chunk);
	if (rc == 0)
		rc = ingest_finish(pipeline->ingest, err);
	return rc;
}

int pipeline_new(struct work *work, const char *source, const char *name, struct pipeline_result *result, struct pipeline **ret, struct err *err)
{
	struct pipeline *pipeline = xcalloc(1, sizeof *pipeline);
	struct ingest_options options = {
		.source = source, .name = name, .emit = take_event, .problem = note_problem, .context = pipeline,
	};
	int rc = ingest_new(&options, &pipeline->ingest, err);

	if (rc != 0) {
		free(pipeline);
		return rc;
	}
	pipeline->work = work;
	pipeline->result = result;
	pipeline->name = name;
	pipeline->source = source;
	for (size_t i = 0; i < 2; i++)
		batch_init(&pipeline->batches[i], pipeline);
	pipeline->filling = pipeline->batches;
	pipeline->redactor = redactor_new(work->rules);
	syncing_init(&pipeline->syncing, work->spool);
	*ret = pipeline;
	return 0;
}

void pipeline_free(struct pipeline *pipeline)
{
	struct err ignored;

	if (!pipeline)
		return;
	(void)settle(pipeline, &ignored);
	for (size_t i = 0; i < 2; i++)
		batch_done(&pipeline->batches[i]);
	pipeline->result->counts = *ingest_counts(pipeline->ingest);
	syncing_done(&pipeline->syncing);
	redactor_free(pipeline->redactor);
	ingest_free(pipeline->ingest);
	free(pipeline);
}

int pipeline_value(struct pipeline *pipeline, struct slice text, uint64_t line, struct err *err)
{
	return ingest_value(pipeline->ingest, text, line, err);
}

void pipeline_mute(struct pipeline *pipeline, bool mute)
{
	pipeline->mute = mute;
}

void pipeline_swap_memory(struct pipeline *pipeline, struct claude **memory)
{
	ingest_swap_memory(pipeline->ingest, memory);
}

void pipeline_oversize(struct pipeline *pipeline, uint64_t bytes, uint64_t line)
{
	ingest_oversize(pipeline->ingest, bytes, line);
}

int pipeline_commit(struct pipeline *pipeline, struct slice cursor, struct slice value, uint64_t events, struct err *err)
{
	struct batch *batch = pipeline->filling;

	batch->cursor = cursor;
	batch->value = value;
	batch->events = events;
	return submit(pipeline, err);
}

static int run(struct work *work, const char *source, const char *name, int fd, int watch_fd, struct pipeline_result *ret, struct err *err)
{
	struct pipeline *pipeline;
	struct err ignored;
	int rc = pipeline_new(work, source, name, ret, &pipeline, err);

	if (rc != 0)
		return rc;
	rc = read_all(pipeline, fd, watch_fd, err);
	if (rc == 0)
		rc = submit(pipeline, err);
	else
		(void)submit(pipeline, &ignored);
	pipeline_free(pipeline);
	return rc;
}

int pipeline_run(struct work *work, const char *source, const char *name, int fd, int watch_fd,
                 struct pipeline_result *ret, struct err *err)
{
	bool alone = !work->writer;
	int rc = alone ? writer_start(work->spool, false, NULL, &work->writer, err) : 0;

	if (rc != 0)
		return rc;
	rc = run(work, source, name, fd, watch_fd, ret, err);
	if (alone) {
		writer_stop(work->writer);
		work->writer = NULL;
	}
	return rc;
}
