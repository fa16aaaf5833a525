#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "listener.h"
#include "metric/metric.h"
#include "parent.h"
#include "place.h"

static int
share_memory(struct parent *parent, struct error *err)
{
	size_t bytes = sizeof(struct shared) + metric_bytes();

	parent->shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (parent->shared == MAP_FAILED) {
		parent->shared = NULL;
		return error_set(err, ERROR_SYSTEM, "no shared memory: %s",
			strerror(errno));
	}
	log_share_level(&parent->shared->log_level);
	log_set_level(parent->conf->log_level);
	metric_share(parent->shared->metrics);
	return 0;
}

static int
take_signals(struct parent *parent, struct error *err)
{
	static const int numbers[] = { SIGHUP, SIGTERM, SIGINT, SIGCHLD };
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	parent->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (parent->signals < 0)
		return error_set(err, ERROR_SYSTEM,
			"cannot wait for signals: %s", strerror(errno));
	return 0;
}

static int
open_control(struct parent *parent, struct error *err)
{
	const struct conf_socket *where = &parent->conf->control;
	const char *path = listener_path(where->socket);

	if (path == NULL)
		return error_set(err, ERROR_CONFIG,
			"control: \"%s\" is no path", where->socket);
	if (place_make_parents(path, err) != 0 ||
		control_listen(path, where->group, where->mode,
			&parent->control, err) != 0)
		return -1;
	/* `user` is one of those who may change the daemon. */
	if (parent->identity.name != NULL &&
		chown(path, parent->identity.uid, (gid_t)-1) != 0)
		return error_set(err, ERROR_CONFIG,
			"%s: cannot change its owner: %s", path,
			strerror(errno));
	return 0;
}

int
setup_open(struct parent *parent, struct error *err)
{
	const struct conf *conf = parent->conf;

	parent->pid_fd = parent->listener = parent->control = parent->signals =
		-1;
	/* The lock first: nothing of a running daemon is touched. */
	if (sandbox_find_user(conf->user, &parent->identity, err) != 0 ||
		place_lock_pid_file(conf->pid_file, &parent->pid_fd, err) != 0)
		return -1;
	if (listener_open(&conf->listen, parent->identity.uid,
		    &parent->listener, err) == 0 &&
		open_control(parent, err) == 0 &&
		share_memory(parent, err) == 0 &&
		take_signals(parent, err) == 0)
		return 0;
	setup_close(parent);
	return -1;
}

static void
close_one(int *fd, const char *path)
{
	if (*fd < 0)
		return;
	if (path != NULL)
		unlink(path);
	close(*fd);
	*fd = -1;
}

void
setup_close_listener(struct parent *parent)
{
	close_one(
		&parent->listener, listener_path(parent->conf->listen.socket));
}

void
setup_close(struct parent *parent)
{
	const struct conf *conf = parent->conf;

	setup_close_listener(parent);
	close_one(&parent->control, listener_path(conf->control.socket));
	close_one(&parent->signals, NULL);
	/* Last: whoever gets the lock finds the places free. */
	close_one(&parent->pid_fd, conf->pid_file);
}
