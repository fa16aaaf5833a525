/* Another program's answer. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mta.h"

enum { NOT_FOUND = 127 };

static _Noreturn void
become(const char *const argv[], int out)
{
	int null = open("/dev/null", O_RDWR);
	char *elsewhere = mem_printf("/usr/sbin/%s", argv[0]);

	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	execvp(argv[0], (char *const *)argv);
	execv(elsewhere, (char *const *)argv);
	_exit(NOT_FOUND);
}

static int
read_until_end(int fd, struct buf *out, struct error *err)
{
	for (;;) {
		char chunk[8192];
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(
				err, ERROR_SYSTEM, "%s", strerror(errno));
		if (got == 0)
			return 0;
		if (buf_add(out, chunk, (size_t)got, err) != 0)
			return -1;
	}
}

int
run_program(const char *const argv[], struct buf *out, int *status,
	struct error *err)
{
	int ends[2], result, how = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(err, ERROR_SYSTEM, "no pipe to %s: %s",
			argv[0], strerror(errno));
	child = fork();
	if (child == 0)
		become(argv, ends[1]);
	close(ends[1]);
	result = child > 0
			 ? read_until_end(ends[0], out, err)
			 : error_set(err, ERROR_SYSTEM, "%s", strerror(errno));
	close(ends[0]);
	while (child > 0 && waitpid(child, &how, 0) < 0 && errno == EINTR)
		;
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128;
	if (result != 0)
		error_prefix(err, "%s: ", argv[0]);
	return result;
}
