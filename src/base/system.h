/*
 * What systems do each in their own way: system_linux.c, or system_posix.c with no more than POSIX has (configure
 * --disable-linux takes it on Linux too). Nothing else but ingest/watch_linux.c calls what only Linux has.
 */
#ifndef LF_BASE_SYSTEM_H
#define LF_BASE_SYSTEM_H
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msghdr;
struct sockaddr_un;

/* As pipe(2), socket(2) (a stream of AF_UNIX), accept(2) and recvmsg(2), errno too; what they open is closed on exec. */
int system_pipe(int fds[2]);
int system_socket(void);
int system_accept(int fd);
long system_receive(int fd, struct msghdr *message);

/*
 * The address of a socket in a directory. Returns a descriptor that must stay open while the address is used, or -1 with errno
 * (ENAMETOOLONG where the system has no way to name it).
 */
int system_socket_address(const char *dir, const char *name, struct sockaddr_un *ret);
/* Whether this user or root is at the other end. True where the system does not say: the socket lies in a private directory. */
bool system_peer_is_us(int fd);

/* Waits for one of the signals, which every thread blocks; SIGALRM must be none of them. 0: timeout_ms is over; below 0: no limit. */
int system_wait_signal(const sigset_t *signals, int64_t timeout_ms);

/* "nfs", "cifs", "smb", "9p", "fuse", "tmpfs", "ramfs"; "": another one; NULL: cannot be told. */
const char *system_file_system(const char *path);

/* Runs this program again in this process, as execv(3); name: argv[0] as this process got it. */
void system_run_self(const char *name, char *const argv[]);

/* Once, before anything is allocated: what is freed is to be given back also while the program works. */
void system_start(void);
/* Gives back what is not needed while nothing happens. Cheap, but no more than once in a while. */
void system_trim(void);

#endif
