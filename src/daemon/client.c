/* Talks to a running daemon; see client.h. */
#include "daemon/client.h"
#include "base/file.h"
#include "base/system.h"
#include "daemon/control.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *dir, struct err *err)
{
	struct sockaddr_un address;
	int dir_fd = control_address(dir, &address, err), fd, saved;

	if (dir_fd < 0)
		return dir_fd;
	fd = system_socket();
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		saved = errno;
		close(fd);
		fd = -1;
		errno = saved;
	}
	saved = errno;
	close(dir_fd);
	if (fd >= 0)
		return fd;
	if (saved == ENOENT || saved == ECONNREFUSED)
		return err_set(err, LF_ENOENT, "no daemon is running");
	return err_set(err, LF_EIO, "%s/%s: %s", dir, CONTROL_SOCKET, strerror(saved));
}

static int send_with_fd(int fd, struct slice request, int input_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char first = request.ptr[0];
	struct iovec io = { &first, 1 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof input_fd);
	memcpy(CMSG_DATA(c), &input_fd, sizeof input_fd);
	if (sendmsg(fd, &message, MSG_NOSIGNAL) != 1)
		return LF_EIO;
	return file_write_all(fd, (struct slice){ request.ptr + 1, request.len - 1 });
}

static int read_reply(int fd, struct buf *reply, struct err *err)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || buf_append(reply, chunk, (size_t)n) != 0)
			return err_set(err, LF_EIO, "the daemon's answer cannot be read");
	}
	if (reply->len == 0 || reply->data[reply->len - 1] != '\n')
		return err_set(err, LF_EAGAIN, "the daemon went away before it had answered");
	return 0;
}

int client_call(const char *dir, struct slice request, int input_fd, struct buf *reply, struct err *err)
{
	int fd = connect_to(dir, err), rc;

	if (fd < 0)
		return fd;
	rc = input_fd >= 0 ? send_with_fd(fd, request, input_fd) : file_write_all(fd, request);
	if (rc == 0)
		rc = file_write_all(fd, SLICE("\n"));
	rc = rc != 0 ? err_set(err, LF_EIO, "the daemon does not take requests") : read_reply(fd, reply, err);
	close(fd);
	return rc;
}
