/* Files and directories with their rights. All paths are NUL-terminated. */
#ifndef LF_BASE_FILE_H
#define LF_BASE_FILE_H
#include "base/buf.h"
#include "base/err.h"
#include <sys/types.h>

/* mkdir -p with mode 0700; refuses (LF_EPERM) a last component that is a symlink, not a directory,
 * not ours, or open to group or others. */
int file_private_dir(const char *path, struct err *err);
/* Opens for reading; refuses directories ("is a directory"). Returns a descriptor or LF_E…. */
int file_open_read(const char *path, struct err *err);
/* The whole of a file of at most max_bytes. */
int file_read_all(const char *path, size_t max_bytes, struct buf *ret, struct err *err);
/* Writes a temporary file, fsync, rename, fsync of the directory. */
int file_replace(const char *path, struct slice content, mode_t mode, struct err *err);
int file_write_all(int fd, struct slice content);
/* dir + "/" + name, on the heap. */
char *file_join(const char *dir, const char *name);

#endif
