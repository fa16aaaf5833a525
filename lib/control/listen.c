#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/internal.h"

int
control_address(const char *path, struct sockaddr_un *out, struct error *err)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (path[0] == '\0' || strlen(path) >= sizeof(out->sun_path))
		return error_set(err, ERROR_CONFIG,
			"%s: a socket's path has 1 to %zu characters", path,
			sizeof(out->sun_path) - 1);
	strcpy(out->sun_path, path);
	return 0;
}

static int
cannot(const char *verb, const char *path, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "%s: cannot %s the socket: %s",
		path, verb, strerror(errno));
}

/* Remove a socket that nobody serves; anything else stays where it is. */
static int
remove_stale(
	const char *path, const struct sockaddr_un *address, struct error *err)
{
	struct stat st;
	int fd, served;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : cannot("examine", path, err);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERROR_CONFIG,
			"%s: is in the way, and no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return cannot("make", path, err);
	served = connect(fd, (const struct sockaddr *)address,
			 sizeof(*address)) == 0 ||
		 errno == EAGAIN;
	close(fd);
	if (served)
		return error_set(err, ERROR_CONFIG,
			"%s: somebody serves this socket already", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return cannot("replace", path, err);
	return 0;
}

static int
find_group(const char *name, const char *path, gid_t *out, struct error *err)
{
	const struct group *group;

	*out = (gid_t)-1;
	if (name == NULL)
		return 0;
	errno = 0;
	group = getgrnam(name);
	if (group == NULL)
		return error_set(err, ERROR_CONFIG,
			"%s: there is no group \"%s\"%s%s", path, name,
			errno != 0 ? ": " : "", errno ? strerror(errno) : "");
	*out = group->gr_gid;
	return 0;
}

int
control_listen(const char *path, const char *group, mode_t mode, int *out,
	struct error *err)
{
	struct sockaddr_un address;
	mode_t old_umask;
	gid_t gid;
	int bound, fd = -1, result = -1;

	if (control_address(path, &address, err) != 0 ||
		find_group(group, path, &gid, err) != 0 ||
		remove_stale(path, &address, err) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		cannot("make", path, err);
		goto out;
	}
	/* Nobody gets in before owner and mode are right. */
	old_umask = umask(0177);
	bound = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(old_umask);
	if (bound != 0) {
		cannot("make", path, err);
		goto out;
	}
	if (gid != (gid_t)-1 && chown(path, (uid_t)-1, gid) != 0)
		error_set(err, ERROR_CONFIG,
			"%s: cannot give the socket to group %s: %s", path,
			group, strerror(errno));
	else if (chmod(path, mode) != 0 || listen(fd, SOMAXCONN) != 0)
		cannot("open", path, err);
	else
		result = 0;
	if (result != 0)
		unlink(path);
out:
	if (result == 0)
		*out = fd;
	else if (fd >= 0)
		close(fd);
	return result;
}
