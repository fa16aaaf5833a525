/* Another program's answer. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "mta.h"

enum { NOT_FOUND = 127 };

/* -1: nothing; what it complains of is heard only when it is given input. */
static _Noreturn void
become(const char *const argv[], int in, int out)
{
	int null = open("/dev/null", O_RDWR);
	char *elsewhere = mem_printf("/usr/sbin/%s", argv[0]);

	dup2(in >= 0 ? in : null, STDIN_FILENO);
	if (in < 0)
		dup2(null, STDERR_FILENO);
	dup2(out >= 0 ? out : null, STDOUT_FILENO);
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

static int
wait_for(pid_t child)
{
	int how = 0;

	while (child > 0 && waitpid(child, &how, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(how) ? WEXITSTATUS(how) : 128;
}

int
run_program(const char *const argv[], struct buf *out, int *status,
	struct error *err)
{
	int ends[2], result;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(err, ERROR_SYSTEM, "no pipe to %s: %s",
			argv[0], strerror(errno));
	child = fork();
	if (child == 0)
		become(argv, -1, ends[1]);
	close(ends[1]);
	result = child > 0
			 ? read_until_end(ends[0], out, err)
			 : error_set(err, ERROR_SYSTEM, "%s", strerror(errno));
	close(ends[0]);
	*status = wait_for(child);
	if (result != 0)
		error_prefix(err, "%s: ", argv[0]);
	return result;
}

/* SIGPIPE is ignored: whoever does not read says so by its status. */
static void
write_all(int fd, struct span bytes)
{
	void (*was)(int) = signal(SIGPIPE, SIG_IGN);

	(void)!file_put(fd, bytes);
	signal(SIGPIPE, was);
}

int
run_program_with(const char *const argv[], struct span input, int *status,
	struct error *err)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(err, ERROR_SYSTEM, "no pipe to %s: %s",
			argv[0], strerror(errno));
	child = fork();
	if (child == 0)
		become(argv, ends[0], -1);
	close(ends[0]);
	if (child > 0)
		write_all(ends[1], input);
	close(ends[1]);
	if (child < 0)
		return error_set(
			err, ERROR_SYSTEM, "%s: %s", argv[0], strerror(errno));
	*status = wait_for(child);
	return 0;
}
