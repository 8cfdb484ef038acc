/* Progress on a terminal; see progress.h. */
#include "cmd/progress.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/term.h"
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BAR_COLUMNS 24
#define FIRST_MS 400
#define STEP_MS 200

void progress_draw(const char *title, int64_t part, int64_t whole, const char *words)
{
	struct term term = term_of(STDERR_FILENO);
	int full = whole > 0 ? (int)((double)(part < whole ? part : whole) / (double)whole * BAR_COLUMNS) : 0;
	struct text_line line = { .columns = term.columns - 1, .colour = term.colour };
	struct buf out;

	if (!term.screen)
		return;
	buf_init(&out, 0);
	line.out = &out;
	buf_text(&out, "\r");
	text_line_put(&line, LOOK_BOLD, "", slice_of(title));
	text_line_put(&line, LOOK_PLAIN, "", SLICE("  "));
	for (int i = 0; whole > 0 && i < BAR_COLUMNS; i++)
		text_line_put(&line, i < full ? LOOK_GREEN : LOOK_DIM, "", i < full ? SLICE("━") : SLICE("─"));
	if (whole > 0)
		text_line_format(&line, LOOK_PLAIN, " %3d%%  ", (int)((double)(part < whole ? part : whole) / (double)whole * 100));
	text_line_put(&line, LOOK_PLAIN, "", slice_of(words));
	buf_text(&out, "\x1b[K");
	(void)file_write_all(STDERR_FILENO, buf_view(&out));
	buf_done(&out);
}

void progress_clear(void)
{
	if (term_of(STDERR_FILENO).screen)
		(void)file_write_all(STDERR_FILENO, SLICE("\r\x1b[K"));
}

struct looker {
	const struct cmd_args *args;
	const char *title;
	int fd;
	int64_t started_ms;
};

static void look_at_file(const struct looker *looker, const struct stat *st, const char *took)
{
	off_t at = lseek(looker->fd, 0, SEEK_CUR);
	char read_text[32], size_text[32], words[128];

	cmd_format_bytes((uint64_t)(at > 0 ? at : 0), read_text);
	cmd_format_bytes((uint64_t)st->st_size, size_text);
	snprintf(words, sizeof words, "%s of %s, %s", read_text, size_text, took);
	progress_draw(looker->title, at, st->st_size, words);
}

static void look_at_spool(const struct looker *looker, const char *took)
{
	struct err ignored = { 0 };
	struct json_doc doc;
	struct buf reply;
	char words[160];
	int32_t spool;

	buf_init(&reply, 0);
	json_doc_init(&doc);
	snprintf(words, sizeof words, "%s", took);
	if (cmd_request(looker->args, true, SLICE("{\"cmd\":\"status\"}"), -1, &reply, &ignored) == 0) {
		spool = json_path(&doc, cmd_result(&doc, &reply), "status.spool");
		snprintf(words, sizeof words, "%" PRId64 " records, %" PRId64 " pending, %" PRId64 " in flight, %" PRId64 " delivered, %s",
		         json_int(&doc, json_get(&doc, spool, "records"), 0), json_int(&doc, json_get(&doc, spool, "pending"), 0),
		         json_int(&doc, json_get(&doc, spool, "in_flight"), 0), json_int(&doc, json_get(&doc, spool, "delivered"), 0), took);
	}
	progress_draw(looker->title, 0, 0, words);
	json_doc_done(&doc);
	buf_done(&reply);
}

/* The other process, until it is killed, or the one that works is gone. It leaves keys to that one, which clears the line before it dies. */
static void look_on(const struct looker *looker, pid_t worker)
{
	struct timespec step = { 0, FIRST_MS * 1000000L };
	char took[32] = "0s";
	struct stat st;

	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	for (nanosleep(&step, NULL); getppid() == worker; nanosleep(&step, NULL)) {
		step.tv_nsec = STEP_MS * 1000000L;
		if (clock_mono_ms() - looker->started_ms >= 1000)
			clock_format_duration(clock_mono_ms() - looker->started_ms, took);
		if (looker->fd >= 0 && fstat(looker->fd, &st) == 0 && S_ISREG(st.st_mode))
			look_at_file(looker, &st, took);
		else
			look_at_spool(looker, took);
	}
}

static volatile sig_atomic_t looker_pid;

/* As without us, but for the line. */
static void die(int number)
{
	(void)kill((pid_t)looker_pid, SIGKILL);
	(void)!write(STDERR_FILENO, "\r\x1b[K", 4);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void on_death(void (*handler)(int number))
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		(void)signal(numbers[i], handler);
}

void progress_start(struct progress *progress, const struct cmd_args *args, const char *title, int fd)
{
	struct looker looker = { args, title, fd, clock_mono_ms() };
	pid_t worker = getpid(), pid;

	progress->pid = 0;
	if (!term_of(STDERR_FILENO).screen)
		return;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		look_on(&looker, worker);
		_exit(0);
	}
	progress->pid = pid > 0 ? pid : 0;
	looker_pid = progress->pid;
	if (pid > 0)
		on_death(die);
}

void progress_stop(struct progress *progress)
{
	if (progress->pid <= 0)
		return;
	on_death(SIG_DFL);
	(void)kill(progress->pid, SIGKILL);
	(void)waitpid(progress->pid, NULL, 0);
	progress->pid = 0;
	progress_clear();
}
