#include "mtasim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { IN_ROOM = WIRE_PACKET_MAX + 8, OUT_ROOM = 1 << 18 };

static int
broken(struct wire *wire, const char *what)
{
	snprintf(wire->why, sizeof(wire->why), "%s: %s", what,
		errno ? strerror(errno) : "closed");
	return -1;
}

static int
open_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (void *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
open_inet(const char *port_at_host, int family)
{
	struct addrinfo hints = { .ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	struct addrinfo *found;
	char port[16];
	const char *at = strchr(port_at_host, '@');
	int fd, one = 1;

	snprintf(port, sizeof(port), "%.*s", (int)strcspn(port_at_host, "@"),
		port_at_host);
	if (getaddrinfo(at ? at + 1 : NULL, port, &hints, &found)) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	freeaddrinfo(found);
	return fd;
}

int
wire_open(struct wire *wire, const char *socket, int timeout_ms)
{
	memset(wire, 0, sizeof(*wire));
	wire->timeout_ms = timeout_ms;
	errno = 0;
	if (!strncmp(socket, "inet6:", 6))
		wire->fd = open_inet(socket + 6, AF_INET6);
	else if (!strncmp(socket, "inet:", 5))
		wire->fd = open_inet(socket + 5, AF_INET);
	else
		wire->fd = open_unix(
			socket + (strncmp(socket, "unix:", 5) ? 0 : 5));
	if (wire->fd < 0)
		return broken(wire, socket);
	wire->in = must(malloc(IN_ROOM));
	wire->out = must(malloc(OUT_ROOM));
	return 0;
}

void
wire_close(struct wire *wire)
{
	if (wire->in && wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
	free(wire->in);
	free(wire->out);
	wire->in = wire->out = NULL;
}

static int
write_all(struct wire *wire, const uint8_t *octets, size_t length)
{
	while (length) {
		ssize_t n = send(wire->fd, octets, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return broken(wire, "sending");
		octets += n;
		length -= (size_t)n;
	}
	return 0;
}

int
wire_flush(struct wire *wire)
{
	size_t length = wire->out_used;

	wire->out_used = 0;
	return write_all(wire, wire->out, length);
}

int
wire_raw(struct wire *wire, const void *octets, size_t length)
{
	if (length > OUT_ROOM - wire->out_used && wire_flush(wire) < 0)
		return -1;
	if (length > OUT_ROOM)
		return write_all(wire, octets, length);
	if (length)
		memcpy(wire->out + wire->out_used, octets, length);
	wire->out_used += length;
	return 0;
}

int
wire_send(struct wire *wire, char command, const void *data, size_t length)
{
	uint32_t net = htonl((uint32_t)length + 1);
	uint8_t head[5];

	memcpy(head, &net, 4);
	head[4] = (uint8_t)command;
	if (wire_raw(wire, head, sizeof(head)) < 0)
		return -1;
	return wire_raw(wire, data, length);
}

/* At least so many octets in the buffer: 1, 0, -1 as wire_receive(). */
static int
fill(struct wire *wire, size_t wanted)
{
	double end = now_seconds() + wire->timeout_ms / 1000.0;
	struct pollfd ready = { .fd = wire->fd, .events = POLLIN };

	while (wire->in_used - wire->in_at < wanted) {
		int left = (int)((end - now_seconds()) * 1000);
		ssize_t n;

		if (wire->in_at) {
			wire->in_used -= wire->in_at;
			memmove(wire->in, wire->in + wire->in_at,
				wire->in_used);
			wire->in_at = 0;
		}
		if (left < 0 || poll(&ready, 1, left) == 0)
			return 0;
		n = recv(wire->fd, wire->in + wire->in_used,
			IN_ROOM - 1 - wire->in_used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = 0;
		if (n <= 0)
			return broken(wire, "waiting for an answer");
		wire->in_used += (size_t)n;
	}
	return 1;
}

int
wire_receive(struct wire *wire, struct packet *packet)
{
	uint32_t length;
	int got;

	if (wire_flush(wire) < 0)
		return -1;
	if ((got = fill(wire, 4)) <= 0)
		return got;
	memcpy(&length, wire->in + wire->in_at, 4);
	length = ntohl(length);
	if (length < 1 || length > WIRE_PACKET_MAX) {
		snprintf(wire->why, sizeof(wire->why), "an answer of %u octets",
			length);
		return -1;
	}
	if ((got = fill(wire, 4 + (size_t)length)) <= 0)
		return got;
	packet->command = (char)wire->in[wire->in_at + 4];
	packet->data = wire->in + wire->in_at + 5;
	packet->length = length - 1;
	wire->in_at += 4 + (size_t)length;
	return 1;
}

bool
wire_surprise(struct wire *wire, int wait_ms)
{
	struct pollfd ready = { .fd = wire->fd, .events = POLLIN };
	char octet;

	if (wire->in_used > wire->in_at)
		return true;
	return poll(&ready, 1, wait_ms) > 0 &&
	       recv(wire->fd, &octet, 1, MSG_PEEK) > 0;
}
