/* What the daemon needs of the machine: its user, and the sockets' groups. */
#include "ready.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/mem.h"

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
}
