#include "channel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int
channel_open(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

void
channel_send(int fd, enum channel_kind kind, const char *text)
{
	char message[1 + CHANNEL_TEXT_MAX];

	message[0] = (char)kind;
	snprintf(message + 1, CHANNEL_TEXT_MAX, "%s", text);
	while (send(fd, message, 1 + strlen(message + 1), MSG_NOSIGNAL) < 0 &&
		errno == EINTR)
		continue;
}

enum channel_kind
channel_receive(int fd, char text[CHANNEL_TEXT_MAX])
{
	char message[1 + CHANNEL_TEXT_MAX];
	ssize_t got = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return CHANNEL_NOTHING;
	if (got <= 0)
		return CHANNEL_END;
	message[got] = '\0';
	snprintf(text, CHANNEL_TEXT_MAX, "%s", message + 1);
	return (enum channel_kind)message[0];
}
