/*
 * What the daemon needs of the machine: its user, the sockets' groups, and
 * what only its user can try: tokens, directories, keys that belong to him.
 */
#include "ready.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl.h"
#include "store/store.h"

/* A token or a network that never answers must not hang the check. */
enum { START_SECONDS = 60 };

static void
add(const struct conf *conf, enum problem_kind kind, struct list *problems,
	char *text)
{
	struct problem *problem = mem_alloc(sizeof(*problem));

	problem->kind = kind;
	problem->file = mem_string(conf->path);
	problem->text = text;
	list_add(problems, problem);
}

static void
check_group(const struct conf *conf, const char *setting, const char *name,
	struct list *problems)
{
	if (name != NULL && getgrnam(name) == NULL)
		add(conf, PROBLEM_ERROR, problems,
			mem_printf("%s: there is no group \"%s\" on this "
				   "machine",
				setting, name));
}

/* Not started as root, the daemon stays who it is and needs no user. */
static void
check_user(const struct conf *conf, struct list *problems)
{
	const struct passwd *entry;

	if (geteuid() != 0)
		return;
	entry = getpwnam(conf->user);
	if (entry == NULL)
		add(conf, PROBLEM_ERROR, problems,
			mem_printf("user: there is no user \"%s\" on this "
				   "machine (useradd -r makes one)",
				conf->user));
	else if (entry->pw_uid == 0)
		add(conf, PROBLEM_ERROR, problems,
			mem_printf("user: \"%s\" is root; the daemon needs a "
				   "user of its own",
				conf->user));
}

/* ---- as the user that serves mails, in a process of its own ---- */

static int
become(const char *user, struct error *err)
{
	const struct passwd *entry;

	if (geteuid() != 0)
		return 0;
	entry = getpwnam(user);
	if (entry != NULL && initgroups(user, entry->pw_gid) == 0 &&
		setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) == 0 &&
		setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) == 0)
		return 0;
	return error_set(err, ERROR_SYSTEM, "cannot become user %s: %s", user,
		strerror(errno));
}

/* Each sentence is a line: its kind in one letter, then the words. */
static void
say(FILE *out, char kind, const char *words)
{
	fputc(kind, out);
	for (; *words != '\0'; words++)
		fputc(*words == '\n' ? ' ' : *words, out);
	fputc('\n', out);
}

/* Whoever is not root can only try as himself. */
static const char *
who_tries(const struct conf *conf)
{
	const struct passwd *self = getpwuid(geteuid());

	return geteuid() == 0 || self == NULL ? conf->user : self->pw_name;
}

/* Keys that are of no use are said by the stores themselves. */
static void
look_for_sources(const struct gateway *gateway, struct list *warnings)
{
	event_set_sink(NULL);
	sources_check(gateway, warnings);
	event_set_sink(ctl_print_event);
}

static void
start_as_user(const struct conf *conf, FILE *out)
{
	struct list warnings = { 0 };
	struct error err = { 0 };
	const char *words, *user = who_tries(conf);
	struct store *store;

	alarm(START_SECONDS);
	if (become(conf->user, &err) != 0) {
		say(out, 'E', err.text);
	} else {
		if (gateway_start(conf->gateway, &warnings, &err) != 0)
			say(out, 'E', err.text);
		else
			look_for_sources(conf->gateway, &warnings);
		/* Keys that are read only when they are needed. */
		LIST_FOREACH (store, &conf->gateway->stores)
			store_check(store, user, &warnings);
	}
	LIST_FOREACH (words, &warnings)
		say(out, 'W', words);
	say(out, '.', "");
	fflush(out);
	/* Not exit(): threads of stores may run. */
	_exit(EXIT_SUCCESS);
}

/* Did it come to its end? */
static bool
hear(const struct conf *conf, FILE *from, struct list *problems)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool ended = false;

	while ((len = getline(&line, &size, from)) > 1) {
		line[len - 1] = '\0';
		ended = line[0] == '.';
		if (!ended)
			add(conf,
				line[0] == 'E' ? PROBLEM_ERROR
					       : PROBLEM_WARNING,
				problems, mem_string(line + 1));
	}
	free(line);
	return ended;
}

static int
fork_with_pipe(FILE **end, pid_t *pid)
{
	int ends[2];
	bool child;

	fflush(stdout);
	fflush(stderr);
	if (pipe(ends) != 0)
		return -1;
	*pid = fork();
	child = *pid == 0;
	close(ends[!child]);
	if (*pid < 0) {
		close(ends[0]);
		return -1;
	}
	*end = fdopen(ends[child], child ? "w" : "r");
	return *end != NULL ? 0 : -1;
}

static void
check_stores(const struct conf *conf, struct list *problems)
{
	FILE *end = NULL;
	pid_t pid = -1;
	int status = 0;
	bool ended;

	if (fork_with_pipe(&end, &pid) != 0) {
		if (pid == 0)
			_exit(EXIT_FAILURE);
		add(conf, PROBLEM_ERROR, problems,
			mem_printf(
				"cannot try the stores: %s", strerror(errno)));
		return;
	}
	if (pid == 0)
		start_as_user(conf, end);
	ended = hear(conf, end, problems);
	fclose(end);
	waitpid(pid, &status, 0);
	if (!ended)
		add(conf, PROBLEM_ERROR, problems,
			WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
				? mem_printf("the stores were not opened "
					     "within %d seconds",
					  START_SECONDS)
				: mem_printf("opening the stores ended with "
					     "status %d",
					  status));
}

void
ready_check(const struct conf *conf, struct list *problems)
{
	const char *writer;

	check_user(conf, problems);
	check_group(conf, "listen.group", conf->listen.group, problems);
	check_group(conf, "control.group", conf->control.group, problems);
	LIST_FOREACH (writer, &conf->control_writers)
		if (getpwnam(writer) == NULL)
			add(conf, PROBLEM_WARNING, problems,
				mem_printf("control.writers: there is no user "
					   "\"%s\" on this machine",
					writer));
	/* Without its user the daemon gets no further. */
	if (!ctl_has_errors(problems))
		check_stores(conf, problems);
}
