#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

bool
output_is_stdout(const char *path)
{
	return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0;
}

/* Never to be replaced; what /dev leads to may well be a file. */
static bool
is_device(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	       (!S_ISREG(st.st_mode) || strncmp(path, "/dev/", 5) == 0);
}

int
output_write(
	const char *path, struct span bytes, mode_t mode, struct error *err)
{
	int fd = STDOUT_FILENO, result = 0;

	if (!output_is_stdout(path)) {
		if (!is_device(path))
			return file_write_atomic(path, bytes, mode, err);
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	} else {
		fflush(stdout);
	}
	if (fd < 0 || file_put(fd, bytes) != 0)
		result = error_set(err, ERROR_SYSTEM, "%s: cannot write: %s",
			path, strerror(errno));
	if (fd > STDERR_FILENO)
		close(fd);
	return result;
}
