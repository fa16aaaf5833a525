/*
 * The socket the MTA connects to.  The parent makes it, workers put it under
 * libmilter's descriptor.
 */
#ifndef MILTER_LISTENER_H
#define MILTER_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "conf/conf.h"

/*
 * Make, bind and open it as the configuration says, non-blocking (two workers
 * wait on it during a reload), with TCP_NODELAY, owned by `owner` if that is
 * not (uid_t)-1: a worker must be able to connect to it.
 */
int listener_open(const struct conf_socket *where, uid_t owner, int *fd,
	struct error *err) MUST_USE;
/* The path of a unix socket, or NULL when it is none. */
const char *listener_path(const char *socket);

struct address_of {
	struct sockaddr_storage address;
	socklen_t len;
};
/* Where one connects to reach it: any address becomes the loopback's. */
int listener_address(
	int fd, struct address_of *out, struct error *err) MUST_USE;
/* How many connections accepted from there this process holds. */
unsigned listener_count_accepted(const struct address_of *where);
bool listener_is_one(int fd);

#endif
