#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "background.h"
#include "base/event.h"
#include "base/leave.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel.h"
#include "drain.h"
#include "watch.h"

static const int own_signals[] = { SIGTERM, SIGINT, SIGHUP };
static int wake[2]; /* what handlers write and the main thread reads */

static void fail_start(const struct worker_setup *setup,
	const struct error *err) __attribute__((noreturn));

static void
fail_start(const struct worker_setup *setup, const struct error *err)
{
	channel_send(setup->channel, CHANNEL_ERROR, err->text);
	/* Stores may have begun threads. */
	leave(err->refused ? EX_NOPERM : EX_CONFIG);
}

static void
log_event(enum event_kind kind, const char *text)
{
	switch (kind) {
	case EVENT_ERROR:
		log_error("%s", text);
		break;
	case EVENT_WARNING:
		log_warning("%s", text);
		break;
	case EVENT_INFO:
		log_info("%s", text);
		break;
	}
}

static struct conf *
load(const struct worker_setup *setup)
{
	struct list problems = { 0 };
	const struct problem *problem;
	struct conf *conf = NULL;
	int failed = conf_load(setup->conf_path, true, &conf, &problems);

	LIST_FOREACH (problem, &problems) {
		char *text = problem_format(problem);

		channel_send(setup->channel,
			problem->kind == PROBLEM_ERROR ? CHANNEL_ERROR
						       : CHANNEL_WARNING,
			text);
		mem_free(text);
	}
	list_clear(&problems, problem_free);
	if (failed)
		exit(EX_CONFIG);
	log_open(conf->log_target, conf->log_facility);
	if (setup->background)
		background_leave_terminal(conf->log_target == LOG_TO_STDERR);
	event_set_sink(log_event);
	return conf;
}

/*
 * libmilter ends on SIGHUP and SIGTERM and would drop sessions.  It waits for
 * them in threads of its own, so the main thread, to which the kernel turns
 * first, never blocks them, and every other thread does.
 */
static void
set_signals_blocked(bool blocked)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(own_signals); i++)
		sigaddset(&set, own_signals[i]);
	pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* Threads that begin here must not get the signals of the main thread. */
static int
start_gateway(const struct worker_setup *setup, struct gateway *gateway,
	struct error *err)
{
	struct list warnings = { 0 };
	const char *text;
	int result;

	set_signals_blocked(true);
	result = gateway_start(gateway, &warnings, err);
	set_signals_blocked(false);
	LIST_FOREACH (text, &warnings)
		channel_send(setup->channel, CHANNEL_WARNING, text);
	list_clear(&warnings, mem_free);
	return result;
}

static void
on_signal(int number)
{
	unsigned char word = (unsigned char)number;
	int saved_errno = errno;

	if (write(wake[1], &word, 1) < 0)
		errno = saved_errno; /* full: a word is on its way already */
	errno = saved_errno;
}

static int
handle_signals(struct error *err)
{
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART };

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
		return error_set(err, ERROR_SYSTEM, "cannot make a pipe: %s",
			strerror(errno));
	for (size_t i = 0; i < COUNT_OF(own_signals); i++)
		sigaction(own_signals[i], &action, NULL);
	return 0;
}

static void *
serve(void *arg)
{
	unsigned char word = 0;

	(void)smfi_main();
	/* Only when it could not go on: the parent makes a new worker. */
	if (write(wake[1], &word, 1) < 0)
		abort();
	return arg;
}

static int
start_threads(struct gateway *gateway, struct error *err)
{
	pthread_t thread;
	int why;

	set_signals_blocked(true);
	if (handle_signals(err) != 0 || watch_start(err) != 0 ||
		gateway_start_refresh(gateway, err) != 0)
		return -1;
	why = pthread_create(&thread, NULL, serve, NULL);
	if (why != 0)
		return error_set(err, ERROR_SYSTEM, "cannot start a thread: %s",
			strerror(why));
	set_signals_blocked(false);
	return 0;
}

static int
watch_concerns(const struct worker_setup *setup, const struct filter *filter,
	struct error *err)
{
	const struct concerns_watch watch = { .gateway = filter->conf->gateway,
		.authorities = &filter->conf->authorities,
		.out = &setup->tally->concerns,
		.warned_at = setup->warned_at };
	int result;

	set_signals_blocked(true);
	result = concerns_start(&watch, err);
	set_signals_blocked(false);
	return result;
}

static void
hear_parent(const struct worker_setup *setup, struct drain *drain)
{
	char text[CHANNEL_TEXT_MAX];
	enum channel_kind kind;

	/* All of it: once the parent has gone, nobody looks here again. */
	do {
		kind = channel_receive(setup->channel, text);
		if (kind == CHANNEL_STOP)
			drain_stop(drain);
		if (kind == CHANNEL_DRAIN || kind == CHANNEL_END)
			drain_begin(drain);
		if (kind == CHANNEL_DRAIN || kind == CHANNEL_STOP)
			channel_send(setup->channel, CHANNEL_DETACHED, "");
	} while (kind == CHANNEL_DRAIN || kind == CHANNEL_STOP);
}

/* Signals come from outside: the parent has the channel. */
static void
hear_signal(const struct worker_setup *setup, struct drain *drain)
{
	unsigned char word;

	while (read(wake[0], &word, 1) == 1) {
		if (word == 0) {
			log_error("libmilter has ended");
			_exit(EX_SOFTWARE);
		}
		drain_begin(drain);
		channel_send(setup->channel, CHANNEL_DETACHED, "");
	}
}

static void
serve_until_told(const struct worker_setup *setup, struct drain *drain)
{
	struct pollfd wait[] = { { wake[0], POLLIN, 0 },
		{ setup->channel, POLLIN, 0 } };
	bool parent_gone = false;

	while (!drain_is_over(drain)) {
		if (poll(wait, parent_gone ? 1 : 2,
			    drain->detached ? DRAIN_ROUND_MS : -1) <= 0)
			continue;
		if (wait[0].revents != 0)
			hear_signal(setup, drain);
		if (!parent_gone && wait[1].revents != 0)
			hear_parent(setup, drain);
		parent_gone = parent_gone || (wait[1].revents & POLLHUP) != 0;
	}
}

void
worker_run(const struct worker_setup *setup)
{
	static struct filter filter; /* callbacks have no other way to it */
	struct error err = { 0 };
	struct drain drain;
	struct adopted adopted;
	const char *missing = NULL;

	sandbox_tune_memory();
	filter.conf = load(setup);
	filter.delay = *setup->delay;
	budget_init(&filter.budget, setup->tally, filter.conf->mails,
		filter.conf->buffered_bytes);
	if (filter_register(&filter, &err) != 0 ||
		adopt_listener(setup->listener, &adopted, &err) != 0 ||
		drain_init(&drain, &filter, &adopted, &err) != 0 ||
		sandbox_drop_root(setup->identity, &err) != 0 ||
		start_gateway(setup, filter.conf->gateway, &err) != 0 ||
		sandbox_seal(&missing, &err) != 0 ||
		start_threads(filter.conf->gateway, &err) != 0 ||
		watch_concerns(setup, &filter, &err) != 0)
		fail_start(setup, &err);
	if (missing != NULL)
		channel_send(setup->channel, CHANNEL_WARNING, missing);
	channel_send(setup->channel, CHANNEL_READY, "");
	serve_until_told(setup, &drain);
	drain_exit(&drain);
}
