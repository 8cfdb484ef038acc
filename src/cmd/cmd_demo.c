/*
 * lfspool demo: the main job on a recorded session, on this machine alone. A receiver on loopback plays Langfuse v4; a real
 * daemon is started, killed with -9 while a request of it is unanswered, and started again. At the end every observation
 * that the session must give is compared with what the receiver stored.
 */
#include "cmd/cmd.h"
#include "cmd/term.h"
#include <stdlib.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef HAVE_MICROHTTPD
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "daemon/client.h"
#include "daemon/flusher/derive.h"
#include "daemon/sources/pipeline.h"
#include "sink/sink.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const unsigned char session_bytes[] = {
#include "src/cmd/demo_session.inc"
};

#define WAIT_MS 30000
#define TIME_DIGITS 13
#define RECORDED_CENTURY INT64_C(1000000000000) /* times from 2001 to 2033 */

struct demo {
	char dir[256];
	char *spool_dir, *whole, *first;
	struct sink *sink;
	pid_t daemon;
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static void pause_ms(long ms)
{
	struct timespec step = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&step, NULL);
}

extern char **environ;

/* The child gets this demo's settings and none of the user's. */
static void become_daemon(const struct demo *demo)
{
	char *const arguments[] = { (char[]){ "lfspool" }, (char[]){ "run" }, NULL };
	char host[64], log[512], *path = xstrdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	static char *nothing[] = { NULL };
	int fd;

	snprintf(host, sizeof host, "http://127.0.0.1:%u", (unsigned)sink_port(demo->sink));
	snprintf(log, sizeof log, "%s/daemon.log", demo->dir);
	environ = nothing;
	setenv("PATH", path, 1); /* the program itself may have been found there */
	setenv("HOME", demo->dir, 1);
	setenv("LFSPOOL_SPOOL_DIR", demo->spool_dir, 1);
	setenv("LFSPOOL_LANGFUSE_HOST", host, 1);
	setenv("LFSPOOL_LANGFUSE_PUBLIC_KEY", "demo-public", 1);
	setenv("LFSPOOL_LANGFUSE_SECRET_KEY", "demo-secret", 1);
	setenv("LFSPOOL_FLUSH_INTERVAL", "200ms", 1);
	setenv("LFSPOOL_LOOKUP_DELAY", "500ms", 1);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
	system_run_self(cmd_program, arguments);
	_exit(127);
}

static int ask(const struct demo *demo, struct slice request, int fd, struct err *err)
{
	struct buf reply;
	struct json_doc doc;
	int rc;

	buf_init(&reply, 0);
	json_doc_init(&doc);
	rc = client_call(demo->spool_dir, request, fd, &reply, err);
	if (rc == 0)
		rc = json_parse(&doc, buf_view(&reply), 0, err);
	if (rc == 0 && (rc = (int)json_int(&doc, json_get(&doc, 0, "rc"), 0)) != 0)
		err_set(err, rc, "the daemon could not do it");
	json_doc_done(&doc);
	buf_done(&reply);
	return rc;
}

static int start_daemon(struct demo *demo, struct err *err)
{
	int64_t deadline_ms = clock_mono_ms() + WAIT_MS;
	int rc;

	demo->daemon = fork();
	if (demo->daemon < 0)
		return err_set(err, LF_EIO, "fork: %s", strerror(errno));
	if (demo->daemon == 0)
		become_daemon(demo);
	while ((rc = ask(demo, SLICE("{\"cmd\":\"ping\"}"), -1, err)) != 0) {
		if (clock_mono_ms() > deadline_ms || waitpid(demo->daemon, NULL, WNOHANG) != 0)
			return err_set(err, LF_EIO, "the daemon does not start; see %s/daemon.log", demo->dir);
		pause_ms(20);
	}
	return 0;
}

static void end_daemon(struct demo *demo, int signal)
{
	if (demo->daemon <= 0)
		return;
	kill(demo->daemon, signal);
	waitpid(demo->daemon, NULL, 0);
	demo->daemon = 0;
}

