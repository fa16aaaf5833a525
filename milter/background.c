#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Anything but the daemon's word, its death for one, is a failed start. */
static void
wait_for_report(int report)
{
	char word = 0;
	ssize_t got;

	do
		got = read(report, &word, 1);
	while (got < 0 && errno == EINTR);
	_exit(got == 1 && word == 'y' ? EXIT_SUCCESS : EXIT_FAILURE);
}

void
background_fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int
fork_or_explain(struct error *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return error_set(
			err, ERROR_SYSTEM, "cannot fork: %s", strerror(errno));
	return pid != 0;
}

int
background_enter(int *report, struct error *err)
{
	int ends[2], is_parent;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(err, ERROR_SYSTEM, "cannot make a pipe: %s",
			strerror(errno));
	is_parent = fork_or_explain(err);
	if (is_parent < 0)
		return -1;
	close(ends[is_parent]); /* the parent keeps 0, the child 1 */
	if (is_parent)
		wait_for_report(ends[0]);
	/* Twice, so that no terminal can ever be ours again. */
	setsid();
	is_parent = fork_or_explain(err);
	if (is_parent < 0)
		return -1;
	if (is_parent)
		_exit(EXIT_SUCCESS);
	if (chdir("/") != 0)
		return error_set(err, ERROR_SYSTEM, "cannot go to /: %s",
			strerror(errno));
	/* What is wrong is still said on stderr. */
	background_leave_terminal(1);
	*report = ends[1];
	return 0;
}

void
background_leave_terminal(int keep_stderr)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (!keep_stderr)
		dup2(null, STDERR_FILENO);
	close(null);
}

void
background_report(int report)
{
	if (write(report, "y", 1) < 0)
		return; /* the launching process is gone: nothing to tell */
}
