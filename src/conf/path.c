/* Paths by the XDG base directory rules (a relative XDG variable is ignored), and files that hold one value. */
#include "conf/path.h"
#include "base/file.h"
#include "base/mem.h"
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define VALUE_MAX_BYTES 16384

static const struct base {
	const char *prefix, *variable, *below_home;
} bases[] = {
	{ "~", NULL, NULL },
	{ "$HOME", NULL, NULL },
	{ "$XDG_STATE_HOME", "XDG_STATE_HOME", ".local/state" },
	{ "$XDG_DATA_HOME", "XDG_DATA_HOME", ".local/share" },
	{ "$XDG_CONFIG_HOME", "XDG_CONFIG_HOME", ".config" },
};

static const char *home_directory(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (home && home[0] == '/')
		return home;
	user = getpwuid(getuid());
	return user && user->pw_dir && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

/* The directory that the prefix stands for, on the heap. */
static int base_directory(const struct base *base, char **ret, struct err *err)
{
	const char *given = base->variable ? getenv(base->variable) : NULL;
	const char *home;

	if (given && given[0] == '/') {
		*ret = xstrdup(given);
		return 0;
	}
	home = home_directory();
	if (!home)
		return err_set(err, LF_EINVAL, "must be an absolute path: no home directory is known");
	*ret = base->below_home ? file_join(home, base->below_home) : xstrdup(home);
	return 0;
}

static int working_directory(char **ret, struct err *err)
{
	*ret = getcwd(NULL, 0);
	return *ret ? 0 : err_set(err, LF_EINVAL, "must be an absolute path: no working directory");
}

static void strip_slashes(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
}

int path_expand(const char *text, const char *base_dir, char **ret, struct err *err)
{
	char *dir = NULL;
	const char *rest = text;
	int rc = 0;

	for (size_t i = 0; i < COUNT(bases) && !dir; i++) {
		size_t n = strlen(bases[i].prefix);
		if (strncmp(text, bases[i].prefix, n) == 0 && (text[n] == '/' || !text[n])) {
			rest = text + n + strspn(text + n, "/");
			rc = base_directory(&bases[i], &dir, err);
			if (rc != 0)
				return rc;
		}
	}
	if (!dir && (*text == '~' || *text == '$'))
		return err_set(err, LF_EINVAL, "must be a path; only ~, $HOME, $XDG_CONFIG_HOME, $XDG_DATA_HOME and $XDG_STATE_HOME are expanded");
	if (!dir && *text != '/') {
		rc = base_dir ? 0 : working_directory(&dir, err);
		if (rc != 0)
			return rc;
		if (base_dir)
			dir = xstrdup(base_dir);
	}
	*ret = dir && *rest ? file_join(dir, rest) : xstrdup(dir ? dir : text);
	strip_slashes(*ret);
	free(dir);
	return 0;
}

int path_directory(const char *path, char **ret, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *cwd, *dir;
	int rc;

	dir = slash ? xmemdup0(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
	if (*path == '/') {
		*ret = dir;
		return 0;
	}
	rc = working_directory(&cwd, err);
	if (rc == 0) {
		*ret = dir ? file_join(cwd, dir) : xstrdup(cwd);
		free(cwd);
	}
	free(dir);
	return rc;
}

static int check_private(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, LF_EPERM, "%s belongs to another user", path);
	if (st.st_mode & 077)
		return err_set(err, LF_EPERM, "%s is open to group or others (mode %04o): chmod 600 it",
		               path, (unsigned)(st.st_mode & 07777));
	return 0;
}

static int read_bytes(int fd, char *out, size_t cap, size_t *ret_len)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, out + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return LF_EIO;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

int path_read_value(const char *path, bool is_private, char **ret, struct err *err)
{
	char text[VALUE_MAX_BYTES + 1];
	size_t start = 0, len = 0;
	int rc = 0, fd = file_open_read(path, err);

	if (fd < 0)
		return fd;
	if (is_private)
		rc = check_private(fd, path, err);
	if (rc == 0 && read_bytes(fd, text, sizeof text, &len) != 0)
		rc = err_set(err, LF_EIO, "%s: %s", path, strerror(errno));
	if (rc == 0 && len > VALUE_MAX_BYTES)
		rc = err_set(err, LF_ELIMIT, "%s is larger than %d bytes", path, VALUE_MAX_BYTES);
	if (rc == 0 && memchr(text, '\0', len))
		rc = err_set(err, LF_EINVAL, "%s is not text", path);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	while (start < len && isspace((unsigned char)text[start]))
		start++;
	if (rc == 0 && start == len)
		rc = err_set(err, LF_EINVAL, "%s is empty", path);
	if (rc == 0)
		*ret = xmemdup0(text + start, len - start);
	explicit_bzero(text, sizeof text);
	close(fd);
	return rc;
}
