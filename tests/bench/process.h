/* Programs that are measured from outside: time, memory, wake-ups, as the kernel tells them. */
#ifndef LF_TESTS_BENCH_PROCESS_H
#define LF_TESTS_BENCH_PROCESS_H
#include <sys/types.h>

struct process_figures {
	double cpu_s;       /* user and system */
	double wakeups;     /* voluntary switches of all threads */
	double rss_mb, peak_mb;
};

/* Words until NULL; standard output and errors go to the file log. */
pid_t process_start(const char *log, const char *const *words);
/* Waits; dies when it failed. Wall time and figures are of its whole life. */
struct process_figures process_wait(pid_t pid, double *ret_wall_s);
struct process_figures process_run(const char *log, const char *const *words, double *ret_wall_s);
/* Waits, whatever it says. */
void process_await(pid_t pid);
/* Of one that runs. */
struct process_figures process_look(pid_t pid);
/* The peak begins anew. */
void process_forget_peak(pid_t pid);
/* SIGTERM and wait. */
struct process_figures process_stop(pid_t pid);

#endif
