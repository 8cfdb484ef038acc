#include "process.h"
#include "bench.h"
#include "base/mem.h"
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 32

/* When it was started; one process at a time is waited for with its wall time. */
static double started;

pid_t process_start(const char *log, const char *const *words)
{
	char *copies[MAX_WORDS + 1] = { NULL };
	pid_t pid;

	for (unsigned i = 0; i < MAX_WORDS && words[i]; i++)
		copies[i] = xstrdup(words[i]);
	/* The peak of a child begins with what it has at the fork. */
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
	started = bench_wall();
	pid = fork();
	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execv(copies[0], copies);
		_exit(127);
	}
	for (unsigned i = 0; copies[i]; i++)
		free(copies[i]);
	return pid;
}

struct process_figures process_wait(pid_t pid, double *ret_wall_s)
{
	struct rusage usage;
	int status;

	if (wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench: a command failed (status %x)\n", (unsigned)status);
		exit(1);
	}
	if (ret_wall_s)
		*ret_wall_s = bench_wall() - started;
	return (struct process_figures){
		.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
		.wakeups = (double)usage.ru_nvcsw, .peak_mb = (double)usage.ru_maxrss / 1024,
	};
}

void process_await(pid_t pid)
{
	(void)waitpid(pid, NULL, 0);
}

struct process_figures process_run(const char *log, const char *const *words, double *ret_wall_s)
{
	return process_wait(process_start(log, words), ret_wall_s);
}

/* The number behind a name in a file of /proc. */
static double field(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[256];
	double ret = 0;

	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			ret = strtod(line + strlen(name), NULL);
	if (file)
		fclose(file);
	return ret;
}

/* Nanoseconds, of all threads, also of those that have ended; ticks are too coarse for a daemon that idles. */
static double cpu_of(pid_t pid)
{
	struct timespec used = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		return 0;
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void add_threads(pid_t pid, struct process_figures *ret)
{
	char path[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, entry->d_name);
		ret->wakeups += field(path, "voluntary_ctxt_switches:");
	}
	if (dir)
		closedir(dir);
}

struct process_figures process_look(pid_t pid)
{
	struct process_figures ret = { 0 };
	char path[64];

	add_threads(pid, &ret);
	ret.cpu_s = cpu_of(pid);
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	ret.rss_mb = field(path, "VmRSS:") / 1024;
	ret.peak_mb = field(path, "VmHWM:") / 1024;
	return ret;
}

void process_forget_peak(pid_t pid)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)pid);
	file = fopen(path, "we");
	if (!file)
		return;
	fputs("5", file);
	fclose(file);
}

struct process_figures process_stop(pid_t pid)
{
	kill(pid, SIGTERM);
	return process_wait(pid, NULL);
}
