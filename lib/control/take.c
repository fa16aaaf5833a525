/* The daemon's side of a long request, in a process that may wait. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/internal.h"

static int
read_all(int fd, size_t bytes, int64_t deadline_ms, struct buf *out,
	struct error *err)
{
	unsigned char chunk[4096];
	int result = 0;

	while (result == 0 && bytes > 0) {
		size_t most = bytes < sizeof(chunk) ? bytes : sizeof(chunk);
		ssize_t got;

		if (control_wait(fd, POLLIN, deadline_ms) <= 0) {
			result = error_set(err, ERROR_SYSTEM,
				"what is sent does not come in time");
			break;
		}
		got = recv(fd, chunk, most, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0) {
			result = error_set(err, ERROR_FORMAT,
				"what was sent is shorter than was said");
			break;
		}
		result = buf_add(out, chunk, (size_t)got, err);
		bytes -= (size_t)got;
	}
	mem_wipe(chunk, sizeof(chunk));
	return result;
}

int
control_take(int fd, size_t bytes, int timeout_ms, struct buf *out,
	struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;

	/* Two bytes into an empty socket always fit. */
	if (send(fd, "+\n", 2, MSG_NOSIGNAL | MSG_DONTWAIT) != 2)
		return error_set(err, ERROR_SYSTEM, "the peer has gone");
	/* At once, so that no half of a key stays where the buffer grew. */
	if (buf_reserve(out, bytes, err) != 0)
		return -1;
	return read_all(fd, bytes, deadline_ms, out, err);
}

void
control_answer(int fd, int code, const char *text, int timeout_ms)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	struct control_reply reply = { 0 };

	if (control_reply_set(&reply, code, span_string(text), NULL) == 0)
		while (control_send(fd, &reply, NULL) == 0 &&
			control_wait(fd, POLLOUT, deadline_ms) > 0)
			continue;
	control_reply_clear(&reply);
}
