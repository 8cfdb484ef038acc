/* Home, the XDG directories and values that are paths. Private to src/conf. */
#ifndef LF_CONF_PATH_H
#define LF_CONF_PATH_H
#include "base/err.h"
#include <stdbool.h>

/* Expands a leading ~, $HOME, $XDG_CONFIG_HOME, $XDG_DATA_HOME or $XDG_STATE_HOME and makes the path absolute: from base_dir, which is
 * absolute, or from the working directory when it is NULL. *ret is on the heap. */
int path_expand(const char *text, const char *base_dir, char **ret, struct err *err);
/* The directory that holds the file, absolute, on the heap. */
int path_directory(const char *path, char **ret, struct err *err);
/*
 * A small file that holds one value: its text without blanks and line ends around it, on the heap. is_private: refuses
 * (LF_EPERM) a file that group or others can read, or that is somebody else's.
 */
int path_read_value(const char *path, bool is_private, char **ret, struct err *err);

#endif
