#include "base/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- who? ---- */

struct owner {
	uid_t user;
	gid_t group;
};

/*
 * Visit top, then each folder from there to path: visit returns 0 to go on.
 * A path that is not below top is top alone.
 */
static int
each_level(const char *top, const char *path,
	int (*visit)(void *self, const char *level, struct error *err),
	void *self, struct error *err)
{
	size_t len = strlen(top);
	char *level = mem_string(path), *end = level + len;
	int result = visit(self, top, err);

	if (strncmp(path, top, len) != 0 || *end != '/')
		end = NULL;
	while (result == 0 && end != NULL) {
		end = strchr(end + 1, '/');
		if (end != NULL)
			*end = '\0';
		result = visit(self, level, err);
		if (end != NULL)
			*end = '/';
	}
	mem_free(level);
	return result;
}

struct looking {
	struct owner owner;
	bool seen; /* the topmost one */
};

/* 1: from here on it is not root's, or not there. */
static int
look(void *p, const char *level, struct error *err)
{
	struct looking *self = p;
	struct stat st;
	int got = self->seen ? lstat(level, &st) : stat(level, &st);

	if (got != 0 && self->seen)
		return 1;
	if (got != 0)
		return error_set(err, ERROR_SYSTEM,
			"%s: cannot be examined: %s", level, strerror(errno));
	self->seen = true;
	self->owner = (struct owner){ st.st_uid, st.st_gid };
	return st.st_uid != 0;
}

int
owned_become(const char *top, const char *path, struct owned_was *was,
	struct error *err)
{
	struct looking looking = { 0 };
	const struct owner *owner = &looking.owner;

	*was = (struct owned_was){ 0 };
	if (geteuid() != 0)
		return 0;
	if (each_level(top, path, look, &looking, err) < 0)
		return -1;
	if (owner->user == 0)
		return 0;
	was->switched = true;
	was->group = (gid_t)setfsgid(owner->group);
	was->user = (uid_t)setfsuid(owner->user);
	if ((uid_t)setfsuid((uid_t)-1) == owner->user)
		return 0;
	owned_become_self(was);
	return error_set(err, ERROR_SYSTEM,
		"%s: root cannot act as its owner (user %ld) here", path,
		(long)owner->user);
}

void
owned_become_self(const struct owned_was *was)
{
	if (!was->switched)
		return;
	setfsuid(was->user);
	setfsgid(was->group);
}

/* ---- folders ---- */

static int
cannot_make(const char *path, struct error *err)
{
	int why = errno;

	return error_set(err, ERROR_CONFIG,
		"%s: user %ld cannot make this folder: %s", path,
		(long)setfsuid((uid_t)-1), strerror(why));
}

/* What mkdir(2) has made is taken by its descriptor: no name is trusted. */
static int
make_one(const char *path, mode_t mode, const struct owner *owner,
	struct error *err)
{
	int fd, result = 0;

	if (mkdir(path, S_IRWXU) != 0)
		return errno == EEXIST ? 0 : cannot_make(path, err);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 ||
		(owner != NULL && fchown(fd, owner->user, owner->group) != 0) ||
		fchmod(fd, mode) != 0)
		result = cannot_make(path, err);
	if (fd >= 0)
		close(fd);
	return result;
}

int
owned_make_top(
	const char *path, const char *user, mode_t mode, struct error *err)
{
	char space[4096];
	struct passwd entry, *found = NULL;
	struct owner owner;

	if (geteuid() != 0 || user == NULL)
		return make_one(path, mode, NULL, err);
	if (getpwnam_r(user, &entry, space, sizeof(space), &found) != 0 ||
		found == NULL)
		return error_set(err, ERROR_CONFIG,
			"%s: is to belong to user \"%s\", but there is no such "
			"user",
			path, user);
	owner = (struct owner){ found->pw_uid, found->pw_gid };
	return make_one(path, mode, &owner, err);
}

struct making {
	const char *top;
	mode_t mode;
};

static int
make_level(void *p, const char *level, struct error *err)
{
	const struct making *self = p;

	if (strcmp(level, self->top) == 0)
		return 0;
	return make_one(level, self->mode, NULL, err);
}

int
owned_make_below(
	const char *top, const char *path, mode_t mode, struct error *err)
{
	struct making making = { top, mode };
	struct owned_was was;
	int result;

	if (owned_become(top, path, &was, err) != 0)
		return -1;
	result = each_level(top, path, make_level, &making, err);
	owned_become_self(&was);
	return result;
}
