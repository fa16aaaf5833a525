/* What workers say, what becomes of them, and new ones in their place. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "background.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel.h"
#include "crypto/crypto.h"
#include "filing.h"
#include "metric/metric.h"
#include "notify.h"
#include "parent.h"

/*
 * A worker that lived this long did not die of its start; one that dies at
 * once again and again is replaced later and later.
 */
enum { HEALTHY_MS = 60 * 1000, RESTART_MAX_MS = 60 * 1000 };
/* Of one worker, before the others are heard. */
enum { WORDS_MAX = 1000 };

int
workers_start(struct parent *parent, struct error *err)
{
	struct worker_setup setup = { .conf_path = parent->conf->path,
		.listener = parent->listener,
		.identity = &parent->identity,
		.delay = &parent->delay,
		.warned_at = &parent->shared->warned_at,
		.background = parent->background };

	if (parent->children.count >= WORKERS_MAX)
		return error_set(err, ERROR_SYSTEM,
			"%d workers still finish their sessions, try later",
			WORKERS_MAX);
	if (child_start(&setup, &parent->starting, err) != 0)
		return -1;
	list_add(&parent->children, parent->starting);
	return 0;
}

static void
restart_later(struct parent *parent)
{
	int64_t wait_ms = 0;

	if (parent->deaths > 0)
		wait_ms = parent->deaths > 6 ? RESTART_MAX_MS
					     : 500 << parent->deaths;
	parent->deaths++;
	parent->restart_at_ms = clock_monotonic_ms() + wait_ms;
}

void
workers_restart(struct parent *parent)
{
	parent->restart_at_ms = 0;
	if (parent->starting != NULL || parent->serving != NULL)
		return;
	if (reload_look_at_file(parent) == FILE_CHANGES) {
		parent->restart_at_ms = clock_monotonic_ms() + 1;
		return;
	}
	/* It reads the file as it is now, and so must we. */
	reload_begin(parent, RELOAD_REPLACES);
	if (parent->starting == NULL)
		restart_later(parent);
}

/* ---- what a worker says ---- */

static void
say_ready(struct parent *parent)
{
	if (parent->report >= 0) {
		background_leave_terminal(
			parent->conf->log_target == LOG_TO_STDERR);
		background_report(parent->report);
		close(parent->report);
		parent->report = -1;
	}
	notify_ready();
}

static void
become_serving(struct parent *parent, struct child *child)
{
	child->ready_ms = clock_monotonic_ms();
	if (parent->serving != NULL)
		channel_send(parent->serving->channel, CHANNEL_DRAIN, "");
	parent->serving = child;
	parent->starting = NULL;
	if (parent->stopping)
		channel_send(child->channel, CHANNEL_STOP, "");
	if (parent->loaded == 0) {
		parent->loaded = clock_now();
		log_info("started, version %s", SMIME_MILTER_VERSION);
		if (crypto_version_warning() != NULL)
			log_warning("%s", crypto_version_warning());
	}
	say_ready(parent);
	if (parent->next_conf != NULL)
		reload_succeeded(parent);
}

/* It was told to, or a signal from outside told it. */
static void
worker_detached(struct parent *parent, struct child *child)
{
	if (child != parent->serving)
		return;
	parent->serving = NULL;
	if (parent->stopping)
		setup_close_listener(parent);
	if (parent->stopping || parent->starting != NULL)
		return;
	log_warning(
		"worker %ld was told to end from outside", (long)child->pid);
	parent->restart_at_ms = clock_monotonic_ms();
}

void
workers_hear(struct parent *parent, struct child *child)
{
	char text[CHANNEL_TEXT_MAX];

	/*
	 * A worker speaks of its start until it is ready and never again: one
	 * that was taken over by a mail must not do anything to the parent.
	 */
	for (unsigned i = 0; i < WORDS_MAX; i++) {
		bool starts = child == parent->starting;

		switch (channel_receive(child->channel, text)) {
		case CHANNEL_ERROR:
			if (!starts)
				break;
			parent_complain(parent, text);
			list_add(&child->errors, mem_string(text));
			break;
		case CHANNEL_WARNING:
			if (!starts)
				break;
			log_warning("%s", text);
			list_add(&child->warnings, mem_string(text));
			break;
		case CHANNEL_READY:
			if (starts)
				become_serving(parent, child);
			break;
		case CHANNEL_DETACHED:
			worker_detached(parent, child);
			break;
		case CHANNEL_NOTHING:
			return;
		case CHANNEL_DRAIN:
		case CHANNEL_STOP:
		case CHANNEL_END:
			close(child->channel);
			child->channel = -1;
			return;
		}
	}
}

/* ---- what becomes of a worker ---- */

static void
remove_child(struct parent *parent, struct child *child)
{
	struct list *children = &parent->children;

	for (size_t i = 0; i < children->count; i++)
		if (children->item[i] == child)
			children->item[i] = children->item[--children->count];
	child_free(child);
}

static void
log_death(const struct child *child, int status)
{
	if (WIFSIGNALED(status))
		log_error("worker %ld was ended by signal %d (%s)",
			(long)child->pid, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_error("worker %ld ended with status %d", (long)child->pid,
			WEXITSTATUS(status));
}

/* A new worker would try the same PIN again, and lock the card at last. */
static void
give_up(struct parent *parent)
{
	log_error("stopping, since a PIN was refused and is not tried again");
	parent->stopping = true;
	parent->exit_status = EX_NOPERM;
	setup_close_listener(parent);
}

static void
starting_has_ended(struct parent *parent, int status)
{
	const struct child *child = parent->starting;
	bool refused = WIFEXITED(status) && WEXITSTATUS(status) == EX_NOPERM;

	parent->starting = NULL;
	if (parent->stopping) /* we ended it, and have said so */
		return;
	log_death(child, status);
	if (parent->next_conf != NULL)
		reload_failed(parent, child, status);
	if (refused && parent->serving == NULL) {
		give_up(parent);
	} else if (parent->loaded == 0) {
		parent->stopping = true;
		parent->exit_status = EXIT_FAILURE;
	} else if (parent->serving == NULL) {
		restart_later(parent);
	}
}

static void
serving_has_ended(struct parent *parent, const struct child *child)
{
	parent->serving = NULL;
	if (parent->stopping)
		return;
	metric_add(METRIC_WORKERS_REPLACED, 1);
	log_error("worker %ld ended without being told, a new one starts",
		(long)child->pid);
	if (clock_monotonic_ms() - child->ready_ms > HEALTHY_MS)
		parent->deaths = 0;
	if (parent->starting == NULL)
		restart_later(parent);
}

static struct child *
find_child(const struct parent *parent, pid_t pid)
{
	struct child *child;

	LIST_FOREACH (child, &parent->children)
		if (child->pid == pid)
			return child;
	return NULL;
}

void
workers_reap(struct parent *parent)
{
	struct child *child;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		child = find_child(parent, pid);
		if (child == NULL) {
			filing_ended(parent, pid);
			continue;
		}
		if (child->channel >= 0)
			workers_hear(parent, child); /* its last words */
		if (child == parent->starting)
			starting_has_ended(parent, status);
		else
			log_death(child, status);
		if (child == parent->serving)
			serving_has_ended(parent, child);
		remove_child(parent, child);
	}
}