static int ingest(const struct demo *demo, const char *path, struct err *err)
{
	int fd = file_open_read(path, err), rc;

	if (fd < 0)
		return fd;
	rc = ask(demo, SLICE("{\"cmd\":\"ingest\",\"name\":\"recorded session\"}"), fd, err);
	close(fd);
	return rc;
}

static struct sink_figures figures_of(const struct demo *demo)
{
	struct sink_figures figures;

	sink_figures(demo->sink, &figures);
	return figures;
}

static int await_observations(const struct demo *demo, uint64_t at_least, struct err *err)
{
	int64_t deadline_ms = clock_mono_ms() + WAIT_MS;

	while (figures_of(demo).observations < at_least) {
		if (clock_mono_ms() > deadline_ms)
			return err_set(err, LF_EIO, "%" PRIu64 " of %" PRIu64 " observations arrived within %d s; see %s/daemon.log",
			               figures_of(demo).observations, at_least, WAIT_MS / 1000, demo->dir);
		pause_ms(20);
	}
	return 0;
}

static int count_observation(void *context, const struct observation *observation, struct slice turn, struct err *err)
{
	(void)observation, (void)turn, (void)err;
	++*(uint64_t *)context;
	return 0;
}

struct expectation {
	uint64_t count;
	struct spool *spool;
};

static int count_session(void *context, const struct spool_session_row *row, struct err *err)
{
	struct expectation *expected = context;
	struct assemble_result result;

	return derive_session(expected->spool, TRACE_UNIT_SESSION, row->source, row->id, count_observation, &expected->count, &result, err);
}

