#include "adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Above the few descriptors a fresh worker has. */
enum { LOOK_UP_TO = 256, CONNECTION_BYTES = 64 };

static int
find_other_listener(int known)
{
	for (int fd = 0; fd < LOOK_UP_TO; fd++)
		if (fd != known && listener_is_one(fd))
			return fd;
	return -1;
}

static int
open_for_libmilter(char *connection, struct error *err)
{
	if (smfi_setconn(connection) != MI_SUCCESS ||
		smfi_opensocket(false) != MI_SUCCESS)
		return error_set(err, ERROR_SYSTEM,
			"libmilter cannot open a socket at %s", connection);
	return 0;
}

static int
open_unix(struct error *err)
{
	static const char *const places[] = { "/run/smime-milter", "/run",
		"/tmp" };
	char folder[CONNECTION_BYTES / 2], connection[CONNECTION_BYTES];
	int result = -1;

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		const char *path = connection + strlen("unix:");

		snprintf(folder, sizeof(folder), "%s/.m-XXXXXX", places[i]);
		if (mkdtemp(folder) == NULL)
			continue;
		snprintf(connection, sizeof(connection), "unix:%s/s", folder);
		result = open_for_libmilter(connection, err);
		unlink(path);
		rmdir(folder);
		return result;
	}
	return error_set(err, ERROR_SYSTEM,
		"no folder for libmilter's socket: %s", strerror(errno));
}

static int
open_same_family(int listener, struct error *err)
{
	char v4[] = "inet:0@127.0.0.1", v6[] = "inet6:0@::1";
	struct address_of at;

	if (listener_address(listener, &at, err) != 0)
		return -1;
	if (at.address.ss_family == AF_UNIX)
		return open_unix(err);
	return open_for_libmilter(
		at.address.ss_family == AF_INET ? v4 : v6, err);
}

int
adopt_listener(int listener, struct adopted *out, struct error *err)
{
	int found, decoy;

	if (open_same_family(listener, err) != 0)
		return -1;
	found = find_other_listener(listener);
	decoy = found < 0 ? -1 : fcntl(found, F_DUPFD_CLOEXEC, 0);
	if (decoy < 0 || fcntl(decoy, F_SETFL, O_NONBLOCK) != 0 ||
		dup2(listener, found) < 0)
		return error_set(err, ERROR_SYSTEM,
			"libmilter's socket cannot be replaced");
	close(listener);
	*out = (struct adopted){ found, decoy };
	return 0;
}
