#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/internal.h"

static int
trouble(const char *path, struct error *err)
{
	if (errno == ENOENT || errno == ECONNREFUSED)
		return error_set(err, ERROR_SYSTEM,
			"nobody listens on %s: is the daemon running?", path);
	return error_set(err, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
}

int
control_wait(int fd, short events, int64_t deadline_ms)
{
	struct pollfd ready = { fd, events, 0 };
	int64_t left;
	int got;

	do {
		left = deadline_ms - clock_monotonic_ms();
		got = poll(&ready, 1, left > 0 ? (int)left : 0);
	} while (got < 0 && errno == EINTR);
	return got;
}

static int
wait_for(int fd, short events, int64_t deadline_ms, const char *path,
	struct error *err)
{
	int got = control_wait(fd, events, deadline_ms);

	if (got < 0)
		return trouble(path, err);
	if (got == 0)
		return error_set(err, ERROR_SYSTEM,
			"%s: no answer from the daemon in time", path);
	return 0;
}

static int
send_all(int fd, const char *path, struct span bytes, int64_t deadline_ms,
	struct error *err)
{
	size_t sent = 0;

	while (sent < bytes.len) {
		ssize_t put = send(fd, bytes.data + sent, bytes.len - sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put > 0)
			sent += (size_t)put;
		else if (errno != EAGAIN && errno != EINTR)
			return trouble(path, err);
		else if (wait_for(fd, POLLOUT, deadline_ms, path, err) != 0)
			return -1;
	}
	return 0;
}

static int
send_request(int fd, const char *path, const char *request, int64_t deadline_ms,
	struct error *err)
{
	struct buf line = { 0 };
	int result = -1;

	if (buf_add_format(&line, err, "%s\n", request) == 0)
		result = send_all(fd, path, buf_span(&line), deadline_ms, err);
	buf_clear(&line);
	return result;
}

/* Until there are enough, or no more come. */
static int
receive(int fd, const char *path, size_t enough, int64_t deadline_ms,
	struct buf *out, struct error *err)
{
	char chunk[4096];

	while (out->len < enough) {
		ssize_t got;

		if (wait_for(fd, POLLIN, deadline_ms, path, err) != 0)
			return -1;
		got = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (got == 0)
			return 0;
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return trouble(path, err);
		if (buf_add(out, chunk, (size_t)got, err) != 0)
			return -1;
	}
	return 0;
}

/* What is not "+" is the answer already. */
static int
send_bytes(int fd, const char *path, struct span bytes, int64_t deadline_ms,
	struct buf *answer, struct error *err)
{
	if (receive(fd, path, 2, deadline_ms, answer, err) != 0)
		return -1;
	if (!span_is(buf_span(answer), "+\n"))
		return 0;
	buf_reset(answer);
	return send_all(fd, path, bytes, deadline_ms, err);
}

/* "0\ntext" */
static int
read_answer(struct span answer, const char *path, int *code, struct buf *text,
	struct error *err)
{
	if (answer.len < 2 || answer.data[0] < '0' || answer.data[0] > '9' ||
		answer.data[1] != '\n')
		return error_set(err, ERROR_FORMAT,
			"%s: what came back is no answer", path);
	*code = answer.data[0] - '0';
	return buf_add(text, answer.data + 2, answer.len - 2, err);
}

int
control_hand(const char *path, const char *request, struct span bytes,
	int timeout_ms, int *code, struct buf *text, struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	struct sockaddr_un address;
	struct buf answer = { .limit_bytes = CONTROL_ANSWER_MAX };
	int result = -1;
	int fd = -1;

	if (strchr(request, '\n') != NULL ||
		strlen(request) >= CONTROL_REQUEST_MAX)
		return error_set(
			err, ERROR_LIMIT, "a request is one short line");
	if (control_address(path, &address, err) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
			      sizeof(address)) != 0) {
		trouble(path, err);
		goto out;
	}
	if (send_request(fd, path, request, deadline_ms, err) != 0 ||
		(bytes.len != 0 && send_bytes(fd, path, bytes, deadline_ms,
					   &answer, err) != 0) ||
		receive(fd, path, SIZE_MAX, deadline_ms, &answer, err) != 0)
		goto out;
	result = read_answer(buf_span(&answer), path, code, text, err);
out:
	if (fd >= 0)
		close(fd);
	buf_clear(&answer);
	return result;
}

int
control_ask(const char *path, const char *request, int timeout_ms, int *code,
	struct buf *text, struct error *err)
{
	return control_hand(
		path, request, SPAN(""), timeout_ms, code, text, err);
}
