/* May the MTA's user connect to our socket? */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "mta.h"

enum { GROUPS_MAX = 256 };

struct person {
	const char *name;
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int count;
};

static bool
is_in(const struct person *person, gid_t group)
{
	for (int i = 0; i < person->count; i++)
		if (person->groups[i] == group)
			return true;
	return false;
}

/* wanted: the rwx bits as of others */
static bool
may(const struct person *person, const struct stat *st, mode_t wanted)
{
	if (person->uid == 0)
		return true;
	if (st->st_uid == person->uid)
		wanted <<= 6;
	else if (is_in(person, st->st_gid))
		wanted <<= 3;
	return (st->st_mode & wanted) == wanted;
}

/* The first folder on the way that shuts the person out; owned, or NULL. */
static char *
closed_folder(const struct person *person, const char *path)
{
	for (const char *c = path; *c != '\0'; c++) {
		struct stat st;
		char *folder;

		if (*c != '/')
			continue;
		folder = mem_string_n(path, c == path ? 1 : (size_t)(c - path));
		if (stat(folder, &st) == 0 && !may(person, &st, S_IXOTH))
			return folder;
		mem_free(folder);
	}
	return NULL;
}

static int
find_person(const char *user, struct person *out)
{
	struct passwd *entry = getpwnam(user);

	if (entry == NULL)
		return -1;
	out->name = user;
	out->uid = entry->pw_uid;
	out->count = GROUPS_MAX;
	return getgrouplist(user, entry->pw_gid, out->groups, &out->count) < 0
		       ? -1
		       : 0;
}

/* The daemon has not made it yet: what the configuration says will be. */
static void
check_promise(struct findings *findings, const struct conf_socket *listen,
	const struct person *person)
{
	struct group *group =
		listen->group != NULL ? getgrnam(listen->group) : NULL;

	find_warning(findings,
		"%s: the socket is not there: is the daemon "
		"running?",
		listen->socket);
	if (person->uid == 0 || (listen->mode & 0006) == 0006)
		return;
	if ((listen->mode & 0060) == 0060 && group != NULL &&
		is_in(person, group->gr_gid))
		return;
	find_error(findings,
		"the socket will have group %s and mode %04o: "
		"user %s cannot connect (listen.group, listen.mode)",
		listen->group ? listen->group : "(of the daemon)",
		(unsigned)listen->mode, person->name);
}

void
check_socket_rights(
	struct findings *findings, const struct conf *conf, const char *user)
{
	const char *path = conf->listen.socket;
	struct person person;
	struct stat st;
	char *folder;

	if (strncmp(path, "unix:", 5) == 0)
		path += 5;
	if (*path != '/')
		return;
	if (find_person(user, &person) != 0) {
		find_warning(findings, "there is no user %s to look at", user);
		return;
	}
	folder = closed_folder(&person, path);
	if (folder != NULL)
		find_error(findings,
			"user %s may not enter %s, so the MTA "
			"cannot reach the socket %s",
			user, folder, path);
	else if (stat(path, &st) != 0)
		check_promise(findings, &conf->listen, &person);
	else if (!S_ISSOCK(st.st_mode))
		find_error(findings, "%s is no socket", path);
	else if (!may(&person, &st, S_IROTH | S_IWOTH))
		find_error(findings,
			"user %s may not connect to %s (mode "
			"%04o): listen.group must be a group that user is "
			"in",
			user, path, (unsigned)st.st_mode & 07777);
	else
		find_note(findings, "user %s may connect to %s", user, path);
	mem_free(folder);
}