/* What must arrive: the same session through a spool of its own that nobody kills. */
static int expect(const struct demo *demo, const struct conf *conf, uint64_t *ret, struct err *err)
{
	struct pipeline_result result;
	struct expectation expected = { 0 };
	struct work work;
	int fd = file_open_read(demo->whole, err), rc;
	struct spool_options options = { 0 };
	char *dir = file_join(demo->dir, "reference");

	pipeline_result_init(&result);
	options.dir = dir;
	rc = work_init(&work, conf, err);
	if (rc == 0)
		rc = spool_open(&options, &work.spool, err);
	if (rc == 0)
		rc = pipeline_run(&work, NULL, "recorded session", fd, -1, &result, err);
	expected.spool = work.spool;
	if (rc == 0)
		rc = spool_each_session(work.spool, count_session, &expected, err);
	*ret = expected.count;
	work_done(&work);
	pipeline_result_done(&result);
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

/* The time in milliseconds that stands there; 0: none does. */
static int64_t time_at(const char *text, size_t left)
{
	int64_t ms = 0;

	if (left <= TIME_DIGITS || (text[-1] >= '0' && text[-1] <= '9') || (text[TIME_DIGITS] >= '0' && text[TIME_DIGITS] <= '9'))
		return 0;
	for (size_t i = 0; i < TIME_DIGITS; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		ms = ms * 10 + (text[i] - '0');
	}
	return ms / RECORDED_CENTURY == 1 ? ms : 0;
}

/* The session ends now: one that had been silent since it was recorded would be taken for interrupted half way. */
static void move_to_now(char *text, size_t n)
{
	int64_t newest = 0, now_ms = clock_wall_ms(), ms;

	for (size_t i = 1; i < n; i++)
		if ((ms = time_at(text + i, n - i)) > newest)
			newest = ms;
	for (size_t i = 1; i < n; i++)
		if ((ms = time_at(text + i, n - i)) > 0) {
			char digits[32];

			snprintf(digits, sizeof digits, "%013" PRId64, ms + now_ms - newest);
			memcpy(text + i, digits, TIME_DIGITS);
			i += TIME_DIGITS;
		}
}

static int write_inputs(struct demo *demo, struct err *err)
{
	static char session[sizeof session_bytes];
	struct slice all = { session, sizeof session }, half = all;

	memcpy(session, session_bytes, sizeof session);
	move_to_now(session, sizeof session);
	half.len = half.len * 2 / 3;
	while (half.len > 0 && half.ptr[half.len - 1] != '\n')
		half.len--;
	if (file_replace(demo->whole, all, 0600, err) != 0)
		return err->code;
	return file_replace(demo->first, half, 0600, err);
}

static int run(struct demo *demo, const struct conf *conf, uint64_t *ret_expected, struct err *err)
{
	int rc = write_inputs(demo, err);

	if (rc == 0)
		rc = expect(demo, conf, ret_expected, err);
	if (rc == 0)
		rc = start_daemon(demo, err);
	if (rc == 0) {
		printf("A daemon runs (pid %d) and gets the first two thirds of a recorded OpenCode session.\n", (int)demo->daemon);
		rc = ingest(demo, demo->first, err);
	}
	if (rc == 0)
		rc = await_observations(demo, 1, err);
	if (rc == 0) {
		end_daemon(demo, SIGKILL);
		printf("kill -9: the receiver had stored %" PRIu64 " observations and given no answer.\n", figures_of(demo).observations);
		rc = start_daemon(demo, err);
	}
	if (rc == 0) {
		printf("A new daemon runs (pid %d) and gets the whole session, what it has seen included.\n\n", (int)demo->daemon);
		rc = ingest(demo, demo->whole, err);
	}
	if (rc == 0)
		rc = await_observations(demo, *ret_expected, err);
	if (rc == 0)
		rc = ask(demo, SLICE("{\"cmd\":\"flush\",\"timeout_ms\":20000}"), -1, err);
	return rc;
}

static int report(const struct demo *demo, uint64_t expected)
{
	struct term term = term_of(STDOUT_FILENO);
	struct map_look look = term_look(&term);
	struct sink_figures figures = figures_of(demo);
	uint64_t lost = expected > figures.observations ? expected - figures.observations : 0;
	uint64_t doubled = figures.duplicates + (figures.observations > expected ? figures.observations - expected : 0);
	struct buf out;

	buf_init(&out, 0);
	if (sink_draw(demo->sink, &look, &out) == 0)
		cmd_write(&out);
	buf_done(&out);
	printf("\n%" PRIu64 " observations expected, %" PRIu64 " arrived: %" PRIu64 " lost, %" PRIu64 " duplicated\n", expected,
	       figures.observations, lost, doubled);
	return lost || doubled ? EXIT_FAILED : EXIT_DONE;
}

int cmd_demo(struct cmd_args *args)
{
	const char *tmp = getenv("TMPDIR");
	struct sink_options options = {
		.listen = "127.0.0.1:0", .profile = SINK_V4, .public_key = "demo-public", .secret_key = "demo-secret",
		.fault = "posts-only,accept-and-die:1",
	};
	struct err err = { 0 };
	struct demo demo = { 0 };
	uint64_t expected = 0;
	int status = EXIT_FAILED;

	snprintf(demo.dir, sizeof demo.dir, "%s/lfspool-demo-XXXXXX", tmp && strlen(tmp) < 200 ? tmp : "/tmp");
	if (!mkdtemp(demo.dir)) {
		fprintf(stderr, "lfspool: %s: %s\n", demo.dir, strerror(errno));
		return EXIT_FAILED;
	}
	demo.spool_dir = file_join(demo.dir, "spool");
	demo.whole = file_join(demo.dir, "whole.jsonl");
	demo.first = file_join(demo.dir, "first.jsonl");
	if (sink_start(&options, &demo.sink, &err) != 0 || run(&demo, args->conf, &expected, &err) != 0)
		cmd_fail(&err);
	else
		status = report(&demo, expected);
	end_daemon(&demo, SIGTERM);
	if (demo.sink)
		sink_stop(demo.sink);
	if (status == EXIT_DONE)
		(void)nftw(demo.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(demo.spool_dir);
	free(demo.whole);
	free(demo.first);
	return status;
}
#else
int cmd_demo(struct cmd_args *args)
{
	(void)args;
	fputs("lfspool: this build has no receiver (configured --without-microhttpd)\n", stderr);
	return EXIT_FAILED;
}
#endif
