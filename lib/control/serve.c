#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "control/internal.h"

int
control_accept(int fd)
{
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int
control_peer_of(int fd, struct control_peer *out, struct error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return error_set(err, ERROR_SYSTEM, "cannot tell who asks: %s",
			strerror(errno));
	*out = (struct control_peer){
		.uid = peer.uid, .gid = peer.gid, .pid = peer.pid
	};
	return 0;
}

int
control_receive(int fd, struct control_request *request, struct error *err)
{
	ssize_t got = recv(fd, request->text + request->len,
		sizeof(request->text) - request->len, MSG_DONTWAIT);
	char *end;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return error_set(err, ERROR_SYSTEM, "the peer has gone");
	request->len += (size_t)got;
	if (memchr(request->text, '\0', request->len) != NULL)
		return error_set(err, ERROR_FORMAT, "the request is no text");
	end = memchr(request->text, '\n', request->len);
	if (end == NULL && request->len == sizeof(request->text))
		return error_set(err, ERROR_LIMIT, "the request is too long");
	if (end == NULL)
		return 0;
	if (end > request->text && end[-1] == '\r')
		end--;
	*end = '\0';
	return 1;
}

int
control_reply_set(struct control_reply *reply, int code, struct span text,
	struct error *err)
{
	control_reply_clear(reply);
	buf_init(&reply->bytes, CONTROL_ANSWER_MAX);
	if (buf_add_format(&reply->bytes, err, "%d\n", code) != 0)
		return -1;
	return buf_add_span(&reply->bytes, text, err);
}

int
control_send(int fd, struct control_reply *reply, struct error *err)
{
	while (reply->sent < reply->bytes.len) {
		ssize_t put = send(fd, reply->bytes.data + reply->sent,
			reply->bytes.len - reply->sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (put < 0)
			return error_set(
				err, ERROR_SYSTEM, "the peer has gone");
		reply->sent += (size_t)put;
	}
	return 1;
}

void
control_reply_clear(struct control_reply *reply)
{
	buf_clear(&reply->bytes);
	reply->sent = 0;
}
