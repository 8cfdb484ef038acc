/* Serves the control socket: one thread accepts, one thread a connection, a bounded number of them. See control.h. */
#include "daemon/control.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"
#include "daemon/request.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CONNECTIONS 64
#define MAX_REQUEST_BYTES 65536
#define REQUEST_TIMEOUT_S 5
#define BUSY_WAIT_MS 10000 /* so long a caller waits for a place, in the socket's own queue */
#define BUSY_STEP_MS 50

struct connection {
	struct control *control;
	int fd;
	pthread_t thread;
	bool used;
	atomic_bool finished;
};

struct control {
	struct work *work;
	int listen_fd, stop_pipe[2];
	char *path;
	pthread_t thread;
	struct connection connections[MAX_CONNECTIONS]; /* the accepting thread's; `finished` is the connection's word */
};

int control_address(const char *dir, struct sockaddr_un *ret, struct err *err)
{
	int fd = system_socket_address(dir, CONTROL_SOCKET, ret);

	return fd < 0 ? err_set(err, errno == ENOENT ? LF_ENOENT : LF_EIO, "%s: %s", dir, strerror(errno)) : fd;
}

static void keep_fd(struct msghdr *message, int *ret_fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		int fd;
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof fd))
			continue;
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
		if (*ret_fd >= 0)
			close(*ret_fd);
		*ret_fd = fd;
	}
}

/* Reads up to the newline; a descriptor that comes along goes to *ret_fd, or is lost when we have too many. */
static int read_request(int fd, struct buf *request, int *ret_fd, bool *ret_lost)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;

	while (!request->len || request->data[request->len - 1] != '\n') {
		char chunk[4096];
		struct iovec io = { chunk, sizeof chunk };
		struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
		ssize_t n = system_receive(fd, &message);
		if (n <= 0)
			return LF_EIO;
		keep_fd(&message, ret_fd);
		*ret_lost |= (message.msg_flags & MSG_CTRUNC) != 0;
		if (buf_append(request, chunk, (size_t)n) != 0)
			return LF_ELIMIT;
	}
	return 0;
}

static void *connection_main(void *arg)
{
	struct connection *connection = arg;
	struct request_context context = { .work = connection->control->work, .input_fd = -1, .peer_fd = connection->fd };
	struct timeval limit = { .tv_sec = REQUEST_TIMEOUT_S };
	struct buf request, reply;

	buf_init(&request, MAX_REQUEST_BYTES);
	buf_init(&reply, 0);
	(void)setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (system_peer_is_us(connection->fd) && read_request(connection->fd, &request, &context.input_fd, &context.input_lost) == 0) {
		request_handle(&context, buf_view(&request), &reply);
		buf_char(&reply, '\n');
		(void)file_write_all(connection->fd, buf_view(&reply));
	}
	if (context.input_fd >= 0)
		close(context.input_fd);
	buf_done(&request);
	buf_done(&reply);
	close(connection->fd);
	atomic_store(&connection->finished, true);
	return NULL;
}

static void connection_end(struct connection *connection)
{
	pthread_join(connection->thread, NULL);
	connection->used = false;
}

static struct connection *free_connection(struct control *control)
{
	struct connection *found = NULL;

	for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
		struct connection *c = &control->connections[i];
		if (c->used && atomic_load(&c->finished))
			connection_end(c);
		if (!c->used)
			found = c;
	}
	return found;
}

/* Waits a moment for the end of something; true when the daemon is to stop. */
static bool pause_or_stop(struct control *control)
{
	struct pollfd stop = { .fd = control->stop_pipe[0], .events = POLLIN };

	return poll(&stop, 1, BUSY_STEP_MS) > 0;
}

/* A burst of callers waits its turn; when all places are held by some that stall, the next one is told so. */
static struct connection *await_place(struct control *control)
{
	struct connection *connection = free_connection(control);

	for (int waited_ms = 0; !connection && waited_ms < BUSY_WAIT_MS; waited_ms += BUSY_STEP_MS) {
		if (pause_or_stop(control))
			break;
		connection = free_connection(control);
	}
	return connection;
}

static void accept_one(struct control *control)
{
	struct connection *connection = await_place(control);
	int fd = system_accept(control->listen_fd);

	if (fd < 0) { /* no descriptors: they come back when a connection ends */
		(void)pause_or_stop(control);
		return;
	}
	if (!connection) {
		log_event(LOG_LEVEL_WARN, "control.busy", "connections=%d", MAX_CONNECTIONS);
		close(fd);
		return;
	}
	connection->control = control;
	connection->fd = fd;
	atomic_store(&connection->finished, false);
	if (pthread_create(&connection->thread, NULL, connection_main, connection) == 0)
		connection->used = true;
	else
		close(fd);
}

static void *control_main(void *arg)
{
	struct control *control = arg;
	struct pollfd polls[2] = { { .fd = control->listen_fd, .events = POLLIN }, { .fd = control->stop_pipe[0], .events = POLLIN } };

	for (;;) {
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			break;
		if (polls[1].revents)
			break;
		if (polls[0].revents & POLLIN)
			accept_one(control);
	}
	for (size_t i = 0; i < MAX_CONNECTIONS; i++)
		if (control->connections[i].used)
			connection_end(&control->connections[i]);
	return NULL;
}

/* The lock on the spool is ours, so a socket that is there is left over from a daemon that was killed. */
static int listen_at(struct control *control, const char *dir, struct err *err)
{
	struct sockaddr_un address;
	int dir_fd = control_address(dir, &address, err), rc = 0;

	if (dir_fd < 0)
		return dir_fd;
	(void)unlink(control->path);
	control->listen_fd = system_socket();
	if (control->listen_fd < 0 || bind(control->listen_fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    chmod(control->path, 0600) != 0 || listen(control->listen_fd, 64) != 0)
		rc = err_set(err, LF_EIO, "%s: %s", control->path, strerror(errno));
	close(dir_fd);
	return rc;
}

static void control_free(struct control *control)
{
	if (control->listen_fd >= 0)
		close(control->listen_fd);
	for (int i = 0; i < 2; i++)
		if (control->stop_pipe[i] >= 0)
			close(control->stop_pipe[i]);
	free(control->path);
	free(control);
}

int control_start(struct work *work, const char *dir, struct control **ret, struct err *err)
{
	struct control *control = xcalloc(1, sizeof *control);
	int rc;

	control->work = work;
	control->listen_fd = control->stop_pipe[0] = control->stop_pipe[1] = -1;
	control->path = file_join(dir, CONTROL_SOCKET);
	rc = listen_at(control, dir, err);
	if (rc == 0 && system_pipe(control->stop_pipe) != 0)
		rc = err_set(err, LF_EIO, "pipe: %s", strerror(errno));
	if (rc == 0 && pthread_create(&control->thread, NULL, control_main, control) != 0)
		rc = err_set(err, LF_ENOMEM, "cannot start the control thread");
	if (rc != 0) {
		control_free(control);
		return rc;
	}
	*ret = control;
	return 0;
}

void control_stop(struct control *control)
{
	(void)unlink(control->path);
	(void)!write(control->stop_pipe[1], "", 1);
	pthread_join(control->thread, NULL);
	control_free(control);
}
