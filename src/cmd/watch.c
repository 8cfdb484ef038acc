/* The terminal's side of watching; see watch.h. One thread; signals come as bytes of a pipe, like keys. */
#include "cmd/watch.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\x1b[?1049h\x1b[?25l" /* the other screen, no cursor */
#define MAX_WAIT_MS (24 * 60 * 60 * 1000)
#define LEAVE "\x1b[?25h\x1b[?1049l"

struct watch {
	const struct watch_options *options;
	struct term term;
	struct termios before;
	bool raw;          /* the keyboard gives keys, not lines */
	bool keys;         /* it is there at all */
	bool ended;        /* by a key or a signal */
	int signals;       /* the pipe's reading end */
};

static int signal_pipe[2] = { -1, -1 };

static void on_signal(int number)
{
	int saved = errno;
	char byte = (char)number;

	(void)!write(signal_pipe[1], &byte, 1);
	errno = saved;
}

/* Where there is no screen, a stop is a stop. */
static int catch_signals(struct watch *watch)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (pipe(signal_pipe) != 0)
		return LF_EIO;
	for (int i = 0; i < 2; i++) {
		(void)fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC);
		(void)fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK);
	}
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (numbers[i] != SIGTSTP || watch->term.screen)
			(void)sigaction(numbers[i], &action, NULL);
	watch->signals = signal_pipe[0];
	return 0;
}

static void enter(struct watch *watch)
{
	struct termios raw;

	if (!watch->term.screen)
		return;
	if (watch->keys && tcgetattr(STDIN_FILENO, &watch->before) == 0) {
		raw = watch->before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		watch->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
	}
	(void)file_write_all(STDOUT_FILENO, SLICE(ENTER));
}

static void leave(struct watch *watch)
{
	if (!watch->term.screen)
		return;
	(void)file_write_all(STDOUT_FILENO, SLICE(LEAVE));
	if (watch->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &watch->before);
	watch->raw = false;
}

/* Ctrl-Z: the shell gets its screen back, and we get it again when we go on. */
static void suspend(struct watch *watch)
{
	leave(watch);
	raise(SIGSTOP);
	watch->term = term_of(STDOUT_FILENO);
	enter(watch);
}

/* The look's lines over what stands there, each cleared behind its end, as many as fit; nothing flickers. */
static void make_frame(const struct watch *watch, const struct buf *content, struct buf *frame)
{
	const char *at = content->data ? content->data : "", *end = at + content->len;
	unsigned row = 1;

	buf_text(frame, "\x1b[H");
	for (; at < end && row < watch->term.rows; row++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		buf_slice(frame, (struct slice){ at, (size_t)((stop ? stop : end) - at) });
		buf_text(frame, "\x1b[K\r\n");
		at = stop ? stop + 1 : end;
	}
	buf_text(frame, "\x1b[J");
	buf_format(frame, "\x1b[%u;1H%s", watch->term.rows, text_look(LOOK_DIM, watch->term.colour));
	text_put(watch->keys ? SLICE("q quits, any other key looks at once") : SLICE("Ctrl-C quits"), watch->term.columns - 1, frame);
	buf_format(frame, "%s\x1b[K", text_look(LOOK_PLAIN, watch->term.colour));
}

static int look_once(struct watch *watch, watch_fn *look, void *context)
{
	struct buf content, frame;
	int status;

	buf_init(&content, 0);
	buf_init(&frame, 0);
	if (watch->term.screen)
		watch->term = term_of(STDOUT_FILENO);
	status = look(context, &watch->term, &content);
	if (watch->term.screen)
		make_frame(watch, &content, &frame);
	if (file_write_all(STDOUT_FILENO, buf_view(watch->term.screen ? &frame : &content)) != 0)
		status = EXIT_FAILED;
	buf_done(&content);
	buf_done(&frame);
	return status;
}

static void read_key(struct watch *watch)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		watch->keys = false;
	else if (n == 1 && (key == 'q' || key == 'Q' || key == 3))
		watch->ended = true;
}

static void read_signal(struct watch *watch)
{
	char number;

	if (read(watch->signals, &number, 1) != 1)
		return;
	if (number == SIGTSTP)
		suspend(watch);
	else if (number != SIGWINCH)
		watch->ended = true;
}

/* Until the time, a key, or a signal. */
static void wait_until(struct watch *watch, int64_t mono_ms)
{
	int64_t left_ms = mono_ms - clock_mono_ms();
	int n;
	struct pollfd polls[2] = {
		{ .fd = watch->signals, .events = POLLIN }, { .fd = watch->raw && watch->keys ? STDIN_FILENO : -1, .events = POLLIN },
	};

	while ((n = poll(polls, 2, left_ms < 0 ? 0 : left_ms > MAX_WAIT_MS ? MAX_WAIT_MS : (int)left_ms)) < 0 && errno == EINTR)
		continue; /* the pipe says which signal it was */
	if (n <= 0)
		return;
	if (polls[0].revents)
		read_signal(watch);
	if (polls[1].revents)
		read_key(watch);
}

int watch_run(const struct watch_options *options, watch_fn *look, void *context)
{
	struct watch watch = { .options = options };
	int64_t start_ms = clock_mono_ms();
	int status = EXIT_DONE;

	if (!options->plain)
		watch.term = term_of(STDOUT_FILENO);
	watch.keys = watch.term.screen && isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
	if (catch_signals(&watch) != 0)
		return EXIT_FAILED;
	enter(&watch);
	for (int64_t looks = 1; !watch.ended; looks++) {
		int64_t next_ms = clock_mono_ms() + options->interval_ms;
		status = look_once(&watch, look, context);
		if (status == EXIT_FAILED || status == EXIT_USAGE || looks == options->count)
			break;
		if (options->for_ms && next_ms > start_ms + options->for_ms)
			next_ms = start_ms + options->for_ms;
		wait_until(&watch, next_ms);
		if (options->for_ms && clock_mono_ms() >= start_ms + options->for_ms)
			break;
	}
	leave(&watch);
	return status;
}
