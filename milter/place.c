#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

int
place_make_parents(const char *path, struct error *err)
{
	char *copy = mem_string(path);
	int result = 0;

	for (char *slash = strchr(copy + 1, '/'); slash != NULL && result == 0;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		/* chmod: whatever our umask is. */
		if (mkdir(copy, 0755) == 0)
			result = chmod(copy, 0755);
		else if (errno != EEXIST)
			result = -1;
		if (result != 0)
			error_set(err, ERROR_CONFIG,
				"%s: cannot make the folder %s: %s", path, copy,
				strerror(errno));
		*slash = '/';
	}
	mem_free(copy);
	return result;
}

static int
already_locked(int fd, const char *path, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		return error_set(err, ERROR_CONFIG,
			"%s: the daemon is running already, as process %ld",
			path, (long)lock.l_pid);
	return error_set(err, ERROR_CONFIG, "%s: cannot be locked", path);
}

/* Whoever had it before us may have removed it while we opened it. */
static bool
is_still_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

int
place_lock_pid_file(const char *path, int *out, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[32];
	int len, fd;

	if (place_make_parents(path, err) != 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return error_set(err, ERROR_CONFIG,
			"%s: cannot write the pid file: %s", path,
			strerror(errno));
	/* A record lock: workers do not inherit it. */
	if (fcntl(fd, F_SETLK, &lock) != 0 || !is_still_there(fd, path)) {
		already_locked(fd, path, err);
		close(fd);
		return -1;
	}
	len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || write(fd, text, (size_t)len) != len) {
		error_set(err, ERROR_CONFIG, "%s: cannot write: %s", path,
			strerror(errno));
		close(fd);
		return -1;
	}
	*out = fd;
	return 0;
}
