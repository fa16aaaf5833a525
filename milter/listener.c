#include "listener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/control.h"
#include "place.h"

const char *
listener_path(const char *socket)
{
	static const char *const words[] = { "unix:", "local:" };

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strncmp(socket, words[i], strlen(words[i])) == 0)
			return socket + strlen(words[i]);
	return socket[0] == '/' ? socket : NULL;
}

static int
open_unix(const struct conf_socket *where, const char *path, uid_t owner,
	int *fd, struct error *err)
{
	if (place_make_parents(path, err) != 0 ||
		control_listen(path, where->group, where->mode, fd, err) != 0)
		return -1;
	if (owner != (uid_t)-1 && chown(path, owner, (gid_t)-1) != 0) {
		error_set(err, ERROR_CONFIG, "%s: cannot change its owner: %s",
			path, strerror(errno));
		close(*fd);
		unlink(path);
		return -1;
	}
	return 0;
}

/* "inet:8897@127.0.0.1": the host may be missing. */
static int
look_up(const char *text, struct addrinfo **out, struct error *err)
{
	bool is_v6 = strncmp(text, "inet6:", 6) == 0;
	struct addrinfo hints = { .ai_family = is_v6 ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE };
	char *port = mem_string(text + (is_v6 ? 6 : 5));
	char *host = strchr(port, '@');
	int why;

	if (host != NULL)
		*host++ = '\0';
	why = getaddrinfo(host, port, &hints, out);
	mem_free(port);
	if (why != 0)
		return error_set(err, ERROR_CONFIG, "listen: \"%s\": %s", text,
			gai_strerror(why));
	return 0;
}

static int
set_option(int fd, int level, int option)
{
	const int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

static int
open_inet(const char *text, int *out, struct error *err)
{
	struct addrinfo *at = NULL;
	int fd = -1, result = -1;

	if (look_up(text, &at, err) != 0)
		return -1;
	fd = socket(
		at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Accepted connections inherit TCP_NODELAY. */
	if (fd < 0 || set_option(fd, SOL_SOCKET, SO_REUSEADDR) != 0 ||
		set_option(fd, IPPROTO_TCP, TCP_NODELAY) != 0 ||
		(at->ai_family == AF_INET6 &&
			set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0) ||
		bind(fd, at->ai_addr, at->ai_addrlen) != 0 ||
		listen(fd, SOMAXCONN) != 0) {
		error_set(err, ERROR_CONFIG, "listen: \"%s\": %s", text,
			strerror(errno));
		goto out;
	}
	*out = fd;
	fd = -1;
	result = 0;
out:
	if (fd >= 0)
		close(fd);
	freeaddrinfo(at);
	return result;
}

int
listener_open(const struct conf_socket *where, uid_t owner, int *fd,
	struct error *err)
{
	const char *path = listener_path(where->socket);

	if (path != NULL)
		return open_unix(where, path, owner, fd, err);
	if (strncmp(where->socket, "inet:", 5) == 0 ||
		strncmp(where->socket, "inet6:", 6) == 0)
		return open_inet(where->socket, fd, err);
	return error_set(err, ERROR_CONFIG,
		"listen: \"%s\" is neither unix:PATH nor inet:PORT@ADDRESS nor "
		"inet6:PORT@ADDRESS",
		where->socket);
}

static void
any_to_loopback(struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET && v4->sin_addr.s_addr == INADDR_ANY)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (address->ss_family == AF_INET6 &&
		IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		v6->sin6_addr = in6addr_loopback;
}

int
listener_address(int fd, struct address_of *out, struct error *err)
{
	*out = (struct address_of){ .len = sizeof(out->address) };
	if (getsockname(fd, (struct sockaddr *)&out->address, &out->len) != 0)
		return error_set(err, ERROR_SYSTEM,
			"cannot tell a socket's address: %s", strerror(errno));
	any_to_loopback(&out->address);
	return 0;
}

bool
listener_is_one(int fd)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
	       listens;
}

static in_port_t
port_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET
		       ? ((const struct sockaddr_in *)address)->sin_port
		       : ((const struct sockaddr_in6 *)address)->sin6_port;
}

static bool
is_accepted(int fd, const struct address_of *where)
{
	struct address_of here = { .len = sizeof(here.address) };
	int family = where->address.ss_family;

	if (getsockname(fd, (struct sockaddr *)&here.address, &here.len) != 0 ||
		here.address.ss_family != family || listener_is_one(fd))
		return false;
	if (family == AF_UNIX)
		return here.len == where->len &&
		       memcmp(&here.address, &where->address, here.len) == 0;
	return port_of(&here.address) == port_of(&where->address);
}

/* Where /proc cannot tell which there are, every possible one is tried. */
static unsigned
count_all(const struct address_of *where)
{
	struct rlimit limit;
	unsigned count = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1; /* cannot tell: do not say that all have gone */
	for (int fd = 0; (rlim_t)fd < limit.rlim_cur; fd++)
		count += is_accepted(fd, where);
	return count;
}

unsigned
listener_count_accepted(const struct address_of *where)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned count = 0;

	if (folder == NULL)
		return count_all(where);
	/* "." and ".." are 0 to atoi(), which is no session either. */
	while ((entry = readdir(folder)) != NULL)
		count += is_accepted(atoi(entry->d_name), where);
	closedir(folder);
	return count;
}
