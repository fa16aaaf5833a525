#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "channel.h"

/*
 * Descriptors of the parent do not close by themselves, there is no exec; and
 * a worker that held another one's channel would keep it from seeing its end.
 */
static void
keep_only(struct worker_setup *setup)
{
	int first = STDERR_FILENO + 1;
	int high = fcntl(setup->channel, F_DUPFD_CLOEXEC, first + 2);

	closelog();
	if (setup->listener != first) {
		/* The listener's own place may be wanted for itself only. */
		if (high < 0 || dup2(setup->listener, first) < 0)
			_exit(EX_OSERR);
		setup->listener = first;
	}
	if (high < 0 || dup2(high, first + 1) < 0)
		_exit(EX_OSERR);
	setup->channel = first + 1;
	closefrom(first + 2);
}

static void run(struct worker_setup *setup) __attribute__((noreturn));

static void
run(struct worker_setup *setup)
{
	sigset_t none;

	keep_only(setup);
	unsetenv("NOTIFY_SOCKET");
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	worker_run(setup);
}

int
child_start(struct worker_setup *setup, struct child **out, struct error *err)
{
	struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct child *child;
	int ends[2] = { -1, -1 };
	pid_t pid;

	if (tally == MAP_FAILED || channel_open(ends) != 0)
		goto failed;
	setup->tally = tally;
	setup->channel = ends[1];
	pid = fork();
	if (pid == 0)
		run(setup);
	if (pid < 0)
		goto failed;
	close(ends[1]);
	child = mem_alloc(sizeof(*child));
	*child = (struct child){ .pid = pid,
		.channel = ends[0],
		.tally = tally,
		.started_ms = clock_monotonic_ms() };
	*out = child;
	return 0;
failed:
	error_set(err, ERROR_SYSTEM, "cannot start a worker: %s",
		strerror(errno));
	if (tally != MAP_FAILED)
		munmap(tally, sizeof(*tally));
	if (ends[0] >= 0) {
		close(ends[0]);
		close(ends[1]);
	}
	return -1;
}

void
child_free(void *item)
{
	struct child *child = item;

	if (child->channel >= 0)
		close(child->channel);
	munmap(child->tally, sizeof(*child->tally));
	list_clear(&child->errors, mem_free);
	list_clear(&child->warnings, mem_free);
	mem_free(child);
}
