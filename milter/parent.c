#include "parent.h"

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel.h"
#include "notify.h"

/* Reading very many certificates takes time, but not for ever. */
enum { START_MAX_MS = 240 * 1000 };
/* A worker ends by itself in less; then it is helped. */
enum { STOP_MAX_MS = 70 * 1000 };
enum { TICK_MS = 250 };

void
parent_complain(const struct parent *parent, const char *text)
{
	log_error("%s", text);
	if (parent->loaded == 0 && parent->conf->log_target != LOG_TO_STDERR)
		fprintf(stderr, "%s\n", text);
}

/*
 * Root may, our own user, `user`, and who is named; ca_user, who has to be
 * named as well, may hand over what it issues and no more.
 */
void
parent_set_writers(struct parent *parent)
{
	const struct list *names = &parent->conf->control_writers;
	const char *filer = parent->conf->ca_user, *name;
	const struct passwd *entry;

	mem_free(parent->writers);
	parent->writers = mem_array(names->count + 3, sizeof(uid_t));
	parent->writer_count = 0;
	parent->filer = (uid_t)-1;
	parent->writers[parent->writer_count++] = 0;
	parent->writers[parent->writer_count++] = geteuid();
	if (parent->identity.name != NULL)
		parent->writers[parent->writer_count++] = parent->identity.uid;
	LIST_FOREACH (name, names) {
		entry = getpwnam(name);
		if (entry != NULL && filer != NULL && strcmp(name, filer) == 0)
			parent->filer = entry->pw_uid;
		else if (entry != NULL)
			parent->writers[parent->writer_count++] = entry->pw_uid;
		else
			log_warning("control.writers: there is no user \"%s\"",
				name);
	}
}

static void
kill_all(const struct parent *parent)
{
	const struct child *child;

	LIST_FOREACH (child, &parent->children)
		kill(child->pid, SIGKILL);
}

static void
stop(struct parent *parent)
{
	struct child *child;

	if (parent->stopping)
		return;
	parent->stopping = true;
	parent->stop_at_ms = clock_monotonic_ms() + STOP_MAX_MS;
	notify_stopping();
	log_info("stopping, workers finish their mails");
	/* One that has not served anybody has nothing to finish. */
	if (parent->starting != NULL && parent->starting->channel >= 0)
		workers_hear(parent, parent->starting);
	if (parent->starting != NULL)
		kill(parent->starting->pid, SIGKILL);
	LIST_FOREACH (child, &parent->children)
		if (child->channel >= 0)
			channel_send(child->channel, CHANNEL_STOP, "");
	if (parent->serving == NULL)
		setup_close_listener(parent);
	control_answer_reload(parent, parent->reload_number + 1,
		CONTROL_TROUBLE, SPAN("the daemon is stopping\n"));
}

/* ---- the loop ---- */

static void
hear_signals(struct parent *parent)
{
	struct signalfd_siginfo info;

	while (read(parent->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload_begin(parent, RELOAD_WANTED);
		else if (info.ssi_signo == SIGCHLD)
			workers_reap(parent);
		else
			stop(parent);
	}
}

static void
act_on_time(struct parent *parent)
{
	struct child *starting = parent->starting;
	int64_t now = clock_monotonic_ms();

	if (parent->restart_at_ms != 0 && !parent->stopping &&
		(now >= parent->restart_at_ms ||
			reload_look_at_file(parent) == FILE_CHANGED))
		workers_restart(parent);
	if (starting != NULL && now - starting->started_ms >= START_MAX_MS) {
		parent_complain(parent, "a new worker takes too long to start");
		kill(starting->pid, SIGKILL);
	}
	if (parent->stop_at_ms != 0 && now >= parent->stop_at_ms)
		kill_all(parent);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (parent->connections[i].state != CONNECTION_FREE &&
			now >= parent->connections[i].deadline_ms)
			control_close(&parent->connections[i]);
	if (parent->reload_again && starting == NULL)
		reload_begin(parent, RELOAD_WANTED);
}

/* How long the loop may sleep. */
static int
time_left(const struct parent *parent)
{
	bool timed = parent->restart_at_ms != 0 || parent->starting != NULL ||
		     parent->stopping || parent->reload_again;

	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		timed = timed ||
			parent->connections[i].state != CONNECTION_FREE;
	return timed ? TICK_MS : -1;
}

/* Whom the loop listens to; the order of the array says who it was. */
struct waiting {
	struct pollfd fds[2 + CONNECTIONS_MAX + WORKERS_MAX];
	struct child *children[WORKERS_MAX];
	size_t child_count;
};

static void
gather(const struct parent *parent, struct waiting *waiting)
{
	struct pollfd *fds = waiting->fds;
	struct child *child;

	fds[0] = (struct pollfd){ parent->signals, POLLIN, 0 };
	fds[1] = (struct pollfd){ parent->control, POLLIN, 0 };
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		fds[2 + i] = control_pollfd(&parent->connections[i]);
	waiting->child_count = 0;
	LIST_FOREACH (child, &parent->children) {
		size_t at = waiting->child_count++;

		waiting->children[at] = child;
		fds[2 + CONNECTIONS_MAX + at] =
			(struct pollfd){ child->channel, POLLIN, 0 };
	}
}

static void
loop_once(struct parent *parent)
{
	struct waiting waiting;
	struct pollfd *fds = waiting.fds;

	gather(parent, &waiting);
	if (poll(fds, 2 + CONNECTIONS_MAX + waiting.child_count,
		    time_left(parent)) < 0)
		return;
	for (size_t i = 0; i < waiting.child_count; i++)
		if (fds[2 + CONNECTIONS_MAX + i].revents != 0)
			workers_hear(parent, waiting.children[i]);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (fds[2 + i].revents != 0)
			control_advance(parent, &parent->connections[i]);
	if (fds[1].revents != 0)
		control_accept_all(parent);
	/* Last: workers whose end is seen here are forgotten. */
	if (fds[0].revents != 0)
		hear_signals(parent);
	act_on_time(parent);
}

static void
clear(struct parent *parent)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		control_close(&parent->connections[i]);
	list_clear(&parent->children, child_free);
	setup_close(parent);
	identity_clear(&parent->identity);
	mem_free(parent->writers);
	mem_free(parent->last_refusal);
	conf_free(parent->next_conf);
	conf_free(parent->conf);
}

static int
start(struct parent *parent, struct error *err)
{
	reload_note_file(parent);
	if (setup_open(parent, err) != 0)
		return -1;
	parent_set_writers(parent);
	return workers_start(parent, err);
}

int
parent_run(struct conf *conf, int report, const struct delay *delay)
{
	struct parent parent = { .conf = conf,
		.report = report,
		.background = report >= 0,
		.delay = *delay,
		.started = clock_now(),
		.pid_fd = -1,
		.listener = -1,
		.control = -1,
		.signals = -1 };
	struct error err;

	if (start(&parent, &err) != 0) {
		parent_complain(&parent, err.text);
		clear(&parent);
		return EXIT_FAILURE;
	}
	while (!parent.stopping || parent.children.count != 0)
		loop_once(&parent);
	log_info("stopped");
	clear(&parent);
	return parent.exit_status;
}
